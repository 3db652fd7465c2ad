"""A decision before its author, and an appeal before somebody who was not involved."""

from __future__ import annotations

from flask import make_response, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.ideas.models import Publication
from livinglab.labs.queries import lab_brief
from livinglab.moderation.commands import appeal as file_appeal
from livinglab.moderation.commands import decide_appeal
from livinglab.moderation.forms import AppealForm, DecideAppealForm
from livinglab.moderation.models import Action, AppealOutcome
from livinglab.moderation.queries import appeal_page, decision_page
from livinglab.moderation.views.blueprint import ACTION_NAMES, bp, enter, letter_of, shown
from livinglab.web.access import signed_in, viewer
from livinglab.web.database import db
from livinglab.web.respond import back


@bp.route("/decisions/<int:decision_id>", methods=["GET", "POST"])
@signed_in
def decision(decision_id: int) -> Response:
    """Read the statement of reasons of a decision on one's own text, and appeal it."""
    form = AppealForm()
    with db.reading() as session:
        page = decision_page(session, decision_id, viewer(), utc_now())
        enter(lab_brief(session, page.lab_id))
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            file_appeal(
                session, decision_id=decision_id, person=viewer(), text=form.text.data or "", now=utc_now()
            )
        if not form.refused:
            sent = _("Your appeal has been sent. Somebody who was not involved decides it.")
            return back(url_for("moderation.decision", decision_id=decision_id), sent)
    own = page.is_author
    html = render_template(
        "moderation/decision.html",
        page=page,
        form=form,
        letter=letter_of(page),
        own=own,
        face=shown(page.by),
    )
    return make_response(html, 422 if form.failed else 200)


@bp.route("/moderation/appeals/<int:appeal_id>", methods=["GET", "POST"])
@signed_in
def appeal(appeal_id: int) -> Response:
    """Decide an appeal. The administrator comes here where the lab has nobody who was not involved."""
    form = DecideAppealForm()
    with db.reading() as session:
        page = appeal_page(session, appeal_id, viewer(), utc_now())
        enter(lab_brief(session, page.decision.lab_id))
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            decide_appeal(
                session,
                appeal_id=appeal_id,
                person=viewer(),
                outcome=AppealOutcome(form.outcome.data),
                reasons=form.text.data or "",
                now=utc_now(),
            )
        if not form.refused:
            with db.reading() as session:
                decided = appeal_page(session, appeal_id, viewer(), utc_now()).decision
            sent = _("The appeal is decided. Its author has been told.")
            kept = decided.action is not Action.SUSPEND and decided.publication is not Publication.PUBLISHED
            if form.outcome.data == AppealOutcome.OVERTURNED.value and kept:
                sent = _("The appeal is decided. The text has changed since: somebody reads it first.")
            return back(url_for("moderation.appeal", appeal_id=appeal_id), sent)
    html = render_template(
        "moderation/appeal.html",
        page=page,
        form=form,
        letter=letter_of(page.decision),
        face=shown(page.decision.by),
        action_names=ACTION_NAMES,
    )
    return make_response(html, 422 if form.failed else 200)
