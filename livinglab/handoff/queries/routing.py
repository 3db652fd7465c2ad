"""What waits for the lab's desk: ideas that no receiving unit has been asked about."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import known_id
from livinglab.handoff.models import Handoff
from livinglab.ideas.models import Activity, Idea, Publication, Stage
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
    since: datetime | None


def to_route(session: Session, labs: Collection[int], *, most: int) -> tuple[tuple[ToRoute, ...], int]:
    """Return ideas with an open first review that no unit has been asked about, longest waiting first.

    Returns:
        The first of them, and how many there are besides.
    """
    if not labs:
        return (), 0
    asked = sa.exists().where(col(Handoff.idea_id) == col(Idea.id), col(Handoff.closed_at).is_(None))
    where = (
        col(Idea.lab_id).in_(labs),
        col(Idea.publication) == Publication.PUBLISHED,
        col(Idea.stage) == Stage.IDEA,
        col(Idea.activity) == Activity.REVIEW,
        ~asked,
    )
    since = sa.func.coalesce(Idea.waits_since, Idea.published_at)
    rows = session.execute(
        sa.select(Idea, Lab.name)  # type: ignore[call-overload]
        .join(Lab, col(Lab.id) == col(Idea.lab_id))
        .where(*where)
        .order_by(since, col(Idea.id))
        .limit(most)
    ).all()
    found = tuple(
        ToRoute(
            idea_id=known_id(idea.id),
            title=idea.title,
            language=idea.language,
            summary=idea.summary,
            stage=idea.stage,
            activity=idea.activity,
            lab_name=lab,
            since=idea.waits_since or idea.published_at,
        )
        for idea, lab in rows
    )
    if len(found) < most:
        return found, 0
    total = session.scalar(sa.select(sa.func.count()).select_from(Idea).where(*where)) or 0
    return found, total - len(found)
