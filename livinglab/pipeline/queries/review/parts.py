"""Small things that the gate's own forms ask for: title, groups to hear, benefit plan, whose evidence."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import Texts
from livinglab.core.errors import NotFound
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Idea, Publication
from livinglab.labs.models import Audience, AudienceLevel
from livinglab.pipeline.models import (
    Benefit,
    Evidence,
    Proposal,
    Review,
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


def named_step(session: Session, idea_id: int) -> tuple[str, str, date | None]:
    """Return the next step somebody named, who does it and by when; also where something is owed sooner."""
    row = session.execute(
        sa.select(col(Idea.next_step), col(Idea.next_who), col(Idea.next_by)).where(col(Idea.id) == idea_id)
    ).one()
    return row[0], row[1], row[2]


_BEHIND: dict[str, tuple[Any, Any, Any]] = {
    "review": (sa.select(col(Review.idea_id)), col(Review.id), _l("There is no such review.")),
    "proposal": (
        sa.select(col(Review.idea_id)).join(Proposal, col(Proposal.review_id) == col(Review.id)),
        col(Proposal.id),
        _l("There is no such proposal."),
    ),
    "evidence": (sa.select(col(Evidence.idea_id)), col(Evidence.id), _l("There is no such evidence.")),
    "benefit": (sa.select(col(Benefit.idea_id)), col(Benefit.id), _l("There is no such benefit.")),
}


def idea_behind(session: Session, what: str, number: int, viewer: Viewer) -> int:
    """Return the idea of what an address names, for somebody who works in its lab.

    To everybody else there is no such thing: the answer, and the one statement, are those for a number
    that nothing has.

    Args:
        what: ``review``, ``proposal``, ``evidence`` or ``benefit``.

    Raises:
        NotFound: ``no-such-review``, ``no-such-proposal`` …

    Source: invariant I-11.
    """
    query, key, reason = _BEHIND[what]
    labs = set(viewer.roles) | viewer.unit_labs()
    own = sa.select(col(Idea.id)).where(
        col(Idea.lab_id).in_(labs), col(Idea.publication) == Publication.PUBLISHED
    )
    found: int | None = session.scalar(query.where(key == number, query.selected_columns[0].in_(own)))
    if found is None:
        raise NotFound(f"no-such-{what}", reason)
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
