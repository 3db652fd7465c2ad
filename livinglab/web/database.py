"""The app's database as views reach it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from flask import Flask, current_app, g, has_request_context
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from livinglab.config import Config
from livinglab.core.db import Database


def install(app: Flask, opened: Database, config: Config) -> None:
    """Hang the database and the settings on the app."""
    app.extensions["livinglab.database"] = opened
    app.extensions["livinglab.config"] = config
    if _end_reading not in app.teardown_appcontext_funcs:
        app.teardown_appcontext(_end_reading)


def database() -> Database:
    """Return the database itself, for those who look at it as a whole."""
    return cast(Database, current_app.extensions["livinglab.database"])


def settings() -> Config:
    """Return the settings of the running app."""
    return cast(Config, current_app.extensions["livinglab.config"])


class Doors:
    """The two ways into the database; all reads of a request go through one session.

    So a page takes one connection and, on SQLite, sees one moment, whoever asks for what: the person who
    asks, the page and the numbers in its header.
    """

    @property
    def is_sqlite(self) -> bool:
        """Say which of the two databases this is."""
        return database().is_sqlite

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session for reads; whatever it changed is forgotten."""
        if not has_request_context():
            with database().reading() as session:
                yield session
            return
        if "reads" not in g:
            g.reads, g.readers = database().reading_session(), 0
        session = cast(Session, g.reads)
        g.readers += 1
        try:
            yield session
        except SQLAlchemyError:
            _end_reading()  # PostgreSQL answers nothing more in a transaction that broke
            raise
        finally:
            g.readers -= 1
            if not g.readers:
                session.expunge_all()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open a session that commits at the end; what the request reads afterwards is read anew.

        Where the line to a server breaks while it commits, nobody knows whether it did: ``g.in_doubt``.
        """
        _end_reading()
        with database().writing() as session:
            yield session
            session.flush()  # what the database refuses, it refuses before
            g.in_doubt = not self.is_sqlite
        g.in_doubt = False


def _end_reading(_error: BaseException | None = None) -> None:
    session = cast("Session | None", g.get("reads"))
    if session is None:
        return
    try:
        session.close()
    except SQLAlchemyError:  # the database went away meanwhile: there is nothing to give back
        session.invalidate()


db = Doors()
"""The database as views reach it: ``reading()`` and ``writing()``."""
