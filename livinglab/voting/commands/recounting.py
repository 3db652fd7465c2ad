"""Every number shown equals a recount: what does not is said in the log and put right (invariant I-3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import known_id
from livinglab.ideas.commands.rows import insert_once
from livinglab.ideas.models import Comment, Follow, Idea, IdeaCount, Publication
from livinglab.voting.models import Support

log = structlog.get_logger()
NUMBERS = ("supports", "staff_supports", "comments", "followers")


@dataclass(frozen=True, slots=True)
class Drift:
    """A number that was not what its rows say."""

    idea_id: int
    number: str
    kept: int
    counted: int


def recount(session: Session, *, first: int, beyond: int) -> tuple[Drift, ...]:
    """Count the rows of ideas anew, and put right each number that differs from them.

    Looking takes no lock: a row and its number change in one transaction, and one statement sees both or
    neither. Only where they differ the number's row is locked and its rows are counted once more.

    Args:
        first, beyond: Looks at ideas with ``first <= number < beyond``; few enough for one statement.

    Returns:
        What was put right.
    """
    suspects = session.scalars(
        sa.select(col(Idea.id))
        .outerjoin(IdeaCount, col(IdeaCount.idea_id) == col(Idea.id))
        .where(col(Idea.id) >= first, col(Idea.id) < beyond, col(Idea.published_at).is_not(None))
        .where(sa.or_(*(_kept(name).is_distinct_from(_counted(name)) for name in NUMBERS)))
        .order_by(col(Idea.id))
    ).all()
    return tuple(drift for idea_id in suspects for drift in _put_right(session, known_id(idea_id)))


def _kept(name: str) -> Any:
    return getattr(IdeaCount, name)


def _counted(name: str) -> sa.ScalarSelect[int]:
    """Return how many rows of an idea a number stands for."""
    table, which = {
        "supports": (Support, col(Support.counts)),
        "staff_supports": (Support, col(Support.staff)),
        "comments": (
            Comment,
            sa.and_(col(Comment.publication) == Publication.PUBLISHED, col(Comment.deleted_at).is_(None)),
        ),
        "followers": (Follow, sa.true()),
    }[name]
    rows: Any = table
    query = sa.select(sa.func.count()).select_from(rows).where(col(rows.idea_id) == col(Idea.id), which)
    return query.correlate(Idea).scalar_subquery()


def _put_right(session: Session, idea_id: int) -> Iterable[Drift]:
    """Count under the lock: who writes a row of this idea meanwhile changes the number after us."""
    insert_once(session, IdeaCount, {"idea_id": idea_id, **dict.fromkeys(NUMBERS, 0)})
    kept = session.get_one(IdeaCount, idea_id, with_for_update=True, populate_existing=True)
    counted = session.execute(
        sa.select(*(_counted(name).label(name) for name in NUMBERS)).where(col(Idea.id) == idea_id)
    ).one()
    for name in NUMBERS:
        before, now = getattr(kept, name), getattr(counted, name)
        if before != now:
            log.error("number differed from a recount", idea=idea_id, number=name, kept=before, counted=now)
            setattr(kept, name, now)
            yield Drift(idea_id, name, before, now)
    session.flush()
