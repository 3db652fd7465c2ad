"""Open reviews: to be handed over, led, proposed, confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from livinglab.core.viewer import Role, Viewer
from livinglab.handoff.models import Handoff, HandoffState
from livinglab.ideas.models import Credit, Idea, Stage
from livinglab.pipeline.models import Proposal, ProposalState, Review
from livinglab.pipeline.queries.places import AGREED, AUTHORS
from livinglab.pipeline.queries.work.rows import BY_IDEA, OPEN_HANDOFF, PUBLIC, REVIEWED, own_lead, row
from livinglab.pipeline.queries.work.tasks import Task


def _deciding(viewer: Viewer, me: int) -> Any:
    """Return the condition that a person decides at the open gate of an idea, and did not write it."""
    first = [col(Idea.lab_id).in_(viewer.labs_as(Role.FACILITATOR, Role.MANAGER)), own_lead(viewer, me)]
    later = [
        col(Idea.lab_id).in_(viewer.labs_as(Role.MANAGER)),
        own_lead(viewer, me),
        col(Handoff.unit_id).in_(viewer.units),
    ]
    authored = sa.exists().where(
        col(Credit.idea_id) == col(Idea.id), col(Credit.person_id) == me, col(Credit.kind).in_(AUTHORS)
    )
    return sa.and_(
        sa.or_(
            sa.and_(col(Idea.stage) == Stage.IDEA, sa.or_(*first)),
            sa.and_(col(Idea.stage) != Stage.IDEA, sa.or_(*later)),
        ),
        sa.or_(col(Idea.author_id).is_(None), col(Idea.author_id) != me),
        ~authored,
    )


def gates(viewer: Viewer, me: int) -> Iterator[Any]:
    """Yield what the open reviews ask of a person."""
    guides = viewer.labs_as(Role.FACILITATOR, Role.MANAGER)
    opened = (col(Review.closed_at).is_(None), _narrowed(viewer, me))
    if guides or viewer.labs_as(Role.LEAD):
        routes = sa.or_(col(Idea.lab_id).in_(guides), own_lead(viewer, me))
        yield (
            row(Task.ROUTE, col(Idea.id), since=col(Idea.waits_since), due=BY_IDEA)
            .select_from(Review)
            .join(Idea, col(Idea.id) == col(Review.idea_id))
            .outerjoin(Handoff, OPEN_HANDOFF)
            .where(*opened, *REVIEWED, col(Idea.stage) == Stage.IDEA, col(Handoff.unit_id).is_(None), routes)
        )
    if guides:
        yield from _leaderless(guides, opened)
    yield from _decisions(viewer, me, opened)


def _narrowed(viewer: Viewer, me: int) -> Any:
    """Return what leads straight to the reviews that may be a person's, before each is asked about.

    Who guides a lab looks at all of its open reviews; a lead only at their own ideas, a unit's member at
    what the unit has in hand.
    """
    few = [
        *([sa.select(col(Idea.id)).where(col(Idea.lead_id) == me)] if viewer.labs_as(Role.LEAD) else ()),
        *(
            [
                sa.select(col(Handoff.idea_id)).where(
                    col(Handoff.unit_id).in_(viewer.units), col(Handoff.closed_at).is_(None)
                )
            ]
            if viewer.units
            else ()
        ),
    ]
    ways = [col(Review.idea_id).in_(ids) for ids in few]
    if guides := viewer.labs_as(Role.FACILITATOR, Role.MANAGER):
        ways.append(col(Review.lab_id).in_(guides))
    return sa.or_(*ways)


_BEYOND_IDEA: Any = sa.literal_column("idea.stage <> 'idea'")
"""As the index of ideas without a lead writes it: a database matches the very words."""


def _leaderless(guides: frozenset[int], opened: tuple[Any, ...]) -> Iterator[Any]:
    """Ideas that need a project lead: in their first review, and past gate 1 where the lead has left."""
    named = sa.func.coalesce(col(Idea.lead_id), 0) == 0
    yield (
        row(Task.NAME_LEAD, col(Idea.id), since=col(Idea.waits_since))
        .select_from(Review)
        .join(Idea, col(Idea.id) == col(Review.idea_id))
        .where(*opened, *REVIEWED, col(Idea.stage) == Stage.IDEA, named, col(Review.lab_id).in_(guides))
    )
    yield row(Task.NAME_LEAD, col(Idea.id), since=col(Idea.waits_since)).where(
        col(Idea.lab_id).in_(guides),
        col(Idea.lead_id).is_(None),
        _BEYOND_IDEA,
        PUBLIC,
        sa.cast(col(Idea.activity), sa.String(24)).in_(("active", "review", "hold")),
    )


def _decisions(viewer: Viewer, me: int, opened: tuple[Any, ...]) -> Iterator[Any]:
    """Open reviews that want a proposal, and proposals that want a second decider."""
    ready = sa.or_(
        col(Idea.stage) != Stage.IDEA,
        sa.and_(col(Handoff.unit_id).is_not(None), col(Handoff.state).in_((*AGREED, HandoffState.DECIDED))),
    )
    proposed = sa.and_(col(Proposal.review_id) == col(Review.id), col(Proposal.state) == ProposalState.OPEN)
    yield (
        row(Task.PROPOSE, col(Review.id), since=col(Idea.waits_since), due=BY_IDEA)
        .select_from(Review)
        .join(Idea, col(Idea.id) == col(Review.idea_id))
        .outerjoin(Handoff, OPEN_HANDOFF)
        .outerjoin(Proposal, proposed)
        .where(*opened, *REVIEWED, _deciding(viewer, me), col(Proposal.id).is_(None), ready)
    )
    yield (
        row(Task.CONFIRM, col(Review.id), since=col(Proposal.written_at), due=BY_IDEA)
        .select_from(Review)
        .join(Idea, col(Idea.id) == col(Review.idea_id))
        .join(Proposal, proposed)
        .outerjoin(Handoff, OPEN_HANDOFF)
        .where(*opened, *REVIEWED, _deciding(viewer, me), col(Proposal.by_id) != me)
    )
