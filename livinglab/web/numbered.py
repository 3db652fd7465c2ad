"""Each request has a number: on its lines in the log, on its answer, and on the page that says sorry.

So what somebody read out to us is found in the log. An answer that may be handed to others, such as a
visitor's page or a picture, carries none: whoever got it from a cache would hold somebody else's number.
A number that comes in is believed only from a proxy of ours, and only where it looks like one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from flask import Flask

from livinglab.core.log import about_request, request_number

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HEADER = "X-Request-ID"
_FIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
_FOR_OTHERS = ("public", "s-maxage")


class Numbered:
    """Gives requests their numbers, in front of everything else.

    Args:
        answer: What is behind.
        believes: Whether a number that comes in is a proxy's of ours.
    """

    def __init__(self, answer: WSGIApplication, *, believes: bool) -> None:
        self._answer = answer
        self._believes = believes

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Let those behind answer under a number."""
        number = self._number(environ)

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Callable[[bytes], object]:
            if not _for_others(headers):
                headers = [*headers, (HEADER, number)]
            return start_response(status, headers, *more)

        with about_request(number):
            return self._answer(environ, start)

    def _number(self, environ: WSGIEnvironment) -> str:
        given = environ.get("HTTP_X_REQUEST_ID", "") if self._believes else ""
        return given if _FIT.fullmatch(given) else token_hex(6)


def _for_others(headers: list[tuple[str, str]]) -> bool:
    said = next((value for name, value in headers if name.lower() == "cache-control"), "")
    return any(word in said for word in _FOR_OTHERS)


def install(app: Flask, *, believes: bool) -> None:
    """Put the numbers in front of the app, and let its pages name them."""
    app.wsgi_app = Numbered(app.wsgi_app, believes=believes)  # type: ignore[method-assign]
    app.add_template_global(request_number, "request_number")
