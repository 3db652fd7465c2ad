"""The versions of an idea, one of them whole, and what differs between two."""

from __future__ import annotations

from flask import make_response, render_template
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from livinglab.core.errors import NotFound
from livinglab.ideas.queries.page import idea_page
from livinglab.ideas.queries.versions import compare, version_text, versions_of
from livinglab.ideas.views.blueprint import bp, enter
from livinglab.web.access import public, viewer
from livinglab.web.database import db
from livinglab.web.paging import number_arg

FIELDS = {
    "title": _l("Title"),
    "summary": _l("In one sentence"),
    "body": _l("Text"),
    "gains": _l("Who gains"),
    "place": _l("Place"),
    "link": _l("Link"),
    "image_alt": _l("What the picture shows"),
}


@bp.get("/ideas/<int:idea_id>/versions")
@public
def versions(idea_id: int) -> Response:
    """List the versions, the newest first."""
    with db.reading() as session:
        idea = idea_page(session, idea_id, viewer())
        rows = versions_of(session, idea_id, viewer(), author_id=idea.author_id, lab_id=idea.lab.id)
    enter(idea.lab)
    return make_response(render_template("ideas/versions.html", idea=idea, rows=rows))


@bp.get("/ideas/<int:idea_id>/versions/<int:number>")
@public
def version(idea_id: int, number: int) -> Response:
    """Show one version as it was."""
    with db.reading() as session:
        idea = idea_page(session, idea_id, viewer())
        found = version_text(session, idea_id, number, viewer())
    enter(idea.lab)
    return make_response(render_template("ideas/version.html", idea=idea, found=found))


@bp.get("/ideas/<int:idea_id>/versions/compare")
@public
def compare_versions(idea_id: int) -> Response:
    """Show what differs between two versions."""
    older, newer = number_arg("old") or 0, number_arg("new") or 0
    if older == newer:
        raise NotFound("no-such-version", _l("Choose two different versions."))
    with db.reading() as session:
        idea = idea_page(session, idea_id, viewer())
        found = compare(session, idea_id, min(older, newer), max(older, newer), viewer())
        rows = versions_of(session, idea_id, viewer(), author_id=idea.author_id, lab_id=idea.lab.id)
    enter(idea.lab)
    return make_response(
        render_template("ideas/compare.html", idea=idea, found=found, rows=rows, fields=FIELDS)
    )
