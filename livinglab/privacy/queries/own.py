"""A person's own things: what they support, what they follow, what was decided about what they wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.ideas.models import Comment, Follow, Idea, Publication
from livinglab.ideas.queries.cards import IdeaCard, cards_by_id
from livinglab.moderation.models import Action, Appeal, AppealOutcome, Decision
from livinglab.voting.models import Support

PAGE_SIZE = 30
AGAINST = (Action.RETURN, Action.REJECT, Action.HIDE, Action.REMOVE, Action.SUSPEND)
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class OwnList:
    """A page of ideas that somebody supports or follows.

    Args:
        total: How many there are in all.
        after: Values of the cursor to the next page; ``None`` on the last one.
    """

    cards: tuple[IdeaCard, ...]
    total: int
    after: tuple[int, int] | None = None


def supported_by(
    session: Session,
    person_id: int,
    now: datetime,
    *,
    size: int = PAGE_SIZE,
    after: Sequence[Any] | None = None,
) -> OwnList:
    """Return the public ideas somebody supports, the newest support first."""
    mine = col(Support.person_id) == person_id
    return _own(session, Support.idea_id, Support.given_at, mine, now, size=size, after=after)


def followed_by(
    session: Session,
    person_id: int,
    now: datetime,
    *,
    size: int = PAGE_SIZE,
    after: Sequence[Any] | None = None,
) -> OwnList:
    """Return the public ideas somebody follows, the newest first; those of their own are listed elsewhere."""
    mine = sa.and_(
        col(Follow.person_id) == person_id,
        col(Follow.muted).is_(False),
        col(Idea.author_id).is_distinct_from(person_id),
    )
    return _own(session, Follow.idea_id, Follow.since, mine, now, size=size, after=after)


def _own(
    session: Session,
    idea_id: Any,
    at: Any,
    mine: sa.ColumnElement[bool],
    now: datetime,
    *,
    size: int,
    after: Sequence[Any] | None,
) -> OwnList:
    public = col(Idea.publication) == Publication.PUBLISHED
    query = sa.select(idea_id, at).join(Idea, col(Idea.id) == idea_id).where(mine, public)
    total = session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
    if after and len(after) == 2 and all(isinstance(value, int) for value in after):
        instant = _EPOCH + timedelta(microseconds=min(max(0, after[0]), 10**16))
        query = query.where(sa.tuple_(at, idea_id) < sa.tuple_(sa.literal(instant, at.type), after[1]))
    rows = session.execute(query.order_by(at.desc(), idea_id.desc()).limit(size + 1)).all()
    cards = cards_by_id(session, [row[0] for row in rows[:size]], now)
    if len(rows) <= size:
        return OwnList(cards, total)
    last = rows[size - 1]
    return OwnList(cards, total, ((last[1] - _EPOCH) // timedelta(microseconds=1), last[0]))


@dataclass(frozen=True, slots=True)
class OwnDecision:
    """What was decided about something somebody wrote, shortest.

    Args:
        on_comment: Number of the comment it is about, if it is one.
        resend: Whether that comment lies with its author now, to be changed and sent in again.
        appeal: ``none``, ``open``, ``upheld`` or ``overturned``.
    """

    id: int
    action: Action
    at: datetime
    idea_id: int
    title: str
    language: str
    on_comment: int | None
    resend: bool
    appeal: str


def decisions_about(session: Session, person_id: int, *, limit: int = 50) -> tuple[OwnDecision, ...]:
    """Return the decisions against what somebody wrote, the newest first (rules M2, M3)."""
    rows: Any = session.execute(
        sa.select(
            col(Decision.id),
            col(Decision.action),
            col(Decision.at),
            col(Decision.idea_id),
            col(Decision.comment_id),
            col(Idea.title),
            col(Idea.language),
            col(Appeal.id).label("appeal_id"),
            col(Appeal.outcome),
            sa.and_(
                col(Decision.action) == Action.RETURN,
                col(Comment.publication) == Publication.RETURNED,
                col(Comment.deleted_at).is_(None),
            ).label("resend"),
        )
        .join(Idea, col(Idea.id) == col(Decision.idea_id))
        .outerjoin(Comment, col(Comment.id) == col(Decision.comment_id))
        .outerjoin(Appeal, col(Appeal.decision_id) == col(Decision.id))
        .where(col(Decision.author_id) == person_id, col(Decision.action).in_(AGAINST))
        .order_by(col(Decision.at).desc(), col(Decision.id).desc())
        .limit(limit)
    )
    return tuple(
        OwnDecision(
            id=row.id,
            action=row.action,
            at=row.at,
            idea_id=row.idea_id,
            title=row.title,
            language=row.language,
            on_comment=row.comment_id,
            resend=bool(row.resend),
            appeal=_appeal(row.appeal_id, row.outcome),
        )
        for row in rows
    )


def _appeal(appeal_id: int | None, outcome: AppealOutcome | None) -> str:
    if appeal_id is None:
        return "none"
    return outcome.value if outcome else "open"
