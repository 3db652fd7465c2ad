"""``make bench``: build, serve, measure, report. It never fails for being slow.

Settings by environment: ``SIZES=1000,100000`` (or ``SIZE=1000000`` for one more), ``ENGINES=sqlite,postgresql``,
``ROWS=list,idea`` (keys of ``rows.py``; all), ``ROUNDS=5``, ``LAP=0.5`` (seconds), ``CLIENTS=4``, ``QUICK=1`` (a thousand ideas, two short rounds) and
``WRITE=0`` (leave docs/performance.md alone; also without QUICK).
"""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.measuring import Measuring, Plan, Run, Say
from tests.bench.report import as_data, as_text, keep, processor
from tests.bench.rows import ROWS
from tests.bench.towns import towns

CALM = 0.6
"""With more load than this before it began, the figures are called provisional."""
BENCH = Path(os.environ.get("LIVINGLAB_INSTANCE", "instance")) / "bench"


def plan_of(asked: Mapping[str, str]) -> Plan:
    """Read the settings."""
    quick = asked.get("QUICK", "") not in ("", "0")
    sizes = {int(one) for one in asked.get("SIZES", "1000" if quick else "1000,100000").split(",")}
    if asked.get("SIZE"):
        sizes.add(int(asked["SIZE"]))
    lap_s = float(asked.get("LAP", "0.1" if quick else "0.5"))
    return Plan(
        sizes=tuple(sorted(sizes)),
        engines=tuple(asked.get("ENGINES", "sqlite,postgresql").split(",")),
        rounds=int(asked.get("ROUNDS", "2" if quick else "5")),
        lap_s=lap_s,
        kept_lap_s=lap_s if quick else max(lap_s, Plan.kept_lap_s),
        clients=int(asked.get("CLIENTS", "4")),
        rows=tuple(row for row in ROWS if row.key in asked.get("ROWS", row.key).split(",")),
    )


def measure(plan: Plan, kept: Path, say: Say) -> tuple[list[Run], dict[str, Any]]:
    """Measure all that is planned, one kind of database after the other.

    Returns:
        What was measured, and on what machine.
    """
    before, began = os.getloadavg(), time.monotonic()
    say(f"Load of the machine (1, 5, 15 minutes): {_load(before)}")
    runs = []
    with tempfile.TemporaryDirectory(prefix="livinglab-bench-") as folder:
        for engine in plan.engines:
            with towns(engine, kept) as kind:
                runs.append(Measuring(kind, plan, Path(folder), say).run())
    about = {
        "day": time.strftime("%Y-%m-%d"),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "cores": os.cpu_count(),
        "processor": processor(),
        "python": platform.python_version(),
        "load_before": _load(before),
        "load_after": _load(os.getloadavg()),
        "busy": before[0] > CALM,
        "rounds": plan.rounds,
        "lap_s": plan.lap_s,
        "clients": plan.clients,
    }
    return runs, about


def _load(load: Sequence[float]) -> str:
    return " ".join(f"{one:.1f}" for one in load)


class _Progress:
    """One line that is written anew on a terminal; elsewhere a line for each round."""

    def __init__(self) -> None:
        self._before = ""

    def __call__(self, what: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{what[:110]}", end="", file=sys.stderr, flush=True)
            return
        head = what.rpartition(" · ")[0] or what
        if head != self._before:
            print(head, file=sys.stderr, flush=True)
        self._before = head


def main() -> None:
    """Run from the command line."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # leave no server behind
    plan, progress = plan_of(os.environ), _Progress()
    runs, about = measure(plan, BENCH.absolute(), progress)
    text = as_text(runs, about)
    data = json.dumps(as_data(runs, about), indent=1, ensure_ascii=False)
    (BENCH.parent / "bench.json").write_text(data, "utf-8")
    print(f"\n{text}")
    default = "0" if os.environ.get("QUICK", "0") not in ("", "0") else "1"
    if os.environ.get("WRITE", default) == "1":
        keep(text)


if __name__ == "__main__":
    main()
