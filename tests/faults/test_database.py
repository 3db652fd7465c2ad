"""The database killed, frozen, and locked by somebody else, while people support ideas."""

from __future__ import annotations

import os
import time

import pytest

from tests.faults.conftest import Ground
from tests.faults.harness import Outcome, Traffic, judge, settle, size, wait_for
from tests.faults.report import Table
from tests.faults.servers import Postgres, locked

PEOPLE = size(6, 120)
AFTERWARDS_S = size(3, int(os.environ.get("AFTERWARDS", "60")))
"""So long people go on when the fault is over."""
LONG = 60


def acknowledged(traffic: Traffic, more: int) -> None:
    """Wait until so many more supports have been acknowledged, or all are."""
    done = len(traffic.ledger.done_at)
    wait_for(lambda: len(traffic.ledger.done_at) >= done + more or not traffic.busy, "nobody is answered")


def recovered(traffic: Traffic, since: float) -> float:
    """Return the seconds from the end of a fault to the next support."""
    assert traffic.busy, "there was too little to do: the fault met nobody"
    wait_for(lambda: traffic.ledger.seconds_to_next(since) is not None, "it does not recover by itself")
    return traffic.ledger.seconds_to_next(since) or 0.0


@pytest.mark.whole
def test_postgresql_is_killed_and_comes_back(
    postgres_ground: Ground, own_postgres: Postgres, table: Table
) -> None:
    ground = postgres_ground
    town = settle(ground.database, people=PEOPLE)
    _program, port = ground.serve()
    worker = ground.start("worker")
    times, waits = size(1, 5), []
    with Traffic(port, town, 16, think_s=0.05, visitor=True) as traffic:
        for _ in range(times):
            acknowledged(traffic, 50)
            own_postgres.kill()
            time.sleep(2)
            own_postgres.start()
            waits.append(recovered(traffic, time.monotonic()))
        traffic.wait(AFTERWARDS_S)
    ground.database.close()
    verdict = judge(ground.database, town, traffic.ledger)
    table.add(
        f"PostgreSQL killed {times} times, back after 2 s",
        ground.engine,
        verdict,
        traffic.ledger,
        recovery_s=max(waits),
        seen="recovery: the longest; the worker lives",
    )
    assert verdict.clean, verdict
    assert worker.lives


@pytest.mark.whole
def test_postgresql_is_frozen(postgres_ground: Ground, own_postgres: Postgres, table: Table) -> None:
    ground = postgres_ground
    seconds = size(3, 30)
    town = settle(ground.database, people=PEOPLE)
    _program, port = ground.serve()
    with Traffic(port, town, 16, think_s=0.05, visitor=True) as traffic:
        acknowledged(traffic, 50)
        with own_postgres.stopped():
            time.sleep(seconds)
        wait = recovered(traffic, time.monotonic())
        traffic.wait(AFTERWARDS_S)
    verdict = judge(ground.database, town, traffic.ledger)
    table.add(f"PostgreSQL frozen for {seconds} s", ground.engine, verdict, traffic.ledger, recovery_s=wait)
    assert verdict.clean, verdict
    assert not traffic.ledger.count(Outcome.UNKNOWN) + traffic.ledger.pages[Outcome.UNKNOWN]


@pytest.mark.parametrize("seconds", [3, pytest.param(LONG, marks=pytest.mark.whole)])
def test_somebody_else_holds_the_lock(ground: Ground, table: Table, seconds: int) -> None:
    """Three seconds are waited for; after a minute people have been told when to come back."""
    seconds = seconds if seconds > 3 else size(1, 3)
    town = settle(ground.database, people=PEOPLE)
    _program, port = ground.serve()
    with Traffic(port, town, 8, think_s=0.05, visitor=True) as traffic:
        acknowledged(traffic, 20)
        with locked(ground.url, seconds):
            time.sleep(seconds)
        wait = recovered(traffic, time.monotonic())
        traffic.wait(AFTERWARDS_S)
    verdict = judge(ground.database, town, traffic.ledger)
    table.add(f"database locked for {seconds} s", ground.engine, verdict, traffic.ledger, recovery_s=wait)
    assert verdict.clean, verdict
    pages, later = traffic.ledger.pages, traffic.ledger.count(Outcome.LATER)
    assert pages[Outcome.DONE] > pages.total() / 2, "readers are held up by who writes"
    assert not pages[Outcome.UNKNOWN]
    assert later or seconds < LONG, "nobody was told to come back"
