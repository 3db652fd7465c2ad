"""Visitors' pages kept in memory for two seconds: what many read at once is drawn once.

A visitor's page is the same for all visitors (DESIGN section 5), so it may be handed out again, as long
as nobody can tell: any write of this process forgets all pages at once, and what another process wrote
shows within two seconds. A page read by somebody with a session is never kept and never answered from
here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.http import parse_etags
from werkzeug.wsgi import get_host

from livinglab.core.db import Database

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LIFE_SECONDS = 2.0
"""How long a page is handed out; counted from before it was read, and said in ``Age``."""
MOST_BYTES = 24_000_000
LARGEST_PAGE = 400_000
OUR_COOKIES = "livinglab"
"""How the names of all our cookies begin: the session's, and that of a browser with drafts."""
_CONDITIONS = ("HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE")

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Page:
    read_at: float
    writes: int
    status: str
    headers: Headers
    etag: str
    body: bytes


class KeptPages:
    """The visitors' pages of one process, in front of the app.

    Args:
        answer: The app behind.
        database: Counts the writes of this process; any of them makes all pages old.
        clock: Seconds that never run backwards.
    """

    def __init__(
        self, answer: WSGIApplication, database: Database, clock: Callable[[], float] = monotonic
    ) -> None:
        self._answer = answer
        self._database = database
        self._clock = clock
        self._pages: OrderedDict[tuple[str, ...], _Page] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer from memory where that is exact, else from the app."""
        key = _key(environ)
        if key is None:
            return self._answer(environ, start_response)
        page = self._fresh(key)
        if page is not None:
            return self._hand_out(page, environ, start_response)
        return self._read(key, environ, start_response)

    def _fresh(self, key: tuple[str, ...]) -> _Page | None:
        page = self._pages.get(key)
        if page is None or page.writes != self._database.writes:
            return None
        return page if self._clock() - page.read_at < LIFE_SECONDS else None

    def _hand_out(self, page: _Page, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        headers = [*page.headers, ("Age", str(ceil(self._clock() - page.read_at)))]
        if page.etag in parse_etags(environ.get("HTTP_IF_NONE_MATCH")):
            unchanged = HTTPStatus.NOT_MODIFIED
            kept = [one for one in headers if one[0].lower() not in ("content-length", "content-type")]
            start_response(f"{unchanged.value} {unchanged.phrase.upper()}", kept)
            return []
        start_response(page.status, headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [page.body]

    def _read(
        self, key: tuple[str, ...], environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Let the app answer, and keep what it said where it is a page for all visitors."""
        read_at, writes = self._clock(), self._database.writes
        said: list[tuple[str, Headers]] = []

        def listen(status: str, headers: Headers, _exc_info: object = None) -> Callable[[bytes], object]:
            said.append((status, headers))
            return lambda _body: None

        whole = {name: value for name, value in environ.items() if name not in _CONDITIONS}
        answer = self._answer(whole, listen)
        status, headers = said[-1]
        if environ["REQUEST_METHOD"] != "GET" or not _for_all(status, headers):
            start_response(status, headers)
            return answer
        page = _page_of(read_at, writes, status, headers, _all_of(answer))
        self._keep(key, page)
        return self._hand_out(page, environ, start_response)

    def _keep(self, key: tuple[str, ...], page: _Page) -> None:
        if len(page.body) > LARGEST_PAGE:
            return
        with self._lock:
            before = self._pages.pop(key, None)
            self._bytes += len(page.body) - (len(before.body) if before else 0)
            self._pages[key] = page
            while self._bytes > MOST_BYTES:
                _oldest, gone = self._pages.popitem(last=False)
                self._bytes -= len(gone.body)


def _all_of(answer: Iterable[bytes]) -> bytes:
    """Read an answer to its end and close it, as the server would."""
    try:
        return b"".join(answer)
    finally:
        close = getattr(answer, "close", None)
        if close is not None:
            close()


def _page_of(read_at: float, writes: int, status: str, headers: Headers, body: bytes) -> _Page:
    etag = next((value for name, value in headers if name.lower() == "etag"), "")
    return _Page(read_at, writes, status, list(headers), etag.removeprefix("W/").strip('"'), body)


def _key(environ: WSGIEnvironment) -> tuple[str, ...] | None:
    """Return what a visitor's page depends on, or ``None`` where the request is not a plain visitor's."""
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or OUR_COOKIES in environ.get("HTTP_COOKIE", ""):
        return None
    if any(name in environ for name in ("HTTP_HX_REQUEST", "HTTP_RANGE", "HTTP_AUTHORIZATION")):
        return None
    if environ["PATH_INFO"].startswith(("/static/", "/pictures/")):
        return None
    return (
        environ["wsgi.url_scheme"],
        get_host(environ),
        environ.get("SCRIPT_NAME", ""),
        environ["PATH_INFO"],
        environ.get("QUERY_STRING", ""),
    )


def _for_all(status: str, headers: Headers) -> bool:
    """Say whether an answer may be handed to every visitor: the app has said so in its headers."""
    said = {name.lower(): value for name, value in headers}
    return (
        status.startswith("200")
        and "s-maxage=2" in said.get("cache-control", "")
        and "set-cookie" not in said
        and said.get("content-type", "").startswith(("text/html", "application/"))
    )


def install(app: Flask, database: Database) -> None:
    """Put the kept pages in front of the app."""
    app.wsgi_app = KeptPages(app.wsgi_app, database)  # type: ignore[method-assign]
