"""What the pages of accounts share: the blueprint, and coming in."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from livinglab.ideas.commands import claim_drafts
from livinglab.ideas.rules import claim_hash
from livinglab.moderation.commands import submit_waiting_drafts
from livinglab.people.commands import Arrived, close_device, open_device
from livinglab.people.queries import Account
from livinglab.people.rules import NewPassword, Proof, new_password, prove
from livinglab.privacy.commands import join_accounts
from livinglab.web import access
from livinglab.web.database import settings
from livinglab.web.forms import Form
from livinglab.web.respond import safe_path

DRAFT_COOKIE = "livinglab_draft"
OWN_PAGES = ("/sign-in", "/sign-out", "/register", "/reset", "/confirm")

accounts = Blueprint("accounts", __name__)


def wanted_path() -> str | None:
    """Return the page of ours the person came for, if it is not an account page again."""
    target = safe_path(request.values.get("next"))
    return None if target and target.startswith(OWN_PAGES) else target


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
    if access.viewer().person_id != came.person_id:
        token = open_device(session, came.person_id, now)
        settle_in(session, came.person_id, now)
    if came.confirmed_now:  # last: ideas and comments are locked after devices
        submit_waiting_drafts(session, came.person_id, now)
    return token


def proof_of(account: Account, password: str | None) -> Proof:
    """Compare the present password; nothing is compared where there is none to ask for."""
    if not account.has_password:
        return Proof(good=False, against=None)
    return prove(password or "", account.password_hash)


def chosen_password(password: str | None, *, email: str, name: str) -> NewPassword:
    """Check and hash a password somebody has chosen here."""
    return new_password(password or "", email=email, name=name, site=settings().site_name)


def status_of(form: Form) -> int:
    """Return the status of a page that shows a form: new, refused, or not well filled in."""
    if form.refused is not None:
        return form.refused.status
    return 422 if form.is_submitted() else 200
