"""The frame of a page: all that the layout reads, gathered once before a page is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any, cast

from flask import Flask, current_app, g, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from livinglab.core.clock import utc_now
from livinglab.core.text import LANGUAGES, initials
from livinglab.core.viewer import Role, Viewer
from livinglab.web.access import viewer
from livinglab.web.database import db, settings
from livinglab.web.filters import asset, picture
from livinglab.web.locale import NAMES, address_in, language

try:
    VERSION = version("livinglab")
except PackageNotFoundError:
    VERSION = "dev"

SECTIONS = {
    "labs": "labs",
    "challenges": "challenges",
    "ideas": "ideas",
    "notices": "notices",
    "work": "work",
    "moderation": "moderation",
    "handoff": "handoffs",
    "me": "me",
    "accounts": "settings",
    "pages": "how",
}


SCHEME_COOKIE = "livinglab_scheme"
"""Only set by who chooses; its name begins as those of all our cookies, so no kept page is handed out."""


def color_scheme() -> str:
    """Return how this browser wants pages to look."""
    chosen = request.cookies.get(SCHEME_COOKIE, "")
    return chosen if chosen in ("light", "dark") else "auto"


@dataclass(frozen=True, slots=True)
class Counts:
    """The two numbers in the header."""

    unread: int = 0
    work: int = 0


CountFor = Callable[[Session, Viewer, datetime], Counts]


@dataclass(frozen=True, slots=True)
class LanguageLink:
    """One entry of the language menu."""

    code: str
    name: str
    url: str
    current: bool


class Frame:
    """What the layout shows around a page; numbers are read only when a page asks for them."""

    def __init__(self, person: Viewer, counts: CountFor) -> None:
        self.person = person
        self._count = counts
        config = settings()
        self.site_name = config.site_name
        self.demo_mode = config.demo
        self.source_url = config.source_url
        self.version = VERSION
        self.lang = language()
        self.lab = g.get("lab")

    @property
    def signed_in(self) -> bool:
        """Say whether somebody is signed in."""
        return self.person.signed_in

    @property
    def name(self) -> str:
        """Return the person's name."""
        return self.person.name

    @property
    def initials(self) -> str:
        """Return the letters of a face without a photo."""
        return initials(self.person.name)

    @property
    def photo_url(self) -> str | None:
        """Return the address of the person's photo."""
        return picture(self.person.photo, "face") if self.person.photo else None

    @property
    def role_line(self) -> str:
        """Say in a word as what the person works here."""
        held = frozenset[Role]().union(*self.person.roles.values()) if self.person.roles else frozenset()
        if self.person.is_admin:
            return str(_("Administrator"))
        if Role.MANAGER in held:
            return str(_("Lab manager"))
        if Role.FACILITATOR in held:
            return str(_("Facilitator"))
        if Role.LEAD in held:
            return str(_("Project lead"))
        return str(_("Receiving unit")) if self.person.units else ""

    @cached_property
    def _counts(self) -> Counts:
        if not self.signed_in:
            return Counts()
        with db.reading() as session:
            return self._count(session, self.person, utc_now())

    @property
    def unread(self) -> int:
        """Count the unread notices."""
        return self._counts.unread

    @property
    def work_count(self) -> int:
        """Count the tasks that wait for this person."""
        return self._counts.work

    @property
    def show_work(self) -> bool:
        """Say whether the person has a work page."""
        return self.person.is_staff_anywhere

    @property
    def show_board(self) -> bool:
        """Say whether the person may open the board."""
        return bool(self.person.labs_as(*Role))

    @property
    def show_moderation(self) -> bool:
        """Say whether the person moderates anywhere."""
        return bool(self.person.labs_as(Role.FACILITATOR, Role.MANAGER))

    @property
    def show_handoffs(self) -> bool:
        """Say whether the person sees handoffs."""
        return self.person.is_staff_anywhere

    @property
    def show_admin(self) -> bool:
        """Say whether the person administers the site."""
        return self.person.is_admin

    @property
    def admin_url(self) -> str | None:
        """Return the address of the administration."""
        return (
            url_for("admin.home")
            if self.person.is_admin and "admin.home" in current_app.view_functions
            else None
        )

    @cached_property
    def submit_url(self) -> str:
        """Return the address of the form for a new idea, in this lab where there is one."""
        return url_for("ideas.write", lab=self.lab.slug) if self.lab else url_for("ideas.write")

    @cached_property
    def sign_in_url(self) -> str:
        """Return the address of sign-in that comes back to this page."""
        stay = request.method == "GET" and request.blueprint != "accounts"
        return url_for("accounts.sign_in", next=request.full_path.rstrip("?") if stay else None)

    @cached_property
    def section(self) -> str:
        """Name the entry of the menu that this page belongs to."""
        if request.blueprint == "pipeline":
            return "board"
        if request.blueprint == "pages" and request.endpoint != "pages.how":
            return ""
        return SECTIONS.get(request.blueprint or "", "")

    @property
    def color_scheme(self) -> str:
        """Return ``light`` or ``dark`` where this browser has chosen, else ``auto``: as the device says."""
        return color_scheme()

    @cached_property
    def languages(self) -> tuple[LanguageLink, ...]:
        """Return the language menu."""
        return tuple(
            LanguageLink(code, NAMES[code], address_in(code), code == self.lang) for code in LANGUAGES
        )

    @property
    def places(self) -> tuple[tuple[str, str, str], ...]:
        """Return the entries of the main menu: section, address and name."""
        return (
            ("labs", url_for("labs.index"), _("Labs")),
            ("challenges", url_for("challenges.index"), _("Challenges")),
            ("ideas", url_for("ideas.index"), _("Ideas")),
            ("how", url_for("pages.how"), _("How it works")),
        )

    @cached_property
    def canonical_url(self) -> str:
        """Return the page's own address, without a language."""
        return settings().base_url + address_in(None)

    @property
    def share_picture(self) -> str:
        """Return the whole address of the picture shown where a page without one of its own is shared."""
        return settings().base_url + asset("img/share.png")

    @cached_property
    def alternates(self) -> tuple[tuple[str, str], ...]:
        """Return the page's addresses in each language, for search engines."""
        return tuple((code, settings().base_url + address_in(code)) for code in LANGUAGES)


def install(app: Flask, counts: CountFor) -> None:
    """Give each template its ``frame``."""

    @app.context_processor
    def give_frame() -> dict[str, Any]:
        if "frame" not in g:
            g.frame = Frame(viewer(), counts)
        return {"frame": cast(Frame, g.frame)}
