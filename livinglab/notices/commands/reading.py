"""Reading notices, and ending the daily mail."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.errors import NotFound
from livinglab.core.viewer import Viewer
from livinglab.notices.models import DigestSent, Notice
from livinglab.people.models import Person


def read_notice(session: Session, *, notice_id: int, person: Viewer, now: datetime) -> Notice:
    """Mark one notice as read.

    Raises:
        NotFound: ``no-such-notice``; also where it is somebody else's.
    """
    notice = session.get(Notice, notice_id)
    if notice is None or notice.person_id != person.person_id:
        raise NotFound("no-such-notice", _l("There is no such notice."))
    notice.read_at = notice.read_at or now
    session.add(notice)
    return notice


def read_all(session: Session, *, person: Viewer, now: datetime) -> None:
    """Mark all notices of the person as read."""
    session.execute(
        sa.update(Notice)
        .where(col(Notice.person_id) == person.known_id, col(Notice.read_at).is_(None))
        .values(read_at=now)
    )


def stop_digest(session: Session, *, mail_key: str) -> None:
    """End the daily mail of the person whose mails carry this key; repeating it changes nothing.

    Raises:
        NotFound: ``no-such-mail-key``.
    """
    person = session.scalar(select(Person).where(Person.mail_key == mail_key))
    if person is None:
        raise NotFound(
            "no-such-mail-key", _l("This link is not valid. You can end the daily mail in your settings.")
        )
    person.digest = False
    session.add(person)


def forget_notices(session: Session, *, person_id: int) -> None:
    """Delete what was told to somebody whose account has been erased (rule P6)."""
    for table in (Notice, DigestSent):
        session.execute(sa.delete(table).where(col(table.person_id) == person_id))
