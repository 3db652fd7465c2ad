"""The one door through which an idea's stage and activity change. Source: rules S1, S6, invariant I-6."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.errors import Refused
from livinglab.handoff.queries.handoffs import deadline_of
from livinglab.handoff.rules import nearest
from livinglab.ideas.commands import pass_ball
from livinglab.ideas.models import Activity, Idea, Publication, Stage
from livinglab.pipeline.queries.places import zone_of
from livinglab.pipeline.rules import Place


def move_idea(
    session: Session, place: Place, *, stage: Stage, activity: Activity, now: datetime, **more: Any
) -> None:
    """Change an idea's stage and activity if it still stands where ``place`` says, else refuse.

    Compare-and-set on (stage, activity, move): of two at once, one wins, the other is told.

    Args:
        more: Further columns to set with it, such as ``hold_until``.

    Raises:
        Refused: ``moved-meanwhile``.
    """
    entered = {"stage_since": now} if stage is not place.stage else {}
    done = session.execute(
        sa.update(Idea)
        .where(
            col(Idea.id) == place.idea_id,
            col(Idea.stage) == place.stage,
            col(Idea.activity) == place.activity,
            col(Idea.move) == place.move,
            col(Idea.publication) == Publication.PUBLISHED,
        )
        .values(stage=stage, activity=activity, move=place.move + 1, **(entered | more))
    )
    if done.rowcount != 1:  # type: ignore[attr-defined]
        raise Refused(
            "moved-meanwhile", _l("The idea has moved on in the meantime. Look at where it stands now.")
        )


def pass_on(session: Session, place: Place, *, now: datetime) -> None:
    """Say that the ball was passed on, and by when somebody owes this idea something.

    That is the receiving unit's deadline or the day named for the next step, whichever comes first.
    """
    zone = zone_of(session, place.lab_id)
    next_by = session.scalar(sa.select(col(Idea.next_by)).where(col(Idea.id) == place.idea_id))
    due_at = nearest(deadline_of(session, place.idea_id, zone), next_by, zone)
    pass_ball(session, idea_id=place.idea_id, now=now, due_at=due_at)


def challenge_of_idea(session: Session, idea_id: int) -> int | None:
    """Return the challenge an idea answers, for the journal."""
    return session.scalar(sa.select(col(Idea.challenge_id)).where(col(Idea.id) == idea_id))
