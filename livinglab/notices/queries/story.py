"""The story of an idea: the journal as everybody may read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from livinglab.core.journal import Event
from livinglab.core.together import Read
from livinglab.ideas.models import Stage
from livinglab.notices.queries.telling import ToldEvent, events_query, of_kinds, told_event
from livinglab.notices.rules.sentences import SENTENCES
from livinglab.people.rules import Face
from livinglab.pipeline.queries import DecisionShown

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


def told_read(idea_id: int, language: str) -> Read[list[ToldEvent]]:
    """Return how the public events of an idea are read, oldest first.

    The caller has made sure that the reader may see the idea.
    """
    values = {"idea_id": idea_id}
    return Read(_of_idea(), values, lambda rows: [told_event(row, language) for row in rows])


@lru_cache(maxsize=1)
def _of_idea() -> sa.Select[Any]:
    one: Any = sa.bindparam("idea_id", type_=sa.Integer)
    of_story = col(Event.idea_id) == one, col(Event.public), of_kinds(IN_STORY)
    return events_query().where(*of_story).order_by(col(Event.at), col(Event.id))  # type: ignore[no-any-return]


def story(events: Sequence[ToldEvent], decisions: Sequence[DecisionShown]) -> tuple[StoryEntry, ...]:
    """Return the whole story of an idea, oldest first, from its events and what was decided."""
    known = {decision.id: decision for decision in decisions}
    stage = Stage.IDEA
    entries = []
    for event in events:
        decision = known.get(event.data.get("decision_id") or event.subject_id or 0)
        if event.kind == "decision-made" and decision:
            stage = decision.to_stage
        entries.append(_entry(event, stage, decision))
    return tuple(entries)


def _entry(event: ToldEvent, stage: Stage, decision: DecisionShown | None) -> StoryEntry:
    base = {
        "id": event.id,
        "kind": event.kind,
        "at": event.at,
        "text": event.text,
        "icon": event.icon,
        "stage": stage,
    }
    if event.kind == "decision-made" and decision:
        return StoryEntry(
            **base,
            quote=decision.reason,
            deciders=tuple(
                Decider(replace(face, photo=None), face.title)
                for face in (decision.proposed_by, decision.confirmed_by)
                if face is not None
            ),
            decision_id=decision.id,
            note=decision.would_change,
            met=decision.stood,
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
