"""How many stand in each column, how many are late, and what narrows the board."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.handoff.models import Handoff
from livinglab.ideas.models import Activity, Idea, Publication, Stage
from livinglab.pipeline.queries.board.shapes import ON_BOARD, BoardFilter, Tally


def conditions(chosen: BoardFilter) -> list[Any]:
    """Return what narrows the board besides lab, stage and figure."""
    wanted: list[Any] = [col(Idea.publication) == Publication.PUBLISHED]
    if chosen.challenge_id is not None:
        wanted.append(col(Idea.challenge_id) == chosen.challenge_id)
    if chosen.box:
        wanted.append(col(Idea.challenge_id).is_(None))
    if chosen.lead_id is not None:
        wanted.append(col(Idea.lead_id) == chosen.lead_id)
    if chosen.unit_id is not None:
        held = sa.select(col(Handoff.idea_id)).where(
            col(Handoff.unit_id) == chosen.unit_id, col(Handoff.closed_at).is_(None)
        )
        wanted.append(col(Idea.id).in_(held))
    return wanted


def tallies_of(session: Session, chosen: BoardFilter, now: datetime) -> dict[Stage, Tally]:
    """Count by stage and activity, in one statement over an index."""
    overdue = sa.func.sum(sa.case((col(Idea.due_at) <= now, 1), else_=0))
    lab: Any = sa.func.coalesce(col(Idea.lab_id), 0) if chosen.lead_id else col(Idea.lab_id)
    wanted = [lab.in_(chosen.labs), col(Idea.activity).in_(ON_BOARD), *conditions(chosen)]
    if chosen.whole:  # names every stage, so that the index of the board holds all that is asked
        wanted.append(col(Idea.stage).in_(tuple(Stage)))
    rows: Any = session.execute(
        sa.select(col(Idea.stage), col(Idea.activity), sa.func.count(), overdue)
        .where(*wanted)
        .group_by(col(Idea.stage), col(Idea.activity))
    )
    counts: dict[Stage, dict[Activity, int]] = defaultdict(dict)
    late: dict[Stage, dict[Activity, int]] = defaultdict(dict)
    for stage, activity, count, overdue_count in rows:
        counts[stage][activity], late[stage][activity] = count, int(overdue_count or 0)
    return {s: Tally(counts[s], sum(late[s].values()), late[s]) for s in Stage}
