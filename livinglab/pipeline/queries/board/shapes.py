"""What the board shows and can be narrowed by, as plain values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from livinglab.core.db import MOST_COUNTED
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
    def by_person(self) -> bool:
        """Say whether it is narrowed to what one unit or one lead has: no index of the board leads there."""
        return self.unit_id is not None or self.lead_id is not None


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
class Amount:
    """How many there are.

    Args:
        least: So many at least.
        sure: That is the number.
    """

    least: int = 0
    sure: bool = True

    def __bool__(self) -> bool:
        """Say whether there are any."""
        return self.least > 0

    @classmethod
    def of(cls, counted: Iterable[int]) -> Amount:
        """Add numbers counted up to ``MOST_COUNTED`` + 1 each; where one was more, say it in thousands."""
        numbers = tuple(counted)
        sure = all(number <= MOST_COUNTED for number in numbers)
        found = sum(numbers)
        return cls(found if sure else found // MOST_COUNTED * MOST_COUNTED, sure)


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
    count: Amount
    late: Amount
    typical_days: int | None
    after: tuple[str, str, int] | None


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures on top, of everything under the filter."""

    late: Amount
    gate: Amount
    hold: Amount
    all: Amount


@dataclass(frozen=True, slots=True)
class Board:
    """The whole page."""

    columns: tuple[Column, ...]
    figures: Figures


@dataclass(frozen=True, slots=True)
class Tally:
    """Ideas of one stage by activity, and those overdue: each up to ``MOST_COUNTED`` + 1."""

    by_activity: dict[Activity, int]
    late_by_activity: dict[Activity, int]

    def shown(self, show: str) -> Amount:
        """Return how many stand in the column under a figure's filter."""
        return self.shown_late(show) if show == "late" else Amount.of(self._of(self.by_activity, show))

    def shown_late(self, show: str) -> Amount:
        """Return how many of them are overdue."""
        return Amount.of(self._of(self.late_by_activity, show))

    def few(self, *activities: Activity) -> bool:
        """Say whether all ideas with these activities were counted."""
        return all(self.by_activity.get(activity, 0) <= MOST_COUNTED for activity in activities)

    def _of(self, numbers: dict[Activity, int], show: str) -> list[int]:
        return [numbers.get(activity, 0) for activity in SHOWS.get(show, ON_BOARD)]
