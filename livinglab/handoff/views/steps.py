"""The steps of a handoff: buttons that act at once, and small forms for what needs words or a day."""

from __future__ import annotations

from datetime import date, timedelta

from flask import redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from livinglab.core.clock import local_day, utc_now
from livinglab.core.errors import NotFound, refuse
from livinglab.handoff import commands
from livinglab.handoff.forms import (
    AssignForm,
    CaseForm,
    ExtendForm,
    ReturnForm,
    RouteForm,
    StepForm,
    WaitForm,
)
from livinglab.handoff.models import HandoffState
from livinglab.handoff.queries import Sheet, lab_clock, open_handoff
from livinglab.handoff.queries.facts import loads_of
from livinglab.handoff.rules import why_not_return, why_not_route, why_not_route_again, why_not_step
from livinglab.handoff.rules.clock import latest_extension
from livinglab.handoff.rules.moves import Step
from livinglab.handoff.views.room import (
    Answer,
    ask,
    at_once,
    bp,
    came_from,
    desk,
    enter,
    load,
    show,
    taken,
    work,
)
from livinglab.ideas.models import Idea
from livinglab.labs.models import Category
from livinglab.labs.queries import UnitBrief, lab_brief, members_of, units_of
from livinglab.web.access import viewer
from livinglab.web.database import db
from livinglab.web.locale import said
from livinglab.web.respond import back


def _draw(template: str, found: Sheet, form: StepForm, **more: object) -> tuple[str, int]:
    """Draw a small form beside the handoff it is about."""
    html = render_template(f"handoff/{template}.html", s=found, h=found.handoff, form=form, **more)
    return html, 422 if form.is_submitted() else 200


def _choose_units(form: RouteForm, units: tuple[UnitBrief, ...]) -> None:
    form.unit_id.choices = [(unit.id, str(said(unit.name))) for unit in units]


@bp.route("/ideas/<int:idea_id>/route", methods=["GET", "POST"])
@desk
def route(idea_id: int) -> Answer:
    """Hand an idea to a receiving unit."""
    with db.reading() as session:
        idea = session.get(Idea, idea_id)
        if idea is None:
            raise NotFound("no-such-idea", _l("There is no idea at this address, or it is not public."))
        present = open_handoff(session, idea_id)
        if (
            present is not None and present.unit_id is None
        ):  # sent back: the same handoff goes on to another unit
            return redirect(url_for("handoff.route_again", handoff_id=present.id), 303)
        outcome = present.outcome if present else None
        refuse(why_not_route(idea, viewer(), is_open=present is not None, open_outcome=outcome))
        units, lab = units_of(session, idea.lab_id), lab_brief(session, idea.lab_id)
        category = session.get(Category, idea.category_id) if idea.category_id else None
        loads = loads_of(session, idea.lab_id)
    enter(lab)
    form = RouteForm()
    _choose_units(form, units)
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            commands.route_idea(
                session,
                idea_id=idea_id,
                unit_id=form.unit_id.data,
                note=form.note.data or "",
                person=viewer(),
                now=utc_now(),
            )
        if not form.refused:
            unit = next(said(unit.name) for unit in units if unit.id == form.unit_id.data)
            return back(
                url_for("handoff.index"), _("Handed over to %(unit)s. Its clock is running.", unit=unit)
            )
    html = render_template(
        "handoff/route.html",
        idea=idea,
        units=units,
        form=form,
        lab=lab,
        loads=loads,
        s=None,
        sent_back=(),
        topic=category.slug if category else None,
    )
    return html, 422 if form.is_submitted() else 200


@bp.route("/handoffs/<int:handoff_id>/route", methods=["GET", "POST"])
@desk
def route_again(handoff_id: int) -> Answer:
    """Choose another unit for a handoff that came back."""
    found = load(handoff_id)
    refuse(why_not_route_again(found.handoff, viewer()))
    with db.reading() as session:
        units, loads = units_of(session, found.handoff.lab_id), loads_of(session, found.handoff.lab_id)
    sent_back = {line.data.get("unit_id") for line in found.history if line.kind == "handoff-returned"}
    form = RouteForm(stamp=found.handoff.stamp)
    _choose_units(form, units)
    if taken(handoff_id, form, commands.route_again, unit_id=form.unit_id.data, note=form.note.data or ""):
        return back(url_for("handoff.index"), _("The unit has it now, with its clock and notes."))
    return _draw(
        "route",
        found,
        form,
        idea=found.idea,
        units=units,
        lab=found.lab,
        loads=loads,
        topic=None,
        sent_back=sent_back,
    )


@bp.post("/handoffs/<int:handoff_id>/take")
@work
def take(handoff_id: int) -> Answer:
    """Take a queued handoff oneself."""
    return at_once(
        handoff_id,
        commands.take,
        _("It is yours now."),
    )


@bp.route("/handoffs/<int:handoff_id>/assign", methods=["GET", "POST"])
@work
def assign(handoff_id: int) -> Answer:
    """Put a handoff into somebody's hands, or into somebody else's."""
    found = load(handoff_id)
    first_time = found.handoff.state is HandoffState.QUEUED
    ask(why_not_step(Step.ASSIGN if first_time else Step.REASSIGN, found.handoff, viewer()))
    with db.reading() as session:
        members = members_of(session, found.handoff.unit_id or 0)
    form = AssignForm(stamp=found.handoff.stamp, assignee_id=found.handoff.assignee_id)
    form.assignee_id.choices = [(person.id, str(person.face.name)) for person in members]
    act = commands.assign if first_time else commands.reassign
    if taken(handoff_id, form, act, assignee_id=form.assignee_id.data, note=form.note.data or ""):
        return back(came_from(handoff_id), _("They have it now and are told."))
    return _draw("assign", found, form, members=members)


@bp.post("/handoffs/<int:handoff_id>/acknowledge")
@work
def acknowledge(handoff_id: int) -> Answer:
    """Agree to assess the idea."""
    return at_once(
        handoff_id,
        commands.acknowledge,
        _("You have agreed to assess it. The author and the followers can see that."),
    )


@bp.post("/handoffs/<int:handoff_id>/begin")
@work
def begin(handoff_id: int) -> Answer:
    """Say that assessing has begun."""
    return at_once(
        handoff_id,
        commands.begin_assessing,
        _("Noted: you are assessing it."),
    )


@bp.post("/handoffs/<int:handoff_id>/resume")
@work
def resume(handoff_id: int) -> Answer:
    """Let the clock run again."""
    return at_once(
        handoff_id,
        commands.stop_waiting,
        _("The clock runs again. Your deadlines moved by the time it stood."),
    )


@bp.route("/handoffs/<int:handoff_id>/return", methods=["GET", "POST"])
@work
def send_back(handoff_id: int) -> Answer:
    """Send an idea back to the lab: the wrong unit."""
    found = load(handoff_id)
    ask(why_not_return(found.handoff, viewer(), stage=found.idea.stage))
    form = ReturnForm(stamp=found.handoff.stamp)
    if taken(handoff_id, form, commands.return_wrong_unit, note=form.note.data or ""):
        return back(url_for("handoff.index"), _("It is back with the lab, which chooses another unit."))
    return _draw("return", found, form)


@bp.route("/handoffs/<int:handoff_id>/extend", methods=["GET", "POST"])
@work
def extend(handoff_id: int) -> Answer:
    """Move the decision once, with a public reason."""
    found = load(handoff_id)
    ask(why_not_step(Step.EXTEND, found.handoff, viewer()))
    with db.reading() as session:
        clock = lab_clock(session, found.handoff.lab_id)
    latest = latest_extension(
        found.handoff.queued_at,
        found.handoff.waited_seconds,
        days=clock.settings.extended_days,
        zone=clock.zone,
    )
    most = local_day(latest - timedelta(seconds=1), clock.zone)
    form = ExtendForm(stamp=found.handoff.stamp)
    if taken(
        handoff_id, form, commands.extend_decision, until=_day(form.until.data), reason=form.reason.data or ""
    ):
        return back(came_from(handoff_id), _("The deadline is moved, and the reason stands in the story."))
    return _draw("extend", found, form, most=most)


@bp.route("/handoffs/<int:handoff_id>/wait", methods=["GET", "POST"])
@work
def wait(handoff_id: int) -> Answer:
    """Ask the author something while the clock stands."""
    found = load(handoff_id)
    ask(why_not_step(Step.WAIT, found.handoff, viewer()))
    with db.reading() as session:
        clock = lab_clock(session, found.handoff.lab_id)
    most = local_day(utc_now(), clock.zone) + timedelta(days=clock.settings.waiting_days)
    form = WaitForm(stamp=found.handoff.stamp, until=most - timedelta(days=clock.settings.waiting_days // 2))
    if taken(
        handoff_id,
        form,
        commands.wait_for_author,
        until=_day(form.until.data),
        question=form.question.data or "",
    ):
        return back(
            came_from(handoff_id), _("The author is asked. The clock stands until the answer or the day.")
        )
    return _draw("wait", found, form, most=most)


def _day(value: date | None) -> date:
    """Return the day a validated form holds."""
    return value or date.min


@bp.post("/handoffs/<int:handoff_id>/case")
@work
def case(handoff_id: int) -> Answer:
    """Note the unit's own case number."""
    form = CaseForm()
    if taken(handoff_id, form, commands.set_case_number, number=form.external_case.data or ""):
        return back(came_from(handoff_id), _("The case number is kept."))
    return show(handoff_id, case=form, problem=form.refused)
