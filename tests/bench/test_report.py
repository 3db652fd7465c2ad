"""A very short run: every row is measured and counted, and the tables say so. No time is judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench.__main__ import measure, plan_of
from tests.bench.aims import AIMS
from tests.bench.client import Lap
from tests.bench.measuring import Cost, Measured, Plan, Run
from tests.bench.meters import Memory
from tests.bench.report import BEGIN, END, as_data, as_text, figures, judged, keep
from tests.bench.rows import ROWS
from tests.bench.towns import Towns

SHORT = ("list", "list-kept", "list-revalidated", "idea-signed-in", "support")
"""One row of each kind."""
TINY = Plan(
    sizes=(150,),
    engines=("sqlite",),
    rounds=1,
    lap_s=0.01,
    kept_lap_s=0.01,
    clients=1,
    sample=2,
    rows=tuple(row for row in ROWS if row.key in SHORT),
)


def test_a_run_fills_every_row_and_tells_it(tmp_path: Path) -> None:
    said: list[str] = []
    (run,), about = measure(TINY, tmp_path / "bench", said.append)
    assert said[0].startswith("Load of the machine")
    _every_row_is_complete(run)
    told = json.loads(json.dumps(as_data([run], about)))["databases"][0]
    assert [one["key"] for one in told["rows"]] == list(SHORT)
    assert told["durability"] == "WAL, synchronous=FULL"
    assert told["yardstick_ms"] > 0
    held = {aim.title for aim in AIMS if {"", *SHORT}.intersection(aim.rows) and aim.figure != "growth"}
    assert {one["aim"] for one in told["aims"]} == held
    assert len(list((tmp_path / "bench").iterdir())) == 1, "the town is kept, the copy is not"
    _tables_stand_between_the_marks(as_text([run], about), tmp_path / "page.md")


def _every_row_is_complete(run: Run) -> None:
    for one in run.rows:
        assert len(one.ours) == len(one.control) == TINY.rounds
        assert one.ratio > 0, one.row.title
        assert all(cost.lap.times and not cost.lap.wrong for cost in (*one.ours, *one.control)), one.row.title
        assert (one.statements == 0) is one.row.lives, one.row.title
    assert all(one.rss_mb > 10 for one in run.memory)
    assert all(seconds > 0 for seconds in run.start_up_s)


def _tables_stand_between_the_marks(text: str, page: Path) -> None:
    page.write_text(f"Before.\n{BEGIN}\nold\n{END}\nAfter.\n", "utf-8")
    keep(text, page)
    told = page.read_text("utf-8")
    assert told.startswith("Before.\n")
    assert told.endswith(f"{END}\nAfter.\n")
    assert "old\n" not in told
    assert all(row.title in told for row in TINY.rows)


def test_ratio_and_growth_are_of_processor_time_and_the_worst_row_is_judged() -> None:
    small, large = (
        [_measured(key, ideas, ours_s) for key, ours_s in (("list-signed-in", a), ("idea-signed-in", b))]
        for ideas, a, b in ((100, 0.2, 0.2), (1000, 0.2, 0.8))
    )
    run = Run(
        Towns("sqlite", "SQLite"), [*small, *large], [1.0], "FULL", [Memory(140, 90), Memory(160, 90)], [1.0]
    )
    assert [(one.ratio, one.growth) for one in figures(run)] == [
        (0.5, None),
        (0.5, None),
        (0.5, 1),
        (0.125, 4),
    ]
    verdicts = {one.aim: (one.got, one.met, one.where) for one in judged(run)}
    assert verdicts["list and idea page, signed in"] == (
        0.125,
        False,
        "idea page with 20 comments, signed in",
    )
    assert verdicts["growth"] == (4, False, "idea page with 20 comments, signed in")
    assert verdicts["statements: list, signed in"] == (5, True, "list page, signed in")
    assert verdicts["memory of a web process, MB"] == (160, False, "web process")


def _measured(key: str, ideas: int, ours_s: float) -> Measured:
    row = next(row for row in ROWS if row.key == key)
    lap = Lap(1.0, [0.1] * 10, 1000)
    ours, control = Cost(lap, ours_s / 2, ours_s / 2), Cost(lap, 0.1, 0.0)
    return Measured(row, ideas, 5, [ours] * 3, [control] * 3)


def test_every_aim_is_about_rows_there_are_and_every_row_has_one() -> None:
    keys = {row.key for row in ROWS}
    assert {key for aim in AIMS for key in aim.rows if key} == keys


@pytest.mark.parametrize(
    ("asked", "sizes", "rounds"),
    [
        ({}, (1_000, 100_000), 5),
        ({"SIZE": "1000000"}, (1_000, 100_000, 1_000_000), 5),
        ({"QUICK": "1"}, (1_000,), 2),
        ({"SIZES": "500,200", "ROUNDS": "7", "ROWS": "idea"}, (200, 500), 7),
    ],
)
def test_settings_say_how_much_is_measured(
    asked: dict[str, str], sizes: tuple[int, ...], rounds: int
) -> None:
    plan = plan_of(asked)
    assert (plan.sizes, plan.rounds) == (sizes, rounds)
    assert [row.key for row in plan.rows] == (
        [asked["ROWS"]] if "ROWS" in asked else [row.key for row in ROWS]
    )
