"""What waits for the lab's desk: ideas that no receiving unit has been asked about."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import INSTANT
from livinglab.handoff.models import Handoff
from livinglab.ideas.models import Activity, Idea, Stage
from livinglab.ideas.queries.visibility import IN_REVIEW
from livinglab.labs.models import Lab


@dataclass(frozen=True, slots=True)
class ToRoute:
    """An idea whose first review is open and which no unit has been asked about."""

    idea_id: int
    title: str
    language: str
    summary: str
    stage: Stage
    activity: Activity
    lab_name: str
    since: datetime


MOST_COUNTED = 200
"""So many of those that are not shown are counted; above that it is said that there are more."""
MANY_LABS = 12
"""Beyond so many labs they are walked together."""
After = tuple[datetime, int]
"""The last idea of the page before: since when it waits, and its number."""


def to_route(
    session: Session, labs: Collection[int], *, most: int, after: After | None = None
) -> tuple[tuple[ToRoute, ...], int]:
    """Return ideas with an open first review that no unit has been asked about, longest waiting first.

    Returns:
        The first of them, and how many there are besides, up to ``MOST_COUNTED`` + 1.
    """
    if not labs:
        return (), 0
    values: dict[str, object] = {"labs": sorted(labs)}
    values |= {f"lab{n}": lab for n, lab in enumerate(sorted(labs))}
    each = len(labs) if len(labs) <= MANY_LABS else 0
    values |= {"most": most + MOST_COUNTED + 1}
    values |= {"after_at": after[0], "after_id": after[1]} if after else {}
    places = sorted(
        (row.since, row.id)
        for row in session.connection().execute(_places(each, goes_on=after is not None), values)
    )
    shown = {idea_id: at for at, idea_id in places[:most]}
    rows = session.connection().execute(_rows(), {"ids": list(shown)}) if shown else ()
    found = {row.idea_id: ToRoute(**row._mapping) for row in rows}
    more = min(len(places) - len(shown), MOST_COUNTED + 1)
    return tuple(found[idea_id] for idea_id in shown if idea_id in found), more


@lru_cache(maxsize=32)
def _places(labs: int, *, goes_on: bool) -> Any:
    """Return the statement that finds them, for so many labs: each is a walk of the index of the waits.

    Args:
        labs: 0 for all labs at once: SQLite knows a longest statement.
    """
    asked = sa.exists().where(col(Handoff.idea_id) == col(Idea.id), col(Handoff.closed_at).is_(None))
    since, number = col(Idea.waits_since), col(Idea.id)
    where = [IN_REVIEW, col(Idea.stage) == Stage.IDEA, since.is_not(None), ~asked]
    if goes_on:
        at: Any = sa.bindparam("after_at", type_=INSTANT)
        beyond = number > sa.bindparam("after_id", type_=sa.Integer)
        where += [since >= at, sa.or_(since > at, beyond)]
    lab = col(Idea.lab_id)
    here: list[Any] = [lab == sa.bindparam(f"lab{n}", type_=sa.Integer) for n in range(labs)]
    if not labs:
        here = [lab.in_(sa.bindparam("labs", type_=sa.Integer, expanding=True))]
    parts = [
        sa.select(
            sa.select(since.label("since"), number.label("id"))
            .where(one, *where)
            .order_by(since, number)
            .limit(sa.bindparam("most", type_=sa.Integer))
            .subquery()
        )
        for one in here
    ]
    return sa.union_all(*parts)


@lru_cache(maxsize=1)
def _rows() -> Any:
    """Return the statement of what is shown of them."""
    return (
        sa.select(
            col(Idea.id).label("idea_id"),
            *(col(column) for column in (Idea.title, Idea.language, Idea.summary, Idea.stage, Idea.activity)),
            col(Lab.name).label("lab_name"),
            col(Idea.waits_since).label("since"),
        )
        .join(Lab, col(Lab.id) == col(Idea.lab_id))
        .where(col(Idea.id).in_(sa.bindparam("ids", type_=sa.Integer, expanding=True)))
    )
