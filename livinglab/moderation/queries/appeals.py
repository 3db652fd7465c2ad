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

from livinglab.core.db import another
from livinglab.core.text import excerpt, to_plain
from livinglab.core.together import Read, Rows
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Comment, Idea
from livinglab.ideas.queries.counts import up_to_most
from livinglab.moderation.models import Appeal, Decision
from livinglab.people.models import Person
from livinglab.people.rules import Face, face_of

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


Waiting = tuple[tuple[AppealWaiting, ...], int]


def appeals_waiting(
    session: Session, viewer: Viewer, now: datetime, labs: Collection[int]
) -> tuple[AppealWaiting, ...]:
    """Return the open appeals of some labs, also those somebody else must decide; the nearest first."""
    return appeals_read(viewer, now, labs).alone(session)[0]


def appeals_read(viewer: Viewer, now: datetime, labs: Collection[int]) -> Read[Waiting]:
    """Return how open appeals are read, and how many there are, up to ``MOST_COUNTED`` + 1."""

    def shape(rows: Rows) -> Waiting:
        return tuple(_appeal(row, now) for row in rows), rows[0].number if rows else 0

    return Read(_waiting_query(frozenset(labs)), {"me": viewer.person_id or -1}, shape)


_WORDS = 600
"""So many characters of a comment are read for its beginning."""


@lru_cache(maxsize=128)
def _waiting_query(labs: frozenset[int]) -> Any:
    """Return the statement, made once for the same labs; who asks is bound."""
    first = another(Person)
    said = col(Decision.comment_id).is_not(None)
    is_open = sa.and_(col(Appeal.lab_id).in_(labs), col(Appeal.outcome).is_(None))
    query: Any = (
        sa.select(
            col(Appeal.id),
            col(Appeal.lab_id),
            col(Appeal.at),
            col(Appeal.due_at),
            col(Idea.title),
            sa.func.substr(col(Comment.body), 1, _WORDS).label("words"),
            *(
                sa.case((said, getattr(Comment, name)), else_=getattr(Idea, name)).label(name)
                for name in ("language", "byline")
            ),
            col(Person.name),
            col(Person.pseudonym),
            col(Person.erased_at),
            col(first.name).label("first_name"),
            sa.and_(*uninvolved(sa.bindparam("me", type_=sa.Integer))).label("mine"),
            up_to_most(sa.select(col(Appeal.id)).where(is_open)).label("number"),
        )
        .select_from(Appeal)
        .join(Decision, col(Decision.id) == col(Appeal.decision_id))
        .join(Idea, col(Idea.id) == col(Decision.idea_id))
        .outerjoin(Comment, col(Comment.id) == col(Decision.comment_id))
        .join(Person, col(Person.id) == col(Appeal.person_id))
        .outerjoin(first, col(first.id) == col(Decision.by_id))
    )
    return query.where(is_open).order_by(col(Appeal.due_at), col(Appeal.id)).limit(MOST)


def uninvolved(me: Any) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions on appeal and decision under which a person may decide it (rule M3)."""
    other = another(Decision)
    same = sa.and_(
        col(other.idea_id) == col(Decision.idea_id),
        sa.func.coalesce(col(other.comment_id), 0) == sa.func.coalesce(col(Decision.comment_id), 0),
        col(other.by_id) == me,
    )
    return col(Appeal.person_id) != me, ~sa.exists().where(same)


def _appeal(row: Any, now: datetime) -> AppealWaiting:
    return AppealWaiting(
        id=row.id,
        lab_id=row.lab_id,
        title=row.title if row.words is None else excerpt(to_plain(row.words), 90),
        language=row.language,
        by=face_of(
            name=row.name, pseudonym=row.pseudonym, byline=row.byline, erased=row.erased_at is not None
        ),
        at=row.at,
        due_at=row.due_at,
        late=row.due_at < now,
        decided_by=row.first_name or "",
        mine=bool(row.mine),
    )
