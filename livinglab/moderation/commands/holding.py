"""Who has a case in hand: a short while, renewed by working on it; a colleague may take it over.

Nothing here locks an idea or a comment: case rows only, in the order of their ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session
from sqlmodel import col, or_, select

from livinglab.core.errors import refuse
from livinglab.core.viewer import Role, Viewer
from livinglab.ideas.models import Comment, Idea
from livinglab.moderation.models import Case
from livinglab.moderation.queries.standing import authors_of, nobody_but
from livinglab.moderation.rules import (
    NO_SUCH_CASE,
    RENEW_AFTER,
    in_other_hands,
    why_not_moderate,
)


def hold_case(
    session: Session, *, case_id: int, person: Viewer, now: datetime, take_over: bool = False
) -> int | None:
    """Take a case in hand, or keep it there, and put back the one held before: a person has one at a time.

    Args:
        take_over: Also from a colleague, who is told as soon as they go on with it.

    Returns:
        The id of the colleague who has it, or ``None``: it is in this person's hand now, or closed.

    Raises:
        NotFound: ``no-such-case``; Forbidden: ``own-content``.

    Source: docs/decisions/0009-a-case-in-hand.md.
    """
    lab_id = _admit(session, case_id, person)
    mine = col(Case.held_by) == person.known_id
    labs = person.labs_as(Role.FACILITATOR, Role.MANAGER) | {lab_id}
    rows = session.scalars(
        select(Case)
        .where(col(Case.lab_id).in_(labs), col(Case.closed_at).is_(None), or_(Case.id == case_id, mine))
        .order_by(col(Case.id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    held: int | None = None
    if all(row.id != case_id for row in rows):
        return None  # decided meanwhile: what the person has in hand now stays there
    for row in rows:
        if row.id != case_id:
            row.held_by, row.held_at = None, None
        elif in_other_hands(row.held_by, row.held_at, person, now) and not take_over:
            held = row.held_by
        elif row.held_by != person.person_id or row.held_at is None or now - row.held_at >= RENEW_AFTER:
            row.held_by, row.held_at = person.known_id, now
    session.flush()
    return held


@dataclass(frozen=True, slots=True)
class _Standing:
    """What ``why_not_moderate`` asks, read without a lock: holding decides nothing."""

    lab_id: int
    closed_at: datetime | None
    stamp: int
    authors: frozenset[int]
    nobody_else: bool


def _admit(session: Session, case_id: int, person: Viewer) -> int:
    """Refuse whoever may not decide the case; return its lab."""
    row = session.get(Case, case_id)
    if row is None:
        raise NO_SUCH_CASE
    comment = session.get(Comment, row.comment_id) if row.comment_id else None
    authors = authors_of(session, session.get_one(Idea, row.idea_id), comment)
    alone = person.is_admin and nobody_but(session, row.lab_id, authors)
    refuse(why_not_moderate(_Standing(row.lab_id, row.closed_at, row.stamp, authors, alone), person))
    return row.lab_id
