"""Everything the page of one handoff shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import Texts, known_id
from livinglab.core.files import StoredFile
from livinglab.core.journal import Event
from livinglab.core.viewer import Viewer
from livinglab.handoff.models import Handoff, HandoffNote
from livinglab.handoff.queries.answers import AnswerShown, answers_of, waiting_answer
from livinglab.handoff.queries.facts import authors_of, has_receipt, in_progress, lab_clock
from livinglab.handoff.queries.handoffs import HandoffBrief, handoff_by_id
from livinglab.handoff.queries.queue import NextStep
from livinglab.handoff.rules.clock import ClockFace, clock_face
from livinglab.handoff.rules.moves import may_see, no_such_handoff
from livinglab.handoff.rules.owed import Owed, owed
from livinglab.handoff.rules.verbs import Verb, verbs_for
from livinglab.ideas.models import Activity, Byline, Idea, IdeaCount, Stage
from livinglab.ideas.rules import why_not_see
from livinglab.labs.queries import (
    LabBrief,
    Somebody,
    UnitBrief,
    lab_brief,
    members_of,
    people_by_id,
    unit_brief,
)
from livinglab.people.models import Person
from livinglab.people.rules import Face, face_of


@dataclass(frozen=True, slots=True)
class IdeaInShort:
    """The idea as the unit meets it."""

    id: int
    title: str
    summary: str
    body: str
    gains: str
    place: str
    language: str
    stage: Stage
    activity: Activity
    byline: Face
    image: str | None
    image_alt: str
    comments: int
    lead: Somebody | None
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class Line:
    """One step of the handoff's history, as staff read it."""

    at: datetime
    kind: str
    actor: Somebody | None
    assignee: Somebody | None
    unit: Texts
    note: str
    data: dict[str, Any]

    @property
    def until(self) -> date | None:
        """Return the day the step names, where it names one."""
        return date.fromisoformat(self.data["until"]) if self.data.get("until") else None


@dataclass(frozen=True, slots=True)
class Sheet:
    """The page of one handoff."""

    handoff: HandoffBrief
    idea: IdeaInShort
    lab: LabBrief
    unit: UnitBrief | None
    in_progress: int
    assignee: Somebody | None
    routed_by: Somebody | None
    clock: ClockFace | None
    owed: Owed | None
    step: NextStep
    answers: tuple[AnswerShown, ...]
    pending: AnswerShown | None
    history: tuple[Line, ...]
    verbs: tuple[Verb, ...]
    seconds: tuple[Somebody, ...]


def sheet(session: Session, handoff_id: int, viewer: Viewer, now: datetime) -> Sheet:
    """Return everything about one handoff.

    Raises:
        NotFound: ``no-such-handoff``; also when the person may not know of it.
    """
    handoff = handoff_by_id(session, handoff_id)
    if handoff is None or not may_see(viewer, handoff):
        raise no_such_handoff()
    idea = session.get_one(Idea, handoff.idea_id)
    if why_not_see(idea, viewer) is not None:
        raise no_such_handoff()
    unit = unit_brief(session, handoff.unit_id) if handoff.unit_id is not None else None
    busy = in_progress(session, handoff.unit_id)
    pending = waiting_answer(session, handoff_id)
    people = people_by_id(session, {i for i in (handoff.assignee_id, handoff.routed_by, idea.lead_id) if i})
    verbs = verbs_for(
        handoff,
        viewer,
        stage=idea.stage,
        lead_id=idea.lead_id,
        authors=authors_of(session, handoff.idea_id),
        pending=pending,
        has_receipt=has_receipt(session, handoff_id),
        has_room=unit is None or busy < unit.limit_in_progress,
    )
    members = members_of(session, handoff.unit_id) if handoff.unit_id is not None else ()
    signer = pending.signer_id if pending else 0
    zone = lab_clock(session, handoff.lab_id).zone
    return Sheet(
        handoff=handoff,
        idea=_in_short(session, idea, people.get(idea.lead_id or 0)),
        lab=lab_brief(session, handoff.lab_id),
        unit=unit,
        in_progress=busy,
        assignee=people.get(handoff.assignee_id or 0),
        routed_by=people.get(handoff.routed_by or 0),
        clock=clock_face(handoff, now, zone),
        owed=owed(idea.due_at, now, zone, stood_since=handoff.waiting_since),
        step=NextStep(idea.next_step, idea.next_who, idea.next_by),
        answers=tuple(a for a in answers_of(session, handoff.idea_id) if a.handoff_id == handoff_id),
        pending=pending,
        history=_history(session, handoff_id),
        verbs=verbs,
        seconds=tuple(person for person in members if person.id != signer),
    )


def _in_short(session: Session, idea: Idea, lead: Somebody | None) -> IdeaInShort:
    author, photo, image, comments = session.execute(
        sa.select(
            Person,
            sa.select(col(StoredFile.key))
            .where(col(StoredFile.id) == col(Person.photo_id))
            .scalar_subquery(),
            sa.select(col(StoredFile.key)).where(col(StoredFile.id) == idea.image_id).scalar_subquery(),
            sa.select(col(IdeaCount.comments)).where(col(IdeaCount.idea_id) == idea.id).scalar_subquery(),
        ).where(col(Person.id) == idea.author_id)
    ).first() or (None, None, None, 0)
    byline = (
        face_of(
            name=author.name,
            pseudonym=author.pseudonym,
            byline=idea.byline,
            photo=photo,
            erased=author.erased_at is not None,
        )
        if author
        else face_of(name=None, byline=Byline.RESIDENT)
    )
    return IdeaInShort(
        id=known_id(idea.id),
        title=idea.title,
        summary=idea.summary,
        body=idea.body,
        gains=idea.gains,
        place=idea.place,
        language=idea.language,
        stage=idea.stage,
        activity=idea.activity,
        byline=byline,
        image=image,
        image_alt=idea.image_alt,
        comments=comments or 0,
        lead=lead,
        published_at=idea.published_at,
    )


def _history(session: Session, handoff_id: int) -> tuple[Line, ...]:
    """Return the steps of the journal that belong to a handoff, newest first, with colleagues' notes."""
    idea_id, since = session.execute(
        sa.select(col(Handoff.idea_id), col(Handoff.queued_at)).where(col(Handoff.id) == handoff_id)
    ).one()
    rows = session.execute(
        sa.select(Event, col(HandoffNote.text))
        .outerjoin(HandoffNote, col(HandoffNote.event_id) == col(Event.id))
        .where(
            col(Event.idea_id) == idea_id,
            col(Event.at) >= since,
            sa.or_(col(Event.kind).like("handoff-%"), col(Event.kind).like("answer-%")),
            col(Event.kind) != "answer-final",
        )
        .order_by(col(Event.at).desc(), col(Event.id).desc())
    ).all()
    mine = [(event, note) for event, note in rows if event.data.get("handoff_id") == handoff_id]
    ids = {event.actor_id for event, _ in mine} | {event.data.get("assignee_id") for event, _ in mine}
    people = people_by_id(session, {i for i in ids if i})
    return tuple(
        Line(
            at=event.at,
            kind=event.kind,
            actor=people.get(event.actor_id or 0),
            assignee=people.get(event.data.get("assignee_id") or 0),
            unit=event.data.get("unit") or {},
            note=note or "",
            data=event.data,
        )
        for event, note in mine
    )
