"""Who is told of an event, and who at once. Source: rule N2."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Circle(StrEnum):
    """A group of people around an idea."""

    FOLLOWERS = "followers"
    AUTHOR = "author"
    SUBJECT = "subject"
    """The person the event is about: an assignee, a new lead, the author of a moderated comment."""
    LEAD = "lead"
    UNIT = "unit"
    ASSIGNEE = "assignee"
    """Who assesses it; all members of the unit while nobody does."""
    DEPUTY = "deputy"
    OWNER = "owner"
    DECIDERS = "deciders"
    """Everybody who may give the second signature."""
    FACILITATORS = "facilitators"
    MANAGERS = "managers"
    UNINVOLVED = "uninvolved"
    """Who may decide an appeal: moderates in the lab, and neither decided before nor wrote it (rule M3)."""
    ADMINISTRATORS = "administrators"
    WRITER = "writer"
    """The author of the comment it is about."""


@dataclass(frozen=True, slots=True)
class Telling:
    """One circle that hears of an event.

    Args:
        at_once: By mail within seconds; otherwise in the daily digest.
        by_letter: A letter of its own has gone out with the event; no other mail repeats it.
    """

    circle: Circle
    at_once: bool = False
    by_letter: bool = False


SUBJECT_OF: dict[str, str] = {
    "proposal-returned": "writer_id",
    "lead-named": "lead_id",
    "handoff-assigned": "assignee_id",
    "handoff-reassigned": "assignee_id",
    "answer-returned": "signer_id",
    "report-settled": "person_id",
    "appeal-decided": "person_id",
}
"""By kind: under which word of the event's data the person stands whom it is about."""

_follow = (Telling(Circle.FOLLOWERS),)

TOLD: dict[str, tuple[Telling, ...]] = {
    "idea-published": (Telling(Circle.AUTHOR),),
    "idea-edited": _follow,
    "idea-withdrawn": _follow,
    "author-left": _follow,
    "idea-restored": (Telling(Circle.AUTHOR, at_once=True),),
    "idea-reopened": _follow,
    "comment-published": _follow,
    "problem-resolved": (Telling(Circle.WRITER), Telling(Circle.FOLLOWERS)),
    "threshold-reached": (*_follow, Telling(Circle.FACILITATORS, at_once=True)),
    "review-opened": (*_follow, Telling(Circle.LEAD, at_once=True)),
    "decision-proposed": (Telling(Circle.DECIDERS, at_once=True),),
    "proposal-returned": (Telling(Circle.SUBJECT, at_once=True),),
    "proposal-vacated": (Telling(Circle.DECIDERS, at_once=True),),
    "decision-made": (*_follow, Telling(Circle.AUTHOR, at_once=True)),
    "hold-returned": (*_follow, Telling(Circle.LEAD, at_once=True)),
    "lead-named": (Telling(Circle.SUBJECT, at_once=True), *_follow),
    "lead-vacated": (
        Telling(Circle.FACILITATORS, at_once=True),
        Telling(Circle.MANAGERS, at_once=True),
        *_follow,
    ),
    "next-step-set": _follow,
    "benefit-measured": _follow,
    "handoff-queued": (*_follow, Telling(Circle.UNIT, at_once=True)),
    "handoff-assigned": (Telling(Circle.SUBJECT, at_once=True), *_follow),
    "handoff-reassigned": (Telling(Circle.SUBJECT, at_once=True),),
    "handoff-vacated": (Telling(Circle.UNIT, at_once=True), Telling(Circle.OWNER, at_once=True)),
    "handoff-acknowledged": _follow,
    "handoff-returned": (*_follow, Telling(Circle.FACILITATORS, at_once=True)),
    "handoff-extended": _follow,
    "handoff-waiting": (Telling(Circle.AUTHOR, at_once=True),),
    "handoff-reminded": (Telling(Circle.ASSIGNEE, at_once=True),),
    "handoff-delivery": _follow,
    "handoff-delivered": _follow,
    "answer-written": (
        Telling(Circle.UNIT, at_once=True),
        Telling(Circle.LEAD, at_once=True),
        Telling(Circle.MANAGERS, at_once=True),
    ),
    "answer-returned": (Telling(Circle.SUBJECT, at_once=True),),
    "answer-published": (*_follow, Telling(Circle.AUTHOR, at_once=True)),
    "answer-final": (*_follow, Telling(Circle.AUTHOR, at_once=True)),
    "answer-corrected": (*_follow, Telling(Circle.AUTHOR, at_once=True)),
    "report-settled": (Telling(Circle.SUBJECT),),
    "challenge-vacated": (Telling(Circle.MANAGERS, at_once=True),),
    "appeal-made": (Telling(Circle.UNINVOLVED, by_letter=True),),
    "appeal-decided": (Telling(Circle.SUBJECT, by_letter=True),),
    "idea-returned": (Telling(Circle.AUTHOR, by_letter=True),),
    "idea-rejected": (Telling(Circle.AUTHOR, by_letter=True),),
    "idea-hidden": (Telling(Circle.AUTHOR, by_letter=True),),
    "idea-removed": (Telling(Circle.AUTHOR, by_letter=True),),
    "edit-returned": (Telling(Circle.AUTHOR, by_letter=True),),
    "edit-rejected": (Telling(Circle.AUTHOR, by_letter=True),),
    "comment-returned": (Telling(Circle.WRITER, by_letter=True),),
    "comment-rejected": (Telling(Circle.WRITER, by_letter=True),),
    "comment-hidden": (Telling(Circle.WRITER, by_letter=True),),
    "comment-removed": (Telling(Circle.WRITER, by_letter=True),),
    "comment-restored": (Telling(Circle.WRITER, by_letter=True),),
}
"""Decisions on one's own text are told by a letter at once (``moderation.commands.telling``)."""

LATE: dict[str, tuple[Telling, ...]] = {
    "late": (
        Telling(Circle.ASSIGNEE, at_once=True),
        Telling(Circle.DEPUTY, at_once=True),
        Telling(Circle.MANAGERS, at_once=True),
        *_follow,
    ),
    "owner": (Telling(Circle.OWNER, at_once=True),),
    "steering": (Telling(Circle.MANAGERS, at_once=True),),
}


def tellings(kind: str, data: dict[str, object]) -> tuple[Telling, ...]:
    """Return who hears of an event; nobody where the kind is not in the table. Source: rules N2, H3."""
    if kind in ("handoff-late", "handoff-escalated"):
        return LATE.get(str(data.get("step") or "late"), ())
    if kind == "handoff-returned" and data.get("to_manager"):
        return (
            *_follow,
            Telling(Circle.MANAGERS, at_once=True),
        )  # the third unit is chosen by the manager (H1)
    if kind == "handoff-vacated" and data.get("to_manager"):
        return (Telling(Circle.MANAGERS, at_once=True),)  # nobody is left in the unit
    if kind == "handoff-queued" and not data.get("unit_id"):
        return _follow
    if data.get("needs_admin"):  # nobody in the lab may look (rules M1, M3)
        return (Telling(Circle.ADMINISTRATORS, by_letter=True),)
    return TOLD.get(kind, ())
