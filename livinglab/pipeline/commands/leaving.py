"""What becomes of somebody's duties when their role ends or their account goes. Source: rules P2b, P6, S3.

Nothing keeps waiting for a person who is not there: handoffs go back to their unit, the lead's place is
vacant, an open proposal falls, a challenge has no responsible. Each is one event, told to those who can
fill the place, and stands in their work.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import known_id
from livinglab.core.journal import record
from livinglab.core.viewer import Role, Viewer
from livinglab.handoff.commands.leaving import release_handoffs
from livinglab.handoff.models import Handoff
from livinglab.ideas.commands.rows import lock_rows
from livinglab.ideas.models import Activity, Idea, Publication
from livinglab.labs.commands.units import works_here
from livinglab.labs.models import Challenge, ChallengeState, ReceivingUnit
from livinglab.labs.queries import viewer_of
from livinglab.pipeline.commands.moving import challenge_of_idea, pass_on
from livinglab.pipeline.models import Proposal, ProposalState, Review
from livinglab.pipeline.queries.places import idea_of_proposal, place_of
from livinglab.pipeline.rules import deciders_of

ALIVE = (Activity.ACTIVE, Activity.REVIEW, Activity.HOLD)


def release_duties(session: Session, *, person_id: int, lab_id: int | None, now: datetime) -> int:
    """Free every place that somebody holds without the right to it any more. Safe to run twice.

    Args:
        lab_id: Where a role or membership ended; ``None``: everywhere, the account is gone.

    Returns:
        How many places were freed.
    """
    freed = _release_challenges(session, person_id, lab_id, now)
    lock_rows(session, ideas=_touched(session, person_id))
    freed += release_handoffs(session, person_id=person_id, now=now, lab_id=lab_id)
    freed += _release_leads(session, person_id, viewer_of(session, person_id), lab_id, now)
    freed += _release_proposals(session, person_id, lab_id, now)
    return freed + _release_units(session, person_id, lab_id)


def _touched(session: Session, person_id: int) -> set[int]:
    """Return the ideas where the person holds something, to be locked together before the first change."""
    held: Any = sa.union(
        sa.select(col(Idea.id)).where(col(Idea.lead_id) == person_id),
        sa.select(col(Handoff.idea_id)).where(
            col(Handoff.assignee_id) == person_id, col(Handoff.closed_at).is_(None)
        ),
        sa.select(col(Review.idea_id))
        .join(Proposal, col(Proposal.review_id) == col(Review.id))
        .where(col(Proposal.by_id) == person_id, col(Proposal.state) == ProposalState.OPEN),
    )
    return {known_id(idea_id) for idea_id in session.scalars(held)}


def _release_leads(
    session: Session, person_id: int, person: Viewer | None, lab_id: int | None, now: datetime
) -> int:
    """Leave the place of lead vacant; what has ended forgets its lead without a word."""
    still = person.labs_as(Role.LEAD) if person else ()
    ideas = session.scalars(
        sa.select(Idea)
        .where(
            col(Idea.lead_id) == person_id,
            col(Idea.lab_id).not_in(still),
            sa.true() if lab_id is None else col(Idea.lab_id) == lab_id,
        )
        .order_by(col(Idea.id))
        .execution_options(populate_existing=True)
    ).all()
    for idea in ideas:
        idea.lead_id = None
        session.flush()
        if idea.activity in ALIVE and idea.publication is Publication.PUBLISHED:
            _tell_of_lead(session, idea, person_id, now)
    return len(ideas)


def _tell_of_lead(session: Session, idea: Idea, person_id: int, now: datetime) -> None:
    idea_id = known_id(idea.id)
    pass_on(session, place_of(session, idea_id), now=now)
    record(
        session,
        "lead-vacated",
        at=now,
        actor_id=None,
        lab_id=idea.lab_id,
        challenge_id=challenge_of_idea(session, idea_id),
        idea_id=idea_id,
        subject_id=person_id,
        data={"former_id": person_id, "stage": idea.stage.value},
    )


def _release_proposals(session: Session, person_id: int, lab_id: int | None, now: datetime) -> int:
    """Let proposals fall whose writer no longer decides: nobody could confirm them (``proposer-gone``)."""
    open_ones = session.scalars(
        sa.select(col(Proposal.id))
        .join(Review, col(Review.id) == col(Proposal.review_id))
        .where(
            col(Proposal.by_id) == person_id,
            col(Proposal.state) == ProposalState.OPEN,
            sa.true() if lab_id is None else col(Review.lab_id) == lab_id,
        )
        .order_by(col(Proposal.id))
    ).all()
    return sum(_release_proposal(session, known_id(proposal_id), now) for proposal_id in open_ones)


def _release_proposal(session: Session, proposal_id: int, now: datetime) -> int:
    place = place_of(session, idea_of_proposal(session, proposal_id), lock=True)
    standing = place.proposal
    if standing is None or standing.id != proposal_id or place.gate is None:
        return 0
    if standing.hands & deciders_of(place.gate):
        return 0
    session.execute(
        sa.update(Proposal)
        .where(col(Proposal.id) == proposal_id, col(Proposal.state) == ProposalState.OPEN)
        .values(state=ProposalState.WITHDRAWN, settled_at=now)
    )
    pass_on(session, place, now=now)
    record(
        session,
        "proposal-vacated",
        at=now,
        actor_id=None,
        lab_id=place.lab_id,
        idea_id=place.idea_id,
        subject_id=proposal_id,
        public=False,
        data={"review_id": place.review_id, "gate": place.gate, "writer_id": standing.by_id},
    )
    return 1


def _release_challenges(session: Session, person_id: int, lab_id: int | None, now: datetime) -> int:
    """Free the places of responsible and deputy; a running challenge tells the lab's managers."""
    rows = session.scalars(
        sa.select(Challenge)
        .where(
            sa.or_(col(Challenge.responsible_id) == person_id, col(Challenge.deputy_id) == person_id),
            sa.true() if lab_id is None else col(Challenge.lab_id) == lab_id,
            col(Challenge.state) != ChallengeState.CONCLUDED,
        )
        .order_by(col(Challenge.id))
    ).all()
    gone = [row for row in rows if not works_here(session, row.lab_id, person_id)]
    for row in gone:
        was_responsible = row.responsible_id == person_id
        row.responsible_id = None if was_responsible else row.responsible_id
        row.deputy_id = None if row.deputy_id == person_id else row.deputy_id
        session.flush()
        record(
            session,
            "challenge-vacated",
            at=now,
            actor_id=None,
            lab_id=row.lab_id,
            challenge_id=row.id,
            subject_id=row.id,
            public=False,
            data={
                "title": dict(row.title),
                "seat": "responsible" if was_responsible else "deputy",
                "state": row.state.value,
            },
        )
    return len(gone)


def _release_units(session: Session, person_id: int, lab_id: int | None) -> int:
    """Free the places of owner and deputy of a unit, as when a member leaves it."""
    rows = session.scalars(
        sa.select(ReceivingUnit).where(
            sa.or_(col(ReceivingUnit.owner_id) == person_id, col(ReceivingUnit.deputy_id) == person_id),
            sa.true() if lab_id is None else col(ReceivingUnit.lab_id) == lab_id,
        )
    ).all()
    gone = [row for row in rows if not works_here(session, row.lab_id, person_id)]
    for row in gone:
        row.owner_id = None if row.owner_id == person_id else row.owner_id
        row.deputy_id = None if row.deputy_id == person_id else row.deputy_id
    session.flush()
    return len(gone)
