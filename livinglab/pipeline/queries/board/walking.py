"""The order of a column: what is late, what stands at the gate, the rest; a page at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.ideas.models import Activity, Idea, Stage
from livinglab.pipeline.queries.board.counting import conditions
from livinglab.pipeline.queries.board.shapes import ON_BOARD, SHOWS, BoardFilter

MANY_LABS = 12
"""Above so many labs a column is sorted as one instead of being merged from its labs."""


Where = tuple[str, str, int]
"""A place in a column: one of ``PARTS``, the instant it is ordered by, the idea."""


PARTS = ("late", "gate", "rest")


def places_of(
    session: Session, chosen: BoardFilter, stage: Stage, now: datetime, *, size: int, after: Where | None
) -> list[Where]:
    """Return the next places of a column: what is late, what stands at the gate, the rest."""
    found: list[Where] = []
    for part in PARTS[PARTS.index(after[0]) if after else 0 :]:
        wanted = {"late": "late", "gate": "gate"}.get(part, "hold" if chosen.show == "hold" else "")
        if len(found) >= size or (chosen.show and chosen.show != wanted and part != "late"):
            continue
        begin = after if after and after[0] == part else None
        found += _ordered(session, chosen, stage, now, part=part, size=size - len(found), after=begin)
    return found


def _ordered(
    session: Session,
    chosen: BoardFilter,
    stage: Stage,
    now: datetime,
    *,
    part: str,
    size: int,
    after: Where | None,
) -> list[Where]:
    key = col(Idea.due_at) if part == "late" else col(Idea.waits_since)
    wanted = [*conditions(chosen), col(Idea.stage) == stage]
    activities = set(SHOWS.get(chosen.show, ON_BOARD))
    if part != "late":
        activities &= {Activity.REVIEW} if part == "gate" else {Activity.ACTIVE, Activity.HOLD}
    # written so that the index on the wait is walked, not one on the activity sorted
    known = sa.func.coalesce(sa.cast(col(Idea.activity), sa.String(24)), "")
    wanted.append(known.in_(sorted(activity.value for activity in activities)))
    overdue = col(Idea.due_at) <= now
    wanted.append(overdue if part == "late" else sa.or_(col(Idea.due_at).is_(None), ~overdue))
    wanted.append(key.is_not(None))
    if after is not None:
        at = datetime.fromisoformat(after[1])
        wanted.append(sa.or_(key > at, sa.and_(key == at, col(Idea.id) > after[2])))
    labs: list[Any]
    if len(chosen.labs) > MANY_LABS:
        labs = [col(Idea.lab_id).in_(chosen.labs)]
    else:
        labs = [col(Idea.lab_id) == lab for lab in chosen.labs]
    parts = [
        sa.select(
            sa.select(key.label("at"), col(Idea.id).label("id"))
            .where(lab, *wanted)
            .order_by(key, col(Idea.id))
            .limit(size)
            .subquery()
        )
        for lab in labs
    ]
    rows: Any = session.execute(sa.union_all(*parts)) if len(parts) > 1 else session.execute(parts[0])
    ordered = sorted((row.at, row.id) for row in rows)[:size]
    return [(part, at.isoformat(), idea_id) for at, idea_id in ordered]
