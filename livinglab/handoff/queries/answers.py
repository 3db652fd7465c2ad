"""Official answers as pages show them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased
from sqlmodel import col

from livinglab.core.clock import local_day
from livinglab.core.db import Texts, known_id
from livinglab.core.files import StoredFile
from livinglab.handoff.models import Answer, AnswerKind, Handoff, Outcome
from livinglab.handoff.queries.facts import lab_clock
from livinglab.labs.models import ReceivingUnit
from livinglab.people.models import Person
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
        days_used: Calendar days since the handoff was queued.
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


def _rows(session: Session, *conditions: Any) -> list[Any]:
    signer, second = aliased(Person), aliased(Person)
    photo, photo2 = aliased(StoredFile), aliased(StoredFile)
    return list(
        session.execute(
            sa.select(
                Answer, Handoff, col(ReceivingUnit.name), signer, col(photo.key), second, col(photo2.key)
            )
            .join(Handoff, col(Handoff.id) == col(Answer.handoff_id))
            .outerjoin(ReceivingUnit, col(ReceivingUnit.id) == col(Handoff.unit_id))
            .join(signer, col(signer.id) == col(Answer.signer_id))
            .outerjoin(photo, col(photo.id) == col(signer.photo_id))
            .outerjoin(second, col(second.id) == col(Answer.second_id))
            .outerjoin(photo2, col(photo2.id) == col(second.photo_id))
            .where(*conditions)
            .order_by(col(Answer.published_at), col(Answer.id))
        )
    )


def _shown(session: Session, rows: list[Any]) -> list[AnswerShown]:
    if not rows:
        return []
    clock = lab_clock(session, rows[0][1].lab_id)
    newer: dict[int, list[Correction]] = defaultdict(list)
    for answer, _handoff, _unit, signer, photo, _second, _photo2 in rows:
        if answer.kind is AnswerKind.CORRECTION and answer.published_at is not None:
            newer[answer.corrects_id].append(
                Correction(
                    id=answer.id,
                    title=answer.title,
                    body=answer.body,
                    language=answer.language,
                    at=answer.published_at,
                    signer=_face(signer, photo, answer.signer_title),
                )
            )
    promised = {
        AnswerKind.PRELIMINARY: clock.settings.preliminary_days,
        AnswerKind.FINAL: clock.settings.decision_days,
    }
    found = []
    for answer, handoff, unit, signer, photo, second, photo2 in rows:
        at = answer.published_at or answer.written_at
        due = {AnswerKind.PRELIMINARY: handoff.preliminary_due, AnswerKind.FINAL: handoff.decision_due}.get(
            answer.kind
        )
        used = (local_day(at, clock.zone) - local_day(handoff.queued_at, clock.zone)).days
        found.append(
            AnswerShown(
                id=known_id(answer.id),
                idea_id=answer.idea_id,
                handoff_id=answer.handoff_id,
                unit=unit or {},
                kind=answer.kind,
                outcome=answer.outcome,
                title=answer.title,
                body=answer.body,
                language=answer.language,
                signer_id=answer.signer_id,
                signer=_face(signer, photo, answer.signer_title),
                second=_face(second, photo2, second.title) if second else None,
                written_at=answer.written_at,
                published_at=answer.published_at,
                days_used=used,
                days_promised=promised.get(answer.kind),
                days_late=(local_day(at, clock.zone) - local_day(due, clock.zone)).days + 1
                if due and at >= due
                else 0,
                corrections=tuple(newer.get(known_id(answer.id), ())),
                returned_note=answer.returned_note,
                corrects_id=answer.corrects_id,
                stamp=answer.stamp,
            )
        )
    return found


def _face(person: Person, photo: str | None, title: str) -> Face:
    return face_of(name=person.name, photo=photo, title=title, erased=person.erased_at is not None)


def answers_of(session: Session, idea_id: int) -> tuple[AnswerShown, ...]:
    """Return the published answers of an idea, oldest first, each with its corrections. Source: rule H4."""
    rows = _rows(session, col(Answer.idea_id) == idea_id, col(Answer.published_at).is_not(None))
    return tuple(answer for answer in _shown(session, rows) if answer.kind is not AnswerKind.CORRECTION)


def waiting_answer(session: Session, handoff_id: int) -> AnswerShown | None:
    """Return the answer of a handoff that is written and not published, if there is one."""
    rows = _rows(session, col(Answer.handoff_id) == handoff_id, col(Answer.published_at).is_(None))
    return next(iter(_shown(session, rows)), None)


def answer_by_id(session: Session, answer_id: int) -> AnswerShown | None:
    """Return one answer, published or not; who may see it is asked elsewhere."""
    return next(iter(_shown(session, _rows(session, col(Answer.id) == answer_id))), None)
