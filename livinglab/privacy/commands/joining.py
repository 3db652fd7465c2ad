"""Joining two accounts of one mailbox: one that was never confirmed, and the one that stays."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.files import StoredFile
from livinglab.ideas.models import Comment, Idea, Publication
from livinglab.labs.models import UnitMember
from livinglab.people.commands import grant_role, lock_people, person_row
from livinglab.people.models import RoleGrant
from livinglab.privacy.commands.erasing import Published, erase_person, sign_off


def join_accounts(session: Session, *, from_id: int, into_id: int, now: datetime) -> int:
    """Move what an account that was never confirmed has written to the account of the same mailbox.

    Drafts come along as plain drafts, also those that were to be sent in: the owner of the mailbox has
    not read them yet. Roles accepted by invitation come along, too. The other account is blanked.

    Returns:
        How many drafts came along.
    """
    lock_people(session, from_id, into_id)
    for grant in session.scalars(select(RoleGrant).where(RoleGrant.person_id == from_id)).all():
        if grant.ended_at is None:
            grant_role(
                session,
                person_id=into_id,
                lab_id=grant.lab_id,
                role=grant.role,
                by_id=grant.granted_by,
                now=now,
            )
    _move_seats(session, from_id, into_id)
    other = person_row(session, from_id)
    sign_off(session, other, now)
    moved = session.execute(
        sa.update(Idea)
        .where(col(Idea.author_id) == from_id, col(Idea.publication) == Publication.DRAFT)
        .values(author_id=into_id, wants_publishing=False, submitted_at=None, edited_at=now)
        .returning(col(Idea.id))
        .execution_options(synchronize_session="fetch")
    ).all()
    session.execute(
        sa.update(StoredFile).where(col(StoredFile.person_id) == from_id).values(person_id=into_id)
    )
    session.execute(
        sa.update(Comment)
        .where(col(Comment.author_id) == from_id, col(Comment.publication) == Publication.DRAFT)
        .values(author_id=into_id)
    )
    other.photo_id = None
    erase_person(session, person_id=from_id, published=Published.BLANK, now=now)
    return len(moved)


def _move_seats(session: Session, from_id: int, into_id: int) -> None:
    """Give seats in units to the account that stays, where it does not sit there already."""
    has = sa.select(col(UnitMember.unit_id)).where(col(UnitMember.person_id) == into_id).scalar_subquery()
    session.execute(
        sa.update(UnitMember)
        .where(col(UnitMember.person_id) == from_id, col(UnitMember.unit_id).not_in(has))
        .values(person_id=into_id)
        .execution_options(synchronize_session="fetch")
    )
