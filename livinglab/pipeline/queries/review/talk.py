"""What the deciders should have read: open concerns, and problems without an answer."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import another
from livinglab.ideas.models import Comment, CommentKind, Publication
from livinglab.people.models import Person
from livinglab.people.rules import face_of
from livinglab.pipeline.queries.review.shapes import Concern

OPEN_CONCERNS = 30


def concerns_of(session: Session, idea_id: int) -> tuple[Concern, ...]:
    """Return the open concerns and unanswered problems of an idea, oldest first."""
    reply = another(Comment)
    replies: Any = (
        sa.select(sa.func.count())
        .select_from(reply)
        .where(
            col(reply.parent_id) == col(Comment.id),
            col(reply.publication) == Publication.PUBLISHED,
            col(reply.deleted_at).is_(None),
        )
        .correlate(Comment)
        .scalar_subquery()
    )
    rows: Any = session.execute(
        sa.select(
            col(Comment.id),
            col(Comment.kind),
            col(Comment.body),
            col(Comment.language),
            col(Comment.byline),
            col(Comment.created_at),
            col(Person.name),
            col(Person.pseudonym),
            col(Person.erased_at),
            replies.label("replies"),
        )
        .outerjoin(Person, col(Person.id) == col(Comment.author_id))
        .where(
            col(Comment.idea_id) == idea_id,
            col(Comment.publication) == Publication.PUBLISHED,
            col(Comment.kind).in_((CommentKind.CONCERN, CommentKind.PROBLEM)),
            col(Comment.parent_id).is_(None),
            col(Comment.deleted_at).is_(None),
            col(Comment.resolved_at).is_(None),
        )
        .order_by(col(Comment.id))
        .limit(OPEN_CONCERNS)
    )
    return tuple(
        Concern(
            id=row.id,
            kind=row.kind,
            body=row.body,
            language=row.language,
            by=face_of(
                name=row.name,
                pseudonym=row.pseudonym,
                byline=row.byline.value,
                erased=row.erased_at is not None,
            ),
            at=row.created_at,
            replies=row.replies,
        )
        for row in rows
    )
