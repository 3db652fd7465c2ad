"""The page of a gate: criteria with their evidence, open concerns, the proposal, and who decides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session, aliased
from sqlmodel import col

from livinglab.core.db import Texts
from livinglab.core.errors import NotFound
from livinglab.core.files import StoredFile
from livinglab.core.viewer import Role, Viewer
from livinglab.handoff.models import Answer, AnswerKind, Handoff, HandoffState, Outcome
from livinglab.ideas.models import Comment, CommentKind, Idea, Publication, Stage
from livinglab.labs.models import Audience, AudienceLevel, ReceivingUnit, UnitMember
from livinglab.people.models import Person, RoleGrant
from livinglab.people.rules import Face, face_of
from livinglab.pipeline.models import (
    Benefit,
    DecisionOutcome,
    DeclineCode,
    Door,
    Evidence,
    Proposal,
    ProposalState,
    Review,
)
from livinglab.pipeline.queries.places import EvidenceItem, evidence_of, facts_with, place_of
from livinglab.pipeline.queries.standing import Whereabouts, whereabouts
from livinglab.pipeline.rules import Facts, Hand, Place, Want, criteria_of, deciders_of

OPEN_CONCERNS = 30


@dataclass(frozen=True, slots=True)
class CriterionRow:
    """One condition with what was given for it.

    Args:
        state: ``yes``, ``part`` (something was given, not enough) or ``no``.
        told: What the system counted, in a sentence; empty where it counts nothing.
    """

    code: str
    title: object
    hint: object
    state: str
    firm: bool
    wants: tuple[Want, ...]
    told: object
    evidence: tuple[EvidenceItem, ...]

    @property
    def met(self) -> bool:
        """Say whether the condition is met."""
        return self.state == "yes"


@dataclass(frozen=True, slots=True)
class Concern:
    """A concern, or a problem without an answer, that the deciders should have read."""

    id: int
    kind: CommentKind
    body: str
    language: str
    by: Face
    at: datetime
    replies: int


@dataclass(frozen=True, slots=True)
class ProposalShown:
    """A proposal in full: what the second decider confirms is exactly this."""

    id: int
    version: int
    state: ProposalState
    outcome: DecisionOutcome
    to_stage: Stage | None
    reason: str
    deviations: dict[str, str]
    hold_until: date | None
    decline_code: DeclineCode | None
    would_change: str
    by_id: int
    by: Face
    written_at: datetime
    settled_by: Face | None
    settled_at: datetime | None
    return_note: str


@dataclass(frozen=True, slots=True)
class ReviewShown:
    """The opening of the gate."""

    id: int
    gate: int
    door: Door
    reason: str
    opened_at: datetime
    opened_by: Face | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class HandoffLine:
    """What the deciders should know of the receiving unit."""

    id: int
    unit_id: int | None
    unit: Texts | None
    state: HandoffState
    outcome: Outcome | None
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a unit's negative final answer proposes (rule H0): it fills the form, and somebody signs it."""

    answer_id: int
    title: str
    language: str
    outcome: DecisionOutcome
    decline_code: DeclineCode | None
    reason: str


@dataclass(frozen=True, slots=True)
class BenefitRow:
    """One row of the benefit plan."""

    id: int
    label: str
    unit: str
    baseline: float
    baseline_on: date
    target: float
    measured: float | None
    measured_on: date | None
    measure_next: date | None


@dataclass(frozen=True, slots=True)
class GatePage:
    """Everything on the page of a gate, with or without an open review.

    Args:
        review: ``None`` while no review is open.
        proposal: The open one. past: those returned or withdrawn in this review, newest first.
        candidates: Who may decide here, without the authors.
        must_hear: Groups the challenge must hear, for the criterion that asks for them.
    """

    place: Place
    facts: Facts
    title: str
    summary: str
    language: str
    where: Whereabouts
    criteria: tuple[CriterionRow, ...]
    concerns: tuple[Concern, ...]
    review: ReviewShown | None
    proposal: ProposalShown | None
    past: tuple[ProposalShown, ...]
    candidates: tuple[tuple[int, Face, Hand], ...]
    handoff: HandoffLine | None
    suggestion: Suggestion | None
    must_hear: tuple[Texts, ...]
    benefits: tuple[BenefitRow, ...]
    lead: Face | None

    @property
    def met(self) -> int:
        """Count the criteria that are met."""
        return sum(row.met for row in self.criteria)

    @property
    def unmet(self) -> tuple[CriterionRow, ...]:
        """Return what is not met."""
        return tuple(row for row in self.criteria if not row.met)

    @property
    def firm(self) -> tuple[CriterionRow, ...]:
        """Return what is not met and can never be passed over."""
        return tuple(row for row in self.unmet if row.firm)


def gate_page(session: Session, idea_id: int, now: datetime) -> GatePage:
    """Return the page of the gate ahead of an idea.

    Raises:
        NotFound: ``no-such-idea``, ``no-gate``.
    """
    place = place_of(session, idea_id)
    where = whereabouts(session, idea_id, now)
    if place.gate is None or where is None:
        raise NotFound("no-gate", _l("A running service has no gate ahead."))
    idea: Any = session.execute(
        sa.select(col(Idea.title), col(Idea.summary), col(Idea.language)).where(col(Idea.id) == idea_id)
    ).one()
    given = evidence_of(session, idea_id, place.gate)
    facts = facts_with(session, place, given)
    proposals = _proposals(session, place.review_id)
    handoff = _handoff(session, idea_id)
    candidates = _candidates(session, place)
    return GatePage(
        place=place,
        facts=facts,
        title=idea.title,
        summary=idea.summary,
        language=idea.language,
        where=where,
        criteria=_criteria(place.gate, facts, given),
        concerns=_concerns(session, idea_id),
        review=_review(session, place.review_id),
        proposal=next((p for p in proposals if p.state is ProposalState.OPEN), None),
        past=tuple(p for p in proposals if p.state is not ProposalState.OPEN),
        candidates=candidates,
        handoff=handoff,
        suggestion=_suggestion(session, handoff),
        must_hear=must_hear(session, idea_id) if place.gate == 2 else (),
        benefits=benefits_of(session, idea_id) if place.gate == 3 else (),
        lead=next((face for person_id, face, hand in candidates if hand is Hand.OWN_LEAD), None),
    )


def _criteria(
    gate: int, facts: Facts, given: dict[str, tuple[EvidenceItem, ...]]
) -> tuple[CriterionRow, ...]:
    def state(code: str, met: bool) -> str:  # noqa: FBT001  # two words, one answer
        return "yes" if met else "part" if given.get(code) else "no"

    return tuple(
        CriterionRow(
            code=criterion.code,
            title=criterion.title(facts),
            hint=criterion.hint,
            state=state(criterion.code, criterion.met(facts)),
            firm=criterion.firm(facts),
            wants=criterion.wants,
            told=criterion.sums(facts),
            evidence=given.get(criterion.code, ()),
        )
        for criterion in criteria_of(gate)
    )


def _concerns(session: Session, idea_id: int) -> tuple[Concern, ...]:
    reply = aliased(Comment)
    replies: Any = (
        sa.select(sa.func.count())
        .select_from(reply)
        .where(
            col(reply.parent_id) == col(Comment.id),
            col(reply.publication) == Publication.PUBLISHED,
            col(reply.deleted_at).is_(None),
        )
        .correlate(Comment)
        .scalar_subquery()
    )
    rows: Any = session.execute(
        sa.select(
            col(Comment.id),
            col(Comment.kind),
            col(Comment.body),
            col(Comment.language),
            col(Comment.byline),
            col(Comment.created_at),
            col(Person.name),
            col(Person.pseudonym),
            col(Person.erased_at),
            replies.label("replies"),
        )
        .outerjoin(Person, col(Person.id) == col(Comment.author_id))
        .where(
            col(Comment.idea_id) == idea_id,
            col(Comment.publication) == Publication.PUBLISHED,
            col(Comment.kind).in_((CommentKind.CONCERN, CommentKind.PROBLEM)),
            col(Comment.parent_id).is_(None),
            col(Comment.deleted_at).is_(None),
            col(Comment.resolved_at).is_(None),
        )
        .order_by(col(Comment.id))
        .limit(OPEN_CONCERNS)
    )
    return tuple(
        Concern(
            id=row.id,
            kind=row.kind,
            body=row.body,
            language=row.language,
            by=face_of(
                name=row.name,
                pseudonym=row.pseudonym,
                byline=row.byline.value,
                erased=row.erased_at is not None,
            ),
            at=row.created_at,
            replies=row.replies,
        )
        for row in rows
    )


def _review(session: Session, review_id: int | None) -> ReviewShown | None:
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


_writer, _settler = aliased(Person), aliased(Person)


def _proposals(session: Session, review_id: int | None) -> tuple[ProposalShown, ...]:
    if review_id is None:
        return ()
    rows: Any = session.execute(
        sa.select(
            Proposal,
            col(_writer.name).label("name"),
            col(_writer.title).label("title"),
            col(_writer.erased_at).label("erased_at"),
            col(StoredFile.key).label("photo"),
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
        by=face_of(name=row.name, title=row.title or "", photo=row.photo, erased=row.erased_at is not None),
        written_at=proposal.written_at,
        settled_by=face_of(name=row.settler) if row.settler else None,
        settled_at=proposal.settled_at,
        return_note=proposal.return_note,
    )


def _candidates(session: Session, place: Place) -> tuple[tuple[int, Face, Hand], ...]:
    """Return who may decide at the gate ahead, each once with the first of their capacities."""
    hands = deciders_of(place.gate or 1)
    parts: list[Any] = []

    def held(hand: Hand, role: Role, *conditions: Any) -> Any:
        return sa.select(sa.literal(hand.value).label("hand"), col(RoleGrant.person_id).label("id")).where(
            col(RoleGrant.lab_id) == place.lab_id,
            col(RoleGrant.role) == role,
            col(RoleGrant.ended_at).is_(None),
            *conditions,
        )

    if place.lead_id is not None:
        parts.append(held(Hand.OWN_LEAD, Role.LEAD, col(RoleGrant.person_id) == place.lead_id))
    if Hand.OWN_UNIT in hands and place.unit_id is not None:
        parts.append(
            sa.select(sa.literal(Hand.OWN_UNIT.value), col(UnitMember.person_id)).where(
                col(UnitMember.unit_id) == place.unit_id
            )
        )
    if Hand.FACILITATOR in hands:
        parts.append(held(Hand.FACILITATOR, Role.FACILITATOR))
    parts.append(held(Hand.MANAGER, Role.MANAGER))
    found: Any = sa.union_all(*parts).subquery()
    rows: Any = session.execute(
        sa.select(found.c.hand, found.c.id, col(Person.name), col(Person.title), col(StoredFile.key))
        .join(Person, col(Person.id) == found.c.id)
        .outerjoin(StoredFile, col(StoredFile.id) == col(Person.photo_id))
        .where(col(Person.erased_at).is_(None), col(Person.suspended_at).is_(None))
        .order_by(col(Person.name), col(Person.id))
    )
    order = [Hand.OWN_LEAD, Hand.OWN_UNIT, Hand.FACILITATOR, Hand.MANAGER]
    ranked = sorted(rows, key=lambda row: order.index(Hand(row.hand)))
    people: dict[int, tuple[int, Face, Hand]] = {}
    for row in ranked:
        if row.id not in place.authors:
            people.setdefault(
                row.id, (row.id, face_of(name=row.name, title=row.title, photo=row.key), Hand(row.hand))
            )
    return tuple(people.values())


def _handoff(session: Session, idea_id: int) -> HandoffLine | None:
    row: Any = session.execute(
        sa.select(
            col(Handoff.id),
            col(Handoff.unit_id),
            col(ReceivingUnit.name),
            col(Handoff.state),
            col(Handoff.outcome),
            col(Handoff.due_at),
        )
        .outerjoin(ReceivingUnit, col(ReceivingUnit.id) == col(Handoff.unit_id))
        .where(col(Handoff.idea_id) == idea_id, col(Handoff.closed_at).is_(None))
    ).one_or_none()
    if row is None:
        return None
    return HandoffLine(row.id, row.unit_id, row.name, row.state, row.outcome, row.due_at)


_SUGGESTED = {
    Outcome.EXISTS: (DecisionOutcome.DECLINE, DeclineCode.EXISTS),
    Outcome.NOT_NOW: (DecisionOutcome.HOLD, None),
    Outcome.DECLINED: (DecisionOutcome.DECLINE, DeclineCode.NO_OWNER),
}


def _suggestion(session: Session, handoff: HandoffLine | None) -> Suggestion | None:
    """Return what the unit's negative answer proposes, in the words of its newest correction."""
    if handoff is None or handoff.outcome not in _SUGGESTED:
        return None
    row: Any = session.execute(
        sa.select(col(Answer.id), col(Answer.title), col(Answer.body), col(Answer.language))
        .where(
            col(Answer.handoff_id) == handoff.id,
            col(Answer.published_at).is_not(None),
            col(Answer.kind).in_((AnswerKind.FINAL, AnswerKind.CORRECTION)),
        )
        .order_by(col(Answer.published_at).desc(), col(Answer.id).desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    outcome, code = _SUGGESTED[handoff.outcome]
    return Suggestion(row.id, row.title, row.language, outcome, code, row.body[:2000])


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


@dataclass(frozen=True, slots=True)
class Possible:
    """Somebody who could be named project lead, with how much they carry already."""

    id: int
    name: str
    carries: int


def possible_leads(session: Session, lab_id: int) -> tuple[Possible, ...]:
    """Return the project leads of a lab, those with the least in hand first."""
    carried: Any = (
        sa.select(sa.func.count())
        .select_from(Idea)
        .where(
            col(Idea.lead_id) == col(Person.id),
            col(Idea.publication) == Publication.PUBLISHED,
            col(Idea.activity).in_(("active", "review", "hold")),
        )
        .correlate(Person)
        .scalar_subquery()
    )
    rows: Any = session.execute(
        sa.select(col(Person.id), col(Person.name), carried.label("carries"))
        .join(RoleGrant, col(RoleGrant.person_id) == col(Person.id))
        .where(
            col(RoleGrant.lab_id) == lab_id,
            col(RoleGrant.role) == Role.LEAD,
            col(RoleGrant.ended_at).is_(None),
            col(Person.erased_at).is_(None),
        )
        .order_by(carried, col(Person.name))
    )
    return tuple(Possible(row.id, row.name, row.carries) for row in rows)


def may_see_gate(place: Place, viewer: Viewer) -> bool:
    """Say whether a person works in the idea's lab and may open the page of its gate."""
    return place.publication is Publication.PUBLISHED and viewer.is_staff(place.lab_id)
