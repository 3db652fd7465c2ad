"""One mail per person and day, at half past seven in the morning of the lab. Source: rule N2."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.clock import instant
from livinglab.core.db import known_id
from livinglab.core.journal import Event
from livinglab.core.mail import queue_mail
from livinglab.labs.models import Lab
from livinglab.notices.models import DigestSent, Notice
from livinglab.people.models import Person

DIGEST_AT = time(7, 30)
MOST_ITEMS = 10
OLDEST = timedelta(days=7)
"""What nobody mailed for a week (a worker that stood still) is not mailed any more; the notice stays."""


def send_digests(session: Session, *, now: datetime, most: int | None = None) -> int:
    """Put today's digests into the outbox, for everybody whose morning it is and who has news.

    Idempotent: what a person got today stands in ``digest_sent``; without news nothing is sent.

    Args:
        most: Stop after so many, so that others can write between; ``None`` for all.

    Returns:
        How many digests were put into the outbox.
    """
    due = [(person_id, zone) for person_id, zone in _with_news(session, now) if _is_morning(now, zone)]
    return sum(_send(session, person_id, zone, now) for person_id, zone in due[:most])


def _is_morning(now: datetime, zone: str) -> bool:
    return now.astimezone(ZoneInfo(zone)).time() >= DIGEST_AT


def _with_news(session: Session, now: datetime) -> Sequence[tuple[int, str]]:
    """Return (person, time zone of the lab they have news from) of those who got nothing yet today."""
    zones = {row.id: row.timezones[0] for row in session.scalars(select(Lab))}
    days = {
        now.astimezone(ZoneInfo(zone)).date() for zone in (*zones.values(), "UTC") if _is_morning(now, zone)
    }
    got_it = select(DigestSent.person_id).where(
        DigestSent.person_id == Notice.person_id, col(DigestSent.day).in_(days)
    )
    query = (
        select(Notice.person_id, sa.func.min(Event.lab_id))
        .join(Event, col(Event.id) == col(Notice.event_id))
        .join(Person, col(Person.id) == col(Notice.person_id))
        .where(
            col(Notice.mailed_at).is_(None),
            col(Notice.read_at).is_(None),
            Notice.at > now - OLDEST,
            Notice.at <= now,
            col(Person.digest),
            col(Person.email).is_not(None),
            col(Person.email_confirmed_at).is_not(None),
            col(Person.erased_at).is_(None),
            col(Person.suspended_at).is_(None),
            sa.not_(got_it.exists()),
        )
        .group_by(col(Notice.person_id))
        .order_by(col(Notice.person_id))
    )
    return [(person_id, zones.get(lab_id, "UTC")) for person_id, lab_id in session.execute(query)]


def _send(session: Session, person_id: int, zone: str, now: datetime) -> int:
    day = now.astimezone(ZoneInfo(zone)).date()
    morning = instant(day, DIGEST_AT, zone)
    if session.get(DigestSent, (person_id, day)) is not None:
        return 0
    query = (
        select(Notice)
        .where(
            Notice.person_id == person_id,
            col(Notice.mailed_at).is_(None),
            col(Notice.read_at).is_(None),
            Notice.at < morning,
            Notice.at > now - OLDEST,
        )
        .order_by(col(Notice.id).desc())
    )
    notices = list(session.scalars(query))
    person = session.get(Person, person_id)
    if not notices or person is None or not person.email:
        return 0
    session.add(DigestSent(person_id=person_id, day=day, at=now, items=min(len(notices), MOST_ITEMS)))
    session.flush()
    for notice in notices:
        notice.mailed_at = now
        session.add(notice)
    queue_mail(
        session,
        "digest",
        address=person.email,
        language=person.language,
        person_id=known_id(person.id),
        now=now,
        key=f"digest-{person_id}-{day.isoformat()}",
        data={
            "event_ids": [notice.event_id for notice in notices[:MOST_ITEMS]],
            "more": max(0, len(notices) - MOST_ITEMS),
            "day": day.isoformat(),
            "unsubscribe": f"/mail/stop/{person.mail_key}",
        },
    )
    return 1
