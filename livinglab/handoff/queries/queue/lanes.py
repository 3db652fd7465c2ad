"""The beginnings of the lanes, and how many each has: each part a walk of an index, in one statement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import INSTANT
from livinglab.core.together import Read, Rows, together
from livinglab.core.viewer import Viewer
from livinglab.handoff.models import Handoff, HandoffState
from livinglab.handoff.queries.queue.reach import ME, OF_UNITS, By, Reach, led_by, may_work_with, reach_of
from livinglab.handoff.queries.queue.shapes import MOST_COUNTED, Choice, Counts, Lane
from livinglab.ideas.models import Idea

SOON_DAYS = 7
FAR = datetime(9999, 1, 1, tzinfo=UTC)
NOW: Any = sa.bindparam("now", type_=INSTANT)
SOON: Any = sa.bindparam("soon", type_=INSTANT)
MOST: Any = sa.bindparam("most", type_=sa.Integer)
Place = tuple[datetime, int]
"""The instant a handoff is ordered by, and its number."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a lane whose order an index gives; a deadline is what the idea is owed first (rule S7).

    Args:
        at: The instant it is ordered by; ``None`` where there is none: it counts as ``FAR``.
    """

    where: tuple[Any, ...]
    at: Any
    newest_first: bool = False

    @property
    def keys(self) -> tuple[Any, ...]:
        """Return what it is sorted by: the columns of the index, those too that are all empty.

        PostgreSQL else sorts: it does not see that rows without an end are in the order of the next column.
        """
        if self.newest_first:
            return tuple(key.desc() for key in (self.at, col(Handoff.id)) if key is not None)
        return col(Handoff.closed_at), col(Handoff.owed_at), col(Handoff.id)

    def after(self, *, far: bool) -> Any:
        """Return the condition that a row comes after a place of the lane, whose parts are bound.

        Args:
            far: Whether that place has no instant.
        """
        row_id: Any = sa.bindparam("after_id", type_=sa.Integer)
        at: Any = sa.bindparam("after_at", type_=INSTANT)
        beyond = col(Handoff.id) < row_id if self.newest_first else col(Handoff.id) > row_id
        if self.at is None:
            return beyond if far else sa.false() if self.newest_first else sa.true()
        if self.newest_first:
            return sa.and_(self.at <= at, sa.or_(self.at < at, beyond))
        return sa.and_(self.at >= at, sa.or_(self.at > at, beyond))


def _stretches(lane: Lane, by: By) -> tuple[Stretch, ...]:
    """Return a lane as stretches that follow each other, as one way leads to it."""
    open_, due, closed = col(Handoff.closed_at).is_(None), col(Handoff.owed_at), col(Handoff.closed_at)
    followed = col(Handoff.state) == HandoffState.FOLLOWED_UP
    if lane is Lane.DONE:
        return (
            Stretch((open_, followed), None, newest_first=True),
            Stretch((closed.is_not(None),), closed, newest_first=True),
        )
    if lane is Lane.DESK:
        if by in OF_UNITS:
            return ()
        inside = (open_, col(Handoff.unit_id).is_(None))
        return Stretch((*inside, due.is_not(None)), due), Stretch((*inside, due.is_(None)), None)
    at_unit = (open_, ~followed, *(() if by in OF_UNITS else (col(Handoff.unit_id).is_not(None),)))
    if lane is Lane.LATE:
        return (Stretch((*at_unit, due <= NOW), due),)
    if lane is Lane.SOON:
        return (Stretch((*at_unit, due > NOW, due <= SOON), due),)
    return Stretch((*at_unit, due > SOON), due), Stretch((*at_unit, due.is_(None)), None)


Beginnings = dict[Lane, list[Place]]


def overview(
    session: Session, viewer: Viewer, now: datetime, choice: Choice, lanes: tuple[Lane, ...], *, most: int
) -> tuple[Beginnings, Counts]:
    """Return the places at the beginning of each lane, one more than is shown, and how many each has."""
    numbers = _counts_read(viewer, now, choice)
    first = _beginnings_read(viewer, now, choice, lanes, most)
    if first is None:
        return {lane: [] for lane in lanes}, numbers.alone(session)
    found: tuple[Beginnings, Counts] = together(session, first, numbers)
    return found


def beginnings(
    session: Session, viewer: Viewer, now: datetime, choice: Choice, lanes: tuple[Lane, ...], *, most: int
) -> Beginnings:
    """Return the places at the beginning of each lane, one more than is shown; done ones newest first."""
    read = _beginnings_read(viewer, now, choice, lanes, most)
    return read.alone(session) if read else {lane: [] for lane in lanes}


def _beginnings_read(
    viewer: Viewer, now: datetime, choice: Choice, lanes: tuple[Lane, ...], most: int
) -> Read[Beginnings] | None:
    reach, values = reach_of(viewer, choice)
    values |= {"now": now, "soon": now + timedelta(days=SOON_DAYS), "most": most + 1}
    after = choice.after if choice.lane else None
    if after:
        values |= {"after_at": after[0], "after_id": after[1]}
    query = _beginnings(reach, lanes, after_far=after[0] == FAR if after else None)

    def shape(rows: Rows) -> Beginnings:
        found: dict[Lane, list[tuple[int, datetime, int]]] = {lane: [] for lane in lanes}
        for lane, turn, at, handoff_id in rows:
            found[Lane(lane)].append((turn, at, handoff_id))
        return {lane: _in_order(lane, places)[: most + 1] for lane, places in found.items()}

    return None if query is None else Read(query, values, shape)


def _in_order(lane: Lane, rows: list[tuple[int, datetime, int]]) -> list[Place]:
    """Return places in the order of a lane: its ways merged, its stretches one after the other."""
    ordered = sorted(rows, key=lambda row: (row[1], row[2]), reverse=lane is Lane.DONE)
    return [(at, number) for _, at, number in sorted(ordered, key=lambda row: row[0])]


@lru_cache(maxsize=256)
def _beginnings(reach: Reach, lanes: tuple[Lane, ...], *, after_far: bool | None) -> Any:
    """Return the statement of the lanes' beginnings, made once: making it costs more than running it.

    Args:
        after_far: Whether the place to go on from has no instant; ``None``: from the beginning.
    """
    parts = []
    for lane, way, turn, stretch in _parts(reach, lanes):
        at = sa.literal(FAR, INSTANT) if stretch.at is None else stretch.at
        query = _joined(
            sa.literal(lane.value).label("lane"), sa.literal(turn).label("turn"), at.label("at"), Handoff.id
        )
        query = query.where(*way, *stretch.where)
        if after_far is not None:
            query = query.where(stretch.after(far=after_far))
        query = query.order_by(*stretch.keys).limit(MOST)
        parts.append(sa.select(query.subquery()))
    return sa.union_all(*parts) if parts else None


def _counts_read(viewer: Viewer, now: datetime, choice: Choice) -> Read[Counts]:
    """Return how every lane is counted; what is mine is counted beside the filter, not within it."""
    own = Choice(unit_id=choice.unit_id, mine=True)
    (reach, values), (mine, more) = reach_of(viewer, choice), reach_of(viewer, own)
    values |= {
        "now": now,
        "soon": now + timedelta(days=SOON_DAYS),
        "counted": MOST_COUNTED + 1,
        "me": more["me"],
    }
    return Read(_counts(reach, mine), values, _numbers)


def _numbers(rows: Rows) -> Counts:
    found: Counter[str] = Counter()
    for name, number in rows:
        found[name] += number
    return Counts(**{name: min(found[name], MOST_COUNTED + 1) for name in (*Lane, "mine")})


@lru_cache(maxsize=64)
def _counts(reach: Reach, mine: Reach) -> Any:
    """Return the statement of all numbers, made once."""
    parts = []
    for lane, way, _, stretch in _parts(reach, tuple(Lane)):
        some = _joined(Handoff.id).where(*way, *stretch.where)
        walked = stretch.keys[:-1] if stretch.newest_first else stretch.keys  # in order, so that it can stop
        parts.append(_counted(lane.value, some.order_by(*walked)))
    of_mine = (col(Handoff.assignee_id) == ME, col(Handoff.closed_at).is_(None))
    unfinished = col(Handoff.state) != HandoffState.FOLLOWED_UP
    parts.append(_counted("mine", _joined(Handoff.id).where(*of_mine, unfinished, *may_work_with(mine))))
    return sa.union_all(*parts)


def _counted(name: str, some: Any) -> Any:
    """Return how many rows a query has, looking at no more than are counted."""
    few = some.limit(sa.bindparam("counted", type_=sa.Integer)).subquery()
    return sa.select(sa.literal(name).label("name"), sa.func.count().label("number")).select_from(few)


def _joined(*columns: Any) -> Any:
    return sa.select(*columns).join_from(Handoff, Idea, col(Idea.id) == col(Handoff.idea_id))


def _parts(reach: Reach, lanes: tuple[Lane, ...]) -> Iterator[tuple[Lane, list[Any], int, Stretch]]:
    """Yield every stretch of the lanes for every way, with the conditions of the way."""
    may = may_work_with(reach)
    for lane in lanes:
        for number, by in enumerate(reach.ways):
            for turn, stretch in enumerate(_stretches(lane, by)):
                yield lane, [led_by(by, number, few=lane is Lane.DESK), *may], turn, stretch
