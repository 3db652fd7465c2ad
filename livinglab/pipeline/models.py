"""Gates: reviews, evidence, proposals, decisions, and the benefit a service is measured by."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel, col

from livinglab.core.db import by_value
from livinglab.ideas.models import Idea, Stage

REASON_MAX = 2000
NOTE_MAX = 600
EVIDENCE_MAX = 1000


class Door(StrEnum):
    """What opened a review (rule S2)."""

    THRESHOLD = "threshold"
    MONTHLY = "monthly"
    PICK = "pick"
    REQUEST = "request"
    UNIT_ANSWER = "unit_answer"
    REOPENED = "reopened"


class DecisionOutcome(StrEnum):
    """What two deciders may decide (rule S3)."""

    ADVANCE = "advance"
    REWORK = "rework"
    HOLD = "hold"
    DECLINE = "decline"


class DeclineCode(StrEnum):
    """Why not (rule S3)."""

    OUTSIDE_MANDATE = "outside_mandate"
    EXISTS = "exists"
    UNLAWFUL = "unlawful"
    TOO_COSTLY = "too_costly"
    NO_OWNER = "no_owner"
    WEAK_NEED = "weak_need"
    TESTED_NOT_WORKING = "tested_not_working"
    SUPERSEDED = "superseded"
    DUPLICATE = "duplicate"


class Review(SQLModel, table=True):
    """One opening of a gate for one idea. At most one open per idea, by schema."""

    __table_args__ = (
        sa.Index(
            "uq_review_open",
            "idea_id",
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        ),
        sa.Index("ix_review_lab", "lab_id", "closed_at", "opened_at", "id"),
        sa.Index("ix_review_idea_id", "idea_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    idea_id: int = Field(foreign_key="idea.id", ondelete="CASCADE")
    lab_id: int = Field(foreign_key="lab.id")
    gate: int
    door: Door = Field(sa_type=by_value(Door))
    reason: str = Field(default="", max_length=NOTE_MAX)
    """Public; why it was picked, requested or reopened."""
    opened_at: datetime
    opened_by: int | None = Field(default=None, foreign_key="person.id")
    closed_at: datetime | None = None


class Evidence(SQLModel, table=True):
    """Something that shows a criterion is met: words, a number, a link or a picture."""

    __table_args__ = (
        sa.Index("ix_evidence_idea_id_gate", "idea_id", "gate", "criterion"),
        sa.Index(
            "ix_evidence_image_id",
            "image_id",
            sqlite_where=sa.text("image_id IS NOT NULL"),
            postgresql_where=sa.text("image_id IS NOT NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    idea_id: int = Field(foreign_key="idea.id", ondelete="CASCADE")
    gate: int
    criterion: str = Field(max_length=40)
    text: str = Field(default="", max_length=EVIDENCE_MAX)
    number: float | None = None
    on_date: date | None = None
    link: str = Field(default="", max_length=500)
    image_id: int | None = Field(default=None, foreign_key="stored_file.id")
    image_alt: str = Field(default="", max_length=200)
    person_id: int | None = Field(default=None, foreign_key="person.id")
    at: datetime
    withdrawn_at: datetime | None = None


class ProposalState(StrEnum):
    """Where a proposal stands."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


class Proposal(SQLModel, table=True):
    """The first decider's written decision. At most one open per review, by schema (rule S3)."""

    __table_args__ = (
        sa.Index(
            "uq_proposal_open",
            "review_id",
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        ),
        sa.Index("ix_proposal_review_id", "review_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    review_id: int = Field(foreign_key="review.id", ondelete="CASCADE")
    version: int = 1
    """Grows with each edit; a confirmation names the version it read (rule S6)."""
    state: ProposalState = Field(default=ProposalState.OPEN, sa_type=by_value(ProposalState))
    outcome: DecisionOutcome = Field(sa_type=by_value(DecisionOutcome))
    to_stage: Stage | None = Field(default=None, sa_type=by_value(Stage))
    """For advance the next stage; for rework an earlier one, or ``None`` to stay."""
    reason: str = Field(max_length=REASON_MAX)
    deviations: dict[str, str] = Field(default_factory=dict, sa_type=sa.JSON)
    """Criterion not met → public reason for passing it all the same."""
    hold_until: date | None = None
    decline_code: DeclineCode | None = Field(default=None, sa_type=by_value(DeclineCode))
    would_change: str = Field(default="", max_length=NOTE_MAX)
    """What would change a decline."""
    by_id: int = Field(foreign_key="person.id")
    written_at: datetime
    settled_at: datetime | None = None
    settled_by: int | None = Field(default=None, foreign_key="person.id")
    return_note: str = Field(default="", max_length=NOTE_MAX)


class GateDecision(SQLModel, table=True):
    """What two deciders decided at a gate; public, for ever."""

    __tablename__ = "gate_decision"
    id: int | None = Field(default=None, primary_key=True)
    review_id: int = Field(foreign_key="review.id", ondelete="CASCADE", unique=True)
    proposal_id: int = Field(foreign_key="proposal.id")
    idea_id: int = Field(foreign_key="idea.id", ondelete="CASCADE", index=True)
    lab_id: int = Field(foreign_key="lab.id", index=True)
    gate: int
    outcome: DecisionOutcome = Field(sa_type=by_value(DecisionOutcome))
    from_stage: Stage = Field(sa_type=by_value(Stage, "from_stage"))
    to_stage: Stage = Field(sa_type=by_value(Stage, "to_stage"))
    reason: str = Field(max_length=REASON_MAX)
    criteria: list[dict[str, Any]] = Field(default_factory=list, sa_type=sa.JSON)
    """As they stood: ``{"code", "met", "deviation"}``."""
    hold_until: date | None = None
    decline_code: DeclineCode | None = Field(default=None, sa_type=by_value(DeclineCode))
    would_change: str = Field(default="", max_length=NOTE_MAX)
    proposed_by: int = Field(foreign_key="person.id")
    confirmed_by: int | None = Field(default=None, foreign_key="person.id")
    """``None`` where the lab lets one person decide; the story says so."""
    decided_at: datetime


class Benefit(SQLModel, table=True):
    """What a service is to change, measured again after its start."""

    __table_args__ = (
        sa.Index(
            "ix_benefit_measure_next",
            *("measure_next", "idea_id"),
            sqlite_where=sa.text("measure_next IS NOT NULL"),
            postgresql_where=sa.text("measure_next IS NOT NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    idea_id: int = Field(foreign_key="idea.id", ondelete="CASCADE", index=True)
    label: str = Field(max_length=120)
    unit: str = Field(max_length=40)
    baseline: float
    baseline_on: date
    target: float
    measured: float | None = None
    measured_on: date | None = None
    measure_next: date | None = None


sa.Index(
    "ix_idea_waiting",
    col(Idea.lab_id),
    col(Idea.stage),
    col(Idea.publication),
    col(Idea.waits_since),
    col(Idea.id),
    col(Idea.activity),
    col(Idea.due_at),
)
"""The board's columns: the longest wait first, without sorting a whole stage."""
sa.Index(
    "ix_idea_leaderless",
    col(Idea.lab_id),
    sqlite_where=sa.text("lead_id IS NULL AND stage <> 'idea'"),
    postgresql_where=sa.text("lead_id IS NULL AND stage <> 'idea'"),
)
"""Ideas past gate 1 that nobody leads: normally none, asked for on every page of the staff."""
