"""What the queue shows, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from livinglab.handoff.queries.handoffs import HandoffBrief
from livinglab.handoff.queries.loads import UnitLoad
from livinglab.handoff.queries.routing import ToRoute
from livinglab.handoff.rules.clock import ClockFace
from livinglab.handoff.rules.owed import Owed
from livinglab.handoff.rules.verbs import Verb
from livinglab.ideas.models import Activity, Stage
from livinglab.labs.queries import Somebody

MOST_COUNTED = 100
"""So many of a lane are counted; above that it is said that there are more."""


class Lane(StrEnum):
    """A part of the queue."""

    DESK = "desk"
    """Back in the lab's own queue: it needs a unit."""
    LATE = "late"
    SOON = "soon"
    LATER = "later"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Pending:
    """An answer that is written and not published."""

    id: int
    kind: Any
    signer_id: int
    returned_note: str
    stamp: int
    is_published: bool = False


@dataclass(frozen=True, slots=True)
class NextStep:
    """The step somebody named for the idea; its words are empty where nobody did."""

    text: str
    who: str
    by: date | None

    def due_first(self, due: Owed | None) -> bool:
        """Say whether this is what the idea is owed first."""
        return bool(self.text and due and self.by == due.last_day)


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One handoff in the queue, with what this person can do about it.

    Args:
        clock: The unit's own deadline. owed: What the idea is owed first, by the unit or by a named step.
    """

    handoff: HandoffBrief
    title: str
    language: str
    summary: str
    stage: Stage
    activity: Activity
    lab_name: str
    assignee: Somebody | None
    mine: bool
    clock: ClockFace | None
    owed: Owed | None
    step: NextStep
    pending: Pending | None
    verbs: tuple[Verb, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """The figures on top, each up to ``MOST_COUNTED`` + 1."""

    mine: int = 0
    soon: int = 0
    late: int = 0
    desk: int = 0
    later: int = 0
    done: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """What of the queue is asked for; each part is in the address.

    Args:
        lane: Only this lane, paged; ``None`` shows the beginning of each.
        after: Deadline and id of the last row of the page before.
        route_after: Of the ideas that no unit has been asked about, the last one of the page before.
    """

    unit_id: int | None = None
    mine: bool = False
    lane: Lane | None = None
    after: tuple[datetime, int] | None = None
    route_after: tuple[datetime, int] | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """The page of handoffs for one person.

    Args:
        more_to_route: How many more wait for a unit, up to ``routing.MOST_COUNTED`` + 1.
    """

    units: tuple[UnitLoad, ...]
    counts: Counts
    lanes: dict[Lane, tuple[QueueRow, ...]]
    to_route: tuple[ToRoute, ...] = ()
    more_to_route: int = 0
    next_to_route: tuple[datetime, int] | None = None
    next_after: tuple[datetime, int] | None = None
    labs: frozenset[int] = field(default_factory=frozenset)
