"""Handoffs in a unit's hands, what a lead carries along, and places that are vacant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from livinglab.handoff.models import Answer, Handoff, HandoffState
from livinglab.handoff.rules import IN_PROGRESS
from livinglab.ideas.models import Activity, Idea, Publication, Stage
from livinglab.labs.models import Challenge, ChallengeState, ReceivingUnit, UnitMember
from livinglab.pipeline.models import Benefit
from livinglab.pipeline.queries.places import AGREED
from livinglab.pipeline.queries.work.rows import (
    BY_IDEA,
    LED,
    MANAGED,
    ME,
    NO_DATE,
    NO_DAY,
    NOW,
    OPEN_HANDOFF,
    OWN_LEAD,
    TODAY,
    UNITS,
    Hats,
    either,
    in_sight,
    row,
)
from livinglab.pipeline.queries.work.tasks import Task


def handoffs(hats: Hats) -> Iterator[Any]:
    """Yield what a unit's member, a second signer or the writer of an answer has to do."""

    def of(task: Task, *conditions: Any) -> Any:
        return (
            row(task, col(Handoff.id), since=col(Handoff.queued_at), due=BY_IDEA)
            .select_from(Handoff)
            .join(Idea, col(Idea.id) == col(Handoff.idea_id))
            .where(col(Handoff.closed_at).is_(None), in_sight(hats), *conditions)
        )

    state = col(Handoff.state)
    nobody = sa.or_(
        state == HandoffState.QUEUED,
        sa.and_(state.in_(IN_PROGRESS), col(Handoff.assignee_id).is_(None)),  # its holder has left
    )
    mine = col(Handoff.unit_id).in_(UNITS)
    if hats.manages:  # a unit without members is the manager's
        empty = sa.select(col(ReceivingUnit.id)).where(
            col(ReceivingUnit.lab_id).in_(MANAGED),
            ~sa.exists().where(col(UnitMember.unit_id) == col(ReceivingUnit.id)),
        )
        yield of(Task.TAKE, col(Handoff.unit_id).in_(empty), nobody)
    if hats.units:
        yield of(Task.TAKE, mine, nobody)
        written = sa.exists().where(
            col(Answer.handoff_id) == col(Handoff.id), col(Answer.published_at).is_(None)
        )
        runs = col(Handoff.waiting_since).is_(None)
        yield of(Task.ACKNOWLEDGE, mine, col(Handoff.assignee_id) == ME, state == HandoffState.ASSIGNED)
        yield of(Task.ANSWER, mine, col(Handoff.assignee_id) == ME, state.in_(AGREED), ~written, runs)
    circle = either(
        (hats.units, col(Handoff.unit_id).in_(UNITS)),
        (hats.manages, col(Handoff.lab_id).in_(MANAGED)),
        (hats.leads, sa.and_(col(Idea.lead_id) + 0 == ME, (col(Idea.lab_id) + 0).in_(LED))),  # as OWN_LEAD
    )
    for task, own, returned in ((Task.PUBLISH_ANSWER, False, False), (Task.REWRITE_ANSWER, True, True)):
        note = col(Answer.returned_note)
        yield (
            row(task, col(Handoff.id), since=col(Answer.written_at), due=BY_IDEA)
            .select_from(Answer)
            .join(Handoff, col(Handoff.id) == col(Answer.handoff_id))
            .join(Idea, col(Idea.id) == col(Handoff.idea_id))
            .where(
                col(Answer.published_at).is_(None),
                in_sight(hats),
                sa.cast(col(Handoff.closed_at), sa.String(40)).is_(None),  # answers lead: they are few
                (col(Answer.signer_id) == ME) if own else (col(Answer.signer_id) != ME),
                (note != "") if returned else (note == ""),
                circle,
            )
        )


def carried(hats: Hats) -> Iterator[Any]:
    """Yield what a lead carries along: a step whose day has passed, a benefit to be measured."""
    if not hats.leads:
        return
    led = (OWN_LEAD, col(Idea.publication) == Publication.PUBLISHED)
    yield (
        row(Task.NEXT_STEP, col(Idea.id), since=col(Idea.waits_since), due=BY_IDEA)
        .select_from(Idea)
        .outerjoin(Handoff, OPEN_HANDOFF)
        .where(
            *led,
            col(Idea.activity) == Activity.ACTIVE,
            col(Idea.due_at) <= NOW,
            sa.or_(  # the named day has passed in the lab's zone, which may be a day ahead of UTC
                col(Idea.next_by) < TODAY,
                sa.and_(
                    col(Idea.next_by) == TODAY,
                    sa.or_(col(Handoff.due_at).is_(None), col(Handoff.due_at) > col(Idea.due_at)),
                ),
            ),
        )
    )
    day = (
        sa.select(sa.func.min(col(Benefit.measure_next)))
        .where(col(Benefit.idea_id) == col(Idea.id))
        .correlate(Idea)
        .scalar_subquery()
    )
    yield (
        row(Task.MEASURE, col(Idea.id), since=col(Idea.waits_since), last_day=day)
        .select_from(Idea)
        .where(
            *led,
            col(Idea.activity) == Activity.ACTIVE,
            col(Idea.stage) == Stage.SERVICE,
            day <= TODAY,
        )
    )


def challenges(hats: Hats) -> Iterator[Any]:
    """Running challenges whose responsible has left; they belong to no single idea."""
    if not hats.manages:
        return
    idea: Any = Idea.__table__.c  # type: ignore[attr-defined]

    def none(of: Any) -> Any:
        return sa.cast(sa.null(), of.type)

    yield sa.select(
        sa.literal(Task.NAME_RESPONSIBLE.value),
        col(Challenge.id),
        none(idea.id),
        sa.cast(col(Challenge.title), sa.Text),
        sa.literal(""),
        col(Challenge.lab_id),
        none(idea.stage),
        none(idea.activity),
        none(idea.lead_id),
        none(idea.id),
        col(Challenge.opens_at),
        NO_DATE,
        NO_DAY,
        sa.false(),
        NO_DATE,
        sa.literal(""),
        sa.literal(""),
        none(idea.next_by),
    ).where(
        col(Challenge.lab_id).in_(MANAGED),
        col(Challenge.state).in_((ChallengeState.OPEN, ChallengeState.CLOSED)),
        col(Challenge.responsible_id).is_(None),
    )
