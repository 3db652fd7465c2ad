"""Giving and withdrawing support: the hot path, in statements that hold under many at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.errors import refuse
from livinglab.core.journal import Reader, record
from livinglab.core.viewer import Viewer
from livinglab.ideas.commands.rows import insert_once
from livinglab.ideas.models import IdeaCount, Publication
from livinglab.people.commands import lock_actor
from livinglab.voting.models import Support, SupportGiven, ThresholdReached
from livinglab.voting.queries import Target, support_turn
from livinglab.voting.rules import why_not_support


def support_idea(session: Session, *, idea_id: int, person: Viewer, now: datetime) -> Support:
    """Back an idea. Repeating it changes nothing.

    Returns:
        The standing support: new, or the one given before with its first ``given_at``.

    Raises:
        NotFound: ``no-such-idea``; also when it is not public.
        Refused: ``support-closed``; Forbidden: ``sign-in-first``, ``trust-too-low``, ``account-closed``;
            TooMany: ``too-many-this-hour``, ``too-many-today``.

    Source: rules V1, V2, V3, V8, P3.
    """
    if person.signed_in:
        lock_actor(session, person.known_id)  # one person's supports queue up: the limits see every row
    turn = support_turn(session, idea_id, person, now)
    target = turn.target
    if turn.given_at is not None and target.publication is Publication.PUBLISHED:
        return _known(_standing(session, idea_id, person.known_id))
    lately = {"last_hour": turn.last_hour, "last_day": turn.last_day}
    refuse(why_not_support(target, person=person, needed=target.needed, **lately))
    return _give(session, target, person, now)


def withdraw_support(session: Session, *, idea_id: int, person: Viewer) -> bool:
    """Take one's support back, at any time. Withdrawing what was never given changes nothing.

    Returns:
        Whether there was a support.

    Raises:
        Forbidden: ``account-closed``.

    Source: rule V1.
    """
    lock_actor(session, person.known_id)  # who leaves at this moment takes it back, too
    mine = (col(Support.idea_id) == idea_id, col(Support.person_id) == person.known_id)
    gone = session.execute(
        sa.delete(Support).where(*mine).returning(col(Support.counts), col(Support.staff))
    ).one_or_none()
    if gone is None:
        return False
    _add(session, idea_id, counted=-int(gone[0]), staff=-int(gone[1]))
    return True


def _give(session: Session, target: Target, person: Viewer, now: datetime) -> Support:
    """Write the support; whether it counts is fixed on its row now (rule V3)."""
    staff = person.is_staff(target.lab_id) and not target.by_author
    counts = not staff and not target.by_author
    given = Support(idea_id=target.id, person_id=person.known_id, given_at=now, counts=counts, staff=staff)
    if not insert_once(session, Support, given.model_dump()):
        return _known(_standing(session, target.id, person.known_id))
    session.connection().execute(_GIVEN, {"person_id": person.known_id, "at": now})
    supports = _add(session, target.id, counted=int(counts), staff=int(staff))
    if counts and target.threshold is not None and not target.reached and supports >= target.threshold:
        _reach(session, target, target.threshold, now)
    return given


def _known(standing: Support | None) -> Support:
    if standing is None:
        raise LookupError("a support that is in the way must be there")
    return standing


def _standing(session: Session, idea_id: int, person_id: int) -> Support | None:
    return session.get(Support, (idea_id, person_id), populate_existing=True)


def _add(session: Session, idea_id: int, *, counted: int, staff: int) -> int:
    """Change the idea's numbers by what one row weighs, and return the counted one."""
    weighs = {"idea": idea_id, "counted": counted, "staff": staff}
    supports: int | None = session.connection().scalar(_ADD, weighs)
    if supports is None:
        raise LookupError(f"idea {idea_id} has no row of numbers")
    return supports


_COUNTS: Any = IdeaCount.__table__  # type: ignore[attr-defined]
_GIVEN = sa.insert(SupportGiven.__table__)  # type: ignore[attr-defined]
_ADD = (
    sa.update(_COUNTS)
    .where(_COUNTS.c.idea_id == sa.bindparam("idea"))
    .values(
        supports=_COUNTS.c.supports + sa.bindparam("counted"),
        staff_supports=_COUNTS.c.staff_supports + sa.bindparam("staff"),
    )
    .returning(_COUNTS.c.supports)
)


def _reach(session: Session, target: Target, threshold: int, now: datetime) -> None:
    """Record that the idea reached its threshold: once per idea and round (rule V3)."""
    reached = {"idea_id": target.id, "round": target.round, "at": now, "threshold": threshold}
    if not insert_once(session, ThresholdReached, reached):
        return
    record(
        session,
        "threshold-reached",
        at=now,
        actor_id=None,
        lab_id=target.lab_id,
        challenge_id=target.challenge_id,
        idea_id=target.id,
        data={"threshold": threshold, "round": target.round},
        readers=(Reader.NOTICES, Reader.PIPELINE),
    )
