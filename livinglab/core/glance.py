"""A look at the database before anything heavy is imported, so that the next start is quick."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

STEPS = Path(__file__).parent.parent / "migrations" / "versions"


@dataclass(frozen=True, slots=True)
class Glance:
    """What is there already.

    Args:
        current: Whether the schema is that of the program.
        has_labs: Whether anything has been set up or loaded.
    """

    current: bool = False
    has_labs: bool = False


def newest_step() -> str:
    """Return the newest revision of the program; the files are named by it."""
    return max(file.name for file in STEPS.glob("[0-9]*.py")).split("_")[0]


def schema_is_newest(session: Session) -> bool:
    """Say whether an open database has the program's schema; needs none of what would change it."""
    from sqlalchemy import text

    return bool(session.scalar(text(_QUESTIONS[0])) == newest_step())


def look_at(file: Path) -> Glance:
    """Look at an SQLite file; one that is missing or cannot be read is simply not ready."""
    if not file.is_file():
        return Glance()
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            return _told(*(connection.execute(question).fetchone() for question in _QUESTIONS))
    except sqlite3.Error:
        return Glance()


def look_through(url: str) -> Glance:
    """Look at a PostgreSQL database; one that does not answer is simply not ready."""
    import psycopg

    try:
        with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://", 1)) as connection:
            return _told(*(connection.execute(question).fetchone() for question in _QUESTIONS))
    except psycopg.Error:
        return Glance()


_QUESTIONS = ("SELECT version_num FROM alembic_version", "SELECT id FROM lab LIMIT 1")


def _told(revision: tuple[object] | None, lab: tuple[object] | None) -> Glance:
    return Glance(current=revision == (newest_step(),), has_labs=lab is not None)
