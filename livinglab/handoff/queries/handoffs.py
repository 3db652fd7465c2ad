"""Handoffs as other rooms and pages ask for them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime

from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import Texts
from livinglab.handoff.models import POSITIVE, Handoff, HandoffState, Outcome
from livinglab.handoff.rules.moves import AGREED
from livinglab.handoff.rules.owed import deadline_now
from livinglab.labs.models import ReceivingUnit


@dataclass(frozen=True, slots=True)
class HandoffBrief:
    """A handoff's own facts, fit for every rule of this room.

    Args:
        unit: The unit's name per language; empty while it lies in the lab's own queue.
    """

    id: int
    idea_id: int
    lab_id: int
    unit_id: int | None
    unit: Texts
    state: HandoffState
    note: str
    queued_at: datetime
    routed_by: int | None
    assignee_id: int | None
    assigned_at: datetime | None
    acknowledged_at: datetime | None
    preliminary_at: datetime | None
    decided_at: datetime | None
    outcome: Outcome | None
    delivered_at: datetime | None
    returns: int
    assign_due: datetime
    acknowledge_due: datetime | None
    preliminary_due: datetime
    decision_due: datetime
    due_at: datetime | None
    extended: bool
    extension_reason: str
    waiting_since: datetime | None
    waiting_until: date | None
    waiting_question: str
    waited_seconds: int
    late_since: datetime | None
    external_case: str
    closed_at: datetime | None
    close_reason: str
    stamp: int

    @property
    def waits(self) -> bool:
        """Say whether the clock stands because the unit waits for the author."""
        return self.waiting_since is not None

    @property
    def agreed(self) -> bool:
        """Say whether the unit has agreed to assess the idea: acknowledging is agreeing (rule H0)."""
        return self.acknowledged_at is not None

    @property
    def accepted(self) -> bool:
        """Say whether the unit's final answer is a "yes", with or without changes."""
        return self.outcome in POSITIVE

    @property
    def may_still_answer(self) -> bool:
        """Say whether an answer is still owed and can be given now."""
        return self.state in AGREED


_OWN = tuple(f.name for f in fields(HandoffBrief) if f.name != "unit")


def brief_of(row: Handoff, unit: Texts | None) -> HandoffBrief:
    """Return the facts of a row."""
    return HandoffBrief(unit=unit or {}, **{name: getattr(row, name) for name in _OWN})


def open_handoff(session: Session, idea_id: int) -> HandoffBrief | None:
    """Return the idea's open handoff, if it has one (at most one, rule H0)."""
    row = session.execute(
        select(Handoff, ReceivingUnit.name)
        .outerjoin(ReceivingUnit, col(ReceivingUnit.id) == col(Handoff.unit_id))
        .where(col(Handoff.idea_id) == idea_id, col(Handoff.closed_at).is_(None))
    ).first()
    return brief_of(row[0], row[1]) if row else None


def open_handoffs(session: Session, idea_ids: list[int]) -> dict[int, HandoffBrief]:
    """Return the open handoffs of several ideas, by idea."""
    if not idea_ids:
        return {}
    rows = session.execute(
        select(Handoff, ReceivingUnit.name)
        .outerjoin(ReceivingUnit, col(ReceivingUnit.id) == col(Handoff.unit_id))
        .where(col(Handoff.idea_id).in_(idea_ids), col(Handoff.closed_at).is_(None))
    )
    return {row[0].idea_id: brief_of(row[0], row[1]) for row in rows}


def handoff_by_id(session: Session, handoff_id: int) -> HandoffBrief | None:
    """Return one handoff, open or closed; who may see it is asked elsewhere."""
    row = session.execute(
        select(Handoff, ReceivingUnit.name)
        .outerjoin(ReceivingUnit, col(ReceivingUnit.id) == col(Handoff.unit_id))
        .where(col(Handoff.id) == handoff_id)
    ).first()
    return brief_of(row[0], row[1]) if row else None


def deadline_of(session: Session, idea_id: int, zone: str) -> datetime | None:
    """Return the deadline of the idea's open handoff that counts now, in the lab's zone."""
    row = session.scalar(
        select(Handoff).where(col(Handoff.idea_id) == idea_id, col(Handoff.closed_at).is_(None))
    )
    return deadline_now(row, zone) if row else None


__all__ = ["HandoffBrief", "brief_of", "deadline_of", "handoff_by_id", "open_handoff", "open_handoffs"]
