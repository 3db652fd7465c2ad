"""The table of moves: which stage leads where, by whose hands, on which criteria. Source: rules S1–S4."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from livinglab.core.viewer import Role, Viewer
from livinglab.ideas.models import Activity, Stage
from livinglab.pipeline.models import DecisionOutcome, Door
from livinglab.pipeline.rules.criteria import GATE_1, GATE_2, GATE_3, Criterion

STAGES = tuple(Stage)
HOLD_DAYS = 180
"""A hold ends at most this many days ahead (rule S3)."""
REOPEN_DAYS = 180
"""A declined idea is reopened at most once in this many days (rule S5)."""
REOPEN_SUPPORTS = 25
"""New supports that reopen a declined idea by themselves (rule S5)."""


class Hand(StrEnum):
    """In which capacity somebody acts on one idea. "Own" as in DOMAIN section 3: named or a member."""

    FACILITATOR = "facilitator"
    OWN_LEAD = "own_lead"
    OWN_UNIT = "own_unit"
    MANAGER = "manager"


FIRST_GATE = frozenset({Hand.FACILITATOR, Hand.OWN_LEAD, Hand.MANAGER})
LATER_GATES = frozenset({Hand.OWN_LEAD, Hand.OWN_UNIT, Hand.MANAGER})
THE_RECEIVER = frozenset({Hand.OWN_UNIT, Hand.MANAGER})
NOBODY: frozenset[Hand] = frozenset()


@dataclass(frozen=True, slots=True)
class Move:
    """One row of the table.

    Args:
        deciders: Who may propose and who may confirm.
        one_of: Where not empty, at least one of the two deciders is one of these.
        activity: Where the idea stands afterwards.
    """

    gate: int
    outcome: DecisionOutcome
    source: Stage
    target: Stage
    activity: Activity
    deciders: frozenset[Hand]
    one_of: frozenset[Hand]
    criteria: tuple[Criterion, ...] = ()


_IDEA, _CONCEPT, _PROTOTYPE, _SERVICE = STAGES
_ADVANCE, _REWORK = DecisionOutcome.ADVANCE, DecisionOutcome.REWORK
_HOLD, _DECLINE = DecisionOutcome.HOLD, DecisionOutcome.DECLINE
_ACTIVE = Activity.ACTIVE

MOVES = (
    Move(1, _ADVANCE, _IDEA, _CONCEPT, _ACTIVE, FIRST_GATE, NOBODY, GATE_1),
    Move(1, _REWORK, _IDEA, _IDEA, _ACTIVE, FIRST_GATE, NOBODY),
    Move(1, _HOLD, _IDEA, _IDEA, Activity.HOLD, FIRST_GATE, NOBODY),
    Move(1, _DECLINE, _IDEA, _IDEA, Activity.DECLINED, FIRST_GATE, NOBODY),
    Move(2, _ADVANCE, _CONCEPT, _PROTOTYPE, _ACTIVE, LATER_GATES, THE_RECEIVER, GATE_2),
    Move(2, _REWORK, _CONCEPT, _CONCEPT, _ACTIVE, LATER_GATES, THE_RECEIVER),
    Move(2, _REWORK, _CONCEPT, _IDEA, _ACTIVE, LATER_GATES, THE_RECEIVER),
    Move(2, _HOLD, _CONCEPT, _CONCEPT, Activity.HOLD, LATER_GATES, THE_RECEIVER),
    Move(2, _DECLINE, _CONCEPT, _CONCEPT, Activity.DECLINED, LATER_GATES, THE_RECEIVER),
    Move(3, _ADVANCE, _PROTOTYPE, _SERVICE, _ACTIVE, LATER_GATES, THE_RECEIVER, GATE_3),
    Move(3, _REWORK, _PROTOTYPE, _PROTOTYPE, _ACTIVE, LATER_GATES, THE_RECEIVER),
    Move(3, _REWORK, _PROTOTYPE, _CONCEPT, _ACTIVE, LATER_GATES, THE_RECEIVER),
    Move(3, _REWORK, _PROTOTYPE, _IDEA, _ACTIVE, LATER_GATES, THE_RECEIVER),
    Move(3, _HOLD, _PROTOTYPE, _PROTOTYPE, Activity.HOLD, LATER_GATES, THE_RECEIVER),
    Move(3, _DECLINE, _PROTOTYPE, _PROTOTYPE, Activity.DECLINED, LATER_GATES, THE_RECEIVER),
)

DOORS: dict[Door, tuple[frozenset[Stage], frozenset[Activity]]] = {
    Door.THRESHOLD: (frozenset({_IDEA}), frozenset({Activity.ACTIVE})),
    Door.MONTHLY: (frozenset({_IDEA}), frozenset({Activity.ACTIVE})),
    Door.PICK: (frozenset({_IDEA}), frozenset({Activity.ACTIVE})),
    Door.REQUEST: (frozenset({_CONCEPT, _PROTOTYPE}), frozenset({Activity.ACTIVE})),
    Door.UNIT_ANSWER: (frozenset({_IDEA, _CONCEPT, _PROTOTYPE}), frozenset({Activity.ACTIVE, Activity.HOLD})),
    Door.REOPENED: (frozenset({_IDEA, _CONCEPT, _PROTOTYPE}), frozenset({Activity.DECLINED})),
}
"""From which stages and activities each door opens a review (rule S2)."""


def gate_of(stage: Stage) -> int | None:
    """Return the number of the gate after a stage; ``None`` after the last one."""
    at = STAGES.index(stage)
    return at + 1 if at + 1 < len(STAGES) else None


def stage_before(gate: int) -> Stage:
    """Return the stage a gate leads out of."""
    return STAGES[gate - 1]


def stage_after(gate: int) -> Stage:
    """Return the stage a gate leads into."""
    return STAGES[gate]


def find_move(source: Stage, outcome: DecisionOutcome, target: Stage | None = None) -> Move | None:
    """Return the row of the table, or ``None`` where there is no such move.

    Args:
        target: ``None`` means the usual one: the next stage, or the same for all but advance.
    """
    rows = [move for move in MOVES if move.source is source and move.outcome is outcome]
    if target is None:
        return rows[0] if rows else None
    return next((move for move in rows if move.target is target), None)


def criteria_of(gate: int) -> tuple[Criterion, ...]:
    """Return what the way forward through a gate needs."""
    return next(move.criteria for move in MOVES if move.gate == gate and move.outcome is _ADVANCE)


def deciders_of(gate: int) -> frozenset[Hand]:
    """Return who decides at a gate; the same for each outcome."""
    return next(move.deciders for move in MOVES if move.gate == gate)


def hands_of(viewer: Viewer, *, lab_id: int, lead_id: int | None, unit_id: int | None) -> frozenset[Hand]:
    """Return in which capacities a person may act on an idea. Source: DOMAIN section 3.

    Args:
        unit_id: Receiving unit of the idea's open handoff.
    """
    held = {
        Hand.FACILITATOR: viewer.has(lab_id, Role.FACILITATOR),
        Hand.OWN_LEAD: lead_id is not None and viewer.person_id == lead_id and viewer.has(lab_id, Role.LEAD),
        Hand.OWN_UNIT: unit_id is not None and unit_id in viewer.units,
        Hand.MANAGER: viewer.has(lab_id, Role.MANAGER),
    }
    return frozenset(hand for hand, holds in held.items() if holds)


def legal_path(steps: Iterable[tuple[Stage, DecisionOutcome, Stage]]) -> bool:
    """Say whether decisions in their order are a walk through the table that starts at idea. Source: I-6."""
    at = Stage.IDEA
    for source, outcome, target in steps:
        if source is not at or find_move(source, outcome, target) is None:
            return False
        at = target
    return True
