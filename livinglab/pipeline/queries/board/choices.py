"""What the board can be narrowed by, and how long ideas usually stay in a stage."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import Texts
from livinglab.core.viewer import Role
from livinglab.ideas.models import Idea, Stage
from livinglab.labs.models import Challenge, ChallengeState, Lab, ReceivingUnit
from livinglab.people.models import Person, RoleGrant
from livinglab.pipeline.models import DecisionOutcome, GateDecision


def typical_days(session: Session, labs: tuple[int, ...], *, newest: int = 400) -> dict[Stage, int]:
    """Return the median stay in each stage of the ideas that went on from it, over the newest decisions."""
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
    rows: Any = session.execute(
        sa.select(later.c.from_stage, later.c.decided_at, before.label("entered"), col(Idea.published_at))
        .select_from(later)
        .join(Idea, col(Idea.id) == later.c.idea_id)
        .where(later.c.lab_id.in_(labs), later.c.outcome == DecisionOutcome.ADVANCE)
        .order_by(later.c.id.desc())
        .limit(newest)
    )
    stays: dict[Stage, list[int]] = defaultdict(list)
    for stage, decided, entered, published in rows:
        begun = entered or published
        if begun is not None:
            stays[stage].append(round((decided - begun) / timedelta(days=1)))
    return {stage: round(median(days)) for stage, days in stays.items()}


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
    """Return the labs, challenges, units and leads of the labs a person works in."""
    names: Any = session.execute(
        sa.select(col(Lab.id), col(Lab.name)).where(col(Lab.id).in_(labs)).order_by(col(Lab.name))
    )
    challenges: Any = session.execute(
        sa.select(col(Challenge.id), col(Challenge.title))
        .where(col(Challenge.lab_id).in_(labs), col(Challenge.state) != ChallengeState.DRAFT)
        .order_by(col(Challenge.id).desc())
        .limit(100)
    )
    units: Any = session.execute(
        sa.select(col(ReceivingUnit.id), col(ReceivingUnit.name))
        .where(col(ReceivingUnit.lab_id).in_(labs), col(ReceivingUnit.retired_at).is_(None))
        .order_by(col(ReceivingUnit.id))
        .limit(200)
    )
    leads: Any = session.execute(
        sa.select(col(Person.id), col(Person.name))
        .join(RoleGrant, col(RoleGrant.person_id) == col(Person.id))
        .where(
            col(RoleGrant.lab_id).in_(labs),
            col(RoleGrant.role) == Role.LEAD,
            col(RoleGrant.ended_at).is_(None),
            col(Person.erased_at).is_(None),
        )
        .distinct()
        .order_by(col(Person.name))
    )
    return Choices(
        labs=tuple(Named(row[0], row[1]) for row in names),
        challenges=tuple(Named(row[0], texts=dict(row[1])) for row in challenges),
        units=tuple(Named(row[0], texts=dict(row[1])) for row in units),
        leads=tuple(Named(row[0], row[1]) for row in leads),
    )
