"""An idea that is withdrawn or removed leaves nothing open behind it. Source: rule H0."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.handoff.commands import close_handoff
from livinglab.ideas.commands.rows import lock_rows
from livinglab.ideas.models import Activity, Idea, Publication
from livinglab.moderation.commands import take_off_queue
from livinglab.pipeline.models import Proposal, ProposalState, Review


def wind_up(session: Session, idea_id: int, now: datetime) -> bool:
    """Close handoff, review, open proposal and the case of a waiting change of an idea taken away.

    Safe to run twice, and for an idea that has come back meanwhile: then nothing is closed.

    Returns:
        Whether the idea is withdrawn or removed.
    """
    lock_rows(session, ideas=[idea_id])
    activity, publication = session.execute(
        sa.select(col(Idea.activity), col(Idea.publication)).where(col(Idea.id) == idea_id)
    ).one()
    if publication is Publication.REMOVED:
        reason = "removed"
    elif activity is Activity.WITHDRAWN:
        reason = "withdrawn"
    else:
        return False
    take_off_queue(session, idea_id=idea_id, now=now)
    of_idea = sa.select(col(Review.id)).where(col(Review.idea_id) == idea_id)
    session.execute(
        sa.update(Proposal)
        .where(col(Proposal.review_id).in_(of_idea), col(Proposal.state) == ProposalState.OPEN)
        .values(state=ProposalState.WITHDRAWN, settled_at=now)
    )
    session.execute(
        sa.update(Review)
        .where(col(Review.idea_id) == idea_id, col(Review.closed_at).is_(None))
        .values(closed_at=now)
    )
    close_handoff(session, idea_id, reason, now)
    return True
