"""Appeals that wait for somebody who was not involved (rule M3)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.text import excerpt, to_plain
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Comment, Idea
from livinglab.moderation.models import Appeal, Decision
from livinglab.moderation.queries.standing import author_face
from livinglab.people.models import Person
from livinglab.people.rules import Face

MOST = 25


@dataclass(frozen=True, slots=True)
class AppealWaiting:
    """An appeal in the pile."""

    id: int
    lab_id: int
    title: str
    language: str
    by: Face
    at: datetime
    due_at: datetime
    late: bool
    decided_by: str
    """Name of the one who decided first."""
    mine: bool
    """Whether this person may decide it: neither involved nor the author."""


def appeals_waiting(
    session: Session, viewer: Viewer, now: datetime, labs: Collection[int]
) -> tuple[AppealWaiting, ...]:
    """Return the open appeals of some labs, also those somebody else must decide."""
    rows = session.execute(_waiting_query(frozenset(labs)), {"me": viewer.person_id or -1})
    return tuple(_appeal(row, now) for row in rows)


@lru_cache(maxsize=128)
def _waiting_query(labs: frozenset[int]) -> Any:
    """Return the statement, made once for the same labs; who asks is bound."""
    first = sa.orm.aliased(Person)
    query: Any = (
        sa.select(
            Appeal,
            Decision,
            col(Idea.title),
            col(Idea.language),
            col(Idea.byline).label("idea_byline"),
            Comment,
            Person,
            col(first.name).label("first_name"),
            sa.and_(*uninvolved(sa.bindparam("me", type_=sa.Integer))).label("mine"),
        )
        .select_from(Appeal)
        .join(Decision, col(Decision.id) == col(Appeal.decision_id))
        .join(Idea, col(Idea.id) == col(Decision.idea_id))
        .outerjoin(Comment, col(Comment.id) == col(Decision.comment_id))
        .join(Person, col(Person.id) == col(Appeal.person_id))
        .outerjoin(first, col(first.id) == col(Decision.by_id))
    )
    return (
        query.where(col(Appeal.lab_id).in_(labs), col(Appeal.outcome).is_(None))
        .order_by(col(Appeal.due_at), col(Appeal.id))
        .limit(MOST)
    )


def uninvolved(me: Any) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions on appeal and decision under which a person may decide it (rule M3)."""
    other = sa.orm.aliased(Decision)
    same = sa.and_(
        col(other.idea_id) == col(Decision.idea_id),
        sa.func.coalesce(col(other.comment_id), 0) == sa.func.coalesce(col(Decision.comment_id), 0),
        col(other.by_id) == me,
    )
    return col(Appeal.person_id) != me, ~sa.exists().where(same)


def _appeal(row: Any, now: datetime) -> AppealWaiting:
    appeal, comment, person = row.Appeal, row.Comment, row.Person
    byline = comment.byline if comment else row.idea_byline
    title = excerpt(to_plain(comment.body), 90) if comment else row.title
    return AppealWaiting(
        id=appeal.id,
        lab_id=appeal.lab_id,
        title=title,
        language=comment.language if comment else row.language,
        by=author_face(person, byline),
        at=appeal.at,
        due_at=appeal.due_at,
        late=appeal.due_at < now,
        decided_by=row.first_name or "",
        mine=bool(row.mine),
    )
