"""What waits for a moderator: cases and appeals of their labs, the oldest promise first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.text import excerpt, to_plain
from livinglab.core.viewer import Role, Viewer
from livinglab.ideas.models import Byline, Comment, Credit, CreditKind, Idea, Publication
from livinglab.moderation.models import Appeal, Case, Decision, Report, Source
from livinglab.moderation.rules import HOLD_FOR, Thing
from livinglab.people.models import Person
from livinglab.people.rules import Face, face_of

PILE = 25
SCAN = 200


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line of the pile.

    Args:
        title: The idea's title, or the beginning of the comment.
        reports: How many reports it has.
        checks: Codes of what the automatic checks found.
        hidden: Whether it is hidden for now.
        own: Whether it is the moderator's own text, so not for them (rule M1).
        holder: Name of a colleague who has it open just now.
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
    holder: str | None


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
    labs = _labs(viewer, lab_id)
    rows = session.execute(_open_cases(viewer, labs).limit(PILE)).all()
    open_ones = _open(labs)
    late = sa.func.count().filter(col(Case.due_at) < now)
    count, late_count = session.execute(
        sa.select(sa.func.count(), late)
        .select_from(Case)
        .outerjoin(Comment, col(Comment.id) == col(Case.comment_id))
        .where(open_ones)
    ).one()
    items = tuple(_item(row, viewer, now) for row in rows)
    return Pile(items, appeals_waiting(session, viewer, now, lab_id=lab_id), int(count), int(late_count))


def next_case(
    session: Session, viewer: Viewer, now: datetime, *, lab_id: int | None = None, after: int | None = None
) -> int | None:
    """Return the case to look at next: not one's own, not in a colleague's hand.

    Args:
        after: A case that was skipped: the one behind it, and from the top again at the end.
    """
    query = _open_cases(viewer, _labs(viewer, lab_id)).limit(SCAN)
    free = [
        item.id
        for item in (_item(row, viewer, now) for row in session.execute(query))
        if not item.own and item.holder is None
    ]
    if after is not None:
        skipped = session.execute(
            sa.select(col(Case.due_at), col(Case.id)).where(col(Case.id) == after)
        ).one_or_none()
        behind = _open_cases(viewer, _labs(viewer, lab_id)).limit(SCAN)
        if skipped is not None:
            behind = behind.where(sa.tuple_(col(Case.due_at), col(Case.id)) > sa.tuple_(*skipped))
            later = [_item(row, viewer, now) for row in session.execute(behind)]
            free = [i.id for i in later if not i.own and i.holder is None] + free
    return next((case_id for case_id in free if case_id != after), None)


def waiting_count(session: Session, viewer: Viewer) -> int:
    """Count what this person could decide: cases that are not their own, and appeals; for the header."""
    labs = _labs(viewer, None)
    if not labs:
        return 0
    me = viewer.person_id or -1
    own = sa.func.coalesce(
        sa.case((col(Case.comment_id).is_not(None), Comment.author_id), else_=Idea.author_id), 0
    )
    cases = (
        sa.select(sa.func.count())
        .select_from(Case)
        .join(Idea, col(Idea.id) == col(Case.idea_id))
        .outerjoin(Comment, col(Comment.id) == col(Case.comment_id))
        .where(_open(labs), own != me)
    )
    appeals = (
        sa.select(sa.func.count())
        .select_from(Appeal)
        .join(Decision, col(Decision.id) == col(Appeal.decision_id))
        .where(col(Appeal.lab_id).in_(labs), col(Appeal.outcome).is_(None), *_uninvolved(me))
    )
    return (session.scalar(cases) or 0) + (session.scalar(appeals) or 0)


def appeals_waiting(
    session: Session, viewer: Viewer, now: datetime, *, lab_id: int | None = None
) -> tuple[AppealWaiting, ...]:
    """Return the open appeals of the person's labs, also those somebody else must decide."""
    me = viewer.person_id or -1
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
            sa.and_(*_uninvolved(me)).label("mine"),
        )
        .select_from(Appeal)
        .join(Decision, col(Decision.id) == col(Appeal.decision_id))
        .join(Idea, col(Idea.id) == col(Decision.idea_id))
        .outerjoin(Comment, col(Comment.id) == col(Decision.comment_id))
        .join(Person, col(Person.id) == col(Appeal.person_id))
        .outerjoin(first, col(first.id) == col(Decision.by_id))
        .where(col(Appeal.lab_id).in_(_labs(viewer, lab_id)), col(Appeal.outcome).is_(None))
        .order_by(col(Appeal.due_at), col(Appeal.id))
        .limit(PILE)
    )
    return tuple(_appeal(row, now) for row in session.execute(query))


def _uninvolved(me: int) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions under which a person may decide an appeal (rule M3)."""
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


def _labs(viewer: Viewer, lab_id: int | None) -> frozenset[int]:
    labs = moderated_labs(viewer)
    return labs if lab_id is None else labs & {lab_id}


def _open(labs: frozenset[int]) -> sa.ColumnElement[bool]:
    return sa.and_(
        col(Case.lab_id).in_(labs), col(Case.closed_at).is_(None), col(Comment.deleted_at).is_(None)
    )


def _open_cases(viewer: Viewer, labs: frozenset[int]) -> sa.Select[Any]:
    me, holder = viewer.person_id or -1, sa.orm.aliased(Person)
    authors = (CreditKind.AUTHOR, CreditKind.CO_AUTHOR)
    credited = sa.exists().where(
        col(Credit.idea_id) == col(Case.idea_id), col(Credit.person_id) == me, col(Credit.kind).in_(authors)
    )
    mine = sa.case(
        (col(Case.comment_id).is_not(None), col(Comment.author_id) == me),
        else_=sa.or_(col(Idea.author_id) == me, credited),
    )
    reports = (
        sa.select(sa.func.count())
        .where(col(Report.case_id) == col(Case.id))
        .correlate(Case)
        .scalar_subquery()
    )
    whose = sa.case((col(Case.comment_id).is_not(None), col(Comment.author_id)), else_=col(Idea.author_id))
    return (
        sa.select(
            Case,
            Idea,
            Comment,
            Person,
            mine.label("own"),
            reports.label("reports"),
            col(holder.name).label("holder"),
        )
        .select_from(Case)
        .join(Idea, col(Idea.id) == col(Case.idea_id))
        .outerjoin(Comment, col(Comment.id) == col(Case.comment_id))
        .outerjoin(Person, col(Person.id) == whose)
        .outerjoin(holder, col(holder.id) == col(Case.held_by))
        .where(_open(labs))
        .order_by(col(Case.due_at), col(Case.id))
    )


def _item(row: Any, viewer: Viewer, now: datetime) -> Waiting:
    case, idea, comment = row.Case, row.Idea, row.Comment
    held = case.held_by not in (None, viewer.person_id) and now - case.held_at < HOLD_FOR
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
        holder=row.holder if held else None,
    )


def author_face(person: Person | None, byline: Byline) -> Face:
    """Return the author as the byline allows; moderators see no more than everybody (rule P4)."""
    if person is None:
        return face_of(name=None)
    erased = person.erased_at is not None
    return face_of(name=person.name, pseudonym=person.pseudonym, byline=byline.value, erased=erased)
