"""Pictures people handed in, for those who may see what they belong to (invariant I-11)."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Response, abort, send_file
from sqlmodel import col

from livinglab.core.files import StoredFile, image_path
from livinglab.core.viewer import VISITOR, Viewer
from livinglab.ideas.queries.pictures import of_visible_idea
from livinglab.ideas.views.blueprint import draft_hash
from livinglab.people.models import Person
from livinglab.pipeline.queries.pictures import of_visible_evidence
from livinglab.web.access import public, viewer
from livinglab.web.database import db, settings

FOR_ALL_S = 300
"""How long a browser or cache keeps a public picture unasked: so long a hidden one may linger there."""


@public
def picture(key: str, size: str) -> Response:
    """Serve a stored picture in one of its sizes."""
    path = image_path(settings().instance / "uploads", key, size)
    if path is None:
        abort(404)
    for_all = _may_see(key, VISITOR, None)
    if not for_all and not _may_see(key, viewer(), draft_hash()):
        abort(404)
    response = send_file(path, mimetype="image/webp", max_age=FOR_ALL_S)
    if not for_all:
        response.headers["Cache-Control"] = "private, no-store"
    return response


def _may_see(key: str, person: Viewer, claim_hash: str | None) -> bool:
    photo = sa.select(col(Person.id)).where(col(Person.photo_id) == col(StoredFile.id))
    shown = sa.or_(photo.exists(), of_visible_idea(person, claim_hash), of_visible_evidence(person))
    with db.reading() as session:
        return (
            session.scalar(sa.select(col(StoredFile.id)).where(col(StoredFile.key) == key, shown)) is not None
        )
