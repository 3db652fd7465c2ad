"""Several things read by one statement: each comes as one value, a JSON list of its rows.

A page that asks for seven things would send seven statements, and what each of them costs is mostly the
way there and back. Here each stays a query of its own, written where it belongs, and only travels with
the others.
"""

from __future__ import annotations

import json
from collections import namedtuple
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

Shape = TypeVar("Shape")
Rows = Any
"""A list of rows; their columns are attributes, as those of any row."""


@dataclass(frozen=True, slots=True)
class Read(Generic[Shape]):
    """One thing to be read, alone or with others.

    Args:
        query: Made once, with bound parameters for what changes; its columns have distinct names.
        values: Of the bound parameters, by name; things that are read together share names and values.
        shape: Makes the rows into what a page shows.
    """

    query: sa.Select[Any]
    values: Mapping[str, object]
    shape: Callable[[Rows], Shape]

    def alone(self, session: Session) -> Shape:
        """Read it in a statement of its own."""
        return self.shape(session.execute(self.query, dict(self.values)).all())


def together(session: Session, *reads: Read[Any]) -> tuple[Any, ...]:
    """Read several things in one statement, and return them in the order asked for.

    Raises:
        ValueError: Two of them bind the same name to different values.
    """
    values: dict[str, object] = {}
    for read in reads:
        if any(values.get(name, value) != value for name, value in read.values.items()):
            raise ValueError("two reads bind one name to different values")
        values |= read.values
    statement, makers = _joined(session.get_bind().dialect.name, tuple(read.query for read in reads))
    found = session.connection().execute(statement, values).one()
    return tuple(read.shape(make(text)) for read, make, text in zip(reads, makers, found, strict=True))


@lru_cache(maxsize=256)
def _joined(dialect: str, queries: tuple[sa.Select[Any], ...]) -> tuple[sa.Select[Any], tuple[Any, ...]]:
    """Return the statement, made once: making it costs more than running it; and who makes rows of each."""
    parts = [query.subquery() for query in queries]
    lists = (_as_list(dialect, part).label(f"part{n}") for n, part in enumerate(parts))
    return sa.select(*lists), tuple(_maker(part) for part in parts)


def _as_list(dialect: str, rows: sa.Subquery) -> sa.ScalarSelect[Any]:
    """Return a subquery's rows, in its order, as the text of one JSON list of lists."""
    if dialect == "sqlite":
        columns = (sa.func.json(c) if isinstance(c.type, sa.JSON) else c for c in rows.c)
        text: Any = sa.func.json_group_array(sa.func.json_array(*columns))
    else:
        text = sa.cast(sa.func.json_agg(sa.func.json_build_array(*rows.c)), sa.Text)
    return sa.select(text).select_from(rows).scalar_subquery()


def _maker(rows: sa.Subquery) -> Callable[[str | None], Rows]:
    """Return what makes the rows of a list: values come back as the types of their columns."""
    row: Any = namedtuple("row", rows.c.keys())  # type: ignore[misc]  # names come with the query
    typed = [(n, read) for n, c in enumerate(rows.c) if (read := _reader(c.type)) is not None]

    def make(text: str | None) -> Rows:
        found = json.loads(text) if text else []
        for values in found:
            for n, read in typed:
                if values[n] is not None:
                    values[n] = read(values[n])
        return [row._make(values) for values in found]

    return make


def _reader(kind: Any) -> Callable[[Any], Any] | None:
    """Return what reads a value of a type anew; ``None`` where JSON says it as it is.

    Raises:
        TypeError: JSON rounds a fraction on SQLite and knows no bytes: such a column is read alone.
    """
    own = kind.impl_instance if isinstance(kind, sa.types.TypeDecorator) else kind
    if isinstance(kind, sa.Interval) or isinstance(own, sa.Float | sa.Numeric | sa.LargeBinary):
        raise TypeError(f"{kind!r} does not come back from JSON as it was")
    kind = own
    if isinstance(kind, sa.Enum) and kind.enum_class is not None:
        return {member.value: member for member in kind.enum_class}.__getitem__
    if isinstance(kind, sa.DateTime):
        return _instant
    if isinstance(kind, sa.Date):
        return date.fromisoformat
    return bool if isinstance(kind, sa.Boolean) else None


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
