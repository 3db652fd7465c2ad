"""A line to PostgreSQL on which nobody waits for ever: a server that is frozen says and closes nothing.

The machine it stands on goes on acknowledging what we send, so neither keep-alives nor the time limits of
TCP notice; and a limit told to the server is kept by the server, which is frozen. So the waiting itself
ends here, for whoever set a limit (``core.db.patience``); the worker and what changes the schema wait on.
"""

from __future__ import annotations

from collections.abc import Generator
from time import monotonic
from typing import Any

import psycopg
import sqlalchemy as sa

from livinglab.core.db import waits_until

LEAST_CONNECT_S = 2
"""The shortest wait for a new line that the driver knows."""
SILENT = "the database does not answer in time"


class Line(psycopg.Connection[Any]):
    """A connection that is given up when patience ends; the pool throws it away and opens a new one."""

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **named: Any) -> Any:
        """Wait for an answer, at most until patience ends.

        Raises:
            psycopg.OperationalError: Nothing came in time; the line is closed.
        """
        until = waits_until()
        if until is None:
            return super().wait(gen, *args, **named)
        try:
            return super().wait(_before(gen, until), *args, **named)
        except _Silence:
            self.pgconn.finish()
            raise psycopg.OperationalError(SILENT) from None


class _Silence(Exception):
    """Patience ended."""


def _before(gen: Generator[Any, Any, Any], until: float) -> Generator[Any, Any, Any]:
    """Do what a generator of the driver does; it is woken ten times a second and looks at the clock."""
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready and monotonic() >= until:
                raise _Silence
            wanted = gen.send(ready)
    except StopIteration as end:
        return end.value


def _connect(_dialect: object, _record: object, args: Any, named: dict[str, Any]) -> Line:
    """Open a line for the pool, in the time that is left.

    Raises:
        psycopg.OperationalError: No time is left, or nobody answers.
    """
    until = waits_until()
    if until is not None:
        left = until - monotonic()
        if left <= 0:
            raise psycopg.OperationalError(SILENT)
        chosen = int(named.get("connect_timeout", LEAST_CONNECT_S))
        named["connect_timeout"] = str(max(LEAST_CONNECT_S, min(chosen, int(left))))
    return Line.connect(*args, **named)


def install(engine: sa.Engine) -> None:
    """Let an engine open its lines this way."""
    sa.event.listen(engine, "do_connect", _connect)
