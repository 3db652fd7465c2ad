"""The blueprint, and what all pages of the room share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from flask import Blueprint, g, render_template, request, url_for
from flask_babel import get_locale
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.core.errors import Refused
from livinglab.core.viewer import Role
from livinglab.handoff.forms import CaseForm, StepForm
from livinglab.handoff.queries import Sheet
from livinglab.handoff.queries import sheet as read_sheet
from livinglab.handoff.rules.moves import works_for
from livinglab.handoff.rules.verbs import first_and_rest
from livinglab.labs.queries import LabBrief
from livinglab.web.access import staff, viewer
from livinglab.web.database import db
from livinglab.web.locale import enter_lab, time_zone
from livinglab.web.respond import back, safe_path

bp = Blueprint("handoff", __name__)
work = staff(Role.FACILITATOR, Role.LEAD, Role.MANAGER, units=True)
"""Everybody who works with handoffs; the object itself is guarded by its rules."""
desk = staff(Role.FACILITATOR, Role.LEAD, Role.MANAGER)

Answer = Response | str | tuple[str, int]


@bp.app_template_filter("near_day")
def near_day(value: date | datetime | str, form: str = "MMMd") -> str:
    """Write a day of these months without its year, as the reader's language does.

    Args:
        value: A day, an instant, or a day as mails keep it (``2027-01-31``).
        form: A CLDR skeleton; ``MMMEd`` adds the weekday.
    """
    value = date.fromisoformat(value) if isinstance(value, str) else value
    local = value.astimezone(ZoneInfo(time_zone())).date() if isinstance(value, datetime) else value
    return str(format_skeleton(form, local, locale=get_locale()))


def enter(lab: LabBrief) -> None:
    """Let the page speak the lab's languages and show its time."""
    enter_lab(lab.languages, lab.timezones)
    g.lab = lab


def load(handoff_id: int) -> Sheet:
    """Return a handoff for its page, in its lab."""
    with db.reading() as session:
        found = read_sheet(session, handoff_id, viewer(), utc_now())
    enter(found.lab)
    return found


def show(handoff_id: int, *, problem: Refused | None = None, case: CaseForm | None = None) -> tuple[str, int]:
    """Draw the page of a handoff; with a refusal on top where a step was refused."""
    found = load(handoff_id)
    first, rest = first_and_rest(found.verbs)
    case = case or CaseForm(data={"external_case": found.handoff.external_case, "stamp": found.handoff.stamp})
    html = render_template(
        "handoff/page.html",
        s=found,
        h=found.handoff,
        first=first,
        rest=rest,
        case=case,
        problem=problem,
        me_id=viewer().person_id,
        may_work=works_for(viewer(), found.handoff.lab_id, found.handoff.unit_id),
    )
    return html, problem.status if problem else 422 if case.failed else 200


def ask(problem: Refused | None) -> None:
    """Refuse a page whose form makes no sense now.

    A form that was sent is refused by its command, and keeps its words; unless nobody may know of the page.
    """
    if problem is not None and (request.method != "POST" or problem.status in (403, 404)):
        raise problem


def taken(handoff_id: int, form: StepForm, verb: Callable[..., Any], **words: Any) -> bool:
    """Take a step as a sent form says it, and say whether it was taken; a refusal stands in the form.

    Args:
        verb: A command. words: What it needs besides the handoff, the person, the time and the stamp.
    """
    if not form.validate_on_submit():
        return False
    with form.catching(), db.writing() as session:
        verb(session, handoff_id=handoff_id, person=viewer(), now=utc_now(), stamp=form.seen, **words)
    return form.refused is None


def at_once(handoff_id: int, verb: Callable[..., Any], message: str) -> Answer:
    """Take a step that needs no more than its button.

    Where it is refused, the handoff is shown as it is now, with the reason on top.

    Args:
        message: Said afterwards.
    """
    form = StepForm()
    if taken(handoff_id, form, verb):
        return back(came_from(handoff_id), message)
    if form.refused is None:
        return show(handoff_id)[0], 400
    return show(handoff_id, problem=form.refused)


def came_from(handoff_id: int) -> str:
    """Return where a step leads back to: the queue it was taken in, or the handoff's page."""
    return safe_path(request.form.get("back")) or url_for("handoff.page", handoff_id=handoff_id)
