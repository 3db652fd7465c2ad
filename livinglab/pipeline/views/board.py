"""The board: four columns, what is late first. A card leads to its gate, never around it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import render_template, request, url_for

from livinglab.core.clock import utc_now
from livinglab.core.viewer import Role
from livinglab.ideas.models import Stage
from livinglab.labs.queries import lab_brief
from livinglab.pipeline import queries
from livinglab.pipeline.queries.board import PARTS, SHOWS, BoardFilter
from livinglab.pipeline.views.room import Answer, bp, desk, enter
from livinglab.web.access import viewer
from livinglab.web.database import db
from livinglab.web.paging import cursor_in, cursor_out, number_arg, one_of

STAGES = tuple(stage.value for stage in Stage)


def _filter() -> tuple[BoardFilter, int | None]:
    """Read what the address asks for; labs that are not the person's are left out."""
    mine = sorted(viewer().labs_as(*Role))
    lab = number_arg("lab")
    chosen = lab if lab in mine else None
    lead = viewer().person_id if request.args.get("lead") == "me" else number_arg("lead")
    challenge = request.args.get("challenge", "")
    return (
        BoardFilter(
            labs=(chosen,) if chosen else tuple(mine),
            challenge_id=number_arg("challenge"),
            box=challenge == "box",
            unit_id=number_arg("unit"),
            lead_id=lead,
            show=one_of("show", tuple(SHOWS)),
        ),
        chosen,
    )


def _after() -> tuple[str, str, int] | None:
    """Read the place in a long column; a broken one is the beginning."""
    values = cursor_in()
    if not values or len(values) != 3 or values[0] not in PARTS:
        return None
    part, at, idea_id = values
    try:
        moment = datetime.fromisoformat(str(at))
        utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None or not isinstance(idea_id, int) or not 0 <= idea_id < 2**31:
        return None
    return str(part), utc.isoformat(), idea_id


def address(**change: object) -> str:
    """Return the board's address with something changed; a new choice begins on the first page."""
    kept: dict[str, Any] = {
        k: v
        for k, v in request.args.items()
        if k in ("lab", "challenge", "unit", "lead", "show", "stage") and v
    }
    kept |= {k: str(v) for k, v in change.items() if v is not None}
    for gone in [k for k, v in change.items() if v is None]:
        kept.pop(gone, None)
    return url_for("pipeline.board", **kept)


@bp.get("/board")
@desk
def board() -> Answer:
    """Everything that is on its way, by stage."""
    chosen, lab_id = _filter()
    stage = Stage(word) if (word := one_of("stage", STAGES)) else None
    after, now = _after() if stage else None, utc_now()
    with db.reading() as session:
        found = queries.board(session, chosen, now, stage=stage, after=after)
        choices = queries.board_choices(session, tuple(sorted(viewer().labs_as(*Role))))
        lab = lab_brief(session, lab_id or min(chosen.labs)) if chosen.labs else None
    if lab is not None:
        enter(lab)
    return render_template(
        "pipeline/board.html",
        board=found,
        choices=choices,
        chosen=replace(chosen),
        lab_id=lab_id,
        stage=stage,
        first=after is None,
        address=address,
        cursor=cursor_out,
        me=viewer().person_id,
        now=now,
    )
