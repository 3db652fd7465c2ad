"""By when an idea is owed something, and how late that is: one answer for every page. Source: S7, H2, H3.

Two things can be owed: what the receiving unit's clock asks for, and the next step somebody has named
with a day. ``Idea.due_at`` always holds the earlier of the two; whoever shows or sorts by a deadline
(board, my work, queue, handoff, idea page, mails) asks ``owed``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from livinglab.core.clock import end_of_day, local_day
from livinglab.handoff.rules.clock import Timed, end_of_wait, next_clock


@dataclass(frozen=True, slots=True)
class Owed:
    """A deadline as people count it.

    Args:
        at: The instant from which it is late: the first one after the last day.
        last_day: The last day on which it is still in time.
        days_left: Calendar days until then; 0 is today, and when it is late.
        days_late: Calendar days past it; 0 while in time.
    """

    at: datetime
    last_day: date
    days_left: int
    days_late: int

    @property
    def late(self) -> bool:
        """Say whether it is overdue."""
        return self.days_late > 0


def owed(
    due_at: datetime | None, now: datetime, zone: str, *, stood_since: datetime | None = None
) -> Owed | None:
    """Return the deadline as it looks now in the lab's zone; ``None`` where nothing is owed by a day.

    Args:
        due_at: The instant after the last day, as ``Idea.due_at`` keeps it.
        stood_since: Since when the unit's clock stands; what was late before grows no later meanwhile.
    """
    if due_at is None:
        return None
    at = stood_since if stood_since is not None and due_at <= stood_since else now
    last_day = local_day(due_at - timedelta(microseconds=1), zone)
    left = (last_day - local_day(at, zone)).days
    late = due_at <= at
    return Owed(due_at, last_day, 0 if late else max(0, left), max(1, -left) if late else 0)


def nearest(deadline: datetime | None, next_by: date | None, zone: str) -> datetime | None:
    """Return the earlier of the unit's deadline and the end of the day named for the next step."""
    named = end_of_day(next_by, zone) if next_by else None
    return min((at for at in (deadline, named) if at is not None), default=None)


def deadline_now(handoff: Timed, zone: str) -> datetime | None:
    """Return the deadline of a handoff that counts now; ``None`` where nothing is owed by the clock.

    While the clock stands that is the day the author was given, unless the unit was late before.
    """
    running = next_clock(handoff)
    if running is None:
        return None
    if handoff.waiting_since is None or handoff.waiting_until is None or running.due <= handoff.waiting_since:
        return running.due
    return end_of_wait(handoff.waiting_until, zone)
