"""Decisions at gates: public, for ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import another
from livinglab.core.errors import NotFound
from livinglab.core.files import StoredFile
from livinglab.core.together import Read
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Idea, Stage
from livinglab.ideas.queries import visible_to
from livinglab.people.models import Person
from livinglab.people.queries import face_columns, face_in
from livinglab.people.rules import Face
from livinglab.pipeline.models import DecisionOutcome, DeclineCode, Door, GateDecision, Review
from livinglab.pipeline.rules import Facts, criteria_of

_first, _second = another(Person), another(Person)
_first_photo, _second_photo = another(StoredFile), another(StoredFile)


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
        stood: (criterion's code, met?, public reason for a deviation) as it was recorded.
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
    stood: tuple[tuple[str, bool, str], ...]
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
    return decisions_read(idea_id).alone(session)


def decisions_read(idea_id: int) -> Read[tuple[DecisionShown, ...]]:
    """Return how an idea's decisions are read, oldest first."""
    return Read(_of_idea(), {"idea_id": idea_id}, lambda rows: tuple(_shown(row) for row in rows))


@lru_cache(maxsize=1)
def _of_idea() -> sa.Select[Any]:
    one: Any = sa.bindparam("idea_id", type_=sa.Integer)
    query: Any = _query().where(col(GateDecision.idea_id) == one)
    return query.order_by(col(GateDecision.id))  # type: ignore[no-any-return]


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


_OF_DECISION = (
    "id", "idea_id", "lab_id", "gate", "outcome", "from_stage", "to_stage", "reason", "criteria",
    "hold_until", "decline_code", "would_change", "confirmed_by", "decided_at",
)  # fmt: skip


@lru_cache(maxsize=1)
def _query() -> Any:
    """Return the statement that reads decisions, made once; not yet narrowed."""
    return (
        sa.select(
            *(getattr(GateDecision, name) for name in _OF_DECISION),
            col(Idea.title),
            col(Idea.language),
            col(Idea.stage),
            col(Review.door),
            col(Review.opened_at),
            col(Review.reason).label("opening_reason"),
            *face_columns(_first, _first_photo, "first"),
            *face_columns(_second, _second_photo, "second"),
        )
        .join(Idea, col(Idea.id) == col(GateDecision.idea_id))
        .join(Review, col(Review.id) == col(GateDecision.review_id))
        .join(_first, col(_first.id) == col(GateDecision.proposed_by))
        .outerjoin(_first_photo, col(_first_photo.id) == col(_first.photo_id))
        .outerjoin(_second, col(_second.id) == col(GateDecision.confirmed_by))
        .outerjoin(_second_photo, col(_second_photo.id) == col(_second.photo_id))
    )


def _shown(row: Any) -> DecisionShown:
    return DecisionShown(
        id=row.id,
        idea_id=row.idea_id,
        lab_id=row.lab_id,
        idea_title=row.title,
        idea_language=row.language,
        stage_now=row.stage,
        gate=row.gate,
        door=row.door,
        opened_at=row.opened_at,
        opening_reason=row.opening_reason,
        outcome=row.outcome,
        from_stage=row.from_stage,
        to_stage=row.to_stage,
        reason=row.reason,
        criteria=_then(row),
        stood=tuple((c["code"], bool(c.get("met")), str(c.get("deviation") or "")) for c in row.criteria),
        hold_until=row.hold_until,
        decline_code=row.decline_code,
        would_change=row.would_change,
        proposed_by=face_in(row, "first"),
        confirmed_by=face_in(row, "second") if row.confirmed_by is not None else None,
        decided_at=row.decided_at,
    )


def _then(row: Any) -> tuple[CriterionThen, ...]:
    """Return the criteria with the numbers that were asked for at the time."""
    stood = {entry["code"]: entry for entry in row.criteria}
    asked = {code: entry.get("needed") for code, entry in stood.items()}
    facts = Facts(
        responses_needed=asked.get("responses") or Facts().responses_needed,
        testers_needed=asked.get("testers") or Facts().testers_needed,
    )
    return tuple(
        CriterionThen(c.code, c.title(facts), stood[c.code]["met"], stood[c.code].get("deviation", ""))
        for c in criteria_of(row.gate)
        if c.code in stood
    )
