"""The units a person sees, with how much each has in hand. Source: rule H5."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import Texts, known_id
from livinglab.core.viewer import Viewer
from livinglab.handoff.models import Handoff
from livinglab.handoff.rules.moves import DESK_ROLES, IN_PROGRESS
from livinglab.labs.models import ReceivingUnit

MOST_IN_HAND = 500
"""So many are counted, which is the highest limit there is; above that it is said that there are more."""


@dataclass(frozen=True, slots=True)
class UnitLoad:
    """A unit and how much it has in hand, up to ``MOST_IN_HAND`` + 1 (rule H5)."""

    id: int
    lab_id: int
    name: Texts
    in_progress: int
    limit: int
    own: bool


def units_seen(session: Session, viewer: Viewer) -> tuple[UnitLoad, ...]:
    """Return the units a person sees, their own first, with what each has in hand."""
    labs = viewer.labs_as(*DESK_ROLES)
    rows = session.execute(
        sa.select(ReceivingUnit, in_hand())
        .where(sa.or_(col(ReceivingUnit.id).in_(viewer.units), col(ReceivingUnit.lab_id).in_(labs)))
        .order_by(col(ReceivingUnit.lab_id), col(ReceivingUnit.id))
    )
    found = [
        UnitLoad(
            id=known_id(unit.id),
            lab_id=unit.lab_id,
            name=dict(unit.name),
            in_progress=number,
            limit=unit.limit_in_progress,
            own=unit.id in viewer.units,
        )
        for unit, number in rows
        if unit.retired_at is None or number
    ]
    return tuple(sorted(found, key=lambda unit: not unit.own))


def in_hand() -> sa.ScalarSelect[int]:
    """Return how many handoffs a receiving unit has in hand, beside the unit's row; the index alone tells."""
    some = (
        sa.select(col(Handoff.id))
        .where(
            col(Handoff.unit_id) == col(ReceivingUnit.id),
            col(Handoff.closed_at).is_(None),
            col(Handoff.state).in_(IN_PROGRESS),
        )
        .limit(MOST_IN_HAND + 1)
        .correlate(ReceivingUnit)
        .subquery()
    )
    return sa.select(sa.func.count()).select_from(some).scalar_subquery()
