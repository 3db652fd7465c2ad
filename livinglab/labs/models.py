"""Labs, their settings, categories, challenges, receiving units and invitations."""

from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from livinglab.core.db import Texts, by_value
from livinglab.core.viewer import Role

LAB_NAME_MAX = 80
TAGLINE_MAX = 160
INTRO_MAX = 1200
TITLE_MAX = 120
FIELD_MAX = 600
THEMES = ("fjord", "heather", "spruce", "cloudberry", "rowan", "slate")


class Moderation(StrEnum):
    """Whether what people write is looked at before or after it is published (rule I1)."""

    BEFORE = "before"
    AFTER = "after"


class Lab(SQLModel, table=True):
    """A living lab with its own page, people, languages and clock."""

    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(max_length=40, unique=True)
    name: str = Field(max_length=LAB_NAME_MAX)
    theme: str = Field(default="fjord", max_length=20)
    languages: list[str] = Field(sa_type=sa.JSON)
    """First language first; everything falls back to it (rule L5)."""
    timezones: list[str] = Field(sa_type=sa.JSON)
    """The first one computes the lab's days and deadlines (rule L4)."""
    country: str = Field(max_length=2)
    tagline: Texts = Field(default_factory=dict, sa_type=sa.JSON)
    intro: Texts = Field(default_factory=dict, sa_type=sa.JSON)
    promise: Texts = Field(default_factory=dict, sa_type=sa.JSON)
    contact_email: str = Field(default="", max_length=254)
    box_threshold: int = 10
    """Threshold of the idea box, renewed monthly (rule L2)."""
    box_threshold_at: datetime | None = None
    created_at: datetime


class LabSettings(SQLModel, table=True):
    """The numbers of the rules, one row a lab. Defaults are the rules' own."""

    __tablename__ = "lab_settings"
    lab_id: int = Field(primary_key=True, foreign_key="lab.id", ondelete="CASCADE")
    moderation: Moderation = Field(default=Moderation.BEFORE, sa_type=by_value(Moderation))
    threshold_percent: float = 5.0
    threshold_least: int = 10
    threshold_most: int = 100
    deciders: int = 2
    picks_per_month: int = 3
    counts_hidden_hours: int = 72
    assign_working_days: int = 3
    acknowledge_working_days: int = 5
    preliminary_days: int = 30
    decision_days: int = 90
    extended_days: int = 180
    waiting_days: int = 14
    second_person_on_final: bool = True
    responses_needed: int = 15
    testers_needed: int = 8
    steering_emails: list[str] = Field(default_factory=list, sa_type=sa.JSON)


class Category(SQLModel, table=True):
    """A subject of a lab's ideas."""

    __table_args__ = (sa.UniqueConstraint("lab_id", "slug"),)
    id: int | None = Field(default=None, primary_key=True)
    lab_id: int = Field(foreign_key="lab.id", ondelete="CASCADE")
    slug: str = Field(max_length=40)
    name: Texts = Field(sa_type=sa.JSON)
    position: int = 0
    retired_at: datetime | None = None


class ChallengeState(StrEnum):
    """Where a challenge stands: closed at its instant, concluded when each idea has an outcome (L3)."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    CONCLUDED = "concluded"


class Challenge(SQLModel, table=True):
    """A time-boxed call for ideas with a strategy card. Ideas without one are in the lab's idea box."""

    __table_args__ = (sa.Index("ix_challenge_lab_id_state", "lab_id", "state", "closes_at"),)
    id: int | None = Field(default=None, primary_key=True)
    lab_id: int = Field(foreign_key="lab.id")
    state: ChallengeState = Field(default=ChallengeState.DRAFT, sa_type=by_value(ChallengeState))
    title: Texts = Field(sa_type=sa.JSON)
    intro: Texts = Field(default_factory=dict, sa_type=sa.JSON)
    goal: Texts = Field(default_factory=dict, sa_type=sa.JSON)
    purpose: Texts = Field(default_factory=dict, sa_type=sa.JSON)
    benefit: Texts = Field(default_factory=dict, sa_type=sa.JSON)
    now_state: Texts = Field(default_factory=dict, sa_type=sa.JSON)
    wanted_state: Texts = Field(default_factory=dict, sa_type=sa.JSON)
    actions: Texts = Field(default_factory=dict, sa_type=sa.JSON)
    report: Texts = Field(default_factory=dict, sa_type=sa.JSON)
    responsible_id: int | None = Field(default=None, foreign_key="person.id")
    deputy_id: int | None = Field(default=None, foreign_key="person.id")
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    counts_from: datetime | None = None
    """From when support is counted in public; closing where empty (rule V4)."""
    threshold: int | None = None
    """Frozen when it opens (rule L2)."""
    trust_needed: int = 1
    created_by: int | None = Field(default=None, foreign_key="person.id")
    created_at: datetime
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    closed_because: str = Field(default="", max_length=FIELD_MAX, sa_column_kwargs={"server_default": ""})
    """Public; why it was closed before its time. Empty where it closed at its instant (rule L3)."""
    concluded_at: datetime | None = None


class Measure(SQLModel, table=True):
    """What the challenge's effect is measured by (rule L1)."""

    id: int | None = Field(default=None, primary_key=True)
    challenge_id: int = Field(foreign_key="challenge.id", ondelete="CASCADE", index=True)
    label: Texts = Field(sa_type=sa.JSON)
    unit: str = Field(max_length=40)
    baseline: float
    target: float
    target_on: date
    current: float | None = None
    current_on: date | None = None
    position: int = 0


class AudienceLevel(StrEnum):
    """How much a group must be heard."""

    MUST = "must"
    SHOULD = "should"
    CAN = "can"


class Audience(SQLModel, table=True):
    """A group of people the challenge wants to hear."""

    id: int | None = Field(default=None, primary_key=True)
    challenge_id: int = Field(foreign_key="challenge.id", ondelete="CASCADE", index=True)
    level: AudienceLevel = Field(sa_type=by_value(AudienceLevel))
    name: Texts = Field(sa_type=sa.JSON)
    position: int = 0


class ReceivingUnit(SQLModel, table=True):
    """Who takes ideas over and owes them an answer."""

    __tablename__ = "receiving_unit"
    id: int | None = Field(default=None, primary_key=True)
    lab_id: int = Field(foreign_key="lab.id", index=True)
    name: Texts = Field(sa_type=sa.JSON)
    description: Texts = Field(default_factory=dict, sa_type=sa.JSON)
    owner_id: int | None = Field(default=None, foreign_key="person.id")
    deputy_id: int | None = Field(default=None, foreign_key="person.id")
    limit_in_progress: int = 10
    topics: list[str] = Field(default_factory=list, sa_type=sa.JSON)
    """Slugs of the categories it usually takes."""
    retired_at: datetime | None = None


class UnitMember(SQLModel, table=True):
    """Somebody who works for a receiving unit."""

    __tablename__ = "unit_member"
    unit_id: int = Field(primary_key=True, foreign_key="receiving_unit.id", ondelete="CASCADE")
    person_id: int = Field(primary_key=True, foreign_key="person.id", ondelete="CASCADE", index=True)
    since: datetime
    added_by: int | None = Field(default=None, foreign_key="person.id")


class Invitation(SQLModel, table=True):
    """A role or a unit offered by e-mail; the person accepts after signing in (rule P2b)."""

    id: int | None = Field(default=None, primary_key=True)
    lab_id: int = Field(foreign_key="lab.id", index=True)
    email: str = Field(max_length=254)
    role: Role | None = Field(default=None, sa_type=by_value(Role))
    unit_id: int | None = Field(default=None, foreign_key="receiving_unit.id")
    token_hash: str = Field(max_length=64, unique=True)
    invited_by: int = Field(foreign_key="person.id")
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None = None
    accepted_by: int | None = Field(default=None, foreign_key="person.id")
    withdrawn_at: datetime | None = None
