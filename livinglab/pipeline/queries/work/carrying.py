"""Handoffs in a unit's hands, what a lead carries along, and places that are vacant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from livinglab.handoff.models import Answer, Handoff, HandoffState
from livinglab.handoff.rules import IN_PROGRESS
from livinglab.ideas.models import Activity, Idea, Stage
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
    OF_HANDOFF,
    OF_IDEA,
    OPEN_HANDOFF,
    PUBLIC,
    TODAY,
    UNITS,
    Arm,
    Hats,
    Lead,
    Look,
    Unsought,
    either,
    in_sight,
    led_by,
    row,
)
from livinglab.pipeline.queries.work.tasks import Task

_MINE = Lead(
    Handoff,
    (col(Handoff.assignee_id) == ME, col(Handoff.closed_at).is_(None)),
    OF_HANDOFF,
    OF_HANDOFF[1],
    far=True,
)


def handoffs(hats: Hats, look: Look | None) -> Iterator[Arm]:
    """Yield what a unit's member, a second signer or the writer of an answer has to do.

    Args:
        look: Among the nearest of those somebody has; ``None``: among all.
    """

    def of(task: Task, *conditions: Any, keys: tuple[Any, ...] = OF_HANDOFF) -> Arm:
        query = (
            row(task, col(Handoff.id), since=col(Handoff.queued_at), due=BY_IDEA)
            .select_from(Handoff)
            .join(Idea, col(Idea.id) == col(Handoff.idea_id))
            .where(in_sight(hats), *conditions)
        )
        return Arm(query, keys, due=col(Handoff.owed_at))

    state, open_ = col(Handoff.state), col(Handoff.closed_at).is_(None)
    holder, to_take = col(Handoff.assignee_id), state.in_((HandoffState.QUEUED, *IN_PROGRESS))
    if hats.manages:  # a unit without members is the manager's
        empty = sa.select(col(ReceivingUnit.id)).where(
            col(ReceivingUnit.lab_id).in_(MANAGED),
            ~sa.exists().where(col(UnitMember.unit_id) == col(ReceivingUnit.id)),
        )
        yield of(
            Task.TAKE, col(Handoff.unit_id).in_(empty), open_, Unsought(holder).is_(None), to_take
        )  # units lead
    if hats.units:
        unit = col(Handoff.unit_id)
        written = sa.exists().where(
            col(Answer.handoff_id) == col(Handoff.id), col(Answer.published_at).is_(None)
        )
        mine = (*led_by(_MINE, look), Unsought(unit).in_(UNITS))
        runs = col(Handoff.waiting_since).is_(None)
        free = (OF_HANDOFF[0], holder, *OF_HANDOFF[1:])  # as their index has them
        yield of(
            Task.TAKE, unit.in_(UNITS), open_, holder.is_(None), to_take, keys=free
        )  # or the holder left
        yield of(Task.ACKNOWLEDGE, *mine, state == HandoffState.ASSIGNED)
        yield of(Task.ANSWER, *mine, state.in_(AGREED), ~written, runs)
    yield from _unpublished(hats)


def _unpublished(hats: Hats) -> Iterator[Arm]:
    """Yield answers that wait for a second person, or were sent back: few, and found among themselves."""
    circle = either(
        (hats.units, Unsought(col(Handoff.unit_id)).in_(UNITS)),
        (hats.manages, Unsought(col(Handoff.lab_id)).in_(MANAGED)),
        (hats.leads, sa.and_(Unsought(col(Idea.lead_id)) == ME, Unsought(col(Idea.lab_id)).in_(LED))),
    )
    for task, own, returned in ((Task.PUBLISH_ANSWER, False, False), (Task.REWRITE_ANSWER, True, True)):
        note = col(Answer.returned_note)
        query = (
            row(task, col(Handoff.id), since=col(Answer.written_at), due=BY_IDEA)
            .select_from(Answer)
            .join(Handoff, col(Handoff.id) == col(Answer.handoff_id))
            .join(Idea, col(Idea.id) == col(Handoff.idea_id))
            .where(
                col(Answer.published_at).is_(None),
                in_sight(hats),
                Unsought(col(Handoff.closed_at)).is_(None),  # answers lead: they are few
                (col(Answer.signer_id) == ME) if own else (col(Answer.signer_id) != ME),
                (note != "") if returned else (note == ""),
                circle,
            )
        )
        yield Arm(query, (col(Idea.due_at), col(Answer.id)))


def carried(hats: Hats) -> Iterator[Arm]:
    """Yield what a lead carries along: a step whose day has passed, a benefit to be measured."""
    if not hats.leads:
        return
    lab: Any = sa.func.coalesce(col(Idea.lab_id), 0)  # no index of the whole lab is read beside the lead's
    led = (lab.in_(LED), PUBLIC)
    steps = (
        row(Task.NEXT_STEP, col(Idea.id), since=col(Idea.waits_since), due=BY_IDEA)
        .select_from(Idea)
        .outerjoin(Handoff, OPEN_HANDOFF)
        .where(
            col(Idea.lead_id) == ME,
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
    yield Arm(steps, OF_IDEA, dated=True)
    day = (
        sa.select(sa.func.min(col(Benefit.measure_next)))
        .where(col(Benefit.idea_id) == col(Idea.id))
        .correlate(Idea)
        .scalar_subquery()
    )
    due = sa.select(col(Benefit.idea_id)).where(col(Benefit.measure_next) <= TODAY)  # these lead
    measured = (
        row(Task.MEASURE, col(Idea.id), since=col(Idea.waits_since), last_day=day)
        .select_from(Idea)
        .where(
            col(Idea.id).in_(due),
            Unsought(col(Idea.lead_id)) == ME,
            *led,
            Unsought(col(Idea.activity)) == Activity.ACTIVE,
            Unsought(col(Idea.stage)) == Stage.SERVICE,
        )
    )
    yield Arm(measured, (col(Idea.id),), due=day, dated=True)


def challenges(hats: Hats) -> Iterator[Arm]:
    """Running challenges whose responsible has left; they belong to no single idea."""
    if not hats.manages:
        return
    idea: Any = Idea.__table__.c  # type: ignore[attr-defined]

    def none(of: Any) -> Any:
        return sa.cast(sa.null(), of.type)

    columns = {
        "task": sa.literal(Task.NAME_RESPONSIBLE.value),
        "ref": col(Challenge.id),
        "idea_id": none(idea.id),
        "title": sa.cast(col(Challenge.title), sa.Text),
        "language": sa.literal(""),
        "lab_id": col(Challenge.lab_id),
        "stage": none(idea.stage),
        "activity": none(idea.activity),
        "lead_id": none(idea.lead_id),
        "gate": none(idea.id),
        "since": col(Challenge.opens_at),
        "due": NO_DATE,
        "last_day": NO_DAY,
        "by_idea": sa.false(),
        "stood_since": NO_DATE,
        "next_step": sa.literal(""),
        "next_who": sa.literal(""),
        "next_by": none(idea.next_by),
    }
    query = sa.select(*(column.label(name) for name, column in columns.items())).where(
        col(Challenge.lab_id).in_(MANAGED),
        col(Challenge.state).in_((ChallengeState.OPEN, ChallengeState.CLOSED)),
        col(Challenge.responsible_id).is_(None),
    )
    yield Arm(query, (col(Challenge.opens_at), col(Challenge.id)), due=None)
