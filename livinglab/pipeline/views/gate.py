"""The gate: reading, proposing, confirming; and the decision that everybody can read."""

from __future__ import annotations

from datetime import timedelta

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from livinglab.core.clock import utc_now
from livinglab.core.errors import NotFound, Refused
from livinglab.labs.queries import lab_brief
from livinglab.pipeline import commands, queries
from livinglab.pipeline.forms import DecideForm, ReturnForm, VersionForm
from livinglab.pipeline.models import GateDecision
from livinglab.pipeline.queries import GatePage
from livinglab.pipeline.rules import HOLD_DAYS, Action, why_not_touch_proposal
from livinglab.pipeline.views.room import (
    Answer,
    act,
    bp,
    decide_form_of,
    enter,
    place_for_staff,
    show_gate,
    work,
    written,
)
from livinglab.web.access import public, viewer
from livinglab.web.database import db
from livinglab.web.forms import Form
from livinglab.web.respond import back


@bp.get("/reviews/<int:review_id>")
@work
def review(review_id: int) -> Answer:
    """One opening of a gate: what is known, and what is decided."""
    with db.reading() as session:
        idea_id = queries.idea_behind(session, "review", review_id, viewer())
        place = place_for_staff(session, idea_id)
        decided = queries.decision_of_review(session, review_id)
    if decided is not None:
        return redirect(url_for("pipeline.decision", decision_id=decided), 303)
    if place.review_id != review_id:
        return redirect(url_for("pipeline.gate", idea_id=idea_id), 303)
    return show_gate(idea_id)


@bp.get("/ideas/<int:idea_id>/gate")
@work
def gate(idea_id: int) -> Answer:
    """The gate ahead of an idea; where a review is open, that."""
    with db.reading() as session:
        place = place_for_staff(session, idea_id)
    if place.review_id is not None:
        return redirect(url_for("pipeline.review", review_id=place.review_id), 303)
    if place.gate is None:
        return redirect(url_for("pipeline.benefits", idea_id=idea_id), 303)
    return show_gate(idea_id)


@bp.post("/reviews/<int:review_id>/propose")
@work
def propose(review_id: int) -> Answer:
    """Write the first decider's decision."""
    with db.reading() as session:
        idea_id = queries.idea_behind(session, "review", review_id, viewer())
        place_for_staff(session, idea_id)
        page = queries.gate_page(session, idea_id, utc_now())
    form = decide_form_of(page)
    made = None
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            made = commands.propose(
                session, review_id=review_id, draft=form.draft(), person=viewer(), now=utc_now()
            )
    if made is None:
        return show_gate(idea_id, form=form, problem=_of_the_page(form))
    if isinstance(made, GateDecision):
        return back(
            url_for("pipeline.decision", decision_id=made.id), _("Decided. Everybody can read it now.")
        )
    return back(
        url_for("pipeline.review", review_id=review_id), _("Signed. It now waits for a second decider.")
    )


@bp.route("/proposals/<int:proposal_id>/edit", methods=["GET", "POST"])
@work
def edit_proposal(proposal_id: int) -> Answer:
    """Change one's own proposal; it becomes a new version. What was written is kept whatever came between."""
    page = _page_of(proposal_id)
    idea_id = page.place.idea_id
    problem = _why_not_edit(page, proposal_id)
    if problem is not None and (request.method == "GET" or problem.status in (403, 404)):
        raise problem
    form = decide_form_of(page, **written(page.proposal))
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            commands.edit_proposal(
                session,
                proposal_id=proposal_id,
                version=_version(form),
                draft=form.draft(),
                person=viewer(),
                now=utc_now(),
            )
        if not form.refused:
            return back(
                url_for("pipeline.gate", idea_id=idea_id),
                _("Changed. The second decider sees the new version."),
            )
        page = _page_of(proposal_id)
        if _why_not_edit(page, proposal_id):
            return show_gate(idea_id, form=form, problem=form.refused)
    newer = page.proposal if form.refused and form.refused.code == "proposal-changed" else None
    if newer is not None:
        form.version.data = str(newer.version)  # it is shown beside, and read before it is signed again
    html = render_template(
        "pipeline/edit.html",
        page=page,
        form=form,
        newer=newer,
        today=utc_now().date(),
        hold_span=timedelta(days=HOLD_DAYS),
    )
    return html, 422 if form.is_submitted() else 200


def _page_of(proposal_id: int) -> GatePage:
    with db.reading() as session:
        idea_id = queries.idea_behind(session, "proposal", proposal_id, viewer())
        place_for_staff(session, idea_id)
        return queries.gate_page(session, idea_id, utc_now())


def _why_not_edit(page: GatePage, proposal_id: int) -> Refused | None:
    """Say why the proposal that stands cannot be changed by the person who looks."""
    return why_not_touch_proposal(
        Action.EDIT_PROPOSAL,
        page.place,
        viewer(),
        proposal_id=proposal_id,
        version=page.proposal.version if page.proposal else 0,
    )


def _of_the_page(form: Form) -> Refused | None:
    """Return a refusal that belongs to no field: the page says it, also where the form is gone."""
    problem = form.refused
    return problem if problem is not None and (problem.field or "") not in form else None


def _version(form: DecideForm | ReturnForm | VersionForm) -> int:
    """Return the version that was read; what is no number was never read."""
    read = str(form.version.data or "")
    return int(read) if read.isdecimal() and len(read) < 9 else 0


def _idea_of(proposal_id: int) -> int:
    with db.reading() as session:
        idea_id = queries.idea_behind(session, "proposal", proposal_id, viewer())
        place_for_staff(session, idea_id)
    return idea_id


@bp.post("/proposals/<int:proposal_id>/confirm")
@work
def confirm(proposal_id: int) -> Answer:
    """Agree to exactly the version that was read; the idea moves."""
    idea_id, form = _idea_of(proposal_id), VersionForm()
    made: list[int] = []
    if not form.validate_on_submit():
        return show_gate(idea_id)

    def do(session: Session) -> None:
        decision = commands.confirm(
            session, proposal_id=proposal_id, version=_version(form), person=viewer(), now=utc_now()
        )
        made.append(decision.id or 0)

    answer = act(idea_id, do, done=_l("Decided. Everybody can read it now."))
    return redirect(url_for("pipeline.decision", decision_id=made[0]), 303) if made else answer


@bp.post("/proposals/<int:proposal_id>/withdraw")
@work
def withdraw_proposal(proposal_id: int) -> Answer:
    """Take one's own proposal back."""
    idea_id, form = _idea_of(proposal_id), VersionForm()
    if not form.validate_on_submit():
        return show_gate(idea_id)
    return act(
        idea_id,
        lambda session: commands.withdraw_proposal(
            session, proposal_id=proposal_id, version=_version(form), person=viewer(), now=utc_now()
        ),
        done=_l("Taken back. The review is open for a new proposal."),
    )


@bp.post("/proposals/<int:proposal_id>/return")
@work
def return_proposal(proposal_id: int) -> Answer:
    """Send a proposal back to its writer with a note; a decision of one's own sent with it is kept."""
    idea_id, form = _idea_of(proposal_id), ReturnForm()
    kept = decide_form_of(_page_of(proposal_id)) if "reason" in request.form else None
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            commands.return_proposal(
                session,
                proposal_id=proposal_id,
                version=_version(form),
                note=form.note.data or "",
                person=viewer(),
                now=utc_now(),
            )
        if not form.refused:
            if kept is None:
                return back(url_for("pipeline.gate", idea_id=idea_id), _("Sent back with your note."))
            flash(_("Sent back with your note. Yours stands here: read it again and sign."), "success")
            return show_gate(idea_id, form=kept)
    return show_gate(idea_id, form=kept, back_form=form, problem=_of_the_page(form))


@bp.get("/gate-decisions/<int:decision_id>")
@public
def decision(decision_id: int) -> Answer:
    """What was decided at a gate, by whom and why: public, for ever."""
    with db.reading() as session:
        shown = queries.decision_shown(session, decision_id, viewer())
        lab = lab_brief(session, shown.lab_id)
        others = queries.decisions_of(session, shown.idea_id)
        where = queries.whereabouts(session, shown.idea_id, utc_now())
    if where is None:
        raise NotFound("no-such-decision", _l("There is no such decision."))
    enter(lab)
    return render_template("pipeline/decision.html", d=shown, lab=lab, others=others, where=where)
