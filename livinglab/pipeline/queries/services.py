"""Running services and what they changed, for the front page and the lab's page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.ideas.models import Credit, Idea, Publication, Stage
from livinglab.ideas.queries.counts import ALIVE
from livinglab.ideas.queries.visibility import RUNNING
from livinglab.labs.models import Lab
from livinglab.pipeline.models import Benefit
from livinglab.pipeline.queries.work.rows import Unsought


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


LOOKED_AT = 200
"""Of so many of the newest services those are shown first that have been measured."""


def services(session: Session, *, lab_id: int | None = None, limit: int = 3) -> tuple[ServiceCard, ...]:
    """Return running services of the newest; those already measured first, then by how new they are."""
    values = {"limit": limit} | ({} if lab_id is None else {"lab": lab_id})
    rows = session.connection().execute(_services(of_lab=lab_id is not None), values)
    return tuple(_card(row) for row in rows)


@lru_cache(maxsize=2)
def _services(*, of_lab: bool) -> Any:
    """Return the statement, made once; the index of services gives the newest."""
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
    since = (col(Idea.stage_since).desc(), col(Idea.id).desc())
    running = [
        RUNNING,
        col(Idea.stage) == Stage.SERVICE,
        col(Idea.publication) == Publication.PUBLISHED,
        Unsought(col(Idea.activity)).in_(ALIVE),
    ]
    if of_lab:
        running.append(col(Idea.lab_id) == sa.bindparam("lab", type_=sa.Integer))
    newest = sa.select(col(Idea.id).label("id")).where(*running).order_by(*since).limit(LOOKED_AT).subquery()
    order = (col(Benefit.measured).is_(None), *since)
    shown = (
        sa.select(col(Idea.id).label("id"))
        .join(newest, newest.c.id == col(Idea.id))
        .outerjoin(Benefit, col(Benefit.id) == first)
        .order_by(*order)
        .limit(sa.bindparam("limit", type_=sa.Integer))
        .subquery()
    )
    of_idea = (Idea.id, Idea.title, Idea.language, Idea.summary, Idea.stage_since, Idea.published_at)
    of_benefit = (Benefit.label, Benefit.unit, Benefit.baseline, Benefit.measured)
    return (
        sa.select(
            *(col(column) for column in (*of_idea, *of_benefit)),
            col(Lab.name).label("lab_name"),
            credited.label("credited"),
        )
        .select_from(Idea)
        .join(shown, shown.c.id == col(Idea.id))
        .join(Lab, col(Lab.id) == col(Idea.lab_id))
        .outerjoin(Benefit, col(Benefit.id) == first)
        .order_by(*order)
    )


def _card(row: Any) -> ServiceCard:
    started, begun = row.stage_since, row.published_at
    days = (started - begun).days if started and begun else 0
    return ServiceCard(
        idea_id=row.id,
        title=row.title,
        language=row.language,
        summary=row.summary,
        lab_name=row.lab_name,
        since=started,
        measure=row.label or "",
        unit=row.unit or "",
        was=row.baseline,
        now=row.measured,
        months=max(1, round(days / 30.44)) if days else 0,
        credited=row.credited,
    )
