"""What a list is narrowed to, as conditions of its statement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import Words
from livinglab.ideas.models import Activity, Idea
from livinglab.ideas.queries.listing.shapes import Conditions, Filter, Found
from livinglab.ideas.queries.visibility import listed
from livinglab.ideas.queries.words import find


def conditions(session: Session, wanted: Filter) -> Conditions:
    """Return what a list is narrowed to, as conditions on ``Idea``."""
    narrowed = shaped(wanted, lambda _name, column, value: column == value)
    found = found_in(session, wanted)
    return narrowed if found is None else [*narrowed, col(Idea.id).in_(_numbers(session, found))]


def found_in(session: Session, wanted: Filter) -> Found | None:
    """Return what a search has found, looked up now where it is not known; ``None`` where nothing is sought.

    Of signs without a letter or a digit nothing is found, in every order.
    """
    if wanted.found is not None or not wanted.words:
        return wanted.found
    everywhere = replace(wanted, words="", stage=None)
    anywhere = find(session, wanted.words, conditions(session, everywhere))
    if wanted.stage is None:
        return Found(anywhere, anywhere)
    if not anywhere.cut:
        return Found(anywhere, anywhere.at(wanted.stage))
    own = replace(everywhere, stage=wanted.stage)
    return Found(anywhere, find(session, wanted.words, conditions(session, own)))


def _numbers(session: Session, found: Found) -> sa.Select[tuple[int]]:
    """Return the numbers of the ideas as one value: the statement is the same however many there are."""
    if session.get_bind().dialect.name == "sqlite":
        return sa.select(sa.func.json_each(str(found.here.ids)).table_valued(sa.column("value", sa.Integer)))
    return sa.select(sa.func.unnest(sa.cast(found.here.ids, ARRAY(sa.Integer))))


NARROWED: dict[str, Any] = {
    "lab_id": Idea.lab_id,
    "challenge_id": Idea.challenge_id,
    "stage": Idea.stage,
    "category_id": Idea.category_id,
    "language": Idea.language,
    "author_id": Idea.author_id,
}


def shaped(wanted: Filter, equal: Callable[[str, Any, Any], sa.ColumnElement[bool]]) -> Conditions:
    """Return the conditions of a list; ``equal`` compares a column with its value, or one bound later."""
    found: Conditions = [listed(wanted.activity) if wanted.activity else listed()]
    found += [
        equal(name, column, getattr(wanted, name))
        for name, column in NARROWED.items()
        if getattr(wanted, name)
    ]
    if wanted.box:  # the ring of a language leads, where there is one: few may be in it, or none
        challenge = col(Idea.challenge_id)
        found.append((challenge + 0 if wanted.language and wanted.lab_id else challenge).is_(None))
    if wanted.late:
        found.append(col(Idea.late_since).is_not(None))
    return found


Shape = tuple[tuple[str, ...], Activity | None, bool, bool]


def shape_of(wanted: Filter) -> Shape:
    """Return which filters are set, without their values: lists of one shape share a statement."""
    return (
        tuple(name for name in NARROWED if getattr(wanted, name)),
        wanted.activity,
        wanted.box,
        wanted.late,
    )


def values_of(wanted: Filter) -> dict[str, Any]:
    """Return the values that a shape's statement is run with."""
    return {f"only_{name}": getattr(wanted, name) for name in NARROWED if getattr(wanted, name)}


def bound(shape: Shape) -> Conditions:
    """Return the conditions of a combination of filters; their values are bound when it runs."""
    names, activity, box, late = shape
    wanted = Filter(activity=activity, box=box, late=late, **dict.fromkeys(names, 1))  # type: ignore[arg-type]

    def equal(name: str, column: Any, _value: object) -> Any:
        by_word = isinstance(column.type, Words)
        return column == sa.bindparam(f"only_{name}", type_=column.type, literal_execute=by_word)

    return shaped(wanted, equal)


FEW = 2000
"""Up to so many ideas of a narrow filter are gathered and sorted; more stand close enough among all."""


def few_of(session: Session, wanted: Filter, narrowed: Conditions) -> sa.Subquery | None:
    """Return the ideas of a filter that an index leads to, where they are few; else ``None``.

    In the order of all ideas those few would be far apart.
    """
    if wanted.words:
        return sa.select(col(Idea.id).label("id")).where(*narrowed).subquery("near")
    if not (wanted.activity or wanted.late or wanted.category_id or wanted.author_id):
        return None
    some = sa.select(col(Idea.id).label("id")).where(*narrowed).limit(FEW + 1).subquery("near")
    number = session.scalar(sa.select(sa.func.count()).select_from(some)) or 0
    return some if number <= FEW else None
