"""What a piece of work costs: processor time of whole families of processes, and their memory."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]
import psycopg


def processor_seconds(root: psutil.Process) -> float:
    """Return the processor time a process and all its children have used, those that ended included.

    On Linux the clock of each process is read, which counts nanoseconds and all its threads; the columns
    utime and stime of ``/proc/PID/stat`` are the same figure in hundredths of a second.
    """
    spent = 0.0
    for one in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess, OSError):
            spent += _own_seconds(one)
    ended = root.cpu_times()
    return spent + getattr(ended, "children_user", 0.0) + getattr(ended, "children_system", 0.0)


def _own_seconds(process: psutil.Process) -> float:
    if sys.platform == "linux":
        return time.clock_gettime((~process.pid << 3) | 2)  # clock_getcpuclockid(3), which Python lacks
    times = process.cpu_times()
    return float(times.user + times.system)


@dataclass(frozen=True)
class Memory:
    """What a web process holds.

    Args:
        rss_mb: All pages it has in memory, those it shares with its parent included.
        pss_mb: The same, shared pages divided by those who share them; 0 where the system does not tell.
    """

    rss_mb: float
    pss_mb: float


def memory(processes: list[psutil.Process]) -> Memory:
    """Return the memory of the largest of some processes."""
    told = [process.memory_full_info() for process in processes]
    return Memory(
        max(one.rss for one in told) / 1e6,
        max(getattr(one, "pss", 0) for one in told) / 1e6,
    )


def postmaster(url: str) -> psutil.Process | None:
    """Return the process all of a PostgreSQL's processes are children of, or ``None`` where it runs elsewhere."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert found is not None
        with suppress(psutil.Error):
            backend = psutil.Process(found[0])
            if backend.name().startswith("postgres"):
                return backend.parent()
    return None
