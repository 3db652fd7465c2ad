"""How people are shown; what a password, an address and a one-time link must be."""

from __future__ import annotations

import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import lazy_gettext as _l

from livinglab.core.errors import Forbidden, Refused, TooMany
from livinglab.core.text import initials
from livinglab.core.tokens import token_hash
from livinglab.core.viewer import Role, Viewer
from livinglab.people.models import EMAIL_MAX, PASSWORD_MAX, PASSWORD_MIN, LinkPurpose

_ADDRESS = re.compile(
    r"[^@\s\x00-\x1f,;<>()\[\]\\\"]{1,64}@[^@\s\x00-\x1f,;<>()\[\]\\\"]+\.[^@\s.,;<>()]{2,63}"
)
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)

LIFETIME = {
    LinkPurpose.CONFIRM: timedelta(days=7),
    LinkPurpose.SIGN_IN: timedelta(minutes=30),
    LinkPurpose.RESET: timedelta(minutes=60),
    LinkPurpose.CHANGE_EMAIL: timedelta(hours=24),
}
DEVICE_LIFETIME = timedelta(days=60)
FRESH_FOR = timedelta(minutes=15)
"""How long signing in stands for a password that somebody does not have."""
FREE_FAILURES = 5
LONGEST_DELAY = timedelta(hours=1)
GUARD_MEMORY = timedelta(days=1)
MAILS_AN_HOUR = 5


@dataclass(frozen=True, slots=True)
class Face:
    """Somebody as a page may show them; it holds nothing a byline hides (rule P4).

    Args:
        kind: ``person``, ``alias`` (a pseudonym), ``resident`` (unnamed) or ``former`` (erased).
        photo: Key of a stored picture.
        title: Role title of staff.
    """

    name: object
    kind: str = "person"
    photo: str | None = None
    title: str = ""

    @property
    def initials(self) -> str:
        """Return the letters drawn where there is no photo."""
        return initials(str(self.name)) if self.kind in ("person", "alias") else ""


RESIDENT = Face(_l("A resident"), kind="resident")
FORMER = Face(_l("Former participant"), kind="former")


def face_of(
    *,
    name: str | None,
    pseudonym: str | None = None,
    byline: str = "name",
    photo: str | None = None,
    title: str = "",
    erased: bool = False,
) -> Face:
    """Return how a person is shown under a byline. Source: rules P4, P6.

    Args:
        byline: ``name``, ``pseudonym`` or ``resident``.
    """
    if erased or not name:
        return FORMER
    if byline == "pseudonym" and pseudonym:
        return Face(pseudonym, kind="alias")
    if byline != "name":
        return RESIDENT
    return Face(name, photo=photo, title=title)


# ── addresses and passwords ──


def why_not_address(email: str) -> Refused | None:
    """Say why this cannot be an e-mail address."""
    if len(email) > EMAIL_MAX or not _ADDRESS.fullmatch(email):
        return Refused("bad-address", _l("Write an e-mail address such as name@example.org."), field="email")
    return None


_WELL_KNOWN = """
    password passwort passord lösenord losenord salasana passphrase secret hemmelig hemlig salainen changeme
    welcome velkommen välkommen valkommen tervetuloa hello hallo hejsan moikka letmein trustno iloveyou
    jegelskerdeg jagälskardig minärakastansinua kjærlighet kärlek rakkaus kulta skatt älskling
    admin administrator login guest default testing master dragon monkey shadow princess sunshine superman
    batman pokemon starwars computer datamaskin dator tietokone internet football fotball fotboll jalkapallo
    hockey ishockey jääkiekko liverpool arsenal chelsea manchester barcelona summer winter spring autumn
    sommer vinter sommar høsten hösten våren kesä talvi kevät syksy mandag måndag maanantai
    norge norway noreg sverige sweden suomi finland oslo bergen trondheim tromsø stockholm göteborg helsinki
    rovaniemi tampere mamma pappa familie familj perhe baby angel jesus michael jordan charlie
    livinglab idea test pass love qaz wsx zaq
"""
COMMON = frozenset(_WELL_KNOWN.split())
"""Words that open most lists of stolen passwords, in our four languages."""
_ROWS = (
    "abcdefghijklmnopqrstuvwxyzåäö",
    "01234567890",
    "qwertyuiopå",
    "asdfghjklöä",
    "asdfghjkløæ",
    "zxcvbnm",
)
_RUNS = (*_ROWS, *(row[::-1] for row in _ROWS))
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_REPEATED = re.compile(r"(.+?)\1+", re.DOTALL)
_AS_LETTERS = str.maketrans("@$0134578", "asoieastb")
LEAST_PIECES = 6
"""Pieces a password needs, where a well-known word, a run of keys or a year is one piece, like a letter."""


def why_not_password(password: str, *, email: str = "", name: str = "", site: str = "") -> Refused | None:
    """Say why this password is too weak.

    Args:
        site: Name of the site; with the person's address and name the first thing that is tried.

    Source: NIST SP 800-63B, 5.1.1.2.
    """
    if len(password) < PASSWORD_MIN:
        return Refused("password-short", _l("The password needs at least 10 characters."), field="password")
    if len(password) > PASSWORD_MAX:
        return Refused("password-long", _l("The password may have at most 256 characters."), field="password")
    if _is_guessable(password.lower(), COMMON | _own_words(email, name, site)):
        reason = _l("This password is too easy to guess. Take three or four words that have no connection.")
        return Refused("password-guessable", reason, field="password")
    return None


def _own_words(*told: str) -> frozenset[str]:
    """Return what is known of somebody: address and name, whole and in parts."""
    whole = [text.lower().strip() for text in told if text]
    parts = [part for text in whole for part in re.split(r"[\W_]+", text.partition("@")[0])]
    return frozenset(word for word in (*whole, *parts) if len(word) > 2)


def _is_guessable(text: str, words: frozenset[str]) -> bool:
    """Say whether it is one thing over and over, or only a few well-known pieces."""
    if len(set(text)) < 4 or _REPEATED.fullmatch(text):
        return True
    letters, pieces, at = text.translate(_AS_LETTERS), 0, 0
    while at < len(text) and pieces < LEAST_PIECES:
        known = [len(word) for word in words if text.startswith(word, at) or letters.startswith(word, at)]
        year = _YEAR.match(text, at)
        at += max((1, _run(text, at), 4 if year else 1, *known))
        pieces += 1
    return pieces < LEAST_PIECES


def _run(text: str, at: int) -> int:
    """Return how many keys or letters in a row begin here; fewer than three are none, one key held is one."""
    held = 1
    while at + held < len(text) and text[at + held] == text[at]:
        held += 1
    best = held
    for row in _RUNS:
        start, run = row.find(text[at]), 0
        while start >= 0 and at + run < len(text) and row[start + run : start + run + 1] == text[at + run]:
            run += 1
        best = max(best, run)
    return best if best > 2 else 1


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A password that has passed the rules, as its hash. Only ``new_password`` makes one."""

    hash: str


def _same(password: str) -> str:
    """Return the one form of a password that may be typed in several (RFC 8265)."""
    return unicodedata.normalize("NFC", password)


def new_password(password: str, *, email: str = "", name: str = "", site: str = "") -> NewPassword:
    """Check and hash a password; it takes 50 ms, so do it before a transaction is opened.

    Raises:
        Refused: ``password-short``, ``password-long``, ``password-guessable``.
    """
    problem = why_not_password(password, email=email, name=name, site=site)
    if problem is not None:
        raise problem
    return NewPassword(_HASHER.hash(_same(password)))


@dataclass(frozen=True, slots=True)
class Proof:
    """That a password was compared with a stored hash, and how it went.

    Args:
        against: The stored hash; ``None`` where there was none. Commands check that it still stands.
        renewed: A new hash where the old one was made with weaker settings.
        fresh: Whether this browser came by a mailed link within ``FRESH_FOR``: it stands for a password
            where there is none.
    """

    good: bool
    against: str | None
    renewed: str | None = None
    fresh: bool = False


@lru_cache(maxsize=1)
def _dummy() -> str:
    return _HASHER.hash(secrets.token_urlsafe(16))


def prove(password: str, stored: str | None) -> Proof:
    """Compare a password with a stored hash, taking as long where there is none (rule P2).

    Outside a transaction: it takes 50 ms.
    """
    try:
        _HASHER.verify(stored or _dummy(), _same(password[: PASSWORD_MAX + 1]))
    except (VerificationError, InvalidHashError):
        return Proof(good=False, against=stored)
    if stored is None:
        return Proof(good=False, against=None)
    renewed = _HASHER.hash(_same(password)) if _HASHER.check_needs_rehash(stored) else None
    return Proof(good=True, against=stored, renewed=renewed)


def address_key(email: str) -> str:
    """Return the key under which tries of an address are counted."""
    return token_hash(f"address:{email.strip().lower()}")


def why_not_current(current: Proof, *, password_hash: str | None, mailbox: bool) -> Refused | None:
    """Say what is missing before an account itself is changed or deleted: whoever borrows a browser has not.

    Args:
        mailbox: Whether the account has a confirmed address, to which a link can be mailed.

    Source: rules P5, P6.
    """
    if password_hash is not None:
        if current.good and current.against == password_hash:
            return None
        return Refused("wrong-password", _l("This is not your present password."), field="current")
    if current.fresh or not mailbox:
        return None
    return Refused("sign-in-again", _l("Let us mail you a link first, so that it is surely you."))


# ── limits ──


def delay_after(failures: int) -> timedelta:
    """Return how long an address rests after so many misses: 30 s after five, doubling to an hour."""
    if failures < FREE_FAILURES:
        return timedelta()
    doublings = min(failures - FREE_FAILURES, 12)
    return min(timedelta(seconds=30 << doublings), LONGEST_DELAY)


def why_not_try(barred_until: datetime | None, now: datetime) -> Refused | None:
    """Say that an address rests after wrong passwords; the same for addresses nobody has."""
    if barred_until is None or barred_until <= now:
        return None
    return TooMany(
        "try-later",
        _l(
            "There were too many wrong tries for this address. Wait a while, or use a sign-in link by e-mail."
        ),
    )


def why_not_more_mail(mails_last_hour: int) -> Refused | None:
    """Say why no further mail goes to an address this hour."""
    if mails_last_hour >= MAILS_AN_HOUR:
        return TooMany(
            "mail-later",
            _l("We have sent several e-mails within the hour. Look in your spam folder, or wait."),
        )
    return None


# ── accounts and roles ──


def why_not_enter(*, suspended: bool, erased: bool) -> Refused | None:
    """Say why somebody who has proven who they are may still not sign in."""
    if suspended:
        reason = _l(
            "This account is suspended for now. The letter in your mail says why, until when, and how to "
            "appeal."
        )
        return Forbidden("account-closed", reason)
    if erased:
        return Forbidden(
            "account-closed", _l("This account is closed. Write to us if you think this is a mistake.")
        )
    return None


def why_not_end_role(by: Viewer, *, lab_id: int, person_id: int, role: Role, managers: int) -> Refused | None:
    """Say why a role may not be ended: by the lab's manager, the administrator, or the person alone.

    Args:
        managers: How many managers the lab has now.

    Source: DOMAIN section 3, rule P5.
    """
    if by.is_admin:
        return None
    if not by.has(lab_id, Role.MANAGER) and by.person_id != person_id:
        return Forbidden("not-manager", _l("Only a manager of the lab can end a role."))
    if role is Role.MANAGER and managers <= 1:
        return Refused("last-manager", _l("A lab needs a manager. Name another one first."))
    return None
