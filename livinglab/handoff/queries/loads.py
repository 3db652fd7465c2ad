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


@dataclass(frozen=True, slots=True)
class UnitLoad:
    """A unit and how much it has in hand (rule H5)."""

    id: int
    lab_id: int
    name: Texts
    in_progress: int
    limit: int
    own: bool


def units_seen(session: Session, viewer: Viewer) -> tuple[UnitLoad, ...]:
    """Return the units a person sees, their own first, with what each has in hand."""
    labs = viewer.labs_as(*DESK_ROLES)
    load = (
        sa.select(col(Handoff.unit_id), sa.func.count().label("number"))
        .where(
            col(Handoff.lab_id).in_(labs | set(viewer.units.values())),
            col(Handoff.closed_at).is_(None),
            col(Handoff.state).in_(IN_PROGRESS),
        )
        .group_by(col(Handoff.unit_id))
        .subquery()
    )
    rows = session.execute(
        sa.select(ReceivingUnit, sa.func.coalesce(load.c.number, 0))
        .outerjoin(load, load.c.unit_id == col(ReceivingUnit.id))
        .where(
            sa.or_(col(ReceivingUnit.id).in_(viewer.units), col(ReceivingUnit.lab_id).in_(labs)),
            sa.or_(col(ReceivingUnit.retired_at).is_(None), load.c.number > 0),
        )
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
    ]
    return tuple(sorted(found, key=lambda unit: not unit.own))
