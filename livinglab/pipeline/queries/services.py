"""Running services and what they changed, for the front page and the lab's page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.ideas.models import Activity, Credit, Idea, Stage
from livinglab.ideas.queries.visibility import listed
from livinglab.labs.models import Lab
from livinglab.pipeline.models import Benefit


@dataclass(frozen=True, slots=True)
class ServiceCard:
    """A running service with the figure it is measured by.

    Args:
        now: What was measured last; ``None`` while the first measuring is still ahead.
        months: From the first publication to the start, rounded up.
        credited: People credited on the record.
    """

    idea_id: int
    title: str
    language: str
    summary: str
    lab_name: str
    since: datetime | None
    measure: str
    unit: str
    was: float | None
    now: float | None
    months: int
    credited: int


def services(session: Session, *, lab_id: int | None = None, limit: int = 3) -> tuple[ServiceCard, ...]:
    """Return running services; those already measured first, then the newest."""
    first = (
        sa.select(sa.func.min(col(Benefit.id)))
        .where(col(Benefit.idea_id) == col(Idea.id))
        .correlate(Idea)
        .scalar_subquery()
    )
    credited = (
        sa.select(sa.func.count(sa.distinct(col(Credit.person_id))))
        .where(col(Credit.idea_id) == col(Idea.id))
        .correlate(Idea)
        .scalar_subquery()
    )
    query = (
        sa.select(Idea, col(Lab.name), Benefit, credited)
        .join(Lab, col(Lab.id) == col(Idea.lab_id))
        .outerjoin(Benefit, col(Benefit.id) == first)
        .where(listed(Activity.ACTIVE, Activity.REVIEW, Activity.HOLD), col(Idea.stage) == Stage.SERVICE)
        .order_by(col(Benefit.measured).is_(None), col(Idea.stage_since).desc(), col(Idea.id).desc())
        .limit(limit)
    )
    if lab_id is not None:
        query = query.where(col(Idea.lab_id) == lab_id)
    return tuple(_card(row) for row in session.execute(query))


def _card(row: Any) -> ServiceCard:
    idea, lab_name, benefit, credited = row
    started, begun = idea.stage_since, idea.published_at
    days = (started - begun).days if started and begun else 0
    return ServiceCard(
        idea_id=idea.id,
        title=idea.title,
        language=idea.language,
        summary=idea.summary,
        lab_name=lab_name,
        since=started,
        measure=benefit.label if benefit else "",
        unit=benefit.unit if benefit else "",
        was=benefit.baseline if benefit else None,
        now=benefit.measured if benefit else None,
        months=max(1, round(days / 30.44)) if days else 0,
        credited=credited,
    )
