"""The order of a column: what is late, what stands at the gate, the rest; a page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import INSTANT
from livinglab.core.together import Read
from livinglab.ideas.models import Activity, Idea, Stage
from livinglab.pipeline.queries.board.counting import (
    LABS,
    LATE,
    NOW,
    bound,
    ranges,
    shape_of,
    value,
    values_of,
)
from livinglab.pipeline.queries.board.shapes import ON_BOARD, SHOWS, BoardFilter, Tally

MANY_LABS = 12
"""Above so many labs a column is sorted as one instead of being merged from its labs."""


Where = tuple[str, str, int]
"""A place in a column: one of ``PARTS``, the instant it is ordered by, the idea."""


PARTS = (LATE, "gate", "rest")
_OF = {"gate": (Activity.REVIEW,), "rest": (Activity.ACTIVE, Activity.HOLD)}
"""Which activities stand in a part; in what is late all of them."""
Part = tuple[Stage, str, bool]
"""A part of a column, and whether it holds no more than are counted."""
Found = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Walk:
    """The way through the columns of a board.

    Args:
        stages: The columns.
        size: So many places of each are wanted.
        after: Where to go on from, in the one column there is then.
    """

    chosen: BoardFilter
    stages: tuple[Stage, ...]
    now: datetime
    size: int
    after: Where | None = None

    def late_read(self) -> Read[Found] | None:
        """Return how what is late is read, of all columns at once; ``None`` where the walk is past it."""
        if LATE not in self._parts():
            return None
        return Read(
            _late(shape_of(self.chosen), self.stages, goes_on=self._begin == LATE), self._values(), tuple
        )

    def rest(self, session: Session, late: Found, tallies: dict[Stage, Tally]) -> dict[Stage, list[Where]]:
        """Return the places of each column: of those that have room the other parts are read."""
        found = {
            stage: list(_in_order(late, stage, (LATE,), self.size))[: self.size] for stage in self.stages
        }
        others = tuple(part for part in self._parts() if part != LATE)
        shown = SHOWS.get(self.chosen.show, ON_BOARD)
        parts = tuple(
            (stage, part, tallies[stage].few(*(a for a in _OF[part] if a in shown)))
            for stage in self.stages
            for part in others
            if len(found[stage]) < self.size and _any(tallies[stage], part, shown)
        )
        if parts:
            query = _others(shape_of(self.chosen), parts, begin=self._begin)
            rows = session.connection().execute(query, self._values()).all()
            for stage in self.stages:
                found[stage] = [*found[stage], *_in_order(rows, stage, others, self.size)][: self.size]
        return found

    @property
    def _begin(self) -> str:
        return self.after[0] if self.after else ""

    def _values(self) -> dict[str, Any]:
        values = values_of(self.chosen, self.now) | {"size": self.size}
        values |= {f"lab{n}": lab for n, lab in enumerate(self.chosen.labs)}
        if self.after:
            values |= {"after_at": datetime.fromisoformat(self.after[1]), "after_id": self.after[2]}
        return values

    def _parts(self) -> tuple[str, ...]:
        """Return the parts that the figure chosen on top leaves, from the place on."""
        show = self.chosen.show
        wanted = {"": PARTS, "late": PARTS[:1], "gate": PARTS[:2], "hold": (PARTS[0], PARTS[2])}[show]
        return tuple(p for p in wanted if not self._begin or PARTS.index(p) >= PARTS.index(self._begin))


def _any(tally: Tally, part: str, shown: tuple[Activity, ...]) -> bool:
    return any(tally.by_activity.get(activity) for activity in _OF[part] if activity in shown)


def _in_order(rows: Found, stage: Stage, parts: tuple[str, ...], size: int) -> Iterator[Where]:
    """Yield the places of one column, each part of it merged from the ways that lead to it."""
    for part in parts:
        of_part = sorted((row.at, row.id) for row in rows if (row.stage, row.part) == (stage.value, part))
        for at, idea_id in of_part[:size]:
            yield part, at.isoformat(), idea_id


@lru_cache(maxsize=64)
def _late(shape: BoardFilter, stages: tuple[Stage, ...], *, goes_on: bool) -> Any:
    """Return the statement of what is late, made once for a shape of the filter.

    Of each activity it is the beginning of an index; narrowed to a unit or a lead it is sorted.
    """
    activities = SHOWS.get(shape.show, ON_BOARD)
    due = col(Idea.due_at)
    when: list[Any] = [due <= NOW, *(_after(due) if goes_on else ())]
    selects = [
        _places(stage, LATE, due, [*way, col(Idea.stage) == stage, which, *when])
        for stage in stages
        for way in _ways(shape)
        for which in _which(shape, activities)
    ]
    return sa.union_all(*selects)


def _which(shape: BoardFilter, activities: tuple[Activity, ...]) -> list[Any]:
    return [_known(activities)] if shape.by_person else [col(Idea.activity) == one for one in activities]


def _known(activities: tuple[Activity, ...]) -> Any:
    """Return the condition on the activity, written so that the index on the wait is walked."""
    known = sa.func.coalesce(sa.cast(col(Idea.activity), sa.String(24)), "")
    return known.in_(sorted(activity.value for activity in activities))


@lru_cache(maxsize=256)
def _others(shape: BoardFilter, parts: tuple[Part, ...], *, begin: str) -> Any:
    """Return the statement of what is not late, made once for a shape of the filter.

    Few are found among their like and sorted. Of more the index on the wait is walked until there are enough.
    """
    shown = SHOWS.get(shape.show, ON_BOARD)
    selects = []
    for stage, part, few in parts:
        activities = tuple(one for one in _OF[part] if one in shown)
        sought = few and not shape.by_person
        key: Any = sa.func.coalesce(col(Idea.waits_since), col(Idea.due_at)) if sought else _WAITS
        ahead = sa.or_(col(Idea.due_at).is_(None), ~(col(Idea.due_at) <= NOW))
        when = [col(Idea.stage) == stage, ahead, _WAITS.is_not(None), *(_after(key) if part == begin else ())]
        ways = (
            [[*ranges(shape), col(Idea.activity) == one] for one in activities]
            if sought
            else [[*way, _known(activities)] for way in _labs_walked(shape)]
        )
        selects += [_places(stage, part, key, [*way, *when]) for way in ways]
    return sa.union_all(*selects)


_WAITS: Any = col(Idea.waits_since)


def _places(stage: Stage, part: str, key: Any, where: list[Any]) -> Any:
    return sa.select(
        sa.select(
            sa.literal(stage.value).label("stage"),
            sa.literal(part).label("part"),
            key.label("at"),
            col(Idea.id).label("id"),
        )
        .where(*where)
        .order_by(
            key, col(Idea.id) + 0
        )  # by the number no index leads: that of the board serves, not a lab's dates
        .limit(value("size"))
        .subquery()
    )


def _after(key: Any) -> tuple[Any, ...]:
    """Return the conditions of what comes after the place to go on from."""
    at: Any = sa.bindparam("after_at", type_=INSTANT)
    return key >= at, sa.or_(key > at, col(Idea.id) > value("after_id"))


def _ways(shape: BoardFilter) -> list[list[Any]]:
    """Return the conditions of each way that leads to what is late: the challenge, or a lab each."""
    if shape.challenge_id is not None and not shape.by_person:
        return [ranges(shape)]
    return [[lab, *bound(shape)] for lab in _labs(shape)]


def _labs_walked(shape: BoardFilter) -> list[list[Any]]:
    return [[lab, *bound(shape, sought=shape.by_person)] for lab in _labs(shape)]


def _labs(shape: BoardFilter) -> list[Any]:
    if len(shape.labs) > MANY_LABS:
        return [col(Idea.lab_id).in_(LABS)]
    return [col(Idea.lab_id) == value(f"lab{n}") for n, _ in enumerate(shape.labs)]
