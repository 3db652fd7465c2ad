"""How a process takes what comes in: the body is read first, and then few work at once.

The server reads a body only when somebody asks for it, in the thread that asks. So it is read out here,
where waiting for a slow sender costs a sleeping thread and nothing else. Behind the gates only so many
work at once as is fastest, and those who write have a gate of their own: when all writers wait for the
database's lock, pages are still read. Source: decision 0003.
"""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from tempfile import SpooledTemporaryFile
from threading import BoundedSemaphore
from typing import IO, TYPE_CHECKING, cast

from flask import Flask

from livinglab.core.db import patience
from livinglab.web.errors import unavailable

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

READERS = 2
WRITERS = 2
PATIENCE_S = 8.0
"""So long a request waits in all: at its gate and, on PostgreSQL, for the database. Of one that is frozen
people are told within ten seconds, the opening of a line counted in."""
ALIVE = "/healthz"
"""Who asks whether the process lives stands in no line: that needs no database, and the others may wait."""
IN_MEMORY = 500_000
CHUNK = 65_536


class Busy(Exception):
    """All who may work at once have been working for too long."""


class Gates:
    """The gates of one process, in front of the app.

    Args:
        largest: Bodies above this are left to the app, which refuses them unread.
    """

    def __init__(self, app: Flask, largest: int) -> None:
        self._app = app
        self._answer = app.wsgi_app
        self._largest = largest
        self._readers = BoundedSemaphore(READERS)
        self._writers = BoundedSemaphore(WRITERS)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Read the body, wait for a place, and let the app answer."""
        if environ["PATH_INFO"] == ALIVE:
            return self._answer(environ, start_response)
        if environ["REQUEST_METHOD"] in ("GET", "HEAD", "OPTIONS"):
            return self._pass(self._readers, environ, start_response)
        with SpooledTemporaryFile(max_size=IN_MEMORY) as body:
            try:
                self._read_body(environ, body)
            except OSError:  # no room for it, or nobody there to send it
                environ["wsgi.input"] = BytesIO()
                return self._busy(environ, start_response)
            return self._pass(self._writers, environ, start_response)

    def _pass(
        self, gate: BoundedSemaphore, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        with patience(PATIENCE_S):
            if not gate.acquire(timeout=PATIENCE_S):
                return self._busy(environ, start_response)
            try:
                return self._answer(environ, start_response)
            finally:
                gate.release()

    def _read_body(self, environ: WSGIEnvironment, body: SpooledTemporaryFile[bytes]) -> None:
        """Put the body where the app reads it without waiting."""
        told = environ.get("CONTENT_LENGTH") or ""
        endless = bool(environ.get("wsgi.input_terminated"))
        if (told.isdecimal() and int(told) > self._largest) or not (told.isdecimal() or endless):
            return
        source = environ["wsgi.input"]
        left = int(told) if told.isdecimal() else self._largest + 1
        while left > 0 and (chunk := source.read(min(left, CHUNK))):
            body.write(chunk)
            left -= len(chunk)
        body.seek(0)
        environ["wsgi.input"] = cast("IO[bytes]", body)

    def _busy(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with self._app.request_context(environ):
            response = self._app.process_response(unavailable(Busy()))  # type: ignore[arg-type]
            return response(environ, start_response)


def install(app: Flask) -> None:
    """Put the gates in front of the app."""
    app.wsgi_app = Gates(app, app.config["MAX_CONTENT_LENGTH"])  # type: ignore[method-assign]
