"""How many ideas there are: in a lab, in a challenge, at a stage; and what still lacks an outcome."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import MOST_COUNTED
from livinglab.ideas.models import Activity, Comment, CommentKind, Idea, IdeaCount, Publication, Stage
from livinglab.ideas.queries.cards import IdeaCard, card_of, card_query
from livinglab.ideas.queries.visibility import IN_REVIEW, listed
from livinglab.labs.models import Challenge, Lab

OUTCOMES = (Activity.HOLD, Activity.DECLINED, Activity.MERGED, Activity.WITHDRAWN, Activity.ARCHIVED)
"""Activities that answer an idea: with a date, a reason, or its author's own wish."""


def up_to_most(some: sa.Select[Any]) -> Any:
    """Return how many rows a query has, looking at no more than one above ``MOST_COUNTED``."""
    few = some.limit(MOST_COUNTED + 1).subquery()
    return sa.select(sa.func.count()).select_from(few).scalar_subquery()


def ideas_by_lab(session: Session) -> dict[int, int]:
    """Return how many ideas are listed in each lab, each up to ``MOST_COUNTED`` + 1."""
    rows = session.connection().execute(_by_lab())
    return {int(row[0]): int(row[1]) for row in rows if row[1]}


@lru_cache(maxsize=1)
def _by_lab() -> Any:
    some: Any = sa.select(col(Idea.id)).where(listed(), col(Idea.lab_id) == col(Lab.id)).correlate(Lab)
    return sa.select(col(Lab.id), up_to_most(some))


def ideas_by_challenge(session: Session, challenge_ids: Collection[int]) -> dict[int, int]:
    """Return how many ideas are listed in each of these challenges, each up to ``MOST_COUNTED`` + 1."""
    if not challenge_ids:
        return {}
    rows = session.connection().execute(_by_challenge(), {"challenges": list(challenge_ids)})
    return {int(row[0]): int(row[1]) for row in rows if row[1]}


@lru_cache(maxsize=1)
def _by_challenge() -> Any:
    of_it = col(Idea.challenge_id) == col(Challenge.id)
    some: Any = sa.select(col(Idea.id)).where(listed(), of_it).correlate(Challenge)
    wanted = col(Challenge.id).in_(sa.bindparam("challenges", expanding=True, type_=sa.Integer))
    return sa.select(col(Challenge.id), up_to_most(some)).where(wanted)


def ideas_in_box(session: Session, lab_id: int) -> int:
    """Return how many ideas are listed in a lab's idea box, up to ``MOST_COUNTED`` + 1."""
    box = sa.select(col(Idea.id)).where(
        listed(), col(Idea.lab_id) == lab_id, col(Idea.challenge_id).is_(None)
    )
    return session.scalar(sa.select(up_to_most(box))) or 0


ALIVE = (Activity.ACTIVE, Activity.REVIEW, Activity.HOLD)


def stages_of(session: Session, lab_id: int | None = None) -> dict[Stage, int]:
    """Return how many ideas stand at each stage, in one lab or in all; those that ended are not counted.

    Each is counted up to ``MOST_COUNTED`` + 1, lab by lab off the board's index.
    """
    row = session.connection().execute(_by_stage(of_one=lab_id is not None), {"lab": lab_id}).one()
    return dict(zip(Stage, row, strict=True))


@lru_cache(maxsize=2)
def _by_stage(*, of_one: bool) -> Any:
    labs = col(Idea.lab_id) == sa.bindparam("lab", type_=sa.Integer) if of_one else _in_a_lab()
    return sa.select(
        *(up_to_most(sa.select(col(Idea.id)).where(labs, *_at(stage, ALIVE))) for stage in Stage)
    )


def _in_a_lab() -> sa.ColumnElement[bool]:
    return col(Idea.lab_id).in_(sa.select(col(Lab.id)))


def _at(stage: Stage, activities: Collection[Activity]) -> tuple[sa.ColumnElement[bool], ...]:
    return (col(Idea.stage) == stage, listed(*activities))


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


LOOKED_AT = 1000
"""So many of the newest ideas are looked at for what is quiet,"""
MOVED = 250
"""and so many of each kind for what happens."""


def quiet_cards(session: Session, now: datetime, *, limit: int = 3) -> tuple[IdeaCard, ...]:
    """Return ideas that few have seen and answered: open ones at stage idea, the least seen first.

    Of the newest thousand ideas. It looks at views and comments, never at supports, so the order reveals no
    count (rule V4).
    """
    return tuple(card_of(row, now) for row in session.connection().execute(_quiet(), {"few": limit}))


@lru_cache(maxsize=1)
def _quiet() -> Any:
    newest: Any = sa.select(col(Idea.id)).where(col(Idea.publication) == Publication.PUBLISHED)
    newest = newest.order_by(col(Idea.published_at).desc(), col(Idea.id).desc()).limit(LOOKED_AT).subquery()
    order = (
        col(Idea.glance),
        sa.func.coalesce(col(IdeaCount.comments), 0),
        col(Idea.published_at).desc(),
        col(Idea.id).desc(),
    )
    found = (
        sa.select(col(Idea.id).label("id"))
        .join(newest, newest.c.id == col(Idea.id))
        .outerjoin(IdeaCount, col(IdeaCount.idea_id) == col(Idea.id))
        .where(listed(Activity.ACTIVE), col(Idea.stage) == Stage.IDEA)
        .order_by(*order)
        .limit(sa.bindparam("few", type_=sa.Integer))
        .subquery()
    )
    return card_query(found).order_by(*order)


def happening(session: Session) -> int | None:
    """Return the idea that is furthest on its way and moved last: in review first, then beyond stage idea.

    In each lab and at each of the two stages the one that came into review last is found by an index. Where
    nothing is in review, 250 others of each stage are looked at.
    """
    return session.connection().execute(_moving(), {"some": MOVED}).scalar()


@lru_cache(maxsize=1)
def _moving() -> Any:
    stages = (Stage.CONCEPT, Stage.PROTOTYPE)
    waits = col(Idea.waits_since).is_not(None)
    none_there = ~sa.exists().where(_in_a_lab(), col(Idea.stage).in_(stages), IN_REVIEW, waits)
    looked_at: Any = sa.union_all(
        *(sa.select(_last_into_review(stage).label("id")).select_from(Lab) for stage in stages),
        *(
            sa.select(
                sa.select(col(Idea.id).label("id"))
                .where(_in_a_lab(), *_at(stage, (activity,)))
                .limit(sa.bindparam("some", type_=sa.Integer))
                .subquery()
            ).where(none_there)
            for stage in stages
            for activity in (Activity.REVIEW, Activity.ACTIVE)
        ),
    ).subquery()
    rank = sa.case((col(Idea.activity) == Activity.REVIEW, 0), else_=1)
    moved = sa.func.coalesce(col(Idea.waits_since), col(Idea.published_at))
    query = sa.select(col(Idea.id)).join(looked_at, looked_at.c.id == col(Idea.id))
    return query.order_by(rank, moved.desc(), col(Idea.id).desc()).limit(1)


def _last_into_review(stage: Stage) -> Any:
    since: Any = col(Idea.waits_since)
    query = (
        sa.select(col(Idea.id))
        .where(col(Idea.lab_id) == col(Lab.id), col(Idea.stage) == stage, IN_REVIEW, since.is_not(None))
        .order_by(since.desc(), col(Idea.id).desc())
        .limit(1)
    )
    return query.correlate(Lab).scalar_subquery()


def open_problems(session: Session, idea_id: int) -> int:
    """Count the problems found with an idea that nobody has answered; where its thread tells only a part."""
    query = sa.select(sa.func.count()).where(
        col(Comment.idea_id) == idea_id,
        col(Comment.publication) == Publication.PUBLISHED,
        col(Comment.kind) == CommentKind.PROBLEM,
        col(Comment.parent_id).is_(None),
        col(Comment.deleted_at).is_(None),
        col(Comment.resolved_at).is_(None),
    )
    return session.scalar(query) or 0


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
