"""What was measured, as figures to read by a machine (JSON) and by people (Markdown)."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench.aims import AIMS, Aim
from tests.bench.measuring import YARDSTICK, Cost, Measured, Run

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of the figures -->"


@dataclass(frozen=True)
class Side:
    """The product's or the control's side of a row. Times in milliseconds; medians of the rounds.

    Args:
        server_ms: Processor time of an answer in the server; ``database_ms``: in the database's processes.
    """

    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    server_ms: float
    database_ms: float
    answers: int
    wrong: int
    size: int


def side(costs: Sequence[Cost]) -> Side:
    """Sum up the laps of one side: percentiles of all answers, medians of the laps."""
    times = sorted(1000 * one for cost in costs for one in cost.lap.times)
    many = [max(1, len(cost.lap.times)) for cost in costs]
    median = statistics.median
    return Side(
        per_second=median(len(cost.lap.times) / cost.lap.seconds for cost in costs),
        p50_ms=_at(times, 0.5),
        p95_ms=_at(times, 0.95),
        p99_ms=_at(times, 0.99),
        server_ms=1000 * median(cost.server_s / n for cost, n in zip(costs, many, strict=True)),
        database_ms=1000 * median(cost.database_s / n for cost, n in zip(costs, many, strict=True)),
        answers=len(times),
        wrong=sum(cost.lap.wrong for cost in costs),
        size=round(median(cost.lap.mean_size for cost in costs)),
    )


def _at(times: Sequence[float], share: float) -> float:
    return times[min(len(times) - 1, int(share * len(times)))] if times else 0.0


@dataclass(frozen=True)
class Figures:
    """A row as it is told.

    Args:
        ratio: Processor time of the control by ours; 1 is as good as the control, 0.5 costs twice as much.
        p95: Our 95th percentile by the control's.
        growth: Our cost here by that in the smallest town, measured in turns with it.
    """

    key: str
    title: str
    engine: str
    ideas: int
    statements: int
    control: str
    ratio: float
    p95: float
    growth: float | None
    ours: Side
    theirs: Side


def figures(run: Run) -> list[Figures]:
    """Return the rows of one kind of database."""
    first = {one.row.key: one for one in reversed(run.rows)}
    return [_figures(run.towns.engine, one, first[one.row.key]) for one in run.rows]


def _figures(engine: str, one: Measured, smallest: Measured) -> Figures:
    ours, theirs = side(one.ours), side(one.control)
    return Figures(
        key=one.row.key,
        title=one.row.title,
        engine=engine,
        ideas=one.ideas,
        statements=one.statements,
        control="C" if one.row.direct else "F",
        ratio=one.ratio,
        p95=ours.p95_ms / theirs.p95_ms,
        growth=None if one is smallest else _growth(one, smallest),
        ours=ours,
        theirs=theirs,
    )


def _growth(one: Measured, smallest: Measured) -> float:
    cost = [statistics.median(lap.each_ms for lap in town.ours) for town in (smallest, one)]
    return cost[1] / cost[0]


@dataclass(frozen=True)
class Judged:
    """An aim and how near the run came: the worst of its rows."""

    aim: str
    engine: str
    where: str
    wanted: float
    got: float
    met: bool


def judged(run: Run) -> Iterator[Judged]:
    """Judge each aim in the largest town, or in that which it names."""
    engine, told = run.towns.engine, list(figures(run))
    sizes = {one.ideas for one in told}
    for aim in AIMS:
        size = aim.ideas if aim.ideas in sizes else max(sizes)
        got = list(_got(aim, [one for one in told if one.ideas == size], run))
        if got:
            value, where = (min if aim.least else max)(got)
            yield Judged(aim.title, engine, where, aim.wanted(engine), value, aim.met(engine, value))


def _got(aim: Aim, rows: Sequence[Figures], run: Run) -> Iterator[tuple[float, str]]:
    if aim.figure == "rss_mb":
        yield run.memory[-1].rss_mb, "web process"
    elif aim.figure == "swelling":
        yield run.memory[-1].rss_mb / run.memory[min(1, len(run.memory) - 1)].rss_mb, "web process"
    else:
        for one in rows:
            value = getattr(one, aim.figure)
            if one.key in aim.rows and value is not None:
                yield float(value), one.title


# ── for machines ────────────────────────────────────────────────────────────────────────────────


def as_data(runs: Sequence[Run], about: dict[str, Any]) -> dict[str, Any]:
    """Return all of it as plain data."""
    return {
        **about,
        "databases": [
            {
                "engine": run.towns.engine,
                "version": run.towns.version,
                "durability": run.durability,
                "database_time_seen": not run.towns.elsewhere,
                "start_up_s": run.start_up_s,
                "yardstick_ms": statistics.median(run.yardstick),
                "memory": [asdict(one) for one in run.memory],
                "rows": [asdict(one) for one in figures(run)],
                "aims": [asdict(one) for one in judged(run)],
            }
            for run in runs
        ],
    }


# ── for people ──────────────────────────────────────────────────────────────────────────────────

ROWS_HEAD = (
    "| work | ideas | answers/s | p50 ms | p95 ms | p99 ms | server ms | database ms | statements | bytes "
    "| control ms | ratio | growth |\n|---|" + "---:|" * 12 + "\n"
)
AIMS_HEAD = "| aim | database | wanted | got | | the worst row |\n|---|---|---:|---:|---|---|\n"


def as_text(runs: Sequence[Run], about: dict[str, Any]) -> str:
    """Write the tables."""
    parts = [
        f"Measured {about['day']} on {about['cores']} cores ({about['processor']}), Python {about['python']}; "
        f"{about['rounds']} rounds of {about['lap_s']:g} s for each row, {about['clients']} clients at once. "
        f"Load of the machine (1, 5, 15 minutes) before: {about['load_before']}; after: {about['load_after']}.\n"
    ]
    if about["busy"]:
        parts.append("\n**Measured while the machine did other work: provisional.**\n")
    parts += ["\n### Aims\n\n", AIMS_HEAD]
    parts += [_aim_line(one) for run in runs for one in judged(run)]
    for run in runs:
        parts += [f"\n### {run.towns.version}\n\n", _about(run), "\n", ROWS_HEAD]
        order = [one.row.key for one in run.rows]
        rows = sorted(figures(run), key=lambda one: (order.index(one.key), one.ideas))
        parts += [_line(one, elsewhere=run.towns.elsewhere) for one in rows]
    return "".join(parts)


def _about(run: Run) -> str:
    held = ", ".join(f"{one.rss_mb:.0f}" for one in run.memory)
    last = run.memory[-1]
    starts = statistics.median(run.start_up_s)
    told = (
        f"Commits: {run.durability}. Start to first answer: {starts:.1f} s (all servers of a run at once). "
        f"F of {YARDSTICK // 1000} kB: {statistics.median(run.yardstick):.2f} ms. "
        f"Memory of the largest web process after each round: {held} MB (at the end {last.pss_mb:.0f} MB of its own).\n"
    )
    if run.towns.elsewhere:
        told += "The database runs elsewhere: its processor time is not in these figures.\n"
    return told


def _line(one: Figures, *, elsewhere: bool) -> str:
    ours, theirs = one.ours, one.theirs
    in_server = one.engine == "sqlite" or elsewhere
    cells = (
        one.title + (f" ({ours.wrong} wrong answers)" if ours.wrong else ""),
        f"{one.ideas:,}".replace(",", " "),
        f"{ours.per_second:.0f}",
        f"{ours.p50_ms:.1f}",
        f"{ours.p95_ms:.1f}",
        f"{ours.p99_ms:.1f}",
        f"{ours.server_ms:.2f}",
        "–" if in_server else f"{ours.database_ms:.2f}",
        str(one.statements),
        str(ours.size),
        f"{theirs.server_ms + theirs.database_ms:.2f} {one.control}",
        f"{one.ratio:.2f} {one.control}",
        "" if one.growth is None else f"{one.growth:.2f}",
    )
    return f"| {' | '.join(cells)} |\n"


def _aim_line(one: Judged) -> str:
    return (
        f"| {one.aim} | {one.engine} | {one.wanted:g} | {one.got:.3g} "
        f"| {'met' if one.met else '**missed**'} | {one.where} |\n"
    )


def keep(text: str, page: Path = PAGE) -> None:
    """Put the tables between the two marks of the page about speed."""
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{rest.partition(END)[2]}", "utf-8")


def processor() -> str:
    """Return what the machine calls its processor."""
    file = Path("/proc/cpuinfo")
    told = file.read_text("utf-8") if file.exists() else ""
    names = [line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("model name")]
    return names[0] if names else os.uname().machine
