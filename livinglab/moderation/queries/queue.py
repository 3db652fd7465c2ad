"""What waits for a moderator: the cases of their labs, the nearest promise first.

The administrator meets here what nobody in its lab may decide (rule M1).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.text import excerpt, to_plain
from livinglab.core.viewer import Role, Viewer
from livinglab.ideas.models import Comment, Idea, Publication
from livinglab.labs.models import Lab
from livinglab.moderation.models import Case, Report, Source
from livinglab.moderation.queries.appeals import AppealWaiting, appeals_waiting
from livinglab.moderation.queries.standing import author_face, is_author, nobody_for_it
from livinglab.moderation.rules import HOLD_FOR, Thing, in_other_hands
from livinglab.people.models import Person
from livinglab.people.rules import Face

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
    """The queue page: what is shown of it, and how much there is."""

    items: tuple[Waiting, ...]
    appeals: tuple[AppealWaiting, ...]
    count: int
    late: int


def moderated_labs(viewer: Viewer) -> frozenset[int]:
    """Return the labs whose queue this person works on."""
    return viewer.labs_as(Role.FACILITATOR, Role.MANAGER)


def pile(session: Session, viewer: Viewer, now: datetime, *, lab_id: int | None = None) -> Pile:
    """Return what waits, the nearest deadline first."""
    rows = session.execute(_open_cases(viewer, lab_id).limit(PILE)).all()
    late = sa.func.count().filter(col(Case.due_at) < now)
    numbers = _with_things(sa.select(sa.func.count(), late)).where(_open(viewer, lab_id))
    count, late_count = session.execute(numbers).one()
    labs = moderated_labs(viewer) if lab_id is None else moderated_labs(viewer) & {lab_id}
    items = tuple(_item(row, viewer, now) for row in rows)
    return Pile(items, appeals_waiting(session, viewer, now, labs), int(count), int(late_count))


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
            _open(viewer, lab_id),
            ~is_author(me),
            sa.or_(col(Case.held_by).is_(None), col(Case.held_by) == me, col(Case.held_at) <= now - HOLD_FOR),
            col(Case.id) != (after or 0),
        )
        .order_by(col(Case.due_at), col(Case.id))
        .limit(1)
    )
    passed = session.execute(
        sa.select(col(Case.due_at), col(Case.id)).where(
            col(Case.id) == (after or 0), col(Case.lab_id).in_(moderated_labs(viewer))
        )
    ).one_or_none()
    if passed is not None:
        behind: int | None = session.scalar(
            free.where(sa.tuple_(col(Case.due_at), col(Case.id)) > sa.tuple_(*passed))
        )
        if behind is not None:
            return behind
    first: int | None = session.scalar(free)
    return first


def _open(viewer: Viewer, lab_id: int | None) -> sa.ColumnElement[bool]:
    """Return the condition on the open cases a person meets; what its author took back is none."""
    labs = moderated_labs(viewer)
    mine: sa.ColumnElement[bool] = col(Case.lab_id).in_(labs)
    if viewer.is_admin:  # the list of labs keeps the index of open cases in use
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


def _open_cases(viewer: Viewer, lab_id: int | None) -> Any:
    holder = sa.orm.aliased(Person)
    reports = (
        sa.select(sa.func.count())
        .where(col(Report.case_id) == col(Case.id))
        .correlate(Case)
        .scalar_subquery()
    )
    whose = sa.case((col(Case.comment_id).is_not(None), col(Comment.author_id)), else_=col(Idea.author_id))
    query = sa.select(
        Case,
        Idea,
        Comment,
        Person,
        is_author(viewer.person_id or -1).label("own"),
        nobody_for_it().label("nobody"),
        reports.label("reports"),
        col(holder.name).label("holder"),
    )
    return (
        _with_things(query)
        .outerjoin(Person, col(Person.id) == whose)
        .outerjoin(holder, col(holder.id) == col(Case.held_by))
        .where(_open(viewer, lab_id))
        .order_by(col(Case.due_at), col(Case.id))
    )


def _item(row: Any, viewer: Viewer, now: datetime) -> Waiting:
    case, idea, comment = row.Case, row.Idea, row.Comment
    thing = Thing.COMMENT if comment else Thing.EDIT if case.version else Thing.IDEA
    shown = comment or idea
    return Waiting(
        id=case.id,
        lab_id=case.lab_id,
        thing=thing,
        source=case.source,
        title=excerpt(to_plain(comment.body), 90) if comment else idea.title,
        language=shown.language,
        by=author_face(row.Person, shown.byline),
        version=case.version,
        reports=int(row.reports),
        checks=tuple(dict.fromkeys(found["check"] for found in case.findings)),
        hidden=shown.publication is Publication.HIDDEN,
        opened_at=case.opened_at,
        due_at=case.due_at,
        late=case.due_at < now,
        own=bool(row.own),
        nobody=bool(row.nobody),
        holder=row.holder if in_other_hands(case.held_by, case.held_at, viewer, now) else None,
    )
