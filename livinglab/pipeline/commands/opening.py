"""Opening a review, through one of its doors. Source: rules S2, S5, H0."""

from __future__ import annotations

from datetime import datetime, time

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.clock import instant, local_day
from livinglab.core.db import known_id
from livinglab.core.errors import Refused, refuse
from livinglab.core.journal import record
from livinglab.core.text import clean
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Activity, Publication
from livinglab.labs.models import LabSettings
from livinglab.pipeline.commands.moving import challenge_of_idea, move_idea, pass_on
from livinglab.pipeline.models import Door, Review
from livinglab.pipeline.queries.places import place_of, zone_of
from livinglab.pipeline.rules import (
    DOORS,
    Place,
    why_not_pick,
    why_not_reopen,
    why_not_request,
)


def open_review(
    session: Session, *, idea_id: int, door: Door, now: datetime, reason: str = "", by_id: int | None = None
) -> Review | None:
    """Open the gate ahead of an idea through a door, if it stands where the door leads in.

    For jobs: people come through ``pick_for_review``, ``request_review`` and ``reopen_idea``.

    Returns:
        The review, or ``None`` where the door does not fit: already in review, another stage, not public.
    """
    place = place_of(session, idea_id, lock=True)
    stages, activities = DOORS[door]
    fits = (
        place.stage in stages and place.activity in activities and place.publication is Publication.PUBLISHED
    )
    return _open(session, place, door, reason=reason, by_id=by_id, now=now) if fits else None


def _open(
    session: Session, place: Place, door: Door, *, reason: str, by_id: int | None, now: datetime
) -> Review:
    if place.gate is None:
        raise Refused("no-gate", "a service has no gate ahead")
    again = place.activity is Activity.DECLINED
    more = {"round": place.round + 1, "decline_code": None} if again else {}
    move_idea(session, place, stage=place.stage, activity=Activity.REVIEW, now=now, hold_until=None, **more)
    review = Review(
        idea_id=place.idea_id,
        lab_id=place.lab_id,
        gate=place.gate,
        door=door,
        reason=reason,
        opened_at=now,
        opened_by=by_id,
    )
    session.add(review)
    session.flush()
    pass_on(session, place, now=now)
    record(
        session,
        "idea-reopened" if again else "review-opened",
        at=now,
        actor_id=by_id,
        lab_id=place.lab_id,
        challenge_id=challenge_of_idea(session, place.idea_id),
        idea_id=place.idea_id,
        subject_id=known_id(review.id),
        data={"gate": place.gate, "stage": place.stage.value, "door": door.value, "reason": reason},
    )
    return review


def pick_for_review(session: Session, *, idea_id: int, reason: str, person: Viewer, now: datetime) -> Review:
    """Open gate 1 by hand, with a public reason; a few times per lab and calendar month.

    Raises:
        NotFound: ``no-such-idea``. Forbidden: ``not-yours``, ``own-idea``.
        Refused: ``wrong-state``, ``picks-used``, ``reason-missing``, ``reason-long``.

    Source: rule S2 (c).
    """
    place, reason = place_of(session, idea_id, lock=True), clean(reason)
    allowed = session.scalar(
        sa.select(col(LabSettings.picks_per_month))
        .where(col(LabSettings.lab_id) == place.lab_id)
        .with_for_update(key_share=True)  # two picks at once count each other
    )
    picked = picks_this_month(session, place.lab_id, now)
    refuse(why_not_pick(place, person, picked=picked, allowed=allowed or 0, reason=reason))
    return _open(session, place, Door.PICK, reason=reason, by_id=person.known_id, now=now)


def picks_this_month(session: Session, lab_id: int, now: datetime) -> int:
    """Count a lab's picks since the first of its calendar month."""
    zone = zone_of(session, lab_id)
    month = instant(local_day(now, zone).replace(day=1), time(), zone)
    counted = session.scalar(
        sa.select(sa.func.count())
        .select_from(Review)
        .where(col(Review.lab_id) == lab_id, col(Review.door) == Door.PICK, col(Review.opened_at) >= month)
    )
    return counted or 0


def request_review(session: Session, *, idea_id: int, reason: str, person: Viewer, now: datetime) -> Review:
    """Ask for a review at gate 2 or 3, when the evidence is in.

    Raises:
        NotFound: ``no-such-idea``. Forbidden: ``not-yours``.
        Refused: ``wrong-state``, ``reason-missing``, ``reason-long``.

    Source: rule S2.
    """
    place, reason = place_of(session, idea_id, lock=True), clean(reason)
    refuse(why_not_request(place, person, reason=reason))
    return _open(session, place, Door.REQUEST, reason=reason, by_id=person.known_id, now=now)


def reopen_idea(
    session: Session, *, idea_id: int, reason: str, person: Viewer | None, now: datetime
) -> Review:
    """Reopen a declined idea on new evidence, or, without a person, on 25 new supports.

    Args:
        reason: The new evidence, public; for a job what the supports say.

    Raises:
        NotFound: ``no-such-idea``. Forbidden: ``not-yours``, ``own-idea``.
        Refused: ``wrong-state``, ``reopened-lately``, ``reason-missing``, ``reason-long``.

    Source: rule S5.
    """
    place, reason = place_of(session, idea_id, lock=True), clean(reason)
    zone = zone_of(session, place.lab_id)
    last = reopened_at(session, idea_id)
    refuse(
        why_not_reopen(
            place,
            person,
            reopened_on=local_day(last, zone) if last else None,
            today=local_day(now, zone),
            reason=reason,
        )
    )
    return _open(
        session, place, Door.REOPENED, reason=reason, by_id=person.known_id if person else None, now=now
    )


def reopened_at(session: Session, idea_id: int) -> datetime | None:
    """Return when an idea was last reopened."""
    return session.scalar(
        sa.select(sa.func.max(col(Review.opened_at))).where(
            col(Review.idea_id) == idea_id, col(Review.door) == Door.REOPENED
        )
    )
