"""The rows of the queue, with the one next action of each: two statements for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.files import StoredFile
from livinglab.core.together import Read, Rows, together
from livinglab.core.viewer import Viewer
from livinglab.handoff.models import Answer, AnswerKind, Handoff
from livinglab.handoff.queries.handoffs import HandoffBrief, brief_of
from livinglab.handoff.queries.loads import UnitLoad
from livinglab.handoff.queries.queue.shapes import NextStep, Pending, QueueRow
from livinglab.handoff.rules.clock import clock_face
from livinglab.handoff.rules.owed import owed
from livinglab.handoff.rules.verbs import verbs_for
from livinglab.ideas.models import Credit, CreditKind, Idea
from livinglab.labs.models import Lab, ReceivingUnit
from livinglab.labs.queries import Somebody
from livinglab.people.models import Person
from livinglab.people.rules import face_of

IDS: Any = sa.bindparam("ids", type_=sa.Integer, expanding=True)
AUTHORS = (CreditKind.AUTHOR, CreditKind.CO_AUTHOR, CreditKind.MERGED_AUTHOR)


def rows_of(
    session: Session, viewer: Viewer, now: datetime, ids: Sequence[int], units: tuple[UnitLoad, ...]
) -> dict[int, QueueRow]:
    """Return what the queue shows of some handoffs."""
    if not ids:
        return {}
    values = {"ids": tuple(ids)}
    rows, authors = together(session, Read(_rows(), values, tuple), Read(_authors(), values, _by_idea))
    room = {unit.id: unit.in_progress < unit.limit for unit in units}
    found = {}
    for row in rows:
        brief, waits = brief_of(row, row.unit_name), _pending(row)
        zone = row.timezones[0]
        found[brief.id] = QueueRow(
            handoff=brief,
            title=row.title,
            language=row.language,
            summary=row.summary,
            stage=row.stage,
            activity=row.activity,
            lab_name=row.lab_name,
            assignee=_assignee(row),
            mine=brief.assignee_id == viewer.person_id,
            clock=clock_face(brief, now, zone),
            owed=owed(row.idea_due, now, zone, stood_since=brief.waiting_since),
            step=NextStep(row.next_step, row.next_who, row.next_by),
            pending=waits,
            verbs=verbs_for(
                brief,
                viewer,
                stage=row.stage,
                lead_id=row.lead_id,
                authors=authors.get(brief.idea_id, frozenset()),
                pending=waits,
                has_receipt=row.has_receipt,
                has_room=room.get(brief.unit_id or 0, True),
            ),
        )
    return found


@lru_cache(maxsize=1)
def _rows() -> Any:
    """Return the statement of the rows, made once."""
    of_it = col(Answer.handoff_id) == col(Handoff.id)
    receipt = sa.exists().where(of_it, col(Answer.kind) == AnswerKind.RECEIPT).correlate(Handoff)
    waiting: Any = sa.alias(Answer.__table__, "waiting")  # type: ignore[attr-defined]
    names = (field.name for field in fields(HandoffBrief) if field.name != "unit")
    return (
        sa.select(
            *(getattr(Handoff, name) for name in names),
            col(ReceivingUnit.name).label("unit_name"),
            *(col(column) for column in (Idea.title, Idea.language, Idea.summary, Idea.stage, Idea.activity)),
            *(col(column) for column in (Idea.next_step, Idea.next_who, Idea.next_by, Idea.lead_id)),
            col(Idea.due_at).label("idea_due"),
            col(Lab.name).label("lab_name"),
            col(Lab.timezones),
            col(Person.name).label("person_name"),
            col(Person.title).label("person_title"),
            col(Person.erased_at),
            col(StoredFile.key).label("photo"),
            waiting.c.id.label("answer_id"),
            waiting.c.kind,
            waiting.c.signer_id,
            waiting.c.returned_note,
            waiting.c.stamp.label("answer_stamp"),
            receipt.label("has_receipt"),
        )
        .select_from(Handoff)
        .join(Idea, col(Idea.id) == col(Handoff.idea_id))
        .join(Lab, col(Lab.id) == col(Handoff.lab_id))
        .outerjoin(ReceivingUnit, col(ReceivingUnit.id) == col(Handoff.unit_id))
        .outerjoin(Person, col(Person.id) == col(Handoff.assignee_id))
        .outerjoin(StoredFile, col(StoredFile.id) == col(Person.photo_id))
        .outerjoin(
            waiting, sa.and_(waiting.c.handoff_id == col(Handoff.id), waiting.c.published_at.is_(None))
        )
        .where(col(Handoff.id).in_(IDS))
    )


@lru_cache(maxsize=1)
def _authors() -> Any:
    """Return the statement of who wrote the ideas, made once."""
    return (
        sa.select(col(Credit.idea_id), col(Credit.person_id))
        .join(Handoff, col(Handoff.idea_id) == col(Credit.idea_id))
        .where(col(Handoff.id).in_(IDS), col(Credit.kind).in_(AUTHORS))
    )


def _by_idea(rows: Rows) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for row in rows:
        found[row.idea_id].add(row.person_id)
    return {idea_id: frozenset(people) for idea_id, people in found.items()}


def _pending(row: Any) -> Pending | None:
    if row.answer_id is None:
        return None
    return Pending(row.answer_id, row.kind, row.signer_id, row.returned_note, row.answer_stamp)


def _assignee(row: Any) -> Somebody | None:
    if row.person_name is None:
        return None
    erased = row.erased_at is not None
    face = face_of(name=row.person_name, photo=row.photo, title=row.person_title, erased=erased)
    return Somebody(row.assignee_id, face)
