"""The programs that are measured: the product as ``livinglab serve`` runs it, and the bare view beside it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tests.bench.client import Reply, Request, ask_once
from tests.faults.harness import Program, free_port


@dataclass
class Site:
    """A program that answers on a port of this machine.

    Args:
        start_up_s: From the command to its first answer.
    """

    program: Program
    port: int
    began: float
    start_up_s: float = 0.0

    @property
    def root(self) -> psutil.Process:
        """The process all of its processes are children of."""
        return psutil.Process(self.program.process.pid)

    def ask(self, request: Request) -> Reply:
        """Ask once."""
        return ask_once(self.port, request)


def processes_for(url: str) -> int:
    """Return how many web processes ``livinglab serve`` takes for a database when nobody says."""
    return 1 if url.startswith("sqlite") else 2


def product(url: str, folder: Path, *, keep_pages: bool) -> Site:
    """Start the product in its production configuration."""
    port = free_port()
    program = Program(
        "serve",
        "--port",
        str(port),
        log=folder / f"serve-{port}.log",
        LIVINGLAB_DATABASE_URL=url,
        LIVINGLAB_INSTANCE=str(folder / "instance"),
        LIVINGLAB_KEEP_PAGES=str(int(keep_pages)),
    )
    return Site(program, port, time.monotonic())


def bare(url: str, folder: Path) -> Site:
    """Start the bare view with as many processes as the product takes for this database."""
    port = free_port()
    log = folder / f"bare-{port}.log"
    program = Program(str(port), str(processes_for(url)), log=log, module="tests.bench.bare")
    return Site(program, port, time.monotonic())


@contextmanager
def serving(sites: Sequence[Site]) -> Iterator[None]:
    """Wait until all of them answer, and leave nothing of them behind."""
    try:
        waiting = list(sites)
        while waiting:
            time.sleep(0.02)
            waiting = [site for site in waiting if not _answers(site)]
        yield
    finally:
        for site in sites:
            site.program.kill()


def _answers(site: Site) -> bool:
    assert site.program.lives, site.program.said
    with suppress(OSError):
        site.start_up_s = time.monotonic() - site.began
        return site.ask(Request("/healthz")).status in (200, 404)
    assert site.start_up_s < 120, site.program.said
    return False
