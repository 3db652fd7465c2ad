"""A person's notices, and the link in each daily mail that ends it."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.core.viewer import Viewer
from livinglab.notices.commands import read_all, read_notice, stop_digest
from livinglab.notices.queries import notices_of
from livinglab.notices.queries.telling import ToldEvent
from livinglab.notices.rules.links import path_to
from livinglab.web.access import public, signed_in, viewer
from livinglab.web.database import db
from livinglab.web.forms import ActionForm
from livinglab.web.locale import in_chosen_language, language
from livinglab.web.paging import number_arg
from livinglab.web.respond import back

bp = Blueprint("notices", __name__)


@bp.get("/notices")
@signed_in
def index() -> str:
    """Show what happened to the ideas this person follows, newest first."""
    with db.reading() as session:
        shown, before = notices_of(session, viewer().known_id, language(), before=number_arg("before"))
    paths = {n.id: in_chosen_language(_path(n.event, viewer())) for n in shown}
    return render_template(
        "notices/index.html", notices=shown, paths=paths, before=before, first=not request.args.get("before")
    )


def _path(event: ToldEvent, person: Viewer) -> str:
    """Return where a notice leads: staff of the lab to their desk, everybody else to the idea."""
    works_there = event.lab_id is not None and person.is_staff(event.lab_id)
    return path_to(event.kind, event.idea_id, event.subject_id, event.data, at_once=works_there)


@bp.post("/notices/read")
@signed_in
def read_every() -> Response:
    """Mark all as read."""
    ActionForm.require()
    with db.writing() as session:
        read_all(session, person=viewer(), now=utc_now())
    return back(url_for("notices.index"), _("All notices are marked as read."))


@bp.post("/notices/<int:notice_id>/read")
@signed_in
def read_one(notice_id: int) -> Response:
    """Mark one as read."""
    ActionForm.require()
    with db.writing() as session:
        read_notice(session, notice_id=notice_id, person=viewer(), now=utc_now())
    return back(url_for("notices.index"))


@bp.get("/mail/stop/<mail_key>")
@public
def stop(mail_key: str) -> str:
    """Ask before ending the daily mail; opening a link changes nothing."""
    return render_template("notices/stop.html", mail_key=mail_key)


@bp.post("/mail/stop/<mail_key>")
@public
def stop_now(mail_key: str) -> str:
    """End the daily mail: from the page, or with one click in the mail program (RFC 8058)."""
    with db.writing() as session:
        stop_digest(session, mail_key=mail_key)
    return render_template("notices/stopped.html")


def exempt(csrf: CSRFProtect) -> None:
    """Let mail programs post to the one-click link: its key is the proof."""
    csrf.exempt(stop_now)
