"""Moving a deadline in the open: extension, waiting for the author, the clock running again."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.clock import end_of_day, local_day
from livinglab.core.errors import refuse
from livinglab.core.journal import Event
from livinglab.core.text import clean
from livinglab.core.viewer import Viewer
from livinglab.handoff.commands._record import change, lock, log, open_handoff_row, stamped, turn
from livinglab.handoff.models import REASON_MAX, Escalation, Handoff
from livinglab.handoff.queries.facts import lab_clock
from livinglab.handoff.rules.clock import (
    PAUSED,
    end_of_wait,
    latest_extension,
    running_clocks,
    why_not_extend_to,
    why_not_wait_until,
)
from livinglab.handoff.rules.moves import Clock, Step, why_not_step
from livinglab.handoff.rules.words import why_not_note


def extend_decision(
    session: Session,
    *,
    handoff_id: int,
    until: date,
    reason: str,
    person: Viewer,
    now: datetime,
    stamp: int | None = None,
) -> Handoff:
    """Move the decision, once, with a reason everybody can read.

    Args:
        until: The new last day; at most the lab's longest time from the day of queuing, pauses apart.

    Raises:
        NotFound: ``no-such-handoff``. Forbidden: ``not-yours``.
        Refused: ``wrong-state``, ``extended-once``, ``too-early``, ``too-late``, ``reason-missing``,
            ``reason-too-long``, ``handoff-changed``.

    Source: rule H2.
    """
    handoff = lock(session, handoff_id, person)
    refuse(why_not_step(Step.EXTEND, handoff, person))
    text = clean(reason)
    refuse(why_not_note(text, needed=True, most=REASON_MAX, field="reason"))
    clock = lab_clock(session, handoff.lab_id)
    due = end_of_day(until, clock.zone)
    latest = latest_extension(
        handoff.queued_at, handoff.waited_seconds, days=clock.settings.extended_days, zone=clock.zone
    )
    refuse(why_not_extend_to(due, now=now, present=handoff.decision_due, latest=latest))
    change(session, handoff, now=now, stamp=stamp, extended=True, extension_reason=text, decision_due=due)
    log(
        session,
        handoff,
        "handoff-extended",
        now=now,
        person_id=person.known_id,
        until=until.isoformat(),
        reason=text,
        due=stamped(due),
    )
    return handoff


def wait_for_author(
    session: Session,
    *,
    handoff_id: int,
    until: date,
    question: str,
    person: Viewer,
    now: datetime,
    stamp: int | None = None,
) -> Handoff:
    """Ask the author something; the clock stands until the answer, at most until a day.

    Args:
        question: What the unit needs to know; public.

    Raises:
        NotFound: ``no-such-handoff``. Forbidden: ``not-yours``.
        Refused: ``wrong-state``, ``already-waiting``, ``too-early``, ``too-late``, ``question-missing``,
            ``question-too-long``, ``handoff-changed``.

    Source: rule H2.
    """
    handoff = lock(session, handoff_id, person)
    refuse(why_not_step(Step.WAIT, handoff, person))
    text = clean(question)
    refuse(why_not_note(text, needed=True, most=REASON_MAX, field="question"))
    clock = lab_clock(session, handoff.lab_id)
    today = local_day(now, clock.zone)
    refuse(why_not_wait_until(until, today=today, most_days=clock.settings.waiting_days))
    change(
        session, handoff, now=now, stamp=stamp, waiting_since=now, waiting_until=until, waiting_question=text
    )
    log(
        session,
        handoff,
        "handoff-waiting",
        now=now,
        person_id=person.known_id,
        until=until.isoformat(),
        question=text,
    )
    turn(session, handoff, now=now)
    return handoff


def stop_waiting(
    session: Session, *, handoff_id: int, person: Viewer, now: datetime, stamp: int | None = None
) -> Handoff:
    """Let the clock run again; every open deadline moves by the time it stood.

    Raises:
        NotFound: ``no-such-handoff``. Forbidden: ``not-yours``.
        Refused: ``not-waiting``, ``wrong-state``, ``handoff-changed``.
    """
    handoff = lock(session, handoff_id, person)
    refuse(why_not_step(Step.RESUME, handoff, person))
    resume(session, handoff, at=now, now=now, actor_id=person.known_id, stamp=stamp)
    return handoff


def resume(
    session: Session,
    handoff: Handoff,
    *,
    at: datetime,
    now: datetime,
    actor_id: int | None,
    stamp: int | None = None,
) -> None:
    """End a pause at an instant, say so, and pass the ball back to the unit.

    Args:
        at: When the pause ended; earlier than ``now`` where the clock found out late.
        actor_id: ``None`` where the date itself ended it.
    """
    stood = _stop_pause(session, handoff, at=at, stamp=stamp)
    _log_resumed(session, handoff, stood, now=now, actor_id=actor_id)
    turn(session, handoff, now=now)


def end_pause_on_the_way(
    session: Session, handoff: Handoff, *, now: datetime, actor_id: int, stamp: int | None = None
) -> bool:
    """End a pause because of another step, which the story tells of; the handoff's own log says both.

    Returns:
        Whether the clock stood.
    """
    if handoff.waiting_since is None:
        return False
    stood = _stop_pause(session, handoff, at=now, stamp=stamp)
    _log_resumed(session, handoff, stood, now=now, actor_id=actor_id, public=False)
    return True


def _log_resumed(
    session: Session,
    handoff: Handoff,
    stood: timedelta,
    *,
    now: datetime,
    actor_id: int | None,
    public: bool = True,
) -> None:
    """Record that the clock runs again, and how long it stood: ``_paused_within`` reads it."""
    log(
        session,
        handoff,
        "handoff-resumed",
        now=now,
        person_id=actor_id,
        public=public,
        automatic=actor_id is None,
        seconds=int(stood.total_seconds()),
        due=stamped(handoff.due_at or now),
    )


def _stop_pause(session: Session, handoff: Handoff, *, at: datetime, stamp: int | None = None) -> timedelta:
    """Move every open deadline by the time the clock stood; what was told of it moves along.

    Returns:
        How long it stood: never beyond the promised day, however late somebody looks.
    """
    if handoff.waiting_since is None or handoff.waiting_until is None:
        return timedelta()
    end = min(at, end_of_wait(handoff.waiting_until, lab_clock(session, handoff.lab_id).zone))
    stood = timedelta(seconds=max(0, int((end - handoff.waiting_since).total_seconds())))
    values: dict[str, Any] = {
        "waiting_since": None,
        "waiting_until": None,
        "waited_seconds": handoff.waited_seconds + int(stood.total_seconds()),
    }
    for clock in running_clocks(handoff):
        if clock.clock in PAUSED:
            values[_COLUMNS[clock.clock]] = clock.due + stood
            _move_escalations(session, handoff, clock.clock, clock.due, clock.due + stood)
    change(session, handoff, now=at, stamp=stamp, **values)
    return stood


_COLUMNS = {
    Clock.ASSIGN: "assign_due",
    Clock.ACKNOWLEDGE: "acknowledge_due",
    Clock.PRELIMINARY: "preliminary_due",
    Clock.DECISION: "decision_due",
}


def leave_out_hidden(
    session: Session, idea_id: int, *, hidden_at: datetime, restored_at: datetime, now: datetime
) -> bool:
    """Move what the unit owes by the time in which its people could not see the idea, and say so.

    A pause that ran meanwhile is not counted twice: it moves the deadlines by itself when it ends.

    Returns:
        Whether a deadline was moved.

    Source: rules H2, H3, I-11, decision record 14.
    """
    handoff = open_handoff_row(session, idea_id)
    if handoff is None or not (running := running_clocks(handoff)):
        return False
    zone = lab_clock(session, handoff.lab_id).zone
    paused = _paused_within(session, handoff, hidden_at, restored_at, zone)
    most = timedelta()
    values: dict[str, Any] = {}
    for clock in running:
        stood = restored_at - max(hidden_at, clock.start)
        if clock.clock in PAUSED:
            stood -= paused
        stood = timedelta(seconds=max(0, int(stood.total_seconds())))
        most = max(most, stood if clock.clock in PAUSED else timedelta())
        values[_COLUMNS[clock.clock]] = clock.due + stood
        _move_escalations(session, handoff, clock.clock, clock.due, clock.due + stood)
    change(
        session, handoff, now=now, waited_seconds=handoff.waited_seconds + int(most.total_seconds()), **values
    )
    due = handoff.due_at or now
    log(
        session,
        handoff,
        "handoff-moved",
        now=now,
        person_id=None,
        until=local_day(due - timedelta(microseconds=1), zone).isoformat(),
        due=stamped(due),
        seconds=int((restored_at - hidden_at).total_seconds()),
    )
    return True


def _paused_within(
    session: Session, handoff: Handoff, start: datetime, end: datetime, zone: str
) -> timedelta:
    """Return how long of a span the clock stood anyway, because the unit waited for the author."""
    pauses = _ended_pauses(session, handoff, start)
    if handoff.waiting_since is not None and handoff.waiting_until is not None:
        pauses.append((handoff.waiting_since, end_of_wait(handoff.waiting_until, zone)))
    overlaps = (min(end, until) - max(start, since) for since, until in pauses)
    return sum((max(timedelta(), overlap) for overlap in overlaps), timedelta())


def _ended_pauses(session: Session, handoff: Handoff, after: datetime) -> list[tuple[datetime, datetime]]:
    """Return from when to when the clock stood, for each pause over since an instant, by the journal."""
    told = session.execute(
        sa.select(col(Event.kind), col(Event.at), col(Event.data))
        .where(
            col(Event.idea_id) == handoff.idea_id,
            col(Event.subject_id) == handoff.id,
            col(Event.kind).in_(("handoff-waiting", "handoff-resumed")),
        )
        .order_by(col(Event.id))
    ).all()
    spans = [
        (before.at, before.at + timedelta(seconds=event.data["seconds"]))
        for before, event in pairwise(told)
        if (before.kind, event.kind) == ("handoff-waiting", "handoff-resumed")
    ]
    return [span for span in spans if span[1] > after]


def _move_escalations(session: Session, handoff: Handoff, clock: Clock, old: datetime, new: datetime) -> None:
    session.execute(
        sa.update(Escalation)
        .where(
            col(Escalation.handoff_id) == handoff.id,
            col(Escalation.clock) == clock,
            col(Escalation.due_at) == old,
        )
        .values(due_at=new)
    )
