"""What happens without a hand: jobs that open reviews and let holds return. Idempotent, safe to run twice."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.clock import instant, is_working_day, local_day
from livinglab.core.db import known_id
from livinglab.core.journal import Event, Reader, attend, record
from livinglab.handoff.commands import leave_out_hidden
from livinglab.handoff.models import POSITIVE, Handoff
from livinglab.ideas.commands.rows import lock_rows
from livinglab.ideas.models import Activity, Idea, IdeaCount, Publication, Stage
from livinglab.labs.models import Lab
from livinglab.pipeline.commands.leaving import release_duties
from livinglab.pipeline.commands.moving import challenge_of_idea, move_idea, pass_on
from livinglab.pipeline.commands.opening import open_review, reopen_idea
from livinglab.pipeline.commands.winding_up import wind_up
from livinglab.pipeline.models import DecisionOutcome, Door, GateDecision, Review
from livinglab.pipeline.queries.places import place_of
from livinglab.pipeline.rules import REOPEN_DAYS, REOPEN_SUPPORTS, Place
from livinglab.voting.models import Support, ThresholdReached

MONTHLY_TOP = 5
MONTHLY_HOUR = time(12)


def open_reviews(session: Session, now: datetime) -> int:
    """Act on what other rooms recorded: a threshold reached, a unit that finally says no, somebody who left.

    Returns:
        How many reviews were opened.

    Source: rules S2 (a), H0, P2b, P6.
    """
    opened: list[int] = []
    attend(
        session,
        Reader.PIPELINE,
        lambda event: opened.append(_act_on(session, event, now)),
        now=now,
        order=lambda event: (event.idea_id or 0, event.id or 0),
    )
    return sum(opened)


LEAVINGS = ("role-ended", "account-erased", "unit-member-removed")
"""After these somebody may hold places to which they have no right any more."""


def _act_on(session: Session, event: Event, now: datetime) -> int:
    if event.kind in LEAVINGS:
        person_id = event.data.get("person_id") or event.subject_id or 0
        release_duties(session, person_id=person_id, lab_id=event.lab_id, now=now)
    if event.idea_id is None:
        return 0
    if event.kind in TAKEN_AWAY:
        wind_up(session, event.idea_id, now)
    if event.kind == "idea-restored":
        _leave_out_hidden(session, event, now)
        return _catch_up(session, event.idea_id, now)
    if event.kind == "threshold-reached":
        return int(open_review(session, idea_id=event.idea_id, door=Door.THRESHOLD, now=now) is not None)
    if event.kind == "answer-final" and _unit_says_no(session, event.idea_id):
        return int(open_review(session, idea_id=event.idea_id, door=Door.UNIT_ANSWER, now=now) is not None)
    return 0


TAKEN_AWAY = ("idea-withdrawn", "idea-removed")


def _leave_out_hidden(session: Session, event: Event, now: datetime) -> None:
    """Let no time count against the receiving unit in which the idea was hidden from it."""
    lock_rows(session, ideas=[event.idea_id or 0])
    before = session.execute(
        sa.select(col(Event.kind), col(Event.at))
        .where(
            col(Event.idea_id) == event.idea_id,
            col(Event.id) < event.id,
            col(Event.kind).in_(("idea-hidden", "idea-restored")),
        )
        .order_by(col(Event.id).desc())
        .limit(1)
    ).first()
    if before is not None and before.kind == "idea-hidden":
        leave_out_hidden(session, event.idea_id or 0, hidden_at=before.at, restored_at=event.at, now=now)


def _catch_up(session: Session, idea_id: int, now: datetime) -> int:
    """Open the review that was due while an idea was hidden."""
    place = place_of(session, idea_id, lock=True)
    rests = place.activity is Activity.ACTIVE and place.stage is Stage.IDEA
    if rests and _reached_while_resting(session, place):
        return int(open_review(session, idea_id=idea_id, door=Door.THRESHOLD, now=now) is not None)
    if _unit_says_no(session, idea_id):
        return int(open_review(session, idea_id=idea_id, door=Door.UNIT_ANSWER, now=now) is not None)
    return 0


def _unit_says_no(session: Session, idea_id: int) -> bool:
    """Say whether the open handoff of an idea ended in a "no" that still stands."""
    outcome = session.scalar(
        sa.select(col(Handoff.outcome)).where(
            col(Handoff.idea_id) == idea_id, col(Handoff.closed_at).is_(None)
        )
    )
    return outcome is not None and outcome not in POSITIVE


def reopen_by_support(session: Session, now: datetime) -> int:
    """Reopen declined ideas that found 25 new supporters since; once in 180 days.

    Returns:
        How many were reopened.

    Source: rule S5.
    """
    decided = (
        sa.select(col(GateDecision.idea_id), sa.func.max(col(GateDecision.decided_at)).label("at"))
        .where(col(GateDecision.outcome) == DecisionOutcome.DECLINE)
        .group_by(col(GateDecision.idea_id))
        .subquery()
    )
    lately = sa.exists().where(
        col(Review.idea_id) == col(Idea.id),
        col(Review.door) == Door.REOPENED,
        col(Review.opened_at) > now - timedelta(days=REOPEN_DAYS),
    )
    ready = session.scalars(
        sa.select(col(Idea.id))
        .join(decided, decided.c.idea_id == col(Idea.id))
        .join(Support, sa.and_(col(Support.idea_id) == col(Idea.id), col(Support.given_at) > decided.c.at))
        .where(
            col(Idea.activity) == Activity.DECLINED,
            col(Idea.publication) == Publication.PUBLISHED,
            col(Support.counts),
            ~lately,
        )
        .group_by(col(Idea.id))
        .having(sa.func.count() >= REOPEN_SUPPORTS)
        .limit(50)
    )
    chosen = sorted(known_id(idea_id) for idea_id in ready)
    for idea_id in chosen:
        reopen_idea(session, idea_id=idea_id, reason="", person=None, now=now)
    return len(chosen)


def return_from_hold(session: Session, now: datetime) -> int:
    """Take ideas up again whose hold has ended, and open the gate that was waiting for it.

    Returns:
        How many returned.

    Source: rule S3 (hold).
    """
    ended: Any = session.execute(
        sa.select(col(Idea.id), col(Idea.hold_until), col(Lab.timezones))
        .join(Lab, col(Lab.id) == col(Idea.lab_id))
        .where(
            col(Idea.activity) == Activity.HOLD,
            col(Idea.hold_until) <= (now + timedelta(days=1)).date(),
            col(Idea.publication) == Publication.PUBLISHED,
        )
        .order_by(col(Idea.id))
    ).all()
    returned = 0
    for idea_id, until, zones in ended:
        if until > local_day(now, zones[0]):
            continue
        place = place_of(session, idea_id, lock=True)
        if place.activity is Activity.HOLD:
            _return(session, place, now)
            returned += 1
    return returned


def _return(session: Session, place: Place, now: datetime) -> None:
    move_idea(session, place, stage=place.stage, activity=Activity.ACTIVE, now=now, hold_until=None)
    pass_on(session, place, now=now)
    record(
        session,
        "hold-returned",
        at=now,
        actor_id=None,
        lab_id=place.lab_id,
        challenge_id=challenge_of_idea(session, place.idea_id),
        idea_id=place.idea_id,
        data={"stage": place.stage.value},
    )
    if place.stage is Stage.IDEA and _reached_while_resting(session, place):
        open_review(session, idea_id=place.idea_id, door=Door.THRESHOLD, now=now)


def _reached_while_resting(session: Session, place: Place) -> bool:
    """Say whether the threshold was reached after the last review of gate 1 was opened."""
    reached = session.scalar(
        sa.select(col(ThresholdReached.at)).where(
            col(ThresholdReached.idea_id) == place.idea_id, col(ThresholdReached.round) == place.round
        )
    )
    last = session.scalar(
        sa.select(sa.func.max(col(Review.opened_at))).where(
            col(Review.idea_id) == place.idea_id, col(Review.gate) == 1
        )
    )
    return reached is not None and (last is None or reached > last)


def monthly_door(session: Session, now: datetime) -> int:
    """Open a review for each lab's five best supported ideas and the best of each category, once a month.

    Runs at any hour; it acts from noon of the month's last working day until that day ends.

    Returns:
        How many reviews were opened.

    Source: rule S2 (b).
    """
    opened = 0
    for lab in session.scalars(sa.select(Lab).order_by(col(Lab.id))).all():
        zone, country = lab.timezones[0], lab.country
        if lab.id is not None and _is_monthly_hour(now, zone, country):
            opened += _open_monthly(session, lab.id, now, zone)
    return opened


def _is_monthly_hour(now: datetime, zone: str, country: str) -> bool:
    today = local_day(now, zone)
    following = (today + timedelta(days=n) for n in range(1, 32))
    rest = [day for day in following if day.month == today.month]
    last = is_working_day(today, country) and not any(is_working_day(day, country) for day in rest)
    return last and now >= instant(today, MONTHLY_HOUR, zone)


def _open_monthly(session: Session, lab_id: int, now: datetime, zone: str) -> int:
    month = instant(local_day(now, zone).replace(day=1), time(), zone)
    ran = session.scalar(
        sa.select(sa.func.count())
        .select_from(Review)
        .where(col(Review.lab_id) == lab_id, col(Review.door) == Door.MONTHLY, col(Review.opened_at) >= month)
    )
    if ran:
        return 0
    chosen = sorted(set(_best(session, lab_id)))
    return sum(
        int(open_review(session, idea_id=idea_id, door=Door.MONTHLY, now=now) is not None)
        for idea_id in chosen
    )


def _best(session: Session, lab_id: int) -> list[int]:
    """Return the five best supported ideas never reviewed, and the best of each category."""
    rank: Any = sa.func.row_number().over(
        partition_by=col(Idea.category_id), order_by=(col(IdeaCount.supports).desc(), col(Idea.id))
    )
    place: Any = sa.func.row_number().over(order_by=(col(IdeaCount.supports).desc(), col(Idea.id)))
    ranked = (
        sa.select(
            col(Idea.id).label("id"),
            col(Idea.category_id).label("category_id"),
            rank.label("rank"),
            place.label("place"),
        )
        .join(IdeaCount, col(IdeaCount.idea_id) == col(Idea.id))
        .where(
            col(Idea.lab_id) == lab_id,
            col(Idea.stage) == Stage.IDEA,
            col(Idea.publication) == Publication.PUBLISHED,
            col(Idea.activity) == Activity.ACTIVE,
            col(IdeaCount.supports) > 0,
            ~sa.exists().where(col(Review.idea_id) == col(Idea.id)),
        )
        .subquery()
    )
    query = (
        sa.select(ranked.c.id)
        .where(
            sa.or_(
                ranked.c.place <= MONTHLY_TOP,
                sa.and_(ranked.c.rank == 1, ranked.c.category_id.is_not(None)),
            )
        )
        .order_by(ranked.c.place)
    )
    return list(session.scalars(query))
