"""Databases to measure on: built once, kept, and measured on a copy, so that each run begins alike."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from livinglab.core import schema
from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from livinglab.core.glance import newest_step
from livinglab.labs.models import Challenge
from tests.bench.meters import postmaster
from tests.bench.town import build
from tests.faults.servers import Postgres

FRESH = timedelta(days=7)
"""So long a town's challenges must still be open; an older town is built anew."""


def recipe() -> str:
    """Return a word that changes with the schema and with how a town is built."""
    told = hashlib.sha256(newest_step().encode())
    here = Path(__file__).parent
    for file in (*sorted((here / "town").glob("*.py")), here / "bulk.py"):
        told.update(file.read_bytes())
    return told.hexdigest()[:8]


def _is_fresh(url: str) -> bool:
    with closing(Database(url)) as database:
        try:
            with database.reading() as session:
                closes = session.scalar(sa.select(sa.func.min(col(Challenge.closes_at))))
        except SQLAlchemyError:
            return False
        return closes is not None and closes > utc_now() + FRESH and schema.is_current(database)


def _left_over(pid: str) -> bool:
    """Whether a copy is of a run that was killed."""
    return not psutil.pid_exists(int(pid))


def _build(url: str, ideas: int) -> None:
    with closing(Database(url)) as database:
        schema.upgrade(database)
        build(database, ideas=ideas, now=utc_now())


@dataclass(frozen=True)
class Towns:
    """One kind of database.

    Args:
        version: What it calls itself.
        home: The process whose family the database is; ``None``: it is part of the web processes, or not here.
        elsewhere: It runs where its processor time cannot be seen.
    """

    engine: str
    version: str
    home: psutil.Process | None = None
    elsewhere: bool = False

    def town(self, ideas: int) -> AbstractContextManager[str]:
        """Return the address of a copy of a town of so many ideas; the copy goes at the end."""
        raise NotImplementedError


@dataclass(frozen=True)
class SqliteTowns(Towns):
    """Files in a folder."""

    folder: Path = Path()

    @contextmanager
    def town(self, ideas: int) -> Iterator[str]:
        """Copy the file."""
        kept = self.folder / f"town-{ideas}-{recipe()}.sqlite"
        if not kept.is_file() or not _is_fresh(f"sqlite:///{kept}"):
            for old in self.folder.glob(f"town-{ideas}-*"):
                old.unlink()
            new = kept.with_suffix(".new")  # what was begun and not ended has gone with the old ones
            _build(f"sqlite:///{new}", ideas)
            new.rename(kept)
        for old in self.folder.glob("run-*"):
            if _left_over(old.name.split("-")[1]):
                old.unlink()
        copy = self.folder / f"run-{os.getpid()}-{ideas}.sqlite"
        shutil.copyfile(kept, copy)
        try:
            yield f"sqlite:///{copy}"
        finally:
            for left in self.folder.glob(f"{copy.name}*"):
                left.unlink()


@dataclass(frozen=True)
class PostgresTowns(Towns):
    """Databases of a server."""

    url: str = ""

    @contextmanager
    def town(self, ideas: int) -> Iterator[str]:
        """Copy the database by its files."""
        kept = f"bench_{ideas}_{recipe()}"
        if kept not in self._names() or not _is_fresh(self._at(kept)):
            for old in self._names():
                if old.startswith(f"bench_{ideas}_"):
                    self._do(f"DROP DATABASE {old} WITH (FORCE)")
            new = f"new_{ideas}"
            self._do(f"DROP DATABASE IF EXISTS {new} WITH (FORCE)")
            self._do(f"CREATE DATABASE {new}")
            _build(self._at(new), ideas)
            self._do(f"ALTER DATABASE {new} RENAME TO {kept}")
        for old in self._names():
            if old.startswith("run_") and _left_over(old.split("_")[1]):
                self._do(f"DROP DATABASE {old} WITH (FORCE)")
        copy = f"run_{os.getpid()}_{ideas}"
        self._do(f"CREATE DATABASE {copy} TEMPLATE {kept} STRATEGY FILE_COPY")
        try:
            yield self._at(copy)
        finally:
            self._do(f"DROP DATABASE {copy} WITH (FORCE)")

    def _at(self, name: str) -> str:
        return sa.make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def _names(self) -> list[str]:
        with psycopg.connect(self.url) as connection:
            return [row[0] for row in connection.execute("SELECT datname FROM pg_database")]

    def _do(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def towns(engine: str, folder: Path) -> Iterator[Towns]:
    """Open a kind of database: files in the folder, the PostgreSQL that is named, or one of our own.

    Our own keeps its data in the folder, too; run by root, in the temp folder, as the way to it is opened
    for the user it runs as.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if engine == "sqlite":
        import sqlite3

        yield SqliteTowns("sqlite", f"SQLite {sqlite3.sqlite_version}", folder=folder)
        return
    named = os.environ.get("LIVINGLAB_TEST_PG_URL")
    if named:
        yield _served(named.replace("postgresql+psycopg://", "postgresql://", 1))
        return
    root = Path(tempfile.gettempdir()) / "livinglab-bench" if os.geteuid() == 0 else folder
    data = root / "postgresql" / "data"
    data.mkdir(parents=True, exist_ok=True)
    server = Postgres(data, small=False)
    server.make()
    try:
        yield _served(server.url())
    finally:
        server.end()
        shutil.rmtree(server.sockets, ignore_errors=True)


def _served(url: str) -> PostgresTowns:
    with psycopg.connect(url) as connection:
        version = connection.execute("SHOW server_version").fetchone()
    home = postmaster(url)
    told = f"PostgreSQL {version[0] if version else ''}"
    return PostgresTowns("postgresql", told, home, home is None, url=url)
