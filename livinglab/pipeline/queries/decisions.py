"""Decisions at gates: public, for ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session, aliased
from sqlmodel import col

from livinglab.core.errors import NotFound
from livinglab.core.files import StoredFile
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Idea, Stage
from livinglab.ideas.queries import visible_to
from livinglab.people.models import Person
from livinglab.people.rules import Face, face_of
from livinglab.pipeline.models import DecisionOutcome, DeclineCode, Door, GateDecision, Review
from livinglab.pipeline.rules import Facts, criteria_of

_first, _second = aliased(Person), aliased(Person)
_first_photo, _second_photo = aliased(StoredFile), aliased(StoredFile)


@dataclass(frozen=True, slots=True)
class CriterionThen:
    """One criterion as it stood when it was decided."""

    code: str
    title: object
    met: bool
    deviation: str


@dataclass(frozen=True, slots=True)
class DecisionShown:
    """One decision with everything its page and the story show.

    Args:
        confirmed_by: ``None`` where the lab lets one person decide.
    """

    id: int
    idea_id: int
    lab_id: int
    idea_title: str
    idea_language: str
    stage_now: Stage
    gate: int
    door: Door
    opened_at: datetime
    opening_reason: str
    outcome: DecisionOutcome
    from_stage: Stage
    to_stage: Stage
    reason: str
    criteria: tuple[CriterionThen, ...]
    hold_until: date | None
    decline_code: DeclineCode | None
    would_change: str
    proposed_by: Face
    confirmed_by: Face | None
    decided_at: datetime

    @property
    def deviations(self) -> tuple[CriterionThen, ...]:
        """Return the criteria that were passed though not met."""
        return tuple(c for c in self.criteria if not c.met and c.deviation)


def decisions_of(session: Session, idea_id: int) -> tuple[DecisionShown, ...]:
    """Return an idea's decisions, oldest first."""
    rows = session.execute(
        _query().where(col(GateDecision.idea_id) == idea_id).order_by(col(GateDecision.id))
    )
    return tuple(_shown(row) for row in rows)


def decision_shown(session: Session, decision_id: int, viewer: Viewer) -> DecisionShown:
    """Return one decision.

    Raises:
        NotFound: ``no-such-decision``; also when the idea is hidden from this person.
    """
    row = session.execute(
        _query().where(col(GateDecision.id) == decision_id, visible_to(viewer))
    ).one_or_none()
    if row is None:
        raise NotFound("no-such-decision", _l("There is no such decision."))
    return _shown(row)


def decision_of_review(session: Session, review_id: int) -> int | None:
    """Return the decision that closed a review."""
    return session.scalar(sa.select(col(GateDecision.id)).where(col(GateDecision.review_id) == review_id))


def _query() -> Any:
    return (
        sa.select(
            GateDecision,
            col(Idea.title),
            col(Idea.language),
            col(Idea.stage),
            col(Review.door),
            col(Review.opened_at),
            col(Review.reason).label("opening_reason"),
            col(_first.name).label("first_name"),
            col(_first.title).label("first_title"),
            col(_first.erased_at).label("first_erased"),
            col(_first_photo.key).label("first_photo"),
            col(_second.name).label("second_name"),
            col(_second.title).label("second_title"),
            col(_second.erased_at).label("second_erased"),
            col(_second_photo.key).label("second_photo"),
        )
        .join(Idea, col(Idea.id) == col(GateDecision.idea_id))
        .join(Review, col(Review.id) == col(GateDecision.review_id))
        .join(_first, col(_first.id) == col(GateDecision.proposed_by))
        .outerjoin(_first_photo, col(_first_photo.id) == col(_first.photo_id))
        .outerjoin(_second, col(_second.id) == col(GateDecision.confirmed_by))
        .outerjoin(_second_photo, col(_second_photo.id) == col(_second.photo_id))
    )


def _shown(row: Any) -> DecisionShown:
    decision: GateDecision = row[0]
    second = None
    if decision.confirmed_by is not None:
        second = face_of(
            name=row.second_name,
            title=row.second_title or "",
            photo=row.second_photo,
            erased=row.second_erased is not None,
        )
    return DecisionShown(
        id=decision.id or 0,
        idea_id=decision.idea_id,
        lab_id=decision.lab_id,
        idea_title=row.title,
        idea_language=row.language,
        stage_now=row.stage,
        gate=decision.gate,
        door=row.door,
        opened_at=row.opened_at,
        opening_reason=row.opening_reason,
        outcome=decision.outcome,
        from_stage=decision.from_stage,
        to_stage=decision.to_stage,
        reason=decision.reason,
        criteria=_then(decision),
        hold_until=decision.hold_until,
        decline_code=decision.decline_code,
        would_change=decision.would_change,
        proposed_by=face_of(
            name=row.first_name,
            title=row.first_title or "",
            photo=row.first_photo,
            erased=row.first_erased is not None,
        ),
        confirmed_by=second,
        decided_at=decision.decided_at,
    )


def _then(decision: GateDecision) -> tuple[CriterionThen, ...]:
    """Return the criteria with the numbers that were asked for at the time."""
    stood = {entry["code"]: entry for entry in decision.criteria}
    asked = {code: entry.get("needed") for code, entry in stood.items()}
    facts = Facts(
        responses_needed=asked.get("responses") or Facts().responses_needed,
        testers_needed=asked.get("testers") or Facts().testers_needed,
    )
    return tuple(
        CriterionThen(c.code, c.title(facts), stood[c.code]["met"], stood[c.code].get("deviation", ""))
        for c in criteria_of(decision.gate)
        if c.code in stood
    )
