"""One worker among several leads; the others wait and take over when it is gone.

On PostgreSQL the lead is an advisory lock of one open connection, on SQLite a lock on a file:
both fall with the process that held them. Source: DESIGN section 3, APScheduler pitfalls.
"""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from livinglab.core.db import Database

if TYPE_CHECKING:
    import psycopg

_KEY = 7_412_207
_NOTICE_SILENCE: dict[str, Any] = {
    # A machine that vanishes closes nothing. Both ends ask after ten seconds of silence, so that the lock
    # falls, and its former holder knows, within about twenty; the system's own default is two hours.
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "options": "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3",
}


def worker_name() -> str:
    """Return a name for this process that people can find: host and process id."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}"


class Leader(Protocol):
    """The lead: asked for again and again."""

    def held(self) -> bool:
        """Take the lead if it is free, and say whether this process has it."""

    def release(self) -> None:
        """Give it up."""


class FileLeader:
    """The lead as a lock on a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def held(self) -> bool:
        """Take the lock if it is free."""
        if self._file is not None:
            return True
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Unlock."""
        if self._file is not None:
            self._file.close()
            self._file = None


class PostgresLeader:
    """The lead as an advisory lock of one connection that stays open."""

    def __init__(self, database: Database) -> None:
        self._address = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: psycopg.Connection | None = None

    def held(self) -> bool:
        """Take the lock if it is free; notice when the connection that held it is gone."""
        import psycopg  # not needed, and not loaded, beside SQLite

        try:
            if self._connection is not None:
                self._connection.execute("SELECT 1")
                return True
            self._connection = psycopg.connect(self._address, autocommit=True, **_NOTICE_SILENCE)
            taken = self._connection.execute("SELECT pg_try_advisory_lock(%s)", (_KEY,)).fetchone()
            if taken == (True,):
                return True
        except psycopg.Error:
            pass  # the database does not answer, or has ended the connection: the lock is not ours
        self.release()
        return False

    def release(self) -> None:
        """Close the connection; the lock falls with it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def leader_for(database: Database) -> Leader:
    """Return the lead that fits the database: one lead for each database, wherever a worker is started."""
    if database.is_sqlite:
        return FileLeader(Path(f"{database.url.database}-worker.lock"))
    return PostgresLeader(database)
