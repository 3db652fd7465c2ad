"""A person's notices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.journal import Event
from livinglab.notices.models import Notice
from livinglab.notices.queries.telling import ToldEvent, told_events


@dataclass(frozen=True, slots=True)
class NoticeShown:
    """One notice on the page."""

    id: int
    unread: bool
    at: datetime
    event: ToldEvent


def notices_of(
    session: Session, person_id: int, language: str, *, before: int | None = None, limit: int = 30
) -> tuple[tuple[NoticeShown, ...], int | None]:
    """Return a person's newest notices, and the id to go on before (``None`` on the last page)."""
    query = select(Notice).where(Notice.person_id == person_id)
    if before is not None:
        query = query.where(col(Notice.id) < before)
    rows = list(session.scalars(query.order_by(col(Notice.id).desc()).limit(limit + 1)))
    shown, more = rows[:limit], len(rows) > limit
    events = {e.id: e for e in told_events(session, col(Event.id).in_([n.event_id for n in shown]), language)}
    notices = tuple(
        NoticeShown(id=n.id or 0, unread=n.read_at is None, at=n.at, event=events[n.event_id])
        for n in shown
        if n.event_id in events
    )
    return notices, (shown[-1].id if more else None)


def unread_count(session: Session, person_id: int) -> int:
    """Count the notices that a person has not read."""
    return session.connection().scalar(_unread(), {"person_id": person_id}) or 0


@lru_cache(maxsize=1)
def _unread() -> sa.Select[Any]:
    person_id = sa.bindparam("person_id", type_=sa.Integer)
    return (
        sa.select(sa.func.count())
        .select_from(Notice)
        .where(col(Notice.person_id) == person_id, col(Notice.read_at).is_(None))
    )
