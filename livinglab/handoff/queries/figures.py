"""How a lab keeps its promise of an answer (rule H6)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import INSTANT, MOST_COUNTED
from livinglab.core.together import Read, together
from livinglab.handoff.models import Handoff
from livinglab.handoff.rules.figures import DAY_SECONDS, Promise, promise
from livinglab.handoff.rules.moves import UNDECIDED
from livinglab.ideas.models import Idea, Publication
from livinglab.labs.models import ReceivingUnit

WINDOW_DAYS = 365
MOST_LOOKED_AT = 500
"""So many answered handoffs of a lab are looked at, the newest, and as many that were due last and were not
answered: the figures cost the same at any size."""
OF_MANY_LABS, LEAST_LOOKED_AT = 2000, 20
"""Of very many labs so many together are looked at, and no fewer of each than this."""
MOST_LABS = 50
"""So many labs are asked about in one statement: SQLite takes five hundred parts."""
EVER = datetime(1, 1, 1, tzinfo=UTC)
_NOW: Any = sa.bindparam("now", type_=INSTANT)
_SINCE: Any = sa.bindparam("since", type_=INSTANT)
_LABS: Any = sa.bindparam("labs", type_=sa.Integer, expanding=True)
_UNIT: Any = sa.bindparam("unit", type_=sa.Integer)
_MOST: Any = sa.bindparam("most", type_=sa.Integer)
_DUE: Any = col(Handoff.preliminary_due)


@dataclass(slots=True)
class _Way:
    """What was found of one lab, or of one unit.

    Args:
        missing: First answers that were due and have not come: the handoff, and by when.
        after: Only what was due after this is counted: of what was due before, not all was looked at.
        answered: The answers by days, each with how many took so long and how many of them were in time.
        above: Only handoffs numbered above this are counted, likewise.
    """

    missing: list[tuple[int, datetime]] = field(default_factory=list)
    after: datetime = EVER
    answered: list[tuple[int, int, int]] = field(default_factory=list)
    above: int = 0


def promise_kept(
    session: Session,
    lab_ids: Collection[int],
    now: datetime,
    *,
    unit_id: int | None = None,
    count_late: bool = True,
) -> Promise:
    """Return how the labs together kept their promise during the last twelve months.

    The first answer is the preliminary one, or the final one where it came at once. One that was due and
    has not come counts as not in time. A handoff closed before its answer counts nowhere. Where there are
    too many to look at, the newest are counted, answered and missing ones of the same time.

    Args:
        unit_id: Only this receiving unit.
        count_late: Count what is late just now, up to ``MOST_COUNTED`` + 1.

    Source: rule H6.
    """
    labs = sorted(lab_ids)
    if not labs:
        return Promise()
    ways = list(_looked_at(session, labs, now, unit_id))
    answers = (
        (days * DAY_SECONDS, n < in_time)
        for way in ways
        for days, number, in_time in way.answered
        for n in range(number)
    )
    return promise(
        answers,
        missing=sum(number > way.above for way in ways for number, _ in way.missing),
        late=_late(session, labs, unit_id) if count_late else 0,
        newest_only=any(way.after > EVER or way.above for way in ways),
    )


def _looked_at(session: Session, labs: Sequence[int], now: datetime, unit_id: int | None) -> list[_Way]:
    """Look at the handoffs of each lab, some labs in a statement, or at those of one unit."""
    base: dict[str, object] = {"now": now, "since": now - timedelta(days=WINDOW_DAYS)}
    if unit_id is not None:
        return _ways(session, None, base | {"labs": labs, "unit": unit_id, "most": MOST_LOOKED_AT})
    most = min(MOST_LOOKED_AT, max(LEAST_LOOKED_AT, OF_MANY_LABS // len(labs)))
    found: list[_Way] = []
    for first in range(0, len(labs), MOST_LABS):
        some = labs[first : first + MOST_LABS]
        found += _ways(
            session, len(some), base | {"most": most} | {f"lab{n}": lab for n, lab in enumerate(some)}
        )
    return found


def _ways(session: Session, labs: int | None, values: dict[str, Any]) -> list[_Way]:
    """Read what is missing and what was answered; again where too much is missing to have looked at all."""
    ways, most = [_Way() for _ in range(labs or 1)], values["most"]
    values |= {f"after{n}": EVER for n in range(len(ways))}
    missing, answers = together(
        session, Read(_overdue(labs), values, tuple), Read(_answers(labs), values, tuple)
    )
    for n, way in enumerate(ways):
        way.missing = [(row.id, row.due) for row in missing if row.way == n]
        _not_all(way, most)
    if any(way.after > EVER for way in ways):
        values |= {f"after{n}": way.after for n, way in enumerate(ways)}
        answers = session.connection().execute(_answers(labs), values).all()
    for n, way in enumerate(ways):
        of_way = [row for row in answers if row.way == n]
        way.answered = [(row.days, row.number, row.in_time) for row in of_way if row.counts]
        if sum(row.number for row in of_way) >= most:
            way.above = min(row.first_id for row in of_way)
    return ways


def _not_all(way: _Way, most: int) -> None:
    """Where more may be missing than were looked at, leave out the last instant: not all due then were."""
    if len(way.missing) < most:
        return
    last = min(due for _, due in way.missing)
    later = [(number, due) for number, due in way.missing if due > last]
    way.after = last if later else last - timedelta.resolution
    way.missing = later or way.missing


def _conditions(labs: int | None) -> list[Any]:
    """Return what leads to the handoffs of each lab, or to those of a unit, which is of one lab."""
    if labs is not None:
        return [col(Handoff.lab_id) == sa.bindparam(f"lab{n}", type_=sa.Integer) for n in range(labs)]
    unit = sa.select(col(ReceivingUnit.id)).where(
        col(ReceivingUnit.id) == _UNIT, col(ReceivingUnit.lab_id).in_(_LABS)
    )
    return [col(Handoff.unit_id) == unit.scalar_subquery()]


@lru_cache(maxsize=64)
def _answers(labs: int | None) -> Any:
    """Return the statement that counts first answers by the days they took, made once.

    Args:
        labs: Of so many labs; ``None``: of one receiving unit.
    """
    seconds: Any = col(Handoff.answer_seconds)
    first: Any = sa.func.coalesce(col(Handoff.preliminary_at), col(Handoff.decided_at))
    parts = [
        sa.select(
            sa.select(
                sa.literal(n).label("way"),
                col(Handoff.id),
                ((seconds + (DAY_SECONDS - 1)) // DAY_SECONDS).label("days"),
                sa.case((first < _DUE, 1), else_=0).label("in_time"),
                sa.and_(
                    first > _SINCE,
                    first <= _NOW,
                    sa.func.coalesce(_DUE, first) > sa.bindparam(f"after{n}", type_=INSTANT),
                ).label("counts"),
            )
            .where(way, seconds.is_not(None))
            .order_by(col(Handoff.id).desc())
            .limit(_MOST)
            .subquery()
        )
        for n, way in enumerate(_conditions(labs))
    ]
    newest = sa.union_all(*parts).subquery()
    told = (newest.c.way, newest.c.counts, newest.c.days)
    numbers = (
        sa.func.count().label("number"),
        sa.func.sum(newest.c.in_time).label("in_time"),
        sa.func.min(newest.c.id).label("first_id"),
    )
    return sa.select(*told, *numbers).group_by(*told)


@lru_cache(maxsize=64)
def _overdue(labs: int | None) -> Any:
    """Return the statement of first answers that were due and have not come, due last first; made once."""
    closed, used = col(Handoff.closed_at), col(Handoff.answer_seconds)
    when = (
        closed.is_(None),
        used.is_(None),
        _DUE <= _NOW,
        sa.func.coalesce(col(Handoff.waiting_since), _NOW) >= _DUE,
    )
    parts = [
        sa.select(
            _of_open(sa.literal(n).label("way"), col(Handoff.id), _DUE.label("due"))
            .where(way, *when)
            .order_by(closed.desc(), used.desc(), _DUE.desc())
            .limit(_MOST)
            .subquery()
        )
        for n, way in enumerate(_conditions(labs))
    ]
    return sa.union_all(*parts)


def _of_open(*columns: Any) -> Any:
    """Begin a query of handoffs that await an answer to an idea everybody sees."""
    return (
        sa.select(*columns)
        .select_from(Handoff)
        .join(Idea, col(Idea.id) == col(Handoff.idea_id))
        .where(col(Handoff.state).in_(UNDECIDED), col(Idea.publication) == Publication.PUBLISHED)
    )


def _late(session: Session, labs: Sequence[int], unit_id: int | None) -> int:
    """Count what is late just now, up to ``MOST_COUNTED`` + 1."""
    values = {"labs": labs, "unit": unit_id, "most": MOST_COUNTED + 1}
    return session.connection().execute(_marked(of_unit=unit_id is not None), values).scalar() or 0


@lru_cache(maxsize=2)
def _marked(*, of_unit: bool) -> Any:
    """Return the statement that counts the late marks, made once."""
    only = (col(Handoff.unit_id) + 0 == _UNIT,) if of_unit else ()
    marked = _of_open(col(Handoff.id)).where(
        col(Handoff.lab_id).in_(_LABS),
        *only,
        col(Handoff.closed_at).is_(None),
        col(Handoff.late_since).is_not(None),
    )
    return sa.select(sa.func.count()).select_from(marked.limit(_MOST).subquery())
