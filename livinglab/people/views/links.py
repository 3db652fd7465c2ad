"""Pages behind mailed links. Opening one does nothing; its button does, in any browser."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.people import commands
from livinglab.people.forms import NewPasswordForm
from livinglab.people.models import LinkPurpose
from livinglab.people.queries import LinkFacts, link_facts
from livinglab.people.views.blueprint import accounts, chosen_password, come_in, go_on, status_of
from livinglab.privacy.commands import Published, erase_person
from livinglab.web import access
from livinglab.web.access import public, signed_in, viewer
from livinglab.web.database import db
from livinglab.web.forms import ActionForm
from livinglab.web.limits import door
from livinglab.web.respond import back


def _facts(token: str, purpose: LinkPurpose) -> LinkFacts | None:
    with db.reading() as session:
        return link_facts(session, token, (purpose,), utc_now())


def _void(purpose: LinkPurpose) -> tuple[str, int]:
    """Say that a link is used or too old, and how to get another."""
    return render_template("people/link_void.html", purpose=purpose.value), 404


@accounts.get("/confirm/<token>")
@public
def confirm(token: str) -> str | Response | tuple[str, int]:
    """Show whose account it is, and ask."""
    facts = _facts(token, LinkPurpose.CONFIRM)
    if facts is None and viewer().trust > 0:
        return back(url_for("me.home"), _("Your address is confirmed."))
    return (
        render_template("people/confirm.html", facts=facts, token=token)
        if facts
        else _void(LinkPurpose.CONFIRM)
    )


@accounts.post("/confirm/<token>")
@public
@door("token", "60 per hour")
def confirm_now(token: str) -> Response | tuple[str, int]:
    """Confirm the address; what waited for it goes on."""
    ActionForm.require()
    if _facts(token, LinkPurpose.CONFIRM) is None:
        return _void(LinkPurpose.CONFIRM)
    with db.writing() as session:
        came = commands.confirm_address(session, token=token, now=utc_now())
        device = come_in(session, came, utc_now())
    if device:
        access.sign_in(device)
    if came.joined_from:
        flash(_("Welcome back. What you had just written lies among your drafts."), "success")
    else:
        flash(_("Thank you. Your address is confirmed."), "success")
    return go_on(came.next_path)


@accounts.post("/confirm/<token>/not-me")
@public
@door("token", "60 per hour")
def not_me(token: str) -> Response | tuple[str, int]:
    """Throw away an account that somebody made with another's address."""
    ActionForm.require()
    if _facts(token, LinkPurpose.CONFIRM) is None:
        return _void(LinkPurpose.CONFIRM)
    with db.writing() as session:
        person_id = commands.disown(session, token=token, now=utc_now())
        erase_person(session, person_id=person_id, published=Published.BLANK, now=utc_now())
    return back(url_for("front.home"), _("The account has been thrown away. Thank you for telling us."))


@accounts.post("/confirm-again")
@signed_in
def send_again() -> Response:
    """Mail a fresh link to confirm the address."""
    ActionForm.require()
    with db.writing() as session:
        commands.send_confirmation_again(session, person_id=viewer().known_id, now=utc_now())
    return back(url_for("me.home"), _("We have sent the link once more."))


@accounts.get("/sign-in/link/<token>")
@public
def arrive(token: str) -> str | tuple[str, int]:
    """Show as whom the link signs in, and ask."""
    facts = _facts(token, LinkPurpose.SIGN_IN)
    return (
        render_template("people/arrive.html", facts=facts, token=token)
        if facts
        else _void(LinkPurpose.SIGN_IN)
    )


@accounts.post("/sign-in/link/<token>")
@public
@door("token", "60 per hour")
def arrive_now(token: str) -> Response | tuple[str, int]:
    """Sign in by a mailed link."""
    ActionForm.require()
    if _facts(token, LinkPurpose.SIGN_IN) is None:
        return _void(LinkPurpose.SIGN_IN)
    with db.writing() as session:
        came = commands.use_sign_in_link(session, token=token, now=utc_now())
        device = come_in(session, came, utc_now())
    if device:
        access.sign_in(device)
    return go_on(came.next_path)


@accounts.route("/reset/<token>", methods=["GET", "POST"])
@public
@door("token", "60 per hour")
def set_password(token: str) -> str | Response | tuple[str, int]:
    """Choose a new password by a mailed link."""
    facts = _facts(token, LinkPurpose.RESET)
    if facts is None:
        return _void(LinkPurpose.RESET)
    form = NewPasswordForm()
    if form.validate_on_submit():
        with form.catching():
            password = chosen_password(form.password.data, email=facts.email, name=facts.name)
            with db.writing() as session:
                came = commands.reset_password(session, token=token, password=password, now=utc_now())
                access.sign_out()  # every device has just ended, this one too
                device = come_in(session, came, utc_now())
            access.sign_in(device or "")
            flash(_("Your new password counts from now on. All other devices are signed out."), "success")
            return go_on(came.next_path)
    return render_template("people/set_password.html", form=form, facts=facts, token=token), status_of(form)


@accounts.get("/settings/address/<token>")
@public
def new_address(token: str) -> str | tuple[str, int]:
    """Show the new address, and ask."""
    facts = _facts(token, LinkPurpose.CHANGE_EMAIL)
    if facts is None:
        return _void(LinkPurpose.CHANGE_EMAIL)
    return render_template("people/new_address.html", facts=facts, token=token)


@accounts.post("/settings/address/<token>")
@public
@door("token", "60 per hour")
def new_address_now(token: str) -> Response | tuple[str, int]:
    """Make the new address count."""
    ActionForm.require()
    if _facts(token, LinkPurpose.CHANGE_EMAIL) is None:
        return _void(LinkPurpose.CHANGE_EMAIL)
    with db.writing() as session:
        commands.confirm_email_change(session, token=token, now=utc_now())
    flash(_("Your new address counts from now on."), "success")
    target = "accounts.security" if viewer().signed_in else "accounts.sign_in"
    return redirect(url_for(target), 303)
