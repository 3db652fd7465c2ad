"""Open reviews: to be handed over, led, proposed, confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from livinglab.handoff.models import Handoff, HandoffState
from livinglab.ideas.models import Activity, Credit, Idea, Publication, Stage
from livinglab.pipeline.models import Proposal, Review
from livinglab.pipeline.queries.places import AGREED, AUTHORS, PROPOSED
from livinglab.pipeline.queries.work.rows import (
    BY_IDEA,
    GUIDED,
    LED,
    MANAGED,
    ME,
    OF_HANDOFF,
    OF_IDEA,
    OPEN_HANDOFF,
    PUBLIC,
    REVIEWED,
    UNITS,
    Arm,
    Hats,
    Lead,
    Look,
    Unsought,
    led_by,
    row,
)
from livinglab.pipeline.queries.work.tasks import Task

LATER = (Stage.CONCEPT, Stage.PROTOTYPE)


@dataclass(frozen=True, slots=True)
class _Way:
    """How somebody comes to ideas in review; no idea is come to by two.

    Args:
        lead: What an index leads to: ideas, or the handoffs a unit has in hand.
        where: What else is asked of the idea.
    """

    lead: Lead
    where: tuple[Any, ...] = ()

    @property
    def by_unit(self) -> bool:
        """Say whether handoffs lead to the ideas, not the other way round."""
        return self.lead.of is Handoff

    def tasks(self, query: Any, look: Look | None) -> Any:
        """Return a query with the tables joined in the order in which they lead on."""
        if self.by_unit:
            query = query.select_from(Handoff).join(Idea, col(Idea.id) == col(Handoff.idea_id))
        else:
            query = query.select_from(Idea).outerjoin(Handoff, OPEN_HANDOFF)
        return query.where(*led_by(self.lead, look), *self.where, _REVIEW_ID.is_not(None))


def _of_open_review(column: Any, *more: Any) -> Any:
    """Return something of the idea's open review, sought for each idea by itself.

    Joined, PostgreSQL would read all open reviews there are before it asks whose they are.
    """
    query = sa.select(column).select_from(Review)
    if more:
        query = query.join(Proposal, col(Proposal.review_id) == col(Review.id))
    its = (col(Review.idea_id) == col(Idea.id), col(Review.closed_at).is_(None))
    return query.where(*its, *more).correlate(Idea).scalar_subquery()


_REVIEW_ID = _of_open_review(col(Review.id))
_PROPOSED_BY, _PROPOSED_AT = (
    _of_open_review(col(column), PROPOSED) for column in (Proposal.by_id, Proposal.written_at)
)
_AT_STAGE: Any = Unsought(col(Idea.stage))
_LAB: Any = sa.func.coalesce(col(Idea.lab_id), 0)
"""Of what somebody leads: written so that no index of the whole lab is read beside theirs."""


@lru_cache(maxsize=8)
def _of_labs(labs: Any, stage: Stage, *, dated: bool = True) -> Lead:
    """Return what leads to all that is in review at one stage in labs: one for each, however often asked."""
    public = col(Idea.publication) == Publication.PUBLISHED
    where = (col(Idea.lab_id).in_(labs), col(Idea.stage) == stage, public, _REVIEW)
    return Lead(Idea, where, OF_IDEA, BY_IDEA if dated else None)


_REVIEW = col(Idea.activity) == Activity.REVIEW
_MINE = Lead(Idea, (col(Idea.lead_id) == ME, _REVIEW), OF_IDEA, BY_IDEA)
_IN_HAND = (col(Handoff.unit_id).in_(UNITS), col(Handoff.closed_at).is_(None))
_HELD = Lead(Handoff, _IN_HAND, OF_HANDOFF, OF_HANDOFF[1], far=True)


def _own(stages: tuple[Stage, ...], but_labs: Any) -> _Way:
    """Return the way to what somebody leads themselves, but in labs where another way leads there."""
    at = _AT_STAGE.in_(stages)
    lab = (_LAB.in_(LED), *(() if but_labs is None else (_LAB.not_in(but_labs),)))
    return _Way(_MINE, (PUBLIC, at, *lab))


def _first_gate(hats: Hats) -> Iterator[_Way]:
    if hats.guides:
        yield _Way(_of_labs(GUIDED, Stage.IDEA))
    if hats.leads:
        yield _own((Stage.IDEA,), GUIDED if hats.guides else None)


def _later_gates(hats: Hats) -> Iterator[_Way]:
    if hats.manages:
        yield from (_Way(_of_labs(MANAGED, stage)) for stage in LATER)
    if hats.leads:
        yield _own(LATER, MANAGED if hats.manages else None)
    if hats.units:
        else_ = [_LAB.not_in(MANAGED)] if hats.manages else []
        if hats.leads:
            led = sa.and_(sa.func.coalesce(col(Idea.lead_id), 0) == ME, _LAB.in_(LED))
            else_.append(~led)
        at = _AT_STAGE.in_(LATER)
        yield _Way(_HELD, (*REVIEWED, at, *else_))


def gates(hats: Hats, look: Look | None) -> Iterator[Arm]:
    """Yield what the open reviews ask of a person.

    Args:
        look: Among the nearest reviews; ``None``: among all.
    """
    for way in _first_gate(hats):
        query = way.tasks(row(Task.ROUTE, col(Idea.id), since=col(Idea.waits_since), due=BY_IDEA), look)
        yield _arm(way, query.where(col(Handoff.unit_id).is_(None)))
    if hats.guides:
        yield from _leaderless(look)
    agreed = sa.and_(
        col(Handoff.unit_id).is_not(None), col(Handoff.state).in_((*AGREED, HandoffState.DECIDED))
    )
    for way in _first_gate(hats):
        yield from _decisions(way, look, ready=agreed)
    for way in _later_gates(hats):
        yield from _decisions(way, look, ready=sa.true())


def _arm(way: _Way, query: Any) -> Arm:
    return Arm(query, way.lead.keys, due=way.lead.due)


_BEYOND_IDEA: Any = sa.literal_column("idea.stage <> 'idea'")
"""As the index of ideas without a lead writes it: a database matches the very words."""


def _leaderless(look: Look | None) -> Iterator[Arm]:
    """Ideas that need a project lead: in their first review, and past gate 1 where the lead has left."""
    if look is not None and look.dated:
        return
    first, named = (
        _Way(_of_labs(GUIDED, Stage.IDEA, dated=False)),
        sa.func.coalesce(col(Idea.lead_id), 0) == 0,
    )
    since = col(Idea.waits_since)
    query = first.tasks(row(Task.NAME_LEAD, col(Idea.id), since=since), look)
    yield Arm(query.where(named), OF_IDEA, due=None)
    left = row(Task.NAME_LEAD, col(Idea.id), since=since).where(
        col(Idea.lab_id).in_(GUIDED),
        col(Idea.lead_id).is_(None),
        _BEYOND_IDEA,
        PUBLIC,
        Unsought(col(Idea.activity)).in_((Activity.ACTIVE, Activity.REVIEW, Activity.HOLD)),
    )
    yield Arm(left, (since, col(Idea.id)), due=None)


def _decisions(way: _Way, look: Look | None, *, ready: Any) -> Iterator[Arm]:
    """Yield open reviews that want a proposal, and proposals that want a second decider."""
    authored = sa.exists().where(
        col(Credit.idea_id) == col(Idea.id), col(Credit.person_id) == ME, col(Credit.kind).in_(AUTHORS)
    )
    stranger = (sa.or_(col(Idea.author_id).is_(None), col(Idea.author_id) != ME), ~authored)
    propose = way.tasks(row(Task.PROPOSE, _REVIEW_ID, since=col(Idea.waits_since), due=BY_IDEA), look)
    yield _arm(way, propose.where(*stranger, _PROPOSED_BY.is_(None), ready))
    confirm = way.tasks(row(Task.CONFIRM, _REVIEW_ID, since=_PROPOSED_AT, due=BY_IDEA), look)
    yield _arm(way, confirm.where(*stranger, _PROPOSED_BY != ME))
