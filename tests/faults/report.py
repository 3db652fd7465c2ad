"""The table of what the faults did: printed at the end, and by ``make faults`` written to docs/faults.md."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from tests.faults.harness import FULL, Ledger, Outcome, Verdict, p95

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
MARK = "<!-- figures: written by make faults -->\n"
HEAD = (
    "| fault | database | acknowledged | lost | doubled | drift | 5xx but 503 | 503 | no answer | recovery s | seen |\n"
    "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|\n"
)


@dataclass(frozen=True)
class Row:
    """One line: a fault on one database.

    Args:
        recovery_s: From the end of the fault to the next acknowledged write, nothing restarted by hand.
        seen: What else there is to say, in a few words.
    """

    fault: str
    database: str
    acknowledged: int | None = None
    lost: int | None = None
    doubled: int | None = None
    drift: int | None = None
    wrong: int | None = None
    later: int | None = None
    unknown: int | None = None
    recovery_s: float | None = None
    seen: str = ""
    control: bool = False

    @property
    def line(self) -> str:
        """Write it as a line of the table."""
        shown = "–" if self.recovery_s is None else f"{self.recovery_s:.1f}"
        numbers = (
            self.acknowledged,
            self.lost,
            self.doubled,
            self.drift,
            self.wrong,
            self.later,
            self.unknown,
        )
        cells = [
            self.fault,
            self.database,
            *("–" if n is None else str(n) for n in numbers),
            shown,
            self.seen,
        ]
        return f"| {' | '.join(cells)} |\n"


class Table:
    """All rows of one run."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.not_here: list[str] = []
        self._began = time.monotonic()

    def add(
        self,
        fault: str,
        database: str,
        verdict: Verdict,
        ledger: Ledger,
        *,
        recovery_s: float | None = None,
        seen: str = "",
        control: bool = False,
    ) -> None:
        """Add what became of supports."""
        pages = ledger.pages
        if pages:
            answered = pages[Outcome.DONE]
            seen += f"{'; ' if seen else ''}{answered} of {pages.total()} pages read, p95 {p95(ledger.page_seconds):.1f} s"
        if verdict.said_later:
            seen += f"; {verdict.said_later} stored though told 503"
        self.rows.append(
            Row(
                fault,
                database,
                verdict.acknowledged,
                verdict.lost,
                verdict.doubled,
                verdict.drift,
                verdict.wrong,
                ledger.count(Outcome.LATER) + pages[Outcome.LATER],
                ledger.count(Outcome.UNKNOWN) + pages[Outcome.UNKNOWN],
                recovery_s,
                seen,
                control,
            )
        )

    def text(self) -> str:
        """Write the table with how it was measured."""
        ours = [row for row in self.rows if not row.control]
        sums = tuple(
            sum(getattr(row, what) or 0 for row in ours if row.drift is not None)
            for what in ("acknowledged", "lost")
        )
        load = " ".join(f"{one:.1f}" for one in os.getloadavg())
        lines = [
            f"Measured {time.strftime('%Y-%m-%d')} on {os.cpu_count()} cores in {(time.monotonic() - self._began) / 60:.0f} min, "
            f"{'full' if FULL else 'short'} run; load of the machine at the end (1, 5, 15 min): {load}.\n\n",
            HEAD,
            *(row.line for row in ours),
            f"\nSupports in sum: {sums[0]} acknowledged, {sums[1]} lost.\n\nControls, which must fail:\n\n",
            HEAD,
            *(row.line for row in self.rows if row.control),
        ]
        if self.not_here:
            lines += ["\nCould not be done here:\n", *(f"- {why}\n" for why in self.not_here)]
        return "".join(lines)

    def keep(self) -> None:
        """Put the table into the page about faults."""
        told = PAGE.read_text("utf-8").partition(MARK)[0] if PAGE.exists() else "# Faults\n\n"
        PAGE.write_text(f"{told}{MARK}\n{self.text()}", "utf-8")
