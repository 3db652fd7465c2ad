"""Whom an idea waits for, since when, until when, and what comes next. Said everywhere an idea appears."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.clock import local_day
from livinglab.core.db import Texts, another
from livinglab.core.files import StoredFile
from livinglab.core.together import Read
from livinglab.handoff.models import POSITIVE, Handoff, HandoffState
from livinglab.handoff.rules import Owed, owed
from livinglab.ideas.models import Activity, Idea, Publication, Stage
from livinglab.labs.models import Lab, ReceivingUnit
from livinglab.people.models import Person
from livinglab.people.rules import Face, face_of
from livinglab.pipeline.models import Benefit, DecisionOutcome, GateDecision, Proposal, Review
from livinglab.pipeline.queries.places import AGREED, PROPOSED

ENDED = (Activity.DECLINED, Activity.MERGED, Activity.WITHDRAWN, Activity.ARCHIVED)
_FACILITATOR = _l("a facilitator")
_AUTHOR = _l("the author")
_DECIDERS = _l("two deciders")
_SECOND = _l("a second decider")


@dataclass(frozen=True, slots=True)
class Standing:
    """The one line of rule S7, in parts; ``pipeline/_says.html`` writes it.

    Args:
        role: Who is waited for where it is a capacity and not somebody named, translated when shown.
        unit: Name of the receiving unit that is waited for.
        face: The person who is waited for.
        since: When the ball was passed on; ``days`` counts the lab's calendar days since then.
        due: The instant after the last day; ``None``: no date.
        days_left: Calendar days until the last day; ``None``: no date.
        late_days: 0 while in time.
        step: What comes next: words typed by somebody, or the usual next step, translated when shown.
            Of the two, the one that is owed first.
        step_who: Who does it, where somebody wrote that down.
        step_by: The last day for it; ``None`` is said as "no date".
        step_late_days: Days past ``step_by``, also where that day is no deadline: a hold, a measurement.
        named: Whether somebody named the step.
        language: The idea's, in which what was typed is taken to be written.
        then, then_by: The named step, where the unit's deadline comes before it.
        until: End of a hold. ended_on: the day it was declined, merged …, or the service began.
    """

    idea_id: int
    lab_id: int
    stage: Stage
    activity: Activity
    role: object = None
    unit: Texts | None = None
    face: Face | None = None
    since: datetime | None = None
    days: int = 0
    due: datetime | None = None
    days_left: int | None = None
    late_days: int = 0
    step: object = None
    step_who: str = ""
    step_by: date | None = None
    step_late_days: int = 0
    named: bool = False
    language: str = ""
    then: str = ""
    then_by: date | None = None
    until: date | None = None
    ended_on: date | None = None
    decline_code: str | None = None
    review_id: int | None = None

    @property
    def waits(self) -> bool:
        """Say whether anybody is waited for."""
        return self.role is not None or bool(self.unit) or self.face is not None

    @property
    def late(self) -> bool:
        """Say whether what is owed is overdue."""
        return self.late_days > 0


_lead = another(Person)
_assignee = another(Person)
_lead_photo = another(StoredFile)
_assignee_photo = another(StoredFile)


def lead_face(row: Any) -> Face | None:
    """Return the lead of a row of ``standing_columns``."""
    if row.lead_name is None:
        return None
    return face_of(
        name=row.lead_name, photo=row.lead_photo, title=row.lead_title, erased=row.lead_erased is not None
    )


def standing_columns() -> tuple[Any, ...]:
    """Return the columns that ``standing_from`` reads; other lists add them to their one statement."""
    decided: Any = (
        sa.select(sa.func.max(col(GateDecision.decided_at)))
        .where(
            col(GateDecision.idea_id) == col(Idea.id), col(GateDecision.outcome) == DecisionOutcome.DECLINE
        )
        .correlate(Idea)
        .scalar_subquery()
    )
    measured: Any = (
        sa.select(sa.func.min(col(Benefit.measure_next)))
        .where(col(Benefit.idea_id) == col(Idea.id))
        .correlate(Idea)
        .scalar_subquery()
    )
    return (
        col(Idea.id).label("idea_id"),
        col(Idea.lab_id),
        col(Idea.stage),
        col(Idea.activity),
        col(Idea.publication),
        col(Idea.language).label("idea_language"),
        col(Idea.next_step),
        col(Idea.next_who),
        col(Idea.next_by),
        col(Idea.waits_since),
        col(Idea.due_at),
        col(Idea.hold_until),
        col(Idea.decline_code),
        col(Idea.stage_since),
        col(Lab.timezones),
        col(_lead.name).label("lead_name"),
        col(_lead.title).label("lead_title"),
        col(_lead.erased_at).label("lead_erased"),
        col(_lead_photo.key).label("lead_photo"),
        col(Handoff.state).label("handoff_state"),
        col(Handoff.outcome).label("handoff_outcome"),
        col(Handoff.unit_id),
        col(Handoff.due_at).label("handoff_due"),
        col(Handoff.waiting_since),
        col(Handoff.waiting_until),
        col(_assignee.name).label("assignee_name"),
        col(_assignee.title).label("assignee_title"),
        col(_assignee_photo.key).label("assignee_photo"),
        col(ReceivingUnit.name).label("unit_name"),
        col(Review.id).label("review_id"),
        col(Proposal.id).label("proposal_id"),
        decided.label("declined_at"),
        measured.label("measure_next"),
    )


def with_standing(query: Any) -> Any:
    """Join what ``standing_columns`` needs to a statement that selects from ``Idea``."""
    return (
        query.join(Lab, col(Lab.id) == col(Idea.lab_id))
        .outerjoin(_lead, col(_lead.id) == col(Idea.lead_id))
        .outerjoin(_lead_photo, col(_lead_photo.id) == col(_lead.photo_id))
        .outerjoin(Handoff, sa.and_(col(Handoff.idea_id) == col(Idea.id), col(Handoff.closed_at).is_(None)))
        .outerjoin(ReceivingUnit, col(ReceivingUnit.id) == col(Handoff.unit_id))
        .outerjoin(_assignee, col(_assignee.id) == col(Handoff.assignee_id))
        .outerjoin(_assignee_photo, col(_assignee_photo.id) == col(_assignee.photo_id))
        .outerjoin(Review, sa.and_(col(Review.idea_id) == col(Idea.id), col(Review.closed_at).is_(None)))
        .outerjoin(
            Proposal,
            sa.and_(col(Proposal.review_id) == col(Review.id), PROPOSED),
        )
    )


def standing(session: Session, idea_ids: Collection[int], now: datetime) -> dict[int, Standing]:
    """Say of each idea whom it waits for and what comes next, in one statement.

    Source: rule S7, DESIGN section 5.
    """
    return standing_read(idea_ids, now).alone(session) if idea_ids else {}


def standing_read(idea_ids: Collection[int], now: datetime) -> Read[dict[int, Standing]]:
    """Return how ``standing`` is read."""
    values = {"idea_ids": tuple(idea_ids)}
    return Read(
        _standing_query(), values, lambda rows: {row.idea_id: standing_from(row, now) for row in rows}
    )


@lru_cache(maxsize=1)
def _standing_query() -> sa.Select[Any]:
    """Return the statement, made once: making it costs more than running it."""
    wanted = sa.bindparam("idea_ids", expanding=True, type_=sa.Integer)
    query = sa.select(*standing_columns()).select_from(Idea)
    return with_standing(query).where(col(Idea.id).in_(wanted))  # type: ignore[no-any-return]


Facts = dict[str, Any]
"""Fields of a standing that are known so far."""


def standing_from(row: Any, now: datetime) -> Standing:
    """Build the standing of one row of ``standing_columns``."""
    zone = row.timezones[0]
    if row.publication is not Publication.PUBLISHED:
        told: Facts = {}
    elif row.activity in ENDED:
        ended = row.declined_at if row.activity is Activity.DECLINED else row.waits_since
        told = {"ended_on": local_day(ended, zone) if ended else None}
    else:
        told = _underway(row, zone)
        told |= _steps(told, row, now, zone)
        if _awaited(told) and row.stage is not Stage.SERVICE and row.waits_since:
            days = (local_day(now, zone) - local_day(row.waits_since, zone)).days
            told |= {"since": row.waits_since, "days": max(0, days)}
    return Standing(
        idea_id=row.idea_id,
        lab_id=row.lab_id,
        stage=row.stage,
        activity=row.activity,
        until=row.hold_until,
        decline_code=row.decline_code,
        review_id=row.review_id,
        language=row.idea_language,
        **told,
    )


def _underway(row: Any, zone: str) -> Facts:
    """Say whom an idea waits for that has not ended, and the usual next step."""
    if row.activity is Activity.HOLD:
        return {"step": _l("The idea is taken up again"), "step_by": row.hold_until}
    return _in_review(row) if row.activity is Activity.REVIEW else _active(row, zone)


def _awaited(told: Facts) -> bool:
    return bool(told.get("unit")) or told.get("role") is not None or told.get("face") is not None


def _steps(told: Facts, row: Any, now: datetime, zone: str) -> Facts:
    """Say what is owed first: the unit's answer by its deadline, or the step somebody named by its day."""
    due = owed(row.due_at, now, zone, stood_since=row.waiting_since)
    usual_by = told.get("step_by")
    if due and row.activity is not Activity.HOLD:
        usual_by = due.last_day
    if row.next_step and _named_first(row, due):
        by = row.next_by or usual_by
        found: Facts = {"step": row.next_step, "step_who": row.next_who, "step_by": by, "named": True}
    else:
        found = {"step_by": usual_by, "then": row.next_step, "then_by": row.next_by}
    late = (local_day(now, zone) - found["step_by"]).days if found["step_by"] else 0
    if due:
        found |= {"due": due.at, "days_left": due.days_left, "late_days": due.days_late}
    return found | {"step_late_days": max(0, late)}


def _named_first(row: Any, due: Owed | None) -> bool:
    """Say whether the named step is owed no later than the unit's deadline."""
    return due is None or row.next_by is None or row.next_by <= due.last_day


def _in_review(row: Any) -> Facts:
    if row.proposal_id is not None:
        return {"role": _SECOND, "step": _l("Confirm or return the proposed decision")}
    if row.handoff_outcome is not None and row.handoff_outcome not in POSITIVE:
        return {"role": _DECIDERS, "step": _l("Decide what follows from the unit’s answer")}
    if row.stage is Stage.IDEA:
        if row.handoff_state is None:
            return {"role": _FACILITATOR, "step": _l("Ask a receiving unit to assess it")}
        if row.handoff_state in (HandoffState.QUEUED, HandoffState.ASSIGNED):
            return _at_the_unit(row)
        if row.lead_name is None:
            return {"role": _FACILITATOR, "step": _l("Name a project lead")}
    elif row.handoff_due is not None:
        return _at_the_unit(row)
    return {"role": _DECIDERS, "step": _l("Decide at the gate")}


def _active(row: Any, zone: str) -> Facts:
    if row.stage is Stage.SERVICE:
        began = {"ended_on": local_day(row.stage_since, zone) if row.stage_since else None}
        if not row.measure_next:
            return began
        step = _l("Measure the benefit again")
        return {**began, "face": lead_face(row), "step": step, "step_by": row.measure_next}
    if row.handoff_state is not None and row.handoff_outcome is None:
        return _at_the_unit(row)
    if row.stage is Stage.IDEA:
        return {"step": _l("A review opens when enough people support it")}
    step = _l("Prepare the next gate") if row.stage is Stage.CONCEPT else _l("Try it out and report")
    lead = lead_face(row)
    if lead is None:
        return {"role": _FACILITATOR, "step": _l("Name a project lead")}
    return {"face": lead, "step": step}


def _at_the_unit(row: Any) -> Facts:
    """Say whom it waits for while a receiving unit owes the next thing."""
    if row.waiting_since is not None:
        step = _l("Answer the unit’s question")
        return {"role": _AUTHOR, "step": step, "step_by": row.waiting_until}
    if row.unit_id is None:
        return {"role": _FACILITATOR, "step": _l("Choose the right receiving unit")}
    steps = {
        HandoffState.QUEUED: _l("Say who in the unit takes it"),
        HandoffState.ASSIGNED: _l("Agree to assess it"),
        HandoffState.ACKNOWLEDGED: _l("Preliminary answer"),
        HandoffState.ASSESSING: _l("Preliminary answer"),
        HandoffState.PRELIMINARY: _l("Final answer"),
    }
    return {"unit": dict(row.unit_name or {}), "step": steps.get(row.handoff_state)}


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What the idea page shows under the title: the track with its dates, and the standing.

    Args:
        spans: First and last day in each stage it was in; the last day is ``None`` where it still is.
    """

    standing: Standing
    spans: dict[str, tuple[date, date | None]]


def whereabouts(session: Session, idea_id: int, now: datetime) -> Whereabouts | None:
    """Return where an idea stands, for its page; ``None`` where there is none. In two statements."""
    found = standing(session, [idea_id], now).get(idea_id)
    return Whereabouts(found, stage_spans(session, idea_id)) if found else None


def stage_spans(session: Session, idea_id: int) -> dict[str, tuple[date, date | None]]:
    """Return from when until when an idea was in each stage, by the decisions that moved it."""
    rows: Any = session.execute(
        sa.select(
            col(Idea.published_at),
            col(Idea.stage),
            col(Lab.timezones),
            col(GateDecision.decided_at),
            col(GateDecision.from_stage),
            col(GateDecision.to_stage),
        )
        .select_from(Idea)
        .join(Lab, col(Lab.id) == col(Idea.lab_id))
        .outerjoin(
            GateDecision,
            sa.and_(
                col(GateDecision.idea_id) == col(Idea.id),
                col(GateDecision.from_stage) != col(GateDecision.to_stage),
            ),
        )
        .where(col(Idea.id) == idea_id)
        .order_by(col(GateDecision.decided_at), col(GateDecision.id))
    ).all()
    if not rows or rows[0].published_at is None:
        return {}
    moves = ((row.decided_at, row.from_stage) for row in rows if row.decided_at is not None)
    return spans_of(rows[0].published_at, rows[0].stage, moves, rows[0].timezones[0])


def spans_of(
    published_at: datetime, stage: Stage, moves: Iterable[tuple[datetime, Stage]], zone: str
) -> dict[str, tuple[date, date | None]]:
    """Return from when until when an idea was in each stage.

    Args:
        stage: Where it is now.
        moves: When it left which stage, oldest first.
    """
    since = local_day(published_at, zone)
    spans: dict[str, tuple[date, date | None]] = {}
    for left_at, left in moves:
        on = local_day(left_at, zone)
        spans[left.value] = (since, on)
        since = on
    spans[stage.value] = (since, None)
    return spans


__all__ = [
    "AGREED",
    "Standing",
    "Whereabouts",
    "spans_of",
    "stage_spans",
    "standing",
    "standing_read",
    "whereabouts",
]
