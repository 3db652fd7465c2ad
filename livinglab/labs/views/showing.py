"""What several pages of this room share: entering a lab, faces, and lists of people to choose from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import get_timezone_location
from flask import g, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from livinglab.core.clock import utc_now
from livinglab.core.text import in_language
from livinglab.ideas.queries.cards import IdeaCard
from livinglab.labs import queries
from livinglab.labs.forms.labs import ROLE_NAMES
from livinglab.labs.models import ChallengeState
from livinglab.labs.queries import ChallengeBrief, LabBrief, Somebody, TeamMember
from livinglab.labs.rules import days_left
from livinglab.people.rules import Face
from livinglab.web.filters import picture
from livinglab.web.locale import NAMES, Said, enter_lab, language, said


def enter(lab: LabBrief) -> LabBrief:
    """Say that the page is about this lab: its language, its clock, its colour."""
    enter_lab(lab.languages, lab.timezones)
    g.lab = lab
    return lab


def lab_at(session: Session, slug: str) -> LabBrief:
    """Return the lab at an address and enter it.

    Raises:
        NotFound: ``no-such-lab``.
    """
    return enter(queries.lab_by_slug(session, slug))


def spoken(texts: dict[str, str], lab: LabBrief) -> Said:
    """Return a lab's text in the page's language, else in that lab's first one (rule L5)."""
    return Said(*in_language(texts, language(), lab.first_language))


def foreign(text: Said) -> str | None:
    """Return the text's language where it is not the page's, for ``lang``."""
    return text.lang if text.text and text.lang != language() else None


@dataclass(frozen=True, slots=True)
class ShownFace:
    """A face with what stands beside it, as the macros draw it."""

    name: str
    initials: str
    photo_url: str | None
    kind: str
    note: str = ""
    role: str = ""
    url: str | None = None
    lang: str = ""  # of the note: what somebody wrote about themselves is in their own language


def shown(face: Face, *, role: str = "", note: str = "", lang: str = "") -> ShownFace:
    """Return a face for the macros."""
    photo = picture(face.photo, "face") if face.photo else None
    return ShownFace(str(face.name), face.initials, photo, face.kind, note, role, lang=lang)


def crew(team: Iterable[TeamMember]) -> list[ShownFace]:
    """Return the people of a lab with large faces: role, hours and two lines about themselves."""
    return [
        shown(m.person.face, role=_roles(m), note=m.person.bio, lang=m.person.language)
        for m in team
        if m.roles
    ]


def _roles(member: TeamMember) -> str:
    words = ", ".join(str(ROLE_NAMES[held.role]) for held in member.roles)
    hours = member.weekly_hours
    return _("%(roles)s, %(hours)s hours a week", roles=words, hours=hours) if hours else words


def choices(people: Iterable[Somebody]) -> list[tuple[str, object]]:
    """Return people to choose from, by name."""
    named = sorted(((str(p.id), str(p.face.name)) for p in people), key=lambda pair: pair[1])
    return [("", _("Nobody yet")), *named]


def language_names(codes: Iterable[str]) -> list[str]:
    """Return languages by their own names."""
    return [NAMES[code] for code in codes]


@dataclass(frozen=True, slots=True)
class Clock:
    """A time zone with its present time (rule L4: further zones stand beside the first).

    Args:
        place: Its city, in the reader's language.
    """

    place: str
    now: datetime


def clocks(lab: LabBrief) -> list[Clock]:
    """Return what the clocks of a lab show now."""
    return [
        Clock(
            get_timezone_location(zone, locale=get_locale(), return_city=True),
            utc_now().astimezone(ZoneInfo(zone)),
        )
        for zone in lab.timezones
    ]


def moments(at: datetime | None, lab: LabBrief) -> list[Clock]:
    """Return an instant on each clock of a lab."""
    return (
        [Clock(c.place, at.astimezone(ZoneInfo(z))) for c, z in zip(clocks(lab), lab.timezones, strict=True)]
        if at
        else []
    )


def challenge_card(challenge: ChallengeBrief, lab: LabBrief, ideas: int) -> dict[str, Any]:
    """Return a challenge as ``cards.challenge`` draws it."""
    title, now = spoken(challenge.title, lab), utc_now()
    ended = challenge.closes_at is not None and challenge.closes_at <= now
    return {
        "url": url_for("challenges.page", challenge_id=challenge.id),
        "title": title.text,
        "lang": foreign(title),
        "lab_name": lab.name,
        "lab_theme": lab.theme,
        "seal": lab.seal,
        "goal": spoken(challenge.goal, lab).text,
        "goal_lang": foreign(spoken(challenge.goal, lab)),
        "ideas": ideas,
        "days_left": days_left(challenge.closes_at, now) if challenge.closes_at else None,
        "closed": challenge.state is ChallengeState.CLOSED
        or (challenge.state is ChallengeState.OPEN and ended),
        "concluded": challenge.state is ChallengeState.CONCLUDED,
        "draft": challenge.state is ChallengeState.DRAFT,
    }


def short_name(lab_name: str) -> str:
    """Return a lab's name without the words every lab bears, where space is short."""
    return lab_name.removesuffix(" Living Lab") or lab_name


def idea_card(card: IdeaCard, *, needs_eyes: bool = False, place: bool = False) -> dict[str, Any]:
    """Return an idea as ``cards.idea`` draws it.

    Args:
        place: Name the lab, where cards of several labs stand side by side.
    """
    words = [short_name(card.lab_name)] if place else []
    if card.category:
        words.append(said(card.category).text)
    if card.language != language():
        words.append(NAMES.get(card.language, card.language))
    return {
        "url": url_for("ideas.page", idea_id=card.id),
        "title": card.title,
        "lang": card.language if card.language != language() else None,
        "summary": card.summary,
        "byline": card.author.name,
        "kicker": words,
        "stage": card.stage,
        "activity": card.activity,
        "until": card.hold_until,
        "needs_eyes": needs_eyes,
        "band": card.band,
        "supports": card.supports,
        "staff_supports": card.staff_supports,
        "comments": card.comments,
    }


__all__ = [
    "Clock",
    "ShownFace",
    "challenge_card",
    "choices",
    "clocks",
    "crew",
    "enter",
    "foreign",
    "idea_card",
    "lab_at",
    "language_names",
    "moments",
    "said",
    "short_name",
    "shown",
    "spoken",
]
