"""Following, credits, and the ball: since when and until when somebody is waited for."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.errors import refuse
from livinglab.core.viewer import Viewer
from livinglab.ideas.commands.rows import count, insert_once
from livinglab.ideas.models import Byline, Credit, CreditKind, Follow, Idea
from livinglab.ideas.rules import NO_SUCH_IDEA, why_not_follow
from livinglab.people.commands import lock_actor


def follow_idea(session: Session, *, idea_id: int, person: Viewer, now: datetime) -> bool:
    """Be told of what happens to an idea. Repeating it changes nothing.

    Returns:
        Whether the person did not follow it before.

    Raises:
        NotFound: ``no-such-idea``; Forbidden: ``sign-in-first``.
    """
    idea = session.get(Idea, idea_id)
    if idea is None:
        raise NO_SUCH_IDEA
    refuse(why_not_follow(idea, person))
    lock_actor(session, person.known_id)
    return add_follower(session, idea_id, person.known_id, now)


def add_follower(session: Session, idea_id: int, person_id: int, now: datetime) -> bool:
    """Let somebody follow an idea who is responsible for it or wrote it (rule N2)."""
    new = insert_once(
        session, Follow, {"idea_id": idea_id, "person_id": person_id, "since": now, "muted": False}
    )
    if new:
        count(session, idea_id, followers=1)
    return new


def unfollow_idea(session: Session, *, idea_id: int, person: Viewer) -> bool:
    """Not be told any more; whoever is responsible still gets what concerns the duty.

    Returns:
        Whether the person followed it before.

    Raises:
        Forbidden: ``account-closed``.
    """
    lock_actor(session, person.known_id)
    mine = (col(Follow.idea_id) == idea_id, col(Follow.person_id) == person.known_id)
    gone = session.execute(
        sa.delete(Follow)
        .where(*mine)
        .returning(col(Follow.idea_id))
        .execution_options(synchronize_session=False)
    ).first()
    if gone is None:
        return False
    count(session, idea_id, followers=-1)
    return True


def credit(
    session: Session,
    *,
    idea_id: int,
    person_id: int,
    kind: CreditKind,
    now: datetime,
    byline: Byline = Byline.NAME,
) -> bool:
    """Write down what somebody gave to the idea. It stays on the record; a second time changes nothing.

    Returns:
        Whether it is new.

    Source: rule I6.
    """
    values = {"idea_id": idea_id, "person_id": person_id, "kind": kind, "byline": byline, "given_at": now}
    return insert_once(session, Credit, values)


def pass_ball(session: Session, *, idea_id: int, now: datetime, due_at: datetime | None = None) -> None:
    """Note that from now on somebody else is waited for, and until when.

    Args:
        due_at: The nearest instant by which somebody owes this idea something; ``None``: no date.
    """
    session.execute(
        sa.update(Idea)
        .where(col(Idea.id) == idea_id)
        .values(waits_since=now, due_at=due_at)
        .execution_options(synchronize_session="fetch")
    )


def forget_next_step(session: Session, *, idea_id: int) -> None:
    """Let nobody name the next step any more: what was named has come. The story keeps it."""
    session.execute(
        sa.update(Idea)
        .where(col(Idea.id) == idea_id)
        .values(next_step="", next_who="", next_by=None)
        .execution_options(synchronize_session="fetch")
    )


def set_due(session: Session, *, idea_id: int, due_at: datetime | None) -> None:
    """Note by when the idea is owed something, while the ball stays where it is.

    Args:
        due_at: As for ``pass_ball``.
    """
    session.execute(
        sa.update(Idea)
        .where(col(Idea.id) == idea_id)
        .values(due_at=due_at)
        .execution_options(synchronize_session="fetch")
    )


def mark_late(session: Session, *, idea_id: int, since: datetime | None) -> None:
    """Set the public "late" mark, or take it away when what was owed has come. Source: rule H3."""
    session.execute(
        sa.update(Idea)
        .where(col(Idea.id) == idea_id)
        .values(late_since=since)
        .execution_options(synchronize_session="fetch")
    )
