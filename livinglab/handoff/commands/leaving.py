"""Somebody who had handoffs in hand is no longer there: the unit has them again. Source: rules P2b, H1."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.handoff.commands._record import change, lock, log, stamped, turn
from livinglab.handoff.models import Handoff
from livinglab.handoff.queries.facts import is_member
from livinglab.labs.models import UnitMember


def release_handoffs(session: Session, *, person_id: int, now: datetime, lab_id: int | None = None) -> int:
    """Put back into their units' hands what somebody held who no longer works there.

    State and clock stay as they are: the promise was the unit's, not the person's. Safe to run twice.

    Args:
        lab_id: Only in this lab; ``None``: everywhere.

    Returns:
        How many handoffs were put back.
    """
    held = select(Handoff.id).where(
        col(Handoff.assignee_id) == person_id,
        col(Handoff.closed_at).is_(None),
        sa.true() if lab_id is None else col(Handoff.lab_id) == lab_id,
    )
    return sum(
        _release(session, handoff_id or 0, person_id, now)
        for handoff_id in session.scalars(held.order_by(col(Handoff.id))).all()
    )


def _release(session: Session, handoff_id: int, person_id: int, now: datetime) -> int:
    handoff = lock(session, handoff_id)
    if handoff.assignee_id != person_id or is_member(session, handoff.unit_id, person_id):
        return 0
    change(session, handoff, now=now, assignee_id=None)
    log(
        session,
        handoff,
        "handoff-vacated",
        now=now,
        person_id=None,
        public=False,
        state=handoff.state.value,
        due=stamped(handoff.due_at) if handoff.due_at else None,
        to_manager=not _has_members(session, handoff.unit_id),
    )
    turn(session, handoff, now=now)
    return 1


def _has_members(session: Session, unit_id: int | None) -> bool:
    return bool(session.scalar(select(sa.literal(1)).where(col(UnitMember.unit_id) == unit_id).limit(1)))
