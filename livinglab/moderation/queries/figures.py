"""How quickly a lab's facilitators decide. Source: rules M2, M4."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.moderation.models import Case

WINDOW_DAYS = 365


@dataclass(frozen=True, slots=True)
class Moderated:
    """Cases of the last twelve months.

    Args:
        due: Those decided, and those that should have been by now.
        in_time: Those decided within 2 working days.
    """

    due: int = 0
    in_time: int = 0

    @property
    def share(self) -> int | None:
        """Return the percentage decided in time, rounded down; ``None`` where nothing was due."""
        return 100 * self.in_time // self.due if self.due else None


def moderated_in_time(session: Session, lab_ids: Collection[int], now: datetime) -> Moderated:
    """Return how many of the labs' cases were decided in time during the last twelve months."""
    if not lab_ids:
        return Moderated()
    decided = col(Case.closed_at).is_not(None)
    in_time = sa.and_(decided, col(Case.closed_at) <= col(Case.due_at))
    due, kept = session.execute(
        sa.select(
            sa.func.count().filter(sa.or_(decided, col(Case.due_at) <= now)), sa.func.count().filter(in_time)
        ).where(col(Case.lab_id).in_(lab_ids), col(Case.opened_at) > now - timedelta(days=WINDOW_DAYS))
    ).one()
    return Moderated(due, kept)
