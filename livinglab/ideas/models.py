"""The record: an idea from its first draft to a running service, with versions, comments and credits."""

import random
from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from livinglab.core.db import by_value

TITLE_MIN, TITLE_MAX = 5, 120
SUMMARY_MAX = 140
BODY_MAX = 8000
GAINS_MAX = 280
PLACE_MAX = 120
LINK_MAX = 500
ALT_MAX = 200
NOTE_MAX = 200
COMMENT_MAX = 2000
TAGS_MAX, TAG_MAX = 5, 30
NEXT_STEP_MAX = 160
RING = 2**31 - 1


class Stage(StrEnum):
    """How far the record has matured."""

    IDEA = "idea"
    CONCEPT = "concept"
    PROTOTYPE = "prototype"
    SERVICE = "service"


class Activity(StrEnum):
    """Where the idea stands within its stage (rule S1)."""

    ACTIVE = "active"
    REVIEW = "review"
    HOLD = "hold"
    DECLINED = "declined"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"
    ARCHIVED = "archived"


class Publication(StrEnum):
    """Who may see it (rule I1)."""

    DRAFT = "draft"
    PENDING = "pending"
    PUBLISHED = "published"
    RETURNED = "returned"
    REJECTED = "rejected"
    HIDDEN = "hidden"
    REMOVED = "removed"


class Byline(StrEnum):
    """How the author is named on this idea, everywhere (rule P4)."""

    NAME = "name"
    PSEUDONYM = "pseudonym"
    RESIDENT = "resident"


_OF_SOME = (
    (
        "ix_idea_ring_box",
        ("lab_id", "challenge_id", "publication", "glance", "ring", "id"),
        "challenge_id IS NULL",
    ),
    ("ix_idea_ring_late", ("lab_id", "publication", "glance", "ring", "id"), "late_since IS NOT NULL"),
    ("ix_idea_ring_late_all", ("publication", "glance", "ring", "id"), "late_since IS NOT NULL"),
    ("ix_idea_newest_late", ("lab_id", "publication", "published_at", "id"), "late_since IS NOT NULL"),
    ("ix_idea_newest_late_all", ("publication", "published_at", "id"), "late_since IS NOT NULL"),
    ("ix_idea_late_all", ("publication", "stage", "activity", "language"), "late_since IS NOT NULL"),
    (
        "ix_idea_in_review",
        ("lab_id", "stage", "publication", "activity", "waits_since", "id"),
        "activity || '' = 'review' AND publication || '' = 'published'",
    ),
    (
        "ix_idea_services",
        ("lab_id", "stage", "publication", "stage_since", "id", "activity"),
        "stage || '' = 'service'",
    ),
    (
        "ix_idea_services_all",
        ("stage", "publication", "stage_since", "id", "activity"),
        "stage || '' = 'service'",
    ),
)
"""Indexes of only those ideas of which the condition is true.

Where a whole index begins alike they name what is true of all of them, too: SQLite takes the index of which
it knows more columns. A condition stands as ``stage || '' = …``: were it written as ``stage = ?`` is, SQLite
would plan every such statement anew each time it runs, as the plan would hang on the value that is bound.
"""


class Idea(SQLModel, table=True):
    """One record with one address for life. Texts are those of the approved version."""

    __table_args__ = (
        sa.CheckConstraint(f"length(title) <= {TITLE_MAX}", name="title_length"),
        sa.CheckConstraint(f"length(summary) <= {SUMMARY_MAX}", name="summary_length"),
        sa.CheckConstraint(f"length(body) <= {BODY_MAX}", name="body_length"),
        sa.CheckConstraint(f"length(gains) <= {GAINS_MAX}", name="gains_length"),
        sa.Index("ix_idea_ring_lab", "lab_id", "publication", "glance", "ring", "id"),
        sa.Index("ix_idea_ring_challenge", "challenge_id", "publication", "glance", "ring", "id"),
        sa.Index("ix_idea_ring_all", "publication", "glance", "ring", "id"),
        sa.Index("ix_idea_ring_stage", "lab_id", "publication", "stage", "glance", "ring", "id"),
        sa.Index("ix_idea_ring_language", "lab_id", "language", "publication", "glance", "ring", "id"),
        sa.Index("ix_idea_ring_category", "category_id", "publication", "glance", "ring", "id"),
        sa.Index("ix_idea_ring_activity", "publication", "activity", "glance", "ring", "id"),
        sa.Index("ix_idea_ring_lab_activity", "lab_id", "publication", "activity", "glance", "ring", "id"),
        *(
            sa.Index(name, *columns, sqlite_where=sa.text(only), postgresql_where=sa.text(only))
            for name, columns, only in _OF_SOME
        ),
        sa.Index("ix_idea_newest", "lab_id", "publication", "published_at", "id"),
        sa.Index("ix_idea_newest_challenge", "challenge_id", "publication", "published_at", "id"),
        sa.Index("ix_idea_newest_all", "publication", "published_at", "id"),
        sa.Index(
            "ix_idea_board", "lab_id", "stage", "publication", "activity", "due_at", "waits_since", "id"
        ),
        sa.Index(
            "ix_idea_due",
            "lab_id",
            "due_at",
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        ),
        sa.Index(
            "ix_idea_box",
            *("lab_id", "publication", "stage", "activity", "due_at", "waits_since", "id", "language"),
            sqlite_where=sa.text("challenge_id IS NULL"),
            postgresql_where=sa.text("challenge_id IS NULL"),
        ),
        sa.Index(
            "ix_idea_late",
            *("lab_id", "publication", "stage", "activity", "language"),
            sqlite_where=sa.text("late_since IS NOT NULL"),
            postgresql_where=sa.text("late_since IS NOT NULL"),
        ),
        sa.Index(
            "ix_idea_challenge",
            *("challenge_id", "publication", "stage", "activity", "due_at", "waits_since", "id", "language"),
            sqlite_where=sa.text("challenge_id IS NOT NULL"),
            postgresql_where=sa.text("challenge_id IS NOT NULL"),
        ),
        sa.Index("ix_idea_category", "category_id", "publication", "stage", "activity", "language"),
        sa.Index("ix_idea_carried", "lead_id", "activity", "due_at", "waits_since"),
        sa.Index("ix_idea_hold", "activity", "hold_until"),
        sa.Index("ix_idea_claim", "claim_hash"),
        sa.Index(
            "ix_idea_image_id",
            "image_id",
            sqlite_where=sa.text("image_id IS NOT NULL"),
            postgresql_where=sa.text("image_id IS NOT NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    lab_id: int = Field(foreign_key="lab.id")
    challenge_id: int | None = Field(default=None, foreign_key="challenge.id")
    """``None``: it lies in the lab's idea box."""
    category_id: int | None = Field(default=None, foreign_key="category.id")
    author_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    """``None`` while the draft has not been claimed."""
    claim_hash: str | None = Field(default=None, max_length=64)
    """Hash of the token in the cookie of somebody who writes without an account; of what their form carried
    along where they have one, so that a form sent twice is one idea."""
    byline: Byline = Field(default=Byline.NAME, sa_type=by_value(Byline))
    author_left_at: datetime | None = None
    """When the author left it to those who support it; credit and byline stay (rule I1)."""
    language: str = Field(max_length=5)
    title: str = Field(max_length=TITLE_MAX)
    summary: str = Field(default="", max_length=SUMMARY_MAX)
    body: str = Field(default="", max_length=BODY_MAX)
    gains: str = Field(default="", max_length=GAINS_MAX)
    place: str = Field(default="", max_length=PLACE_MAX)
    link: str = Field(default="", max_length=LINK_MAX)
    image_id: int | None = Field(default=None, foreign_key="stored_file.id")
    image_alt: str = Field(default="", max_length=ALT_MAX)
    version: int = 1
    """Number of the version shown."""
    publication: Publication = Field(default=Publication.DRAFT, sa_type=by_value(Publication))
    wants_publishing: bool = False
    """Sent in before the address was confirmed: it goes on by itself then (rule P2b)."""
    stage: Stage = Field(default=Stage.IDEA, sa_type=by_value(Stage))
    activity: Activity = Field(default=Activity.ACTIVE, sa_type=by_value(Activity))
    move: int = 0
    """Grows by one with each accepted change of stage or activity; moves compare and set it (S6)."""
    round: int = 1
    """Grows when the idea is reopened: the threshold is reached once a round (V3)."""
    lead_id: int | None = Field(default=None, foreign_key="person.id")
    hold_until: date | None = None
    decline_code: str | None = Field(default=None, max_length=40)
    next_step: str = Field(default="", max_length=NEXT_STEP_MAX)
    next_who: str = Field(default="", max_length=120)
    next_by: date | None = None
    waits_since: datetime | None = None
    """When the ball was last passed on; whom it waits for is told by ``pipeline.queries.standing``."""
    due_at: datetime | None = None
    """The nearest instant by which somebody owes this idea something; ``None``: no date."""
    late_since: datetime | None = None
    """The public "late" mark (rule H3)."""
    ring: int = Field(default_factory=lambda: random.randrange(RING))  # noqa: S311  # fairness, not secrecy
    """A random place on the ring of the fair order (rule V5)."""
    glance: int = 0
    """b = min(7, ⌊log2(e+1)⌋) of the people who saw the card; 0 until viewers are known."""
    created_at: datetime
    edited_at: datetime
    submitted_at: datetime | None = None
    published_at: datetime | None = None
    stage_since: datetime | None = None


class IdeaCount(SQLModel, table=True):
    """The numbers of one idea, changed in the transaction of what they count (invariant I-3)."""

    __tablename__ = "idea_count"
    __table_args__ = (sa.Index("ix_idea_count_supports", "supports", "idea_id"),)
    idea_id: int = Field(primary_key=True, foreign_key="idea.id", ondelete="CASCADE")
    supports: int = 0
    """Counted supports: without staff and author (rule V3)."""
    staff_supports: int = 0
    comments: int = 0
    """Published comments."""
    followers: int = 0


class IdeaVersion(SQLModel, table=True):
    """The text as it was sent in once; public once approved (rule I3)."""

    __tablename__ = "idea_version"
    __table_args__ = (
        sa.Index(
            "ix_idea_version_image_id",
            "image_id",
            sqlite_where=sa.text("image_id IS NOT NULL"),
            postgresql_where=sa.text("image_id IS NOT NULL"),
        ),
    )
    idea_id: int = Field(primary_key=True, foreign_key="idea.id", ondelete="CASCADE")
    number: int = Field(primary_key=True)
    publication: Publication = Field(sa_type=by_value(Publication))
    """Pending until a facilitator looked, then published, returned or rejected."""
    title: str = Field(max_length=TITLE_MAX)
    summary: str = Field(default="", max_length=SUMMARY_MAX)
    body: str = Field(default="", max_length=BODY_MAX)
    gains: str = Field(default="", max_length=GAINS_MAX)
    place: str = Field(default="", max_length=PLACE_MAX)
    link: str = Field(default="", max_length=LINK_MAX)
    image_id: int | None = Field(default=None, foreign_key="stored_file.id")
    image_alt: str = Field(default="", max_length=ALT_MAX)
    note: str = Field(default="", max_length=NOTE_MAX)
    person_id: int | None = Field(default=None, foreign_key="person.id")
    written_at: datetime


class IdeaTag(SQLModel, table=True):
    """A word the author hung on the idea."""

    __tablename__ = "idea_tag"
    idea_id: int = Field(primary_key=True, foreign_key="idea.id", ondelete="CASCADE")
    tag: str = Field(primary_key=True, max_length=TAG_MAX, index=True)


class CommentKind(StrEnum):
    """What a comment wants to do (rule I5)."""

    BUILD_ON = "build_on"
    CONCERN = "concern"
    QUESTION = "question"
    PROBLEM = "problem"
    EXPERIENCE = "experience"


class Comment(SQLModel, table=True):
    """One contribution to the conversation; replies have a parent and no replies of their own."""

    __table_args__ = (
        sa.CheckConstraint(f"length(body) <= {COMMENT_MAX}", name="body_length"),
        sa.Index("ix_comment_idea_id", "idea_id", "publication", "id"),
        sa.Index("ix_comment_written", "author_id", "created_at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    idea_id: int = Field(foreign_key="idea.id", ondelete="CASCADE")
    parent_id: int | None = Field(default=None, foreign_key="comment.id", index=True)
    author_id: int | None = Field(default=None, foreign_key="person.id")
    byline: Byline = Field(default=Byline.NAME, sa_type=by_value(Byline))
    kind: CommentKind = Field(sa_type=by_value(CommentKind))
    body: str = Field(max_length=COMMENT_MAX)
    language: str = Field(max_length=5)
    publication: Publication = Field(sa_type=by_value(Publication))
    as_staff: bool = False
    created_at: datetime
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: int | None = Field(default=None, foreign_key="person.id")
    resolution: str = Field(default="", max_length=NOTE_MAX)
    """For "problem found": how it was answered; open ones are listed at the gate (S4)."""


class CreditKind(StrEnum):
    """What somebody gave to the idea (rule I6)."""

    AUTHOR = "author"
    CO_AUTHOR = "co_author"
    MERGED_AUTHOR = "merged_author"
    SUGGESTION = "suggestion"
    PROBLEM = "problem"
    TESTER = "tester"
    FACILITATOR = "facilitator"


class Credit(SQLModel, table=True):
    """A contribution that stays on the record, also on the running service."""

    __table_args__ = (sa.UniqueConstraint("idea_id", "person_id", "kind"),)
    id: int | None = Field(default=None, primary_key=True)
    idea_id: int = Field(foreign_key="idea.id", ondelete="CASCADE")
    person_id: int = Field(foreign_key="person.id", index=True)
    kind: CreditKind = Field(sa_type=by_value(CreditKind))
    byline: Byline = Field(default=Byline.NAME, sa_type=by_value(Byline))
    given_at: datetime


class Follow(SQLModel, table=True):
    """Somebody wants to be told what happens to the idea."""

    idea_id: int = Field(primary_key=True, foreign_key="idea.id", ondelete="CASCADE")
    person_id: int = Field(primary_key=True, foreign_key="person.id", ondelete="CASCADE", index=True)
    since: datetime
    muted: bool = False
