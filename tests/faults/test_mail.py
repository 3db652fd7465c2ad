"""The mail server refuses, hangs, says later or never; then it is well again."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest
import sqlalchemy as sa
from sqlmodel import col

from livinglab.core.mail import OutboxMail
from tests.faults.conftest import Ground
from tests.faults.harness import free_port, size, wait_for
from tests.faults.post import Sink, post_office, tell
from tests.faults.report import Row, Table
from tests.faults.test_worker import left

MAILS = size(6, 40)
ILL_S = size(8, 30)


def tried(ground: Ground) -> bool:
    """Whether a mail has failed and is kept."""
    with ground.database.reading() as session:
        return bool(
            session.scalar(sa.select(OutboxMail.id).where(col(OutboxMail.last_error).is_not(None)).limit(1))
        )


@pytest.mark.whole
@pytest.mark.parametrize("illness", ["refuses", "hangs at the greeting", "says 451", "says 550"])
def test_no_mail_is_lost_when_the_mail_server_is_ill(ground: Ground, table: Table, illness: str) -> None:
    sink, port = Sink(), free_port()
    sink.answer = {"says 451": "451 later", "says 550": "550 never"}.get(illness, "")
    tell(ground.database, MAILS)
    worker = ground.start("worker", LIVINGLAB_SMTP_URL=f"smtp://127.0.0.1:{port}")
    ill = {"refuses": nullcontext, "hangs at the greeting": lambda: deaf(port)}.get(illness)
    with ill() if ill else nullcontext(), post_office(sink, port) if not ill else nullcontext():
        wait_for(lambda: tried(ground), "no mail was tried", 180)
        time.sleep(ILL_S)
    assert not sink.taken
    sink.answer = ""
    well = time.monotonic()
    with post_office(sink, port):
        wait_for(lambda: sink.taken, "nothing is delivered again", 300)
        first = sink.taken_at[0] - well
        wait_for(lambda: not left(ground), f"{left(ground)} mails are left", 400)
    doubled = sum(sink.taken.values()) - len(sink.taken)
    lost = MAILS - len(sink.taken)
    table.rows.append(
        Row(
            f"mail server {illness} for {ILL_S} s",
            ground.engine,
            MAILS,
            lost,
            doubled,
            recovery_s=first,
            seen=f"the last of {MAILS} mails after {max(sink.taken_at) - well:.0f} s",
        )
    )
    assert (lost, doubled) == (0, 0)
    assert worker.lives


@contextmanager
def deaf(port: int) -> Iterator[None]:
    """Take every connection and say nothing."""
    with socket.create_server(("127.0.0.1", port), backlog=50):
        yield
