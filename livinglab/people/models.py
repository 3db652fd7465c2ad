"""People: accounts, signed-in devices, one-time links, roles."""

import secrets
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from livinglab.core.db import Texts, by_value
from livinglab.core.viewer import Role

NAME_MAX = 80
EMAIL_MAX = 254
BIO_MAX = 280
TITLE_MAX = 80
PASSWORD_MIN = 10
PASSWORD_MAX = 256


class Person(SQLModel, table=True):
    """Somebody with an account. Erasing it blanks the row and keeps its number (rule P6)."""

    id: int | None = Field(default=None, primary_key=True)
    email: str | None = Field(default=None, max_length=EMAIL_MAX, unique=True)
    """Lower case; ``None`` once erased, before it is confirmed, or for somebody without an address."""
    claimed_email: str | None = Field(default=None, max_length=EMAIL_MAX, index=True)
    """The address given at sign-up until it is confirmed. Not unique: claiming somebody's address neither
    takes it from them nor tells whether it has an account (rule P2)."""
    email_confirmed_at: datetime | None = None
    name: str = Field(max_length=NAME_MAX)
    pseudonym: str | None = Field(default=None, max_length=NAME_MAX)
    language: str = Field(max_length=5)
    password_hash: str | None = Field(default=None, max_length=200)
    photo_id: int | None = Field(default=None, foreign_key="stored_file.id", index=True)
    title: str = Field(default="", max_length=TITLE_MAX)
    bio: str = Field(default="", max_length=BIO_MAX)
    trust: int = 0
    is_admin: bool = False
    age_confirmed_at: datetime | None = None
    digest: bool = True
    """Whether the daily mail is wanted."""
    mail_key: str = Field(default_factory=lambda: secrets.token_urlsafe(18), max_length=40, unique=True)
    """In the one-click link that ends the daily mail; good for nothing else."""
    is_demo: bool = False
    demo_line: Texts = Field(default_factory=dict, sa_type=sa.JSON)
    """What a demo person has to do today, shown on the demo's sign-in page."""
    created_at: datetime
    suspended_at: datetime | None = None
    erased_at: datetime | None = None


class Device(SQLModel, table=True):
    """One signed-in browser. Signing out deletes the row, so a copied cookie dies with it (rule P5)."""

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", ondelete="CASCADE", index=True)
    token_hash: str = Field(max_length=64, unique=True)
    signed_in_at: datetime
    expires_at: datetime


class LinkPurpose(StrEnum):
    """What a one-time link is for; a link for one purpose is worth nothing for another."""

    CONFIRM = "confirm"
    SIGN_IN = "sign-in"
    RESET = "reset"
    CHANGE_EMAIL = "change-email"


class OneTimeLink(SQLModel, table=True):
    """A link sent by mail: hashed, bound to person and purpose, used once, expiring."""

    __tablename__ = "one_time_link"
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", ondelete="CASCADE", index=True)
    purpose: LinkPurpose = Field(sa_type=by_value(LinkPurpose))
    token_hash: str = Field(max_length=64, unique=True)
    new_email: str | None = Field(default=None, max_length=EMAIL_MAX)
    next_path: str | None = Field(default=None, max_length=300)
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


class AddressGuard(SQLModel, table=True):
    """How often an address was tried lately, whether or not it has an account; forgotten after a day.

    The address itself is not kept: the key is its hash.
    """

    __tablename__ = "address_guard"
    key: str = Field(primary_key=True, max_length=64)
    failures: int = 0
    barred_until: datetime | None = None
    mails: int = 0
    mails_since: datetime | None = None
    touched_at: datetime = Field(index=True)


class RoleGrant(SQLModel, table=True):
    """A role held in a lab, from a day to a day."""

    __tablename__ = "role_grant"
    __table_args__ = (
        sa.Index(
            "uq_role_grant_standing",
            "person_id",
            "lab_id",
            "role",
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
        sa.Index("ix_role_grant_lab_id", "lab_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", ondelete="CASCADE")
    lab_id: int = Field(foreign_key="lab.id", ondelete="CASCADE")
    role: Role = Field(sa_type=by_value(Role))
    weekly_hours: int | None = None
    granted_at: datetime
    granted_by: int | None = Field(default=None, foreign_key="person.id")
    ended_at: datetime | None = None
    ended_by: int | None = Field(default=None, foreign_key="person.id")
