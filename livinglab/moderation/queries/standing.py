"""Who stands where: who was involved in a decision, who else could look, whose text it is."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import another
from livinglab.core.viewer import Role
from livinglab.ideas.models import Byline, Comment, Credit, CreditKind, Idea
from livinglab.moderation.models import Case, Decision
from livinglab.moderation.rules import Thing
from livinglab.people.models import Person, RoleGrant
from livinglab.people.rules import Face, face_of

AUTHORS = (CreditKind.AUTHOR, CreditKind.CO_AUTHOR)


def authors_of(session: Session, idea: Idea, comment: Comment | None) -> frozenset[int]:
    """Return whose own text it is: the comment's author, or all authors of the idea (rule M1)."""
    if comment is not None:
        return authors_from(idea, comment, ())
    query = select(Credit.person_id).where(Credit.idea_id == idea.id, col(Credit.kind).in_(AUTHORS))
    return authors_from(idea, None, session.scalars(query))


def authors_from(idea: Idea, comment: Comment | None, credited: Iterable[int | None]) -> frozenset[int]:
    """Return the same, where it is known who is credited as author of the idea."""
    found = (comment.author_id,) if comment is not None else (idea.author_id, *credited)
    return frozenset(one for one in found if one)


def is_author(person: Any) -> sa.ColumnElement[bool]:
    """Return the condition that a person wrote what a case is about; the same as ``authors_of``.

    Args:
        person: An id, or a column of ids; idea and (outer) comment are joined to the case.
    """
    credited = sa.exists().where(
        col(Credit.idea_id) == col(Case.idea_id),
        col(Credit.person_id) == person,
        col(Credit.kind).in_(AUTHORS),
    )
    said = sa.func.coalesce(col(Comment.author_id), 0) == person
    wrote = sa.or_(sa.func.coalesce(col(Idea.author_id), 0) == person, credited)
    return sa.case((col(Case.comment_id).is_not(None), said), else_=wrote)


def nobody_for_it() -> sa.ColumnElement[bool]:
    """Return the condition that nobody in the lab may decide a case, so that the administrator does."""
    able = sa.exists().where(*moderates(col(Case.lab_id)), ~is_author(col(RoleGrant.person_id)))
    return ~able.correlate(Case, Idea, Comment)


def nobody_but(session: Session, lab_id: int, out: Collection[int]) -> bool:
    """Say whether nobody moderates in a lab but these people."""
    query = sa.select(sa.exists().where(*moderates(lab_id), col(RoleGrant.person_id).not_in(out)))
    return not session.scalar(query)


def moderates(lab_id: Any) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions on role grants of those who may moderate in a lab just now."""
    holder = another(Person)
    return (
        col(RoleGrant.lab_id) == lab_id,
        col(RoleGrant.role).in_((Role.FACILITATOR, Role.MANAGER)),
        col(RoleGrant.ended_at).is_(None),
        col(holder.id) == col(RoleGrant.person_id),
        col(holder.suspended_at).is_(None),
        col(holder.erased_at).is_(None),
    )


def involved_in(session: Session, decision: Decision) -> frozenset[int]:
    """Return everybody who decided about the same text before (rule M3)."""
    about = (
        col(Decision.comment_id) == decision.comment_id
        if decision.comment_id is not None
        else col(Decision.comment_id).is_(None)
    )
    query = select(Decision.by_id).where(Decision.idea_id == decision.idea_id, about)
    return frozenset(person for person in session.scalars(query) if person is not None)


def uninvolved_in(session: Session, decision: Decision) -> frozenset[int]:
    """Return the facilitators and managers of the lab who may decide an appeal against it (rule M3)."""
    out = involved_in(session, decision) | ({decision.author_id} if decision.author_id else frozenset())
    query = select(RoleGrant.person_id).where(*moderates(decision.lab_id))
    return frozenset(session.scalars(query)) - out


def nobody_else(session: Session, decision: Decision) -> bool:
    """Say whether every facilitator and manager of the lab was involved, or is the author."""
    return not uninvolved_in(session, decision)


def thing_of_decision(decision: Decision, case: Case) -> Thing:
    """Say what was decided about."""
    if decision.comment_id is not None:
        return Thing.COMMENT
    return Thing.EDIT if case.version is not None else Thing.IDEA


def author_face(person: Any, byline: Byline) -> Face:
    """Return the author as the byline allows; moderators see no more than everybody (rule P4).

    Args:
        person: A row with name, pseudonym and end of the account; ``None`` without one.
    """
    if person is None:
        return face_of(name=None)
    erased = person.erased_at is not None
    return face_of(name=person.name, pseudonym=person.pseudonym, byline=byline.value, erased=erased)
