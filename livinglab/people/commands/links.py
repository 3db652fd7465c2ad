"""One-time links: made, mailed, taken once. Also how often an address may be tried and written to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import known_id
from livinglab.core.errors import NotFound, refuse
from livinglab.core.journal import record
from livinglab.core.tokens import new_token, token_hash
from livinglab.people.models import AddressGuard, Device, LinkPurpose, OneTimeLink, Person
from livinglab.people.queries import owner_of
from livinglab.people.rules import GUARD_MEMORY, LIFETIME, MAILS_AN_HOUR, address_key, why_not_enter


@dataclass(frozen=True, slots=True)
class Arrived:
    """Somebody who came by a link and has thereby proven whose mailbox it is.

    Args:
        person_id: Who they are now.
        joined_from: The new account whose drafts belong to ``person_id`` now, where the address had one.
        confirmed_now: The address was confirmed by this very link.
    """

    person_id: int
    joined_from: int | None = None
    confirmed_now: bool = False
    next_path: str | None = None


def make_link(
    session: Session,
    person_id: int,
    purpose: LinkPurpose,
    *,
    now: datetime,
    new_email: str | None = None,
    next_path: str | None = None,
) -> str:
    """Write a link and return its token; only the mail ever holds it."""
    token = new_token()
    session.add(
        OneTimeLink(
            person_id=person_id,
            purpose=purpose,
            token_hash=token_hash(token),
            new_email=new_email,
            next_path=next_path if next_path and len(next_path) <= 300 else None,
            created_at=now,
            expires_at=now + LIFETIME[purpose],
        )
    )
    session.flush()
    return token


def mail_path(path: str, language: str) -> str:
    """Return a path for a mail: its page speaks the language of the mail, also to a visitor (rule L6)."""
    return f"{path}?lang={language}"


def take_link(session: Session, token: str, purpose: LinkPurpose, now: datetime) -> OneTimeLink:
    """Use a link up. Two at once: one gets it.

    Raises:
        NotFound: ``link-void`` when it is unknown, used, expired or for something else.
    """
    taken = session.scalar(
        sa.update(OneTimeLink)
        .where(
            col(OneTimeLink.token_hash) == token_hash(token),
            col(OneTimeLink.purpose) == purpose,
            col(OneTimeLink.used_at).is_(None),
            col(OneTimeLink.expires_at) > now,
        )
        .values(used_at=now)
        .returning(col(OneTimeLink.id))
    )
    link = session.get(OneTimeLink, taken, populate_existing=True) if taken else None
    if link is None:
        raise NotFound("link-void", _l("This link has been used or is too old. Ask for a new one."))
    return link


def void_links(session: Session, person_id: int, *purposes: LinkPurpose) -> None:
    """Make a person's links worthless; all of them where no purpose is named."""
    query = sa.delete(OneTimeLink).where(
        col(OneTimeLink.person_id) == person_id, col(OneTimeLink.used_at).is_(None)
    )
    session.execute(query.where(col(OneTimeLink.purpose).in_(purposes)) if purposes else query)


def end_devices(session: Session, person_id: int, *, keep: str | None = None) -> int:
    """Sign a person out everywhere, or everywhere else; copied cookies die with it (rule P5).

    Args:
        keep: Token hash of the device that stays signed in.
    """
    query = sa.delete(Device).where(col(Device.person_id) == person_id)
    if keep:
        query = query.where(col(Device.token_hash) != keep)
    return len(session.execute(query.returning(col(Device.id))).all())


def settle_address(session: Session, person: Person, now: datetime) -> Arrived:
    """Let a mailbox that has been proven confirm the address claimed at sign-up.

    Where the address already has an account, the person goes on in that one: the caller moves what was
    written (``privacy.commands.join_accounts``).

    Raises:
        Forbidden: ``account-closed``.
    """
    person_id = known_id(person.id)
    refuse(why_not_enter(suspended=person.suspended_at is not None, erased=person.erased_at is not None))
    if person.email_confirmed_at is not None:
        return Arrived(person_id)
    email = person.claimed_email or person.email or ""
    owner = owner_of(session, email)
    if owner not in (None, person_id) or not _bind(session, person, email, now):
        return _joined(session, email, person_id)
    record(
        session,
        "address-confirmed",
        at=now,
        actor_id=person_id,
        subject_id=person_id,
        public=False,
        readers=(),
    )
    return Arrived(person_id, confirmed_now=True)


def _joined(session: Session, email: str, person_id: int) -> Arrived:
    owner = session.scalars(select(Person).where(Person.email == email)).one()
    refuse(why_not_enter(suspended=owner.suspended_at is not None, erased=owner.erased_at is not None))
    return Arrived(known_id(owner.id), joined_from=person_id)


def _bind(session: Session, person: Person, email: str, now: datetime) -> bool:
    """Give the address to the person; say whether nobody else was quicker."""
    try:
        with session.begin_nested():
            person.email, person.claimed_email = email, None
            person.email_confirmed_at, person.trust = now, max(1, person.trust)
            session.add(person)
            session.flush()
    except IntegrityError:
        session.refresh(person)
        return False
    return True


def guard_of(session: Session, email: str, now: datetime) -> AddressGuard:
    """Return the counts of an address, made where there are none, locked until the end of the transaction."""
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


def may_mail(session: Session, email: str, now: datetime) -> bool:
    """Count one more mail to an address; say whether it is within the hour's limit."""
    guard = guard_of(session, email, now)
    if guard.mails_since is None or guard.mails_since <= now - timedelta(hours=1):
        guard.mails, guard.mails_since = 0, now
    guard.mails += 1
    session.flush()
    return guard.mails <= MAILS_AN_HOUR
