"""Small things that the gate's own forms ask for: title, groups to hear, benefit plan, whose evidence."""

from __future__ import annotations

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import Texts
from livinglab.core.errors import NotFound
from livinglab.ideas.models import Idea
from livinglab.labs.models import Audience, AudienceLevel
from livinglab.pipeline.models import (
    Benefit,
    Evidence,
)
from livinglab.pipeline.queries.review.shapes import BenefitRow


def must_hear(session: Session, idea_id: int) -> tuple[Texts, ...]:
    """Return the names of the groups that the idea's challenge must hear."""
    names = session.scalars(
        sa.select(col(Audience.name))
        .join(Idea, col(Idea.challenge_id) == col(Audience.challenge_id))
        .where(col(Idea.id) == idea_id, col(Audience.level) == AudienceLevel.MUST)
        .order_by(col(Audience.position), col(Audience.id))
    )
    return tuple(dict(name) for name in names)


def title_of(session: Session, idea_id: int) -> tuple[str, str]:
    """Return an idea's title and its language."""
    row = session.execute(sa.select(col(Idea.title), col(Idea.language)).where(col(Idea.id) == idea_id)).one()
    return row[0], row[1]


def idea_of_evidence(session: Session, evidence_id: int) -> int:
    """Return the idea that a piece of evidence belongs to.

    Raises:
        NotFound: ``no-such-evidence``.
    """
    found = session.scalar(sa.select(col(Evidence.idea_id)).where(col(Evidence.id) == evidence_id))
    if found is None:
        raise NotFound("no-such-evidence", _l("There is no such evidence."))
    return found


def idea_of_benefit(session: Session, benefit_id: int) -> int:
    """Return the idea that a row of a benefit plan belongs to.

    Raises:
        NotFound: ``no-such-benefit``.
    """
    found = session.scalar(sa.select(col(Benefit.idea_id)).where(col(Benefit.id) == benefit_id))
    if found is None:
        raise NotFound("no-such-benefit", _l("There is no such benefit."))
    return found


def benefits_of(session: Session, idea_id: int) -> tuple[BenefitRow, ...]:
    """Return the benefit plan of a prototype or service."""
    rows = session.scalars(
        sa.select(Benefit).where(col(Benefit.idea_id) == idea_id).order_by(col(Benefit.id))
    )
    return tuple(
        BenefitRow(
            id=row.id or 0,
            label=row.label,
            unit=row.unit,
            baseline=row.baseline,
            baseline_on=row.baseline_on,
            target=row.target,
            measured=row.measured,
            measured_on=row.measured_on,
            measure_next=row.measure_next,
        )
        for row in rows
    )
