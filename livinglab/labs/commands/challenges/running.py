"""Running a challenge: opening, measuring, closing at its instant or before, concluding."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.clock import local_day
from livinglab.core.db import Texts
from livinglab.core.errors import NotFound, Refused, refuse
from livinglab.core.text import clean_line
from livinglab.core.viewer import Role, Viewer
from livinglab.labs.commands.challenges.rows import challenge_row, note
from livinglab.labs.commands.labs import CountActive, cleaned, threshold_now
from livinglab.labs.models import FIELD_MAX, Challenge, ChallengeState, LabSettings, Measure
from livinglab.labs.queries.challenges import audiences_of, measures_of
from livinglab.labs.queries.units import holders, units_of
from livinglab.labs.rules import (
    Item,
    opening_checklist,
    why_not_close,
    why_not_conclude,
    why_not_measure,
    why_not_open,
)

REPORT_MAX = 6000
CountUndecided = Callable[[Session, int], int]
"""(session, challenge id) → ideas of it without an outcome; ``ideas.queries.undecided_in``."""


def checklist_of(session: Session, challenge_id: int, now: datetime) -> tuple[Item, ...]:
    """Return what this challenge still needs before it opens: drawn on the page, asked by the command.

    Raises:
        NotFound: ``no-such-challenge``.

    Source: rule L1.
    """
    challenge, _lab = challenge_row(session, challenge_id, lock=False)
    return opening_checklist(
        challenge,
        measures=len(measures_of(session, challenge_id)),
        levels=[a.level for a in audiences_of(session, challenge_id)],
        facilitators=len(holders(session, challenge.lab_id, Role.FACILITATOR)),
        units=len(units_of(session, challenge.lab_id)),
        now=now,
    )


def open_challenge(
    session: Session, *, challenge_id: int, person: Viewer, now: datetime, count_active: CountActive
) -> Challenge:
    """Open a challenge: from now on it takes ideas, and its threshold stands.

    Args:
        count_active: Counts the people active in the lab; ``voting.queries.active_people``.

    Raises:
        NotFound: ``no-such-challenge``. Forbidden: ``not-manager``. Refused: ``not-a-draft``, ``not-ready``.

    Source: rules L1, L2.
    """
    challenge, _lab = challenge_row(session, challenge_id)
    checklist = checklist_of(session, challenge_id, now)
    refuse(why_not_open(person, lab_id=challenge.lab_id, state=challenge.state, checklist=checklist))
    settings = session.get_one(LabSettings, challenge.lab_id)
    threshold = threshold_now(count_active(session, challenge.lab_id, now), settings)
    _turn(
        session, challenge, ChallengeState.DRAFT, ChallengeState.OPEN,
        opens_at=now, opened_at=now, threshold=threshold,
    )  # fmt: skip
    note(
        session,
        "challenge-opened",
        challenge,
        person,
        now,
        threshold=threshold,
        closes_at=challenge.closes_at.isoformat() if challenge.closes_at else None,
    )
    return challenge


def enter_measured(
    session: Session, *, measure_id: int, value: float, on: date, person: Viewer, now: datetime
) -> Measure:
    """Enter what was measured.

    Raises:
        NotFound: ``no-such-measure``. Forbidden: ``not-lab-staff``.
        Refused: ``not-open``, ``measured-ahead``.
    """
    measure = session.get(Measure, measure_id)
    if measure is None:
        raise NotFound("no-such-measure", "")
    challenge, lab = challenge_row(session, measure.challenge_id)
    refuse(why_not_measure(person, lab_id=challenge.lab_id, state=challenge.state))
    if on > local_day(now, lab.timezones[0]):
        raise Refused("measured-ahead", _l("Choose the day it was measured, not one ahead."), field="on")
    measure.current, measure.current_on = value, on
    session.add(measure)
    note(session, "measure-entered", challenge, person, now, value=value, measure_id=measure_id, readers=())
    return measure


def close_challenge(
    session: Session, *, challenge_id: int, reason: str, person: Viewer, now: datetime
) -> Challenge:
    """Close a challenge before its time, with a public reason.

    Raises:
        NotFound: ``no-such-challenge``. Forbidden: ``not-manager``. Refused: ``not-open``, ``no-reason``.

    Source: rule L3.
    """
    challenge, _lab = challenge_row(session, challenge_id)
    refuse(why_not_close(person, lab_id=challenge.lab_id, state=challenge.state))
    reason = clean_line(reason)[:FIELD_MAX]
    if not reason:
        raise Refused("no-reason", _l("Say in public why it closes early."), field="reason")
    _turn(
        session, challenge, ChallengeState.OPEN, ChallengeState.CLOSED,
        closed_at=now, closes_at=now, closed_because=reason,
    )  # fmt: skip
    note(session, "challenge-closed", challenge, person, now, early=True, reason=reason)
    return challenge


def close_due_challenges(session: Session, now: datetime) -> int:
    """Close each open challenge whose instant has come. A second run finds none.

    Returns:
        How many were closed.

    Source: rule L3.
    """
    due = select(Challenge).where(Challenge.state == ChallengeState.OPEN, col(Challenge.closes_at) <= now)
    closed = 0
    for challenge in session.scalars(due.order_by(col(Challenge.id))):
        _turn(session, challenge, ChallengeState.OPEN, ChallengeState.CLOSED, closed_at=challenge.closes_at)
        note(session, "challenge-closed", challenge, None, now, early=False)
        closed += 1
    return closed


def conclude_challenge(
    session: Session,
    *,
    challenge_id: int,
    report: Texts,
    person: Viewer,
    now: datetime,
    count_undecided: CountUndecided,
) -> Challenge:
    """Conclude a closed challenge each of whose ideas has an outcome, and publish its report.

    Raises:
        NotFound: ``no-such-challenge``. Forbidden: ``not-manager``.
        Refused: ``not-closed``, ``ideas-undecided``, ``no-report``, ``text-too-long``.

    Source: rule L3.
    """
    challenge, _lab = challenge_row(session, challenge_id)
    kept = cleaned(report, REPORT_MAX)
    refuse(
        why_not_conclude(
            person,
            lab_id=challenge.lab_id,
            state=challenge.state,
            undecided=count_undecided(session, challenge_id),
            report=kept,
        )
    )
    _turn(session, challenge, ChallengeState.CLOSED, ChallengeState.CONCLUDED, concluded_at=now, report=kept)
    note(session, "challenge-concluded", challenge, person, now)
    return challenge


def _turn(
    session: Session, challenge: Challenge, was: ChallengeState, becomes: ChallengeState, **values: Any
) -> None:
    """Change the state only if it still is what was read: of two at once, one counts."""
    session.flush()
    changed = session.execute(
        sa.update(Challenge)
        .where(col(Challenge.id) == challenge.id, col(Challenge.state) == was)
        .values(state=becomes, **values)
        .execution_options(synchronize_session=False)
    )
    session.refresh(challenge)
    if getattr(changed, "rowcount", 0) != 1:
        raise Refused("changed-meanwhile", _l("Somebody else was faster. Look at the page again."))
