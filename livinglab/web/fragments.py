"""Parts of a page drawn once for what they show: ``{% kept "card", idea, standing %} … {% endkept %}``.

A part is a function of its facts, the language, the lab's clock and the hour, and nothing else; so the same
facts are the same HTML, for every reader, and drawing it again would be waste. Facts are told apart by
their ``repr``: give values and frozen dataclasses, nothing that hides what it holds. What depends on who
reads (a button, a form, a token) never stands inside.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from threading import Lock
from typing import Any

from cachetools import LRUCache
from flask import Flask, g, request
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from markupsafe import Markup

from livinglab.core.clock import utc_now
from livinglab.web.locale import carried, language, time_zone

MOST = 8_000_000
"""Characters kept in a process: four thousand parts and more."""
_BESIDE = 100
"""About what a part takes besides its characters."""


class Fragments:
    """The parts a process has drawn; where they grow too many, those asked for least lately go.

    What they hold together is limited, not how many there are: an address stands in the head of a page, and
    anybody may ask for a long one.
    """

    def __init__(self, most: int = MOST) -> None:
        self._drawn: LRUCache[bytes, Markup] = LRUCache(most, getsizeof=lambda part: len(part) + _BESIDE)
        self._lock = Lock()

    def part(self, facts: str, draw: Callable[[], str]) -> Markup:
        """Return the part with these facts; it is drawn where it is not known."""
        key = blake2b(facts.encode(errors="surrogatepass"), digest_size=20).digest()
        with self._lock:
            known = self._drawn.get(key)
        if known is not None:
            return known
        drawn = Markup(draw())  # noqa: S704  # the template engine has made it safe
        with self._lock, suppress(ValueError):  # longer than all of them together may be
            self._drawn[key] = drawn
        return drawn


def _surroundings() -> str:
    """Return what every part depends on beside its own facts; the same for the whole of a page."""
    here = g._get_current_object()
    found: str | None = here.get("fragment_surroundings")
    lab = (here.get("lab_languages"), here.get("lab_zone"))
    if found is None or here.fragment_lab != lab:
        chosen = (language(), *carried(), time_zone(), lab[0], request.script_root)
        found = here.fragment_surroundings = repr((*chosen, f"{utc_now():%Y%m%d%H}"))
        here.fragment_lab = lab
    return found


class KeptPart(Extension):
    """The tag ``kept``: its first value names the part, the others are its facts."""

    tags = {"kept"}
    fragments = Fragments()

    def parse(self, parser: Parser) -> nodes.Node:
        """Turn the tag into a call that draws its body only where it must."""
        line = next(parser.stream).lineno
        facts = parser.parse_tuple()
        body = parser.parse_statements(("name:endkept",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_kept", [facts]), [], [], body).set_lineno(line)

    def _kept(self, facts: tuple[Any, ...], caller: Callable[[], str]) -> Markup:
        return self.fragments.part(f"{_surroundings()}{facts!r}", caller)


def install(app: Flask) -> None:
    """Teach templates the tag, each app with parts of its own."""
    app.jinja_env.add_extension(KeptPart)
    extension = app.jinja_env.extensions[KeptPart.identifier]
    extension.fragments = Fragments()  # type: ignore[attr-defined]
