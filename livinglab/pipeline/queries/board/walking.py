"""The order of a column: what is late, what stands at the gate, the rest; a page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import INSTANT
from livinglab.ideas.models import Activity, Idea, Stage
from livinglab.pipeline.queries.board.counting import NOW, bound, shape_of, values_of
from livinglab.pipeline.queries.board.shapes import ON_BOARD, SHOWS, BoardFilter

MANY_LABS = 12
"""Above so many labs a column is sorted as one instead of being merged from its labs."""


Where = tuple[str, str, int]
"""A place in a column: one of ``PARTS``, the instant it is ordered by, the idea."""


PARTS = ("late", "gate", "rest")


def places_of(
    session: Session,
    chosen: BoardFilter,
    stages: tuple[Stage, ...],
    now: datetime,
    *,
    size: int,
    after: Where | None,
) -> dict[Stage, list[Where]]:
    """Return the next places of each column: what is late, what stands at the gate, the rest.

    What is late is read of all columns at once, and then of those that have room the other parts.
    """
    values = values_of(chosen, now) | {"size": size}
    values |= {f"lab{n}": lab for n, lab in enumerate(chosen.labs)}
    if after:
        values |= {"after_at": datetime.fromisoformat(after[1]), "after_id": after[2]}
    shape, begin = shape_of(chosen), after[0] if after else ""
    shown = tuple(_shown(shape, begin))
    found: dict[Stage, list[Where]] = {stage: [] for stage in stages}
    for parts in (shown[:1], shown[1:]):
        room = tuple(stage for stage in stages if len(found[stage]) < size)
        if parts and room:
            rows = session.connection().execute(_places(shape, room, parts, begin), values).all()
            for stage in room:
                found[stage] = [*found[stage], *_in_order(rows, stage, parts, size)][:size]
    return found


def _in_order(rows: Sequence[Any], stage: Stage, parts: tuple[str, ...], size: int) -> Iterator[Where]:
    """Yield the places of one column, each part of it merged from the labs."""
    for part in parts:
        of_part = sorted((row.at, row.id) for row in rows if (row.stage, row.part) == (stage.value, part))
        for at, idea_id in of_part[:size]:
            yield part, at.isoformat(), idea_id


@lru_cache(maxsize=128)
def _places(shape: BoardFilter, stages: tuple[Stage, ...], parts: tuple[str, ...], begin: str) -> Any:
    """Return the statement for a shape of the filter, made once: making it costs more than running it.

    Args:
        begin: The part of the place to go on from; empty for the beginning.
    """
    selects = [
        sa.select(
            sa.select(
                sa.literal(stage.value).label("stage"),
                sa.literal(part).label("part"),
                _key(part).label("at"),
                col(Idea.id).label("id"),
            )
            .where(lab, *_inside(shape, stage, part, begin))
            .order_by(_key(part), col(Idea.id))
            .limit(sa.bindparam("size", type_=sa.Integer))
            .subquery()
        )
        for stage in stages
        for part in parts
        for lab in _labs(shape)
    ]
    return sa.union_all(*selects)


def _key(part: str) -> Any:
    return col(Idea.due_at) if part == "late" else col(Idea.waits_since)


def _shown(shape: BoardFilter, begin: str) -> Iterator[str]:
    """Yield the parts that the figure chosen on top leaves, from the place on."""
    for part in PARTS[PARTS.index(begin) if begin else 0 :]:
        wanted = {"late": "late", "gate": "gate"}.get(part, "hold" if shape.show == "hold" else "")
        if not shape.show or shape.show == wanted or part == "late":
            yield part


def _labs(shape: BoardFilter) -> list[Any]:
    if len(shape.labs) > MANY_LABS:
        return [col(Idea.lab_id).in_(sa.bindparam("labs", type_=sa.Integer, expanding=True))]
    return [col(Idea.lab_id) == sa.bindparam(f"lab{n}", type_=sa.Integer) for n, _ in enumerate(shape.labs)]


def _inside(shape: BoardFilter, stage: Stage, part: str, begin: str) -> list[Any]:
    """Return the conditions of a part of a column, after the place where it is the one to go on in."""
    key = _key(part)
    activities = set(SHOWS.get(shape.show, ON_BOARD))
    if part != "late":
        activities &= {Activity.REVIEW} if part == "gate" else {Activity.ACTIVE, Activity.HOLD}
    # written so that the index on the wait is walked, not one on the activity sorted
    known = sa.func.coalesce(sa.cast(col(Idea.activity), sa.String(24)), "")
    overdue = col(Idea.due_at) <= NOW
    wanted = [
        *bound(shape),
        col(Idea.stage) == stage,
        known.in_(sorted(activity.value for activity in activities)),
        overdue if part == "late" else sa.or_(col(Idea.due_at).is_(None), ~overdue),
        key.is_not(None),
    ]
    if part == begin:
        at: Any = sa.bindparam("after_at", type_=INSTANT)
        beyond = col(Idea.id) > sa.bindparam("after_id", type_=sa.Integer)
        wanted.append(sa.or_(key > at, sa.and_(key == at, beyond)))
    return wanted
