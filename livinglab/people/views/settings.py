"""Settings: how one is shown, how one signs in, and leaving."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from flask import render_template, url_for
from flask_babel import gettext as _
from flask_babel import refresh
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.core.db import known_id
from livinglab.core.files import keep_image, prepare_image, remove_image
from livinglab.core.tokens import token_hash
from livinglab.people import commands
from livinglab.people.forms import AddressForm, DeleteForm, OwnForm, PasswordForm, PhotoForm, ProfileForm
from livinglab.people.models import LinkPurpose
from livinglab.people.queries import Account, account_of, devices_of
from livinglab.people.views.blueprint import (
    accounts,
    chosen_password,
    proof_of,
    status_of,
    wanted_path,
    why_not_alone,
)
from livinglab.privacy.commands import Published, erase_person
from livinglab.web import access
from livinglab.web.access import signed_in, viewer
from livinglab.web.database import db
from livinglab.web.database import settings as config
from livinglab.web.forms import ActionForm
from livinglab.web.limits import door
from livinglab.web.respond import back

Asking = TypeVar("Asking", bound=OwnForm)


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
    form = _profile_form(ProfileForm(obj=account))
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
            refresh()  # the answer speaks the language chosen just now
            return back(url_for("accounts.settings"), _("Saved."))
    return _settings_page(account, form, PhotoForm(formdata=None)), status_of(form)


def _profile_form(form: ProfileForm) -> ProfileForm:
    """Ask for a title at work only those who work here."""
    if not viewer().is_staff_anywhere:
        del form.title
    return form


def _settings_page(account: Account, form: ProfileForm, photo_form: PhotoForm) -> str:
    return render_template("people/settings.html", account=account, form=form, photo_form=photo_form)


@accounts.post("/settings/photo")
@signed_in
@door("photo", "60 per hour")
def photo() -> Response | tuple[str, int]:
    """Show a photo in place of initials."""
    account, form = _account(), PhotoForm()
    if form.validate_on_submit():
        with form.catching():
            ready = prepare_image(form.image.data.read())
            with db.writing() as session:
                stored = keep_image(session, _uploads(), ready, person_id=account.id, now=utc_now())
                old = commands.set_photo(session, person_id=account.id, photo_id=known_id(stored.id))
            if old:
                remove_image(_uploads(), old)
            return back(url_for("accounts.settings"), _("Your new photo is shown from now on."))
    profile = _profile_form(ProfileForm(formdata=None, obj=account))
    return _settings_page(account, profile, form), status_of(form)


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
    account = _account()
    return _security_page(account, _asked(AddressForm(), account), _asked(PasswordForm(), account))


def _asked(form: Asking, account: Account) -> Asking:
    form.ask(has_password=account.has_password)
    return form


def _security_page(account: Account, address: AddressForm, password: PasswordForm) -> str:
    with db.reading() as session:
        devices = devices_of(session, account.id, access.device_token() or "", utc_now())
    return render_template(
        "people/security.html",
        account=account,
        address_form=address,
        password_form=password,
        devices=devices,
        why_not_alone=why_not_alone(account),
    )


@accounts.post("/settings/address")
@signed_in
@door("own-password", "20 per hour")
def change_address() -> Response | tuple[str, int]:
    """Ask for another address; a link is mailed there."""
    account = _account()
    form = _asked(AddressForm(), account)
    if form.validate_on_submit():
        with form.catching():
            proof = proof_of(account, form.typed_password)
            with db.writing() as session:
                commands.request_email_change(
                    session, person_id=account.id, email=form.email.data or "", current=proof, now=utc_now()
                )
            message = _(
                "We have sent a link to %(address)s. Open it to use this address.", address=form.email.data
            )
            return back(url_for("accounts.security"), message)
    return _security_page(account, form, _asked(PasswordForm(formdata=None), account)), status_of(form)


@accounts.post("/settings/password")
@signed_in
@door("own-password", "20 per hour")
def change_password() -> Response | tuple[str, int]:
    """Set another password; every other device is signed out."""
    account = _account()
    form = _asked(PasswordForm(), account)
    if form.validate_on_submit():
        with form.catching():
            proof = proof_of(account, form.typed_password)
            password = chosen_password(form.password.data, email=account.email, name=account.name)
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
    return _security_page(account, _asked(AddressForm(formdata=None), account), form), status_of(form)


@accounts.post("/settings/link")
@signed_in
@door("link", "20 per hour")
def ask_again() -> Response:
    """Mail a link that shows whose mailbox it is, and leads back to the page that asked."""
    ActionForm.require()
    account = _account()
    next_path = wanted_path() or url_for("accounts.security")
    with db.writing() as session:
        commands.request_link(
            session, email=account.email, purpose=LinkPurpose.SIGN_IN, language=account.language,
            next_path=next_path, now=utc_now(),
        )  # fmt: skip
    message = _("We have sent you a link. Open it in this browser: it leads back here.")
    return back(next_path, message)


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
    form = _asked(DeleteForm(data={"published": "keep"}), account)
    if form.validate_on_submit():
        with form.catching():
            proof = proof_of(account, form.typed_password)
            with db.writing() as session:
                commands.check_current(commands.person_row(session, account.id), proof)
                fate = Published(form.published.data)
                erased = erase_person(session, person_id=account.id, published=fate, now=utc_now())
            access.sign_out()
            for key in erased.pictures:
                remove_image(_uploads(), key)
            return back(url_for("front.home"), _("Your account is gone. Thank you for what you have given."))
    page = render_template(
        "people/delete.html", account=account, form=form, why_not_alone=why_not_alone(account)
    )
    return page, status_of(form)
