"""How many stand in each column, how many are late, and what narrows the board."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from livinglab.core.db import INSTANT, MOST_COUNTED
from livinglab.core.together import Read, Rows
from livinglab.handoff.models import Handoff
from livinglab.ideas.models import Activity, Idea, Publication, Stage
from livinglab.labs.models import Challenge
from livinglab.pipeline.queries.board.shapes import ON_BOARD, BoardFilter, Tally

NOW: Any = sa.bindparam("now", type_=INSTANT)
LABS: Any = sa.bindparam("labs", type_=sa.Integer, expanding=True)
LATE = "late"


def shape_of(chosen: BoardFilter) -> BoardFilter:
    """Return a filter without its values: boards of one shape share their statements."""
    return replace(
        chosen,
        labs=(0,) * len(chosen.labs),
        challenge_id=None if chosen.challenge_id is None else 0,
        unit_id=None if chosen.unit_id is None else 0,
        lead_id=None if chosen.lead_id is None else 0,
    )


def values_of(chosen: BoardFilter, now: datetime) -> dict[str, Any]:
    """Return the values that a shape's statement is run with."""
    return {
        "now": now,
        "labs": list(chosen.labs),
        "challenge": chosen.challenge_id,
        "unit": chosen.unit_id,
        "lead": chosen.lead_id,
    }


def value(name: str) -> Any:
    """Return a number that is bound when a statement runs."""
    return sa.bindparam(name, type_=sa.Integer)


def bound(shape: BoardFilter, *, sought: bool = True) -> list[Any]:
    """Return what narrows the board besides lab, stage and figure; the values are bound when it runs.

    Args:
        sought: An index may lead by it; else the walk is in another order.
    """
    wanted: list[Any] = [col(Idea.publication) == Publication.PUBLISHED]
    challenge: Any = col(Idea.challenge_id)
    if shape.challenge_id is not None:
        wanted.append((challenge if sought else challenge + 0) == value("challenge"))
    if shape.box:
        wanted.append(challenge.is_(None) if sought else sa.func.coalesce(challenge, 0) == 0)
    if shape.lead_id is not None:
        wanted.append(col(Idea.lead_id) == value("lead"))
    if shape.unit_id is not None:
        held = sa.select(col(Handoff.idea_id)).where(
            col(Handoff.unit_id) == value("unit"), col(Handoff.closed_at).is_(None)
        )
        wanted.append(col(Idea.id).in_(held))
    return wanted


def ranges(shape: BoardFilter) -> list[Any]:
    """Return the conditions by which an index begins; a challenge is of one lab, as its ideas are."""
    if shape.challenge_id is None:
        return [col(Idea.lab_id).in_(LABS), *bound(shape)]
    ours = sa.select(col(Challenge.id)).where(
        col(Challenge.id) == value("challenge"), col(Challenge.lab_id).in_(LABS)
    )
    public = col(Idea.publication) == Publication.PUBLISHED
    return [col(Idea.challenge_id) == ours.scalar_subquery(), public]


def tallies_read(chosen: BoardFilter, now: datetime) -> Read[dict[Stage, Tally]]:
    """Return how the ideas are counted by stage and activity, each up to ``MOST_COUNTED`` + 1.

    What one unit or one lead has is counted one by one: it is what people have in hand.
    """
    shape, values = shape_of(chosen), values_of(chosen, now) | {"counted": MOST_COUNTED + 1}
    if shape.by_person:
        return Read(_every_one(shape), values, _of_groups)
    return Read(_up_to_most(shape), values, _of_columns)


@lru_cache(maxsize=64)
def _up_to_most(shape: BoardFilter) -> Any:
    """Return the statement that counts off an index and stops above the most, made once for a shape."""

    def number(stage: Stage, activity: Activity, *more: Any) -> Any:
        some: Any = sa.select(sa.literal_column("1")).where(
            *ranges(shape), col(Idea.stage) == stage, col(Idea.activity) == activity, *more
        )
        few = some.select_from(Idea).limit(value("counted")).subquery()
        return sa.select(sa.func.count()).select_from(few).scalar_subquery()

    overdue = col(Idea.due_at) <= NOW
    return sa.select(
        *(number(s, a).label(f"{s.value}_{a.value}") for s in Stage for a in ON_BOARD),
        *(number(s, a, overdue).label(f"{s.value}_{a.value}_{LATE}") for s in Stage for a in ON_BOARD),
    )


def _of_columns(rows: Rows) -> dict[Stage, Tally]:
    row = rows[0]

    def numbers(stage: Stage, end: str = "") -> dict[Activity, int]:
        return {a: getattr(row, f"{stage.value}_{a.value}{end}") for a in ON_BOARD}

    return {stage: Tally(numbers(stage), numbers(stage, f"_{LATE}")) for stage in Stage}


@lru_cache(maxsize=64)
def _every_one(shape: BoardFilter) -> Any:
    """Return the statement that counts what one unit or one lead has, made once for a shape."""
    overdue = sa.func.sum(sa.case((col(Idea.due_at) <= NOW, 1), else_=0))
    lab: Any = sa.func.coalesce(col(Idea.lab_id), 0) if shape.lead_id is not None else col(Idea.lab_id)
    return (
        sa.select(
            col(Idea.stage), col(Idea.activity), sa.func.count().label("number"), overdue.label("overdue")
        )
        .where(lab.in_(LABS), col(Idea.activity).in_(ON_BOARD), *bound(shape))
        .group_by(col(Idea.stage), col(Idea.activity))
    )


def _of_groups(rows: Rows) -> dict[Stage, Tally]:
    found = {stage: Tally({}, {}) for stage in Stage}
    for row in rows:
        found[row.stage].by_activity[row.activity] = row.number
        found[row.stage].late_by_activity[row.activity] = int(row.overdue or 0)
    return found
