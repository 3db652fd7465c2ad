"""The page of handoffs: lanes in the order of what is due, each handoff with its one next action."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from livinglab.core.viewer import Viewer
from livinglab.handoff.queries.loads import units_seen
from livinglab.handoff.queries.queue.lanes import overview
from livinglab.handoff.queries.queue.rows import rows_of
from livinglab.handoff.queries.queue.shapes import Choice, Lane, Queue
from livinglab.handoff.queries.routing import to_route
from livinglab.handoff.rules.moves import DESK_ROLES

LANE_FIRST = 10
"""So many rows of each lane stand in the overview."""
LANE_MOST = 30
"""So many rows of a lane are on a page of its own."""


def queue(session: Session, viewer: Viewer, now: datetime, choice: Choice) -> Queue:
    """Return the handoffs a person works with, in lanes, each with the one next action."""
    units = units_seen(session, viewer)
    lanes = (choice.lane,) if choice.lane else (Lane.DESK, Lane.LATE, Lane.SOON, Lane.LATER)
    most = LANE_MOST if choice.lane else LANE_FIRST
    found, counts = overview(session, viewer, now, choice, lanes, most=most)
    shown = {lane: places[:most] for lane, places in found.items()}
    ids = [handoff_id for part in shown.values() for _, handoff_id in part]
    drawn = rows_of(session, viewer, now, ids, units)
    goes_on = choice.lane is not None and len(found[choice.lane]) > most
    desk = viewer.labs_as(*DESK_ROLES)
    asks_all = choice.unit_id is None and not choice.mine and choice.lane in (None, Lane.DESK)
    waiting, waiting_more = to_route(
        session, desk if asks_all else (), most=most, after=choice.route_after if choice.lane else None
    )
    last = waiting[-1] if waiting_more and waiting else None
    return Queue(
        units=units,
        counts=counts,
        lanes={
            lane: tuple(drawn[handoff_id] for _, handoff_id in part if handoff_id in drawn)
            for lane, part in shown.items()
            if part
        },
        to_route=waiting,
        more_to_route=waiting_more,
        next_to_route=(last.since, last.idea_id) if last else None,
        next_after=shown[lanes[0]][-1] if goes_on else None,
        labs=desk,
    )
