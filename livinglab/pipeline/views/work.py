"""My work: one page for everybody who works here, sorted by what is due."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.blueprints import BlueprintSetupState

from livinglab.core.clock import utc_now
from livinglab.core.viewer import Role
from livinglab.pipeline import queries
from livinglab.pipeline.queries import Task, WorkItem
from livinglab.pipeline.queries.work import MOST
from livinglab.web.access import staff, viewer
from livinglab.web.database import db

bp = Blueprint("work", __name__)


@bp.record_once
def give_most(state: BlueprintSetupState) -> None:
    """Let every page's header know how far the tasks are counted."""
    state.app.jinja_env.globals["work_most"] = MOST


SOON = 3
"""Days left with which a thing counts as due soon."""


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
    lanes = (
        ("late", [item for item in items if item.late_days]),
        ("soon", [item for item in items if item.due and not item.late_days and item.due.days_left <= SOON]),
        ("later", [item for item in items if item.due and not item.late_days and item.due.days_left > SOON]),
        ("open", [item for item in items if not item.due]),
    )
    return render_template(
        "work/home.html",
        items=items,
        lanes=lanes,
        following=following,
        link_of=link_of,
        minutes=sum(item.minutes for item in items),
        now=now,
        viewer=viewer(),
    )
