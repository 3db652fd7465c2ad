"""What the limits count: a person's own rows (rule V8)."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.ideas.models import Comment, Idea


def ideas_sent_within_a_day(session: Session, person_id: int, now: datetime, *, without: int) -> int:
    """Count the ideas a person has sent in during the last 24 hours, whatever became of them.

    Args:
        without: The idea that is being sent in now.
    """
    query = select(sa.func.count()).where(
        col(Idea.author_id) == person_id,
        col(Idea.submitted_at) > now - timedelta(hours=24),
        col(Idea.id) != without,
    )
    return session.scalar(query) or 0


def comments_within_an_hour(session: Session, person_id: int, now: datetime) -> int:
    """Count what a person has written in conversations during the last hour, deleted ones too."""
    since = now - timedelta(hours=1)
    query = select(sa.func.count()).where(
        col(Comment.author_id) == person_id, col(Comment.created_at) > since
    )
    return session.scalar(query) or 0
