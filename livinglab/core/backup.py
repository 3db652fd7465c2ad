"""A copy of a SQLite database each night, read through before it counts. PostgreSQL has its own tools."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

from livinglab.core.db import Database

KEPT = 14
"""So many copies are kept; whoever left is in none of them after as many days."""


class Damaged(Exception):
    """The database does not hold what it should."""


def copies(folder: Path) -> list[Path]:
    """Return the copies there are, the newest first."""
    return sorted(folder.glob("livinglab-????-??-??.sqlite"), reverse=True)


def copy_of(folder: Path, day: date) -> Path:
    """Return where the copy of a day lies, or will lie."""
    return folder / f"livinglab-{day.isoformat()}.sqlite"


def back_up(database: Database, folder: Path, day: date, *, keep: int = KEPT) -> Path | None:
    """Copy a SQLite database while it is in use, check the copy, and let the oldest copies go.

    Nobody waits for it: the copy is read from one moment's snapshot. A day that has its copy gets no other.

    Args:
        keep: How many copies stay, this one among them.

    Returns:
        The new copy; ``None`` where the day has one, and on PostgreSQL.

    Raises:
        Damaged: The copy is not whole; the copies of before are left alone.
        OSError, sqlite3.Error: It could not be written.

    Source: DOMAIN 5, invariant I-12.
    """
    whole = copy_of(folder, day)
    if not database.is_sqlite or whole.exists():
        return None
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for torn in folder.glob("livinglab-*.part"):  # of a night on which the machine went down
        torn.unlink()
    part = whole.with_suffix(".part")
    try:
        with closing(sqlite3.connect(str(database.url.database), isolation_level=None)) as source:
            source.execute("VACUUM INTO ?", (str(part),))
        _read_through(part)
        part.chmod(0o600)
        part.rename(whole)
    finally:
        part.unlink(missing_ok=True)
    for old in copies(folder)[keep:]:
        old.unlink()
    return whole


def _read_through(copy: Path) -> None:
    with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as connection:
        said = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
        loose = connection.execute("PRAGMA foreign_key_check").fetchmany(5)
    if said != ["ok"] or loose:
        raise Damaged("; ".join(said) if said != ["ok"] else f"rows that point nowhere: {loose}")
