"""Where one idea stands, as far as the rules need to know, and what a decider writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Activity, Publication, Stage
from livinglab.pipeline.models import DecisionOutcome, DeclineCode
from livinglab.pipeline.rules.stages import Hand, gate_of, hands_of


@dataclass(frozen=True, slots=True)
class OpenProposal:
    """The proposal that waits for a second decider.

    Args:
        hands: In which capacities its writer acts now; empty once a role was lost.
    """

    id: int
    version: int
    by_id: int
    outcome: DecisionOutcome
    to_stage: Stage | None
    reason: str
    deviations: Mapping[str, str]
    hold_until: date | None
    decline_code: DeclineCode | None
    would_change: str
    hands: frozenset[Hand] = frozenset()


@dataclass(frozen=True, slots=True)
class Place:
    """Where one idea stands, as far as the rules of the pipeline need to know.

    Args:
        unit_id: Receiving unit of the open handoff.
        authors: Author, co-authors and merged authors; they never decide.
        deciders: How many persons a decision needs in this lab: 2, or 1 by setting.
        move: Counter that a change of stage or activity compares and sets (rule S6).
    """

    idea_id: int
    lab_id: int
    stage: Stage
    activity: Activity
    publication: Publication
    move: int = 0
    round: int = 1
    lead_id: int | None = None
    unit_id: int | None = None
    authors: frozenset[int] = frozenset()
    deciders: int = 2
    review_id: int | None = None
    proposal: OpenProposal | None = None

    @property
    def gate(self) -> int | None:
        """Return the number of the gate ahead."""
        return gate_of(self.stage)

    def hands(self, viewer: Viewer) -> frozenset[Hand]:
        """Return in which capacities somebody may act here."""
        return hands_of(viewer, lab_id=self.lab_id, lead_id=self.lead_id, unit_id=self.unit_id)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a decider writes. Source: rule S3.

    Args:
        to_stage: For rework an earlier stage, or ``None`` to stay.
        deviations: Public reason by code of a criterion that is not met.
    """

    outcome: DecisionOutcome
    reason: str
    to_stage: Stage | None = None
    deviations: Mapping[str, str] = field(default_factory=dict)
    hold_until: date | None = None
    decline_code: DeclineCode | None = None
    would_change: str = ""
