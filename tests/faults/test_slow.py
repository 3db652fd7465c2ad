"""Slow senders beside ordinary visitors: twenty bodies and two hundred connections that never come to an end."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.faults.conftest import Ground
from tests.faults.harness import Browser, p95, serving, settle, size, wait_for
from tests.faults.report import Row, Table

BODIES, CONNECTIONS = 20, 200
ROUNDS = size(4, 20)
HEAD = b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@contextmanager
def dribbling(port: int) -> Iterator[None]:
    """Send bodies and heads a byte at a time."""
    stop = threading.Event()
    with ExitStack() as stack:
        lines = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            for _ in range(BODIES + CONNECTIONS)
        ]
        for line in lines[:BODIES]:
            line.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
        for line in lines[BODIES:]:
            line.sendall(b"GET / HTTP/1.1\r\nHost: 127")

        def dribble() -> None:
            while not stop.wait(1):
                for line in lines:
                    try:
                        line.sendall(b"x")
                    except OSError:  # the server has had enough of this one
                        continue

        thread = threading.Thread(target=dribble)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def test_slow_senders_hold_up_no_ordinary_visitor(ground: Ground, table: Table) -> None:
    town = settle(ground.database, people=1)
    _program, port = ground.serve()
    [cookie] = town.cookies.values()
    seconds: list[float] = []
    answered = asked = 0
    with dribbling(port):
        time.sleep(1.5)
        browsers = [Browser(port), Browser(port, cookie)]
        for turn in range(ROUNDS * 5):
            path = ("/?lang=en", f"/ideas/{town.ideas[turn % 30]}?lang=en", "/healthz")[turn % 3]
            began = time.monotonic()
            status = browsers[turn % 2].get(path).status
            seconds.append(time.monotonic() - began)
            asked += 1
            answered += status == 200
        saved = browsers[1].support(town.ideas[40]).status
        for browser in browsers:
            browser.close()
    table.rows.append(
        Row(
            f"{BODIES} slow bodies and {CONNECTIONS} slow connections, no proxy in front",
            ground.engine,
            seen=f"{answered} of {asked} visitors answered, p95 {p95(seconds):.2f} s; a support meanwhile: {saved}",
        )
    )
    assert (answered, saved) == (asked, 303)
    assert p95(seconds) < size(10, 1), sorted(seconds)[
        -5:
    ]  # a second on a quiet machine; without gates, never
    wait_for(lambda: serving(port), "it does not answer afterwards")
