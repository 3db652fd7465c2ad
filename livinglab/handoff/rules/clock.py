"""The clock of a handoff: deadlines, pauses, reminders and escalations. Pure functions. Source: H2, H3."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l

from livinglab.core.clock import due_in_days, due_in_working_days, end_of_day, local_day
from livinglab.core.errors import Refused
from livinglab.handoff.models import HandoffState
from livinglab.handoff.rules.moves import UNDECIDED, Clock

REMIND_SHARE = 0.8
OWNER_DAYS = 7
STEERING_DAYS = 14
PAUSED = (Clock.PRELIMINARY, Clock.DECISION)
"""What stands while the unit waits for the author; before it has agreed it cannot ask."""


class Told(StrEnum):
    """Who is told of a deadline, and when (rule H3)."""

    REMINDER = "reminder"
    LATE = "late"
    OWNER = "owner"
    STEERING = "steering"


class Promises(Protocol):
    """The numbers a lab has chosen; its settings row fits."""

    @property
    def assign_working_days(self) -> int: ...
    @property
    def acknowledge_working_days(self) -> int: ...
    @property
    def preliminary_days(self) -> int: ...
    @property
    def decision_days(self) -> int: ...


class Timed(Protocol):
    """What the clock asks of a handoff."""

    @property
    def state(self) -> HandoffState: ...
    @property
    def queued_at(self) -> datetime: ...
    @property
    def assigned_at(self) -> datetime | None: ...
    @property
    def acknowledged_at(self) -> datetime | None: ...
    @property
    def preliminary_at(self) -> datetime | None: ...
    @property
    def assign_due(self) -> datetime: ...
    @property
    def acknowledge_due(self) -> datetime | None: ...
    @property
    def preliminary_due(self) -> datetime: ...
    @property
    def decision_due(self) -> datetime: ...
    @property
    def waiting_since(self) -> datetime | None: ...
    @property
    def waiting_until(self) -> date | None: ...
    @property
    def waited_seconds(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The deadlines that begin with the queue."""

    assign: datetime
    preliminary: datetime
    decision: datetime


def first_deadlines(queued_at: datetime, promises: Promises, *, zone: str, country: str) -> Deadlines:
    """Return the deadlines of a handoff queued at an instant. Source: rule H2."""
    return Deadlines(
        assign=due_in_working_days(queued_at, promises.assign_working_days, zone, country),
        preliminary=due_in_days(queued_at, promises.preliminary_days, zone),
        decision=due_in_days(queued_at, promises.decision_days, zone),
    )


def acknowledge_deadline(assigned_at: datetime, promises: Promises, *, zone: str, country: str) -> datetime:
    """Return by when a unit says whether it will assess. Source: rule H2."""
    return due_in_working_days(assigned_at, promises.acknowledge_working_days, zone, country)


def latest_extension(queued_at: datetime, waited_seconds: int, *, days: int, zone: str) -> datetime:
    """Return the furthest instant a decision may be moved to. Source: rule H2 (180 days, pauses apart)."""
    return due_in_days(queued_at, days, zone) + timedelta(seconds=waited_seconds)


def why_not_extend_to(due: datetime, *, now: datetime, present: datetime, latest: datetime) -> Refused | None:
    """Say why the decision cannot be moved to this instant."""
    if due <= present or due <= now:
        return Refused("too-early", _l("Choose a day after the present deadline."), field="until")
    if due > latest:
        return Refused(
            "too-late", _l("That is further than the rules allow. Choose an earlier day."), field="until"
        )
    return None


def why_not_wait_until(day: date, *, today: date, most_days: int) -> Refused | None:
    """Say why the clock cannot stand until this day. Source: rule H2 (a dated flag, at most 14 days)."""
    if day <= today:
        return Refused("too-early", _l("Choose a day after today."), field="until")
    if day > today + timedelta(days=most_days):
        return Refused(
            "too-late",
            _l("The clock may stand for at most %(num)d days. Choose an earlier day.", num=most_days),
            field="until",
        )
    return None


@dataclass(frozen=True, slots=True)
class Running:
    """A deadline that has not been met yet.

    Args:
        pause: Seconds in which this clock stood.
    """

    clock: Clock
    start: datetime
    due: datetime
    pause: int = 0

    @property
    def allowed(self) -> timedelta:
        """Return the time allowed, pauses apart."""
        return self.due - self.start - timedelta(seconds=self.pause)

    @property
    def remind_at(self) -> datetime:
        """Return when 80 % of the time is used: a fifth of what is allowed before the deadline."""
        return self.due - self.allowed * (1 - REMIND_SHARE)


def running_clocks(handoff: Timed) -> tuple[Running, ...]:
    """Return the deadlines that still run, in the order of the table. Source: rules H1, H2.

    The clock can only be paused after the unit has agreed, so the first two are never paused.
    """
    if handoff.state not in UNDECIDED:
        return ()
    found = []
    if handoff.assigned_at is None:
        found.append(Running(Clock.ASSIGN, handoff.queued_at, handoff.assign_due))
    elif handoff.acknowledged_at is None and handoff.acknowledge_due is not None:
        found.append(Running(Clock.ACKNOWLEDGE, handoff.assigned_at, handoff.acknowledge_due))
    if handoff.preliminary_at is None:
        found.append(
            Running(Clock.PRELIMINARY, handoff.queued_at, handoff.preliminary_due, handoff.waited_seconds)
        )
    found.append(Running(Clock.DECISION, handoff.queued_at, handoff.decision_due, handoff.waited_seconds))
    return tuple(found)


def next_clock(handoff: Timed) -> Running | None:
    """Return the deadline that counts now: the earliest that still runs."""
    return min(running_clocks(handoff), key=lambda clock: clock.due, default=None)


def is_overdue(handoff: Timed, now: datetime) -> bool:
    """Say whether a deadline has passed; time spent waiting for the author does not count."""
    at = handoff.waiting_since or now
    return any(clock.due <= at for clock in running_clocks(handoff))


def days_later(at: datetime, days: int, zone: str) -> datetime:
    """Return the same wall-clock time some calendar days later, also across a change of summer time."""
    local = at.astimezone(ZoneInfo(zone))
    later = datetime.combine(local.date() + timedelta(days=days), local.time(), ZoneInfo(zone))
    return later.astimezone(UTC)


def steps_due(handoff: Timed, now: datetime, zone: str) -> Iterator[tuple[Running, Told]]:
    """Yield who must have been told by now, for each running deadline. Source: rule H3.

    A reminder whose deadline has passed meanwhile is left out: it would come too late to help.
    """
    if handoff.waiting_since is not None:
        return
    for clock in running_clocks(handoff):
        if clock.remind_at <= now < clock.due:
            yield clock, Told.REMINDER
        if now >= clock.due:
            yield clock, Told.LATE
        if now >= days_later(clock.due, OWNER_DAYS, zone):
            yield clock, Told.OWNER
        if now >= days_later(clock.due, STEERING_DAYS, zone):
            yield clock, Told.STEERING


NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""When the clock has nothing more to do."""


def rings_at(handoff: Timed, now: datetime, zone: str) -> datetime:
    """Return when the clock has next to look at a handoff of which all that was due by now is done."""
    if handoff.waiting_since is not None:
        return end_of_wait(handoff.waiting_until, zone) if handoff.waiting_until else NEVER
    instants = (
        at
        for clock in running_clocks(handoff)
        for at in (
            clock.remind_at,
            clock.due,
            days_later(clock.due, OWNER_DAYS, zone),
            days_later(clock.due, STEERING_DAYS, zone),
        )
    )
    return min((at for at in instants if at > now), default=NEVER)


def end_of_wait(until: date, zone: str) -> datetime:
    """Return the instant at which the clock runs again by itself."""
    return end_of_day(until, zone)


@dataclass(frozen=True, slots=True)
class ClockFace:
    """The clock as a page draws it: days used of days allowed, with its notch at 80 %.

    Args:
        share: Percent of the time used, 0 to 100.
        days_left: Whole calendar days until the last day to answer in time; 0 is today.
        days_late: Calendar days past it; 0 while in time.
        last_day: The last day on which it is still in time.
    """

    clock: Clock
    share: int
    days_left: int
    days_late: int
    last_day: date
    due: datetime
    stands: bool

    @property
    def soon(self) -> bool:
        """Say whether 80 % is used."""
        return not self.days_late and self.share >= round(REMIND_SHARE * 100)


def clock_face(handoff: Timed, now: datetime, zone: str) -> ClockFace | None:
    """Return how the clock looks now, or ``None`` where nothing is due any more."""
    running = next_clock(handoff)
    if running is None:
        return None
    at = handoff.waiting_since or now
    used = at - running.start - timedelta(seconds=running.pause)
    share = 100 if running.allowed <= timedelta() else int(100 * (used / running.allowed))
    last_day = local_day(running.due - timedelta(microseconds=1), zone)
    days_left = (last_day - local_day(at, zone)).days
    late = running.due <= at
    return ClockFace(
        clock=running.clock,
        share=max(0, min(100, share)),
        days_left=max(0, days_left),
        days_late=max(1, -days_left) if late else 0,
        last_day=last_day,
        due=running.due,
        stands=handoff.waiting_since is not None,
    )
