"""Web processes killed, again and again, while many people support ideas."""

from __future__ import annotations

import os
import signal
import statistics
import time

import pytest

from tests.faults.conftest import Ground
from tests.faults.controls import URL_OF
from tests.faults.harness import (
    PER_PERSON,
    Browser,
    Outcome,
    Program,
    Town,
    Traffic,
    free_port,
    judge,
    send,
    serving,
    settle,
    size,
    wait_for,
)
from tests.faults.report import Table

SUPPORTS = size(120, int(os.environ.get("SUPPORTS", "10000")))
CLIENTS = size(8, 32)
EVERY_S = 0.5
KILLS = size(3, int(os.environ.get("WEB_KILLS", "400")))
"""At most; on a quiet machine the errands are done before."""


def kill_again_and_again(program: Program, traffic: Traffic, least: int, most: int = 100_000) -> list[float]:
    """Kill the oldest web process each half second in which somebody was answered, until all errands are done.

    Returns:
        The seconds from each kill to the next acknowledged support.
    """
    kills: list[float] = []
    while traffic.busy and len(kills) < most:
        done = len(traffic.ledger.done_at)
        time.sleep(EVERY_S)
        wait_for(
            lambda: len(traffic.ledger.done_at) > done or not traffic.busy, "nobody is answered any more"
        )
        living = sorted(program.web_processes(), key=lambda process: process.pid)
        if traffic.busy and living:
            send(living[0], signal.SIGKILL)
            kills.append(time.monotonic())
        assert program.lives, program.said
    traffic.wait()
    waits = [wait for at in kills if (wait := traffic.ledger.seconds_to_next(at)) is not None]
    assert len(waits) >= least, "nobody was killed"
    return waits


def test_no_support_is_lost_or_doubled_when_web_processes_are_killed_every_half_second(
    ground: Ground, table: Table
) -> None:
    town = settle(ground.database, people=-(-SUPPORTS // PER_PERSON))
    program, port = ground.serve("--workers", "2")
    with Traffic(port, town, CLIENTS) as traffic:
        waits = kill_again_and_again(program, traffic, least=2, most=KILLS)
    wait_for(lambda: serving(port), "it does not serve any more")
    verdict = judge(ground.database, town, traffic.ledger)
    table.add(
        f"one of two web processes killed every half second, {len(waits)} times; {CLIENTS} clients",
        ground.engine,
        verdict,
        traffic.ledger,
        recovery_s=statistics.median(waits),
        seen=f"recovery: median; longest {max(waits):.1f} s",
    )
    assert verdict.acknowledged >= 0.8 * SUPPORTS  # one browser in ten gives up after each silence
    assert verdict.clean, (verdict, program.broke)
    assert not program.broke, program.broke[0]


class _Careless(Browser):
    """A browser for the control, which knows nobody by cookie."""

    def support(self, idea: int):  # type: ignore[no-untyped-def]
        return self.ask("POST", f"/ideas/{idea}/support?person={self._cookie}", b"x=1")


@pytest.mark.whole
def test_the_ledger_sees_a_site_that_answers_before_it_writes(
    ground: Ground, table: Table, monkeypatch
) -> None:
    monkeypatch.setattr("tests.faults.harness.Browser", _Careless)
    town = settle(ground.database, people=size(8, 34))
    town = Town({person: str(person) for person in town.cookies}, town.ideas)
    port = free_port()
    program = ground.start("site", str(port), module="tests.faults.controls", **{URL_OF: ground.url})
    wait_for(lambda: serving(port) or not program.lives, "the control does not serve")
    with Traffic(port, town, 4, think_s=0.02) as traffic:
        kill_again_and_again(program, traffic, least=1)
    time.sleep(1)
    verdict = judge(ground.database, town, traffic.ledger)
    table.add(
        "control: answers before it writes, counts without a transaction; killed the same way",
        ground.engine,
        verdict,
        traffic.ledger,
        control=True,
    )
    assert verdict.lost
    assert verdict.drift
    assert traffic.ledger.count(Outcome.DONE)
