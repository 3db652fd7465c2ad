"""A mail server that can be told to misbehave, and a ledger of what reached it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from typing import Any

from aiosmtpd.controller import Controller

from livinglab.core.clock import utc_now
from livinglab.core.db import Database, known_id
from livinglab.core.journal import record
from tests.make import Make


class Sink:
    """Counts mails by Message-ID.

    Attributes:
        answer: What is said to a mail, such as ``"451 later"``; empty: it is taken.
        hang_s: So long it says nothing.
        on_taken: Called when a mail has been taken and its sender has not heard so yet.
    """

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.taken_at: list[float] = []
        self.answer = ""
        self.hang_s = 0.0
        self.on_taken: Callable[[], object] = lambda: None
        self.lock = threading.Lock()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a mail, or do what was told."""
        if self.hang_s:
            await asyncio.sleep(self.hang_s)
        if self.answer:
            return self.answer
        with self.lock:
            self.taken[str(message_from_bytes(envelope.content)["Message-ID"])] += 1
            self.taken_at.append(time.monotonic())
        self.on_taken()
        return "250 taken"


@contextmanager
def post_office(sink: Sink, port: int) -> Iterator[None]:
    """Open for as long as the block runs."""
    server = Controller(sink, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield
    finally:
        server.stop()


def tell(database: Database, many: int) -> None:
    """Write so many events, each of which is told to one author by mail, at once."""
    with database.writing() as session:
        make = Make(session)
        lab = make.lab(f"post-{time.monotonic_ns()}")
        for _ in range(many):
            idea = make.idea(lab, author=make.person())
            record(
                session,
                "idea-restored",
                at=utc_now(),
                actor_id=None,
                lab_id=lab.id,
                idea_id=known_id(idea.id),
            )
