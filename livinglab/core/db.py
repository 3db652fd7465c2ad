"""The database: one engine an app, and the two ways to open it, ``reading()`` and ``writing()``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from time import monotonic
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=15000")
"""What every connection to SQLite is told; FULL, so that what was said to be saved outlives a power cut."""

Texts = dict[str, str]
"""One text in several languages: ``{"nb": "Mobilitet", "fi": "Liikkuminen"}`` (rule L5)."""


def another(model: type[Any]) -> Any:
    """Return a table under another name, for a statement that reads two rows of it.

    It is made whole at once. SQLAlchemy's own ``aliased`` makes each column when it is first asked for; two
    threads that ask at the same time may find one missing, and the statement that lacks it would be kept as
    long as the process lives.
    """
    row = aliased(model)
    for name in sa.inspect(model).column_attrs.keys():  # noqa: SIM118  # not a dictionary
        getattr(row, name).__clause_element__()
    return row


class Words(sa.Enum):
    """An enum whose members stand in statements by their words, as if they were written there.

    Of a value that comes later a planner thinks that it is as frequent as the others; but nearly all ideas
    are public, and few are in review. What is compared with a value bound by name stays bound.
    """

    class Comparator(sa.Enum.Comparator):
        """Compares with members by their words."""

        def operate(self, op: Any, *other: Any, **named: Any) -> Any:
            """Take part in an operation."""
            return super().operate(op, *map(self._word, other), **named)

        def _word(self, other: Any) -> Any:
            kind: Any = self.type
            if isinstance(other, kind.enum_class):
                return sa.literal_column(f"'{other.value}'", kind)
            several = isinstance(other, list | tuple | set | frozenset)
            if several and other and all(isinstance(one, kind.enum_class) for one in other):
                return [self._word(one) for one in sorted(other)]
            return other

    comparator_factory = Comparator


def by_value(kind: type[StrEnum], check: str = "") -> sa.Enum:
    """Return the column type of an enum: stored by value, with a CHECK in the database itself.

    Args:
        check: Name of the CHECK, where a table has two columns of the same enum.
    """
    longest = max(len(member.value) for member in kind)
    name = check or "".join(f"_{c.lower()}" if c.isupper() else c for c in kind.__name__).lstrip("_")
    return Words(
        kind,
        native_enum=False,
        create_constraint=True,
        validate_strings=True,
        length=max(longest, 24),
        name=name,
        values_callable=lambda members: [member.value for member in members],
    )


def known_id(row_id: int | None) -> int:
    """Return the id of a row that has been flushed."""
    if row_id is None:
        raise LookupError("the row has no id yet: flush it first")
    return row_id


MOST_COUNTED = 1000
"""Above this a count is said as "more than 1,000", so that it costs the same at any size."""
LOCK_WAIT_S = 15
"""So long a statement waits for somebody else's lock on SQLite; then people are told to come back."""
_SERVER_LOCK_WAIT_S = 6
"""The same on PostgreSQL: the server gives up, and its locks go, before a request loses patience."""
_POSTGRES = {
    "connect_timeout": "5",
    "keepalives_idle": "10",  # a server that vanishes closes nothing: ask after ten seconds of silence
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "options": f"-c lock_timeout={_SERVER_LOCK_WAIT_S}s -c max_parallel_workers_per_gather=0 -c jit=off"
    " -c random_page_cost=1.1 -c plan_cache_mode=force_generic_plan -c client_connection_check_interval=2s",
}
"""Whoever lost patience has gone: the server looks for that every two seconds and stops what it was asked.

No page reads so much that starting helpers or compiling its statement first would be repaid; and what is
read lies in memory or on a disk without a moving arm, where the default (4) leads past indexes. Statements
are planned for any values, once: each is written for its index, as SQLite needs it anyway, and planning one
of a list for its values cost five times what running it does."""
_ONE_PICTURE = {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}
"""What a page reads in several statements stood together at one instant, as SQLite has it anyway: else the
mark of a form, or a stamp, could be newer than the words it is shown with."""


_until: ContextVar[float | None] = ContextVar("livinglab_patience", default=None)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Wait so long in all for a PostgreSQL that is silent, whatever is asked of it meanwhile."""
    token = _until.set(monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def waits_until() -> float | None:
    """Return the instant of the monotonic clock at which patience ends; ``None`` without a limit."""
    return _until.get()


INSTANT = UTCDateTime()
"""The type of an instant in a statement, as the columns of our tables have it."""


class Database:
    """One engine and its two doors. Edges open a session here; commands only use the one they get.

    Args:
        url: ``sqlite:///path`` or ``postgresql://…``.

    Attributes:
        writes: How many transactions this process has committed.
    """

    def __init__(self, url: str) -> None:
        self.url = sa.make_url(url)
        if self.url.drivername == "postgresql":
            self.url = self.url.set(drivername="postgresql+psycopg")
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = sa.create_engine(self.url, **self._engine_options())
        if self.is_sqlite:
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)
        else:
            from livinglab.core import postgres  # its driver is not needed, and not loaded, beside SQLite

            postgres.install(self.engine)
        self._read_engine = self.engine.execution_options(**({} if self.is_sqlite else _ONE_PICTURE))
        self._write_engine = self.engine.execution_options(livinglab_writes=True)
        self.writes = 0

    def _engine_options(self) -> dict[str, Any]:
        if self.is_sqlite:
            return {"connect_args": {"timeout": LOCK_WAIT_S, "check_same_thread": False}}
        return {
            "pool_pre_ping": True,
            "pool_size": 5,
            "max_overflow": 15,
            "pool_timeout": 10,
            "connect_args": {name: value for name, value in _POSTGRES.items() if name not in self.url.query},
        }

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session for reads; whatever it changed is forgotten."""
        with self.reading_session() as session:
            yield session

    def reading_session(self) -> Session:
        """Return a session for reads that its user closes; it never sends a change on."""
        return Session(self._read_engine, expire_on_commit=False, autoflush=False)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open a session that commits at the end, or rolls all of it back when something is raised.

        On SQLite the write lock is taken at the start (``BEGIN IMMEDIATE``), so two writers never
        read the same old value. Each commit counts in ``writes``, so that what is kept in memory
        knows it is old. Source: DESIGN section 3, sessions.
        """
        with Session(self._write_engine, expire_on_commit=False) as session, session.begin():
            yield session
        self.writes += 1

    def close(self) -> None:
        """Close the pool; the database may be used again afterwards."""
        self.engine.dispose()


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves; the driver's own would come too late
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("livinglab_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
