"""What the board shows and can be narrowed by, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from livinglab.ideas.models import Activity, Stage
from livinglab.people.rules import Face
from livinglab.pipeline.queries.standing import (
    Standing,
)

ON_BOARD = (Activity.ACTIVE, Activity.REVIEW, Activity.HOLD)


SHOWS = {"late": ON_BOARD, "gate": (Activity.REVIEW,), "hold": (Activity.HOLD,)}
"""What a figure on top filters by; "late" asks the deadline besides."""


@dataclass(frozen=True, slots=True)
class BoardFilter:
    """What the address asks for.

    Args:
        labs: The labs the person may see, narrowed to the one chosen.
        box: Only the idea box: no challenge.
        show: A key of ``SHOWS`` or empty.
    """

    labs: tuple[int, ...]
    challenge_id: int | None = None
    box: bool = False
    unit_id: int | None = None
    lead_id: int | None = None
    show: str = ""

    @property
    def whole(self) -> bool:
        """Say whether everything in the labs is asked for."""
        return self.challenge_id is None and not self.box and self.unit_id is None and self.lead_id is None


@dataclass(frozen=True, slots=True)
class BenefitLine:
    """What a service changes, in one line."""

    label: str
    unit: str
    baseline: float
    target: float
    measured: float | None


@dataclass(frozen=True, slots=True)
class BoardCard:
    """One idea on the board."""

    standing: Standing
    title: str
    language: str
    lab_name: str
    lab_theme: str
    lead: Face | None
    benefit: BenefitLine | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One stage.

    Args:
        count: All ideas of the stage under the filter, not only the cards on this page.
        typical_days: Median stay of the ideas that went on from here; ``None`` while none did.
        after: Where the next page begins.
    """

    stage: Stage
    cards: tuple[BoardCard, ...]
    count: int
    late: int
    typical_days: int | None
    after: tuple[str, str, int] | None


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures on top, of everything under the filter."""

    late: int
    gate: int
    hold: int
    all: int


@dataclass(frozen=True, slots=True)
class Board:
    """The whole page."""

    columns: tuple[Column, ...]
    figures: Figures


@dataclass(frozen=True, slots=True)
class Tally:
    """Ideas of one stage by activity, and those overdue."""

    by_activity: dict[Activity, int]
    late: int
    late_by_activity: dict[Activity, int]

    def shown(self, show: str) -> int:
        """Return how many stand in the column under a figure's filter."""
        if show == "late":
            return self.late
        return sum(self.by_activity.get(activity, 0) for activity in SHOWS.get(show, ON_BOARD))

    def shown_late(self, show: str) -> int:
        """Return how many of them are overdue."""
        return sum(self.late_by_activity.get(activity, 0) for activity in SHOWS.get(show, ON_BOARD))
