"""What the board can be narrowed by, and how long ideas usually stay in a stage."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import Texts
from livinglab.core.together import Read, Rows, together
from livinglab.core.viewer import Role
from livinglab.ideas.models import Idea, Stage
from livinglab.labs.models import Challenge, ChallengeState, Lab, ReceivingUnit
from livinglab.people.models import Person, RoleGrant
from livinglab.pipeline.models import DecisionOutcome, GateDecision

NEWEST = 200
"""So many of the newest decisions tell how long ideas usually stay."""
LABS: Any = sa.bindparam("labs", type_=sa.Integer, expanding=True)


def typical_days(session: Session, labs: tuple[int, ...]) -> dict[Stage, int]:
    """Return the median stay in each stage of the ideas that went on from it, over the newest decisions."""
    return typical_read(labs).alone(session)


def typical_read(labs: tuple[int, ...]) -> Read[dict[Stage, int]]:
    """Return how ``typical_days`` is read."""
    return Read(_stays(), {"labs": list(labs), "newest": NEWEST}, _medians)


@lru_cache(maxsize=1)
def _stays() -> Any:
    """Return the statement of when the newest ideas to go on had come, and when they went; made once."""
    later: Any = sa.alias(GateDecision.__table__, "later")  # type: ignore[attr-defined]
    before = (
        sa.select(sa.func.max(col(GateDecision.decided_at)))
        .where(
            col(GateDecision.idea_id) == later.c.idea_id,
            col(GateDecision.to_stage) == later.c.from_stage,
            col(GateDecision.from_stage) != later.c.from_stage,
            col(GateDecision.decided_at) < later.c.decided_at,
        )
        .correlate(later)
        .scalar_subquery()
    )
    return (
        sa.select(
            later.c.from_stage,
            later.c.decided_at,
            sa.func.coalesce(before, col(Idea.published_at)).label("begun_at"),
        )
        .select_from(later)
        .join(Idea, col(Idea.id) == later.c.idea_id)
        .where(later.c.lab_id.in_(LABS), later.c.outcome == DecisionOutcome.ADVANCE)
        .order_by(later.c.id.desc())
        .limit(sa.bindparam("newest", type_=sa.Integer))
    )


def _medians(rows: Rows) -> dict[Stage, int]:
    stays: dict[Stage, list[int]] = defaultdict(list)
    for stage, decided, begun in rows:
        if begun is not None:
            stays[stage].append(round((decided - begun).total_seconds() / _DAY))
    return {stage: round(median(days)) for stage, days in stays.items()}


_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Named:
    """Something to choose in a filter; ``texts`` where it is said in several languages."""

    id: int
    name: str = ""
    texts: Texts | None = None
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choices:
    """What the board can be narrowed by."""

    labs: tuple[Named, ...]
    challenges: tuple[Named, ...]
    units: tuple[Named, ...]
    leads: tuple[Named, ...]


def board_choices(session: Session, labs: tuple[int, ...]) -> Choices:
    """Return the labs, challenges, units and leads of the labs a person works in, in one statement."""
    values = {"labs": list(labs)}
    return Choices(
        *together(
            session, *(Read(query, values, shape) for query, shape in zip(_named(), _SHAPES, strict=True))
        )
    )


_SHAPES: Any = (
    lambda rows: tuple(Named(row[0], row[1]) for row in rows),
    lambda rows: tuple(Named(row[0], texts=dict(row[1])) for row in rows),
    lambda rows: tuple(Named(row[0], texts=dict(row[1])) for row in rows),
    lambda rows: tuple(Named(row[0], row[1]) for row in rows),
)


@lru_cache(maxsize=1)
def _named() -> tuple[Any, ...]:
    """Return the statements of the labs, challenges, units and leads, made once."""
    return (
        sa.select(col(Lab.id), col(Lab.name)).where(col(Lab.id).in_(LABS)).order_by(col(Lab.name)),
        sa.select(col(Challenge.id), col(Challenge.title))
        .where(col(Challenge.lab_id).in_(LABS), col(Challenge.state) != ChallengeState.DRAFT)
        .order_by(col(Challenge.id).desc())
        .limit(100),
        sa.select(col(ReceivingUnit.id), col(ReceivingUnit.name))
        .where(col(ReceivingUnit.lab_id).in_(LABS), col(ReceivingUnit.retired_at).is_(None))
        .order_by(col(ReceivingUnit.id))
        .limit(200),
        sa.select(col(Person.id), col(Person.name))
        .join(RoleGrant, col(RoleGrant.person_id) == col(Person.id))
        .where(
            col(RoleGrant.lab_id).in_(LABS),
            col(RoleGrant.role) == Role.LEAD,
            col(RoleGrant.ended_at).is_(None),
            col(Person.erased_at).is_(None),
        )
        .distinct()
        .order_by(col(Person.name)),
    )
