"""The words of a mail at once that stand in the rooms' own rows: reasons, notes, answers, and by when.

What is public is quoted to anybody who is told; a note to colleagues, a proposal or an answer that is
not published only to the staff it waits for (rule I-11). Read when the mail leaves, so that what was
taken back meanwhile is not told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.clock import local_day
from livinglab.core.text import excerpt
from livinglab.handoff.models import Answer, HandoffNote
from livinglab.ideas.models import Activity, Stage
from livinglab.notices.queries.telling import ToldEvent
from livinglab.notices.rules.letters import (
    BUTTON,
    DEADLINE_OF_TASK,
    PROPOSED,
    STAFF,
    WOULD_CHANGE,
    Addressed,
    what_to_do,
    why,
)
from livinglab.notices.rules.links import path_to
from livinglab.notices.rules.telling import Circle
from livinglab.people.models import Person
from livinglab.people.rules import face_of
from livinglab.pipeline.models import GateDecision, Proposal
from livinglab.pipeline.queries.standing import Standing

QUOTE_MOST = 1200
"""Characters of somebody's words in a mail; the rest is behind the button."""


@dataclass(frozen=True, slots=True)
class Quote:
    """Somebody's own words.

    Args:
        text: Markdown, as it was written.
        language: Of the words; empty where it is not known.
        title: A line above them.
        by: Who wrote them; empty where the circle of deciders did.
    """

    text: str
    language: str = ""
    title: object = ""
    by: str = ""

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """Return the words by paragraph, cut where a mail would grow too long."""
        parts = excerpt(self.text.replace("\r\n", "\n"), QUOTE_MOST).split("\n\n")
        return tuple(part.strip() for part in parts if part.strip())


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail about one event, to one person.

    Args:
        unit: The receiving unit, where what happened does not name it.
        owes: Whether something is asked of the reader, so that a missing date is said.
        by: The last day for it, on the lab's calendar.
    """

    happened: str
    unit: str
    quotes: tuple[Quote, ...]
    why: object
    todo: object
    owes: bool
    by: date | None
    late: bool
    button: object
    path: str
    title: str
    language: str
    stage: Stage | None
    activity: Activity | None


def letter(
    session: Session, event: ToldEvent, circle: Circle, standing: Standing | None, now: datetime
) -> Letter:
    """Return what a mail at once says of an event to somebody in a circle. Source: rule N2."""
    to = Addressed(event.kind, circle, unit=event.told.unit, lab=event.lab_name, data=event.data)
    by = _by(event, standing) if event.kind in DEADLINE_OF_TASK else None
    return Letter(
        happened=event.text,
        unit=_unit(event, circle),
        quotes=_quotes(session, event, circle),
        why=why(to),
        todo=what_to_do(to),
        owes=event.kind in DEADLINE_OF_TASK,
        by=by,
        late=by is not None and by < local_day(now, event.zone),
        button=BUTTON[event.kind],
        path=path_to(event.kind, event.idea_id, event.subject_id, event.data, at_once=circle in STAFF),
        title=event.title or str(event.told.data.get("title") or ""),
        language=event.language,
        stage=event.stage,
        activity=event.activity,
    )


def _unit(event: ToldEvent, circle: Circle) -> str:
    """Return the unit's name where neither the sentence nor the reason says it."""
    name = str(event.told.unit or "")
    said = event.text + str(why(Addressed(event.kind, circle, unit=name)))
    return name if event.kind.startswith(("handoff-", "answer-")) and name not in said else ""


def _by(event: ToldEvent, standing: Standing | None) -> date | None:
    """Return the day the event names for what it asks; else the day the idea is owed something."""
    if event.data.get("until"):
        return date.fromisoformat(str(event.data["until"]))
    named = event.data.get("due")
    due = datetime.fromisoformat(str(named)) if named else standing.due if standing else None
    return local_day(due - timedelta(microseconds=1), event.zone) if due else None


def _quotes(session: Session, event: ToldEvent, circle: Circle) -> tuple[Quote, ...]:
    find = _WORDS.get(event.kind)
    return tuple(quote for quote in find(session, event, circle) if quote.text) if find else ()


Found = tuple[Quote, ...]


def _answer(session: Session, event: ToldEvent, circle: Circle) -> Found:
    row = session.get(Answer, event.subject_id or 0)
    if row is None or (row.published_at is None and circle not in STAFF):
        return ()
    signer = session.get_one(Person, row.signer_id)
    face = face_of(name=signer.name, erased=signer.erased_at is not None)
    by = f"{face.name}, {row.signer_title}" if row.signer_title else str(face.name)
    return (Quote(row.body, row.language, title=row.title, by=by),)


def _answer_sent_back(session: Session, event: ToldEvent, circle: Circle) -> Found:
    row = session.get(Answer, event.subject_id or 0)
    return (_by_actor(event, row.returned_note),) if row and circle in STAFF else ()


def _decision(session: Session, event: ToldEvent, circle: Circle) -> Found:
    del circle  # a decision is public
    row = session.get(GateDecision, event.data.get("decision_id") or 0)
    return (Quote(row.reason), Quote(row.would_change, title=WOULD_CHANGE)) if row else ()


def _proposal(session: Session, event: ToldEvent, circle: Circle) -> Found:
    row = session.get(Proposal, event.subject_id or 0)
    if row is None or circle not in STAFF:
        return ()
    return (
        replace(_by_actor(event, row.reason), title=PROPOSED[row.outcome]),
        Quote(row.would_change, title=WOULD_CHANGE),
    )


def _proposal_sent_back(session: Session, event: ToldEvent, circle: Circle) -> Found:
    row = session.get(Proposal, event.subject_id or 0)
    return (_by_actor(event, row.return_note),) if row and circle in STAFF else ()


def _note(session: Session, event: ToldEvent, circle: Circle) -> Found:
    if circle not in STAFF:
        return ()
    note = session.scalar(select(HandoffNote.text).where(col(HandoffNote.event_id) == event.id))
    return (_by_actor(event, note or ""),)


def _public_words(key: str) -> Callable[[Session, ToldEvent, Circle], Found]:
    """Quote words that stand in the event itself, and so in the public story."""

    def find(session: Session, event: ToldEvent, circle: Circle) -> Found:
        del session, circle
        return (_by_actor(event, str(event.data.get(key) or "")),)

    return find


def _by_actor(event: ToldEvent, text: str) -> Quote:
    return Quote(text, by=str(event.actor.name) if event.actor else "")


_WORDS: dict[str, Callable[[Session, ToldEvent, Circle], Found]] = {
    "answer-published": _answer,
    "answer-corrected": _answer,
    "answer-final": _answer,
    "answer-written": _answer,
    "answer-returned": _answer_sent_back,
    "decision-made": _decision,
    "decision-proposed": _proposal,
    "proposal-returned": _proposal_sent_back,
    "handoff-queued": _note,
    "handoff-assigned": _note,
    "handoff-reassigned": _note,
    "handoff-returned": _note,
    "handoff-waiting": _public_words("question"),
    "review-opened": _public_words("reason"),
}
