"""What the night forgets: everything that has done its work (DOMAIN section 5, retention)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import SQLModel, col, select

from livinglab.core.files import StoredFile
from livinglab.core.mail import OutboxMail
from livinglab.ideas.commands import purge_drafts
from livinglab.people.models import AddressGuard, Device, OneTimeLink, Person
from livinglab.people.rules import GUARD_MEMORY
from livinglab.privacy.commands.erasing import Erased, Published, erase_person
from livinglab.voting.models import SupportGiven

UNCONFIRMED_DAYS = 90
SENT_MAIL_DAYS = 14
COUNTED_FOR = timedelta(days=1)
"""The longest window of rule V8: what was given before it is asked for by nothing."""
PICTURE_MEMORY = timedelta(days=1)


def forget_old(session: Session, now: datetime) -> dict[str, int]:
    """Forget what is no longer needed: expired devices and links, counts of tries and of supports given,
    unclaimed drafts, and who got which mail. Safe to run twice.

    Returns:
        How many of each went.

    Source: DOMAIN section 5, hold return and retention; rule I1.
    """
    return {
        "devices": _count_deleted(session, sa.delete(Device).where(col(Device.expires_at) <= now)),
        "links": _count_deleted(
            session, sa.delete(OneTimeLink).where(col(OneTimeLink.expires_at) <= now - timedelta(days=1))
        ),
        "guards": _count_deleted(
            session, sa.delete(AddressGuard).where(col(AddressGuard.touched_at) <= now - GUARD_MEMORY)
        ),
        "mails": _count_deleted(
            session,
            sa.delete(OutboxMail).where(
                sa.func.coalesce(col(OutboxMail.sent_at), col(OutboxMail.given_up_at))
                <= now - timedelta(days=SENT_MAIL_DAYS)
            ),
        ),
        "supports given": _count_deleted(
            session, sa.delete(SupportGiven).where(col(SupportGiven.at) <= now - COUNTED_FOR)
        ),
        "drafts": purge_drafts(session, now),
    }


def forget_pictures(session: Session, now: datetime) -> tuple[str, ...]:
    """Delete the rows of pictures that nothing shows any more: of drafts thrown away, or replaced.

    A picture handed in today is let be: its form may still be open.

    Returns:
        Their keys; remove the files after the commit.
    """
    shown = [
        sa.exists().where(column == col(StoredFile.id)) for column in _columns_with(StoredFile.__tablename__)
    ]
    old = col(StoredFile.created_at) <= now - PICTURE_MEMORY
    query = sa.delete(StoredFile).where(old, *(~one for one in shown)).returning(col(StoredFile.key))
    return tuple(session.scalars(query.execution_options(synchronize_session=False)))


def _columns_with(table: str) -> list[sa.Column[Any]]:
    """Return every column of the schema that points at a table."""
    return [
        key.parent
        for one in SQLModel.metadata.tables.values()
        for key in one.foreign_keys
        if key.column.table.name == table
    ]


def forget_account(session: Session, now: datetime) -> Erased | None:
    """Erase one account that was never confirmed within 90 days; each in a transaction of its own.

    Returns:
        What is still to be done after the commit; ``None`` when there is no such account left.
    """
    person_id = _never_confirmed(session, now)
    if person_id is None:
        return None
    return erase_person(session, person_id=person_id, published=Published.BLANK, now=now)


def _count_deleted(session: Session, query: sa.Delete) -> int:
    key = sa.inspect(query.table).primary_key.columns[0]
    return len(session.execute(query.returning(key)).all())


def _never_confirmed(session: Session, now: datetime) -> int | None:
    query = (
        select(Person.id)
        .where(
            col(Person.email_confirmed_at).is_(None),
            col(Person.claimed_email).is_not(None),
            col(Person.erased_at).is_(None),
            Person.created_at < now - timedelta(days=UNCONFIRMED_DAYS),
            ~sa.exists().where(col(Device.person_id) == col(Person.id)),
        )
        .order_by(col(Person.id))
        .limit(1)
    )
    return session.scalar(query)
