"""My work: everything that waits for one person, in one statement; the header counts the same rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import Texts
from livinglab.core.viewer import Role, Viewer
from livinglab.handoff.models import Answer, Handoff, HandoffState
from livinglab.handoff.rules import IN_PROGRESS, Owed, owed
from livinglab.ideas.models import Activity, Comment, Credit, Idea, Publication, Stage
from livinglab.ideas.queries.visibility import visible_to
from livinglab.labs.models import Challenge, ChallengeState, Lab, UnitMember
from livinglab.moderation.models import Appeal, Case, Decision, Source
from livinglab.moderation.queries.appeals import uninvolved
from livinglab.moderation.queries.standing import is_author
from livinglab.pipeline.models import Benefit, Proposal, ProposalState, Review
from livinglab.pipeline.queries.places import AGREED, AUTHORS

MOST = 200


class Task(StrEnum):
    """What waits for somebody."""

    MODERATE = "moderate"
    LOOK_INTO = "look_into"
    APPEAL = "appeal"
    ROUTE = "route"
    NAME_LEAD = "name_lead"
    PROPOSE = "propose"
    CONFIRM = "confirm"
    TAKE = "take"
    ACKNOWLEDGE = "acknowledge"
    ANSWER = "answer"
    PUBLISH_ANSWER = "publish_answer"
    REWRITE_ANSWER = "rewrite_answer"
    NEXT_STEP = "next_step"
    MEASURE = "measure"
    NAME_RESPONSIBLE = "name_responsible"


MINUTES = {
    Task.MODERATE: 2,
    Task.LOOK_INTO: 5,
    Task.APPEAL: 10,
    Task.ROUTE: 5,
    Task.NAME_LEAD: 2,
    Task.PROPOSE: 15,
    Task.CONFIRM: 5,
    Task.TAKE: 2,
    Task.ACKNOWLEDGE: 3,
    Task.ANSWER: 20,
    Task.PUBLISH_ANSWER: 5,
    Task.REWRITE_ANSWER: 10,
    Task.NEXT_STEP: 2,
    Task.MEASURE: 5,
    Task.NAME_RESPONSIBLE: 2,
}
"""About how long each takes somebody who does it for the first time in a week."""


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One thing to do.

    Args:
        ref: Id of the case, appeal, review, handoff, answer or challenge it is about; of the idea otherwise.
        texts: The title of a challenge, which is not about one idea: such an item has no idea and no stage.
        due: By when the idea is owed something first: the unit's deadline or the day of the named step.
        step: The named step, where it is what is due on that day; step_who: who does it.
    """

    task: Task
    ref: int
    idea_id: int | None
    title: str
    texts: Texts | None
    language: str
    lab_id: int
    lab_name: str
    zone: str
    stage: Stage | None
    activity: Activity | None
    gate: int | None
    since: datetime | None
    due: Owed | None
    step: str
    step_who: str
    as_lead: bool

    @property
    def late_days(self) -> int:
        """Return how many days it is late; 0 while in time."""
        return self.due.days_late if self.due else 0

    @property
    def minutes(self) -> int:
        """Return about how long it takes."""
        return MINUTES[self.task]


def work(session: Session, viewer: Viewer, now: datetime) -> tuple[WorkItem, ...]:
    """Return what waits for a person: what is due first on top, what has no date by its wait."""
    tasks = _tasks(viewer, now)
    if tasks is None:
        return ()
    rows: Any = session.execute(
        sa.select(tasks, col(Lab.name).label("lab_name"), col(Lab.timezones))
        .join(Lab, col(Lab.id) == tasks.c.lab_id)
        .order_by(tasks.c.due.is_(None), tasks.c.due, tasks.c.since, tasks.c.task, tasks.c.ref)
        .limit(MOST)
    )
    return tuple(_item(row, viewer, now) for row in rows)


def work_count(session: Session, viewer: Viewer, now: datetime) -> int:
    """Count what waits for a person, for the header; one statement."""
    tasks = _tasks(viewer, now)
    return session.scalar(sa.select(sa.func.count()).select_from(tasks)) or 0 if tasks is not None else 0


def next_deadline(session: Session, viewer: Viewer, now: datetime) -> datetime | None:
    """Return the next instant by which somebody owes something in the labs a person works in."""
    labs = set(viewer.roles) | set(viewer.units.values())
    if not labs:
        return None
    return session.scalar(
        sa.select(sa.func.min(col(Idea.due_at))).where(
            col(Idea.lab_id).in_(labs), col(Idea.publication) == Publication.PUBLISHED, col(Idea.due_at) > now
        )
    )


def _item(row: Any, viewer: Viewer, now: datetime) -> WorkItem:
    zone = row.timezones[0]
    due = owed(row.due, now, zone, stood_since=row.stood_since)
    of_step = due is not None and row.by_idea and row.next_step and row.next_by == due.last_day
    of_challenge = row.idea_id is None
    return WorkItem(
        task=Task(row.task),
        ref=row.ref,
        idea_id=row.idea_id,
        title="" if of_challenge else row.title,
        texts=json.loads(row.title) if of_challenge else None,
        language=row.language,
        lab_id=row.lab_id,
        lab_name=row.lab_name,
        zone=zone,
        stage=row.stage,
        activity=row.activity,
        gate=row.gate,
        since=row.since,
        due=due,
        step=row.next_step if of_step else "",
        step_who=row.next_who if of_step else "",
        as_lead=row.lead_id == viewer.person_id,
    )


_INSTANT: Any = Idea.__table__.c.due_at.type  # type: ignore[attr-defined]
_NO_DATE: Any = sa.cast(sa.null(), _INSTANT)
_BY_IDEA: Any = col(Idea.due_at)


def _row(task: Task, ref: Any, *, since: Any, due: Any = _NO_DATE) -> Any:
    """Begin the select of one kind of task; every kind gives the same columns.

    Args:
        due: A deadline of the task's own, or ``_BY_IDEA``: what the idea is owed first. The statement
            then joins the open handoff.
    """
    return sa.select(
        sa.literal(task.value).label("task"),
        ref.label("ref"),
        col(Idea.id).label("idea_id"),
        col(Idea.title),
        col(Idea.language),
        col(Idea.lab_id),
        col(Idea.stage),
        col(Idea.activity),
        col(Idea.lead_id),
        sa.case(
            {Stage.IDEA.value: 1, Stage.CONCEPT.value: 2, Stage.PROTOTYPE.value: 3},
            value=sa.cast(col(Idea.stage), sa.String(24)),
        ).label("gate"),
        sa.cast(since, _INSTANT).label("since") if since is None else since.label("since"),
        due.label("due"),
        sa.literal(due is _BY_IDEA).label("by_idea"),
        (col(Handoff.waiting_since) if due is _BY_IDEA else _NO_DATE).label("stood_since"),
        col(Idea.next_step),
        col(Idea.next_who),
        col(Idea.next_by),
    )


def _tasks(viewer: Viewer, now: datetime) -> Any:
    if not viewer.is_staff_anywhere:
        return None
    me = viewer.known_id
    parts = [
        *_moderation(viewer, me),
        *_gates(viewer, me),
        *_handoffs(viewer, me),
        *_carrying(viewer, me, now),
        *_challenges(viewer),
    ]
    return sa.union_all(*parts).subquery("tasks") if parts else None


_REVIEWED = (
    sa.cast(col(Idea.activity), sa.String(24)) == Activity.REVIEW.value,
    sa.cast(col(Idea.publication), sa.String(24)) == Publication.PUBLISHED.value,
)
"""Written so that no index on ideas is walked: the few open reviews are, and each brings its idea."""
_OPEN_HANDOFF = sa.and_(col(Handoff.idea_id) == col(Idea.id), col(Handoff.closed_at).is_(None))


def _moderation(viewer: Viewer, me: int) -> Iterator[Any]:
    labs = viewer.labs_as(Role.FACILITATOR, Role.MANAGER)
    if not labs:
        return
    theirs = (~is_author(me), col(Comment.deleted_at).is_(None))
    for task, sources in (
        (Task.MODERATE, (Source.NEW, Source.EDIT)),
        (Task.LOOK_INTO, (Source.REPORT, Source.CHECK)),
    ):
        yield (
            _row(task, col(Case.id), since=col(Case.opened_at), due=col(Case.due_at))
            .select_from(Case)
            .join(Idea, col(Idea.id) == col(Case.idea_id))
            .outerjoin(Comment, col(Comment.id) == col(Case.comment_id))
            .where(
                col(Case.lab_id).in_(labs),
                col(Case.closed_at).is_(None),
                col(Case.source).in_(sources),
                *theirs,
            )
        )
    yield (
        _row(Task.APPEAL, col(Appeal.id), since=col(Appeal.at), due=col(Appeal.due_at))
        .select_from(Appeal)
        .join(Decision, col(Decision.id) == col(Appeal.decision_id))
        .join(Idea, col(Idea.id) == col(Decision.idea_id))
        .where(
            col(Appeal.lab_id).in_(labs),
            col(Appeal.outcome).is_(None),
            *uninvolved(me),
        )
    )


def _deciding(viewer: Viewer, me: int) -> Any:
    """Return the condition that a person decides at the open gate of an idea, and did not write it."""
    first = [col(Idea.lab_id).in_(viewer.labs_as(Role.FACILITATOR, Role.MANAGER)), _own_lead(viewer, me)]
    later = [
        col(Idea.lab_id).in_(viewer.labs_as(Role.MANAGER)),
        _own_lead(viewer, me),
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


def _own_lead(viewer: Viewer, me: int) -> Any:
    return sa.and_(col(Idea.lead_id) == me, col(Idea.lab_id).in_(viewer.labs_as(Role.LEAD)))


def _gates(viewer: Viewer, me: int) -> Iterator[Any]:
    guides = viewer.labs_as(Role.FACILITATOR, Role.MANAGER)
    routes = sa.or_(col(Idea.lab_id).in_(guides), _own_lead(viewer, me))
    labs = set(viewer.roles) | set(viewer.units.values())
    opened = (col(Review.lab_id).in_(labs), col(Review.closed_at).is_(None))  # few: the index on open reviews
    yield (
        _row(Task.ROUTE, col(Idea.id), since=col(Idea.waits_since), due=_BY_IDEA)
        .select_from(Review)
        .join(Idea, col(Idea.id) == col(Review.idea_id))
        .outerjoin(Handoff, _OPEN_HANDOFF)
        .where(*opened, *_REVIEWED, col(Idea.stage) == Stage.IDEA, col(Handoff.unit_id).is_(None), routes)
    )
    if guides:
        yield (
            _row(Task.NAME_LEAD, col(Idea.id), since=col(Idea.waits_since))
            .select_from(Review)
            .join(Idea, col(Idea.id) == col(Review.idea_id))
            .where(
                *opened,
                *_REVIEWED,
                sa.func.coalesce(col(Idea.lead_id), 0) == 0,
                col(Review.lab_id).in_(guides),
            )
        )
        yield (  # past gate 1 somebody leads it; where nobody does, they have left
            _row(Task.NAME_LEAD, col(Idea.id), since=col(Idea.waits_since)).where(
                col(Idea.lab_id).in_(guides),
                col(Idea.publication) == Publication.PUBLISHED,
                col(Idea.stage) != Stage.IDEA,
                col(Idea.activity).in_((Activity.ACTIVE, Activity.HOLD)),
                col(Idea.lead_id).is_(None),
            )
        )
    ready = sa.or_(
        col(Idea.stage) != Stage.IDEA,
        sa.and_(col(Handoff.unit_id).is_not(None), col(Handoff.state).in_((*AGREED, HandoffState.DECIDED))),
    )
    reviews = (
        _row(Task.PROPOSE, col(Review.id), since=col(Idea.waits_since), due=_BY_IDEA)
        .select_from(Review)
        .join(Idea, col(Idea.id) == col(Review.idea_id))
        .outerjoin(Handoff, _OPEN_HANDOFF)
        .outerjoin(
            Proposal,
            sa.and_(col(Proposal.review_id) == col(Review.id), col(Proposal.state) == ProposalState.OPEN),
        )
        .where(*opened, *_REVIEWED, _deciding(viewer, me))
    )
    yield reviews.where(col(Proposal.id).is_(None), ready)
    yield (
        _row(Task.CONFIRM, col(Review.id), since=col(Proposal.written_at), due=_BY_IDEA)
        .select_from(Review)
        .join(Idea, col(Idea.id) == col(Review.idea_id))
        .join(Proposal, col(Proposal.review_id) == col(Review.id))
        .outerjoin(Handoff, _OPEN_HANDOFF)
        .where(
            *opened,
            col(Proposal.state) == ProposalState.OPEN,
            col(Proposal.by_id) != me,
            *_REVIEWED,
            _deciding(viewer, me),
        )
    )


def _handoffs(viewer: Viewer, me: int) -> Iterator[Any]:
    def of(task: Task, *conditions: Any) -> Any:
        return (
            _row(task, col(Handoff.id), since=col(Handoff.queued_at), due=_BY_IDEA)
            .select_from(Handoff)
            .join(Idea, col(Idea.id) == col(Handoff.idea_id))
            .where(col(Handoff.closed_at).is_(None), visible_to(viewer), *conditions)
        )

    state = col(Handoff.state)
    nobody = sa.or_(
        state == HandoffState.QUEUED,
        sa.and_(state.in_(IN_PROGRESS), col(Handoff.assignee_id).is_(None)),  # its holder has left
    )
    mine = col(Handoff.unit_id).in_(viewer.units)
    if managed := viewer.labs_as(Role.MANAGER):
        empty = ~sa.exists().where(col(UnitMember.unit_id) == col(Handoff.unit_id))
        alone = sa.and_(col(Handoff.lab_id).in_(managed), col(Handoff.unit_id).is_not(None), empty)
        yield of(Task.TAKE, sa.or_(mine, alone), nobody)
    elif viewer.units:
        yield of(Task.TAKE, mine, nobody)
    if viewer.units:
        written = sa.exists().where(
            col(Answer.handoff_id) == col(Handoff.id), col(Answer.published_at).is_(None)
        )
        runs = col(Handoff.waiting_since).is_(None)
        yield of(Task.ACKNOWLEDGE, mine, col(Handoff.assignee_id) == me, state == HandoffState.ASSIGNED)
        yield of(Task.ANSWER, mine, col(Handoff.assignee_id) == me, state.in_(AGREED), ~written, runs)
    circle = sa.or_(
        col(Handoff.unit_id).in_(viewer.units),
        col(Handoff.lab_id).in_(viewer.labs_as(Role.MANAGER)),
        _own_lead(viewer, me),
    )
    for task, own, returned in ((Task.PUBLISH_ANSWER, False, False), (Task.REWRITE_ANSWER, True, True)):
        note = col(Answer.returned_note)
        yield (
            _row(task, col(Handoff.id), since=col(Answer.written_at), due=_BY_IDEA)
            .select_from(Answer)
            .join(Handoff, col(Handoff.id) == col(Answer.handoff_id))
            .join(Idea, col(Idea.id) == col(Handoff.idea_id))
            .where(
                col(Answer.published_at).is_(None),
                visible_to(viewer),
                col(Handoff.closed_at).is_(None),
                (col(Answer.signer_id) == me) if own else (col(Answer.signer_id) != me),
                (note != "") if returned else (note == ""),
                circle,
            )
        )


def _carrying(viewer: Viewer, me: int, now: datetime) -> Iterator[Any]:
    if not viewer.labs_as(Role.LEAD):
        return
    led = (_own_lead(viewer, me), col(Idea.publication) == Publication.PUBLISHED)
    yield (
        _row(Task.NEXT_STEP, col(Idea.id), since=col(Idea.waits_since), due=_BY_IDEA)
        .select_from(Idea)
        .outerjoin(Handoff, _OPEN_HANDOFF)
        .where(
            *led,
            col(Idea.activity) == Activity.ACTIVE,
            col(Idea.due_at) <= now,
            sa.or_(  # the named day has passed in the lab's zone, which may be a day ahead of UTC
                col(Idea.next_by) < now.date(),
                sa.and_(
                    col(Idea.next_by) == now.date(),
                    sa.or_(col(Handoff.due_at).is_(None), col(Handoff.due_at) > col(Idea.due_at)),
                ),
            ),
        )
    )
    yield (
        _row(Task.MEASURE, col(Idea.id), since=col(Idea.waits_since))
        .select_from(Idea)
        .where(
            *led,
            col(Idea.activity) == Activity.ACTIVE,
            col(Idea.stage) == Stage.SERVICE,
            sa.exists().where(col(Benefit.idea_id) == col(Idea.id), col(Benefit.measure_next) <= now.date()),
        )
    )


def _challenges(viewer: Viewer) -> Iterator[Any]:
    """Running challenges whose responsible has left; they belong to no single idea."""
    labs = viewer.labs_as(Role.MANAGER)
    if not labs:
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
        _NO_DATE,
        sa.false(),
        _NO_DATE,
        sa.literal(""),
        sa.literal(""),
        none(idea.next_by),
    ).where(
        col(Challenge.lab_id).in_(labs),
        col(Challenge.state).in_((ChallengeState.OPEN, ChallengeState.CLOSED)),
        col(Challenge.responsible_id).is_(None),
    )
