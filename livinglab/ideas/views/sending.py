"""What becomes of a draft: sent in, on its way to a facilitator, or thrown away."""

from __future__ import annotations

from flask import make_response, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from livinglab.core.clock import due_in_working_days, utc_now
from livinglab.core.errors import NotFound
from livinglab.core.viewer import Role
from livinglab.ideas.commands import drop_draft
from livinglab.ideas.models import Publication
from livinglab.ideas.queries.drafts import own_draft
from livinglab.ideas.queries.places import places
from livinglab.ideas.views.blueprint import bp, draft_hash, enter
from livinglab.labs.queries import holders, people_by_id
from livinglab.moderation.commands import submit_idea
from livinglab.moderation.rules import DECIDE_WITHIN_DAYS
from livinglab.web.access import public, signed_in, viewer
from livinglab.web.database import db
from livinglab.web.forms import ActionForm
from livinglab.web.respond import back


@bp.route("/ideas/<int:idea_id>/send", methods=["GET", "POST"])
@signed_in
def send(idea_id: int) -> Response:
    """Send in a draft that came along from before the person had an account."""
    with db.reading() as session:
        draft = own_draft(session, idea_id, viewer())
        lab = places(session).lab(draft.lab_id)
    if lab is not None:
        enter(lab.brief)
    waiting = draft.wants_publishing and viewer().trust < 1
    if waiting or draft.publication not in (Publication.DRAFT, Publication.RETURNED):
        return redirect(url_for("ideas.sent", idea_id=idea_id), 303)
    form = ActionForm()
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            submit_idea(session, idea_id=idea_id, person=viewer(), now=utc_now())
        if not form.refused:
            return redirect(url_for("ideas.sent", idea_id=idea_id), 303)
    page = render_template("ideas/send.html", form=form, draft=draft, lab=lab, days=DECIDE_WITHIN_DAYS)
    return make_response(page, form.refused.status if form.refused else 200)


@bp.get("/ideas/<int:idea_id>/sent")
@signed_in
def sent(idea_id: int) -> Response:
    """Say what happens now, who does it and by when."""
    with db.reading() as session:
        draft = own_draft(session, idea_id, viewer())
        lab = places(session).lab(draft.lab_id)
        if lab is None:
            raise NotFound("no-such-lab", "")
        crew = people_by_id(session, set(holders(session, lab.id, Role.FACILITATOR)))
    enter(lab.brief)
    if draft.publication is Publication.DRAFT and not draft.wants_publishing:
        return redirect(url_for("ideas.write", idea=idea_id), 303)
    since = max(draft.submitted_at or draft.edited_at, draft.edited_at)  # sent in again: the days begin anew
    due = due_in_working_days(since, DECIDE_WITHIN_DAYS, lab.brief.timezone, lab.brief.country)
    readers = [one for key, one in crew.items() if key != viewer().person_id]
    page = render_template("ideas/sent.html", draft=draft, lab=lab, due=due, readers=readers)
    return make_response(page)


@bp.route("/ideas/<int:idea_id>/drop", methods=["GET", "POST"])
@public
def drop(idea_id: int) -> Response:
    """Throw a draft away, after asking."""
    with db.reading() as session:
        draft = own_draft(session, idea_id, viewer(), token_hash=draft_hash())
    form = ActionForm()
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            drop_draft(session, idea_id=idea_id, person=viewer(), token_hash=draft_hash())
        if not form.refused:
            return back(
                url_for("me.home" if viewer().signed_in else "ideas.index"), _("The draft is deleted.")
            )
    return make_response(
        render_template("ideas/drop.html", form=form, draft=draft), 409 if form.refused else 200
    )
