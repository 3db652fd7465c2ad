"""Who may open a route. Every route carries exactly one mark; a test fails on one without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Flask, current_app, g, redirect, request, session, url_for
from flask_babel import lazy_gettext as _l
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from sqlalchemy.orm import Session
from werkzeug.exceptions import Unauthorized
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.core.errors import Forbidden
from livinglab.core.tokens import token_hash
from livinglab.core.viewer import VISITOR, Role, Viewer
from livinglab.web.database import db
from livinglab.web.respond import typed

View = TypeVar("View", bound=Callable[..., Any])
LoadViewer = Callable[[Session, str, Any], Viewer | None]


@dataclass(frozen=True, slots=True)
class Mark:
    """What a route asks of the person.

    Args:
        kind: ``public``, ``signed_in``, ``staff`` or ``admin``.
        roles: For staff: one of these in any lab; the object itself is guarded by a rule.
        units: For staff: members of receiving units may enter, too.
        admin: For staff: so may the administrator, who looks at what nobody in a lab may decide.
    """

    kind: str
    roles: frozenset[Role] = frozenset()
    units: bool = False
    admin: bool = False

    def lets_in(self, viewer: Viewer) -> bool:
        """Say whether the person may enter the room at all."""
        if self.kind == "public":
            return True
        if self.kind == "signed_in":
            return viewer.signed_in
        if self.kind == "admin":
            return viewer.is_admin
        held = frozenset[Role]().union(*viewer.roles.values()) if viewer.roles else frozenset()
        also = (self.units and bool(viewer.units)) or (self.admin and viewer.is_admin)
        return also or not held.isdisjoint(self.roles)


class _SignedIn(UserMixin):  # type: ignore[misc]  # flask-login has no types
    def __init__(self, token: str, person: Viewer) -> None:
        self.token = token
        self.person = person

    def get_id(self) -> str:
        return self.token


def viewer() -> Viewer:
    """Return who asks: the signed-in person, or the visitor."""
    if "viewer" not in g:
        known = "_user_id" in session  # no cookie, no database and no session for a visitor
        g.viewer = current_user.person if known and current_user.is_authenticated else VISITOR
    return cast(Viewer, g.viewer)


def sign_in(token: str) -> None:
    """Bind this browser to a device's token."""
    with db.reading() as reads:
        person = _load(reads, token)
    if person is not None:
        session.clear()
        login_user(_SignedIn(token, person), remember=False)
        session.permanent = True
        g.viewer = person


def sign_out() -> None:
    """Let this browser forget its token; the device's row is deleted by ``people``."""
    logout_user()
    session.clear()
    g.viewer = VISITOR


def device_token() -> str | None:
    """Return the token of this browser's device, if it has one."""
    return cast("str | None", session.get("_user_id"))


def _load(reads: Session, token: str) -> Viewer | None:
    load = cast(LoadViewer, current_app.extensions["livinglab.load_viewer"])
    return load(reads, token_hash(token), utc_now())


def install(app: Flask, load_viewer: LoadViewer) -> None:
    """Wire sign-in into the app.

    Args:
        load_viewer: Reads the person of a device's token with roles and units, or ``None``.
    """
    app.extensions["livinglab.load_viewer"] = load_viewer
    manager = LoginManager(app, add_context_processor=False)  # an error page asks nobody who it is
    manager.session_protection = None  # a phone changes its address all day

    @manager.user_loader  # type: ignore[untyped-decorator]
    def load(token: str) -> _SignedIn | None:
        with db.reading() as reads:
            person = _load(reads, token)
        return _SignedIn(token, person) if person else None


def ask_to_sign_in() -> Response:
    """Send a visitor to sign-in, and back to this page afterwards.

    Raises:
        Unauthorized: A form with words in it came without a session: its page gives them back.
    """
    if typed():
        raise Unauthorized()
    target = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("accounts.sign_in", next=target), 303)


def _guard(mark: Mark) -> Callable[[View], View]:
    def wrap(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            person = viewer()
            if not mark.lets_in(person):
                if not person.signed_in:
                    return ask_to_sign_in()
                raise Forbidden("no-access", _l("Your roles do not open this page."))
            return view(*args, **kwargs)

        guarded.access = mark  # type: ignore[attr-defined]
        return cast(View, guarded)

    return wrap


def public(view: View) -> View:
    """Anybody may open it."""
    return _guard(Mark("public"))(view)


def signed_in(view: View) -> View:
    """Anybody with an account; a visitor is sent to sign-in and comes back."""
    return _guard(Mark("signed_in"))(view)


def admin_only(view: View) -> View:
    """The administrator."""
    return _guard(Mark("admin"))(view)


def staff(*roles: Role, units: bool = False, admin: bool = False) -> Callable[[View], View]:
    """People with one of the roles in any lab (members of receiving units and administrators where said)."""
    return _guard(Mark("staff", frozenset(roles), units, admin))


def mark_of(view: Callable[..., Any]) -> Mark | None:
    """Return the mark of a view function, for the test that wants one on each."""
    return cast("Mark | None", getattr(view, "access", None))
