"""The rows the commands of this room change: fetched for writing, inserted once, counted.

In one order: ideas by number, comments by number, rows of numbers last
(``docs/decisions/0010-one-lock-order.md``).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlmodel import SQLModel, col, select

from livinglab.ideas.models import Comment, Idea, IdeaCount
from livinglab.ideas.rules import NO_SUCH_COMMENT, NO_SUCH_IDEA


def idea_for_change(session: Session, idea_id: int) -> Idea:
    """Return the idea's row as it is now, locked until the transaction ends.

    Raises:
        NotFound: ``no-such-idea``.
    """
    query = select(Idea).where(Idea.id == idea_id).with_for_update(key_share=True)
    idea = session.scalar(query.execution_options(populate_existing=True))
    if idea is None:
        raise NO_SUCH_IDEA
    return idea


def comment_for_change(session: Session, comment_id: int) -> tuple[Comment, Idea]:
    """Return a comment, locked, with its idea.

    Raises:
        NotFound: ``no-such-comment``.
    """
    fresh = {"populate_existing": True}
    comment = session.scalar(
        select(Comment)
        .where(Comment.id == comment_id)
        .with_for_update(key_share=True)
        .execution_options(**fresh)
    )
    idea = session.scalar(select(Idea).where(Idea.id == comment.idea_id)) if comment else None
    if comment is None or idea is None:
        raise NO_SUCH_COMMENT
    return comment, idea


def lock_rows(
    session: Session, *, ideas: Iterable[int], comments: Iterable[int] = (), counts: Iterable[int] = ()
) -> None:
    """Lock what a command will change of several ideas at once, before it changes the first of them.

    Args:
        counts: Ideas whose numbers will change.
    """
    for key, wanted in ((Idea.id, ideas), (Comment.id, comments), (IdeaCount.idea_id, counts)):
        ids = sorted(set(wanted))
        if ids:
            query = sa.select(col(key)).where(col(key).in_(ids)).order_by(col(key))
            session.execute(query.with_for_update(key_share=True))


def insert_once(session: Session, table: type[SQLModel], values: dict[str, Any]) -> bool:
    """Insert a row unless its key is taken; say whether it came."""
    session.flush()  # what the row points at
    query = _insert_once(session.get_bind().dialect.name, table, tuple(values))
    return session.connection().execute(query, values).first() is not None


@lru_cache(maxsize=64)
def _insert_once(dialect: str, table: type[SQLModel], names: tuple[str, ...]) -> Any:
    """Return the statement, made once: making it costs more than running it."""
    mapped: Any = sa.inspect(table)
    write = sqlite.insert if dialect == "sqlite" else postgresql.insert
    bound = {name: sa.bindparam(name, type_=mapped.local_table.c[name].type) for name in names}
    insert = write(mapped.local_table).values(bound)
    return insert.on_conflict_do_nothing().returning(mapped.primary_key[0])


def count(session: Session, idea_id: int, *, comments: int = 0, followers: int = 0) -> None:
    """Change the idea's numbers by a difference, in the transaction of what they count (invariant I-3)."""
    session.execute(
        sa.update(IdeaCount)
        .where(col(IdeaCount.idea_id) == idea_id)
        .values(comments=col(IdeaCount.comments) + comments, followers=col(IdeaCount.followers) + followers)
        .execution_options(synchronize_session=False)
    )
