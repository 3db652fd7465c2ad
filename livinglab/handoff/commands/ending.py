"""What the idea's own road does to its handoff: delivery, follow-up, closing. Called by pipeline."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.handoff.commands._record import change, log, open_handoff_row
from livinglab.handoff.models import POSITIVE, Answer, Handoff, HandoffState


def discard_waiting_answer(session: Session, handoff: Handoff) -> None:
    """Drop an answer that was written and never published; nobody outside has seen it."""
    session.execute(
        sa.delete(Answer).where(col(Answer.handoff_id) == handoff.id, col(Answer.published_at).is_(None))
    )


def end(session: Session, handoff: Handoff, *, reason: str, now: datetime, actor_id: int | None) -> None:
    """Close a handoff that is in hand already."""
    discard_waiting_answer(session, handoff)
    change(
        session,
        handoff,
        now=now,
        state=HandoffState.CLOSED,
        closed_at=now,
        close_reason=reason[:40],
        waiting_since=None,
        waiting_until=None,
    )
    log(session, handoff, "handoff-closed", now=now, person_id=actor_id, reason=reason)


def close_handoff(
    session: Session, idea_id: int, reason: str, now: datetime, *, actor_id: int | None = None
) -> bool:
    """Close the idea's handoff, where it has an open one.

    Args:
        reason: A code such as ``declined``, ``merged``, ``withdrawn`` or ``archived``.

    Returns:
        Whether there was one.

    Source: rule H0.
    """
    handoff = open_handoff_row(session, idea_id)
    if handoff is None:
        return False
    end(session, handoff, reason=reason, now=now, actor_id=actor_id)
    return True


def begin_delivery(session: Session, idea_id: int, now: datetime, *, actor_id: int | None = None) -> bool:
    """Note that delivery begins: the idea has moved to prototype and the unit has accepted it.

    Where the unit still owes its decision (passed as a deviation) nothing changes and its clock runs on;
    delivery then begins when it accepts.

    Returns:
        Whether delivery began.

    Source: rule H0.
    """
    handoff = open_handoff_row(session, idea_id)
    if handoff is None or handoff.state is not HandoffState.DECIDED or handoff.outcome not in POSITIVE:
        return False
    start_delivery(session, handoff, now=now, actor_id=actor_id)
    return True


def start_delivery(session: Session, handoff: Handoff, *, now: datetime, actor_id: int | None) -> None:
    """Move an accepted handoff into delivery."""
    change(session, handoff, now=now, state=HandoffState.DELIVERY)
    log(session, handoff, "handoff-delivery", now=now, person_id=actor_id)


def mark_delivered(session: Session, idea_id: int, now: datetime, *, actor_id: int | None = None) -> bool:
    """Note that the idea runs as a service.

    Returns:
        Whether an accepted handoff was there to be delivered.

    Source: rule H0.
    """
    handoff = open_handoff_row(session, idea_id)
    if handoff is None or handoff.state not in (HandoffState.DECIDED, HandoffState.DELIVERY):
        return False
    if handoff.outcome not in POSITIVE:
        return False
    change(session, handoff, now=now, state=HandoffState.DELIVERED, delivered_at=now)
    log(session, handoff, "handoff-delivered", now=now, person_id=actor_id)
    return True


def mark_followed_up(
    session: Session, idea_id: int, now: datetime, *, last: bool, actor_id: int | None = None
) -> bool:
    """Note that the effect of what was delivered has been measured: the first time as an event of its own.

    Args:
        last: Whether nothing is to be measured any more; then the handoff closes.

    Returns:
        Whether a delivered handoff was there.

    Source: rule H1.
    """
    handoff = open_handoff_row(session, idea_id)
    if handoff is None or handoff.state not in (HandoffState.DELIVERED, HandoffState.FOLLOWED_UP):
        return False
    if handoff.state is HandoffState.DELIVERED:
        change(session, handoff, now=now, state=HandoffState.FOLLOWED_UP)
        log(session, handoff, "handoff-followed-up", now=now, person_id=actor_id)
    if last:
        end(session, handoff, reason="followed-up", now=now, actor_id=actor_id)
    return True
