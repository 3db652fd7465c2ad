"""Giving support and taking it back, from the page of an idea."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.core.errors import NotFound, Refused
from livinglab.ideas.queries.visibility import visible_idea
from livinglab.ideas.rules import NO_SUCH_IDEA
from livinglab.labs.queries import lab_brief
from livinglab.voting.commands import support_idea, withdraw_support
from livinglab.voting.queries import support_state
from livinglab.web.access import signed_in, viewer
from livinglab.web.database import db
from livinglab.web.forms import ActionForm
from livinglab.web.locale import enter_lab
from livinglab.web.respond import back, fragment_wanted

bp = Blueprint("voting", __name__)


@bp.post("/ideas/<int:idea_id>/support")
@signed_in
def give(idea_id: int) -> Response:
    """Back an idea; the answer is sent after the commit (rule V2)."""
    ActionForm.require()
    problem: Refused | None = None
    try:
        with db.writing() as session:
            support_idea(session, idea_id=idea_id, person=viewer(), now=utc_now())
    except Refused as refused:
        if isinstance(refused, NotFound) or not fragment_wanted():
            raise
        problem = refused
    return _answer(idea_id, _("Thank you. You support this idea."), problem)


@bp.post("/ideas/<int:idea_id>/support/withdraw")
@signed_in
def withdraw(idea_id: int) -> Response:
    """Take one's support back."""
    ActionForm.require()
    with db.writing() as session:
        had = withdraw_support(session, idea_id=idea_id, person=viewer())
    with db.reading() as session:
        seen = visible_idea(session, idea_id, viewer())
    if not seen and had:  # it was taken down meanwhile: its page cannot be gone back to
        return back(url_for("me.supports"), _("You have taken your support back."))
    if not seen:
        raise NO_SUCH_IDEA
    return _answer(idea_id, _("You have taken your support back."), None)


def _answer(idea_id: int, message: str, problem: Refused | None) -> Response:
    """Swap the act for htmx; go back to the idea for everybody else."""
    if not fragment_wanted():
        return back(url_for("ideas.page", idea_id=idea_id), message)
    with db.reading() as session:
        state = support_state(session, idea_id, viewer(), utc_now())
        lab = lab_brief(session, state.lab_id)
    enter_lab(lab.languages, lab.timezones)
    values: dict[str, Any] = {"support": state, "said": None if problem else message, "refused": problem}
    return make_response(render_template("voting/_act.html", **values), problem.status if problem else 200)
