"""From the journal to people: notices in the app, and mails at once where somebody must act."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import known_id
from livinglab.core.journal import Event, Reader, attend
from livinglab.core.mail import queue_mail
from livinglab.notices.commands.reading import forget_notices
from livinglab.notices.models import Notice
from livinglab.notices.queries.circles import people_in
from livinglab.notices.rules.telling import Circle, tellings
from livinglab.people.models import Person


def deliver_notices(session: Session, *, now: datetime, most: int = 200) -> int:
    """Tell people what happened: one notice per event and person, by schema.

    An event that cannot be told is tried again later; those behind it go on.

    Returns:
        How many events were dealt with.

    Source: rules N1, N2, N3.
    """

    def act(event: Event) -> None:
        if event.kind == "account-erased":
            forget_notices(session, person_id=event.subject_id or 0)
        _tell(session, event, now)

    return attend(session, Reader.NOTICES, act, now=now, limit=most)


def _tell(session: Session, event: Event, now: datetime) -> None:
    at_once: dict[int, Circle] = {}
    by_letter: set[int] = set()
    told: set[int] = set()
    for telling in tellings(event.kind, event.data):
        people = people_in(session, telling.circle, event)
        told |= people
        if telling.by_letter:
            by_letter |= people
        if telling.at_once:  # of several reasons the first is said
            at_once = dict.fromkeys(people, telling.circle) | at_once
    told.discard(event.actor_id or 0)  # nobody is told what they did themself
    new = _note(session, event, told, by_letter)
    _mail(session, event, {person: at_once[person] for person in new & at_once.keys() - by_letter}, now)


def _note(session: Session, event: Event, told: set[int], by_letter: set[int]) -> set[int]:
    """Write the notices of an event in few statements, however many follow; return whose are new."""
    if not told:
        return set()
    known = session.scalars(
        select(Notice.person_id).where(Notice.event_id == event.id, col(Notice.person_id).in_(told))
    )
    new = sorted(told.difference(known))
    rows = [
        {
            "person_id": person_id,
            "event_id": event.id,
            "idea_id": event.idea_id,
            "at": event.at,
            "mailed_at": event.at if person_id in by_letter else None,
        }
        for person_id in new
    ]
    if rows:
        session.execute(sa.insert(Notice), rows)
    return set(new)


def _mail(session: Session, event: Event, circles: dict[int, Circle], now: datetime) -> None:
    """Write at once to those for whom something waits, as far as they can get mail."""
    if not circles:
        return
    people = select(Person).where(
        col(Person.id).in_(circles),
        col(Person.email).is_not(None),
        col(Person.email_confirmed_at).is_not(None),
        col(Person.erased_at).is_(None),
        col(Person.suspended_at).is_(None),
    )
    mailed = []
    for person in session.scalars(people.order_by(col(Person.id))):
        person_id = known_id(person.id)
        mailed.append(person_id)
        queue_mail(
            session,
            "event",
            address=person.email or "",
            language=person.language,
            person_id=person_id,
            now=now,
            key=f"event-{event.id}-{person_id}",
            data={"event_ids": [event.id], "circle": circles[person_id].value},
        )
    session.execute(
        sa.update(Notice)
        .where(col(Notice.person_id).in_(mailed), col(Notice.event_id) == event.id)
        .values(mailed_at=now)
    )
