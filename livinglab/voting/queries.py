"""What a page shows of support: the number or its band, whether mine, and why not."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.errors import Refused
from livinglab.core.together import Read, Rows
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Activity, Credit, CreditKind, Follow, Idea, IdeaCount, Publication, Stage
from livinglab.ideas.queries.counts import writers_since
from livinglab.ideas.queries.visibility import NOBODY
from livinglab.ideas.rules import NO_SUCH_IDEA, band_of, counts_open, counts_open_at
from livinglab.labs.models import Challenge, Lab, LabSettings
from livinglab.voting.models import Support, SupportGiven, ThresholdReached
from livinglab.voting.rules import why_not_support

AUTHORS = (CreditKind.AUTHOR, CreditKind.CO_AUTHOR)


@dataclass(frozen=True, slots=True)
class Target:
    """What giving one support must know of its idea, read in one statement."""

    id: int
    lab_id: int
    challenge_id: int | None
    publication: Publication
    stage: Stage
    activity: Activity
    round: int
    title: str
    language: str
    published_at: datetime | None
    by_author: bool
    needed: int
    """Trust level that the challenge demands (rule P3)."""
    threshold: int | None
    """Of the challenge, or of the lab's idea box; ``None``: the challenge has none."""
    reached: bool
    """Whether this round's threshold is on record (rule V3)."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A target with what stands of the person who supports it, read in one statement.

    Args:
        given_at: When they gave the support that stands; ``None``: there is none.
        last_hour, last_day: What they gave lately, withdrawn ones too (rule V8).
    """

    target: Target
    given_at: datetime | None
    last_hour: int
    last_day: int


@dataclass(frozen=True, slots=True)
class SupportState:
    """Support on the page of one idea.

    Args:
        supports: The counted number; ``None`` while counts are hidden (rule V4).
        staff: Staff supports beside it; ``None`` while counts are hidden.
        band: 1, 2 or 3, always.
        threshold: Shown only with the number, and only while support is what opens the next review.
        counts_from: When the number will be shown; ``None`` once it is, or when nobody knows.
        mine: Whether the person who looks supports it.
        mine_counts: Whether that support counts; ``None`` where there is none.
        why_not: Why the person cannot support it now.
        following: Whether they follow it (and are not muted).
        is_author: Author or co-author; their own support counts nowhere.
        is_staff: Works in the lab; their support stands beside the number.
    """

    idea_id: int
    lab_id: int
    title: str
    language: str
    supports: int | None
    staff: int | None
    band: int
    threshold: int | None
    counts_from: datetime | None
    mine: bool
    mine_counts: bool | None
    why_not: Refused | None
    following: bool
    is_author: bool
    is_staff: bool
    signed_in: bool
    followers: int

    @property
    def ended(self) -> bool:
        """Say whether nobody can support it any more."""
        return self.why_not is not None and self.why_not.code == "support-closed"


def support_turn(session: Session, idea_id: int, person: Viewer, now: datetime) -> Turn:
    """Return what giving a support must know.

    The idea stands as it is read until the transaction ends; other supports do not wait.

    Raises:
        NotFound: ``no-such-idea``.
    """
    values = {**_who(idea_id, person), **_lately(now)}
    row = session.connection().execute(_turn_query(), values).one_or_none()
    if row is None:
        raise NO_SUCH_IDEA
    return Turn(_target_of(row), row.given_at, row.last_hour, row.last_day)


def _target_of(row: Any) -> Target:
    return Target(**{field.name: getattr(row, field.name) for field in fields(Target)})


def support_state(session: Session, idea_id: int, viewer: Viewer, now: datetime) -> SupportState:
    """Return support as the page of one idea shows it to this person.

    Raises:
        NotFound: ``no-such-idea``. Whether the idea may be seen at all is the page's question.
    """
    return support_read(idea_id, viewer, now).alone(session)


def support_read(idea_id: int, viewer: Viewer, now: datetime) -> Read[SupportState]:
    """Return how ``support_state`` is read. Source: rules V1, V3, V4."""
    values = {**_who(idea_id, viewer), **_lately(now)}
    return Read(_state_query(), values, lambda rows: _state(rows, viewer, now))


def _who(idea_id: int, person: Viewer) -> dict[str, object]:
    return {"idea_id": idea_id, "me": person.person_id or NOBODY}


@lru_cache(maxsize=1)
def _state_query() -> sa.Select[Any]:
    return (
        _target()
        .add_columns(
            col(IdeaCount.supports),
            col(IdeaCount.staff_supports),
            col(IdeaCount.followers),
            col(Support.counts).label("mine_counts"),
            sa.and_(col(Follow.person_id).is_not(None), col(Follow.muted).is_(False)).label("following"),
            sa.func.coalesce(col(LabSettings.counts_hidden_hours), 72).label("hidden_hours"),
            col(Challenge.counts_from),
            col(Challenge.closes_at),
            *_lately_given(),
        )
        .outerjoin(LabSettings, col(LabSettings.lab_id) == col(Idea.lab_id))
        .outerjoin(IdeaCount, col(IdeaCount.idea_id) == col(Idea.id))
        .outerjoin(Support, sa.and_(col(Support.idea_id) == col(Idea.id), col(Support.person_id) == _ME))
        .outerjoin(Follow, sa.and_(col(Follow.idea_id) == col(Idea.id), col(Follow.person_id) == _ME))
    )


def _state(rows: Rows, viewer: Viewer, now: datetime) -> SupportState:
    row = next(iter(rows), None)
    if row is None:
        raise NO_SUCH_IDEA
    target = _target_of(row)
    opens = counts_open_at(row.published_at, row.hidden_hours, row.counts_from, row.closes_at)
    shown = counts_open(opens, now)
    mine = row.mine_counts is not None
    lately = {"last_hour": row.last_hour, "last_day": row.last_day}
    why_not = why_not_support(target, person=viewer, needed=target.needed, **lately)
    return SupportState(
        idea_id=target.id,
        lab_id=target.lab_id,
        title=target.title,
        language=target.language,
        supports=(row.supports or 0) if shown else None,
        staff=(row.staff_supports or 0) if shown else None,
        band=band_of(row.supports or 0),
        threshold=target.threshold if shown and _opens_a_review(target) else None,
        counts_from=None if shown else opens,
        mine=mine,
        mine_counts=row.mine_counts,
        why_not=None if mine else why_not,
        following=bool(row.following),
        is_author=target.by_author,
        is_staff=viewer.is_staff(target.lab_id),
        signed_in=viewer.signed_in,
        followers=row.followers or 0,
    )


def _opens_a_review(target: Target) -> bool:
    """Say whether support still opens a review: at the first gate, once a round (rules S2, V3)."""
    return target.stage is Stage.IDEA and not target.reached


def _lately(now: datetime) -> dict[str, object]:
    return {"hour_ago": now - timedelta(hours=1), "day_ago": now - timedelta(days=1)}


def _lately_given() -> tuple[Any, Any]:
    """Return the columns of what somebody gave within the hour and within the day (rule V8)."""
    at: Any = col(SupportGiven.at)
    hour_ago, day_ago = (sa.bindparam(name, type_=at.type) for name in ("hour_ago", "day_ago"))
    mine = col(SupportGiven.person_id) == _ME, at > day_ago
    hour, day = sa.func.count().filter(at > hour_ago), sa.func.count()
    return (
        sa.select(hour).where(*mine).scalar_subquery().label("last_hour"),
        sa.select(day).where(*mine).scalar_subquery().label("last_day"),
    )


def support_count(session: Session, idea_id: int) -> int:
    """Return the counted supports of an idea, hidden or not; for rules and jobs, never for a page."""
    return session.scalar(sa.select(col(IdeaCount.supports)).where(col(IdeaCount.idea_id) == idea_id)) or 0


_ME: Any = sa.bindparam("me", type_=sa.Integer)


@lru_cache(maxsize=1)
def _target() -> sa.Select[Any]:
    """Return the statement that reads a target for one person, made once."""
    wrote = sa.exists().where(
        col(Credit.idea_id) == col(Idea.id), col(Credit.person_id) == _ME, col(Credit.kind).in_(AUTHORS)
    )
    reached = sa.exists().where(
        col(ThresholdReached.idea_id) == col(Idea.id), col(ThresholdReached.round) == col(Idea.round)
    )
    box = sa.case((col(Idea.challenge_id).is_(None), col(Lab.box_threshold)), else_=col(Challenge.threshold))
    columns: tuple[Any, ...] = (
        col(Idea.id),
        col(Idea.lab_id),
        col(Idea.challenge_id),
        col(Idea.publication),
        col(Idea.stage),
        col(Idea.activity),
        col(Idea.round),
        col(Idea.title),
        col(Idea.language),
        col(Idea.published_at),
        sa.or_(sa.func.coalesce(col(Idea.author_id), 0) == _ME, wrote).label("by_author"),
        sa.func.coalesce(col(Challenge.trust_needed), 1).label("needed"),
        box.label("threshold"),
        reached.label("reached"),
    )
    return (
        sa.select(*columns)
        .select_from(Idea)
        .join(Lab, col(Lab.id) == col(Idea.lab_id))
        .outerjoin(Challenge, col(Challenge.id) == col(Idea.challenge_id))
        .where(col(Idea.id) == sa.bindparam("idea_id", type_=sa.Integer))
    )


@lru_cache(maxsize=1)
def _turn_query() -> sa.Select[Any]:
    mine = sa.and_(col(Support.idea_id) == col(Idea.id), col(Support.person_id) == _ME)
    query: Any = _target().add_columns(col(Support.given_at), *_lately_given()).outerjoin(Support, mine)
    return query.with_for_update(read=True, of=Idea)  # type: ignore[no-any-return]


ACTIVE_DAYS = 90


def active_people(session: Session, lab_id: int, now: datetime) -> int:
    """Count A, the people active in a lab: who submitted, supported or commented there within 90 days.

    Source: rule L2, DOMAIN section 3.
    """
    since = now - timedelta(days=ACTIVE_DAYS)
    supporters = (
        sa.select(col(Support.person_id))
        .join(Idea, col(Idea.id) == col(Support.idea_id))
        .where(col(Idea.lab_id) == lab_id, col(Support.given_at) >= since)
    )
    writers = writers_since(lab_id, since).subquery()  # SQLite takes no union within a union
    active = sa.union(sa.select(writers.c[0]), supporters).subquery()
    return session.scalar(sa.select(sa.func.count()).select_from(active)) or 0
