"""How a lab keeps its promise of an answer (rule H6)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.handoff.models import Handoff
from livinglab.handoff.rules.figures import Promise, promise
from livinglab.handoff.rules.moves import UNDECIDED
from livinglab.ideas.models import Idea, Publication

WINDOW_DAYS = 365


def promise_kept(
    session: Session, lab_ids: Collection[int], now: datetime, *, unit_id: int | None = None
) -> Promise:
    """Return how the labs together kept their promise during the last twelve months.

    The first answer is the preliminary one, or the final one where it came at once. One that was due and
    has not come counts as not in time. A handoff closed before its answer counts nowhere.

    Args:
        unit_id: Only this receiving unit.

    Source: rule H6.
    """
    if not lab_ids:
        return Promise()
    since = now - timedelta(days=WINDOW_DAYS)
    mine: list[sa.ColumnElement[bool]] = [col(Handoff.lab_id).in_(lab_ids)]
    if unit_id is not None:
        mine.append(col(Handoff.unit_id) == unit_id)
    first = sa.func.coalesce(Handoff.preliminary_at, Handoff.decided_at)
    answers = session.execute(
        select(Handoff.answer_seconds, (first < Handoff.preliminary_due).label("in_time")).where(
            *mine, col(Handoff.answer_seconds).is_not(None), first > since, first <= now
        )
    )
    found = [(int(seconds or 0), bool(in_time)) for seconds, in_time in answers]
    undecided = (*mine, col(Handoff.closed_at).is_(None), col(Handoff.state).in_(UNDECIDED))
    missing, late = session.execute(
        select(
            sa.func.count().filter(
                col(Handoff.answer_seconds).is_(None),
                sa.func.coalesce(Handoff.waiting_since, now) >= Handoff.preliminary_due,
            ),
            sa.func.count().filter(col(Handoff.late_since).is_not(None)),
        )
        .join(Idea, col(Idea.id) == col(Handoff.idea_id))
        .where(*undecided, col(Idea.publication) == Publication.PUBLISHED)
    ).one()
    return promise(found, missing=missing, late=late)
