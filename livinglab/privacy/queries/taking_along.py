"""Everything that is kept about one person, as rows they can take along (rule P6)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from functools import partial
from time import monotonic
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import SQLModel, col

from livinglab.core.db import patience, waits_until
from livinglab.core.files import StoredFile
from livinglab.ideas.models import Idea, Publication
from livinglab.people.models import Person
from livinglab.privacy.rules import EXCEPT, PARTS, SECRET, STRANGERS, Part

YOU = "you"
"""Stands in place of the person's own number; other people's numbers are not given."""


BATCH = 500
"""So many rows are in memory at once, however many somebody has."""
Row = dict[str, Any]
Titles = dict[int, str]


@dataclass(frozen=True, slots=True)
class OwnPart:
    """What one table holds about the person; read as it is asked for, while the session is open.

    Args:
        number: How many rows there are.
        batches: Yields some rows at a time, and the titles of the ideas they name, where the person may
            read them.
    """

    name: str
    title: object
    number: int
    batches: Callable[[], Iterator[tuple[list[Row], Titles]]]

    @property
    def rows(self) -> Iterator[Row]:
        """Yield the rows."""
        for rows, _ in self.batches():
            yield from rows


@dataclass(frozen=True, slots=True)
class OwnData:
    """All of it.

    Args:
        pictures: Yields the keys of the pictures the person handed in; their files lie beside the database.
        ideas: Yields number and title of the ideas that rows name, where the person may read them.
    """

    parts: tuple[OwnPart, ...]
    pictures: Callable[[], Iterator[str]]
    ideas: Callable[[], Iterator[tuple[int, str]]]


def columns_of(part: Part) -> tuple[sa.Column[Any], ...]:
    """Return the columns of a part that are given."""
    table = SQLModel.metadata.tables[part.table]
    return tuple(
        column
        for column in table.columns
        if (not part.only or column.name in part.only) and column.name not in part.without
    )


def points_at_a_person(column: sa.Column[Any]) -> bool:
    """Say whether a column holds people's numbers."""
    named = column.table.name == "stored_file" and column.name == "person_id"  # has no foreign key
    return named or any(key.column.table.name == "person" for key in column.foreign_keys)


def is_secret(column: sa.Column[Any]) -> bool:
    """Say whether somebody could act as another with a column's value."""
    return column.name.endswith(SECRET) and f"{column.table.name}.{column.name}" not in EXCEPT


def own_data(session: Session, person_id: int) -> OwnData:
    """Return every row that is a person's, without secrets and without other people's numbers.

    Source: rule P6; General Data Protection Regulation, articles 15 and 20.
    """
    person = session.get_one(Person, person_id)
    addresses = [one for one in (person.email, person.claimed_email) if one and person.email_confirmed_at]
    queries = {part.name: _rows_of(part, person_id, addresses) for part in PARTS}
    counts: list[Any] = [
        sa.select(sa.func.count()).select_from(query.order_by(None).subquery()).scalar_subquery()
        for query in queries.values()
    ]
    numbers = session.execute(sa.select(*counts)).one()
    again = _patience_again()

    def batches(part: Part) -> Iterator[tuple[list[Row], Titles]]:
        for found in _streamed(session, queries[part.name], again):
            rows = [_plain(part, row, person_id) for row in found]
            with again():
                titles = _titles(session, {row["idea_id"] for row in rows if row.get("idea_id")}, person_id)
            yield rows, titles

    def pictures() -> Iterator[str]:
        query = sa.select(col(StoredFile.key)).where(col(StoredFile.person_id) == person_id)
        for found in _streamed(session, query.order_by(col(StoredFile.id)), again):
            yield from (row["key"] for row in found)

    def ideas() -> Iterator[tuple[int, str]]:
        named = [
            query.with_only_columns(query.selected_columns.idea_id).order_by(None)
            for query in queries.values()
            if "idea_id" in query.selected_columns
        ]
        query: Any = sa.select(col(Idea.id), col(Idea.title))
        query = query.where(col(Idea.id).in_(sa.union(*named)), _readable(person_id))
        for found in _streamed(session, query.order_by(col(Idea.id)), again):
            yield from ((row["id"], row["title"]) for row in found)

    parts = tuple(
        OwnPart(part.name, part.title, number, partial(batches, part))
        for part, number in zip(PARTS, numbers, strict=True)
        if number
    )
    return OwnData(parts, pictures, ideas)


Patience = Callable[[], AbstractContextManager[None]]


def _patience_again() -> Patience:
    """Return what lets each step wait for the database as long as may be waited now.

    To write the file may take longer than a page waits in all, and the database is asked until its end.
    """
    until = waits_until()
    return nullcontext if until is None else partial(patience, until - monotonic())


def _streamed(session: Session, query: sa.Select[Any], again: Patience) -> Iterator[Sequence[Any]]:
    """Yield what a query finds, some rows at a time; a server keeps the rest until it is asked for."""
    with again():
        found = session.execute(query, execution_options={"yield_per": BATCH}).mappings().partitions()
        rows = next(found, None)
    while rows is not None:
        yield rows
        with again():
            rows = next(found, None)


def _rows_of(part: Part, person_id: int, addresses: Sequence[str]) -> sa.Select[Any]:
    table = SQLModel.metadata.tables[part.table]
    query = sa.select(*columns_of(part)).order_by(*table.primary_key.columns)
    if part.through is not None:
        here, there = part.through
        other = SQLModel.metadata.tables[there]
        return query.join(other, other.c.id == table.c[here]).where(other.c.actor_id == person_id)
    if part.by_address:
        return query.where(table.c[part.by[0]].in_(addresses))
    return query.where(sa.or_(*(table.c[name] == person_id for name in part.by)))


def _plain(part: Part, row: Any, person_id: int) -> Row:
    values: Row = {}
    for column in columns_of(part):
        value = row[column.name]
        if points_at_a_person(column):
            value = YOU if value == person_id else None
        elif column.table.name == "event" and column.name == "data":
            value = {name: one for name, one in value.items() if not name.endswith(STRANGERS)}
        values[column.name] = _as_json(value)
    return values


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


def _titles(session: Session, idea_ids: Collection[int], person_id: int) -> Titles:
    if not idea_ids:
        return {}
    query = sa.select(col(Idea.id), col(Idea.title)).where(col(Idea.id).in_(idea_ids), _readable(person_id))
    return {row.id: row.title for row in session.execute(query)}


def _readable(person_id: int) -> sa.ColumnElement[bool]:
    """Return the condition of ideas whose titles everybody, or this person as author, may read (I-11)."""
    return sa.or_(col(Idea.publication) == Publication.PUBLISHED, col(Idea.author_id) == person_id)
