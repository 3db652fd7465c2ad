"""How many stand in each column, how many are late, and what narrows the board."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import INSTANT
from livinglab.handoff.models import Handoff
from livinglab.ideas.models import Activity, Idea, Publication, Stage
from livinglab.pipeline.queries.board.shapes import ON_BOARD, BoardFilter, Tally

NOW: Any = sa.bindparam("now", type_=INSTANT)


def shape_of(chosen: BoardFilter) -> BoardFilter:
    """Return a filter without its values: boards of one shape share their statements."""
    return replace(
        chosen,
        labs=(0,) * len(chosen.labs),
        challenge_id=None if chosen.challenge_id is None else 0,
        unit_id=None if chosen.unit_id is None else 0,
        lead_id=None if chosen.lead_id is None else 0,
    )


def values_of(chosen: BoardFilter, now: datetime) -> dict[str, Any]:
    """Return the values that a shape's statement is run with."""
    return {
        "now": now,
        "labs": list(chosen.labs),
        "challenge": chosen.challenge_id,
        "unit": chosen.unit_id,
        "lead": chosen.lead_id,
    }


def bound(shape: BoardFilter) -> list[Any]:
    """Return what narrows the board besides lab, stage and figure; the values are bound when it runs."""

    def value(name: str) -> Any:
        return sa.bindparam(name, type_=sa.Integer)

    wanted: list[Any] = [col(Idea.publication) == Publication.PUBLISHED]
    if shape.challenge_id is not None:
        wanted.append(col(Idea.challenge_id) == value("challenge"))
    if shape.box:
        wanted.append(col(Idea.challenge_id).is_(None))
    if shape.lead_id is not None:
        wanted.append(col(Idea.lead_id) == value("lead"))
    if shape.unit_id is not None:
        held = sa.select(col(Handoff.idea_id)).where(
            col(Handoff.unit_id) == value("unit"), col(Handoff.closed_at).is_(None)
        )
        wanted.append(col(Idea.id).in_(held))
    return wanted


def tallies_of(session: Session, chosen: BoardFilter, now: datetime) -> dict[Stage, Tally]:
    """Count by stage and activity, in one statement over an index."""
    rows: Any = session.connection().execute(_tallies(shape_of(chosen)), values_of(chosen, now))
    counts: dict[Stage, dict[Activity, int]] = defaultdict(dict)
    late: dict[Stage, dict[Activity, int]] = defaultdict(dict)
    for stage, activity, count, overdue_count in rows:
        counts[stage][activity], late[stage][activity] = count, int(overdue_count or 0)
    return {s: Tally(counts[s], sum(late[s].values()), late[s]) for s in Stage}


@lru_cache(maxsize=64)
def _tallies(shape: BoardFilter) -> Any:
    """Return the statement that counts, made once for a shape."""
    overdue = sa.func.sum(sa.case((col(Idea.due_at) <= NOW, 1), else_=0))
    lab: Any = sa.func.coalesce(col(Idea.lab_id), 0) if shape.lead_id is not None else col(Idea.lab_id)
    labs = sa.bindparam("labs", type_=sa.Integer, expanding=True)
    wanted = [lab.in_(labs), col(Idea.activity).in_(ON_BOARD), *bound(shape)]
    if shape.whole:  # names every stage, so that the index of the board holds all that is asked
        wanted.append(col(Idea.stage).in_(tuple(Stage)))
    return (
        sa.select(col(Idea.stage), col(Idea.activity), sa.func.count(), overdue)
        .where(*wanted)
        .group_by(col(Idea.stage), col(Idea.activity))
    )
