"""Challenges with their strategy cards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import Texts, known_id
from livinglab.core.errors import NotFound
from livinglab.labs.models import Audience, AudienceLevel, Challenge, ChallengeState, Lab, Measure
from livinglab.labs.queries.labs import LabBrief, brief_of
from livinglab.labs.queries.units import Somebody, people_by_id
from livinglab.labs.rules import NO_SUCH_CHALLENGE, counts_shown_from


@dataclass(frozen=True, slots=True)
class ChallengeBrief:
    """A challenge as other rooms need it: its clock, threshold and who answers for it."""

    id: int
    lab_id: int
    state: ChallengeState
    title: Texts
    goal: Texts
    opens_at: datetime | None
    closes_at: datetime | None
    counts_from: datetime | None
    threshold: int | None
    trust_needed: int
    responsible_id: int | None
    deputy_id: int | None

    @property
    def counts_shown_from(self) -> datetime | None:
        """Return from when support is counted in public (V4)."""
        return counts_shown_from(self)


def challenge_of(row: Challenge) -> ChallengeBrief:
    """Return the brief of a row."""
    return ChallengeBrief(
        id=known_id(row.id),
        lab_id=row.lab_id,
        state=row.state,
        title=dict(row.title),
        goal=dict(row.goal),
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        counts_from=row.counts_from,
        threshold=row.threshold,
        trust_needed=row.trust_needed,
        responsible_id=row.responsible_id,
        deputy_id=row.deputy_id,
    )


def challenge_brief(session: Session, challenge_id: int) -> ChallengeBrief:
    """Return a challenge, whatever its state.

    Raises:
        NotFound: ``no-such-challenge``.
    """
    row = session.get(Challenge, challenge_id)
    if row is None:
        raise NO_SUCH_CHALLENGE
    return challenge_of(row)


def open_challenges(
    session: Session, now: datetime, *, lab_id: int | None = None
) -> tuple[ChallengeBrief, ...]:
    """Return the challenges that take ideas now, the one that closes first on top."""
    query = select(Challenge).where(
        Challenge.state == ChallengeState.OPEN,
        sa.or_(col(Challenge.closes_at).is_(None), col(Challenge.closes_at) > now),
    )
    if lab_id is not None:
        query = query.where(Challenge.lab_id == lab_id)
    query = query.order_by(col(Challenge.closes_at).is_(None), col(Challenge.closes_at), col(Challenge.id))
    return tuple(challenge_of(row) for row in session.scalars(query))


def challenges_of(session: Session, lab_id: int, *, drafts: bool = False) -> tuple[ChallengeBrief, ...]:
    """Return a lab's challenges: open ones first, then those that closed last.

    Args:
        drafts: Also those not opened yet; only for the lab's staff.
    """
    query = select(Challenge).where(Challenge.lab_id == lab_id)
    if not drafts:
        query = query.where(Challenge.state != ChallengeState.DRAFT)
    order = sa.case(
        {ChallengeState.OPEN.value: 0, ChallengeState.DRAFT.value: 1, ChallengeState.CLOSED.value: 2},
        value=sa.cast(col(Challenge.state), sa.String(24)),
        else_=3,
    )
    query = query.order_by(order, col(Challenge.closes_at).desc(), col(Challenge.id).desc())
    return tuple(challenge_of(row) for row in session.scalars(query))


def public_challenges(session: Session) -> tuple[tuple[ChallengeBrief, LabBrief], ...]:
    """Return the challenges of all labs that were opened, with their labs, newest closing first."""
    rows = session.execute(
        sa.select(Challenge, Lab)
        .join(Lab, col(Lab.id) == col(Challenge.lab_id))
        .where(col(Challenge.state) != ChallengeState.DRAFT)
        .order_by(col(Challenge.closes_at).desc(), col(Challenge.id).desc())
        .limit(300)
    )
    return tuple((challenge_of(row), brief_of(lab)) for row, lab in rows)


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """A figure the challenge is measured by: baseline → current → target."""

    id: int
    label: Texts
    unit: str
    baseline: float
    target: float
    target_on: date
    current: float | None
    current_on: date | None

    @property
    def reached(self) -> bool:
        """Say whether the newest figure is at the target or beyond it."""
        if self.current is None:
            return False
        return self.current >= self.target if self.target >= self.baseline else self.current <= self.target

    @property
    def share(self) -> int:
        """Return how much of the way from baseline to target is done, in per cent from 0 to 100."""
        if self.current is None or self.target == self.baseline:
            return 100 if self.reached else 0
        return max(0, min(100, round(100 * (self.current - self.baseline) / (self.target - self.baseline))))


@dataclass(frozen=True, slots=True)
class AudienceRow:
    """A group the challenge wants to hear."""

    id: int
    level: AudienceLevel
    name: Texts


@dataclass(frozen=True, slots=True)
class ChallengePage:
    """A challenge with its whole strategy card."""

    brief: ChallengeBrief
    lab: LabBrief
    intro: Texts
    purpose: Texts
    benefit: Texts
    now_state: Texts
    wanted_state: Texts
    actions: Texts
    report: Texts
    responsible: Somebody | None
    deputy: Somebody | None
    measures: tuple[MeasureRow, ...]
    audiences: tuple[AudienceRow, ...]
    opened_at: datetime | None
    closed_at: datetime | None
    closed_because: str
    concluded_at: datetime | None

    @property
    def title(self) -> Texts:
        """Return the title."""
        return self.brief.title

    @property
    def goal(self) -> Texts:
        """Return the goal."""
        return self.brief.goal

    def heard(self, level: str) -> tuple[AudienceRow, ...]:
        """Return the groups of one level."""
        return tuple(a for a in self.audiences if a.level == level)


def challenge_page(session: Session, challenge_id: int) -> ChallengePage:
    """Return a challenge with its strategy card.

    Raises:
        NotFound: ``no-such-challenge``.
    """
    found = session.execute(
        sa.select(Challenge, Lab)
        .join(Lab, col(Lab.id) == col(Challenge.lab_id))
        .where(col(Challenge.id) == challenge_id)
    ).one_or_none()
    if found is None:
        raise NO_SUCH_CHALLENGE
    row, lab = found
    people = people_by_id(session, {i for i in (row.responsible_id, row.deputy_id) if i})
    return ChallengePage(
        brief=challenge_of(row),
        lab=brief_of(lab),
        intro=dict(row.intro),
        purpose=dict(row.purpose),
        benefit=dict(row.benefit),
        now_state=dict(row.now_state),
        wanted_state=dict(row.wanted_state),
        actions=dict(row.actions),
        report=dict(row.report),
        responsible=people.get(row.responsible_id or 0),
        deputy=people.get(row.deputy_id or 0),
        measures=measures_of(session, challenge_id),
        audiences=audiences_of(session, challenge_id),
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        closed_because=row.closed_because,
        concluded_at=row.concluded_at,
    )


def measure_in(page: ChallengePage, measure_id: int) -> MeasureRow:
    """Return one measure of a challenge.

    Raises:
        NotFound: ``no-such-measure``.
    """
    for measure in page.measures:
        if measure.id == measure_id:
            return measure
    raise NotFound("no-such-measure", "")


def measures_of(session: Session, challenge_id: int) -> tuple[MeasureRow, ...]:
    """Return the measures of a challenge in order."""
    query = (
        select(Measure)
        .where(Measure.challenge_id == challenge_id)
        .order_by(col(Measure.position), col(Measure.id))
    )
    return tuple(
        MeasureRow(
            known_id(m.id), dict(m.label), m.unit, m.baseline, m.target, m.target_on, m.current, m.current_on
        )
        for m in session.scalars(query)
    )


def audiences_of(session: Session, challenge_id: int) -> tuple[AudienceRow, ...]:
    """Return the groups of a challenge in order."""
    query = (
        select(Audience)
        .where(Audience.challenge_id == challenge_id)
        .order_by(col(Audience.position), col(Audience.id))
    )
    return tuple(AudienceRow(known_id(a.id), a.level, dict(a.name)) for a in session.scalars(query))
