"""A decision: the idea moves, its review closes, the unit follows, one entry in the story. Source: S6, H0."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import known_id
from livinglab.core.errors import Refused
from livinglab.core.journal import record
from livinglab.handoff.commands.ending import begin_delivery, close_handoff, mark_delivered
from livinglab.ideas.models import Stage
from livinglab.pipeline.commands.moving import challenge_of_idea, move_idea, pass_on
from livinglab.pipeline.models import (
    DecisionOutcome,
    GateDecision,
    Review,
)
from livinglab.pipeline.rules import (
    Draft,
    Facts,
    Move,
    Place,
    criteria_of,
    find_move,
)

CHANGED = _l("Somebody was quicker. Look at where the review stands now.")


def values_of(draft: Draft) -> dict[str, Any]:
    """Return a draft as the columns of a proposal."""
    return {
        "outcome": draft.outcome,
        "to_stage": draft.to_stage,
        "reason": draft.reason,
        "deviations": dict(draft.deviations),
        "hold_until": draft.hold_until,
        "decline_code": draft.decline_code,
        "would_change": draft.would_change,
    }


def decide(
    session: Session,
    place: Place,
    draft: Draft,
    facts: Facts,
    *,
    proposal_id: int,
    proposed_by: int,
    confirmed_by: int | None,
    now: datetime,
) -> GateDecision:
    """Move the idea, close the review, write the decision and its one entry in the story."""
    move = find_move(place.stage, draft.outcome, draft.to_stage)
    if move is None or place.review_id is None:
        raise Refused("no-such-move", CHANGED)
    move_idea(
        session,
        place,
        stage=move.target,
        activity=move.activity,
        now=now,
        hold_until=draft.hold_until,
        decline_code=draft.decline_code.value if draft.decline_code else None,
        next_step="",
        next_who="",
        next_by=None,
    )
    session.execute(sa.update(Review).where(col(Review.id) == place.review_id).values(closed_at=now))
    decision = GateDecision(
        review_id=place.review_id,
        proposal_id=proposal_id,
        idea_id=place.idea_id,
        lab_id=place.lab_id,
        gate=move.gate,
        outcome=draft.outcome,
        from_stage=move.source,
        to_stage=move.target,
        reason=draft.reason,
        criteria=_as_they_stood(draft, move, facts),
        hold_until=draft.hold_until,
        decline_code=draft.decline_code,
        would_change=draft.would_change,
        proposed_by=proposed_by,
        confirmed_by=confirmed_by,
        decided_at=now,
    )
    session.add(decision)
    session.flush()
    _tell_the_unit(session, place, move, now, confirmed_by or proposed_by)
    pass_on(session, place, now=now)
    record(
        session,
        "decision-made",
        at=now,
        actor_id=confirmed_by or proposed_by,
        lab_id=place.lab_id,
        challenge_id=challenge_of_idea(session, place.idea_id),
        idea_id=place.idea_id,
        subject_id=known_id(decision.id),
        data={
            "decision_id": known_id(decision.id),
            "gate": move.gate,
            "outcome": draft.outcome.value,
            "from": move.source.value,
            "to": move.target.value,
            "deviations": len(draft.deviations),
            "hold_until": draft.hold_until.isoformat() if draft.hold_until else None,
            "decline_code": draft.decline_code.value if draft.decline_code else None,
            "by_one": confirmed_by is None,
            "proposed_by_id": proposed_by,
        },
    )
    return decision


def _as_they_stood(draft: Draft, move: Move, facts: Facts) -> list[dict[str, Any]]:
    needed = {"responses": facts.responses_needed, "testers": facts.testers_needed}
    return [
        {
            "code": criterion.code,
            "met": criterion.met(facts),
            "deviation": draft.deviations.get(criterion.code, ""),
            "needed": needed.get(criterion.code),
        }
        for criterion in criteria_of(move.gate)
    ]


def _tell_the_unit(session: Session, place: Place, move: Move, now: datetime, actor_id: int) -> None:
    """Let the handoff follow the idea (rule H0)."""
    if move.outcome is DecisionOutcome.DECLINE:
        close_handoff(session, place.idea_id, "declined", now, actor_id=actor_id)
    elif move.outcome is DecisionOutcome.ADVANCE and move.target is Stage.PROTOTYPE:
        begin_delivery(session, place.idea_id, now, actor_id=actor_id)
    elif move.outcome is DecisionOutcome.ADVANCE and move.target is Stage.SERVICE:
        mark_delivered(session, place.idea_id, now, actor_id=actor_id)
