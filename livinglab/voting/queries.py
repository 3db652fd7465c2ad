"""What a page shows of support: the number or its band, whether mine, and why not."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.errors import Refused
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Activity, Credit, CreditKind, Follow, Idea, IdeaCount, Publication, Stage
from livinglab.ideas.queries.counts import writers_since
from livinglab.ideas.rules import NO_SUCH_IDEA, band_of, counts_open, counts_open_at
from livinglab.labs.models import Challenge, Lab, LabSettings
from livinglab.voting.models import Support, SupportGiven
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


@dataclass(frozen=True, slots=True)
class SupportState:
    """Support on the page of one idea.

    Args:
        supports: The counted number; ``None`` while counts are hidden (rule V4).
        staff: Staff supports beside it; ``None`` while counts are hidden.
        band: 1, 2 or 3, always.
        threshold: Shown only with the number.
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


def support_target(session: Session, idea_id: int, person: Viewer, *, lock: bool = False) -> Target:
    """Return what giving a support must know.

    Args:
        lock: Let the idea stand as it is read until the transaction ends; other supports do not wait.

    Raises:
        NotFound: ``no-such-idea``.
    """
    query = _target(person).where(col(Idea.id) == idea_id)
    if lock:
        query = query.with_for_update(read=True, of=Idea)
    row = session.execute(query).one_or_none()
    if row is None:
        raise NO_SUCH_IDEA
    return Target(**row._asdict())


def support_state(session: Session, idea_id: int, viewer: Viewer, now: datetime) -> SupportState:
    """Return support as the page of one idea shows it to this person.

    Raises:
        NotFound: ``no-such-idea``. Whether the idea may be seen at all is the page's question.

    Source: rules V1, V3, V4.
    """
    me = viewer.person_id or -1
    row = session.execute(
        _target(viewer)
        .add_columns(
            col(IdeaCount.supports),
            col(IdeaCount.staff_supports),
            col(IdeaCount.followers),
            col(Support.counts).label("mine_counts"),
            sa.and_(col(Follow.person_id).is_not(None), col(Follow.muted).is_(False)).label("following"),
            sa.func.coalesce(col(LabSettings.counts_hidden_hours), 72).label("hidden_hours"),
            col(Challenge.counts_from),
            col(Challenge.closes_at),
        )
        .outerjoin(LabSettings, col(LabSettings.lab_id) == col(Idea.lab_id))
        .outerjoin(IdeaCount, col(IdeaCount.idea_id) == col(Idea.id))
        .outerjoin(Support, sa.and_(col(Support.idea_id) == col(Idea.id), col(Support.person_id) == me))
        .outerjoin(Follow, sa.and_(col(Follow.idea_id) == col(Idea.id), col(Follow.person_id) == me))
        .where(col(Idea.id) == idea_id)
    ).one_or_none()
    if row is None:
        raise NO_SUCH_IDEA
    return _state(session, row, viewer, now)


def _state(session: Session, row: Any, viewer: Viewer, now: datetime) -> SupportState:
    target = Target(**{field.name: getattr(row, field.name) for field in fields(Target)})
    opens = counts_open_at(row.published_at, row.hidden_hours, row.counts_from, row.closes_at)
    shown = counts_open(opens, now)
    hour, day = given_lately(session, viewer, now)
    mine = row.mine_counts is not None
    why_not = why_not_support(target, person=viewer, needed=target.needed, last_hour=hour, last_day=day)
    return SupportState(
        idea_id=target.id,
        lab_id=target.lab_id,
        title=target.title,
        language=target.language,
        supports=(row.supports or 0) if shown else None,
        staff=(row.staff_supports or 0) if shown else None,
        band=band_of(row.supports or 0),
        threshold=target.threshold if shown else None,
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


def given_lately(session: Session, person: Viewer, now: datetime) -> tuple[int, int]:
    """Count the supports a person gave within the hour and within the day, withdrawn ones too (rule V8)."""
    if not person.signed_in:
        return 0, 0
    hour = sa.func.count().filter(col(SupportGiven.at) > now - timedelta(hours=1))
    row = session.execute(
        sa.select(hour, sa.func.count()).where(
            col(SupportGiven.person_id) == person.known_id, col(SupportGiven.at) > now - timedelta(days=1)
        )
    ).one()
    return int(row[0]), int(row[1])


def support_count(session: Session, idea_id: int) -> int:
    """Return the counted supports of an idea, hidden or not; for rules and jobs, never for a page."""
    return session.scalar(sa.select(col(IdeaCount.supports)).where(col(IdeaCount.idea_id) == idea_id)) or 0


def _target(person: Viewer) -> sa.Select[Any]:
    me = person.person_id or -1
    wrote = sa.exists().where(
        col(Credit.idea_id) == col(Idea.id), col(Credit.person_id) == me, col(Credit.kind).in_(AUTHORS)
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
        sa.or_(sa.func.coalesce(col(Idea.author_id), 0) == me, wrote).label("by_author"),
        sa.func.coalesce(col(Challenge.trust_needed), 1).label("needed"),
        box.label("threshold"),
    )
    return (
        sa.select(*columns)
        .select_from(Idea)
        .join(Lab, col(Lab.id) == col(Idea.lab_id))
        .outerjoin(Challenge, col(Challenge.id) == col(Idea.challenge_id))
    )


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
