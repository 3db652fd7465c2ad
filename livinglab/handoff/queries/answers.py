"""Official answers as pages show them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.clock import local_day
from livinglab.core.db import Texts, another
from livinglab.core.files import StoredFile
from livinglab.core.together import Read, Rows
from livinglab.handoff.models import Answer, AnswerKind, Handoff, Outcome
from livinglab.labs.models import Lab, LabSettings, ReceivingUnit
from livinglab.people.models import Person
from livinglab.people.queries import face_columns, face_in
from livinglab.people.rules import Face, face_of


@dataclass(frozen=True, slots=True)
class Correction:
    """A newer text of an answer."""

    id: int
    title: str
    body: str
    language: str
    at: datetime
    signer: Face


@dataclass(frozen=True, slots=True)
class AnswerShown:
    """An official answer with everything the public is told of it (rule H4).

    Args:
        signer: With the title they signed under.
        second: Who published it, where that was somebody else.
        days_used: Calendar days since the handoff was queued, without the time that did not count.
        days_promised: What the lab promises for this kind; ``None`` for a receipt.
        days_late: Days past the deadline, pauses apart; 0 when in time.
        corrections: Oldest first; the newest is what counts.
    """

    id: int
    idea_id: int
    handoff_id: int
    unit: Texts
    kind: AnswerKind
    outcome: Outcome | None
    title: str
    body: str
    language: str
    signer_id: int
    signer: Face
    second: Face | None
    written_at: datetime
    published_at: datetime | None
    days_used: int
    days_promised: int | None
    days_late: int
    corrections: tuple[Correction, ...] = ()
    returned_note: str = ""
    corrects_id: int | None = None
    stamp: int = 0

    @property
    def is_published(self) -> bool:
        """Say whether the public can read it."""
        return self.published_at is not None


_signer, _second = another(Person), another(Person)
_signer_photo, _second_photo = another(StoredFile), another(StoredFile)
_OF_ANSWER = (
    "id", "handoff_id", "idea_id", "kind", "outcome", "language", "title", "body", "signer_id",
    "signer_title", "corrects_id", "written_at", "published_at", "returned_note", "stamp",
)  # fmt: skip


@lru_cache(maxsize=1)
def _query() -> Any:
    """Return the statement that reads answers with all a page tells of them, made once; not yet narrowed."""
    usual = LabSettings(lab_id=0)
    return (
        sa.select(
            *(getattr(Answer, name) for name in _OF_ANSWER),
            col(Handoff.queued_at),
            col(Handoff.waited_seconds),
            col(Handoff.answer_seconds),
            col(Handoff.preliminary_due),
            col(Handoff.decision_due),
            col(ReceivingUnit.name).label("unit"),
            col(Lab.timezones),
            sa.func.coalesce(col(LabSettings.preliminary_days), usual.preliminary_days).label("preliminary"),
            sa.func.coalesce(col(LabSettings.decision_days), usual.decision_days).label("decision"),
            col(_signer.name).label("signer_name"),
            col(_signer.erased_at).label("signer_erased"),
            col(_signer_photo.key).label("signer_photo"),
            col(_second.id).label("second_id"),
            *face_columns(_second, _second_photo, "second"),
        )
        .join(Handoff, col(Handoff.id) == col(Answer.handoff_id))
        .join(Lab, col(Lab.id) == col(Handoff.lab_id))
        .outerjoin(LabSettings, col(LabSettings.lab_id) == col(Handoff.lab_id))
        .outerjoin(ReceivingUnit, col(ReceivingUnit.id) == col(Handoff.unit_id))
        .join(_signer, col(_signer.id) == col(Answer.signer_id))
        .outerjoin(_signer_photo, col(_signer_photo.id) == col(_signer.photo_id))
        .outerjoin(_second, col(_second.id) == col(Answer.second_id))
        .outerjoin(_second_photo, col(_second_photo.id) == col(_second.photo_id))
        .order_by(col(Answer.published_at), col(Answer.id))
    )


def _shown(rows: Rows) -> tuple[AnswerShown, ...]:
    newer: dict[int, list[Correction]] = defaultdict(list)
    for row in rows:
        if row.kind is AnswerKind.CORRECTION and row.published_at is not None:
            newer[row.corrects_id].append(
                Correction(row.id, row.title, row.body, row.language, row.published_at, _signer_of(row))
            )
    return tuple(_answer(row, tuple(newer.get(row.id, ()))) for row in rows)


def _answer(row: Any, corrections: tuple[Correction, ...]) -> AnswerShown:
    zone = row.timezones[0]
    at = row.published_at or row.written_at
    promised = {AnswerKind.PRELIMINARY: row.preliminary, AnswerKind.FINAL: row.decision}
    dues = {AnswerKind.PRELIMINARY: row.preliminary_due, AnswerKind.FINAL: row.decision_due}
    due = dues.get(row.kind)
    return AnswerShown(
        id=row.id,
        idea_id=row.idea_id,
        handoff_id=row.handoff_id,
        unit=row.unit or {},
        kind=row.kind,
        outcome=row.outcome,
        title=row.title,
        body=row.body,
        language=row.language,
        signer_id=row.signer_id,
        signer=_signer_of(row),
        second=_second_of(row),
        written_at=row.written_at,
        published_at=row.published_at,
        days_used=_days_used(row, at, zone),
        days_promised=promised.get(row.kind),
        days_late=(local_day(at, zone) - local_day(due, zone)).days + 1 if due and at >= due else 0,
        corrections=corrections,
        returned_note=row.returned_note,
        corrects_id=row.corrects_id,
        stamp=row.stamp,
    )


def _days_used(row: Any, at: datetime, zone: str) -> int:
    """Count the days that count; what came on another day is never said to have come on the same."""
    queued = local_day(row.queued_at, zone)
    counted = (local_day(_as_if_never_stood(row, at), zone) - queued).days
    return max(counted, min(1, (local_day(at, zone) - queued).days))


def _as_if_never_stood(row: Any, at: datetime) -> datetime:
    """Return when an answer would have come without the pauses and the time the idea was hidden before it.

    Source: rule H2, docs/decisions/0014-hidden-time-does-not-count.md.
    """
    first = row.kind is AnswerKind.PRELIMINARY and row.published_at is not None
    if first and row.answer_seconds is not None:  # what stood later is no matter of the first answer
        return cast("datetime", row.queued_at + timedelta(seconds=row.answer_seconds))
    if row.kind is AnswerKind.RECEIPT:
        return at
    return max(cast("datetime", row.queued_at), at - timedelta(seconds=row.waited_seconds))


def _signer_of(row: Any) -> Face:
    erased = row.signer_erased is not None
    return face_of(name=row.signer_name, photo=row.signer_photo, title=row.signer_title, erased=erased)


def _second_of(row: Any) -> Face | None:
    return face_in(row, "second") if row.second_id is not None else None


def answers_of(session: Session, idea_id: int) -> tuple[AnswerShown, ...]:
    """Return the published answers of an idea, oldest first, each with its corrections. Source: rule H4."""
    return answers_read(idea_id).alone(session)


def answers_read(idea_id: int) -> Read[tuple[AnswerShown, ...]]:
    """Return how ``answers_of`` is read."""
    return Read(_of_idea(), {"idea_id": idea_id}, _but_corrections)


@lru_cache(maxsize=1)
def _of_idea() -> sa.Select[Any]:
    one: Any = sa.bindparam("idea_id", type_=sa.Integer)
    public = col(Answer.published_at).is_not(None)
    return _query().where(col(Answer.idea_id) == one, public)  # type: ignore[no-any-return]


def _but_corrections(rows: Rows) -> tuple[AnswerShown, ...]:
    return tuple(answer for answer in _shown(rows) if answer.kind is not AnswerKind.CORRECTION)


def waiting_answer(session: Session, handoff_id: int) -> AnswerShown | None:
    """Return the answer of a handoff that is written and not published, if there is one."""
    waits = col(Answer.handoff_id) == handoff_id, col(Answer.published_at).is_(None)
    return next(iter(_shown(session.execute(_query().where(*waits)).all())), None)


def answer_by_id(session: Session, answer_id: int) -> AnswerShown | None:
    """Return one answer, published or not; who may see it is asked elsewhere."""
    return next(iter(_shown(session.execute(_query().where(col(Answer.id) == answer_id)).all())), None)
