"""Everything that is kept about one person, as rows they can take along (rule P6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import SQLModel, col

from livinglab.core.files import StoredFile
from livinglab.ideas.models import Idea, Publication
from livinglab.people.models import Person
from livinglab.privacy.rules import EXCEPT, PARTS, SECRET, STRANGERS, Part

YOU = "you"
"""Stands in place of the person's own number; other people's numbers are not given."""


@dataclass(frozen=True, slots=True)
class OwnPart:
    """What one table holds about the person."""

    name: str
    title: object
    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class OwnPicture:
    """A picture the person handed in; its file lies beside the database."""

    key: str


@dataclass(frozen=True, slots=True)
class OwnData:
    """All of it.

    Args:
        ideas: Titles of the ideas that rows name, where the person may read them.
    """

    parts: tuple[OwnPart, ...]
    pictures: tuple[OwnPicture, ...]
    ideas: dict[int, str] = field(default_factory=dict)


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
    parts = []
    for part in PARTS:
        found = session.execute(_rows_of(part, person_id, addresses)).mappings().all()
        rows = tuple(_plain(part, row, person_id) for row in found)
        if rows:
            parts.append(OwnPart(part.name, part.title, rows))
    pictures = session.scalars(
        sa.select(col(StoredFile.key))
        .where(col(StoredFile.person_id) == person_id)
        .order_by(col(StoredFile.id))
    )
    named = {row["idea_id"] for part in parts for row in part.rows if row.get("idea_id")}
    return OwnData(
        tuple(parts), tuple(OwnPicture(key) for key in pictures), _titles(session, named, person_id)
    )


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


def _plain(part: Part, row: Any, person_id: int) -> dict[str, Any]:
    values: dict[str, Any] = {}
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


def _titles(session: Session, idea_ids: Iterable[int], person_id: int) -> dict[int, str]:
    """Return titles of what everybody, or this person as its author, may read (invariant I-11)."""
    wanted: list[int] = sorted(idea_ids)
    titles: dict[int, str] = {}
    may = sa.or_(col(Idea.publication) == Publication.PUBLISHED, col(Idea.author_id) == person_id)
    for start in range(0, len(wanted), 500):
        batch = wanted[start : start + 500]
        query = sa.select(col(Idea.id), col(Idea.title)).where(col(Idea.id).in_(batch), may)
        titles |= {row.id: row.title for row in session.execute(query)}
    return titles
