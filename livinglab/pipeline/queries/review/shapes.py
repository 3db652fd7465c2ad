"""What the page of a gate shows, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from livinglab.core.db import Texts
from livinglab.handoff.models import HandoffState, Outcome
from livinglab.ideas.models import CommentKind, Stage
from livinglab.people.rules import Face
from livinglab.pipeline.models import (
    DecisionOutcome,
    DeclineCode,
    Door,
    ProposalState,
)
from livinglab.pipeline.queries.places import EvidenceItem
from livinglab.pipeline.queries.standing import Whereabouts
from livinglab.pipeline.rules import Facts, Hand, Place, Want


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
