"""Pages of signing in and out, and of making an account."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.core.errors import Refused, refuse
from livinglab.people import commands
from livinglab.people.forms import LinkForm, RegisterForm, SignInForm
from livinglab.people.models import LinkPurpose
from livinglab.people.queries import credentials_of
from livinglab.people.rules import prove, why_not_address, why_not_try
from livinglab.people.views.blueprint import (
    accounts,
    chosen_password,
    go_on,
    settle_in,
    status_of,
    wanted_path,
    why_sign_in,
)
from livinglab.people.views.demo import demo_groups, is_demo_person
from livinglab.web import access
from livinglab.web.access import public, viewer
from livinglab.web.database import db, settings
from livinglab.web.forms import ActionForm
from livinglab.web.limits import count_sign_up, door
from livinglab.web.locale import language


@accounts.route("/sign-in", methods=["GET", "POST"])
@public
@door("sign-in", "30 per 5 minutes; 300 per day")
def sign_in() -> Response | tuple[str, int]:
    """Sign in with address and password."""
    if viewer().signed_in and not settings().demo:
        return go_on(wanted_path())
    form = SignInForm()
    if form.validate_on_submit():
        with form.catching():
            token = _try_password(form.email.data or "", form.password.data or "")
            access.sign_in(token)
            return go_on(wanted_path())
    groups = demo_groups() if settings().demo else ()
    wanted = wanted_path()
    why = why_sign_in(wanted)
    page = render_template("people/sign_in.html", form=form, next_path=wanted, groups=groups, why=why)
    return page, status_of(form)


def _try_password(email: str, password: str) -> str:
    """Return a device's token; what is wrong is said alike for known and unknown addresses (rule P2)."""
    now = utc_now()
    with db.reading() as reads:
        known = credentials_of(reads, email, now)
    refuse(why_not_try(known.barred_until, now))
    proof = prove(password, known.password_hash)
    with db.writing() as writes:
        token = commands.sign_in(writes, credentials=known, proof=proof, now=now)
        if token and known.person_id:
            settle_in(writes, known.person_id, now)
    if token is None:
        raise Refused(
            "wrong-sign-in", _("Address and password do not go together. Try again, or use a link by e-mail.")
        )
    return token


@accounts.post("/sign-in/demo")
@public
def demo_sign_in() -> Response:
    """Sign in as one of the demo's people; only where the demo runs."""
    if not settings().demo:
        abort(404)
    ActionForm.require()
    person_id = request.form.get("person", type=int) or 0
    with db.writing() as writes:
        if not is_demo_person(writes, person_id):
            abort(404)
        token = commands.open_device(writes, person_id, utc_now())
        settle_in(writes, person_id, utc_now())
    access.sign_in(token)
    return go_on(wanted_path())


@accounts.post("/sign-out")
@public
def sign_out() -> Response:
    """Sign this browser out; a copy of its cookie is worth nothing from now on."""
    ActionForm.require()
    token = access.device_token()
    if token:
        with db.writing() as writes:
            commands.close_device(writes, token=token)
    access.sign_out()
    flash(_("You are signed out."), "success")
    return redirect(url_for("front.home"), 303)


@accounts.route("/register", methods=["GET", "POST"])
@public
@door("register", "100 per hour")
def register() -> Response | tuple[str, int]:
    """Make an account. Who makes one may go on at once; the address is confirmed by a mailed link."""
    if viewer().signed_in:
        return go_on(wanted_path())
    form = RegisterForm(data={"language": language()})
    form.of_age.label.text = _("I am %(age)d years or older", age=settings().age_limit)
    if form.validate_on_submit():
        with form.catching():
            token = _register(form)
            session["mailed_to"] = form.email.data
            if token is None:
                return redirect(url_for("accounts.mail_sent", what="confirm"), 303)
            access.sign_in(token)
            flash(
                _("Welcome, %(name)s. We have sent you a link to confirm your address.", name=form.name.data),
                "success",
            )
            return go_on(wanted_path())
    page = render_template("people/register.html", form=form, next_path=wanted_path())
    return page, status_of(form)


def _register(form: RegisterForm) -> str | None:
    """Make the account; beyond the network's hourly limit it is entered by the mailed link only (V8)."""
    now = utc_now()
    refuse(why_not_address(form.email.data or ""))
    password = None
    if form.password.data:
        email, name = form.email.data or "", form.name.data or ""
        password = chosen_password(form.password.data, email=email, name=name)
    at_once = count_sign_up()
    with db.writing() as writes:
        person_id = commands.register_person(
            writes,
            email=form.email.data or "",
            name=form.name.data or "",
            password=password,
            language=form.language.data,
            of_age=form.of_age.data,
            next_path=wanted_path(),
            now=now,
        )
        token = commands.open_device(writes, person_id, now) if at_once else None
        settle_in(writes, person_id, now)
        return token


@accounts.route("/sign-in/link", methods=["GET", "POST"])
@public
@door("link", "20 per hour")
def link() -> Response | tuple[str, int]:
    """Ask for a link that signs in."""
    return _ask_for_link(LinkPurpose.SIGN_IN, "people/link.html")


@accounts.route("/reset", methods=["GET", "POST"])
@public
@door("link", "20 per hour")
def reset() -> Response | tuple[str, int]:
    """Ask for a link that sets a new password."""
    return _ask_for_link(LinkPurpose.RESET, "people/reset.html")


def _ask_for_link(purpose: LinkPurpose, template: str) -> Response | tuple[str, int]:
    form = LinkForm()
    if form.validate_on_submit():
        with form.catching():
            with db.writing() as writes:
                commands.request_link(
                    writes,
                    email=form.email.data or "",
                    purpose=purpose,
                    language=language(),
                    next_path=wanted_path(),
                    now=utc_now(),
                )
            session["mailed_to"] = form.email.data
            return redirect(url_for("accounts.mail_sent", what=purpose.value), 303)
    return render_template(template, form=form, next_path=wanted_path()), status_of(form)


@accounts.get("/sign-in/sent/<what>")
@public
def mail_sent(what: str) -> str:
    """Say that a mail is on its way, the same for every address."""
    if what not in ("confirm", "sign-in", "reset"):
        abort(404)
    return render_template("people/mail_sent.html", what=what, address=session.get("mailed_to", ""))
