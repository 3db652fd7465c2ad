"""What the pages of this room share: the blueprint, entering a lab, the cookie of a visitor's draft."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from flask import Blueprint, current_app, g, request
from flask_babel import gettext as _
from itsdangerous import BadSignature, Signer
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from livinglab.core.tokens import new_token
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Byline
from livinglab.ideas.rules import DRAFT_DAYS, claim_hash
from livinglab.labs.queries import LabBrief
from livinglab.people.queries import pseudonym_read
from livinglab.web.database import settings
from livinglab.web.locale import enter_lab

bp = Blueprint("ideas", __name__)
DRAFT_COOKIE = "livinglab_draft"
"""Accounts read it too: signing in binds the drafts it points to, by ``claim_hash`` of its whole value."""


def enter(lab: LabBrief) -> None:
    """Say which lab the page is about: its colour, languages and clock."""
    g.lab = lab
    enter_lab(lab.languages, lab.timezones)


def _signer() -> Signer:
    return Signer(str(current_app.secret_key), salt="draft", digest_method=hashlib.sha256)


def draft_cookie() -> str | None:
    """Return the token of this browser's drafts, if it has one that we signed."""
    value = request.cookies.get(DRAFT_COOKIE, "")
    try:
        _signer().unsign(value)
    except BadSignature:
        return None
    return value


def draft_hash() -> str | None:
    """Return what the rows keep of this browser's token."""
    token = draft_cookie()
    return claim_hash(token) if token else None


def fresh_draft_token() -> str:
    """Return a new token for this browser, signed."""
    return _signer().sign(new_token().encode()).decode()


def give_draft_cookie(response: Response, token: str) -> Response:
    """Let the browser keep the token as long as an unclaimed draft is kept (rule I1)."""
    response.set_cookie(
        DRAFT_COOKIE,
        token,
        max_age=timedelta(days=DRAFT_DAYS),
        httponly=True,
        samesite="Lax",
        secure=settings().secure,
    )
    return response


def byline_labels(session: Session, person: Viewer) -> dict[str, tuple[object, object]]:
    """Return for each byline how it will look and what it means, for the three large choices."""
    if not person.signed_in:
        return {
            Byline.NAME.value: (_("My name"), _("as you give it when you make your account")),
            Byline.PSEUDONYM.value: (_("A pseudonym"), _("a name you choose in your settings")),
            Byline.RESIDENT.value: (_("A resident"), _("without a name")),
        }
    return bylines_with(person, pseudonym_read(person).alone(session))


def bylines_with(person: Viewer, pseudonym: str) -> dict[str, tuple[object, object]]:
    """Return the three choices for somebody who is signed in."""
    chosen = (
        (pseudonym, _("your pseudonym"))
        if pseudonym
        else (_("A pseudonym"), _("choose one in your settings; until then you are “A resident”"))
    )
    return {
        Byline.NAME.value: (person.name, _("your name")),
        Byline.PSEUDONYM.value: chosen,
        Byline.RESIDENT.value: (_("A resident"), _("without a name")),
    }
