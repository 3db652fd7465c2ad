"""Notices in the app, the daily mail, and what has been sent to whom."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel


class Notice(SQLModel, table=True):
    """One event told to one person: once, by schema (rule N3)."""

    __table_args__ = (
        sa.UniqueConstraint("person_id", "event_id"),
        sa.Index("ix_notice_person_id_id", "person_id", "id"),
        sa.Index(
            "ix_notice_unread",
            "person_id",
            sqlite_where=sa.text("read_at IS NULL"),
            postgresql_where=sa.text("read_at IS NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", ondelete="CASCADE")
    event_id: int = Field(foreign_key="event.id")
    idea_id: int | None = Field(default=None, foreign_key="idea.id")
    at: datetime
    read_at: datetime | None = None
    mailed_at: datetime | None = None
    """Went out at once, or stood in a digest."""


class DigestSent(SQLModel, table=True):
    """That a person's digest of a day was put into the outbox: once (rule N2)."""

    __tablename__ = "digest_sent"
    person_id: int = Field(primary_key=True, foreign_key="person.id", ondelete="CASCADE")
    day: date = Field(primary_key=True)
    at: datetime
    items: int
