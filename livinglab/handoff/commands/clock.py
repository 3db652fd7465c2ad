"""The hourly clock: who has to be told of a deadline is told, once each. Source: rules H2, H3."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.clock import local_day
from livinglab.core.db import known_id
from livinglab.core.journal import Event, EventTodo, Reader
from livinglab.core.mail import queue_mail
from livinglab.core.text import in_language
from livinglab.handoff.commands._record import change, lock, log, stamped
from livinglab.handoff.commands.deadlines import resume
from livinglab.handoff.models import Escalation, Handoff
from livinglab.handoff.queries.facts import lab_clock, unit_name
from livinglab.handoff.rules.clock import Running, Told, end_of_wait, rings_at, steps_due
from livinglab.handoff.rules.moves import UNDECIDED
from livinglab.ideas.commands import mark_late
from livinglab.ideas.commands.rows import lock_rows
from livinglab.ideas.models import Idea, Publication
from livinglab.labs.models import Lab

KINDS = {
    Told.REMINDER: "handoff-reminded",
    Told.LATE: "handoff-late",
    Told.OWNER: "handoff-escalated",
    Told.STEERING: "handoff-escalated",
}


AT_ONCE = 100
"""So many handoffs are looked at in one transaction; their ideas are locked meanwhile."""


def run_clock(session: Session, now: datetime) -> int:
    """Look at every deadline whose time has come; end pauses that are over, remind, mark late, escalate.

    Safe to run at any time and as often as one likes: each step is written down once per handoff,
    deadline and step, and only who wrote it down tells people.

    Returns:
        How many steps were taken.
    """
    taken = 0
    while True:
        looked_at, steps = _look(session, now, AT_ONCE)
        taken += steps
        if looked_at < AT_ONCE:
            return taken


def look_at_clocks(session: Session, *, now: datetime, most: int) -> int:
    """Do what ``run_clock`` does for so many handoffs, those whose time came first before the others.

    Returns:
        How many were looked at; fewer than ``most``: there are no more.
    """
    return _look(session, now, most)[0]


def _look(session: Session, now: datetime, most: int) -> tuple[int, int]:
    """Look at handoffs whose time has come; return how many, and how many steps were taken."""
    zones = _whose_time_has_come(session, now, most)
    if not zones:
        return 0, 0
    taken = 0
    handoffs = _locked(session, zones)
    due = []
    for handoff in handoffs:
        zone = zones[known_id(handoff.id)]
        taken += _end_pause(session, handoff, now, zone)
        due += [(known_id(handoff.id), clock, step) for clock, step in steps_due(handoff, now, zone)]
    told = _told(session, zones) if due else set()
    for handoff_id, clock, step in due:
        if (handoff_id, clock.clock, step, clock.due) not in told:
            taken += _take(session, handoff_id, clock, step, now, zones[handoff_id])
    for handoff in handoffs:
        handoff.rings_at = rings_at(handoff, now, zones[known_id(handoff.id)])
    session.flush()
    return len(handoffs), taken


def _whose_time_has_come(session: Session, now: datetime, most: int) -> dict[int, str]:
    """Return the handoffs the clock has to look at, with their zones; the longest due first, then the new."""
    found: dict[int, str] = {}
    for when in (col(Handoff.rings_at) <= now, col(Handoff.rings_at).is_(None)):
        query = (
            sa.select(col(Handoff.id), col(Lab.timezones))
            .select_from(Handoff)
            .join(Idea, col(Idea.id) == col(Handoff.idea_id))
            .join(Lab, col(Lab.id) == col(Handoff.lab_id))
            .where(
                col(Handoff.closed_at).is_(None),
                col(Handoff.decided_at).is_(None),
                when,
                col(Handoff.state).in_(UNDECIDED),
                col(Idea.publication) == Publication.PUBLISHED,  # nobody is told of what is hidden (I-11)
                ~_just_restored(),
            )
            .order_by(
                col(Handoff.closed_at), col(Handoff.decided_at), col(Handoff.rings_at), col(Handoff.idea_id)
            )
            .limit(most - len(found))
        )
        found |= {known_id(handoff_id): zones[0] for handoff_id, zones in session.execute(query)}
    return found


def _locked(session: Session, ids: Collection[int]) -> list[Handoff]:
    """Return handoffs as they are now, locked after their ideas, in the order of these."""
    its_ideas = sa.select(col(Handoff.idea_id)).where(col(Handoff.id).in_(ids))
    lock_rows(session, ideas=[idea_id for idea_id in session.scalars(its_ideas) if idea_id])
    return list(
        session.scalars(
            select(Handoff)
            .where(
                col(Handoff.id).in_(ids), col(Handoff.closed_at).is_(None), col(Handoff.state).in_(UNDECIDED)
            )
            .order_by(col(Handoff.idea_id), col(Handoff.id))
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
    )


def _just_restored() -> sa.ColumnElement[bool]:
    """Return the condition that an idea is visible again and its deadlines are still to be moved."""
    return (
        sa.exists()
        .where(
            col(EventTodo.reader) == Reader.PIPELINE,
            col(EventTodo.event_id) == col(Event.id),
            col(Event.idea_id) == col(Idea.id),
            col(Event.kind) == "idea-restored",
        )
        .correlate(Idea)
    )


def _told(session: Session, ids: Collection[int]) -> set[tuple[int, str, str, datetime]]:
    """Return what has been told of these handoffs."""
    found = session.execute(
        select(Escalation.handoff_id, Escalation.clock, Escalation.step, Escalation.due_at).where(
            col(Escalation.handoff_id).in_(ids)
        )
    )
    return {tuple(row) for row in found}  # type: ignore[misc]


def _end_pause(session: Session, handoff: Handoff, now: datetime, zone: str) -> int:
    if handoff.waiting_until is None or now < end_of_wait(handoff.waiting_until, zone):
        return 0
    fresh = lock(session, known_id(handoff.id))
    if fresh.waiting_until is None:
        return 0
    resume(session, fresh, at=end_of_wait(fresh.waiting_until, zone), now=now, actor_id=None)
    return 1


def _take(session: Session, handoff_id: int, clock: Running, step: Told, now: datetime, zone: str) -> int:
    """Take one step, unless somebody else has taken it, or the answer has come a moment ago."""
    handoff = lock(session, handoff_id)
    still = handoff.closed_at is None and handoff.state in UNDECIDED
    if not still or (clock, step) not in steps_due(handoff, now, zone):
        return 0
    if not _write_down(session, handoff_id, clock, step, now):
        return 0
    days = max(0, (now - clock.due).days)
    log(
        session,
        handoff,
        KINDS[step],
        now=now,
        person_id=None,
        public=step is Told.LATE,
        step=step.value,
        clock=clock.clock.value,
        due=stamped(clock.due),
        days=days,
        assignee_id=handoff.assignee_id,
    )
    if step is Told.LATE and handoff.late_since is None:
        change(session, handoff, now=now, late_since=clock.due)
        mark_late(session, idea_id=handoff.idea_id, since=handoff.late_since)
    if step is Told.STEERING:
        _mail_steering(session, handoff, clock, now)
    return 1


def _write_down(session: Session, handoff_id: int, clock: Running, step: Told, now: datetime) -> bool:
    """Keep that a step is taken; say whether it was not there yet. Two clocks at once count as one."""
    row: dict[str, Any] = {
        "handoff_id": handoff_id,
        "clock": clock.clock.value,
        "step": step.value,
        "due_at": clock.due,
        "at": now,
    }
    insert = sqlite_insert if session.get_bind().dialect.name == "sqlite" else postgresql_insert
    kept = insert(Escalation).values(row).on_conflict_do_nothing().returning(col(Escalation.handoff_id))
    return session.execute(kept).first() is not None


def _mail_steering(session: Session, handoff: Handoff, clock: Running, now: datetime) -> None:
    """Write to the lab's steering list; its addresses belong to no account."""
    lab = lab_clock(session, handoff.lab_id)
    idea = session.execute(
        select(Idea.title, Lab.name)
        .join(Lab, col(Lab.id) == col(Idea.lab_id))
        .where(col(Idea.id) == handoff.idea_id)
    ).one()
    unit, _ = in_language(unit_name(session, handoff.unit_id), lab.language, lab.language)
    for address in lab.settings.steering_emails:
        mark = f"{handoff.id}|{clock.clock}|{clock.due.isoformat()}|{address}"
        queue_mail(
            session,
            "handoff-steering",
            address=address,
            language=lab.language,
            now=now,
            key=hashlib.sha256(mark.encode()).hexdigest()[:40],
            data={
                "title": idea.title,
                "lab": idea.name,
                "unit": unit,
                "path": f"/ideas/{handoff.idea_id}",
                "clock": clock.clock.value,
                "due": local_day(clock.due, lab.zone).isoformat(),
                "days": (local_day(now, lab.zone) - local_day(clock.due, lab.zone)).days + 1,
            },
        )


__all__ = ["look_at_clocks", "run_clock"]
