"""Writing many rows at once: ``COPY`` on PostgreSQL, one prepared statement on SQLite."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from livinglab.core.db import Database

Rows = Iterable[Sequence[Any]]


class Bulk:
    """Writes rows of tables past the unit of work, in one transaction.

    The foreign keys are not asked row by row: whoever writes here gives numbers that exist.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.dialect = connection.dialect
        self.sqlite = connection.dialect.name == "sqlite"
        self.counts: dict[str, int] = {}

    def write(self, like: SQLModel, columns: Sequence[str], rows: Rows) -> int:
        """Write rows of one table.

        Args:
            like: A row whose other columns all rows share; it is not written itself.
            columns: Names of what differs, in the order of each row.

        Returns:
            How many rows were written.
        """
        table = like.__table__  # type: ignore[attr-defined]
        shared = {
            column.name: getattr(like, column.name)
            for column in table.columns
            if column.name not in columns and getattr(like, column.name) is not None
        }
        names = [*columns, *shared]
        tidy = [table.c[name].type.dialect_impl(self.dialect).bind_processor(self.dialect) for name in names]
        tail = tuple(
            process(value) if process else value
            for process, value in zip(tidy[len(columns) :], shared.values(), strict=True)
        )
        head = tidy[: len(columns)]

        def ready() -> Iterator[tuple[Any, ...]]:
            for row in rows:
                yield tuple(p(v) if p else v for p, v in zip(head, row, strict=True)) + tail

        count = self._put(table.name, names, ready())
        self.counts[table.name] = self.counts.get(table.name, 0) + count
        return count

    def search(self, rows: Rows) -> None:
        """Write (id, stems of the title, stems of the rest) of ideas for search."""
        if self.sqlite:
            self._put("idea_search", ("rowid", "title", "rest"), (tuple(row) for row in rows))
            return
        self.connection.exec_driver_sql(
            "CREATE TEMPORARY TABLE found (id integer, title text, rest text) ON COMMIT DROP"
        )
        self._put("found", ("id", "title", "rest"), (tuple(row) for row in rows))
        with self._sorted_later("ix_idea_search_words ON idea_search USING gin (words)"):
            self.connection.exec_driver_sql(
                "INSERT INTO idea_search (idea_id, words) SELECT id, setweight(to_tsvector('simple', title), 'A')"
                " || setweight(to_tsvector('simple', rest), 'D') FROM found"
            )

    def likeness(self, rows: Rows) -> None:
        """Write (id, title as it is compared) on SQLite, (id, its three-letter pieces) on PostgreSQL."""
        if self.sqlite:
            self._put("idea_gram", ("rowid", "title"), (tuple(row) for row in rows))
            self.connection.exec_driver_sql(
                "INSERT INTO trigram_df (gram, df)"
                " SELECT term, doc FROM idea_gram_vocab WHERE instr(term, ' ') = 0"
            )
            return
        with self._sorted_later("ix_idea_gram_grams ON idea_gram USING gin (grams)"):
            self._put("idea_gram", ("idea_id", "grams"), (tuple(row) for row in rows))
        self.connection.exec_driver_sql(
            "INSERT INTO trigram_df (gram, df)"
            " SELECT gram, count(*) FROM (SELECT DISTINCT idea_id, unnest(grams) AS gram FROM idea_gram) AS g GROUP BY gram"
        )

    @contextmanager
    def _sorted_later(self, index: str) -> Iterator[None]:
        """Build an index that no model knows of after its rows are there."""
        self.connection.exec_driver_sql(f"DROP INDEX {index.split(maxsplit=1)[0]}")
        yield
        self.connection.exec_driver_sql(f"CREATE INDEX {index}")

    def _put(self, table: str, names: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> int:
        driver: Any = self.connection.connection.driver_connection
        columns = ", ".join(f'"{name}"' for name in names)
        count = 0
        if self.sqlite:
            marks = ", ".join("?" * len(names))

            def counted() -> Iterator[tuple[Any, ...]]:
                nonlocal count
                for row in rows:
                    count += 1
                    yield row

            driver.executemany(f'INSERT INTO "{table}" ({columns}) VALUES ({marks})', counted())
            return count
        with (
            driver.cursor() as cursor,
            cursor.copy(f'COPY "{table}" ({columns}) FROM STDIN') as copy,
        ):
            for row in rows:
                copy.write_row(row)
                count += 1
        return count


@contextmanager
def bulk(database: Database) -> Iterator[Bulk]:
    """Open a transaction for bulk writing; afterwards numbers go on where it stopped, and the planner knows."""
    with database.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        if database.is_sqlite:
            for pragma in ("synchronous=OFF", "foreign_keys=OFF", "cache_size=-200000"):
                driver.execute(f"PRAGMA {pragma}")
        with connection.begin():
            if not database.is_sqlite:
                connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
                connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
                connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '256MB'")
            indexes = [index for table in SQLModel.metadata.sorted_tables for index in table.indexes]
            for index in indexes:  # built at the end by sorting, several times faster than row by row
                index.drop(connection)
            yield Bulk(connection)
            for index in indexes:
                index.create(connection)
            if not database.is_sqlite:
                _go_on_counting(connection)
        if database.is_sqlite:
            driver.execute("ANALYZE")
            driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.invalidate()  # its settings are for bulk writing only
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def _go_on_counting(connection: sa.Connection) -> None:
    for table in SQLModel.metadata.sorted_tables:
        key = list(table.primary_key.columns)
        if len(key) == 1 and key[0].name == "id":
            connection.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('\"{table.name}\"', 'id'),"
                f' (SELECT coalesce(max(id), 0) + 1 FROM "{table.name}"), false)'
            )


class Bar:
    """A progress bar on a terminal; silent elsewhere."""

    def __init__(self, what: str, steps: int, *, out: Any = None) -> None:
        self.what, self.steps, self.done = what, steps, 0
        self.out = sys.stderr if out is None else out
        self.began = time.monotonic()

    def step(self, name: str) -> None:
        """Say that the next part begins."""
        self.done += 1
        if self.out.isatty():
            full = 30 * self.done // self.steps
            spent = time.monotonic() - self.began
            bar = "█" * full + "·" * (30 - full)
            self.out.write(f"\r{self.what} {bar} {self.done}/{self.steps} {spent:5.1f} s  {name:<14}")
            self.out.flush()

    def end(self) -> None:
        """Leave the line."""
        if self.out.isatty():
            self.out.write("\n")
