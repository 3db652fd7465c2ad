"""Small forms that carry an idea along: opening a review, the lead, the next step, evidence, benefits."""

from __future__ import annotations

from pathlib import Path

from flask import render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from livinglab.core.clock import local_day, utc_now
from livinglab.core.errors import NotFound, refuse
from livinglab.core.files import Picture, keep_image, prepare_image
from livinglab.ideas.models import Activity
from livinglab.labs.queries import lab_settings
from livinglab.pipeline import commands, queries
from livinglab.pipeline.forms import (
    BenefitForm,
    EvidenceForm,
    LeadForm,
    MeasureForm,
    NextStepForm,
    OpenForm,
    trim,
)
from livinglab.pipeline.rules import Action, criteria_of, why_not
from livinglab.pipeline.views.room import Answer, act, bp, desk, gate_url, place_for_staff, work
from livinglab.web.access import viewer
from livinglab.web.database import db, settings
from livinglab.web.forms import ActionForm, Form
from livinglab.web.respond import back, safe_path


def _status(form: Form) -> int:
    return 422 if form.is_submitted() else 200


def _came_from(default: str) -> str:
    return safe_path(request.args.get("next")) or default


@bp.route("/ideas/<int:idea_id>/open-review", methods=["GET", "POST"])
@desk
def open_review(idea_id: int) -> Answer:
    """Open the gate ahead by hand: pick, ask, or reopen; each with a public reason."""
    with db.reading() as session:
        place = place_for_staff(session, idea_id)
        title, language = queries.title_of(session, idea_id)
        left = lab_settings(session, place.lab_id).picks_per_month - commands.picks_this_month(
            session, place.lab_id, utc_now()
        )
    if place.activity is Activity.DECLINED:
        how = Action.REOPEN
    else:
        how = Action.PICK if place.gate == 1 else Action.REQUEST
    refuse(why_not(how, place, viewer()))
    form = OpenForm()
    if form.validate_on_submit():
        do = {
            Action.PICK: commands.pick_for_review,
            Action.REQUEST: commands.request_review,
            Action.REOPEN: commands.reopen_idea,
        }[how]
        with form.catching(), db.writing() as session:
            do(session, idea_id=idea_id, reason=form.reason.data or "", person=viewer(), now=utc_now())
        if not form.refused:
            return back(gate_url(idea_id), _("The review is open."))
    html = render_template(
        "pipeline/open.html",
        form=form,
        how=how.value,
        place=place,
        title=title,
        language=language,
        left=max(left, 0),
    )
    return html, _status(form)


@bp.route("/ideas/<int:idea_id>/lead", methods=["GET", "POST"])
@desk
def lead(idea_id: int) -> Answer:
    """Name who carries the idea through its stages."""
    with db.reading() as session:
        place = place_for_staff(session, idea_id)
        title, language = queries.title_of(session, idea_id)
        people = queries.possible_leads(session, place.lab_id)
    refuse(why_not(Action.NAME_LEAD, place, viewer()))
    form = LeadForm(lead_id=place.lead_id)
    form.lead_id.choices = [(person.id, person.name) for person in people]
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            commands.name_lead(
                session, idea_id=idea_id, lead_id=form.lead_id.data, person=viewer(), now=utc_now()
            )
        if not form.refused:
            same = form.lead_id.data == place.lead_id
            told = (
                _("It is the same lead as before. Nothing was changed.")
                if same
                else _("The project lead is named and told.")
            )
            return back(_came_from(gate_url(idea_id)), told)
    html = render_template(
        "pipeline/lead.html", form=form, place=place, title=title, language=language, people=people
    )
    return html, _status(form)


@bp.route("/ideas/<int:idea_id>/next-step", methods=["GET", "POST"])
@work
def next_step(idea_id: int) -> Answer:
    """Say what comes next, who does it and by when."""
    with db.reading() as session:
        place = place_for_staff(session, idea_id)
        title, language = queries.title_of(session, idea_id)
        found = queries.standing(session, [idea_id], utc_now())[idea_id]
        step, who, by = queries.named_step(session, idea_id)
    refuse(why_not(Action.SET_NEXT_STEP, place, viewer()))
    if request.form.get("do") == "done" and ActionForm().validate_on_submit():
        with db.writing() as session:
            commands.end_next_step(session, idea_id=idea_id, person=viewer(), now=utc_now())
        return back(_came_from(gate_url(idea_id)), _("The step is done. The idea’s story says so."))
    form = NextStepForm(step=step, who=who, by=by)
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            commands.set_next_step(
                session,
                idea_id=idea_id,
                step=form.step.data or "",
                who=form.who.data or "",
                by=form.by.data,
                person=viewer(),
                now=utc_now(),
            )
        if not form.refused:
            return back(_came_from(gate_url(idea_id)), _("The next step is on the idea’s page."))
    html = render_template(
        "pipeline/next_step.html",
        form=form,
        place=place,
        title=title,
        language=language,
        now=found,
        named=step,
    )
    return html, _status(form)


@bp.route("/ideas/<int:idea_id>/evidence/<criterion>", methods=["GET", "POST"])
@work
def evidence(idea_id: int, criterion: str) -> Answer:
    """Show that a criterion of the gate ahead is met."""
    with db.reading() as session:
        place = place_for_staff(session, idea_id)
        title, language = queries.title_of(session, idea_id)
        facts = queries.facts_of(session, place)
        given = queries.evidence_of(session, idea_id, place.gate or 0).get(criterion, ())
        must = queries.must_hear(session, idea_id) if criterion == "audiences" else ()
    refuse(why_not(Action.ADD_EVIDENCE, place, viewer()))
    found = next((c for c in criteria_of(place.gate or 1) if c.code == criterion and c.wants), None)
    if found is None:
        raise NotFound("no-such-criterion", _l("This gate has no such criterion to give evidence for."))
    form = trim(EvidenceForm(), found.wants)
    if form.validate_on_submit() and _keep_evidence(form, idea_id, criterion):
        return back(
            f"{gate_url(idea_id)}#criterion-{criterion}", _("The evidence is on the page of the gate.")
        )
    html = render_template(
        "pipeline/evidence.html", form=form, place=place, title=title, language=language, c=found,
        facts=facts, given=given, must=must,
    )  # fmt: skip
    return html, _status(form)


def _keep_evidence(form: EvidenceForm, idea_id: int, criterion: str) -> bool:
    values = {name: field.data for name, field in form._fields.items()}
    upload = values.get("image")
    ready: Picture | None = None
    if upload:
        with form.catching():
            ready = prepare_image(upload.read())
        if form.refused:
            return False
    with form.catching(), db.writing() as session:
        picture = None
        if ready is not None:
            folder = Path(settings().instance) / "uploads"
            picture = keep_image(session, folder, ready, person_id=viewer().known_id, now=utc_now()).id
        commands.add_evidence(
            session,
            idea_id=idea_id,
            criterion=criterion,
            text=values.get("text") or "",
            number=values.get("number"),
            on_date=values.get("on_date"),
            link=values.get("link") or "",
            image_id=picture,
            image_alt=values.get("image_alt") or "",
            person=viewer(),
            now=utc_now(),
        )
    return form.refused is None


@bp.post("/evidence/<int:evidence_id>/withdraw")
@work
def withdraw_evidence(evidence_id: int) -> Answer:
    """Take a piece of evidence back."""
    ActionForm.require()
    with db.reading() as session:
        idea_id = queries.idea_behind(session, "evidence", evidence_id, viewer())
        place_for_staff(session, idea_id)
    return act(
        idea_id,
        lambda writes: commands.withdraw_evidence(
            writes, evidence_id=evidence_id, person=viewer(), now=utc_now()
        ),
        done=_l("Taken back. It no longer counts."),
    )


@bp.route("/ideas/<int:idea_id>/benefits", methods=["GET", "POST"])
@work
def benefits(idea_id: int) -> Answer:
    """The benefit plan: what the service is to change, from a baseline to a target."""
    now = utc_now()
    with db.reading() as session:
        place = place_for_staff(session, idea_id)
        title, language = queries.title_of(session, idea_id)
        rows = queries.benefits_of(session, idea_id)
        where = queries.whereabouts(session, idea_id, now)
        zone = queries.zone_of(session, place.lab_id)
    forbidden = why_not(Action.PLAN_BENEFIT, place, viewer())
    form = BenefitForm(baseline_on=local_day(now, zone))
    if form.is_submitted():
        refuse(forbidden)
    if form.validate_on_submit():
        values = {
            name: form[name].data
            for name in ("label", "unit", "baseline", "baseline_on", "target", "measure_next")
        }
        with form.catching(), db.writing() as session:
            commands.plan_benefit(session, idea_id=idea_id, person=viewer(), now=now, **values)
        if not form.refused:
            return back(url_for("pipeline.benefits", idea_id=idea_id), _("The benefit is in the plan."))
    html = render_template(
        "pipeline/benefits.html", form=form if forbidden is None else None, place=place, title=title,
        language=language, rows=rows, where=where, why_not=forbidden,
        may_measure=why_not(Action.MEASURE_BENEFIT, place, viewer()) is None, today=local_day(now, zone),
    )  # fmt: skip
    return html, _status(form)


@bp.route("/benefits/<int:benefit_id>/measure", methods=["GET", "POST"])
@work
def measure(benefit_id: int) -> Answer:
    """Write down what was measured."""
    now = utc_now()
    with db.reading() as session:
        idea_id = queries.idea_behind(session, "benefit", benefit_id, viewer())
        place = place_for_staff(session, idea_id)
        title, language = queries.title_of(session, idea_id)
        zone = queries.zone_of(session, place.lab_id)
        benefit = next(b for b in queries.benefits_of(session, idea_id) if b.id == benefit_id)
    refuse(why_not(Action.MEASURE_BENEFIT, place, viewer()))
    form = MeasureForm(measured_on=local_day(now, zone))
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            commands.measure_benefit(
                session,
                benefit_id=benefit_id,
                measured=form.measured.data or 0.0,
                measured_on=form.measured_on.data or local_day(now, zone),
                measure_next=form.measure_next.data,
                person=viewer(),
                now=now,
            )
        if not form.refused:
            return back(url_for("pipeline.benefits", idea_id=idea_id), _("Written down. It is in the story."))
    html = render_template(
        "pipeline/measure.html", form=form, place=place, title=title, language=language, b=benefit
    )
    return html, _status(form)
