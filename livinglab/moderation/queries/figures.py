"""What everybody may know about moderation: how much, by which rule, how fast, and appeals (rule M4).

The database counts; however much was decided, a handful of rows comes back. Where very much was decided it
is counted once an hour, and says when.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.ideas.models import Comment
from livinglab.ideas.queries.counts import up_to_most
from livinglab.labs.models import Lab
from livinglab.moderation.models import Action, Appeal, AppealOutcome, Case, Decision, Report

WINDOW_DAYS = 90
MANY = 1000
"""From so many decisions, reports and appeals on they are counted once an hour."""
KEPT_FOR = timedelta(hours=1)
MOST_KEPT = 500


@dataclass(frozen=True, slots=True)
class Figures:
    """Moderation within a window.

    Args:
        looked_at: Cases decided by a person.
        median_hours: From opening to decision; ``None`` where nothing was decided.
        in_time: How many were decided within the promise.
        automatic: Times something was hidden for now after three reports.
        by_action: Decisions by people, by action.
        by_rule: Per rule the decisions that cite it, by action.
        waiting: Open cases now; ``late`` of them are past the promise. Each up to ``MOST_COUNTED`` + 1.
        at: When it was counted; open cases are always counted now.
    """

    at: datetime
    since: datetime
    looked_at: int
    median_hours: float | None
    in_time: int
    automatic: int
    by_action: dict[Action, int]
    by_rule: dict[str, dict[Action, int]]
    reports: int
    waiting: int
    late: int
    appeals: int
    upheld: int
    overturned: int
    appeals_waiting: int

    @property
    def in_time_share(self) -> int | None:
        """Return the share decided within the promise, in per cent."""
        return 100 * self.in_time // self.looked_at if self.looked_at else None


Where = tuple[int, ...] | None
"""The labs that are counted; ``None`` for all."""


def figures(
    session: Session,
    now: datetime,
    *,
    lab_id: int | None = None,
    labs: Collection[int] | None = None,
    days: int = WINDOW_DAYS,
) -> Figures:
    """Count moderation of one lab, of some, or of all. Source: rule M4."""
    where = tuple(sorted(labs)) if labs is not None else None if lab_id is None else (lab_id,)
    counted = _known(session, (where, days), now)
    if counted is None:
        counted = _count(session, now, where, now - timedelta(days=days))
        if counted.looked_at + counted.automatic + counted.reports + counted.appeals > MANY:
            _keep(session, (where, days), counted)
    waiting, late = _waiting(session, now, where)
    return replace(counted, waiting=waiting, late=late)


_kept: WeakKeyDictionary[Any, dict[tuple[Where, int], Figures]] = WeakKeyDictionary()
_lock = Lock()


def _known(session: Session, key: tuple[Where, int], now: datetime) -> Figures | None:
    with _lock:
        found = _kept.get(session.get_bind(), {}).get(key)
    return found if found is not None and found.at <= now < found.at + KEPT_FOR else None


def _keep(session: Session, key: tuple[Where, int], counted: Figures) -> None:
    with _lock:
        mine = _kept.setdefault(session.get_bind(), {})
        if len(mine) >= MOST_KEPT:
            mine.clear()
        mine[key] = counted


def _count(session: Session, now: datetime, where: Where, since: datetime) -> Figures:
    by_action: dict[Action, int] = {}
    by_rule: dict[str, dict[Action, int]] = {}
    automatic = looked_at = in_time = 0
    kept = sa.func.count().filter(col(Decision.at) <= col(Case.due_at))
    automatically = col(Decision.automatic)
    rows = session.execute(
        sa.select(col(Decision.action), col(Decision.rule), automatically, sa.func.count(), kept)
        .join(Case, col(Case.id) == col(Decision.case_id))
        .where(_here(Decision.lab_id, where), col(Decision.at) > since)
        .group_by(col(Decision.action), col(Decision.rule), automatically)
    )
    for action, rule, machine, count, in_these in rows:
        if machine:
            automatic += count
            continue
        if action is not Action.SUSPEND:  # about a person, beside the case
            looked_at, in_time = looked_at + count, in_time + in_these
        by_action[action] = by_action.get(action, 0) + count
        if rule:
            of_rule = by_rule.setdefault(rule, {})
            of_rule[action] = of_rule.get(action, 0) + count
    return Figures(
        at=now,
        since=since,
        looked_at=looked_at,
        median_hours=_median_hours(session, where, since, looked_at),
        in_time=in_time,
        automatic=automatic,
        by_action=by_action,
        by_rule=by_rule,
        reports=_reports(session, since, where),
        waiting=0,
        late=0,
        **_appeals(session, since, where),
    )


def _here(column: Any, where: Where) -> sa.ColumnElement[bool]:
    """Return the condition of the labs; all of them are named, too, so that an index leads."""
    return col(column).in_(sa.select(col(Lab.id)) if where is None else where)


def _median_hours(session: Session, where: Where, since: datetime, count: int) -> float | None:
    """Return the middle of the times from opening to decision: the database sorts, two rows come back."""
    if not count:
        return None
    epoch = sa.func.julianday if session.get_bind().dialect.name == "sqlite" else _days
    took: Any = epoch(col(Decision.at)) - epoch(col(Case.opened_at))
    middle: Sequence[float] = session.scalars(
        sa.select(sa.cast(took, sa.Float))
        .join(Case, col(Case.id) == col(Decision.case_id))
        .where(
            _here(Decision.lab_id, where),
            col(Decision.at) > since,
            col(Decision.automatic).is_(False),
            col(Decision.action) != Action.SUSPEND,
        )
        .order_by(took)
        .offset((count - 1) // 2)
        .limit(2 - count % 2)
    ).all()
    return 24 * sum(middle) / len(middle)


def _days(at: Any) -> Any:
    return sa.extract("epoch", at) / 86400


def _waiting(session: Session, now: datetime, where: Where) -> tuple[int, int]:
    """Count what waits as the queue does: what its author took back waits for nobody."""
    some: Any = (
        sa.select(col(Case.id))
        .outerjoin(Comment, col(Comment.id) == col(Case.comment_id))
        .where(_here(Case.lab_id, where), col(Case.closed_at).is_(None), col(Comment.deleted_at).is_(None))
    )
    row = session.execute(sa.select(up_to_most(some), up_to_most(some.where(col(Case.due_at) < now)))).one()
    return int(row[0]), int(row[1])


def _reports(session: Session, since: datetime, where: Where) -> int:
    query = (
        sa.select(sa.func.count())
        .select_from(Report)
        .join(Case, col(Case.id) == col(Report.case_id))
        .where(_here(Case.lab_id, where), col(Report.at) > since)
    )
    return session.scalar(query) or 0


def _appeals(session: Session, since: datetime, where: Where) -> dict[str, int]:
    rows = session.execute(
        sa.select(col(Appeal.outcome), sa.func.count())
        .where(_here(Appeal.lab_id, where), col(Appeal.at) > since)
        .group_by(col(Appeal.outcome))
    )
    by_outcome = {outcome: int(count) for outcome, count in rows}
    return {
        "appeals": sum(by_outcome.values()),
        "upheld": by_outcome.get(AppealOutcome.UPHELD, 0),
        "overturned": by_outcome.get(AppealOutcome.OVERTURNED, 0),
        "appeals_waiting": by_outcome.get(None, 0),
    }
