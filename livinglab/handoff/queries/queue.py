"""The queue: what is mine, due and late, in lanes that are each one bounded read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import known_id
from livinglab.core.viewer import Role, Viewer
from livinglab.handoff.models import Answer, Handoff, HandoffState
from livinglab.handoff.queries.handoffs import HandoffBrief, brief_of
from livinglab.handoff.queries.loads import UnitLoad, units_seen
from livinglab.handoff.queries.routing import ToRoute, to_route
from livinglab.handoff.rules.clock import ClockFace, clock_face
from livinglab.handoff.rules.moves import DESK_ROLES
from livinglab.handoff.rules.owed import Owed, owed
from livinglab.handoff.rules.verbs import Verb, verbs_for
from livinglab.ideas.models import Activity, Credit, CreditKind, Idea, Publication, Stage
from livinglab.ideas.queries.visibility import visible_to
from livinglab.labs.models import Lab, ReceivingUnit
from livinglab.labs.queries import Somebody, people_by_id

SOON_DAYS = 7
LANE_FIRST = 10
"""So many rows of each lane stand in the overview."""
LANE_MOST = 30
"""So many rows of a lane are on a page of its own."""
FAR = datetime(9999, 1, 1, tzinfo=UTC)
UTC_TIME: Any = Idea.__table__.c.due_at.type  # type: ignore[attr-defined]


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
    """The figures on top."""

    mine: int = 0
    soon: int = 0
    late: int = 0
    desk: int = 0
    later: int = 0
    done: int = 0

    @property
    def open(self) -> int:
        """Count everything that is not done."""
        return self.soon + self.late + self.desk + self.later


@dataclass(frozen=True, slots=True)
class Choice:
    """What of the queue is asked for; each part is in the address.

    Args:
        lane: Only this lane, paged; ``None`` shows the beginning of each.
        after: Deadline and id of the last row of the page before.
    """

    unit_id: int | None = None
    mine: bool = False
    lane: Lane | None = None
    after: tuple[datetime, int] | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """The page of handoffs for one person."""

    units: tuple[UnitLoad, ...]
    counts: Counts
    lanes: dict[Lane, tuple[QueueRow, ...]]
    to_route: tuple[ToRoute, ...] = ()
    more_to_route: int = 0
    next_after: tuple[datetime, int] | None = None
    labs: frozenset[int] = field(default_factory=frozenset)


def _in_reach(viewer: Viewer, choice: Choice) -> list[sa.ColumnElement[bool]]:
    """Return the condition on handoffs: those of a person's units, and of the labs whose desk they sit at."""
    ways = []
    if labs := viewer.labs_as(*DESK_ROLES):
        ways.append(col(Handoff.lab_id).in_(labs))
    if viewer.units or not labs:
        ways.append(col(Handoff.unit_id).in_(viewer.units))
    reach = [sa.or_(*ways)]
    if choice.unit_id is not None:
        reach.append(col(Handoff.unit_id) == choice.unit_id)
    if choice.mine:
        reach.append(col(Handoff.assignee_id) == viewer.known_id)
    return reach


def _seen_by(viewer: Viewer, choice: Choice) -> list[sa.ColumnElement[bool]]:
    """Return the condition on handoffs joined with their ideas: what is in reach and may be seen.

    An idea that was hidden is hidden here, too (invariant I-11). The idea's lab is the handoff's; said of
    both, either can be walked.
    """
    labs = viewer.labs_as(*DESK_ROLES) | set(viewer.units.values())
    return [*_in_reach(viewer, choice), col(Idea.lab_id).in_(labs), visible_to(viewer)]


def _at_a_unit() -> tuple[sa.ColumnElement[bool], ...]:
    """Return the condition on handoffs in which a unit still has something to do."""
    followed = col(Handoff.state) == HandoffState.FOLLOWED_UP
    return (col(Handoff.closed_at).is_(None), col(Handoff.unit_id).is_not(None), ~followed)


def _lane_where(lane: Lane, now: datetime) -> list[sa.ColumnElement[bool]]:
    """Return what lies in a lane; a deadline is what the idea is owed first (rule S7)."""
    open_, followed = col(Handoff.closed_at).is_(None), col(Handoff.state) == HandoffState.FOLLOWED_UP
    at_unit, due, soon = _at_a_unit(), col(Idea.due_at), now + timedelta(days=SOON_DAYS)
    lanes: dict[Lane, list[sa.ColumnElement[bool]]] = {
        Lane.DESK: [open_, col(Handoff.unit_id).is_(None)],
        Lane.LATE: [*at_unit, due <= now],
        Lane.SOON: [*at_unit, due > now, due <= soon],
        Lane.LATER: [*at_unit, sa.or_(due.is_(None), due > soon)],
        Lane.DONE: [sa.or_(~open_, followed)],
    }
    return lanes[lane]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A part of a lane whose order an index can give.

    Args:
        at: The instant it is ordered by; ``None`` where there is none: it counts as ``FAR``.
    """

    where: list[sa.ColumnElement[bool]]
    at: Any
    newest_first: bool = False

    def after(self, place: tuple[datetime, int]) -> sa.ColumnElement[bool]:
        """Return the condition that a row comes after a place of the lane."""
        when, row_id, number = place[0], place[1], col(Handoff.id)
        beyond = number < row_id if self.newest_first else number > row_id
        if self.at is None:
            return beyond if when == FAR else sa.false() if self.newest_first else sa.true()
        if self.newest_first:
            return sa.and_(self.at <= when, sa.or_(self.at < when, beyond))
        return sa.and_(self.at >= when, sa.or_(self.at > when, beyond))


def _stretches(lane: Lane, now: datetime) -> tuple[_Stretch, ...]:
    """Return a lane as stretches that follow each other."""
    inside, due = _lane_where(lane, now), col(Idea.due_at)
    if lane is Lane.DONE:
        closed = col(Handoff.closed_at)
        return (
            _Stretch([*inside, closed.is_(None)], None, newest_first=True),
            _Stretch([closed.is_not(None)], closed, newest_first=True),
        )
    if lane in (Lane.LATE, Lane.SOON):
        return (_Stretch(inside, due),)
    if lane is Lane.LATER:
        later = [*_at_a_unit(), due > now + timedelta(days=SOON_DAYS)]
        return _Stretch(later, due), _Stretch([*_at_a_unit(), due.is_(None)], None)
    return _Stretch([*inside, due.is_not(None)], due), _Stretch([*inside, due.is_(None)], None)


def queue(session: Session, viewer: Viewer, now: datetime, choice: Choice) -> Queue:
    """Return the handoffs a person works with, in lanes, each with the one next action."""
    units = units_seen(session, viewer)
    seen = _seen_by(viewer, choice)
    lanes = (choice.lane,) if choice.lane else (Lane.DESK, Lane.LATE, Lane.SOON, Lane.LATER)
    most = LANE_MOST if choice.lane else LANE_FIRST
    found = {lane: _lane(session, seen, lane, now, choice, most=most) for lane in lanes}
    shown = {lane: places[:most] for lane, places in found.items()}
    drawn = _rows(session, viewer, now, [place[1] for part in shown.values() for place in part], units)
    goes_on = choice.lane is not None and len(found[choice.lane]) > most
    desk = viewer.labs_as(*DESK_ROLES)
    asks_all = choice.unit_id is None and not choice.mine and choice.lane in (None, Lane.DESK)
    waiting, waiting_more = to_route(session, desk if asks_all else (), most=most)
    return Queue(
        units=units,
        counts=_counts(session, viewer, now, choice),
        lanes={
            lane: tuple(drawn[place[1]] for place in part if place[1] in drawn)
            for lane, part in shown.items()
            if part
        },
        to_route=waiting,
        more_to_route=waiting_more,
        next_after=shown[lanes[0]][-1] if goes_on else None,
        labs=desk,
    )


def _lane(
    session: Session,
    seen: list[sa.ColumnElement[bool]],
    lane: Lane,
    now: datetime,
    choice: Choice,
    *,
    most: int,
) -> list[tuple[datetime, int]]:
    """Return the places at the beginning of a lane, one more than is shown; done ones newest first.

    A place is the instant it is ordered by, and the handoff.
    """
    found: list[tuple[datetime, int]] = []
    for stretch in _stretches(lane, now):
        if len(found) > most:
            break
        keys = (col(Handoff.id),) if stretch.at is None else (stretch.at, col(Handoff.id))
        query = (
            sa.select(sa.literal(FAR, UTC_TIME) if stretch.at is None else stretch.at, col(Handoff.id))
            .join_from(Handoff, Idea, col(Idea.id) == col(Handoff.idea_id))
            .where(*seen, *stretch.where)
            .order_by(*(key.desc() if stretch.newest_first else key for key in keys))
            .limit(most + 1 - len(found))
        )
        if choice.after is not None and choice.lane is lane:
            query = query.where(stretch.after(choice.after))
        found += [(when, known_id(handoff_id)) for when, handoff_id in session.execute(query)]
    return found


def _rows(
    session: Session, viewer: Viewer, now: datetime, ids: list[int], units: tuple[UnitLoad, ...]
) -> dict[int, QueueRow]:
    """Return what the queue shows of some handoffs."""
    rows: Any = session.execute(
        sa.select(Handoff, ReceivingUnit.name, Idea, Lab.name, Lab.timezones)  # type: ignore[call-overload]
        .join(Idea, col(Idea.id) == col(Handoff.idea_id))
        .join(Lab, col(Lab.id) == col(Handoff.lab_id))
        .outerjoin(ReceivingUnit, col(ReceivingUnit.id) == col(Handoff.unit_id))
        .where(col(Handoff.id).in_(ids))
    ).all()
    pending = _pending(session, ids)
    receipts = _receipts(session, ids)
    authors = _authors(session, [row[0].idea_id for row in rows])
    people = people_by_id(session, {row[0].assignee_id for row in rows if row[0].assignee_id})
    room = {unit.id: unit.in_progress < unit.limit for unit in units}
    found = {}
    for handoff, unit, idea, lab_name, zones in rows:
        handoff_id = known_id(handoff.id)
        brief = brief_of(handoff, unit)
        waits = pending.get(handoff_id)
        found[handoff_id] = QueueRow(
            handoff=brief,
            title=idea.title,
            language=idea.language,
            summary=idea.summary,
            stage=idea.stage,
            activity=idea.activity,
            lab_name=lab_name,
            assignee=people.get(handoff.assignee_id or 0),
            mine=handoff.assignee_id == viewer.person_id,
            clock=clock_face(brief, now, zones[0]),
            owed=owed(idea.due_at, now, zones[0], stood_since=brief.waiting_since),
            step=NextStep(idea.next_step, idea.next_who, idea.next_by),
            pending=waits,
            verbs=verbs_for(
                brief,
                viewer,
                stage=idea.stage,
                lead_id=idea.lead_id,
                authors=authors.get(handoff.idea_id, frozenset()),
                pending=waits,
                has_receipt=handoff_id in receipts,
                has_room=room.get(handoff.unit_id or 0, True),
            ),
        )
    return found


def _pending(session: Session, ids: Collection[int]) -> dict[int, Pending]:
    rows = session.scalars(
        sa.select(Answer).where(col(Answer.handoff_id).in_(ids), col(Answer.published_at).is_(None))
    )
    return {
        row.handoff_id: Pending(known_id(row.id), row.kind, row.signer_id, row.returned_note, row.stamp)
        for row in rows
    }


def _receipts(session: Session, ids: Collection[int]) -> frozenset[int]:
    query = sa.select(col(Answer.handoff_id)).where(
        col(Answer.handoff_id).in_(ids), col(Answer.kind) == "receipt"
    )
    return frozenset(session.scalars(query))


def _authors(session: Session, idea_ids: Collection[int]) -> dict[int, frozenset[int]]:
    kinds = (CreditKind.AUTHOR, CreditKind.CO_AUTHOR, CreditKind.MERGED_AUTHOR)
    rows = session.execute(
        sa.select(col(Credit.idea_id), col(Credit.person_id)).where(
            col(Credit.idea_id).in_(idea_ids), col(Credit.kind).in_(kinds)
        )
    )
    found: dict[int, frozenset[int]] = {}
    for idea_id, person_id in rows:
        found[idea_id] = found.get(idea_id, frozenset()) | {person_id}
    return found


def _counts(session: Session, viewer: Viewer, now: datetime, choice: Choice) -> Counts:
    """Count every lane; what is mine is counted beside the filter, not within it."""
    everything = _seen_by(viewer, Choice(unit_id=choice.unit_id))
    own_rows = col(Handoff.assignee_id) == viewer.known_id
    inside = own_rows if choice.mine else sa.true()
    numbers = [
        sa.func.count().filter(sa.and_(inside, *_lane_where(lane, now)))
        for lane in (Lane.SOON, Lane.LATE, Lane.DESK, Lane.LATER, Lane.DONE)
    ]
    mine = sa.func.count().filter(own_rows, col(Handoff.state) != HandoffState.FOLLOWED_UP)
    joined = sa.join(Handoff, Idea, col(Idea.id) == col(Handoff.idea_id))
    row = session.execute(
        sa.select(*numbers, mine).select_from(joined).where(*everything, col(Handoff.closed_at).is_(None))
    ).one()
    soon, late, desk, later, followed, own = tuple(row)
    done = followed + _count_closed(session, viewer, choice)
    return Counts(mine=own, soon=soon, late=late, desk=desk, later=later, done=done)


def _count_closed(session: Session, viewer: Viewer, choice: Choice) -> int:
    """Count closed handoffs by the index alone: they only grow. Whoever may not see hidden ideas has theirs
    taken off.
    """
    theirs = (*_in_reach(viewer, choice), col(Handoff.closed_at).is_not(None))
    every = session.scalar(sa.select(sa.func.count(col(Handoff.id))).where(*theirs)) or 0
    if not viewer.units and viewer.labs_as(*DESK_ROLES) == viewer.labs_as(Role.FACILITATOR, Role.MANAGER):
        return every
    hidden = session.scalar(
        sa.select(sa.func.count(col(Handoff.id)))
        .join(Idea, col(Idea.id) == col(Handoff.idea_id))
        .where(*theirs, col(Idea.publication) != Publication.PUBLISHED, ~visible_to(viewer))
    )
    return every - (hidden or 0)


__all__ = ["Choice", "Counts", "Lane", "Queue", "QueueRow", "ToRoute", "UnitLoad", "queue"]
