"""Accounts: made, confirmed, changed by their owner."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlmodel import col, func, select

from livinglab.core.db import Texts, known_id
from livinglab.core.errors import Refused, refuse
from livinglab.core.files import StoredFile
from livinglab.core.journal import record
from livinglab.core.mail import queue_mail
from livinglab.core.text import LANGUAGES, clean, clean_line
from livinglab.people.commands.links import (
    Arrived,
    end_devices,
    mail_path,
    make_link,
    may_mail,
    settle_address,
    take_link,
    void_links,
)
from livinglab.people.commands.signing import check_current, person_row
from livinglab.people.models import BIO_MAX, NAME_MAX, TITLE_MAX, LinkPurpose, OneTimeLink, Person
from livinglab.people.queries import owner_of
from livinglab.people.rules import NewPassword, Proof, new_password, why_not_address, why_not_more_mail


def register_person(
    session: Session,
    *,
    email: str,
    name: str,
    password: NewPassword | None,
    language: str,
    of_age: bool,
    now: datetime,
    next_path: str | None = None,
) -> int:
    """Make an account that waits for its address to be confirmed by a mailed link.

    The address is only claimed until then, so the answer is the same whether or not somebody has it:
    who follows the link proves the mailbox, and goes on in the account the address already has.

    Args:
        of_age: The person says they have reached the instance's age limit.
        next_path: Where to go on after confirming.

    Returns:
        The new person's number.

    Raises:
        Refused: ``too-young``, ``bad-name``, ``bad-address``.

    Source: rules P2, P2b.
    """
    if not of_age:
        raise Refused("too-young", _l("You have to confirm your age to make an account."), field="of_age")
    email = email.strip().lower()
    refuse(why_not_address(email))
    person = Person(
        claimed_email=email,
        name=_name(name),
        language=_language(language),
        password_hash=password.hash if password else None,
        age_confirmed_at=now,
        created_at=now,
    )
    session.add(person)
    session.flush()
    person_id = known_id(person.id)
    _mail_confirmation(session, person, now, next_path)
    record(
        session,
        "person-registered",
        at=now,
        actor_id=person_id,
        subject_id=person_id,
        public=False,
        readers=(),
    )
    return person_id


def _mail_confirmation(session: Session, person: Person, now: datetime, next_path: str | None = None) -> None:
    """Mail the link to the claimed address; no word of the sender's own stands in it."""
    email, person_id = person.claimed_email or "", known_id(person.id)
    token = make_link(session, person_id, LinkPurpose.CONFIRM, now=now, next_path=next_path)
    if may_mail(session, email, now):
        kind = "confirm" if owner_of(session, email) is None else "account-known"
        queue_mail(
            session,
            kind,
            address=email,
            language=person.language,
            now=now,
            person_id=person_id,
            data={"path": mail_path(f"/confirm/{token}", person.language)},
        )


def confirm_address(session: Session, *, token: str, now: datetime) -> Arrived:
    """Confirm the address given at sign-up, in any browser.

    Raises:
        NotFound: ``link-void``; Forbidden: ``account-closed``.

    Source: rules P2b, P3.
    """
    link = take_link(session, token, LinkPurpose.CONFIRM, now)
    came = settle_address(session, person_row(session, link.person_id), now)
    return Arrived(came.person_id, came.joined_from, came.confirmed_now, link.next_path)


def disown(session: Session, *, token: str, now: datetime) -> int:
    """Say "this was not me" of an account that claims one's address.

    Returns:
        The account; the caller erases it (``privacy.commands.erase_person``).

    Raises:
        NotFound: ``link-void``; Refused: ``already-confirmed``.
    """
    link = take_link(session, token, LinkPurpose.CONFIRM, now)
    person = person_row(session, link.person_id)
    if person.email_confirmed_at is not None:
        raise Refused("already-confirmed", _l("This address has been confirmed already."))
    return link.person_id


def send_confirmation_again(session: Session, *, person_id: int, now: datetime) -> None:
    """Mail a fresh link to confirm the address.

    Raises:
        Refused: ``already-confirmed``; TooMany: ``mail-later``.
    """
    person = person_row(session, person_id)
    if person.email_confirmed_at is not None or person.claimed_email is None:
        raise Refused("already-confirmed", _l("This address has been confirmed already."))
    _check_mails(session, person_id, now)
    _mail_confirmation(session, person, now)


def _check_mails(session: Session, person_id: int, now: datetime) -> None:
    lately = session.scalar(
        select(func.count())
        .select_from(OneTimeLink)
        .where(
            OneTimeLink.person_id == person_id,
            col(OneTimeLink.purpose).in_([LinkPurpose.CONFIRM, LinkPurpose.CHANGE_EMAIL]),
            OneTimeLink.created_at > now - timedelta(hours=1),
        )
    )
    problem = why_not_more_mail(lately or 0)
    if problem is not None:
        raise problem


def request_email_change(
    session: Session, *, person_id: int, email: str, current: Proof, now: datetime
) -> None:
    """Ask for another address; it counts once the link mailed there is followed.

    An address not confirmed yet is simply replaced, so a slip of the pen can be mended.

    Raises:
        Refused: ``bad-address``, ``same-address``, ``wrong-password``; TooMany: ``mail-later``.
    """
    person = person_row(session, person_id)
    email = email.strip().lower()
    refuse(why_not_address(email))
    check_current(person, current)
    if email == (person.email or person.claimed_email):
        raise Refused("same-address", _l("This is the address you have now."), field="email")
    _check_mails(session, person_id, now)
    if person.email_confirmed_at is None:
        person.claimed_email = email
        void_links(session, person_id)
        session.flush()
        _mail_confirmation(session, person, now)
        return
    void_links(session, person_id, LinkPurpose.CHANGE_EMAIL)
    token = make_link(session, person_id, LinkPurpose.CHANGE_EMAIL, now=now, new_email=email)
    if may_mail(session, email, now):
        taken = owner_of(session, email) is not None
        queue_mail(
            session,
            "address-taken" if taken else "address-change",
            address=email,
            language=person.language,
            now=now,
            person_id=person_id,
            data={
                "path": mail_path(f"/settings/address/{token}" if not taken else "/settings", person.language)
            },
        )


def confirm_email_change(session: Session, *, token: str, now: datetime) -> Arrived:
    """Make the new address the account's own, and tell the old one.

    Raises:
        NotFound: ``link-void``; Refused: ``address-taken``; Forbidden: ``account-closed``.
    """
    link = take_link(session, token, LinkPurpose.CHANGE_EMAIL, now)
    person, person_id, email = person_row(session, link.person_id), link.person_id, link.new_email or ""
    old = person.email
    taken = Refused("address-taken", _l("This address belongs to another account."))
    if owner_of(session, email) is not None:
        raise taken
    try:
        with session.begin_nested():
            person.email, person.email_confirmed_at = email, now
            session.add(person)
            session.flush()
    except IntegrityError:
        raise taken from None
    void_links(session, person_id)
    if old:
        queue_mail(
            session,
            "address-changed",
            address=old,
            language=person.language,
            now=now,
            person_id=person_id,
            data={"path": mail_path("/contact", person.language)},
        )
    record(
        session, "address-changed", at=now, actor_id=person_id, subject_id=person_id, public=False, readers=()
    )
    return Arrived(person_id)


def change_profile(
    session: Session,
    *,
    person_id: int,
    name: str,
    pseudonym: str = "",
    language: str,
    bio: str = "",
    title: str | None = None,
) -> None:
    """Change how one is shown and spoken to.

    Args:
        title: Title at work; ``None`` leaves it. Only asked of people who hold a role or work in a unit.

    Raises:
        Refused: ``bad-name``, ``bad-pseudonym``, ``bad-language``, ``text-long``.
    """
    person = person_row(session, person_id)
    person.name = _name(name)
    person.pseudonym = _pseudonym(pseudonym, person.name)
    person.language = _language(language)
    person.bio = _short(clean(bio), BIO_MAX, "bio")
    if title is not None:
        person.title = _short(clean_line(title), TITLE_MAX, "title")
    session.add(person)
    session.flush()


def set_digest(session: Session, *, person_id: int, wanted: bool) -> None:
    """Say whether the daily mail is wanted (rule N2)."""
    person = person_row(session, person_id)
    person.digest = wanted
    session.add(person)
    session.flush()


def set_photo(session: Session, *, person_id: int, photo_id: int | None) -> str | None:
    """Show another photo, or initials again.

    Returns:
        Key of the picture that is no longer needed; remove its files after the commit.
    """
    person = person_row(session, person_id)
    old = session.get(StoredFile, person.photo_id) if person.photo_id else None
    person.photo_id = photo_id
    session.add(person)
    session.flush()
    if old is None:
        return None
    session.delete(old)
    session.flush()
    return old.key


def add_person(
    session: Session,
    *,
    email: str | None,
    name: str,
    language: str,
    now: datetime,
    password: NewPassword | None = None,
    pseudonym: str | None = None,
    title: str = "",
    bio: str = "",
    is_admin: bool = False,
    is_demo: bool = False,
    demo_line: Texts | None = None,
) -> Person:
    """Make an account whose address is known to be right: for the command line and the demo.

    Raises:
        Refused: ``bad-name``, ``bad-address``, ``address-taken``.
    """
    email = email.strip().lower() if email else None
    if email is not None:
        refuse(why_not_address(email))
        if owner_of(session, email) is not None:
            raise Refused("address-taken", _l("This address belongs to another account."), field="email")
    person = Person(
        email=email,
        email_confirmed_at=now,
        name=_name(name),
        pseudonym=pseudonym,
        language=_language(language),
        password_hash=password.hash if password else None,
        title=title,
        bio=bio,
        trust=1,
        is_admin=is_admin,
        age_confirmed_at=now,
        is_demo=is_demo,
        demo_line=demo_line or {},
        created_at=now,
    )
    session.add(person)
    session.flush()
    record(
        session,
        "person-registered",
        at=now,
        actor_id=known_id(person.id),
        subject_id=known_id(person.id),
        public=False,
        readers=(),
    )
    return person


def create_admin(
    session: Session, *, email: str, name: str, password: str | None, now: datetime, language: str = "en"
) -> Person:
    """Make the administrator, or make an existing account one. Without a password they sign in by a link.

    Raises:
        Refused: ``bad-name``, ``bad-address`` and those of a weak password.
    """
    chosen = new_password(password, email=email, name=name) if password else None
    owner = owner_of(session, email)
    if owner is None:
        return add_person(
            session, email=email, name=name, language=language, now=now, password=chosen, is_admin=True
        )
    person = person_row(session, owner)
    person.is_admin = True
    if chosen:
        person.password_hash = chosen.hash
        end_devices(session, owner)
    session.add(person)
    session.flush()
    return person


def _name(name: str) -> str:
    name = clean_line(name)
    if not name or len(name) > NAME_MAX or not any(c.isalpha() for c in name):
        raise Refused("bad-name", _l("Write the name others shall see, at most 80 characters."), field="name")
    return name


def _pseudonym(pseudonym: str, name: str) -> str | None:
    pseudonym = clean_line(pseudonym)
    if len(pseudonym) > NAME_MAX or pseudonym.casefold() == name.casefold():
        raise Refused(
            "bad-pseudonym",
            _l("A pseudonym is another name than your own, at most 80 characters."),
            field="pseudonym",
        )
    return pseudonym or None


def _language(language: str) -> str:
    if language not in LANGUAGES:
        raise Refused("bad-language", _l("Choose one of the languages."), field="language")
    return language


def _short(text: str, limit: int, field: str) -> str:
    if len(text) > limit:
        raise Refused("text-long", _l("This text is too long."), field=field)
    return text
