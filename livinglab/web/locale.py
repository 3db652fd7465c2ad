"""Which language and which clock a page speaks. Source: rules L4, L5, L6."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Flask, g, has_request_context, request, url_for
from flask_babel import Babel, get_locale, refresh

from livinglab.core.text import LANGUAGES, in_language
from livinglab.web.access import viewer
from livinglab.web.database import settings

OF_NO_LAB = frozenset(
    {
        "front.home", "front.late", "labs.index", "challenges.index", "ideas.index", "ideas.write",
        "accounts.sign_in", "accounts.register", "pages.how", "pages.rules", "pages.privacy",
        "pages.accessibility", "pages.contact", "pages.appearance",
    }
)  # fmt: skip
"""Pages that speak the site's language where the address says none; two of them may be about a lab."""

NAMES = {"nb": "Norsk bokmål", "sv": "Svenska", "fi": "Suomi", "en": "English"}


def language() -> str:
    """Return the page's language: the address, else the person's, else the lab's first, else the site's."""
    if not has_request_context():
        return str(getattr(g, "language", "en")) if g else "en"
    for code in (request.args.get("lang"), viewer().language, *g.get("lab_languages", ())):
        if code in LANGUAGES:
            return str(code)
    return settings().default_language


def written_as(code: str) -> str:
    """Return the locale whose dates and numbers a language's pages use: European ones in English, too."""
    return "en_GB" if code == "en" else code


def time_zone() -> str:
    """Return the zone in which the page shows time: that of the lab it is about."""
    return str(g.get("lab_zone") or "Europe/Oslo") if has_request_context() else "UTC"


def enter_lab(languages: Sequence[str], timezones: Sequence[str]) -> None:
    """Say which lab the page is about, so it falls back to the lab's language and shows its time."""
    g.lab_languages = tuple(languages)
    g.lab_zone = timezones[0]
    refresh()


@dataclass(frozen=True, slots=True)
class Said:
    """A text and the language it is in; the page marks it with ``lang`` where it is not its own."""

    text: str
    lang: str

    def __str__(self) -> str:
        return self.text

    def __bool__(self) -> bool:
        return bool(self.text)


def said(texts: dict[str, str]) -> Said:
    """Return one text of several languages as this page shows it (rule L5)."""
    entered = g.get("lab_languages")
    # On a page of several labs the language each text was first written in: that is its lab's first.
    first = entered[0] if entered else next(iter(texts), settings().default_language)
    locale = get_locale()  # also right in a mail, whose language is forced
    return Said(*in_language(texts, locale.language if locale else language(), first))


def address_in(code: str | None) -> str:
    """Return this page's address in a language; with ``None`` the canonical one.

    What was asked for is only carried along, never handed to ``url_for`` by name: ``?_external=1`` or
    ``?endpoint=x`` typed by somebody would build another address, or none.
    """
    path, query = _address()
    told = "&".join(part for part in (query, f"lang={code}" if code else "") if part)
    return f"{path}?{told}" if told else path


def _address() -> tuple[str, str]:
    """Return this page's path and what it was asked for besides a language; worked out once a request."""
    known: tuple[str, str] | None = g.get("own_address")
    if known is None:
        asked = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
        path = (
            url_for(request.endpoint, **(request.view_args or {}), lang=None)
            if request.endpoint
            else request.path
        )
        known = g.own_address = (path, urlencode(asked) if request.endpoint else "")
    return known


def carried() -> tuple[str | None, str | None]:
    """Return the language that a page's links carry, and that of its links to pages of no lab.

    A visitor who reads a lab's page in the lab's language keeps it on the way to sign-in, say, where the
    site's own would stand (rule L6). Somebody signed in has their language everywhere.
    """
    asked = request.args.get("lang")
    chosen = asked if asked in LANGUAGES else None
    lab = g.get("lab_languages")
    if chosen or not lab or lab[0] == settings().default_language or viewer().language:
        return chosen, chosen
    return None, str(lab[0])


def in_chosen_language(path: str) -> str:
    """Return a path written without ``url_for``, carrying ``?lang=`` as the page's other links do."""
    chosen = request.args.get("lang")
    if chosen not in LANGUAGES:
        return path
    place, hash_, anchor = path.partition("#")
    return f"{place}{'&' if '?' in place else '?'}lang={chosen}{hash_}{anchor}"


def install(app: Flask) -> None:
    """Wire languages into the app, and let the page's own links carry ``?lang=``."""
    Babel(app, locale_selector=lambda: written_as(language()), timezone_selector=time_zone)

    @app.url_defaults
    def carry_language(endpoint: str, values: dict[str, Any]) -> None:
        if "lang" in values:
            if values["lang"] is None:
                del values["lang"]
            return
        if not has_request_context() or endpoint in ("static", "stylesheet", "picture"):
            return
        everywhere, beside = carried()
        of_no_lab = endpoint in OF_NO_LAB and not values.keys() & {"lab", "challenge"}
        if chosen := beside if of_no_lab else everywhere:
            values["lang"] = chosen
