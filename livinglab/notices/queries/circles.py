"""Who stands around an idea when something happens to it."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.journal import Event
from livinglab.core.viewer import Role
from livinglab.handoff.models import Handoff
from livinglab.ideas.models import Comment, Follow, Idea
from livinglab.labs.models import ReceivingUnit, UnitMember
from livinglab.notices.rules.telling import SUBJECT_OF, Circle
from livinglab.people.models import Person, RoleGrant


def people_in(session: Session, circle: Circle, event: Event) -> set[int]:
    """Return the ids of the people in a circle around an event."""
    return {person for person in _FINDERS[circle](session, event) if person is not None}


def _followers(session: Session, event: Event) -> set[int | None]:
    query = select(Follow.person_id).where(Follow.idea_id == event.idea_id, col(Follow.muted).is_(False))
    return set(session.scalars(query))


def _author(session: Session, event: Event) -> set[int | None]:
    return set(session.scalars(select(Idea.author_id).where(Idea.id == event.idea_id)))


def _lead(session: Session, event: Event) -> set[int | None]:
    return set(session.scalars(select(Idea.lead_id).where(Idea.id == event.idea_id)))


def _subject(session: Session, event: Event) -> set[int | None]:
    del session
    return {event.data.get(SUBJECT_OF[event.kind])}


def _handoff(session: Session, event: Event) -> Handoff | None:
    query = select(Handoff).where(Handoff.idea_id == event.idea_id).order_by(col(Handoff.id).desc()).limit(1)
    return session.scalar(query)


def _unit_id(session: Session, event: Event) -> int | None:
    if event.data.get("unit_id"):
        return int(event.data["unit_id"])
    handoff = _handoff(session, event)
    return handoff.unit_id if handoff else None


def _unit(session: Session, event: Event) -> set[int | None]:
    unit_id = _unit_id(session, event)
    return set(session.scalars(select(UnitMember.person_id).where(UnitMember.unit_id == unit_id)))


def _assignee(session: Session, event: Event) -> set[int | None]:
    handoff = _handoff(session, event)
    return {handoff.assignee_id} if handoff and handoff.assignee_id else _unit(session, event)


def _deputy(session: Session, event: Event) -> set[int | None]:
    return set(
        session.scalars(select(ReceivingUnit.deputy_id).where(ReceivingUnit.id == _unit_id(session, event)))
    )


def _owner(session: Session, event: Event) -> set[int | None]:
    return set(
        session.scalars(select(ReceivingUnit.owner_id).where(ReceivingUnit.id == _unit_id(session, event)))
    )


def _holding(session: Session, event: Event, *roles: Role) -> set[int | None]:
    query = select(RoleGrant.person_id).where(
        RoleGrant.lab_id == event.lab_id, col(RoleGrant.role).in_(roles), col(RoleGrant.ended_at).is_(None)
    )
    return set(session.scalars(query))


def _facilitators(session: Session, event: Event) -> set[int | None]:
    return _holding(session, event, Role.FACILITATOR)


def _managers(session: Session, event: Event) -> set[int | None]:
    return _holding(session, event, Role.MANAGER)


def _deciders(session: Session, event: Event) -> set[int | None]:
    """Who may give the second signature: by the gate, and never the author (rule S3)."""
    first_gate = event.data.get("gate") == 1
    others = _facilitators(session, event) if first_gate else _unit(session, event)
    return (others | _lead(session, event) | _managers(session, event)) - _author(session, event)


def _uninvolved(session: Session, event: Event) -> set[int | None]:
    """Who could decide the appeal when it was made, as far as they still hold a role in the lab."""
    asked: set[int | None] = {int(person) for person in event.data.get("decider_ids") or ()}
    return asked & _holding(session, event, Role.FACILITATOR, Role.MANAGER)


def _administrators(session: Session, event: Event) -> set[int | None]:
    del event
    return set(
        session.scalars(select(Person.id).where(col(Person.is_admin), col(Person.erased_at).is_(None)))
    )


def _writer(session: Session, event: Event) -> set[int | None]:
    return set(session.scalars(select(Comment.author_id).where(Comment.id == event.subject_id)))


_FINDERS: dict[Circle, Callable[[Session, Event], set[int | None]]] = {
    Circle.FOLLOWERS: _followers,
    Circle.AUTHOR: _author,
    Circle.SUBJECT: _subject,
    Circle.LEAD: _lead,
    Circle.UNIT: _unit,
    Circle.ASSIGNEE: _assignee,
    Circle.DEPUTY: _deputy,
    Circle.OWNER: _owner,
    Circle.DECIDERS: _deciders,
    Circle.FACILITATORS: _facilitators,
    Circle.MANAGERS: _managers,
    Circle.UNINVOLVED: _uninvolved,
    Circle.ADMINISTRATORS: _administrators,
    Circle.WRITER: _writer,
}
