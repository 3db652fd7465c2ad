"""The receiving apparatus: handoffs, their clocks, answers and escalations."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from livinglab.core.db import by_value

NOTE_MAX = 600
TITLE_MAX = 120
BODY_MAX = 4000
REASON_MAX = 600


class HandoffState(StrEnum):
    """Where a handoff stands (rule H1)."""

    QUEUED = "queued"
    ASSIGNED = "assigned"
    ACKNOWLEDGED = "acknowledged"
    ASSESSING = "assessing"
    PRELIMINARY = "preliminary"
    DECIDED = "decided"
    DELIVERY = "delivery"
    DELIVERED = "delivered"
    FOLLOWED_UP = "followed_up"
    CLOSED = "closed"


class Outcome(StrEnum):
    """What the receiving unit finally says."""

    ACCEPTED = "accepted"
    ACCEPTED_CHANGED = "accepted_changed"
    EXISTS = "exists"
    NOT_NOW = "not_now"
    DECLINED = "declined"


POSITIVE = (Outcome.ACCEPTED, Outcome.ACCEPTED_CHANGED)


_OPEN = "closed_at IS NULL"
_ANSWERED = "answer_seconds IS NOT NULL"
_FIRST_ANSWER = ("answer_seconds", "preliminary_at", "decided_at", "preliminary_due")
_OF_SOME = (
    ("ix_handoff_open", ("unit_id", "closed_at", "state", "idea_id"), _OPEN),
    (
        "ix_handoff_free",
        ("unit_id", "closed_at", "assignee_id", "owed_at", "id"),
        f"{_OPEN} AND assignee_id IS NULL",
    ),
    ("ix_handoff_late", ("lab_id", "closed_at", "late_since", "id"), f"{_OPEN} AND late_since IS NOT NULL"),
    (
        "ix_handoff_unanswered",
        ("lab_id", "closed_at", "answer_seconds", "preliminary_due"),
        f"{_OPEN} AND answer_seconds IS NULL",
    ),
    (
        "ix_handoff_unanswered_by",
        ("unit_id", "closed_at", "answer_seconds", "preliminary_due"),
        f"{_OPEN} AND answer_seconds IS NULL",
    ),
    ("ix_handoff_answered", ("lab_id", "id", *_FIRST_ANSWER), _ANSWERED),
    ("ix_handoff_answered_by", ("unit_id", "id", *_FIRST_ANSWER), _ANSWERED),
    (
        "ix_handoff_rings",
        ("closed_at", "decided_at", "rings_at", "idea_id"),
        f"{_OPEN} AND decided_at IS NULL",
    ),
)
"""Indexes of only those handoffs of which the condition is true. They begin with what the whole ones begin
with, so that SQLite prefers them."""


class Handoff(SQLModel, table=True):
    """An idea in a receiving unit's queue. At most one open per idea, by schema (rule H0)."""

    __table_args__ = (
        sa.Index(
            "uq_handoff_open",
            "idea_id",
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        ),
        sa.Index("ix_handoff_queue", "unit_id", "closed_at", "owed_at", "id"),
        sa.Index("ix_handoff_lab", "lab_id", "closed_at", "owed_at", "id"),
        sa.Index("ix_handoff_mine", "assignee_id", "closed_at", "owed_at", "id"),
        sa.Index("ix_handoff_idea_id", "idea_id"),
        *(
            sa.Index(name, *columns, sqlite_where=sa.text(only), postgresql_where=sa.text(only))
            for name, columns, only in _OF_SOME
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    idea_id: int = Field(foreign_key="idea.id", ondelete="CASCADE")
    lab_id: int = Field(foreign_key="lab.id")
    unit_id: int | None = Field(default=None, foreign_key="receiving_unit.id")
    """``None``: it lies in the lab's own queue, sent back as "wrong unit" (rule H1)."""
    state: HandoffState = Field(default=HandoffState.QUEUED, sa_type=by_value(HandoffState))
    note: str = Field(default="", max_length=NOTE_MAX)
    queued_at: datetime
    routed_by: int | None = Field(default=None, foreign_key="person.id")
    assignee_id: int | None = Field(default=None, foreign_key="person.id")
    assigned_at: datetime | None = None
    acknowledged_at: datetime | None = None
    preliminary_at: datetime | None = None
    decided_at: datetime | None = None
    outcome: Outcome | None = Field(default=None, sa_type=by_value(Outcome))
    delivered_at: datetime | None = None
    returns: int = 0
    """How often it was "wrong unit"; after two the lab manager assigns (rule H1)."""
    assign_due: datetime
    acknowledge_due: datetime | None = None
    preliminary_due: datetime
    decision_due: datetime
    due_at: datetime | None = None
    """The deadline that counts now; ``None`` once decided."""
    owed_at: datetime | None = None
    """``Idea.due_at`` while it is open; the database itself keeps it here, too: queues are sorted by it."""
    rings_at: datetime | None = None
    """When the clock has next to look at it; ``None``: at once."""
    extended: bool = False
    extension_reason: str = Field(default="", max_length=REASON_MAX)
    waiting_since: datetime | None = None
    waiting_until: date | None = None
    waiting_question: str = Field(default="", max_length=REASON_MAX)
    """What the author was asked; public."""
    waited_seconds: int = 0
    answer_seconds: int | None = None
    """Time used until the first preliminary or final answer, without the pauses (rule H6)."""
    late_since: datetime | None = None
    external_case: str = Field(default="", max_length=80)
    closed_at: datetime | None = None
    close_reason: str = Field(default="", max_length=40)
    stamp: int = 0
    """Grows with each change; a step on an older stamp is refused."""

    @property
    def waits(self) -> bool:
        """Say whether the clock stands because the unit waits for the author."""
        return self.waiting_since is not None


class AnswerKind(StrEnum):
    """What an official reply is."""

    RECEIPT = "receipt"
    PRELIMINARY = "preliminary"
    FINAL = "final"
    CORRECTION = "correction"


class Answer(SQLModel, table=True):
    """An official public reply with a named signer (rule H4)."""

    __table_args__ = (
        sa.Index("ix_answer_idea_id_published_at", "idea_id", "published_at"),
        sa.Index(
            "uq_answer_waiting",
            "handoff_id",
            unique=True,
            sqlite_where=sa.text("published_at IS NULL"),
            postgresql_where=sa.text("published_at IS NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    handoff_id: int = Field(foreign_key="handoff.id", ondelete="CASCADE", index=True)
    idea_id: int = Field(foreign_key="idea.id", ondelete="CASCADE")
    kind: AnswerKind = Field(sa_type=by_value(AnswerKind))
    outcome: Outcome | None = Field(default=None, sa_type=by_value(Outcome))
    language: str = Field(max_length=5)
    title: str = Field(max_length=TITLE_MAX)
    body: str = Field(max_length=BODY_MAX)
    signer_id: int = Field(foreign_key="person.id")
    signer_title: str = Field(default="", max_length=120)
    second_id: int | None = Field(default=None, foreign_key="person.id")
    corrects_id: int | None = Field(default=None, foreign_key="answer.id")
    written_at: datetime
    published_at: datetime | None = None
    """``None`` while a final answer waits for its second person."""
    returned_note: str = Field(default="", max_length=NOTE_MAX)
    stamp: int = 0

    @property
    def is_published(self) -> bool:
        """Say whether the public can read it."""
        return self.published_at is not None


class HandoffNote(SQLModel, table=True):
    """What somebody wrote to colleagues at a step; not public. It stays with the handoff (rule H1)."""

    __tablename__ = "handoff_note"
    event_id: int = Field(primary_key=True, foreign_key="event.id")
    """The step of the journal it belongs to."""
    handoff_id: int = Field(foreign_key="handoff.id", ondelete="CASCADE", index=True)
    text: str = Field(max_length=NOTE_MAX)


class Escalation(SQLModel, table=True):
    """That somebody was told of a deadline: once per handoff, deadline and step (rule H3)."""

    handoff_id: int = Field(primary_key=True, foreign_key="handoff.id", ondelete="CASCADE")
    clock: str = Field(primary_key=True, max_length=20)
    """assign, acknowledge, preliminary or decision."""
    step: str = Field(primary_key=True, max_length=20)
    """reminder, late, owner or steering."""
    due_at: datetime = Field(primary_key=True)
    """The deadline it was about: an extended one starts anew."""
    at: datetime
