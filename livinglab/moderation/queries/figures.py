"""What everybody may know about moderation: how much, by which rule, how fast, and appeals (rule M4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.moderation.models import Action, Appeal, AppealOutcome, Case, Decision, Report

WINDOW_DAYS = 90


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
        waiting: Open cases now; ``late`` of them are past the promise.
    """

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


def figures(
    session: Session, now: datetime, *, lab_id: int | None = None, days: int = WINDOW_DAYS
) -> Figures:
    """Count moderation of one lab, or of all. Source: rule M4."""
    since = now - timedelta(days=days)
    here = sa.true() if lab_id is None else col(Decision.lab_id) == lab_id
    by_action: dict[Action, int] = {}
    by_rule: dict[str, dict[Action, int]] = {}
    automatic = 0
    rows = session.execute(
        sa.select(col(Decision.action), col(Decision.rule), col(Decision.automatic), sa.func.count())
        .where(here, col(Decision.at) > since)
        .group_by(col(Decision.action), col(Decision.rule), col(Decision.automatic))
    )
    for action, rule, machine, count in rows:
        if machine:
            automatic += count
            continue
        by_action[action] = by_action.get(action, 0) + count
        if rule:
            of_rule = by_rule.setdefault(rule, {})
            of_rule[action] = of_rule.get(action, 0) + count
    spans = session.execute(
        sa.select(col(Case.opened_at), col(Decision.at), col(Case.due_at))
        .join(Case, col(Case.id) == col(Decision.case_id))
        .where(here, col(Decision.at) > since, col(Decision.automatic).is_(False))
    ).all()
    hours = [(at - opened).total_seconds() / 3600 for opened, at, _due in spans]
    return Figures(
        since=since,
        looked_at=len(spans),
        median_hours=median(hours) if hours else None,
        in_time=sum(at <= due for _opened, at, due in spans),
        automatic=automatic,
        by_action=by_action,
        by_rule=by_rule,
        **_waiting(session, now, since, lab_id),
        **_appeals(session, since, lab_id),
    )


def _waiting(session: Session, now: datetime, since: datetime, lab_id: int | None) -> dict[str, int]:
    here = sa.true() if lab_id is None else col(Case.lab_id) == lab_id
    late = sa.func.count().filter(col(Case.due_at) < now)
    row = session.execute(sa.select(sa.func.count(), late).where(here, col(Case.closed_at).is_(None))).one()
    reports = session.scalar(
        sa.select(sa.func.count())
        .select_from(Report)
        .join(Case, col(Case.id) == col(Report.case_id))
        .where(here, col(Report.at) > since)
    )
    return {"waiting": int(row[0]), "late": int(row[1]), "reports": int(reports or 0)}


def _appeals(session: Session, since: datetime, lab_id: int | None) -> dict[str, int]:
    here = sa.true() if lab_id is None else col(Appeal.lab_id) == lab_id
    rows = session.execute(
        sa.select(col(Appeal.outcome), sa.func.count())
        .where(here, col(Appeal.at) > since)
        .group_by(col(Appeal.outcome))
    )
    by_outcome = {outcome: int(count) for outcome, count in rows}
    return {
        "appeals": sum(by_outcome.values()),
        "upheld": by_outcome.get(AppealOutcome.UPHELD, 0),
        "overturned": by_outcome.get(AppealOutcome.OVERTURNED, 0),
        "appeals_waiting": by_outcome.get(None, 0),
    }
