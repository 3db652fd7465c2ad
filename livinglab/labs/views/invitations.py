"""The page behind an invitation's link."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.core.tokens import token_hash
from livinglab.labs import commands, queries
from livinglab.labs.forms.labs import ROLE_NAMES
from livinglab.labs.rules import why_not_accept
from livinglab.labs.views import showing
from livinglab.web.access import public, signed_in, viewer
from livinglab.web.database import db
from livinglab.web.forms import ActionForm
from livinglab.web.respond import back

bp = Blueprint("invitations", __name__, url_prefix="/invitations")


@bp.get("/<token>")
@public
def page(token: str) -> tuple[str, int]:
    """What is offered; whoever is signed in can accept with a button."""
    with db.reading() as session:
        offer = queries.invitation_by_token(session, token_hash(token), utc_now())
        lab = showing.enter(queries.lab_brief(session, offer.lab_id))
        told = queries.lab_texts(session, offer.lab_id)
    problem = why_not_accept(viewer(), state=offer.state)
    page = render_template(
        "setup/invitation.html", offer=offer, lab=lab, told=told, token=token, role_names=ROLE_NAMES,
        problem=problem, showing=showing,
    )  # fmt: skip
    return page, 200 if offer.state == "waiting" else 410


@bp.post("/<token>")
@signed_in
def accept(token: str) -> Response:
    """Take up what is offered."""
    ActionForm.require()
    with db.writing() as session:
        taken = commands.accept_invitation(session, token=token, person=viewer(), now=utc_now())
        lab = queries.lab_brief(session, taken.lab_id)
    return back(
        url_for("work.home"), _("Welcome to %(lab)s. This page shows what waits for you.", lab=lab.name)
    )
