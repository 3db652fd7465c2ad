"""How many ideas a list has at each stage, looking at no more than some thousands of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import MOST_COUNTED
from livinglab.core.together import Read, Rows
from livinglab.ideas.models import Idea, Publication, Stage
from livinglab.ideas.queries.listing import (
    NARROWED,
    Filter,
    Shape,
    bound,
    found_in,
    shape_of,
    values_of,
)
from livinglab.ideas.queries.listing.shapes import Found
from livinglab.labs.models import Lab

LOOKED_AT = 1250
"""So many ideas of each stage are looked at where no index tells which of them fit."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many ideas a list has.

    Args:
        stages: At each stage, up to ``MOST_COUNTED`` + 1.
        at_least: Stages of which not all ideas were looked at: there may be more than counted.
    """

    stages: dict[Stage, int]
    at_least: frozenset[Stage] = frozenset()

    def of(self, stage: Stage | None) -> int:
        """Return how many there are at a stage, or at all of them."""
        return self.stages[stage] if stage else sum(self.stages.values())

    def sure(self, stage: Stage | None) -> bool:
        """Say whether that is the number, and not the least it can be."""
        return stage not in self.at_least if stage else not self.at_least


def stage_counts(session: Session, wanted: Filter) -> Tally:
    """Count the ideas of a list by stage: one statement, none where a search has found them already."""
    found = found_in(session, wanted)
    return tally_of(found) if found is not None else stage_counts_read(wanted).alone(session)


def tally_of(found: Found) -> Tally:
    """Count what a search has found."""
    stages = Counter(one.stage for one in found.anywhere.best)
    return Tally({stage: stages[stage] for stage in Stage}, frozenset(Stage if found.anywhere.cut else ()))


def stage_counts_read(wanted: Filter) -> Read[Tally]:
    """Return how the ideas of a list without search words are counted."""
    anywhere = replace(wanted, stage=None)
    return Read(_known_counts(shape_of(anywhere)), values_of(anywhere), _tally)


def _tally(rows: Rows) -> Tally:
    row = rows[0]
    stages = {stage: min(getattr(row, stage.value), MOST_COUNTED + 1) for stage in Stage}
    ended = {stage for stage in Stage if getattr(row, f"more_{stage.value}")}
    return Tally(stages, frozenset(stage for stage in ended if stages[stage] <= MOST_COUNTED))


@lru_cache(maxsize=512)
def _known_counts(shape: Shape) -> Any:
    """Return the counts' statement for a combination of filters: building it costs more than running it."""
    names, _, box, late = shape
    if set(names) <= {"lab_id"} and not box and not late:
        anywhere = () if names else (col(Idea.lab_id).in_(sa.select(col(Lab.id))),)  # as the index begins
        return _counted([*bound(shape), *anywhere])
    return _looked_at(shape)


def _counted(narrowed: list[sa.ColumnElement[bool]]) -> Any:
    """Return the counts where the index of the board tells nearly all: it stops above ``MOST_COUNTED``."""

    def counted(stage: Stage) -> sa.Label[int]:
        some = sa.select(col(Idea.id)).where(*narrowed, col(Idea.stage) == stage).limit(MOST_COUNTED + 1)
        return sa.select(sa.func.count()).select_from(some.subquery()).scalar_subquery().label(stage.value)

    ended = (sa.false().label(f"more_{stage.value}") for stage in Stage)
    return sa.select(*(counted(stage) for stage in Stage), *ended)


def _looked_at(shape: Shape) -> Any:
    """Return the counts among the first ideas that an index leads to at each stage."""
    led, left = _led(shape)
    fits = sa.and_(*bound(left)).label("fits")
    parts = []
    for stage in Stage:
        some = sa.select(fits).where(*led, col(Idea.stage) == stage).limit(LOOKED_AT).subquery()
        numbers = (
            sa.func.count().filter(some.c.fits).label(stage.value),
            (sa.func.count() >= LOOKED_AT).label(f"more_{stage.value}"),
        )
        parts.append(sa.select(*numbers).select_from(some).subquery())
    first, *others = parts
    joined: Any = first
    for part in others:
        joined = sa.join(joined, part, sa.true())
    return sa.select(*(column for part in parts for column in part.c)).select_from(joined)


_BY_INDEX = ("author_id", "category_id", "challenge_id")


def _led(shape: Shape) -> tuple[list[sa.ColumnElement[bool]], Shape]:
    """Return the conditions of which an index tells, and what else there is to ask."""
    names, activity, box, late = shape
    led = [col(Idea.publication) == Publication.PUBLISHED]
    if activity:
        led.append(col(Idea.activity) == activity)
    key = next((name for name in _BY_INDEX if name in names), None)
    if key is not None:
        column: Any = NARROWED[key]
        led.append(column == sa.bindparam(f"only_{key}", type_=column.type))
        return led, (tuple(name for name in names if name != key), activity, box, late)
    if late and "lab_id" not in names:
        return [*led, col(Idea.late_since).is_not(None)], (names, activity, box, False)
    lab: Any = sa.bindparam("only_lab_id", type_=sa.Integer)
    led.append(col(Idea.lab_id) == lab if "lab_id" in names else col(Idea.lab_id).in_(sa.select(col(Lab.id))))
    others = tuple(name for name in names if name != "lab_id")
    if late:
        return [*led, col(Idea.late_since).is_not(None)], (others, activity, box, False)
    return [*led, *([col(Idea.challenge_id).is_(None)] if box else [])], (others, activity, False, False)
