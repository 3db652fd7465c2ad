"""Who was involved in a decision, and whether the lab has anybody who was not."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.viewer import Role
from livinglab.moderation.models import Case, Decision
from livinglab.moderation.rules import Thing
from livinglab.people.models import Person, RoleGrant


def involved_in(session: Session, decision: Decision) -> frozenset[int]:
    """Return everybody who decided about the same text before (rule M3)."""
    about = (
        col(Decision.comment_id) == decision.comment_id
        if decision.comment_id is not None
        else col(Decision.comment_id).is_(None)
    )
    query = select(Decision.by_id).where(Decision.idea_id == decision.idea_id, about)
    return frozenset(person for person in session.scalars(query) if person is not None)


def nobody_else(session: Session, decision: Decision) -> bool:
    """Say whether every facilitator and manager of the lab was involved, or is the author."""
    out = involved_in(session, decision) | ({decision.author_id} if decision.author_id else frozenset())
    query = (
        select(sa.func.count())
        .select_from(RoleGrant)
        .join(Person, col(Person.id) == col(RoleGrant.person_id))
        .where(
            col(RoleGrant.lab_id) == decision.lab_id,
            col(RoleGrant.role).in_((Role.FACILITATOR, Role.MANAGER)),
            col(RoleGrant.ended_at).is_(None),
            col(RoleGrant.person_id).not_in(out),
            col(Person.suspended_at).is_(None),
            col(Person.erased_at).is_(None),
        )
    )
    return not session.scalar(query)


def thing_of_decision(decision: Decision, case: Case) -> Thing:
    """Say what was decided about."""
    if decision.comment_id is not None:
        return Thing.COMMENT
    return Thing.EDIT if case.version is not None else Thing.IDEA
