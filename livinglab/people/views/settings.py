"""Settings: how one is shown, how one signs in, and leaving."""

from __future__ import annotations

from pathlib import Path

from flask import render_template, url_for
from flask_babel import gettext as _
from flask_babel import refresh
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.core.db import known_id
from livinglab.core.errors import Refused
from livinglab.core.files import remove_image, store_image
from livinglab.core.tokens import token_hash
from livinglab.people import commands
from livinglab.people.forms import AddressForm, DeleteForm, PasswordForm, PhotoForm, ProfileForm
from livinglab.people.queries import Account, account_of, devices_of
from livinglab.people.rules import new_password
from livinglab.people.views.blueprint import accounts, proof_of, status_of
from livinglab.privacy.commands import Published, erase_person
from livinglab.web import access
from livinglab.web.access import signed_in, viewer
from livinglab.web.database import db
from livinglab.web.database import settings as config
from livinglab.web.forms import ActionForm, Form
from livinglab.web.limits import door
from livinglab.web.respond import back


def _account() -> Account:
    with db.reading() as session:
        return account_of(session, viewer().known_id, utc_now())


def _uploads() -> Path:
    return Path(config().instance) / "uploads"


@accounts.route("/settings", methods=["GET", "POST"])
@signed_in
def settings() -> Response | tuple[str, int]:
    """Name, pseudonym, language, a few words, the daily mail."""
    account = _account()
    form = ProfileForm(obj=account)
    if not viewer().is_staff_anywhere:
        del form.title
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            commands.change_profile(
                session,
                person_id=account.id,
                name=form.name.data or "",
                pseudonym=form.pseudonym.data or "",
                language=form.language.data,
                bio=form.bio.data or "",
                title=form.title.data if "title" in form else None,
            )
            commands.set_digest(session, person_id=account.id, wanted=form.digest.data)
        if not form.refused:
            return _saved(_("Saved."), "accounts.settings")
    return _profile_page(account, form, PhotoForm())


def _profile_page(account: Account, form: Form, photo_form: PhotoForm) -> tuple[str, int]:
    status = max(status_of(form), status_of(photo_form) if photo_form.errors or photo_form.refused else 200)
    page = render_template("people/settings.html", account=account, form=form, photo_form=photo_form)
    return page, status


def _saved(message: str, endpoint: str) -> Response:
    """Go back to a settings page and say so, in the language chosen just now."""
    refresh()
    return back(url_for(endpoint), message)


@accounts.post("/settings/photo")
@signed_in
@door("photo", "60 per hour")
def photo() -> Response | tuple[str, int]:
    """Show a photo in place of initials."""
    account, form = _account(), PhotoForm()
    content = form.image.data.read() if form.image.data else b""
    if form.validate_on_submit():
        with form.catching():
            if not content:
                raise Refused("no-file", _("Choose a picture first."), field="image")
            with db.writing() as session:
                stored = store_image(session, _uploads(), content, person_id=account.id, now=utc_now())
                old = commands.set_photo(session, person_id=account.id, photo_id=known_id(stored.id))
            if old:
                remove_image(_uploads(), old)
            return back(url_for("accounts.settings"), _("Your new photo is shown from now on."))
    profile = ProfileForm(formdata=None, obj=account)
    if not viewer().is_staff_anywhere:
        del profile.title
    page = render_template("people/settings.html", account=account, form=profile, photo_form=form)
    return page, status_of(form)


@accounts.post("/settings/photo/remove")
@signed_in
def remove_photo() -> Response:
    """Show initials again."""
    ActionForm.require()
    with db.writing() as session:
        old = commands.set_photo(session, person_id=viewer().known_id, photo_id=None)
    if old:
        remove_image(_uploads(), old)
    return back(url_for("accounts.settings"), _("Your initials are shown from now on."))


@accounts.get("/settings/sign-in")
@signed_in
def security() -> str:
    """Address, password, other devices."""
    return _security_page(_account(), AddressForm(), PasswordForm())


def _security_page(account: Account, address: AddressForm, password: PasswordForm) -> str:
    with db.reading() as session:
        devices = devices_of(session, account.id, access.device_token() or "", utc_now())
    return render_template(
        "people/security.html", account=account, address_form=address, password_form=password, devices=devices
    )


@accounts.post("/settings/address")
@signed_in
@door("own-password", "20 per hour")
def change_address() -> Response | tuple[str, int]:
    """Ask for another address; a link is mailed there."""
    account, form = _account(), AddressForm()
    if form.validate_on_submit():
        with form.catching():
            proof = proof_of(account, form.current.data)
            with db.writing() as session:
                commands.request_email_change(
                    session, person_id=account.id, email=form.email.data or "", current=proof, now=utc_now()
                )
            message = _(
                "We have sent a link to %(address)s. Open it to use this address.", address=form.email.data
            )
            return back(url_for("accounts.security"), message)
    return _security_page(account, form, PasswordForm(formdata=None)), status_of(form)


@accounts.post("/settings/password")
@signed_in
@door("own-password", "20 per hour")
def change_password() -> Response | tuple[str, int]:
    """Set another password; every other device is signed out."""
    account, form = _account(), PasswordForm()
    if form.validate_on_submit():
        with form.catching():
            proof = proof_of(account, form.current.data)
            password = new_password(form.password.data or "", email=account.email, name=account.name)
            with db.writing() as session:
                commands.change_password(
                    session,
                    person_id=account.id,
                    current=proof,
                    password=password,
                    keep=access.device_token(),
                    now=utc_now(),
                )
            message = _("Your new password counts from now on. All other devices are signed out.")
            return back(url_for("accounts.security"), message)
    return _security_page(account, AddressForm(formdata=None), form), status_of(form)


@accounts.post("/settings/devices/end")
@signed_in
def end_other_devices() -> Response:
    """Sign out everywhere else."""
    ActionForm.require()
    token = access.device_token()
    with db.writing() as session:
        commands.end_devices(session, viewer().known_id, keep=token_hash(token) if token else None)
    return back(url_for("accounts.security"), _("All other devices are signed out."))


@accounts.route("/settings/delete", methods=["GET", "POST"])
@signed_in
@door("own-password", "20 per hour")
def delete() -> Response | tuple[str, int]:
    """Delete the account, alone and for good (rule P6)."""
    account = _account()
    form = DeleteForm(data={"published": "keep"})
    if form.validate_on_submit():
        with form.catching():
            proof = proof_of(account, form.current.data)
            with db.writing() as session:
                commands.check_current(commands.person_row(session, account.id), proof)
                fate = Published(form.published.data)
                erased = erase_person(session, person_id=account.id, published=fate, now=utc_now())
            access.sign_out()
            for key in erased.pictures:
                remove_image(_uploads(), key)
            return back(url_for("front.home"), _("Your account is gone. Thank you for what you have given."))
    return render_template("people/delete.html", account=account, form=form), status_of(form)
