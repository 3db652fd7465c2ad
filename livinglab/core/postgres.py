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
from psycopg.pq import TransactionStatus
from sqlalchemy.dialects.postgresql.psycopg import PGCompiler_psycopg
from sqlalchemy.sql.elements import BindParameter

from livinglab.core.db import waits_until

LEAST_CONNECT_S = 2
"""The shortest wait for a new line that the driver knows."""
PLANNED = 250
"""So many statements a line keeps planned: a third of a megabyte each, in the server. Our pages ask some two
hundred of them; the driver's own limit is a hundred."""
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

    def rollback(self) -> None:
        """Take back what was changed; a transaction that may only read is ended as one that went well.

        Nothing is changed either way. But the driver forgets all statements it has had planned when it hears
        ROLLBACK, and each page ends its reading so: planning anew cost several times what running does.
        """
        reading = self.read_only and self.info.transaction_status is TransactionStatus.INTRANS
        self.commit() if reading else super().rollback()


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
    line = Line.connect(*args, **named)
    line.prepared_max = PLANNED
    line.prepare_threshold = 1  # what comes a second time is planned for good
    return line


class Compiler(PGCompiler_psycopg):
    """Statements in which it stands how many rows are wanted, where others have a value that comes later.

    Statements are planned once, for any values (``core.db``). Of a number that it does not know the server
    thinks a tenth of all rows, and sorts them rather than walk an index to the first ones.
    """

    def limit_clause(self, select: Any, **named: Any) -> str:
        """Return LIMIT and OFFSET; the driver's own, but for how the limit is written."""
        limit = select._limit_clause  # as the dialects of SQLAlchemy read it
        if not isinstance(limit, BindParameter):
            return str(super().limit_clause(select, **named))  # type: ignore[no-untyped-call]
        offset = select._offset_clause
        text = f"\n LIMIT {self.process(limit.render_literal_execute(), **named)}"
        return text if offset is None else f"{text} OFFSET {self.process(offset, **named)}"


def install(engine: sa.Engine) -> None:
    """Let an engine open its lines and write its statements this way."""
    sa.event.listen(engine, "do_connect", _connect)
    engine.dialect.statement_compiler = Compiler
