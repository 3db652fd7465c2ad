"""Several people at the same instant: everybody starts together, and how it ended is told by name."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.orm import Session

from livinglab.core.db import Database
from livinglab.core.errors import Refused

ROUNDS = int(os.environ.get("LIVINGLAB_ROUNDS", "15"))
"""The promise is for two hundred: ``LIVINGLAB_ROUNDS=200``; the suite runs a short version."""
Act = Callable[[Session], object]


def meet(database: Database, acts: Mapping[str, Act]) -> dict[str, str]:
    """Let everybody act at once, each in a transaction of their own.

    Returns:
        By name ``done``, or the code of the refusal. A database that gives up (a deadlock) is raised.
    """
    start = threading.Barrier(len(acts), timeout=60)

    def run(act: Act) -> str:
        start.wait()
        try:
            with database.writing() as session:
                act(session)
        except Refused as problem:
            return problem.code
        return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        futures = {name: pool.submit(run, act) for name, act in acts.items()}
        return {name: future.result(timeout=120) for name, future in futures.items()}
