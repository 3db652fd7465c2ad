"""Whose handoffs somebody works with, each way to them walked by its own index."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from livinglab.core.viewer import Role, Viewer
from livinglab.handoff.models import Handoff
from livinglab.handoff.queries.queue.shapes import Choice
from livinglab.handoff.rules.moves import DESK_ROLES
from livinglab.ideas.queries.visibility import visible_when


class By(Enum):
    """What leads to handoffs."""

    LAB = "lab"
    UNIT = "unit"
    MINE = "mine"
    LABS = "labs"
    """Many labs at once,"""
    UNITS = "units"
    """or many units."""


OF_UNITS = (By.UNIT, By.UNITS)
MANY = 12
"""Beyond so many labs, or units, one way leads to all of them: SQLite knows a longest statement."""
ME: Any = sa.bindparam("me", type_=sa.Integer)
LABS: Any = sa.bindparam("labs", type_=sa.Integer, expanding=True)
"""The labs at whose desk somebody sits."""
UNITS: Any = sa.bindparam("units", type_=sa.Integer, expanding=True)
ELSEWHERE: Any = sa.bindparam("elsewhere", type_=sa.Integer, expanding=True)
"""The units somebody belongs to in other labs than those."""
MODERATED: Any = sa.bindparam("moderated", type_=sa.Integer, expanding=True)


@dataclass(frozen=True, slots=True)
class Reach:
    """The shape of what is in reach, for which a statement is made once.

    Args:
        ways: What leads to the handoffs, one after the other; none of them is found by two.
        only_mine: Of these only one's own.
        unit: Of one's own only those of one unit.
        moderates: Sees in some lab what is hidden.
    """

    ways: tuple[By, ...]
    only_mine: bool
    unit: bool
    moderates: bool


def reach_of(viewer: Viewer, choice: Choice) -> tuple[Reach, dict[str, object]]:
    """Return the handoffs of a person's units, and of the labs whose desk they sit at; and its values."""
    labs, moderated = viewer.labs_as(*DESK_ROLES), viewer.labs_as(Role.FACILITATOR, Role.MANAGER)
    elsewhere = sorted(unit for unit, lab in viewer.units.items() if lab not in labs)
    found: list[tuple[By, int]]
    if choice.mine:
        found = [(By.MINE, viewer.known_id)]
    elif choice.unit_id is not None:
        found = [(By.UNIT, choice.unit_id)]
    else:
        found = [(By.LAB, lab) for lab in sorted(labs)] if len(labs) <= MANY else [(By.LABS, 0)]
        found += [(By.UNIT, unit) for unit in elsewhere] if len(elsewhere) <= MANY else [(By.UNITS, 0)]
    values: dict[str, object] = {f"way{n}": value for n, (_, value) in enumerate(found)}
    values |= {"me": viewer.known_id, "labs": sorted(labs), "units": sorted(viewer.units)}
    values |= {"elsewhere": elsewhere}
    values |= {"unit": choice.unit_id} if choice.unit_id is not None else {}
    values |= {"moderated": sorted(moderated)} if moderated else {}
    ways = tuple(by for by, _ in found)
    return Reach(ways, choice.mine, choice.unit_id is not None, bool(moderated)), values


def led_by(by: By, number: int, *, few: bool) -> Any:
    """Return the condition that one way leads to a handoff.

    Args:
        few: Something else leads to fewer: no index is sought for the lab.
    """
    if by is By.LABS:
        return (col(Handoff.lab_id) + 0 if few else col(Handoff.lab_id)).in_(LABS)
    if by is By.UNITS:
        return col(Handoff.unit_id).in_(ELSEWHERE)
    column: Any = {By.LAB: Handoff.lab_id, By.UNIT: Handoff.unit_id, By.MINE: Handoff.assignee_id}[by]
    return (column + 0 if few and by is By.LAB else column) == sa.bindparam(f"way{number}", type_=sa.Integer)


def may_work_with(reach: Reach) -> list[Any]:
    """Return the conditions on handoffs joined with their ideas: in reach, and to be seen.

    An idea that was hidden is hidden here, too (invariant I-11).
    """
    found: list[Any] = [visible_when(author=ME, moderated=MODERATED if reach.moderates else None)]
    if reach.only_mine or reach.unit:  # else the ways are in reach
        lab, unit = col(Handoff.lab_id) + 0, col(Handoff.unit_id) + 0
        found.append(sa.or_(lab.in_(LABS), unit.in_(UNITS)))
        if reach.unit:
            found.append(unit == sa.bindparam("unit", type_=sa.Integer))
    return found
