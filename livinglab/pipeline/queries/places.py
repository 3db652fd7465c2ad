"""Where one idea stands, and the facts its criteria ask about. Read anew by every command."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.errors import NotFound
from livinglab.core.files import StoredFile
from livinglab.core.viewer import Role
from livinglab.handoff.models import POSITIVE, Handoff, HandoffState
from livinglab.ideas.models import Comment, CommentKind, Credit, CreditKind, Idea, Publication
from livinglab.labs.models import Audience, AudienceLevel, Lab, LabSettings
from livinglab.labs.queries import viewer_of
from livinglab.people.models import Person, RoleGrant
from livinglab.people.rules import Face, face_of
from livinglab.pipeline.models import Benefit, Evidence, Proposal, Review
from livinglab.pipeline.rules import Facts, Given, OpenProposal, Place, hands_of

AUTHORS = (CreditKind.AUTHOR, CreditKind.CO_AUTHOR, CreditKind.MERGED_AUTHOR)
AGREED = (HandoffState.ACKNOWLEDGED, HandoffState.ASSESSING, HandoffState.PRELIMINARY)
PROPOSED: Any = sa.text("proposal.state = 'open'")
"""An open proposal, in the very words of its index.

With a bound value SQLite plans the whole statement anew each time it runs, as the plan hangs on the value.
"""
_PLACE: tuple[Any, ...] = (
    col(Idea.id).label("idea_id"),
    col(Idea.lab_id),
    col(Idea.author_id),
    col(Idea.stage),
    col(Idea.activity),
    col(Idea.publication),
    col(Idea.move),
    col(Idea.round),
    col(Idea.lead_id),
    col(Handoff.unit_id),
    col(LabSettings.deciders),
    col(Review.id).label("review_id"),
    col(Proposal.id).label("proposal_id"),
    col(Proposal.version),
    col(Proposal.by_id),
    col(Proposal.outcome),
    col(Proposal.to_stage),
    col(Proposal.reason),
    col(Proposal.deviations),
    col(Proposal.hold_until),
    col(Proposal.decline_code),
    col(Proposal.would_change),
)


def place_of(session: Session, idea_id: int, *, lock: bool = False) -> Place:
    """Return where an idea stands, with its open review and proposal.

    Args:
        lock: Let everybody else who wants to change this idea's place wait until this transaction ends.

    Raises:
        NotFound: ``no-such-idea``.
    """
    if lock:
        session.execute(
            sa.select(col(Idea.id)).where(col(Idea.id) == idea_id).with_for_update(key_share=True)
        )
    row = session.execute(
        sa.select(*_PLACE)
        .join(LabSettings, col(LabSettings.lab_id) == col(Idea.lab_id))
        .outerjoin(Handoff, sa.and_(col(Handoff.idea_id) == col(Idea.id), col(Handoff.closed_at).is_(None)))
        .outerjoin(Review, sa.and_(col(Review.idea_id) == col(Idea.id), col(Review.closed_at).is_(None)))
        .outerjoin(
            Proposal,
            sa.and_(col(Proposal.review_id) == col(Review.id), PROPOSED),
        )
        .where(col(Idea.id) == idea_id)
    ).one_or_none()
    if row is None:
        raise NotFound("no-such-idea", _l("There is no such idea."))
    return Place(
        idea_id=row.idea_id,
        lab_id=row.lab_id,
        stage=row.stage,
        activity=row.activity,
        publication=row.publication,
        move=row.move,
        round=row.round,
        lead_id=row.lead_id,
        unit_id=row.unit_id,
        authors=_authors(session, row.idea_id, row.author_id),
        deciders=row.deciders,
        review_id=row.review_id,
        proposal=_proposal(session, row) if row.proposal_id is not None else None,
    )


def _authors(session: Session, idea_id: int, author_id: int | None) -> frozenset[int]:
    credited = session.scalars(
        sa.select(col(Credit.person_id)).where(col(Credit.idea_id) == idea_id, col(Credit.kind).in_(AUTHORS))
    )
    return frozenset(credited) | (frozenset({author_id}) if author_id else frozenset())


def _proposal(session: Session, row: Any) -> OpenProposal:
    writer = viewer_of(session, row.by_id)
    hands = hands_of(writer, lab_id=row.lab_id, lead_id=row.lead_id, unit_id=row.unit_id) if writer else None
    return OpenProposal(
        id=row.proposal_id,
        version=row.version,
        by_id=row.by_id,
        outcome=row.outcome,
        to_stage=row.to_stage,
        reason=row.reason,
        deviations=dict(row.deviations or {}),
        hold_until=row.hold_until,
        decline_code=row.decline_code,
        would_change=row.would_change,
        hands=hands or frozenset(),
    )


def idea_of_review(session: Session, review_id: int) -> int:
    """Return the idea of a review.

    Raises:
        NotFound: ``no-such-review``.
    """
    idea_id = session.scalar(sa.select(col(Review.idea_id)).where(col(Review.id) == review_id))
    if idea_id is None:
        raise NotFound("no-such-review", _l("There is no such review."))
    return idea_id


def idea_of_proposal(session: Session, proposal_id: int) -> int:
    """Return the idea that a proposal is about.

    Raises:
        NotFound: ``no-such-proposal``.
    """
    idea_id = session.scalar(
        sa.select(col(Review.idea_id))
        .join(Proposal, col(Proposal.review_id) == col(Review.id))
        .where(col(Proposal.id) == proposal_id)
    )
    if idea_id is None:
        raise NotFound("no-such-proposal", _l("There is no such proposal."))
    return idea_id


def zone_of(session: Session, lab_id: int) -> str:
    """Return the time zone in which a lab counts its days (rule L4)."""
    zones = session.scalar(sa.select(col(Lab.timezones)).where(col(Lab.id) == lab_id))
    return zones[0] if zones else "UTC"


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """One piece of evidence, as the page shows it."""

    id: int
    criterion: str
    text: str
    number: float | None
    on_date: date | None
    link: str
    picture: str | None
    picture_alt: str
    by_id: int | None
    by: Face | None
    at: datetime

    @property
    def given(self) -> Given:
        """Return what the criteria see of it."""
        return Given(self.text, self.number, self.on_date, self.link, self.picture is not None)


def evidence_of(session: Session, idea_id: int, gate: int) -> dict[str, tuple[EvidenceItem, ...]]:
    """Return the standing evidence of an idea at a gate, by criterion, oldest first."""
    rows: Any = session.execute(
        sa.select(Evidence, col(Person.name), col(Person.title), col(Person.erased_at), col(StoredFile.key))
        .outerjoin(Person, col(Person.id) == col(Evidence.person_id))
        .outerjoin(StoredFile, col(StoredFile.id) == col(Evidence.image_id))
        .where(
            col(Evidence.idea_id) == idea_id, col(Evidence.gate) == gate, col(Evidence.withdrawn_at).is_(None)
        )
        .order_by(col(Evidence.at), col(Evidence.id))
    )
    found: dict[str, list[EvidenceItem]] = defaultdict(list)
    for item, name, title, erased, key in rows:
        by = face_of(name=name, title=title or "", erased=erased is not None) if item.person_id else None
        found[item.criterion].append(
            EvidenceItem(
                id=item.id,
                criterion=item.criterion,
                text=item.text,
                number=item.number,
                on_date=item.on_date,
                link=item.link,
                picture=key,
                picture_alt=item.image_alt,
                by_id=item.person_id,
                by=by,
                at=item.at,
            )
        )
    return {code: tuple(items) for code, items in found.items()}


def facts_of(session: Session, place: Place) -> Facts:
    """Gather what the criteria of the gate ahead ask about, in two statements."""
    given = evidence_of(session, place.idea_id, place.gate) if place.gate else {}
    return facts_with(session, place, given)


def facts_with(session: Session, place: Place, given: dict[str, tuple[EvidenceItem, ...]]) -> Facts:
    """Gather the facts, given the evidence already read."""
    row = session.execute(
        sa.select(
            col(Idea.gains),
            _comments(CommentKind.EXPERIENCE).label("experiences"),
            _comments(CommentKind.PROBLEM).label("problems"),
            _comments(CommentKind.PROBLEM, col(Comment.resolved_at).is_(None)).label("problems_open"),
            _must_audiences().label("audiences"),
            _benefits().label("benefits"),
            col(LabSettings.responses_needed),
            col(LabSettings.testers_needed),
            col(Handoff.state),
            col(Handoff.outcome),
            col(Handoff.unit_id),
            _lead_stands().label("lead_stands"),
        )
        .join(LabSettings, col(LabSettings.lab_id) == col(Idea.lab_id))
        .outerjoin(Handoff, sa.and_(col(Handoff.idea_id) == col(Idea.id), col(Handoff.closed_at).is_(None)))
        .where(col(Idea.id) == place.idea_id)
    ).one()
    accepted = row.outcome in POSITIVE
    return Facts(
        gain_named=bool(row.gains),
        experiences=row.experiences,
        lead_named=row.lead_stands,
        unit_agreed=row.unit_id is not None and (row.state in AGREED or accepted),
        unit_accepted=accepted,
        problems=row.problems,
        problems_open=row.problems_open,
        must_audiences=row.audiences,
        responses_needed=row.responses_needed,
        testers_needed=row.testers_needed,
        benefits_planned=row.benefits,
        given={code: tuple(item.given for item in items) for code, items in given.items()},
    )


def _lead_stands() -> sa.ColumnElement[bool]:
    """Return the condition that whoever is named lead holds the role just now (rules S4, P5)."""
    return (
        sa.select(col(RoleGrant.id))
        .where(
            col(RoleGrant.person_id) == col(Idea.lead_id),
            col(RoleGrant.lab_id) == col(Idea.lab_id),
            col(RoleGrant.role) == Role.LEAD,
            col(RoleGrant.ended_at).is_(None),
        )
        .correlate(Idea)
        .exists()
    )


def _comments(kind: CommentKind, *conditions: Any) -> Any:
    return (
        sa.select(sa.func.count())
        .select_from(Comment)
        .where(
            col(Comment.idea_id) == col(Idea.id),
            col(Comment.publication) == Publication.PUBLISHED,
            col(Comment.kind) == kind,
            col(Comment.parent_id).is_(None),
            col(Comment.deleted_at).is_(None),
            *conditions,
        )
        .correlate(Idea)
        .scalar_subquery()
    )


def _must_audiences() -> Any:
    return (
        sa.select(sa.func.count())
        .select_from(Audience)
        .where(
            col(Audience.challenge_id) == col(Idea.challenge_id), col(Audience.level) == AudienceLevel.MUST
        )
        .correlate(Idea)
        .scalar_subquery()
    )


def _benefits() -> Any:
    return (
        sa.select(sa.func.count())
        .select_from(Benefit)
        .where(col(Benefit.idea_id) == col(Idea.id), col(Benefit.measure_next).is_not(None))
        .correlate(Idea)
        .scalar_subquery()
    )
