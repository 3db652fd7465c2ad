"""What a lab, its challenges, units and invitations must be; and who may set them up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from zoneinfo import available_timezones

from flask_babel import lazy_gettext as _l
from holidays import list_supported_countries

from livinglab.core.errors import Forbidden, NotFound, Refused
from livinglab.core.text import LANGUAGES
from livinglab.core.viewer import Role, Viewer
from livinglab.labs.models import LAB_NAME_MAX, THEMES, ChallengeState
from livinglab.people.rules import why_not_address

NO_SUCH_CHALLENGE = NotFound("no-such-challenge", _l("There is no such challenge, or it is not open yet."))
NO_SUCH_UNIT = NotFound("no-such-unit", _l("There is no such unit in this lab."))
"""One answer for what does not exist and for what somebody else may not know of."""
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def why_not_make_labs(person: Viewer) -> Refused | None:
    """Say why this person may not make a lab."""
    if not person.is_admin:
        return Forbidden("not-admin", _l("Only the administrator makes new labs."))
    return None


def why_not_set_up(person: Viewer, lab_id: int) -> Refused | None:
    """Say why this person may not change a lab's texts, numbers, units and categories."""
    if not person.has(lab_id, Role.MANAGER):
        return Forbidden("not-manager", _l("Only the lab’s manager changes this."))
    return None


def why_not_draft(person: Viewer, lab_id: int) -> Refused | None:
    """Say why this person may not write on a challenge that is not open yet."""
    if not person.has(lab_id, Role.FACILITATOR, Role.LEAD, Role.MANAGER):
        return Forbidden(
            "not-lab-staff", _l("Only the lab’s facilitators, project leads and manager write challenges.")
        )
    return None


def why_not_see_challenge(person: Viewer, *, lab_id: int, state: ChallengeState) -> Refused | None:
    """Say why this person may not see a challenge: a draft is for those who work in its lab."""
    if state is ChallengeState.DRAFT and not person.has(lab_id, *Role):
        return NO_SUCH_CHALLENGE
    return None


def why_not_tend(person: Viewer, lab_id: int) -> Refused | None:
    """Say why the rooms behind a challenge are closed: to those of other labs as if it did not exist."""
    return NO_SUCH_CHALLENGE if why_not_draft(person, lab_id) is not None else None


def why_not_invite(person: Viewer, lab_id: int) -> Refused | None:
    """Say why this person may not invite into roles and units, or end a role. Source: DOMAIN section 3."""
    if not person.is_admin and not person.has(lab_id, Role.MANAGER):
        return Forbidden(
            "not-inviting", _l("Only the lab’s manager or the administrator decides who works here.")
        )
    return None


def why_not_lab(
    *, slug: str, name: str, languages: Iterable[str], timezones: Iterable[str], country: str
) -> Refused | None:
    """Say why a lab cannot have this address, name, languages or time zones."""
    languages, timezones = tuple(languages), tuple(timezones)
    if not _SLUG.fullmatch(slug) or len(slug) > 40:
        return Refused(
            "bad-slug", _l("Use small letters a–z, figures and hyphens, at most 40."), field="slug"
        )
    if slug in ("new", "staff", "all"):
        return Refused(
            "slug-reserved", _l("This address is used by the site itself. Choose another one."), field="slug"
        )
    if not name or len(name) > LAB_NAME_MAX:
        return Refused("bad-name", _l("Give the lab a name of at most 80 characters."), field="name")
    if (
        not languages
        or any(code not in LANGUAGES for code in languages)
        or len(set(languages)) != len(languages)
    ):
        return Refused(
            "bad-languages", _l("Choose at least one language, each of them once."), field="first_language"
        )
    if not timezones or any(zone not in known_timezones() for zone in timezones):
        return Refused("bad-timezone", _l("Choose a time zone from the list."), field="timezone")
    if country.upper() not in known_countries():
        return Refused("bad-country", _l("Choose a country from the list."), field="country")
    return None


def why_not_contact(email: str) -> Refused | None:
    """Say why this cannot be the lab's address for mail; none at all is fine."""
    problem = why_not_address(email) if email else None
    return Refused(problem.code, problem.reason, field="contact_email") if problem else None


@lru_cache(maxsize=1)
def known_countries() -> frozenset[str]:
    """Return the codes of the countries whose public holidays are known."""
    return frozenset(code for code in list_supported_countries() if len(code) == 2)


def why_not_theme(theme: str) -> Refused | None:
    """Say why this is not one of the colours."""
    return None if theme in THEMES else Refused("bad-theme", _l("Choose one of the colours."), field="theme")


@lru_cache(maxsize=1)
def known_timezones() -> frozenset[str]:
    """Return the names of all time zones."""
    return frozenset(available_timezones())


def missing_languages(texts: Mapping[str, str], languages: Iterable[str]) -> tuple[str, ...]:
    """Return the lab's languages in which a text does not exist yet."""
    return tuple(code for code in languages if not texts.get(code))
