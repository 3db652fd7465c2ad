"""One-time links: made, mailed, taken once; and the address they prove."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import known_id
from livinglab.core.errors import NotFound, refuse
from livinglab.core.journal import record
from livinglab.core.tokens import new_token, token_hash
from livinglab.people.commands.rows import lock_addresses, lock_people
from livinglab.people.models import Device, LinkPurpose, OneTimeLink, Person
from livinglab.people.queries import owner_of
from livinglab.people.rules import LIFETIME, why_not_enter


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

    It locks, in order, the addresses the link is about, the people who have them or claim them, the link.

    Raises:
        NotFound: ``link-void`` when it is unknown, used, expired or for something else.
    """
    good = (
        col(OneTimeLink.token_hash) == token_hash(token),
        col(OneTimeLink.purpose) == purpose,
        col(OneTimeLink.used_at).is_(None),
        col(OneTimeLink.expires_at) > now,
    )
    _lock_behind(session, good, now)
    taken = session.scalar(
        sa.update(OneTimeLink).where(*good).values(used_at=now).returning(col(OneTimeLink.id))
    )
    link = session.get(OneTimeLink, taken, populate_existing=True) if taken else None
    if link is None:
        raise NotFound("link-void", _l("This link has been used or is too old. Ask for a new one."))
    return link


def _lock_behind(session: Session, good: tuple[sa.ColumnElement[bool], ...], now: datetime) -> None:
    """Lock whom a link concerns: whose it is, and who has the address already that it proves."""
    row = session.execute(
        sa.select(col(OneTimeLink.new_email), col(Person.email), col(Person.claimed_email), col(Person.id))
        .join(Person, col(Person.id) == col(OneTimeLink.person_id))
        .where(*good)
    ).one_or_none()
    if row is None:
        return
    new_email, email, claimed, person_id = row
    lock_addresses(session, (new_email, email, claimed), now)
    lock_people(session, person_id, owner_of(session, claimed) if claimed else None)


def void_links(session: Session, person_id: int, *purposes: LinkPurpose, now: datetime) -> None:
    """Make a person's links worthless; all of them where no purpose is named.

    They end, and are deleted at night: until then they count towards the mails one may ask for.
    """
    query = sa.update(OneTimeLink).where(
        col(OneTimeLink.person_id) == person_id,
        col(OneTimeLink.used_at).is_(None),
        col(OneTimeLink.expires_at) > now,
    )
    if purposes:
        query = query.where(col(OneTimeLink.purpose).in_(purposes))
    session.execute(query.values(expires_at=now).execution_options(synchronize_session="fetch"))


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
