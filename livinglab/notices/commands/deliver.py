"""From the journal to people: notices in the app, and mails at once where somebody must act."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import known_id
from livinglab.core.journal import Event, Reader, done, waiting
from livinglab.core.mail import OutboxMail, queue_mail
from livinglab.notices.commands.reading import forget_notices
from livinglab.notices.models import Notice
from livinglab.notices.queries.circles import people_in
from livinglab.notices.rules.telling import Circle, tellings
from livinglab.people.models import Person


def deliver_notices(session: Session, *, now: datetime) -> int:
    """Tell people what happened: one notice per event and person, by schema.

    Returns:
        How many events were dealt with.

    Source: rules N1, N2, N3.
    """
    events = waiting(session, Reader.NOTICES)
    for event in events:
        if event.kind == "account-erased":
            forget_notices(session, person_id=event.subject_id or 0)
        _tell(session, event, now)
        done(session, Reader.NOTICES, known_id(event.id))
    return len(events)


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
    for person_id in sorted(told):
        mailed_at = event.at if person_id in by_letter else None
        if _note(session, event, person_id, mailed_at) and person_id in at_once and not mailed_at:
            _mail(session, event, person_id, at_once[person_id], now)


def _note(session: Session, event: Event, person_id: int, mailed_at: datetime | None) -> bool:
    known = session.scalar(
        select(Notice.id).where(Notice.person_id == person_id, Notice.event_id == event.id)
    )
    if known is not None:
        return False
    event_id = known_id(event.id)
    told = Notice(
        person_id=person_id, event_id=event_id, idea_id=event.idea_id, at=event.at, mailed_at=mailed_at
    )
    session.add(told)
    session.flush()
    return True


def _mail(session: Session, event: Event, person_id: int, circle: Circle, now: datetime) -> None:
    person = session.get(Person, person_id)
    if person is None or not person.email or person.email_confirmed_at is None or person.erased_at:
        return
    key = f"event-{event.id}-{person_id}"
    if session.scalar(select(OutboxMail.id).where(OutboxMail.message_key == key)) is not None:
        return
    queue_mail(
        session,
        "event",
        address=person.email,
        language=person.language,
        person_id=person_id,
        now=now,
        key=key,
        data={"event_ids": [event.id], "circle": circle.value},
    )
    session.execute(
        sa.update(Notice)
        .where(col(Notice.person_id) == person_id, col(Notice.event_id) == event.id)
        .values(mailed_at=now)
    )
