"""How a lab keeps its promise of an answer (rule H6)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import INSTANT
from livinglab.handoff.models import Handoff
from livinglab.handoff.rules.figures import DAY_SECONDS, Promise, promise
from livinglab.handoff.rules.moves import UNDECIDED
from livinglab.ideas.models import Idea, Publication

WINDOW_DAYS = 365
MOST_LOOKED_AT = 2000
"""So many answered handoffs of a lab are looked at, the newest: the figures cost the same at any size."""
_NOW: Any = sa.bindparam("now", type_=INSTANT)
_SINCE: Any = sa.bindparam("since", type_=INSTANT)
_LABS: Any = sa.bindparam("labs", type_=sa.Integer, expanding=True)
_UNIT: Any = sa.bindparam("unit", type_=sa.Integer)


def promise_kept(
    session: Session, lab_ids: Collection[int], now: datetime, *, unit_id: int | None = None
) -> Promise:
    """Return how the labs together kept their promise during the last twelve months.

    The first answer is the preliminary one, or the final one where it came at once. One that was due and
    has not come counts as not in time. A handoff closed before its answer counts nowhere.

    Args:
        unit_id: Only this receiving unit.

    Source: rule H6.
    """
    if not lab_ids:
        return Promise()
    values: dict[str, object] = {"now": now, "since": now - timedelta(days=WINDOW_DAYS)}
    values |= {"labs": sorted(lab_ids), "most": MOST_LOOKED_AT}
    values |= {"unit": unit_id} if unit_id is not None else {}
    values |= {f"lab{n}": lab for n, lab in enumerate(sorted(lab_ids))} if unit_id is None else {}
    rows = session.connection().execute(_answers(None if unit_id else len(lab_ids)), values).all()
    looked_at: dict[int, int] = {}
    for row in rows:
        looked_at[row.way] = looked_at.get(row.way, 0) + row.number
    missing, late = session.connection().execute(_waiting(of_unit=unit_id is not None), values).one()
    return promise(
        ((row.days * DAY_SECONDS, n < row.in_time) for row in rows if row.counts for n in range(row.number)),
        missing=missing,
        late=late,
        newest_only=max(looked_at.values(), default=0) >= MOST_LOOKED_AT,
    )


@lru_cache(maxsize=16)
def _answers(labs: int | None) -> Any:
    """Return the statement that counts first answers by the days they took, made once.

    Args:
        labs: Of so many labs; ``None``: of one receiving unit.
    """
    if labs is None:
        ways: list[Any] = [sa.and_(col(Handoff.unit_id) == _UNIT, (col(Handoff.lab_id) + 0).in_(_LABS))]
    else:
        ways = [col(Handoff.lab_id) == sa.bindparam(f"lab{n}", type_=sa.Integer) for n in range(labs)]
    seconds: Any = col(Handoff.answer_seconds)
    first: Any = sa.func.coalesce(col(Handoff.preliminary_at), col(Handoff.decided_at))
    parts = [
        sa.select(
            sa.select(
                sa.literal(n).label("way"),
                ((seconds + (DAY_SECONDS - 1)) // DAY_SECONDS).label("days"),
                sa.case((first < col(Handoff.preliminary_due), 1), else_=0).label("in_time"),
                sa.and_(first > _SINCE, first <= _NOW).label("counts"),
            )
            .where(way, col(Handoff.answer_seconds).is_not(None))
            .order_by(col(Handoff.id).desc())
            .limit(sa.bindparam("most", type_=sa.Integer))
            .subquery()
        )
        for n, way in enumerate(ways)
    ]
    newest = sa.union_all(*parts).subquery()
    told = (newest.c.way, newest.c.counts, newest.c.days)
    return sa.select(
        *told, sa.func.count().label("number"), sa.func.sum(newest.c.in_time).label("in_time")
    ).group_by(*told)


@lru_cache(maxsize=2)
def _waiting(*, of_unit: bool) -> Any:
    """Return the statement of how many answers were due and have not come, and of how many are late."""
    overdue = (
        col(Handoff.answer_seconds).is_(None),
        col(Handoff.preliminary_due) <= _NOW,
        sa.func.coalesce(col(Handoff.waiting_since), _NOW) >= col(Handoff.preliminary_due),
    )
    marked = (col(Handoff.late_since).is_not(None),)

    def number(*conditions: Any) -> Any:
        only = (col(Handoff.unit_id) + 0 == _UNIT,) if of_unit else ()
        return (
            sa.select(sa.func.count())
            .select_from(Handoff)
            .join(Idea, col(Idea.id) == col(Handoff.idea_id))
            .where(
                col(Handoff.lab_id).in_(_LABS),
                *only,
                col(Handoff.closed_at).is_(None),
                col(Handoff.state).in_(UNDECIDED),
                col(Idea.publication) == Publication.PUBLISHED,
                *conditions,
            )
            .scalar_subquery()
        )

    return sa.select(number(*overdue), number(*marked))
