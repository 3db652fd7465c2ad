"""The receiving unit's part at a gate: where it stands, and what its "no" proposes (rule H0)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.handoff.models import Answer, AnswerKind, Handoff, Outcome
from livinglab.labs.models import ReceivingUnit
from livinglab.pipeline.models import (
    DecisionOutcome,
    DeclineCode,
)
from livinglab.pipeline.queries.review.shapes import HandoffLine, Suggestion


def handoff_line(session: Session, idea_id: int) -> HandoffLine | None:
    """Return where the idea stands with its receiving unit."""
    row: Any = session.execute(
        sa.select(
            col(Handoff.id),
            col(Handoff.unit_id),
            col(ReceivingUnit.name),
            col(Handoff.state),
            col(Handoff.outcome),
            col(Handoff.due_at),
        )
        .outerjoin(ReceivingUnit, col(ReceivingUnit.id) == col(Handoff.unit_id))
        .where(col(Handoff.idea_id) == idea_id, col(Handoff.closed_at).is_(None))
    ).one_or_none()
    if row is None:
        return None
    return HandoffLine(row.id, row.unit_id, row.name, row.state, row.outcome, row.due_at)


_SUGGESTED = {
    Outcome.EXISTS: (DecisionOutcome.DECLINE, DeclineCode.EXISTS),
    Outcome.NOT_NOW: (DecisionOutcome.HOLD, None),
    Outcome.DECLINED: (DecisionOutcome.DECLINE, DeclineCode.NO_OWNER),
}


def suggestion_of(session: Session, handoff: HandoffLine | None) -> Suggestion | None:
    """Return what the unit's negative answer proposes, in the words of its newest correction."""
    if handoff is None or handoff.outcome not in _SUGGESTED:
        return None
    row: Any = session.execute(
        sa.select(col(Answer.id), col(Answer.title), col(Answer.body), col(Answer.language))
        .where(
            col(Answer.handoff_id) == handoff.id,
            col(Answer.published_at).is_not(None),
            col(Answer.kind).in_((AnswerKind.FINAL, AnswerKind.CORRECTION)),
        )
        .order_by(col(Answer.published_at).desc(), col(Answer.id).desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    outcome, code = _SUGGESTED[handoff.outcome]
    return Suggestion(row.id, row.title, row.language, outcome, code, row.body[:2000])
