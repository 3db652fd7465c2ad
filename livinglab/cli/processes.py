"""The web processes: granian, with one socket that outlives each of them.

The parent holds the socket and has loaded the program before it forks: while a process that was killed
comes back, connections wait instead of being refused, and the new one answers within half a second.
Source: decision 0003.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from granian.constants import Interfaces
from granian.log import LogLevels
from granian.net import SocketSpec  # type: ignore[attr-defined]
from granian.server.mp import MPServer

APP = "livinglab.app"
THREADS = 256
"""Threads of a process that may wait for a slow body; how many of them work at once, ``web.gates`` says."""
HOPELESS_S = 5.5
"""A process that ends by itself so soon after its start, twice, will not do better the third time."""


class _WebProcesses(MPServer):
    """Granian's parent, which never gives up because its processes were killed."""

    def _init_shared_socket(self) -> None:
        """Open one socket here for all processes; granian's own way gives each one that dies with it."""
        held: Any = SocketSpec(self.bind_addr, self.bind_port, self.backlog).build()
        self._shd, self._ssp = held, None
        self._sso = socket.socket(fileno=held.get_fd())
        self._sso.set_inheritable(True)

    def _serve_loop(self, spawn_target: Callable[..., None], target_loader: Callable[..., Any]) -> None:
        """Start a process again when it is gone; end when one cannot start at all.

        Two that go at the same instant are both seen: who is gone is asked of the processes themselves.
        """
        failed_at: dict[int, float] = {}
        while True:
            self.main_loop_interrupt.wait(1)
            self.main_loop_interrupt.clear()
            if self.interrupt_signal:
                return
            processes: list[Any] = self.wrks
            gone = [idx for idx, process in enumerate(processes) if not process.is_alive()]
            self.interrupt_children.clear()
            for idx in gone:
                if processes[idx].inner.exitcode >= 0:  # it ended by itself: nobody killed it
                    if time.monotonic() - failed_at.get(idx, 0) <= HOPELESS_S:
                        self.interrupt_children.append(idx)  # granian's word for exit code 1
                        return
                    failed_at[idx] = time.monotonic()
            if gone:
                self._respawn_workers(gone, spawn_target, target_loader)
            if self.reload_signal:
                self._reload(spawn_target, target_loader)  # type: ignore[no-untyped-call]

    def serve(self, *args: Any) -> None:
        """Serve; leaves out granian's warning about threads, as ours only wait."""
        super(MPServer, self).serve(*args)


ARENAS = -8
"""``M_ARENA_MAX`` of glibc's ``mallopt``."""


def _share_free_memory() -> None:
    """Let all threads share two heaps: each would else keep what it once needed. Only glibc does that."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(ARENAS, 2)


def serve_web(host: str, port: int, workers: int) -> None:
    """Serve the site with so many web processes until somebody asks to stop."""
    _share_free_memory()
    importlib.import_module(APP)  # loaded once, here: the processes are forked from this one
    gc.collect()
    gc.freeze()  # what is loaded stays: looking through it would only copy the pages that are shared
    _WebProcesses(
        f"{APP}:create_app",
        factory=True,
        address=host,
        port=port,
        workers=workers,
        interface=Interfaces.WSGI,
        blocking_threads=THREADS,
        log_level=LogLevels.warning,
    ).serve()
