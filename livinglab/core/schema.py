"""The schema: brought up to date, taken back, and compared with the models. Plain alembic."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel

from livinglab.core.db import Database

FOLDER = Path(__file__).parent.parent / "migrations"
_LOCK = 7_412_206
"""Key of the PostgreSQL advisory lock: two starting programs never migrate at once."""


class BrokenReferences(Exception):
    """A migration left a row pointing to nothing."""


def _settings(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    return config


@contextmanager
def _locked(database: Database) -> Iterator[sa.Connection]:
    alone = _sqlite_keeps_rows if database.is_sqlite else _postgresql_waits
    with (
        database.engine.execution_options(livinglab_writes=True).connect() as connection,
        alone(connection),
    ):
        yield connection


@contextmanager
def _postgresql_waits(connection: sa.Connection) -> Iterator[None]:
    connection.execute(sa.text("SET lock_timeout = 0"))  # however long the other one migrates
    connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(sa.text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
        connection.execute(sa.text("RESET lock_timeout"))
        connection.commit()


@contextmanager
def _sqlite_keeps_rows(connection: sa.Connection) -> Iterator[None]:
    """Changing a column on SQLite makes the table anew and drops the old one: no row may go with it.

    With foreign keys on, dropping it would delete every row that points there with ``ON DELETE CASCADE``.

    Raises:
        BrokenReferences: A row points to nothing after the migration.
    """
    raw: Any = connection.connection.driver_connection
    raw.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
        if raw.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise BrokenReferences("a row points to one that is gone; restore the copy made before")
    finally:
        if raw.in_transaction:
            connection.rollback()
        raw.execute("PRAGMA foreign_keys=ON")


def upgrade(database: Database, to: str = "head") -> None:
    """Bring the schema up to date; nothing happens when it is."""
    with _locked(database) as connection:
        command.upgrade(_settings(connection), to)
        connection.commit()


def downgrade(database: Database, to: str) -> None:
    """Take the schema back to a revision, or to ``base``."""
    with _locked(database) as connection:
        command.downgrade(_settings(connection), to)
        connection.commit()


def standing(database: Database) -> tuple[str | None, str | None]:
    """Return (revision of the database, newest revision of the program)."""
    with database.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return current, ScriptDirectory(str(FOLDER)).get_current_head()


def is_current(database: Database) -> bool:
    """Say whether the schema is that of the program."""
    current, newest = standing(database)
    return current == newest


def own_table(item: Any, name: str | None, kind: str, _reflected: object, _other: object) -> bool:
    """Say whether a table is one of the models' (search tables are raw SQL of their own)."""
    del item
    return kind != "table" or name in SQLModel.metadata.tables


def differences(database: Database) -> list[Any]:
    """Compare the database with the models; empty when they agree."""
    with database.engine.connect() as connection:
        options = {"compare_type": True, "include_object": own_table}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, SQLModel.metadata))
