"""The program as an operator starts it: real processes, ended whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import SECRET

WITHIN_S = 90.0
"""Long enough for a machine that is busy with everything else; nothing waits that long on a quiet one."""


def wait_for(what: Callable[[], object], sorry: str, within_s: float = WITHIN_S) -> float:
    """Ask again and again until it is so.

    Returns:
        The seconds it took.
    """
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < within_s, sorry
        time.sleep(0.02)
    return time.monotonic() - began


def living() -> dict[int, int]:
    """Return the parent of each process that runs; what has ended and only waits to be counted does not."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,stat="], capture_output=True, text=True, check=True)
    lines = [line.split() for line in listed.stdout.splitlines()]
    return {int(pid): int(parent) for pid, parent, state in lines if not state.startswith("Z")}


class Program:
    """One started ``livinglab …`` and what it has said."""

    def __init__(self, arguments: tuple[str, ...], environment: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "livinglab", *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        """Everything it has printed until now."""
        return self._log.read_text("utf-8", errors="replace")

    def says(self, words: str) -> bool:
        """Whether it has printed this; it must not have ended before."""
        assert self.process.poll() is None, self.said
        return words in self.said

    def family(self) -> set[int]:
        """Return the processes of it and of everything it started."""
        parent_of = living()
        found, new = {self.process.pid}, {self.process.pid}
        while new:
            new = {child for child, parent in parent_of.items() if parent in new}
            found |= new
        return found

    def kill(self) -> None:
        """End it as a power cut would: no goodbye."""
        self.process.kill()
        self.process.wait()


Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the program: ``start("worker", LIVINGLAB_DATABASE_URL=…)``."""
    programs: list[Program] = []

    def act(*arguments: str, **settings: str) -> Program:
        bare = {name: value for name, value in os.environ.items() if not name.startswith("LIVINGLAB_")}
        told = {
            "LIVINGLAB_INSTANCE": str(tmp_path / "instance"),
            "LIVINGLAB_SECRET_KEY": SECRET,
            "PYTHONUNBUFFERED": "1",
        }
        log = tmp_path / f"program-{len(programs)}.log"
        programs.append(Program(arguments, {**bare, **told, **settings}, log))
        return programs[-1]

    yield act
    for program in programs:
        if program.process.poll() is None:
            for pid in program.family():
                os.kill(pid, signal.SIGKILL)
            program.process.wait()
