"""What a lab, its challenges, units and invitations must be; and who may set them up."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import available_timezones

from flask_babel import lazy_gettext as _l

from livinglab.core.errors import Forbidden, Refused
from livinglab.core.text import LANGUAGES
from livinglab.core.viewer import Role, Viewer
from livinglab.labs.models import LAB_NAME_MAX, THEMES, ChallengeState

ACTIVE_DAYS = 90
INVITATION_DAYS = 14
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def threshold_of(active: int, *, percent: float, least: int, most: int) -> int:
    """Return T = clamp(⌈share·A⌉, least, most).

    Args:
        active: A, people active in the lab within 90 days.
        percent: The share in per cent, such as 5.0.

    Source: rule L2.
    """
    wanted = math.ceil(round(percent * active / 100, 9))  # 5 % of 220 is 11, also in floating point
    return max(least, min(most, wanted))


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


def why_not_invite(person: Viewer, lab_id: int) -> Refused | None:
    """Say why this person may not invite into roles and units, or end a role. Source: DOMAIN section 3."""
    if not person.is_admin and not person.has(lab_id, Role.MANAGER):
        return Forbidden(
            "not-inviting", _l("Only the lab’s manager or the administrator decides who works here.")
        )
    return None


def why_not_lab(
    *, slug: str, name: str, languages: Iterable[str], timezones: Iterable[str]
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
    return None


def why_not_theme(theme: str) -> Refused | None:
    """Say why this is not one of the colours."""
    return None if theme in THEMES else Refused("bad-theme", _l("Choose one of the colours."), field="theme")


_known: frozenset[str] = frozenset()


def known_timezones() -> frozenset[str]:
    """Return the names of all time zones, read once."""
    global _known  # noqa: PLW0603  # a cache of what the system knows
    _known = _known or frozenset(available_timezones())
    return _known


class Dated(Protocol):
    """A challenge as far as its clock goes."""

    @property
    def state(self) -> ChallengeState: ...
    @property
    def closes_at(self) -> datetime | None: ...
    @property
    def counts_from(self) -> datetime | None: ...


def takes_ideas(challenge: Dated, now: datetime) -> bool:
    """Say whether new ideas may come in: open, and its instant has not passed. Source: rule L3.

    The clock's job runs each minute; the instant itself counts, not the job.
    """
    return challenge.state is ChallengeState.OPEN and (
        challenge.closes_at is None or now < challenge.closes_at
    )


def counts_shown_from(challenge: Dated) -> datetime | None:
    """Return from when support is counted in public: as set, else closing. Source: rule V4."""
    return challenge.counts_from or challenge.closes_at


def days_left(closes_at: datetime, now: datetime) -> int:
    """Return whole days until closing; 0 on the last day, never less."""
    return max(0, (closes_at - now) // timedelta(days=1))


def missing_languages(texts: Mapping[str, str], languages: Iterable[str]) -> tuple[str, ...]:
    """Return the lab's languages in which a text does not exist yet."""
    return tuple(code for code in languages if not texts.get(code))
