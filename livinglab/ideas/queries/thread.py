"""The conversation of one idea: two columns and the questions below, each shown in part or whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import another, known_id
from livinglab.core.errors import Refused
from livinglab.core.files import StoredFile
from livinglab.core.together import Read, Rows
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Byline, Comment, CommentKind, Idea, Publication
from livinglab.ideas.queries.visibility import comment_reader, comment_visible
from livinglab.ideas.rules import (
    AGAINST,
    FOR,
    NO_SUCH_COMMENT,
    why_not_delete_comment,
    why_not_edit_comment,
    why_not_resolve,
)
from livinglab.people.models import Person
from livinglab.people.rules import Face, face_of

SHOWN = 3
"""Comments a column shows before "n more"."""
MOST = 1000
SIDES = ("for", "against", "questions")


@dataclass(frozen=True, slots=True)
class CommentShown:
    """A comment as this person may see it.

    Args:
        body: Markdown; ``None`` where the words are not shown any more.
        gone: Deleted by its author; a trace of what was answered.
    """

    id: int
    author_id: int | None
    face: Face
    kind: CommentKind
    body: str | None
    language: str
    publication: Publication
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    resolved_at: datetime | None
    resolution: str
    as_staff: bool
    replies: tuple[CommentShown, ...] = ()
    may_edit: bool = False
    may_delete: bool = False
    may_resolve: bool = False

    @property
    def gone(self) -> bool:
        """Say whether only a trace is left."""
        return self.deleted_at is not None


@dataclass(frozen=True, slots=True)
class Column:
    """One side of the conversation."""

    side: str
    count: int
    shown: tuple[CommentShown, ...]

    @property
    def more(self) -> int:
        """Count the threads that are not shown."""
        return self.count - len(self.shown)


@dataclass(frozen=True, slots=True)
class Thread:
    """The whole conversation."""

    sides: dict[str, Column]
    total: int
    open_problems: int
    cut: bool = False
    """Whether there is more than one page takes; ``conversation`` has it all."""

    @property
    def empty(self) -> bool:
        """Say whether nobody has written anything."""
        return not any(column.count for column in self.sides.values())


@dataclass(frozen=True, slots=True)
class About:
    """What of the idea the rules on comments ask."""

    idea_id: int
    lab_id: int
    author_id: int | None
    lead_id: int | None


def thread_read(about: About, viewer: Viewer, now: datetime, *, whole: Collection[str] = ()) -> Read[Thread]:
    """Return how the conversation is read.

    Args:
        whole: Sides to show whole: ``for``, ``against``, ``questions``; the others begin with three.

    Source: rule I5.
    """
    values = {"idea_id": about.idea_id, **comment_reader(viewer, about.lab_id)}
    return Read(_thread_query(), values, lambda rows: _thread(rows, about, viewer, now, whole))


def thread_of(
    session: Session, about: About, viewer: Viewer, now: datetime, *, whole: Collection[str] = ()
) -> Thread:
    """Return the conversation: one statement."""
    return thread_read(about, viewer, now, whole=whole).alone(session)


def _thread(rows: Rows, about: About, viewer: Viewer, now: datetime, whole: Collection[str]) -> Thread:
    replies: dict[int, list[CommentShown]] = defaultdict(list)
    for row in rows:
        if row.parent_id is not None and row.deleted_at is None:
            replies[row.parent_id].append(comment_shown(row, about, viewer, now))
    tops = [
        comment_shown(row, about, viewer, now, replies=tuple(replies.get(row.id, ())))
        for row in rows
        if row.parent_id is None and (row.deleted_at is None or row.id in replies)
    ]
    sides = {side: _column(side, tops, whole) for side in SIDES}
    return Thread(
        sides=sides,
        total=sum(row.publication is Publication.PUBLISHED and row.deleted_at is None for row in rows),
        open_problems=sum(
            one.kind is CommentKind.PROBLEM
            and one.publication is Publication.PUBLISHED
            and not one.gone
            and one.resolved_at is None
            for one in tops
        ),
        cut=len(rows) == MOST,
    )


def side_of(kind: CommentKind) -> str:
    """Return the side on which a kind of comment stands."""
    return "for" if kind in FOR else "against" if kind in AGAINST else "questions"


def _column(side: str, tops: list[CommentShown], whole: Collection[str]) -> Column:
    own = [one for one in tops if side_of(one.kind) == side]
    short = len(own) <= SHOWN + 1  # "one more" would be longer than the comment
    return Column(side, len(own), tuple(own if short or side in whole else own[:SHOWN]))


@lru_cache(maxsize=1)
def _thread_query() -> sa.Select[Any]:
    return comments_query().order_by(col(Comment.id)).limit(MOST)


@lru_cache(maxsize=1)
def comments_query() -> sa.Select[Any]:
    """Return the statement on comments of one idea as somebody may see them, made once."""
    query: Any = (
        sa.select(
            col(Comment.id),
            col(Comment.parent_id),
            col(Comment.author_id),
            col(Comment.byline),
            col(Comment.kind),
            col(Comment.body),
            col(Comment.language),
            col(Comment.publication),
            col(Comment.as_staff),
            col(Comment.created_at),
            col(Comment.edited_at),
            col(Comment.deleted_at),
            col(Comment.resolved_at),
            col(Comment.resolution),
            col(Person.name),
            col(Person.pseudonym),
            col(Person.title),
            col(Person.erased_at),
            col(StoredFile.key).label("photo"),
        )
        .outerjoin(Person, col(Person.id) == col(Comment.author_id))
        .outerjoin(StoredFile, col(StoredFile.id) == col(Person.photo_id))
        .where(
            col(Comment.idea_id) == sa.bindparam("idea_id", type_=sa.Integer),
            sa.or_(comment_visible(), _answered_in_public()),
        )
    )
    return cast("sa.Select[Any]", query)


def _answered_in_public() -> sa.ColumnElement[bool]:
    """Keep the place of a comment that others answered and that is not public now, whatever became of it.

    Its words are not shown (rule I1).
    """
    reply: Any = another(Comment)
    return sa.and_(
        col(Comment.publication).not_in((Publication.PUBLISHED, Publication.DRAFT)),
        sa.exists().where(
            reply.parent_id == col(Comment.id),
            reply.publication == Publication.PUBLISHED,
            reply.deleted_at.is_(None),
        ),
    )


def comment_shown(
    row: Any, about: About, viewer: Viewer, now: datetime, *, replies: tuple[CommentShown, ...] = ()
) -> CommentShown:
    """Return a row of ``comments_query`` as this person may see it."""
    own = viewer.signed_in and row.author_id == viewer.person_id
    readable = row.publication is Publication.PUBLISHED or own or viewer.moderates(about.lab_id)
    face = face_of(
        name=row.name,
        pseudonym=row.pseudonym,
        byline=row.byline,
        photo=row.photo,
        title=row.title if row.as_staff else "",
        erased=row.erased_at is not None,
    )
    nobody = face_of(name=None)
    return CommentShown(
        id=row.id,
        author_id=row.author_id,
        face=face if readable else nobody,
        kind=row.kind,
        body=row.body if readable else None,
        language=row.language,
        publication=row.publication,
        created_at=row.created_at,
        edited_at=row.edited_at,
        deleted_at=row.deleted_at,
        resolved_at=row.resolved_at,
        resolution=row.resolution,
        as_staff=row.as_staff,
        replies=replies,
        may_edit=own and why_not_edit_comment(row, viewer, now) is None,
        may_delete=own and why_not_delete_comment(row, viewer) is None,
        may_resolve=row.parent_id is None and _may_resolve(row, about, viewer),
    )


def _may_resolve(row: Any, about: About, viewer: Viewer) -> bool:
    problem: Refused | None = why_not_resolve(
        row, viewer, lab_id=about.lab_id, lead_id=about.lead_id, idea_author_id=about.author_id
    )
    return problem is None


@dataclass(frozen=True, slots=True)
class OneComment:
    """A comment on a page of its own: to answer, change, delete or mark as answered."""

    id: int
    idea_id: int
    parent_id: int | None
    shown: CommentShown
    byline: Byline


def one_comment(session: Session, comment_id: int, viewer: Viewer, now: datetime) -> OneComment:
    """Return one comment as this person may see it; a trace of one is nothing to answer or to change.

    Raises:
        NotFound: ``no-such-comment``.
    """
    of_idea = session.execute(
        sa.select(col(Idea.id), col(Idea.lab_id), col(Idea.author_id), col(Idea.lead_id))
        .join(Comment, col(Comment.idea_id) == col(Idea.id))
        .where(col(Comment.id) == comment_id)
    ).one_or_none()
    if of_idea is None:
        raise NO_SUCH_COMMENT
    about = About(known_id(of_idea[0]), of_idea[1], of_idea[2], of_idea[3])
    values = {"idea_id": about.idea_id, **comment_reader(viewer, about.lab_id)}
    row = session.execute(comments_query().where(col(Comment.id) == comment_id), values).one_or_none()
    if row is None:
        raise NO_SUCH_COMMENT
    shown = comment_shown(row, about, viewer, now)
    if shown.body is None or (shown.gone and shown.author_id != viewer.person_id):
        raise NO_SUCH_COMMENT
    return OneComment(comment_id, about.idea_id, row.parent_id, shown, row.byline)
