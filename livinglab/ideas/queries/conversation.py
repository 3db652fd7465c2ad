"""A long conversation, a page at a time; and where in it one comment stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import another
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Comment, Publication
from livinglab.ideas.queries.thread import MOST, About, CommentShown, comment_shown, comments_query
from livinglab.ideas.queries.visibility import comment_reader, visible_idea
from livinglab.ideas.rules import NO_SUCH_COMMENT

PAGE = 200
"""Comments of one page, replies counted too."""
Place = tuple[int, int]
"""Where a page goes on: the number of a thread's first comment, and of the last comment read in it."""
_thread: Any = sa.func.coalesce(col(Comment.parent_id), col(Comment.id))


@dataclass(frozen=True, slots=True)
class TalkPage:
    """Some threads, in the order in which they began; one that is cut goes on on the next page.

    Args:
        after: Where the next page begins; ``None`` on the last.
    """

    threads: tuple[CommentShown, ...]
    after: Place | None


def conversation(
    session: Session, about: About, viewer: Viewer, now: datetime, *, after: Place | None = None
) -> TalkPage:
    """Return a page of the conversation: two statements at most, however long it is. Source: rule I5."""
    values = {"idea_id": about.idea_id, **comment_reader(viewer, about.lab_id)}
    query = comments_query().where(_something_to_read()).order_by(_thread, col(Comment.id)).limit(PAGE + 1)
    if after is not None:
        query = query.where(sa.tuple_(_thread, col(Comment.id)) > sa.tuple_(*after))
    rows: Any = session.execute(query, values).all()
    page, more = rows[:PAGE], len(rows) > PAGE
    tops = {row.id: row for row in page if row.parent_id is None}
    wanted = {row.parent_id for row in page if row.parent_id is not None} - set(tops)
    if wanted:  # the page begins in the middle of a thread: what is answered there stands above it once more
        begun: Any = session.execute(comments_query().where(col(Comment.id).in_(wanted)), values).all()
        tops |= {row.id: row for row in begun}
    threads = {key: comment_shown(tops[key], about, viewer, now) for key in sorted(tops)}
    for row in page:
        if row.parent_id in threads:
            top, said = threads[row.parent_id], comment_shown(row, about, viewer, now)
            threads[row.parent_id] = replace(top, replies=(*top.replies, said))
    last = page[-1] if more else None
    return TalkPage(tuple(threads.values()), (last.parent_id or last.id, last.id) if last else None)


def _something_to_read() -> sa.ColumnElement[bool]:
    """Leave out what was deleted, but for the trace of what others answered (rule I1)."""
    reply: Any = another(Comment)
    answered = sa.exists().where(
        reply.parent_id == col(Comment.id),
        reply.publication == Publication.PUBLISHED,
        reply.deleted_at.is_(None),
    )
    return sa.or_(col(Comment.deleted_at).is_(None), sa.and_(col(Comment.parent_id).is_(None), answered))


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a comment is read.

    Args:
        thread: Number of the comment that begins its thread.
        on_idea_page: Whether the idea's own page reaches it, with the conversation unfolded.
    """

    idea_id: int
    thread: int
    on_idea_page: bool


def spot_of(session: Session, comment_id: int, viewer: Viewer) -> Spot:
    """Return where a comment stands.

    Raises:
        NotFound: ``no-such-comment``; also where the idea is hidden from this person.
    """
    earlier: Any = another(Comment)
    before = (
        sa.select(sa.func.count())
        .where(earlier.idea_id == col(Comment.idea_id), earlier.id <= col(Comment.id))
        .scalar_subquery()
    )
    asked = (col(Comment.idea_id), _thread, before, col(Comment.publication), col(Comment.author_id))
    row = session.execute(sa.select(*asked).where(col(Comment.id) == comment_id)).one_or_none()
    if row is None or not visible_idea(session, row[0], viewer):
        raise NO_SUCH_COMMENT
    if row[3] is Publication.DRAFT and (not viewer.signed_in or row[4] != viewer.person_id):
        raise NO_SUCH_COMMENT
    return Spot(row[0], row[1], row[2] <= MOST)
