"""A look at an SQLite database before anything heavy is imported, so that the next start is quick."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

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


def look_at(file: Path) -> Glance:
    """Look at a database file; one that is missing or cannot be read is simply not ready."""
    if not file.is_file():
        return Glance()
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            labs = connection.execute("SELECT id FROM lab LIMIT 1").fetchone()
    except (sqlite3.Error, TypeError):
        return Glance()
    return Glance(current=revision == newest_step(), has_labs=labs is not None)
