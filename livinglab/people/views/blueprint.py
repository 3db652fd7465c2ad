"""What the pages of accounts share: the blueprint, and coming in."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from flask import Blueprint, current_app, redirect, request, url_for
from flask.globals import request_ctx
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.core.errors import Refused
from livinglab.ideas.commands import claim_drafts
from livinglab.ideas.rules import claim_hash
from livinglab.moderation.commands import submit_waiting_drafts
from livinglab.people.commands import Arrived, close_device, open_device, renew_device
from livinglab.people.queries import Account, signed_in_since
from livinglab.people.rules import FRESH_FOR, NewPassword, Proof, new_password, prove, why_not_current
from livinglab.privacy.commands import join_accounts
from livinglab.web import access
from livinglab.web.database import db, settings
from livinglab.web.forms import Form
from livinglab.web.respond import safe_path

DRAFT_COOKIE = "livinglab_draft"
OWN_PAGES = ("/sign-in", "/sign-out", "/register", "/reset", "/confirm")

WHY_SIGN_IN = {
    "ideas.comment": _l(
        "Sign in to write in the conversation, so that people can answer you. You come straight back."
    ),
}
WHY_ELSE = _l("The page you chose is for people who are signed in. You come straight back to it.")

accounts = Blueprint("accounts", __name__)


def wanted_path() -> str | None:
    """Return the page of ours the person came for, if it is not an account page again."""
    target = safe_path(request.values.get("next"))
    return None if target and target.startswith(OWN_PAGES) else target


def why_sign_in(path: str | None) -> object:
    """Say why the page somebody came for asks them to sign in; nothing where anybody may read it."""
    try:
        endpoint, _values = request_ctx.url_adapter.match(urlsplit(path or "/").path, "GET")  # type: ignore[union-attr]
    except HTTPException:
        return None
    mark = access.mark_of(current_app.view_functions[endpoint])
    if mark is None or mark.kind == "public":
        return None
    return WHY_SIGN_IN.get(endpoint, WHY_ELSE)


def go_on(next_path: str | None) -> Response:
    """Go to the page the person came for, or to their own."""
    response = redirect(safe_path(next_path) or url_for("me.home"), 303)
    if DRAFT_COOKIE in request.cookies:
        response.delete_cookie(DRAFT_COOKIE)
    return response


def settle_in(session: Session, person_id: int, now: datetime) -> None:
    """End what this browser was signed in as, and give the person the drafts its cookie points to."""
    old = access.device_token()
    if old:
        close_device(session, token=old)
    cookie = request.cookies.get(DRAFT_COOKIE)
    if cookie:
        claim_drafts(session, token_hash=claim_hash(cookie), person_id=person_id, now=now)


def come_in(session: Session, came: Arrived, now: datetime) -> str | None:
    """Let somebody in who came by a link: what they wrote comes along and goes on.

    Returns:
        A device's token, or ``None`` where this browser is signed in as that person already.
    """
    if came.joined_from is not None:
        join_accounts(session, from_id=came.joined_from, into_id=came.person_id, now=now)
    token = None
    here = access.device_token()
    same = here is not None and access.viewer().person_id == came.person_id
    if not (here and same and renew_device(session, token=here, now=now)):
        token = open_device(session, came.person_id, now)
        settle_in(session, came.person_id, now)
    if came.confirmed_now:  # last: ideas and comments are locked after devices
        submit_waiting_drafts(session, came.person_id, now)
    return token


def proof_of(account: Account, password: str | None) -> Proof:
    """Compare the present password; where there is none, look how lately this browser came by a link."""
    if not account.has_password:
        return Proof(good=False, against=None, fresh=_came_lately())
    return prove(password or "", account.password_hash)


def _came_lately() -> bool:
    token = access.device_token()
    with db.reading() as session:
        since = signed_in_since(session, token) if token else None
    return since is not None and utc_now() - since <= FRESH_FOR


def why_not_alone(account: Account) -> Refused | None:
    """Say why this browser may not change the account yet, where no password can be asked for."""
    if account.has_password:
        return None
    return why_not_current(proof_of(account, None), password_hash=None, mailbox=account.confirmed)


def chosen_password(password: str | None, *, email: str, name: str) -> NewPassword:
    """Check and hash a password somebody has chosen here."""
    return new_password(password or "", email=email, name=name, site=settings().site_name)


def status_of(form: Form) -> int:
    """Return the status of a page that shows a form: new, refused, or not well filled in."""
    if form.refused is not None:
        return form.refused.status
    return 422 if form.is_submitted() else 200
