"""My work: one page for everybody who works here, sorted by what is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template, url_for
from flask.blueprints import BlueprintSetupState

from livinglab.core.clock import utc_now
from livinglab.core.viewer import Role
from livinglab.pipeline import queries
from livinglab.pipeline.queries import Task, WorkItem
from livinglab.pipeline.queries.work import MOST
from livinglab.web.access import staff, viewer
from livinglab.web.database import db
from livinglab.web.paging import number_arg, one_of

bp = Blueprint("work", __name__)


@bp.record_once
def give_most(state: BlueprintSetupState) -> None:
    """Let every page's header know how far the tasks are counted."""
    state.app.jinja_env.globals["work_most"] = MOST


SOON = 3
"""Days left with which a thing counts as due soon."""
LANES = ("late", "soon", "later", "open")
FIRST, PAGE = 10, 30
"""So many of each lane stand in the overview, so many on a page of one lane."""


def link_of(item: WorkItem) -> str:
    """Return where the thing is done."""
    if item.task in (Task.MODERATE, Task.LOOK_INTO):
        return url_for("moderation.case", case_id=item.ref)
    if item.task is Task.APPEAL:
        return url_for("moderation.appeal", appeal_id=item.ref)
    if item.task is Task.ROUTE:
        return url_for("handoff.route", idea_id=item.idea_id)
    if item.task is Task.NAME_LEAD:
        return url_for("pipeline.lead", idea_id=item.idea_id, next=url_for("work.home"))
    if item.task is Task.NAME_RESPONSIBLE:
        return url_for("editing.times", challenge_id=item.ref)
    if item.task in (Task.PROPOSE, Task.CONFIRM):
        return url_for("pipeline.review", review_id=item.ref)
    if item.task is Task.NEXT_STEP:
        return url_for("pipeline.next_step", idea_id=item.idea_id, next=url_for("work.home"))
    if item.task is Task.MEASURE:
        return url_for("pipeline.benefits", idea_id=item.idea_id)
    return url_for("handoff.page", handoff_id=item.ref)


@bp.get("/work")
@staff(Role.FACILITATOR, Role.LEAD, Role.MANAGER, units=True)
def home() -> str:
    """What waits for me, and why it is mine."""
    now = utc_now()
    with db.reading() as session:
        items = queries.work(session, viewer(), now)
        following = queries.next_deadline(session, viewer(), now) if not items else None
    return render_template(
        "work/home.html",
        items=items,
        lanes=_lanes(items),
        following=following,
        link_of=link_of,
        minutes=sum(item.minutes for item in items),
        now=now,
        viewer=viewer(),
    )


@dataclass(frozen=True, slots=True)
class LanePage:
    """What the page shows of one lane.

    Args:
        count: How many there are in all; more: there may be others beyond what was read.
        all_url: Where the whole lane is, in the overview; next_url, first_url: on the lane's own pages.
    """

    name: str
    items: Sequence[WorkItem]
    count: int
    more: bool
    all_url: str | None = None
    next_url: str | None = None
    first_url: str | None = None


def _lanes(items: Sequence[WorkItem]) -> list[LanePage]:
    """Return the lanes: the beginning of each, or a page of the one that is asked for."""
    sorted_in: dict[str, list[WorkItem]] = {name: [] for name in LANES}
    for item in items:
        sorted_in[_lane_of(item)].append(item)
    last = next((name for name in reversed(LANES) if sorted_in[name]), "")
    cut = {name: name == last and len(items) >= MOST for name in LANES}
    asked, page = one_of("lane", LANES), number_arg("page") or 1
    if not asked:
        return [
            LanePage(
                name,
                every[:FIRST],
                len(every),
                cut[name],
                all_url=url_for("work.home", lane=name) if len(every) > FIRST else None,
            )
            for name, every in sorted_in.items()
        ]
    every, begin = sorted_in[asked], PAGE * (max(page, 1) - 1)
    goes_on = len(every) > begin + PAGE
    return [
        LanePage(
            asked,
            every[begin : begin + PAGE],
            len(every),
            cut[asked],
            next_url=url_for("work.home", lane=asked, page=page + 1) if goes_on else None,
            first_url=url_for("work.home", lane=asked) if begin else None,
        )
    ]


def _lane_of(item: WorkItem) -> str:
    if item.late_days:
        return "late"
    if not item.due:
        return "open"
    return "soon" if item.due.days_left <= SOON else "later"
