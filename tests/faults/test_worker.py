"""The worker killed while it delivers; two workers at once; jobs by hand beside them."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
import sqlalchemy as sa
from sqlmodel import col

from livinglab.core.journal import EventTodo
from livinglab.core.mail import OutboxMail
from livinglab.core.runs import JobRun
from livinglab.notices.models import Notice
from tests.faults.conftest import Ground
from tests.faults.harness import free_port, size, wait_for
from tests.faults.post import Sink, post_office, tell
from tests.faults.report import Row, Table

NOTICES = size(24, 500)
KILLS = size(2, int(os.environ.get("KILLS", "20")))


def left(ground: Ground) -> int:
    """Count what is still to be done: events not told, mails not sent."""
    with ground.database.reading() as session:
        mails = session.scalar(sa.select(sa.func.count()).where(col(OutboxMail.sent_at).is_(None))) or 0
        return mails + (session.scalar(sa.select(sa.func.count()).select_from(EventTodo)) or 0)


def leader(ground: Ground) -> int:
    """Return the process that ran a job last."""
    with ground.database.reading() as session:
        name = session.scalar(sa.select(JobRun.leader).order_by(col(JobRun.started_at).desc()).limit(1))
    return int(str(name).rpartition(":")[2]) if name else 0


def end_leases(ground: Ground) -> None:
    """Let the mails that a killed worker had in hand be due now, so that a short run need not wait for it."""
    with ground.database.writing() as session:
        session.execute(
            sa.update(OutboxMail)
            .where(col(OutboxMail.sent_at).is_(None))
            .values(next_try_at=OutboxMail.created_at)
        )


@pytest.mark.whole
def test_each_notice_is_delivered_once_though_the_leading_worker_is_killed_again_and_again(
    ground: Ground, table: Table
) -> None:
    sink, port = Sink(), free_port()
    taken = threading.Event()
    sink.on_taken = taken.set
    tell(ground.database, NOTICES)
    with post_office(sink, port):
        mail = {"LIVINGLAB_SMTP_URL": f"smtp://127.0.0.1:{port}"}
        workers = [ground.start("worker", **mail) for _ in range(2)]
        waits: list[float] = []
        for _ in range(KILLS):
            taken.clear()
            assert taken.wait(180), "nothing is delivered any more"  # a mail was taken this instant
            doomed = next((w for w in workers if w.process.pid == leader(ground)), None)
            if doomed is None or not left(ground):
                continue
            os.kill(doomed.process.pid, signal.SIGKILL)
            killed = time.monotonic()
            doomed.process.wait()
            doomed.start()  # what watches over it starts it again; until then the other one leads
            taken.clear()
            if taken.wait(180) and left(ground):
                waits.append(time.monotonic() - killed)
        if NOTICES < 100:
            time.sleep(1)
            end_leases(ground)
        wait_for(lambda: not left(ground), f"{left(ground)} are left", 400)
    with ground.database.reading() as session:
        notices = session.scalar(sa.select(sa.func.count()).select_from(Notice)) or 0
    lost = NOTICES - len(sink.taken)
    repeated = sum(sink.taken.values()) - len(sink.taken)
    table.rows.append(
        Row(
            f"leading worker killed {len(waits)} times in the midst of a mail, of two; {NOTICES} notices",
            ground.engine,
            acknowledged=NOTICES,
            lost=lost,
            doubled=abs(notices - NOTICES),
            recovery_s=sorted(waits)[len(waits) // 2] if waits else None,
            seen=f"{repeated} mails in flight repeated under the same Message-ID (rule N3 allows {len(waits)}); "
            f"recovery: next mail, median; longest {max(waits, default=0):.1f} s",
        )
    )
    assert waits, "nobody was killed"
    assert (lost, notices) == (0, NOTICES)
    assert repeated <= KILLS
    assert not any(worker.broke for worker in workers), [worker.broke for worker in workers]


@pytest.mark.whole
def test_workers_and_jobs_by_hand_at_once_deliver_each_notice_once(ground: Ground, table: Table) -> None:
    sink, port = Sink(), free_port()
    tell(ground.database, NOTICES)
    with post_office(sink, port):
        mail = {"LIVINGLAB_SMTP_URL": f"smtp://127.0.0.1:{port}"}
        ground.start("worker", **mail)
        ground.start("worker", **mail)
        wait_for(lambda: leader(ground), "no worker leads")
        hands = [
            ground.start("jobs", "once", name, **mail) for name in ("notices", "mails", "notices", "mails")
        ]
        wait_for(lambda: not left(ground), f"{left(ground)} are left", 300)
        codes = [hand.process.wait(60) for hand in hands]
    doubled = sum(sink.taken.values()) - len(sink.taken)
    lost = NOTICES - len(sink.taken)
    table.rows.append(
        Row(
            "two workers and four jobs by hand at once",
            ground.engine,
            acknowledged=NOTICES,
            lost=lost,
            doubled=doubled,
            seen="one worker leads; jobs by hand take only what is free",
        )
    )
    assert (lost, doubled, set(codes)) == (0, 0, {0}), [hand.said[-1500:] for hand in hands]


@pytest.mark.whole
def test_the_ledger_sees_a_mailer_that_says_sent_before_it_sends(ground: Ground, table: Table) -> None:
    sink, port = Sink(), free_port()
    many = size(40, 200)
    tell(ground.database, many)
    taken = threading.Event()
    sink.on_taken = taken.set
    assert ground.start("jobs", "once", "notices").process.wait(60) == 0
    with post_office(sink, port):
        mailer = ground.start("mailer", ground.url, str(port), module="tests.faults.controls")
        for _ in range(2):
            taken.clear()
            assert taken.wait(60), mailer.said
            mailer.kill()
            mailer.start()
        wait_for(lambda: not left(ground), "the control does not end")
        mailer.kill()
    lost = many - len(sink.taken)
    table.rows.append(
        Row("control: says sent before it sends; killed twice", ground.engine, many, lost, control=True)
    )
    assert lost
