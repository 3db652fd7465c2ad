"""The story of an idea: the journal as everybody may read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.journal import Event
from livinglab.ideas.models import Stage
from livinglab.notices.queries.telling import ToldEvent, told_events
from livinglab.notices.rules.sentences import SENTENCES
from livinglab.people.models import Person
from livinglab.people.rules import Face, face_of
from livinglab.pipeline.models import GateDecision

IN_STORY = tuple(kind for kind, said in SENTENCES.items() if said.story)


@dataclass(frozen=True, slots=True)
class Decider:
    """One of the people who signed a decision."""

    face: Face
    title: str


@dataclass(frozen=True, slots=True)
class StoryEntry:
    """One step of the story.

    Args:
        kind: The event's kind.
        stage: Colours the entry; the stage a decision leads to.
        quote: The reason of a decision.
        deciders: Who proposed and confirmed it; one where the lab lets one person decide.
        met: (criterion's code, met?, public reason for a deviation) of a decision.
        decision_id, answer_id: For links to the whole text.
    """

    id: int
    kind: str
    at: datetime
    text: str
    icon: str
    stage: Stage | None = None
    quote: str = ""
    note: str = ""
    deciders: tuple[Decider, ...] = ()
    met: tuple[tuple[str, bool, str], ...] = ()
    decision_id: int | None = None
    answer_id: int | None = None
    version: int | None = None
    data: Any = None


def story(session: Session, idea_id: int, language: str) -> tuple[StoryEntry, ...]:
    """Return the whole story of an idea, oldest first; three statements, however long it is.

    The caller has made sure that the reader may see the idea.
    """
    events = told_events(
        session,
        sa.and_(col(Event.idea_id) == idea_id, col(Event.public), col(Event.kind).in_(IN_STORY)),
        language,
    )
    decisions = _decisions(session, idea_id) if any(e.kind == "decision-made" for e in events) else {}
    stage = Stage.IDEA
    entries = []
    for event in events:
        decision = decisions.get(event.data.get("decision_id") or event.subject_id or 0)
        if event.kind == "decision-made" and decision:
            stage = decision[0].to_stage
        entries.append(_entry(event, stage, decision))
    return tuple(entries)


def _entry(
    event: ToldEvent, stage: Stage, decision: tuple[GateDecision, tuple[Decider, ...]] | None
) -> StoryEntry:
    base = {
        "id": event.id,
        "kind": event.kind,
        "at": event.at,
        "text": event.text,
        "icon": event.icon,
        "stage": stage,
    }
    if event.kind == "decision-made" and decision:
        row, deciders = decision
        return StoryEntry(
            **base,
            quote=row.reason,
            deciders=deciders,
            decision_id=row.id,
            note=row.would_change,
            met=tuple((c["code"], bool(c.get("met")), str(c.get("deviation") or "")) for c in row.criteria),
        )
    answer = event.kind.startswith("answer-")
    return StoryEntry(
        **base,
        note=str(event.data.get("reason") or event.data.get("note") or "")
        if event.kind != "idea-edited"
        else "",
        answer_id=event.subject_id if answer else None,
        version=event.data.get("version") or event.data.get("number")
        if event.kind == "idea-edited"
        else None,
    )


def _decisions(session: Session, idea_id: int) -> dict[int, tuple[GateDecision, tuple[Decider, ...]]]:
    rows = list(session.scalars(select(GateDecision).where(GateDecision.idea_id == idea_id)))
    people_ids = {p for row in rows for p in (row.proposed_by, row.confirmed_by) if p}
    people = {p.id: p for p in session.scalars(select(Person).where(col(Person.id).in_(people_ids)))}
    return {
        row.id or 0: (
            row,
            tuple(
                Decider(face_of(name=p.name, title=p.title, erased=p.erased_at is not None), p.title)
                for p in (people.get(row.proposed_by), people.get(row.confirmed_by or 0))
                if p
            ),
        )
        for row in rows
    }
