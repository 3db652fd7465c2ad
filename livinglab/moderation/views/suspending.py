"""Suspending somebody, who is suspended, lifting it; and the letter before whoever cannot sign in."""

from __future__ import annotations

from flask import make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.core.errors import refuse
from livinglab.labs.queries import lab_brief
from livinglab.moderation.commands import appeal as file_appeal
from livinglab.moderation.commands import lift_suspension
from livinglab.moderation.commands import suspend as suspend_author
from livinglab.moderation.forms import AppealForm, SuspendForm
from livinglab.moderation.queries import case_page, moderated_labs, suspended, suspension_page
from livinglab.moderation.rules import SUSPEND_DAYS
from livinglab.moderation.views.blueprint import bp, enter, letter_of, shown
from livinglab.moderation.views.queue import moderating, why_not_suspend_author
from livinglab.web.access import public, viewer
from livinglab.web.database import db
from livinglab.web.forms import ActionForm
from livinglab.web.limits import door
from livinglab.web.paging import number_arg
from livinglab.web.respond import back


@bp.route("/moderation/cases/<int:case_id>/suspend", methods=["GET", "POST"])
@moderating
def suspend(case_id: int) -> Response:
    """Let the author of what a case is about not come in for a time."""
    with db.reading() as session:
        page = case_page(session, case_id, viewer(), utc_now())
        enter(lab_brief(session, page.lab_id))
    the_case = url_for("moderation.case", case_id=case_id, lab=number_arg("lab"))
    problem = why_not_suspend_author(page)
    if problem is not None and problem.code == "already-suspended" and request.method == "GET":
        return back(the_case, str(problem.reason), tone="warning")  # a colleague was quicker
    refuse(problem)
    form = SuspendForm()
    form.days.choices = [(str(days), ngettext("%(num)d day", "%(num)d days", days)) for days in SUSPEND_DAYS]
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            suspend_author(
                session, case_id=case_id, person=viewer(), days=int(form.days.data),
                rule=form.rule.data or None, facts=form.facts.data or "", now=utc_now(),
            )  # fmt: skip
        if not form.refused:
            sent = _("The author is suspended and has been told why.")
            return back(the_case, sent)
    html = render_template(
        "moderation/suspend.html", case=page, form=form, face=shown(page.by), lab_id=number_arg("lab")
    )
    return make_response(html, 422 if form.failed else 200)


@bp.get("/moderation/suspended")
@moderating
def suspensions() -> str:
    """Show who is suspended in the name of one's labs."""
    with db.reading() as session:
        rows = suspended(session, viewer())
        here = {row.lab_id for row in rows} | moderated_labs(viewer())
        labs = {lab: lab_brief(session, lab) for lab in here}
    if labs:
        enter(labs[min(labs)])
    return render_template("moderation/suspended.html", rows=rows, labs=labs, shown=shown)


@bp.post("/moderation/suspended/<int:decision_id>/lift")
@moderating
def lift(decision_id: int) -> Response:
    """Let somebody come in again before the time is over."""
    ActionForm.require()
    with db.writing() as session:
        lift_suspension(session, decision_id=decision_id, person=viewer(), now=utc_now())
    return back(url_for("moderation.suspensions"), _("The suspension is lifted. The person has been told."))


@bp.route("/suspensions/<key>", methods=["GET", "POST"])
@public
@door("suspension", "60 per hour")
def suspension(key: str) -> Response:
    """Read by the letter's link why one is suspended, and appeal it: without signing in, which is barred."""
    form = AppealForm()
    with db.reading() as session:
        page, person = suspension_page(session, key, utc_now())
        enter(lab_brief(session, page.lab_id))
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            file_appeal(session, decision_id=page.id, person=person, text=form.text.data or "", now=utc_now())
        if not form.refused:
            sent = _("Your appeal has been sent. Somebody who was not involved decides it.")
            return back(url_for("moderation.suspension", key=key), sent)
    values = {"page": page, "form": form, "letter": letter_of(page), "own": True, "face": shown(page.by)}
    html = render_template("moderation/decision.html", **values)
    response = make_response(html, 422 if form.failed else 200)
    response.headers["Cache-Control"] = "no-store"  # whoever holds the link reads it, no cache between
    return response
