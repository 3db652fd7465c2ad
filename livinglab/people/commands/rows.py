"""Rows of this room under lock, in the order that ``docs/decisions/0010-one-lock-order.md`` sets.

First the counts of addresses, then people by number, then what hangs on them (links, devices, roles).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.errors import NotFound, refuse
from livinglab.people.models import AddressGuard, Person
from livinglab.people.rules import GUARD_MEMORY, MAILS_AN_HOUR, address_key, why_not_enter


def lock_people(session: Session, *person_ids: int | None) -> None:
    """Let everybody else who wants to change one of these people wait; by number, so nobody waits crosswise.

    Rows that only point at them (an event, a follower) may still be written: the lock is not that strong.
    """
    wanted = sorted({person_id for person_id in person_ids if person_id is not None})
    session.execute(
        sa.select(col(Person.id))
        .where(col(Person.id).in_(wanted))
        .order_by(col(Person.id))
        .with_for_update(key_share=True)
    )


def lock_actor(session: Session, person_id: int) -> None:
    """Let one person's acts queue up, so that their limits see every row and nothing is written after they
    have left.

    Raises:
        Forbidden: ``account-closed``.
    """
    session.flush()
    row = session.connection().execute(_ACTOR, {"person_id": person_id}).one_or_none()
    suspended, erased = row or (None, True)
    refuse(why_not_enter(suspended=suspended is not None, erased=erased is not None))


_ACTOR = (
    sa.select(col(Person.suspended_at), col(Person.erased_at))
    .where(col(Person.id) == sa.bindparam("person_id", type_=sa.Integer))
    .with_for_update(key_share=True)
)


def person_row(session: Session, person_id: int) -> Person:
    """Return a person's row, locked, for a command on it.

    Raises:
        NotFound: ``no-such-person``.
    """
    person = session.get(Person, person_id, with_for_update={"key_share": True}, populate_existing=True)
    if person is None or person.erased_at is not None:
        raise NotFound("no-such-person", _l("There is no such account."))
    return person


def lock_addresses(session: Session, emails: Iterable[str | None], now: datetime) -> None:
    """Lock the counts of several addresses, in one order."""
    for email in sorted({email for email in emails if email}, key=address_key):
        guard_of(session, email, now)


def guard_of(session: Session, email: str, now: datetime) -> AddressGuard:
    """Return the counts of an address, made where there are none, locked until the end of the transaction.

    It is the first lock of every command that knows an address: also two who claim the same one queue here.
    """
    key = address_key(email)
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(
        insert(AddressGuard).values(key=key, failures=0, mails=0, touched_at=now).on_conflict_do_nothing()
    )
    guard = session.scalars(
        select(AddressGuard)
        .where(AddressGuard.key == key)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if guard.touched_at <= now - GUARD_MEMORY:
        guard.failures, guard.barred_until, guard.mails, guard.mails_since = 0, None, 0, None
    guard.touched_at = now
    session.add(guard)
    return guard


def forgive(session: Session, email: str) -> None:
    """Forget the misses of an address whose password has just been set; commands lock it before.

    It never waits: an address that was changed this very moment is locked by nobody here, and may stay.
    """
    guard = session.scalar(
        select(AddressGuard)
        .where(AddressGuard.key == address_key(email))
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if guard is not None:
        guard.failures, guard.barred_until = 0, None
        session.flush()


def may_mail(session: Session, email: str, now: datetime) -> bool:
    """Count one more mail to an address; say whether it is within the hour's limit."""
    guard = guard_of(session, email, now)
    if guard.mails_since is None or guard.mails_since <= now - timedelta(hours=1):
        guard.mails, guard.mails_since = 0, now
    guard.mails += 1
    session.flush()
    return guard.mails <= MAILS_AN_HOUR
