"""How the promise is kept, in pure numbers. Source: rule H6."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

DAY_SECONDS = 86_400


def nearest_rank(ordered: Sequence[int], percent: int) -> int | None:
    """Return the value at the ⌈p·n/100⌉-th place of ordered values, so always one that occurred."""
    return ordered[max(1, ceil(len(ordered) * percent / 100)) - 1] if ordered else None


@dataclass(frozen=True, slots=True)
class Promise:
    """How a lab keeps its promise of an answer.

    Args:
        answered: First answers given in the window.
        expected: Those, and the ones that were due in it and have not come.
        in_time: First answers given by their deadline.
        median_days: Half of the answers took at most this many days, pauses apart; ``None``: no answer yet.
        ninth_days: Nine of ten took at most this many.
        late: Ideas that wait beyond a deadline just now, up to a most that is counted.
        newest_only: There were more answers; the newest were looked at.
    """

    answered: int = 0
    expected: int = 0
    in_time: int = 0
    median_days: int | None = None
    ninth_days: int | None = None
    late: int = 0
    newest_only: bool = False

    @property
    def share(self) -> int | None:
        """Return the percentage answered in time, rounded down; ``None`` where nothing was due."""
        return 100 * self.in_time // self.expected if self.expected else None


def promise(
    answers: Iterable[tuple[int, bool]], *, missing: int, late: int, newest_only: bool = False
) -> Promise:
    """Return the figures.

    Args:
        answers: Seconds used and whether in time, one for each first answer.
        missing: First answers that were due and have not come.
        newest_only: There were more answers than these.
    """
    found = list(answers)
    days = sorted(max(1, ceil(seconds / DAY_SECONDS)) for seconds, _ in found)
    return Promise(
        answered=len(found),
        expected=len(found) + missing,
        in_time=sum(in_time for _, in_time in found),
        median_days=nearest_rank(days, 50),
        ninth_days=nearest_rank(days, 90),
        late=late,
        newest_only=newest_only,
    )
