"""What every step shares: the row under lock, the change on its stamp, the event, the idea's clock."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import known_id
from livinglab.core.errors import refuse
from livinglab.core.journal import Event, Reader, record
from livinglab.core.text import clean
from livinglab.core.viewer import Viewer
from livinglab.handoff.models import NOTE_MAX, Handoff, HandoffNote
from livinglab.handoff.queries.facts import unit_name
from livinglab.handoff.rules.answers import why_not_stamp
from livinglab.handoff.rules.clock import is_overdue, next_clock
from livinglab.handoff.rules.moves import changed_meanwhile, no_such_handoff
from livinglab.handoff.rules.owed import deadline_now, nearest
from livinglab.handoff.rules.words import why_not_note
from livinglab.ideas.commands import mark_late, pass_ball, set_due
from livinglab.ideas.models import Idea
from livinglab.ideas.rules import why_not_see
from livinglab.labs.models import Lab


def lock(session: Session, handoff_id: int, person: Viewer | None = None) -> Handoff:
    """Return a handoff, locked until the transaction ends: after its idea, as everywhere.

    Args:
        person: Who acts; ``None`` where the clock does.

    Raises:
        NotFound: ``no-such-handoff``; also when its idea is hidden from this person.
    """
    about = sa.select(col(Handoff.idea_id)).where(col(Handoff.id) == handoff_id)
    if person is not None:  # strangers to its lab wait for nobody, and learn nothing by how long it takes
        about = about.where(col(Handoff.lab_id).in_(set(person.roles) | person.unit_labs()))
    its_idea = sa.select(col(Idea.id)).where(col(Idea.id) == about.scalar_subquery())
    if session.scalar(its_idea.with_for_update(key_share=True)) is None:
        raise no_such_handoff()
    handoff = session.get(Handoff, handoff_id, with_for_update={"key_share": True}, populate_existing=True)
    if handoff is None or (person is not None and why_not_see(idea_of(session, handoff), person)):
        raise no_such_handoff()
    return handoff


def open_handoff_row(session: Session, idea_id: int) -> Handoff | None:
    """Return the idea's open handoff, locked; whoever calls it holds the idea's row."""
    return session.scalar(
        select(Handoff)
        .where(col(Handoff.idea_id) == idea_id, col(Handoff.closed_at).is_(None))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


def idea_of(session: Session, handoff: Handoff) -> Idea:
    """Return the idea as it is now."""
    return session.get_one(Idea, handoff.idea_id, populate_existing=True)


def change(
    session: Session, handoff: Handoff, *, now: datetime, stamp: int | None = None, **values: Any
) -> None:
    """Set columns where the stamp is still the one that was read, and wind the clock anew.

    Args:
        stamp: The stamp the person saw; ``None`` where no page lies between reading and doing.

    Raises:
        Refused: ``handoff-changed``.
    """
    refuse(why_not_stamp(stamp, handoff.stamp))
    changed = session.execute(
        sa.update(Handoff)
        .where(col(Handoff.id) == handoff.id, col(Handoff.stamp) == handoff.stamp)
        .values(**values, stamp=handoff.stamp + 1, rings_at=None)  # the clock looks at it anew
        .execution_options(synchronize_session=False)
    )
    if changed.rowcount == 0:  # type: ignore[attr-defined]  # a CursorResult
        raise changed_meanwhile()
    session.refresh(handoff)
    running = next_clock(handoff)
    handoff.due_at = running.due if running else None
    _keep_mark(session, handoff, now)
    session.flush()
    set_due(session, idea_id=handoff.idea_id, due_at=owed_by(session, handoff))


def _keep_mark(session: Session, handoff: Handoff, now: datetime) -> None:
    """Let the public "late" mark speak of what is owed now: moved, or gone when the owed thing has come."""
    if handoff.late_since is None or handoff.late_since == handoff.due_at:
        return
    handoff.late_since = handoff.due_at if is_overdue(handoff, now) else None
    mark_late(session, idea_id=handoff.idea_id, since=handoff.late_since)


def owed_by(session: Session, handoff: Handoff) -> datetime | None:
    """Return by when the idea is owed something: the unit's deadline, or an earlier day named for a step."""
    next_by, zones = session.execute(
        sa.select(col(Idea.next_by), col(Lab.timezones))
        .join(Lab, col(Lab.id) == col(Idea.lab_id))
        .where(col(Idea.id) == handoff.idea_id)
    ).one()
    return nearest(deadline_now(handoff, zones[0]), next_by, zones[0])


def log(
    session: Session,
    handoff: Handoff,
    kind: str,
    *,
    now: datetime,
    person_id: int | None,
    public: bool = True,
    subject_id: int | None = None,
    note: str = "",
    readers: tuple[Reader, ...] = (Reader.NOTICES,),
    extra: dict[str, Any] | None = None,
    **data: Any,
) -> Event:
    """Record a step in the journal; a note to colleagues is kept beside it, not in it.

    Every event carries ``handoff_id``, ``unit_id`` and ``unit`` (the name per language).
    """
    event = record(
        session,
        kind,
        at=now,
        actor_id=person_id,
        lab_id=handoff.lab_id,
        idea_id=handoff.idea_id,
        subject_id=subject_id if subject_id is not None else handoff.id,
        public=public,
        readers=readers,
        data={
            "handoff_id": handoff.id,
            "unit_id": handoff.unit_id,
            "unit": unit_name(session, handoff.unit_id),
            **data,
            **(extra or {}),
        },
    )
    if note:
        session.add(HandoffNote(event_id=known_id(event.id), handoff_id=known_id(handoff.id), text=note))
        session.flush()
    return event


def turn(session: Session, handoff: Handoff, *, now: datetime) -> None:
    """Pass the idea's ball on: somebody else owes it something from now."""
    pass_ball(session, idea_id=handoff.idea_id, now=now, due_at=owed_by(session, handoff))


def clean_note(text: str, *, needed: bool = False, field: str = "note") -> str:
    """Return a note fit for its column.

    Raises:
        Refused: ``note-missing``, ``note-too-long``.
    """
    note = clean(text)
    refuse(why_not_note(note, needed=needed, most=NOTE_MAX, field=field))
    return note


def stamped(at: datetime) -> str:
    """Return an instant as the journal keeps it."""
    return at.astimezone(UTC).isoformat()


__all__ = ["change", "clean_note", "idea_of", "lock", "log", "open_handoff_row", "stamped", "turn"]
