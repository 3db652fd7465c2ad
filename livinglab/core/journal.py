"""The journal: every command that matters records one event in its own transaction. Append-only.

Pages, notices, feeds and figures read it. Who still has to act on an event is kept beside it in
``event_todo``: a reader that remembered "last id seen" would skip rows that commit out of order.
Source: rule N1, invariants I-8 and I-10.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session
from sqlmodel import Field, SQLModel, col, select

from livinglab.core.db import known_id

log = structlog.get_logger()


class Reader(StrEnum):
    """A room that acts on events after the commit."""

    NOTICES = "notices"
    PIPELINE = "pipeline"


class Event(SQLModel, table=True):
    """Something that happened. Never changed, never deleted; names of people are never copied into it."""

    __table_args__ = (
        sa.Index("ix_event_idea_id_at", "idea_id", "at"),
        sa.Index("ix_event_lab_id_at", "lab_id", "at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    kind: str = Field(max_length=60)
    lab_id: int | None = Field(default=None, foreign_key="lab.id")
    challenge_id: int | None = Field(default=None, foreign_key="challenge.id")
    idea_id: int | None = Field(default=None, foreign_key="idea.id")
    actor_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    subject_id: int | None = None
    """Id of the row the event is about: a comment, review, decision, handoff, answer, person …"""
    public: bool = True
    """Whether it belongs to the public story; whether it may be shown still asks the idea's state."""
    data: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)


class EventTodo(SQLModel, table=True):
    """An event that a reader has not yet dealt with."""

    __tablename__ = "event_todo"
    reader: str = Field(primary_key=True, max_length=20)
    event_id: int = Field(primary_key=True, foreign_key="event.id")
    tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How often dealing with it failed."""
    not_before: datetime | None = None
    """When it is tried again after a failure, so that it does not hold up those behind it."""


def record(
    session: Session,
    kind: str,
    *,
    at: datetime,
    actor_id: int | None,
    lab_id: int | None = None,
    challenge_id: int | None = None,
    idea_id: int | None = None,
    subject_id: int | None = None,
    public: bool = True,
    data: dict[str, Any] | None = None,
    readers: tuple[Reader, ...] = (Reader.NOTICES,),
) -> Event:
    """Write one event into the journal, in the caller's transaction.

    Args:
        kind: ``noun-past-participle``, such as ``idea-published``; each kind has a sentence in the story.
        actor_id: Who did it; ``None`` where the clock did.
        data: Plain values that the sentence needs: stages, codes, dates, titles. No names of people.
        readers: Rooms that act on it after the commit.
    """
    event = Event(
        kind=kind,
        at=at,
        actor_id=actor_id,
        lab_id=lab_id,
        challenge_id=challenge_id,
        idea_id=idea_id,
        subject_id=subject_id,
        public=public,
        data=data or {},
    )
    session.add(event)
    session.flush()
    session.add_all(EventTodo(reader=reader, event_id=known_id(event.id)) for reader in readers)
    session.flush()
    return event


def attend(
    session: Session,
    reader: Reader,
    act: Callable[[Event], object],
    *,
    now: datetime,
    order: Callable[[Event], Any] | None = None,
    limit: int = 200,
) -> int:
    """Let a reader act on what waits for it, oldest first; one that fails is logged and tried again later.

    Each event is dealt with in a savepoint of its own, so a failure undoes that one alone.

    Args:
        order: Key to sort a batch by, where rows must be locked in another order.

    Returns:
        How many events were dealt with.

    Raises:
        sqlalchemy.exc.OperationalError: The database itself failed; all of the batch waits on.
    """
    events = waiting(session, reader, now=now, limit=limit)
    finished = 0
    for event in sorted(events, key=order) if order else events:
        event_id, kind = known_id(event.id), event.kind
        try:
            with session.begin_nested():
                act(event)
        except (OperationalError, InterfaceError):
            raise
        except Exception as problem:
            log.exception("event failed", reader=reader, number=event_id, kind=kind, exc_info=problem)
            _try_later(session, reader, event_id, now)
        else:
            done(session, reader, event_id)
            finished += 1
    return finished


def _try_later(session: Session, reader: Reader, event_id: int, now: datetime) -> None:
    """Wait a minute, doubling, up to six hours."""
    todo = session.get_one(EventTodo, (reader, event_id))
    todo.not_before = now + min(timedelta(minutes=2**todo.tries), timedelta(hours=6))
    todo.tries = min(todo.tries + 1, 20)
    session.flush()


def waiting(
    session: Session, reader: Reader, *, now: datetime | None = None, limit: int = 200
) -> list[Event]:
    """Return the oldest events a reader has not dealt with, locked against a second worker.

    Args:
        now: Leaves out those that failed and are to be tried later.
    """
    query = (
        select(Event)
        .join(EventTodo, col(EventTodo.event_id) == col(Event.id))
        .where(
            EventTodo.reader == reader,
            sa.true()
            if now is None
            else sa.or_(col(EventTodo.not_before).is_(None), col(EventTodo.not_before) <= now),
        )
        .order_by(col(Event.id))
        .limit(limit)
        .with_for_update(skip_locked=True, of=EventTodo)
    )
    return list(session.scalars(query))


def done(session: Session, reader: Reader, event_id: int) -> None:
    """Say that a reader has dealt with an event."""
    session.execute(
        sa.delete(EventTodo).where(col(EventTodo.reader) == reader, col(EventTodo.event_id) == event_id)
    )


def lag_seconds(session: Session, now: datetime) -> float:
    """Return the age of the oldest event that still waits for a reader; 0 when nothing waits."""
    oldest = session.scalar(
        select(sa.func.min(Event.at)).join(EventTodo, col(EventTodo.event_id) == col(Event.id))
    )
    return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
