"""The app's database as views reach it."""

from __future__ import annotations

from typing import cast

from flask import Flask, current_app
from werkzeug.local import LocalProxy

from livinglab.config import Config
from livinglab.core.db import Database


def install(app: Flask, database: Database, config: Config) -> None:
    """Hang the database and the settings on the app."""
    app.extensions["livinglab.database"] = database
    app.extensions["livinglab.config"] = config


def _database() -> Database:
    return cast(Database, current_app.extensions["livinglab.database"])


def settings() -> Config:
    """Return the settings of the running app."""
    return cast(Config, current_app.extensions["livinglab.config"])


db = cast(Database, LocalProxy(_database))
