"""How many ideas there are: in a lab, in a challenge, at a stage; and what still lacks an outcome."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.ideas.models import Activity, Comment, Idea, IdeaCount, Publication, Stage
from livinglab.ideas.queries.cards import IdeaCard, card_of, card_query
from livinglab.ideas.queries.visibility import listed

OUTCOMES = (Activity.HOLD, Activity.DECLINED, Activity.MERGED, Activity.WITHDRAWN, Activity.ARCHIVED)
"""Activities that answer an idea: with a date, a reason, or its author's own wish."""


def ideas_by_lab(session: Session) -> dict[int, int]:
    """Return how many ideas are listed in each lab."""
    rows = session.execute(
        sa.select(col(Idea.lab_id), sa.func.count()).where(listed()).group_by(col(Idea.lab_id))
    )
    return {int(row[0]): int(row[1]) for row in rows}


def ideas_by_challenge(session: Session, challenge_ids: Collection[int]) -> dict[int, int]:
    """Return how many ideas are listed in each of these challenges."""
    if not challenge_ids:
        return {}
    rows = session.execute(
        sa.select(col(Idea.challenge_id), sa.func.count())
        .where(listed(), col(Idea.challenge_id).in_(challenge_ids))
        .group_by(col(Idea.challenge_id))
    )
    return {int(challenge_id): count for challenge_id, count in rows if challenge_id is not None}


def ideas_in_box(session: Session, lab_id: int) -> int:
    """Return how many ideas are listed in a lab's idea box."""
    box = sa.select(sa.func.count()).select_from(Idea)
    return (
        session.scalar(box.where(listed(), col(Idea.lab_id) == lab_id, col(Idea.challenge_id).is_(None))) or 0
    )


def stages_of(session: Session, lab_id: int | None = None) -> dict[Stage, int]:
    """Return how many ideas stand at each stage, in one lab or in all; those that ended are not counted."""
    alive = (Activity.ACTIVE, Activity.REVIEW, Activity.HOLD)
    query = sa.select(col(Idea.stage), sa.func.count()).where(listed(*alive))
    if lab_id is not None:
        query = query.where(col(Idea.lab_id) == lab_id)
    counts = {Stage(stage): count for stage, count in session.execute(query.group_by(col(Idea.stage)))}
    return {stage: counts.get(stage, 0) for stage in Stage}


def undecided_in(session: Session, challenge_id: int) -> int:
    """Count the ideas of a challenge that have no outcome yet (rule L3).

    An idea has one when a gate took it on to concept or further, when it is on hold with a date, declined,
    merged, withdrawn or archived. One that still waits for a facilitator has none.
    """
    open_ones = sa.and_(
        col(Idea.publication).in_((Publication.PUBLISHED, Publication.PENDING)),
        col(Idea.stage) == Stage.IDEA,
        col(Idea.activity).not_in(OUTCOMES),
    )
    query = (
        sa.select(sa.func.count()).select_from(Idea).where(col(Idea.challenge_id) == challenge_id, open_ones)
    )
    return session.scalar(query) or 0


def writers_since(lab_id: int, since: datetime) -> sa.CompoundSelect[Any]:
    """Return the query of the people who handed in an idea or wrote a comment in a lab since an instant."""
    ideas: sa.Select[Any] = sa.select(col(Idea.author_id).label("person_id")).where(
        col(Idea.lab_id) == lab_id, col(Idea.submitted_at) >= since, col(Idea.author_id).is_not(None)
    )
    comments = (
        sa.select(col(Comment.author_id))
        .join(Idea, col(Idea.id) == col(Comment.idea_id))
        .where(
            col(Idea.lab_id) == lab_id, col(Comment.created_at) >= since, col(Comment.author_id).is_not(None)
        )
    )
    return sa.union(ideas, comments)


def quiet_cards(session: Session, now: datetime, *, limit: int = 3) -> tuple[IdeaCard, ...]:
    """Return ideas that few have seen and answered: open ones at stage idea, the least seen first.

    It looks at views and comments, never at supports, so the order reveals no count (rule V4).
    """
    query = (
        card_query()
        .where(listed(Activity.ACTIVE), col(Idea.stage) == Stage.IDEA)
        .order_by(
            col(Idea.glance),
            sa.func.coalesce(col(IdeaCount.comments), 0),
            col(Idea.published_at).desc(),
            col(Idea.id).desc(),
        )
        .limit(limit)
    )
    return tuple(card_of(row, now) for row in session.execute(query))


def happening(session: Session) -> int | None:
    """Return the idea that is furthest on its way and moved last: in review first, then beyond stage idea."""
    rank = sa.case((col(Idea.activity) == Activity.REVIEW, 0), else_=1)
    query = (
        sa.select(col(Idea.id))
        .where(
            listed(Activity.ACTIVE, Activity.REVIEW), col(Idea.stage).in_((Stage.CONCEPT, Stage.PROTOTYPE))
        )
        .order_by(
            rank, sa.func.coalesce(col(Idea.waits_since), col(Idea.published_at)).desc(), col(Idea.id).desc()
        )
        .limit(1)
    )
    return session.scalar(query)


def newest_id(session: Session) -> int:
    """Return the highest number an idea has, public or not; 0 where there is none."""
    return session.scalar(sa.select(sa.func.max(col(Idea.id)))) or 0


def listed_ids(session: Session, *, above: int, most: int) -> tuple[int, ...]:
    """Return the numbers of listed ideas within a span of numbers, for a part of the site map.

    Args:
        above: The span begins after this number,
        most: and is so many numbers long.
    """
    span = col(Idea.id).between(above + 1, above + most)
    query = sa.select(col(Idea.id)).where(listed(), span).order_by(col(Idea.id))
    return tuple(row[0] for row in session.execute(query) if row[0] is not None)
