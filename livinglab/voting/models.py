"""Support: one row is one person backing one idea."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel


class Support(SQLModel, table=True):
    """One person backs one idea. The row is the support; withdrawing deletes it (rule V1)."""

    idea_id: int = Field(primary_key=True, foreign_key="idea.id", ondelete="CASCADE")
    person_id: int = Field(primary_key=True, foreign_key="person.id", ondelete="CASCADE", index=True)
    given_at: datetime
    counts: bool
    """Towards the number and the threshold: neither staff nor author; fixed when given (rule V3)."""
    staff: bool


class SupportGiven(SQLModel, table=True):
    """That a person gave a support at an instant, also when withdrawn since: for the limits (rule V8)."""

    __tablename__ = "support_given"
    __table_args__ = (sa.Index("ix_support_given_person_id_at", "person_id", "at"),)
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", ondelete="CASCADE")
    at: datetime


class ThresholdReached(SQLModel, table=True):
    """That an idea reached its threshold: once per idea and round, by schema (rule V3)."""

    __tablename__ = "threshold_reached"
    idea_id: int = Field(primary_key=True, foreign_key="idea.id", ondelete="CASCADE")
    round: int = Field(primary_key=True)
    at: datetime
    threshold: int
