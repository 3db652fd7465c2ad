"""My work: everything that waits for one person, in one statement; the header counts the same rows."""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.clock import end_of_day
from livinglab.core.viewer import Viewer
from livinglab.handoff.rules import owed
from livinglab.ideas.models import Idea, Publication
from livinglab.labs.models import Lab
from livinglab.pipeline.queries.work.carrying import carried, challenges, handoffs
from livinglab.pipeline.queries.work.gates import gates
from livinglab.pipeline.queries.work.moderating import moderation
from livinglab.pipeline.queries.work.rows import FIRST_ONES, Arm, Hats, Look, hats_of, worn_by
from livinglab.pipeline.queries.work.tasks import Task, WorkItem

MOST = 100
"""So many are shown and counted; nobody looks at the hundred and first before one of these is done."""
READ = (10, 30, MOST)
"""So many rows are read, the first number that is enough: PostgreSQL plans a statement for each number."""
NEAR, FAR = 160, 400
"""Among so many rows that an index leads to, or so many handoffs, the first tasks are sought before they are
sought among all."""


def work(session: Session, viewer: Viewer, now: datetime) -> tuple[WorkItem, ...]:
    """Return what waits for a person: what is due first on top, what has no date by its wait."""
    if not viewer.is_staff_anywhere:
        return ()
    hats, values = hats_of(viewer), worn_by(viewer, now)
    rows: list[Any] = []
    for dated in (True, False):  # what has no date comes last: it is read where there is room for it
        if len(rows) < MOST:
            rows += _first(session, hats, values, dated=dated, most=MOST - len(rows))
    items = [_item(row, viewer, now) for row in rows]
    return tuple(sorted(items, key=lambda item: (item.due is None, item.due.at if item.due else now)))


def _first(session: Session, hats: Hats, values: dict[str, object], *, dated: bool, most: int) -> list[Any]:
    """Return the first tasks: sought among what is nearest, and among all where that may leave one out."""
    connection = session.connection()
    values = values | {"most": next(number for number in READ if number >= most)}
    near = _listed(hats, dated=dated, near=True)
    if near is not None:
        found = connection.execute(
            near, values | {"near": NEAR, "seen": NEAR, "far": FAR, "seen_far": FAR}
        ).all()
        rows = [row for row in found if row.task is not None][:most]
        beyond, full = found[0].ended, len(rows) >= most
        if not beyond or (full and (not dated or rows[-1].due <= found[0].until)):
            return rows
    query = _listed(hats, dated=dated, near=False)
    return [] if query is None else list(connection.execute(query, values))[:most]


def work_count(session: Session, viewer: Viewer, now: datetime) -> int:
    """Count what waits for a person, up to ``MOST``, for the header; one statement."""
    if not viewer.is_staff_anywhere:
        return 0
    values = worn_by(viewer, now) | {"most": MOST}
    found = session.connection().execute(_counted(hats_of(viewer)), values)
    return found.scalar() or 0


def next_deadline(session: Session, viewer: Viewer, now: datetime) -> datetime | None:
    """Return the next instant by which somebody owes something in the labs a person works in."""
    labs = set(viewer.roles) | set(viewer.units.values())
    if not labs:
        return None
    return session.scalar(
        sa.select(sa.func.min(col(Idea.due_at))).where(
            col(Idea.lab_id).in_(labs), col(Idea.publication) == Publication.PUBLISHED, col(Idea.due_at) > now
        )
    )


def _item(row: Any, viewer: Viewer, now: datetime) -> WorkItem:
    zone = row.timezones[0]
    at = end_of_day(row.last_day, zone) if row.last_day else row.due
    due = owed(at, now, zone, stood_since=row.stood_since)
    of_step = due is not None and row.by_idea and row.next_step and row.next_by == due.last_day
    of_challenge = row.idea_id is None
    return WorkItem(
        task=Task(row.task),
        ref=row.ref,
        idea_id=row.idea_id,
        title="" if of_challenge else row.title,
        texts=json.loads(row.title) if of_challenge else None,
        language=row.language,
        lab_id=row.lab_id,
        lab_name=row.lab_name,
        zone=zone,
        stage=row.stage,
        activity=row.activity,
        gate=row.gate,
        since=row.since,
        due=due,
        step=row.next_step if of_step else "",
        step_who=row.next_who if of_step else "",
        as_lead=row.lead_id == viewer.person_id,
    )


@lru_cache(maxsize=64)
def _listed(hats: Hats, *, dated: bool, near: bool) -> Any | None:
    """Return the statement of the page, made once for a mix of roles: making it takes long.

    Args:
        dated: Of what has a date, or else of what has none; ``None`` where there can be no such thing.
        near: Sought among what is nearest, with one row at least, in which stands how far was looked;
            ``None`` where everything is looked at anyway.
    """
    look = Look(dated) if near else None
    parts = [part for arm in _arms(hats, look) if (part := arm.beginning(dated=dated)) is not None]
    if not parts or (look is not None and not look.near):
        return None
    tasks: Any = sa.union_all(*parts).subquery("tasks")

    def order(of: Any) -> tuple[Any, ...]:
        return (*((of.c.due,) if dated else ()), of.c.since, of.c.task, of.c.ref)

    found = (
        sa.select(tasks, col(Lab.name).label("lab_name"), col(Lab.timezones))
        .join(Lab, col(Lab.id) == tasks.c.lab_id)
        .order_by(*order(tasks))
        .limit(FIRST_ONES)
    )
    if look is None:
        return found
    edge, first = look.edge().subquery("edge"), found.subquery("first")
    return sa.select(edge, first).select_from(edge.outerjoin(first, sa.true())).order_by(*order(first))


@lru_cache(maxsize=16)
def _counted(hats: Hats) -> Any:
    """Return the statement of the header's number, made once for a mix of roles.

    Where the first kinds are enough, the others are not looked at.
    """
    tasks = sa.union_all(*(arm.query for arm in _arms(hats, None))).subquery("tasks")
    first = sa.select(sa.literal(1)).select_from(tasks).limit(FIRST_ONES).subquery()
    return sa.select(sa.func.count()).select_from(first)


def _arms(hats: Hats, look: Look | None) -> tuple[Arm, ...]:
    """Return all kinds of tasks: first those an index leads to straight, then those to be sought."""
    return (
        *moderation(hats, look),
        *handoffs(hats, look),
        *carried(hats),
        *gates(hats, look),
        *challenges(hats),
    )
