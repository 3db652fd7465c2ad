"""The queue and the page of one handoff."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import render_template, request, url_for

from livinglab.core.clock import utc_now
from livinglab.handoff.queries import Choice, Lane, promise_kept
from livinglab.handoff.queries import queue as read_queue
from livinglab.handoff.queries.loads import MOST_IN_HAND
from livinglab.handoff.queries.queue import MOST_COUNTED
from livinglab.handoff.rules.verbs import first_and_rest
from livinglab.handoff.views.room import Answer, bp, enter, show, work
from livinglab.labs.queries import lab_brief, lab_settings
from livinglab.web.access import viewer
from livinglab.web.database import db
from livinglab.web.paging import cursor_in, cursor_out, number_arg, one_of, unpack


def _choice() -> Choice:
    lane = one_of("lane", tuple(Lane))
    return Choice(
        unit_id=number_arg("unit"),
        mine=request.args.get("mine") == "1",
        lane=Lane(lane) if lane else None,
        after=_place(cursor_in()),
        route_after=_place(unpack(request.args.get("waits"))),
    )


def _place(values: list[Any] | None) -> tuple[datetime, int] | None:
    """Return the instant and the number a cursor holds; ``None`` for what is none of ours."""
    if not values or len(values) != 2 or not isinstance(values[0], (int, float)):
        return None
    seconds, row_id = values
    if not isinstance(row_id, int) or abs(row_id) >= 2**31:
        return None  # no number of a row
    try:
        return datetime.fromtimestamp(seconds, UTC), row_id
    except (ValueError, OverflowError, OSError):
        return None


def _cursor(place: tuple[datetime, int] | None) -> str | None:
    return cursor_out(place[0].timestamp(), place[1]) if place else None


def _address(choice: Choice, **change: Any) -> str:
    """Return the queue's address with one part of the filter changed; the rest stays in it."""
    parts: dict[str, Any] = {"unit": choice.unit_id, "mine": 1 if choice.mine else None, "lane": choice.lane}
    return url_for("handoff.index", **{k: v for k, v in (parts | change).items() if v is not None})


@bp.get("/handoffs")
@work
def index() -> str:
    """Show what is mine, due and late."""
    now, choice, person = utc_now(), _choice(), viewer()
    with db.reading() as session:
        found = read_queue(session, person, now, choice)
        chosen = next((unit for unit in found.units if unit.id == choice.unit_id), None)
        own = [unit for unit in found.units if unit.own]
        unit = chosen or (own[0] if len(own) == 1 and not found.labs else None)
        lab_ids = {unit.lab_id} if unit else {u.lab_id for u in found.units} | found.labs
        kept = promise_kept(session, lab_ids, now, unit_id=unit.id if unit else None, count_late=False)
        one_lab = lab_brief(session, next(iter(lab_ids))) if len(lab_ids) == 1 else None
        settings = lab_settings(session, one_lab.id) if one_lab else None
    if one_lab:
        enter(one_lab)
    return render_template(
        "handoff/index.html",
        q=found,
        choice=choice,
        unit=unit,
        lab=one_lab,
        kept=kept,
        settings=settings,
        address=lambda **change: _address(choice, **change),
        after=_cursor(found.next_after),
        waits=_cursor(found.next_to_route),
        most=MOST_COUNTED,
        most_in_hand=MOST_IN_HAND,
        first_and_rest=first_and_rest,
        Lane=Lane,
        here=request.full_path.rstrip("?"),
    )


@bp.get("/handoffs/<int:handoff_id>")
@work
def page(handoff_id: int) -> Answer:
    """Show one handoff: the idea in short, the clock, what is next, what has been."""
    return show(handoff_id)
