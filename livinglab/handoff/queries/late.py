"""Which answers are late just now, and who owes them: public, as every late mark is (rule H3)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.clock import local_day
from livinglab.core.db import Texts
from livinglab.handoff.models import Handoff
from livinglab.ideas.models import Idea, Publication
from livinglab.labs.models import Lab, ReceivingUnit


@dataclass(frozen=True, slots=True)
class LateAnswer:
    """An idea whose answer has not come by its deadline.

    Args:
        unit: Who owes it; ``None`` while the handoff waits for a unit.
        days: Days past the deadline, at least 1.
    """

    idea_id: int
    title: str
    language: str
    lab_name: str
    unit: Texts | None
    due_at: datetime | None
    late_since: datetime
    days: int


def late_answers(
    session: Session, now: datetime, *, lab_ids: Collection[int] | None = None, limit: int = 100
) -> tuple[LateAnswer, ...]:
    """Return the public ideas whose answer is late, the longest wait first."""
    query: Any = (
        sa.select(
            Handoff,
            col(Idea.title),
            col(Idea.language),
            col(Lab.name),
            col(Lab.timezones),
            col(ReceivingUnit.name),
        )
        .join(Idea, col(Idea.id) == col(Handoff.idea_id))
        .join(Lab, col(Lab.id) == col(Handoff.lab_id))
        .outerjoin(ReceivingUnit, col(ReceivingUnit.id) == col(Handoff.unit_id))
        .where(
            col(Handoff.closed_at).is_(None),
            col(Handoff.late_since).is_not(None),
            col(Idea.publication) == Publication.PUBLISHED,
        )
        .order_by(col(Handoff.late_since), col(Handoff.id))
        .limit(limit)
    )
    if lab_ids is not None:
        query = query.where(col(Handoff.lab_id).in_(lab_ids))
    return tuple(
        LateAnswer(
            idea_id=handoff.idea_id,
            title=title,
            language=language,
            lab_name=lab,
            unit=dict(unit) if unit else None,
            due_at=handoff.due_at,
            late_since=handoff.late_since,
            days=_days_late(handoff, now, zones[0]),
        )
        for handoff, title, language, lab, zones, unit in session.execute(query)
    )


def _days_late(handoff: Handoff, now: datetime, zone: str) -> int:
    """Count days as the handoff's own page does: from the last day in time, which the mark follows by one."""
    marked = local_day(handoff.late_since or now, zone) - timedelta(days=1)
    due = local_day(handoff.due_at - timedelta(seconds=1), zone) if handoff.due_at else marked
    return max(1, (local_day(now, zone) - min(due, marked)).days)
