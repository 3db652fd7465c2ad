"""What the statements of all tasks share: their columns, who asks, and conditions on one's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.util import ClauseAdapter
from sqlmodel import col

from livinglab.core.db import INSTANT
from livinglab.core.viewer import Role, Viewer
from livinglab.handoff.models import Handoff
from livinglab.ideas.models import Activity, Idea, Publication, Stage
from livinglab.ideas.queries.visibility import visible_when
from livinglab.pipeline.queries.work.tasks import Task

NO_DATE: Any = sa.cast(sa.null(), INSTANT)


NO_DAY: Any = sa.cast(sa.null(), sa.Date)


BY_IDEA: Any = col(Idea.due_at)


class EndOfDay(FunctionElement[Any]):
    """The end of a calendar day in UTC, to sort by; which instant ends it in a lab is asked in Python."""

    type = INSTANT
    inherit_cache = True


@compiles(EndOfDay, "sqlite")
def _on_sqlite(element: EndOfDay, compiler: Any, **kwargs: Any) -> str:
    return f"strftime('%Y-%m-%d 00:00:00.000000', {compiler.process(element.clauses, **kwargs)}, '+1 day')"


@compiles(EndOfDay, "postgresql")
def _on_postgresql(element: EndOfDay, compiler: Any, **kwargs: Any) -> str:
    return f"timezone('UTC', CAST(({compiler.process(element.clauses, **kwargs)}) + 1 AS timestamp))"


class Unsought(FunctionElement[Any]):
    """A column for which SQLite seeks no index; PostgreSQL, which knows how many there are, may."""

    inherit_cache = True

    def __init__(self, column: Any) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(Unsought, "sqlite")
def _unsought_on_sqlite(element: Unsought, compiler: Any, **kwargs: Any) -> str:
    return f"+{compiler.process(element.clauses, **kwargs)}"


@compiles(Unsought, "postgresql")
def _unsought_on_postgresql(element: Unsought, compiler: Any, **kwargs: Any) -> str:
    return str(compiler.process(element.clauses, **kwargs))


def row(task: Task, ref: Any, *, since: Any, due: Any = NO_DATE, last_day: Any = NO_DAY) -> Any:
    """Begin the select of one kind of task; every kind gives the same columns.

    Args:
        due: A deadline of the task's own, or ``BY_IDEA``: what the idea is owed first. The statement
            then joins the open handoff.
        last_day: In its place the last day on which the task is in time, as the lab counts days.
    """
    return sa.select(
        sa.literal(task.value).label("task"),
        ref.label("ref"),
        col(Idea.id).label("idea_id"),
        col(Idea.title),
        col(Idea.language),
        col(Idea.lab_id),
        col(Idea.stage),
        col(Idea.activity),
        col(Idea.lead_id),
        sa.case(
            {Stage.IDEA.value: 1, Stage.CONCEPT.value: 2, Stage.PROTOTYPE.value: 3},
            value=sa.cast(col(Idea.stage), sa.String(24)),
        ).label("gate"),
        sa.cast(since, INSTANT).label("since") if since is None else since.label("since"),
        (due if last_day is NO_DAY else EndOfDay(last_day)).label("due"),
        last_day.label("last_day"),
        (sa.true() if due is BY_IDEA else sa.false()).label("by_idea"),
        (col(Handoff.waiting_since) if due is BY_IDEA else NO_DATE).label("stood_since"),
        col(Idea.next_step),
        col(Idea.next_who),
        col(Idea.next_by),
    )


@dataclass(frozen=True, slots=True)
class Arm:
    """One kind of task, as one way leads to it: the walk of an index that stops where enough is found.

    Args:
        query: Its tasks, not yet in order.
        keys: In what order they come: the columns of the index that leads to them.
        due: What says by when it is done in time; ``None``: such tasks have no date.
        dated: All of them have a date.
    """

    query: Any
    keys: tuple[Any, ...]
    due: Any = BY_IDEA
    dated: bool = False

    def beginning(self, *, dated: bool) -> Any | None:
        """Return the first of those with a date, or without; ``None`` where there are none such."""
        if dated if self.due is None else self.dated and not dated:
            return None
        only = (
            ()
            if self.due is None or self.dated
            else (self.due.is_not(None) if dated else self.due.is_(None),)
        )
        return sa.select(self.query.where(*only).order_by(*self.keys).limit(FIRST_ONES).subquery())


FIRST_ONES: Any = sa.bindparam("most", type_=sa.Integer)


@dataclass(frozen=True, slots=True, eq=False)
class Lead:
    """What an index leads to, in its order: tasks are sought among these rows.

    Args:
        of: The table.
        where: The conditions by which the index leads.
        keys: The columns in which the index goes on.
        due: By when something is due: one of the keys; ``None`` where the tasks have no date.
        far: Of these rows, which hold little each, more are looked at.
    """

    of: Any
    where: tuple[Any, ...]
    keys: tuple[Any, ...]
    due: Any
    far: bool = False


@dataclass(slots=True)
class Look:
    """How far is looked: tasks are sought among the nearest rows that each index leads to.

    Whatever lies beyond is due later. So the first tasks are known for sure where all of them are due before
    the last row that was looked at; else they are sought among all.

    Args:
        dated: Among rows with a date, or else among those without.
    """

    dated: bool
    _first: dict[Lead, Any] = field(default_factory=dict)

    def among(self, lead: Lead) -> Any:
        """Return the condition that a row is one of the nearest."""
        table = lead.of.__table__.alias()
        if lead not in self._first:
            here = ClauseAdapter(table).traverse
            due = NO_DATE if lead.due is None else table.c[lead.due.key]
            dated = () if lead.due is None else (due.is_not(None) if self.dated else due.is_(None),)
            self._first[lead] = (
                sa.select(table.c.id, due.label("due"))
                .where(*(here(one) for one in lead.where), *dated)
                .order_by(*(table.c[key.key] for key in lead.keys))
                .limit(sa.bindparam("far" if lead.far else "near", type_=sa.Integer))
            )
        return col(lead.of.id).in_(sa.select(self._first[lead].subquery().c.id))

    @property
    def near(self) -> bool:
        """Say whether there is anything that is not looked at in full."""
        return bool(self._first)

    def edge(self) -> Any:
        """Return the query of how many walks ended before all was seen, and by when the first of them did."""
        ends = []
        for lead, first in self._first.items():
            rows, most = first.subquery(), sa.bindparam("seen_far" if lead.far else "seen", type_=sa.Integer)
            ended = sa.case((sa.func.count() >= most, 1), else_=0).label("ended")
            ends.append(sa.select(ended, sa.func.max(rows.c.due).label("last")).select_from(rows))
        walks = sa.union_all(*ends).subquery()
        edge = sa.select(sa.func.count().label("ended"), sa.func.min(walks.c.last).label("until"))
        return edge.where(walks.c.ended == 1)


def led_by(lead: Lead, look: Look | None) -> tuple[Any, ...]:
    """Return the conditions on what a lead leads to: on all of it, or on the nearest."""
    return lead.where if look is None else (look.among(lead),)


OF_IDEA = (col(Idea.due_at), col(Idea.waits_since), col(Idea.id))
"""The order of the indexes of ideas by what they are owed."""
OF_HANDOFF = (col(Handoff.closed_at), col(Handoff.owed_at), col(Handoff.id))


PUBLIC: Any = Unsought(col(Idea.publication)) == Publication.PUBLISHED


REVIEWED = (Unsought(col(Idea.activity)) == Activity.REVIEW, PUBLIC)
"""Written so that no index on ideas is walked: what a unit has in hand is, and each brings its idea."""


OPEN_HANDOFF = sa.and_(col(Handoff.idea_id) == col(Idea.id), col(Handoff.closed_at).is_(None))


ME: Any = sa.bindparam("me", type_=sa.Integer)
NOW: Any = sa.bindparam("now", type_=INSTANT)
TODAY: Any = sa.bindparam("today", type_=sa.Date)
GUIDED: Any = sa.bindparam("guided", type_=sa.Integer, expanding=True)
"""The labs a person guides, as a facilitator or manager."""
MANAGED: Any = sa.bindparam("managed", type_=sa.Integer, expanding=True)
LED: Any = sa.bindparam("led", type_=sa.Integer, expanding=True)
UNITS: Any = sa.bindparam("units", type_=sa.Integer, expanding=True)
"""The receiving units a person is a member of."""


@dataclass(frozen=True, slots=True)
class Hats:
    """Which kinds of roles somebody holds anywhere: for each mix of them the statement is made once."""

    guides: bool
    manages: bool
    leads: bool
    units: bool


def hats_of(viewer: Viewer) -> Hats:
    """Return which kinds of roles a person holds."""
    guides = bool(viewer.labs_as(Role.FACILITATOR, Role.MANAGER))
    return Hats(
        guides, bool(viewer.labs_as(Role.MANAGER)), bool(viewer.labs_as(Role.LEAD)), bool(viewer.units)
    )


def worn_by(viewer: Viewer, now: datetime) -> dict[str, object]:
    """Return what the statement must know of the person who asks."""
    return {
        "me": viewer.known_id,
        "now": now,
        "today": now.date(),
        "guided": sorted(viewer.labs_as(Role.FACILITATOR, Role.MANAGER)),
        "managed": sorted(viewer.labs_as(Role.MANAGER)),
        "led": sorted(viewer.labs_as(Role.LEAD)),
        "units": sorted(viewer.units),
    }


def either(*ways: tuple[bool, Any]) -> Any:
    """Return that one of the ways is true, of those for which the person wears the hat."""
    return sa.or_(sa.false(), *(way for worn, way in ways if worn))


def in_sight(hats: Hats) -> Any:
    """Return the condition that the person may see the idea."""
    return visible_when(author=ME, moderated=GUIDED if hats.guides else None)
