"""Open reviews: to be handed over, led, proposed, confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from livinglab.handoff.models import Handoff, HandoffState
from livinglab.ideas.models import Activity, Credit, Idea, Stage
from livinglab.pipeline.models import Proposal, Review
from livinglab.pipeline.queries.places import AGREED, AUTHORS, PROPOSED
from livinglab.pipeline.queries.work.rows import (
    BY_IDEA,
    GUIDED,
    MANAGED,
    ME,
    OPEN_HANDOFF,
    OWN_LEAD,
    PUBLIC,
    REVIEWED,
    UNITS,
    Hats,
    either,
    row,
)
from livinglab.pipeline.queries.work.tasks import Task


def _deciding(hats: Hats) -> Any:
    """Return the condition that a person decides at the open gate of an idea, and did not write it."""
    lead = (hats.leads, OWN_LEAD)
    first = either((hats.guides, col(Idea.lab_id).in_(GUIDED)), lead)
    later = either(
        (hats.manages, col(Idea.lab_id).in_(MANAGED)), lead, (hats.units, col(Handoff.unit_id).in_(UNITS))
    )
    authored = sa.exists().where(
        col(Credit.idea_id) == col(Idea.id), col(Credit.person_id) == ME, col(Credit.kind).in_(AUTHORS)
    )
    return sa.and_(
        sa.or_(
            sa.and_(col(Idea.stage) == Stage.IDEA, first),
            sa.and_(col(Idea.stage) != Stage.IDEA, later),
        ),
        sa.or_(col(Idea.author_id).is_(None), col(Idea.author_id) != ME),
        ~authored,
    )


def gates(hats: Hats) -> Iterator[Any]:
    """Yield what the open reviews ask of a person."""
    opened = _opened(hats)
    if hats.guides or hats.leads:
        routes = either((hats.guides, col(Idea.lab_id).in_(GUIDED)), (hats.leads, OWN_LEAD))
        yield (
            row(Task.ROUTE, col(Idea.id), since=col(Idea.waits_since), due=BY_IDEA)
            .select_from(Review)
            .join(Idea, col(Idea.id) == col(Review.idea_id))
            .outerjoin(Handoff, OPEN_HANDOFF)
            .where(*opened, *REVIEWED, col(Idea.stage) == Stage.IDEA, col(Handoff.unit_id).is_(None), routes)
        )
    if hats.guides:
        yield from _leaderless(opened)
    yield from _decisions(hats, opened)


def _opened(hats: Hats) -> tuple[Any, ...]:
    """Return what leads straight to the open reviews that may be a person's, before each is asked about.

    Who guides a lab looks at all of its open reviews; a lead only at their own ideas in review, a unit's
    member at what the unit has in hand.
    """
    is_open = col(Review.closed_at).is_(None)
    led: Any = (col(Idea.lead_id) == ME, col(Idea.activity) == Activity.REVIEW)
    if hats.leads and not hats.guides and not hats.units:
        return *led, sa.cast(col(Review.closed_at), sa.String(40)).is_(None)  # no index: the ideas lead
    in_hand = sa.select(col(Handoff.idea_id)).where(
        col(Handoff.unit_id).in_(UNITS), col(Handoff.closed_at).is_(None)
    )
    return is_open, either(
        (hats.leads, col(Review.idea_id).in_(sa.select(col(Idea.id)).where(*led))),
        (hats.units, col(Review.idea_id).in_(in_hand)),
        (hats.guides, col(Review.lab_id).in_(GUIDED)),
    )


_BEYOND_IDEA: Any = sa.literal_column("idea.stage <> 'idea'")
"""As the index of ideas without a lead writes it: a database matches the very words."""


def _leaderless(opened: tuple[Any, ...]) -> Iterator[Any]:
    """Ideas that need a project lead: in their first review, and past gate 1 where the lead has left."""
    named = sa.func.coalesce(col(Idea.lead_id), 0) == 0
    yield (
        row(Task.NAME_LEAD, col(Idea.id), since=col(Idea.waits_since))
        .select_from(Review)
        .join(Idea, col(Idea.id) == col(Review.idea_id))
        .where(*opened, *REVIEWED, col(Idea.stage) == Stage.IDEA, named, col(Review.lab_id).in_(GUIDED))
    )
    yield row(Task.NAME_LEAD, col(Idea.id), since=col(Idea.waits_since)).where(
        col(Idea.lab_id).in_(GUIDED),
        col(Idea.lead_id).is_(None),
        _BEYOND_IDEA,
        PUBLIC,
        sa.cast(col(Idea.activity), sa.String(24)).in_(("active", "review", "hold")),
    )


def _decisions(hats: Hats, opened: tuple[Any, ...]) -> Iterator[Any]:
    """Open reviews that want a proposal, and proposals that want a second decider."""
    ready = sa.or_(
        col(Idea.stage) != Stage.IDEA,
        sa.and_(col(Handoff.unit_id).is_not(None), col(Handoff.state).in_((*AGREED, HandoffState.DECIDED))),
    )
    proposed = sa.and_(col(Proposal.review_id) == col(Review.id), PROPOSED)
    yield (
        row(Task.PROPOSE, col(Review.id), since=col(Idea.waits_since), due=BY_IDEA)
        .select_from(Review)
        .join(Idea, col(Idea.id) == col(Review.idea_id))
        .outerjoin(Handoff, OPEN_HANDOFF)
        .outerjoin(Proposal, proposed)
        .where(*opened, *REVIEWED, _deciding(hats), col(Proposal.id).is_(None), ready)
    )
    yield (
        row(Task.CONFIRM, col(Review.id), since=col(Proposal.written_at), due=BY_IDEA)
        .select_from(Review)
        .join(Idea, col(Idea.id) == col(Review.idea_id))
        .join(Proposal, proposed)
        .outerjoin(Handoff, OPEN_HANDOFF)
        .where(*opened, *REVIEWED, _deciding(hats), col(Proposal.by_id) != ME)
    )
