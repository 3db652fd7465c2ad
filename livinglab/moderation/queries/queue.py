"""What waits for a moderator: the cases of their labs, the nearest promise first.

The administrator meets here what nobody in its lab may decide (rule M1).
"""

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
from livinglab.core.together import Read, together
from livinglab.core.viewer import Role, Viewer
from livinglab.ideas.models import Comment, Idea, Publication
from livinglab.ideas.queries.counts import up_to_most
from livinglab.labs.models import Lab
from livinglab.moderation.models import Case, Report, Source
from livinglab.moderation.queries.appeals import AppealWaiting, appeals_read
from livinglab.moderation.queries.standing import is_author, nobody_for_it
from livinglab.moderation.rules import HOLD_FOR, Thing, in_other_hands
from livinglab.people.models import Person
from livinglab.people.rules import Face, face_of

PILE = 25


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line of the pile.

    Args:
        title: The idea's title, or the beginning of the comment.
        reports: How many reports it has.
        checks: Codes of what the automatic checks found.
        hidden: Whether it is hidden for now.
        own: Whether it is the moderator's own text, so not for them (rule M1).
        nobody: Whether nobody in the lab may decide it, so that the administrator has been told.
        holder: Name of a colleague who has it in hand just now.
    """

    id: int
    lab_id: int
    thing: Thing
    source: Source
    title: str
    language: str
    by: Face
    version: int | None
    reports: int
    checks: tuple[str, ...]
    hidden: bool
    opened_at: datetime
    due_at: datetime
    late: bool
    own: bool
    nobody: bool
    holder: str | None


@dataclass(frozen=True, slots=True)
class Pile:
    """The queue page: what is shown of it, and how much there is: each number up to ``MOST_COUNTED`` + 1."""

    items: tuple[Waiting, ...]
    appeals: tuple[AppealWaiting, ...]
    count: int
    late: int
    appealed: int


def moderated_labs(viewer: Viewer) -> frozenset[int]:
    """Return the labs whose queue this person works on."""
    return viewer.labs_as(Role.FACILITATOR, Role.MANAGER)


def pile(session: Session, viewer: Viewer, now: datetime, *, lab_id: int | None = None) -> Pile:
    """Return what waits, the nearest deadline first: one statement."""
    own = moderated_labs(viewer)
    asked = (own, lab_id, viewer.is_admin)
    values = {"me": viewer.person_id or -1}
    items, numbers, (appeals, appealed) = together(
        session,
        Read(_pile_query(*asked), values, lambda rows: tuple(_item(row, viewer, now) for row in rows)),
        Read(_numbers_query(*asked), {"now": now}, lambda rows: rows[0]),
        appeals_read(viewer, now, own if lab_id is None else own & {lab_id}),
    )
    return Pile(items, appeals, numbers.waiting, numbers.late, appealed)


def next_case(
    session: Session, viewer: Viewer, now: datetime, *, lab_id: int | None = None, after: int | None = None
) -> int | None:
    """Return the case to look at next: not one's own, not in a colleague's hand.

    Args:
        after: A case that was skipped: the one behind it, and from the top again at the end.
    """
    me = viewer.person_id or -1
    free = (
        _with_things(sa.select(col(Case.id)))
        .where(
            _open(moderated_labs(viewer), lab_id, admin=viewer.is_admin),
            ~is_author(me),
            sa.or_(col(Case.held_by).is_(None), col(Case.held_by) == me, col(Case.held_at) <= now - HOLD_FOR),
            col(Case.id) != (after or 0),
        )
        .order_by(col(Case.closed_at), col(Case.due_at), col(Case.id))
        .limit(1)
    )
    passed = (
        after
        and session.execute(
            sa.select(col(Case.due_at), col(Case.id)).where(
                col(Case.id) == after, col(Case.lab_id).in_(moderated_labs(viewer))
            )
        ).one_or_none()
    )
    if passed:
        behind: int | None = session.scalar(
            free.where(sa.tuple_(col(Case.due_at), col(Case.id)) > sa.tuple_(*passed))
        )
        if behind is not None:
            return behind
    first: int | None = session.scalar(free)
    return first


def _open(labs: Collection[int], lab_id: int | None, *, admin: bool) -> sa.ColumnElement[bool]:
    """Return the condition on the open cases a person meets; what its author took back is none."""
    mine: sa.ColumnElement[bool] = col(Case.lab_id).in_(labs)
    if admin:  # the list of labs keeps the index of open cases in use
        everywhere = col(Case.lab_id).in_(sa.select(col(Lab.id)))
        mine = sa.or_(mine, sa.and_(everywhere, nobody_for_it()))
    here = sa.true() if lab_id is None else col(Case.lab_id) == lab_id
    return sa.and_(mine, here, col(Case.closed_at).is_(None), col(Comment.deleted_at).is_(None))


def _with_things(query: Any) -> Any:
    """Join idea and comment to the cases of a select."""
    return (
        query.select_from(Case)
        .join(Idea, col(Idea.id) == col(Case.idea_id))
        .outerjoin(Comment, col(Comment.id) == col(Case.comment_id))
    )


_ME = sa.bindparam("me", type_=sa.Integer)
_holder = another(Person)
_WORDS = 600
"""So many characters of a comment are read for its beginning."""


@lru_cache(maxsize=128)
def _numbers_query(labs: frozenset[int], lab_id: int | None, admin: bool) -> Any:  # noqa: FBT001
    """Return the statement that counts what waits, and what of it is late; made once for the same labs."""
    due: Any = col(Case.due_at)
    some: Any
    if admin:  # whether nobody may decide hangs on the idea
        some = _with_things(sa.select(col(Case.id)))
    else:
        some = sa.select(col(Case.id)).outerjoin(Comment, col(Comment.id) == col(Case.comment_id))
    some = some.where(_open(labs, lab_id, admin=admin))
    late = some.where(due < sa.bindparam("now", type_=due.type))
    return sa.select(up_to_most(some).label("waiting"), up_to_most(late).label("late"))


@lru_cache(maxsize=128)
def _pile_query(labs: frozenset[int], lab_id: int | None, admin: bool) -> Any:  # noqa: FBT001
    """Return the statement that reads the pile, made once for the same labs; who asks is bound."""
    reports = (
        sa.select(sa.func.count())
        .where(col(Report.case_id) == col(Case.id))
        .correlate(Case)
        .scalar_subquery()
    )
    said = col(Case.comment_id).is_not(None)
    whose = sa.case((said, col(Comment.author_id)), else_=col(Idea.author_id))
    query = sa.select(
        col(Case.id),
        col(Case.lab_id),
        col(Case.comment_id),
        col(Case.version),
        col(Case.source),
        col(Case.findings),
        col(Case.opened_at),
        col(Case.due_at),
        col(Case.held_by),
        col(Case.held_at),
        col(Idea.title),
        sa.func.substr(col(Comment.body), 1, _WORDS).label("words"),
        *(
            sa.case((said, getattr(Comment, name)), else_=getattr(Idea, name)).label(name)
            for name in ("language", "byline", "publication")
        ),
        col(Person.name),
        col(Person.pseudonym),
        col(Person.erased_at),
        is_author(_ME).label("own"),
        nobody_for_it().label("nobody"),
        reports.label("reports"),
        col(_holder.name).label("holder"),
    )
    return (
        _with_things(query)
        .outerjoin(Person, col(Person.id) == whose)
        .outerjoin(_holder, col(_holder.id) == col(Case.held_by))
        .where(_open(labs, lab_id, admin=admin))
        .order_by(col(Case.closed_at), col(Case.due_at), col(Case.id))
        .limit(PILE)
    )


def _item(row: Any, viewer: Viewer, now: datetime) -> Waiting:
    comment = row.comment_id is not None
    thing = Thing.COMMENT if comment else Thing.EDIT if row.version else Thing.IDEA
    return Waiting(
        id=row.id,
        lab_id=row.lab_id,
        thing=thing,
        source=row.source,
        title=excerpt(to_plain(row.words), 90) if comment else row.title,
        language=row.language,
        by=face_of(
            name=row.name, pseudonym=row.pseudonym, byline=row.byline, erased=row.erased_at is not None
        ),
        version=row.version,
        reports=int(row.reports),
        checks=tuple(dict.fromkeys(found["check"] for found in row.findings)),
        hidden=row.publication is Publication.HIDDEN,
        opened_at=row.opened_at,
        due_at=row.due_at,
        late=row.due_at < now,
        own=bool(row.own),
        nobody=bool(row.nobody),
        holder=row.holder if in_other_hands(row.held_by, row.held_at, viewer, now) else None,
    )
