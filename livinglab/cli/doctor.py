"""``doctor``: look for what would give trouble, and say what to do about it."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from livinglab.cli.ground import NOT_CURRENT, open_database, plainly, settings, sqlite_file
from livinglab.config import Config, UnsafeConfig, guard

PACKAGE = Path(__file__).parent.parent
SOUND_SQLITE = (3, 51, 3)


@click.command()
def doctor() -> None:
    """Look for what would give trouble; exit 1 when the site cannot run like this."""
    config = settings()
    wrong = [*_settings(config), *_files(config), *_database(config)]
    for line in wrong:
        click.echo(f"WRONG  {line}")
    for line in _worth_knowing(config):
        click.echo(f"note   {line}")
    click.echo("Something must be set right." if wrong else "Livinglab can run like this.")
    sys.exit(1 if wrong else 0)


def _settings(config: Config) -> Iterator[str]:
    try:
        guard(config)
    except UnsafeConfig as problem:
        yield from str(problem).splitlines()


def _files(config: Config) -> Iterator[str]:
    if not any((PACKAGE / place / "static/vendor/.stamp").exists() for place in ("_assets", "..")):
        yield "The style sheets, fonts and scripts are missing. Run: make setup"
    folder = config.instance if config.instance.exists() else config.instance.parent
    if not os.access(folder, os.W_OK):
        yield f"{folder.absolute()} cannot be written: pictures and mails have no place."


def _database(config: Config) -> Iterator[str]:
    from livinglab.core import schema

    file = sqlite_file(config)
    if file is not None and not file.exists():
        return
    try:
        with open_database(config) as database:
            if not schema.is_current(database):
                yield NOT_CURRENT
    except Exception as problem:
        words = plainly(problem)
        if words is None:
            raise
        yield words


def _worth_knowing(config: Config) -> Iterator[str]:
    file = sqlite_file(config)
    if file is not None and not file.exists():
        yield "There is no database yet. It is made by: livinglab db upgrade"
    if file is not None and sqlite3.sqlite_version_info < SOUND_SQLITE:
        yield (
            f"SQLite {sqlite3.sqlite_version} may damage its log when several processes write at once "
            "(mended in 3.51.3). Fine for trying things out; for a real site use PostgreSQL."
        )
    if not config.smtp_url:
        yield f"No mail server is set: mails are written to {config.instance / 'outbox'}."
    if not config.demo and not config.secure:
        yield "LIVINGLAB_BASE_URL is this machine's own address: links in mails work nowhere else."
    missing = [name for name in ("owner", "contact_email", "privacy_officer") if not getattr(config, name)]
    if missing and not config.demo:
        names = ", ".join(f"LIVINGLAB_{name.upper()}" for name in missing)
        yield f"The pages about the site have gaps without {names}."
