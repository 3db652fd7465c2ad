"""What we aim at: each line of the table that was promised, as a value of one row."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Aim:
    """One aim, judged in the largest town of a run, or in that of ``ideas`` ideas where there is one.

    Args:
        rows: Keys of the rows it is about.
        figure: ``ratio``, ``p95`` (of the control's), ``statements``, ``growth``, ``rss_mb`` or ``swelling``.
        least: The figure is at least so much; else at most.
    """

    title: str
    rows: tuple[str, ...]
    figure: str
    sqlite: float
    postgresql: float
    least: bool = False
    ideas: int | None = None

    def wanted(self, engine: str) -> float:
        """Return the value for a kind of database."""
        return self.sqlite if engine == "sqlite" else self.postgresql

    def met(self, engine: str, got: float) -> bool:
        """Say whether a figure is good enough."""
        return got >= self.wanted(engine) if self.least else got <= self.wanted(engine)


VISITED = ("list", "idea")
KEPT = ("list-kept", "list-revalidated", "idea-kept", "idea-revalidated")
SIGNED_IN = ("list-signed-in", "idea-signed-in")
WORK = ("search", "filters", "board", "queue", "moderation", "work")

AIMS = (
    Aim("list page, visitor, drawn", ("list",), "ratio", 0.45, 0.22, least=True),
    Aim("idea page with 20 comments, visitor, drawn", ("idea",), "ratio", 0.45, 0.30, least=True),
    Aim("the same pages kept and revalidated", KEPT, "ratio", 2.0, 2.0, least=True),
    Aim("list and idea page, signed in", SIGNED_IN, "ratio", 0.30, 0.15, least=True),
    Aim("statements: list, visitor", ("list",), "statements", 3, 3),
    Aim("statements: idea, visitor", ("idea",), "statements", 4, 4),
    Aim("statements: list, signed in", ("list-signed-in",), "statements", 6, 6),
    Aim("statements: idea, signed in", ("idea-signed-in",), "statements", 8, 8),
    Aim("statements: support", ("support",), "statements", 6, 6),
    Aim("giving support", ("support",), "ratio", 0.10, 0.08, least=True),
    Aim("search, filters, board, queues, my work: p95", WORK, "p95", 10, 10, ideas=100_000),
    Aim("growth", (*VISITED, *SIGNED_IN, "support", *WORK), "growth", 1.2, 1.2),
    Aim("memory of a web process, MB", ("",), "rss_mb", 150, 150),
    Aim("memory, last round by first", ("",), "swelling", 1.05, 1.05),
)
