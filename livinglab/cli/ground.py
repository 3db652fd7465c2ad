"""What every command stands on: settings, the database, and plain words for what goes wrong."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from livinglab.config import Config, UnsafeConfig, load_config, with_secret

if TYPE_CHECKING:
    from flask import Flask

    from livinglab.core.db import Database

Factory = Callable[[Config], "Flask"]
pass_factory = click.pass_obj
NOT_CURRENT = "The database is not up to date. Run: livinglab db upgrade"


class Commands(click.Group):
    """Commands that say in one line what an operator can set right; anything else keeps its traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was typed."""
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except Exception as problem:
            words = plainly(problem)
            if words is None:
                raise
            raise click.ClickException(words) from None


def plainly(problem: Exception) -> str | None:
    """Say what went wrong where its cause lies outside the program, else ``None``."""
    if isinstance(problem, UnsafeConfig):
        return str(problem)
    if isinstance(problem, PermissionError):
        return f"{problem.filename} may not be written by this user."
    from sqlalchemy.exc import OperationalError, ProgrammingError

    if isinstance(problem, (OperationalError, ProgrammingError)) and _lacks_a_table(problem.orig):
        return NOT_CURRENT
    if isinstance(problem, OperationalError):
        return f"The database does not answer: {str(problem.orig).splitlines()[0]}"
    return None


def _lacks_a_table(problem: BaseException | None) -> bool:
    return type(problem).__name__ == "UndefinedTable" or "no such table" in str(problem)


def settings() -> Config:
    """Return the settings in force."""
    return with_secret(load_config())


def sqlite_file(config: Config) -> Path | None:
    """Return the file of an SQLite database, or ``None`` where the database is another."""
    prefix = "sqlite:///"
    path = config.database.removeprefix(prefix).partition("?")[0]
    return Path(path) if config.database.startswith(prefix) else None


@contextmanager
def open_database(config: Config) -> Iterator[Database]:
    """Open the database of the settings, and close it at the end."""
    from livinglab.core.db import Database

    config.instance.mkdir(mode=0o700, parents=True, exist_ok=True)  # it holds mails, pictures, the secret
    file = sqlite_file(config)
    if file is not None and not file.parent.is_dir():
        raise UnsafeConfig(f"LIVINGLAB_DATABASE_URL names a folder that is not there: {file.parent}")
    database = Database(config.database)
    try:
        yield database
    finally:
        database.close()


def know_every_table() -> None:
    """Load the models of all rooms: a table is only known once its room has been imported."""
    importlib.import_module("livinglab.migrations.models")


def make_ready(config: Config) -> None:
    """Bring the schema up to date where that is ours to do; else say which command does it."""
    from livinglab.core import schema

    with open_database(config) as database:
        if database.is_sqlite or config.demo:
            schema.upgrade(database)
        elif not schema.is_current(database):
            raise click.ClickException(NOT_CURRENT)
