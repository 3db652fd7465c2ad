"""Moderation: cases, reports, decisions with their statements of reasons, appeals."""

import secrets
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from livinglab.core.db import by_value
from livinglab.ideas.models import Publication

FACTS_MAX = 600
LETTER_MAX = 3000
REPORT_MAX = 1000
APPEAL_MAX = 2000


class Source(StrEnum):
    """Why somebody must look (rule M1)."""

    NEW = "new"
    EDIT = "edit"
    REPORT = "report"
    CHECK = "check"


class Action(StrEnum):
    """What was done about it."""

    PUBLISH = "publish"
    RETURN = "return"
    REJECT = "reject"
    HIDE = "hide"
    REMOVE = "remove"
    SUSPEND = "suspend"
    """Its author may not come in for a time."""
    RESTORE = "restore"
    KEEP = "keep"
    """Reported, looked at, left as it is."""


class Case(SQLModel, table=True):
    """One thing to look at: an idea, a version of it, or a comment. At most one open case each."""

    __tablename__ = "moderation_case"
    __table_args__ = (
        sa.Index("ix_moderation_case_queue", "lab_id", "closed_at", "due_at", "id"),
        sa.Index(
            "uq_moderation_case_open_idea",
            "idea_id",
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL AND comment_id IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL AND comment_id IS NULL"),
        ),
        sa.Index(
            "uq_moderation_case_open_comment",
            "comment_id",
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL AND comment_id IS NOT NULL"),
            postgresql_where=sa.text("closed_at IS NULL AND comment_id IS NOT NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    lab_id: int = Field(foreign_key="lab.id")
    idea_id: int = Field(foreign_key="idea.id", ondelete="CASCADE")
    comment_id: int | None = Field(default=None, foreign_key="comment.id", ondelete="CASCADE")
    version: int | None = None
    """Number of the version that waits, for an edit after publication."""
    source: Source = Field(sa_type=by_value(Source))
    findings: list[dict[str, Any]] = Field(default_factory=list, sa_type=sa.JSON)
    """What the automatic checks found: ``{"check": "phone", "excerpt": "…"}``."""
    opened_at: datetime
    due_at: datetime
    held_by: int | None = Field(default=None, foreign_key="person.id")
    """Who has it open just now; a second person is told."""
    held_at: datetime | None = None
    closed_at: datetime | None = None
    stamp: int = 0
    """Grows with each change; a decision on an older stamp is refused."""


class Report(SQLModel, table=True):
    """Somebody says that something should not stand there."""

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="moderation_case.id", ondelete="CASCADE", index=True)
    person_id: int | None = Field(default=None, foreign_key="person.id")
    rule: str = Field(max_length=40)
    text: str = Field(default="", max_length=REPORT_MAX)
    at: datetime


class Decision(SQLModel, table=True):
    """What was decided about a case, and the statement of reasons the author reads (rule M2)."""

    __tablename__ = "moderation_decision"
    __table_args__ = (sa.Index("ix_moderation_decision_lab_id_at", "lab_id", "at"),)
    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="moderation_case.id", ondelete="CASCADE", index=True)
    lab_id: int = Field(foreign_key="lab.id")
    idea_id: int = Field(foreign_key="idea.id", ondelete="CASCADE", index=True)
    comment_id: int | None = Field(default=None, foreign_key="comment.id", ondelete="CASCADE")
    author_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    action: Action = Field(sa_type=by_value(Action))
    rule: str | None = Field(default=None, max_length=40)
    facts: str = Field(default="", max_length=FACTS_MAX)
    automatic: bool = False
    by_id: int | None = Field(default=None, foreign_key="person.id")
    at: datetime
    was: Publication = Field(sa_type=by_value(Publication))
    """What it was before: kept on record with the decision."""


class AppealOutcome(StrEnum):
    """Whether the decision stood."""

    UPHELD = "upheld"
    """The decision stands."""
    OVERTURNED = "overturned"


class Appeal(SQLModel, table=True):
    """The author asks somebody who was not involved to look again (rule M3)."""

    id: int | None = Field(default=None, primary_key=True)
    decision_id: int = Field(foreign_key="moderation_decision.id", ondelete="CASCADE", unique=True)
    lab_id: int = Field(foreign_key="lab.id", index=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    text: str = Field(max_length=APPEAL_MAX)
    at: datetime
    due_at: datetime
    outcome: AppealOutcome | None = Field(default=None, sa_type=by_value(AppealOutcome))
    reasons: str = Field(default="", max_length=APPEAL_MAX)
    decided_by: int | None = Field(default=None, foreign_key="person.id")
    decided_at: datetime | None = None


class Suspension(SQLModel, table=True):
    """Somebody may not come in until a day; the decision beside it says why (rule M2)."""

    decision_id: int = Field(primary_key=True, foreign_key="moderation_decision.id", ondelete="CASCADE")
    person_id: int = Field(foreign_key="person.id", index=True)
    lab_id: int = Field(foreign_key="lab.id")
    since: datetime
    until: datetime = Field(index=True)
    key: str = Field(default_factory=lambda: secrets.token_urlsafe(24), max_length=40, unique=True)
    """In the letter's link: who cannot sign in reads it and appeals by it; good for nothing else."""
    ended_at: datetime | None = None
    """When it was over: its time, a colleague's lifting, or an appeal."""
    ended_by: int | None = Field(default=None, foreign_key="person.id")
    """Who lifted it; ``None`` where its time was over."""
