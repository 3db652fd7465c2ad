"""C: the least a support can cost. The same rows, written by the driver alone and committed as durably.

Source: ``livinglab.voting.commands``: the support, its line for the limits, the idea's counter.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg

from tests.bench.client import Lap

Pair = tuple[int, int]
"""(idea, person)."""
_SUPPORT = (
    "INSERT INTO support (idea_id, person_id, given_at, counts, staff) VALUES ({m}, {m}, {m}, true, false)"
)
_GIVEN = "INSERT INTO support_given (person_id, at) VALUES ({m}, {m})"
_COUNT = "UPDATE idea_count SET supports = supports + 1 WHERE idea_id = {m} RETURNING supports"


class Direct:
    """A connection of the driver's own, told what the product tells its connections."""

    def __init__(self, url: str) -> None:
        self.is_sqlite = url.startswith("sqlite")
        self.connection: Any
        if self.is_sqlite:
            self.connection = sqlite3.connect(
                url.removeprefix("sqlite:///"), timeout=15, isolation_level=None
            )
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                self.connection.execute(f"PRAGMA {pragma}")
        else:
            self.connection = psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True)
        mark = "?" if self.is_sqlite else "%s"
        self._lines = tuple(line.format(m=mark) for line in (_SUPPORT, _GIVEN, _COUNT))

    def durability(self) -> str:
        """Say how a commit is kept, as the database itself tells it."""
        if self.is_sqlite:
            level = self.connection.execute("PRAGMA synchronous").fetchone()[0]
            return f"WAL, synchronous={('OFF', 'NORMAL', 'FULL', 'EXTRA')[level]}"
        names = ("fsync", "synchronous_commit", "full_page_writes")
        return ", ".join(f"{name}={self.connection.execute(f'SHOW {name}').fetchone()[0]}" for name in names)

    def give(self, idea: int, person: int) -> None:
        """Write one support, and commit."""
        support, given, count = self._lines
        at: Any = datetime.now(UTC)
        if self.is_sqlite:
            at = at.replace(tzinfo=None).isoformat(" ")
        do = self.connection.execute
        do("BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN")
        do(support, (idea, person, at))
        do(given, (person, at))
        do(count, (idea,)).fetchone()
        do("COMMIT")

    def give_for(self, pairs: Iterator[Pair], seconds: float) -> tuple[Lap, float]:
        """Give one support after the other until the time is over.

        Returns:
            The lap, and the processor time this side of the database took for it.
        """
        lap, spent = Lap(), time.thread_time()
        began = now = time.perf_counter()
        for idea, person in pairs:
            at = now
            self.give(idea, person)
            now = time.perf_counter()
            lap.times.append(now - at)
            if now - began >= seconds:
                break
        lap.seconds = now - began
        return lap, time.thread_time() - spent

    def close(self) -> None:
        """Close it."""
        self.connection.close()
