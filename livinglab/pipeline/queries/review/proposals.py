"""The opening of a gate and what was proposed there."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import another
from livinglab.core.files import StoredFile
from livinglab.people.models import Person
from livinglab.people.queries import face_columns, face_in
from livinglab.people.rules import face_of
from livinglab.pipeline.models import (
    Proposal,
    Review,
)
from livinglab.pipeline.queries.review.shapes import ProposalShown, ReviewShown


def review_shown(session: Session, review_id: int | None) -> ReviewShown | None:
    """Return the opening of a gate, with who opened it."""
    if review_id is None:
        return None
    row: Any = session.execute(
        sa.select(Review, col(Person.name), col(Person.title), col(Person.erased_at))
        .outerjoin(Person, col(Person.id) == col(Review.opened_by))
        .where(col(Review.id) == review_id)
    ).one()
    review, name, title, erased = row
    return ReviewShown(
        id=review_id,
        gate=review.gate,
        door=review.door,
        reason=review.reason,
        opened_at=review.opened_at,
        opened_by=face_of(name=name, title=title, erased=erased is not None) if review.opened_by else None,
        closed_at=review.closed_at,
    )


_writer, _settler = another(Person), another(Person)


def proposals_of(session: Session, review_id: int | None) -> tuple[ProposalShown, ...]:
    """Return what was proposed in a review, newest first."""
    if review_id is None:
        return ()
    rows: Any = session.execute(
        sa.select(
            Proposal,
            *face_columns(_writer, StoredFile, "writer"),
            col(_settler.name).label("settler"),
        )
        .join(_writer, col(_writer.id) == col(Proposal.by_id))
        .outerjoin(StoredFile, col(StoredFile.id) == col(_writer.photo_id))
        .outerjoin(_settler, col(_settler.id) == col(Proposal.settled_by))
        .where(col(Proposal.review_id) == review_id)
        .order_by(col(Proposal.id).desc())
        .limit(20)
    )
    return tuple(_shown(row) for row in rows)


def _shown(row: Any) -> ProposalShown:
    proposal: Proposal = row[0]
    return ProposalShown(
        id=proposal.id or 0,
        version=proposal.version,
        state=proposal.state,
        outcome=proposal.outcome,
        to_stage=proposal.to_stage,
        reason=proposal.reason,
        deviations=dict(proposal.deviations or {}),
        hold_until=proposal.hold_until,
        decline_code=proposal.decline_code,
        would_change=proposal.would_change,
        by_id=proposal.by_id,
        by=face_in(row, "writer"),
        written_at=proposal.written_at,
        settled_by=face_of(name=row.settler) if row.settler else None,
        settled_at=proposal.settled_at,
        return_note=proposal.return_note,
    )
