"""Programs that do it wrong, so that we know the ledger would see it.

``python -m tests.faults.controls site PORT URL`` supports without a transaction and answers before it writes;
``… mailer FOLDER URL SMTP_PORT`` marks a mail as sent before it sends it.
"""

from __future__ import annotations

import queue
import smtplib
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs

import sqlalchemy as sa

URL_OF = "FAULTS_CONTROL_URL"


def careless_site() -> Any:
    """Answer first, write later, and count by reading the number and writing it back."""
    import os

    engine = sa.create_engine(
        os.environ[URL_OF].replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT"
    )
    waiting: queue.Queue[tuple[int, int]] = queue.Queue()

    def write() -> None:
        while True:
            idea, person = waiting.get()
            time.sleep(0.02)  # as long as it lies in memory only
            values = {"idea": idea, "person": person}
            with engine.connect() as line:
                for statement in (
                    "INSERT INTO support (idea_id, person_id, given_at, counts, staff) "
                    "VALUES (:idea, :person, '2026-01-01 00:00:00', true, false) ON CONFLICT DO NOTHING",
                    "INSERT INTO support_given (person_id, at) VALUES (:person, '2026-01-01 00:00:00')",
                ):
                    line.execute(sa.text(statement), values)
                number = line.scalar(sa.text("SELECT supports FROM idea_count WHERE idea_id = :idea"), values)
                time.sleep(0.005)  # what a template or a call to another service takes
                line.execute(
                    sa.text("UPDATE idea_count SET supports = :number WHERE idea_id = :idea"),
                    values | {"number": (number or 0) + 1},
                )

    for _ in range(4):
        threading.Thread(target=write, daemon=True).start()

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        parts = environ["PATH_INFO"].strip("/").split("/")
        if environ["REQUEST_METHOD"] == "POST":
            environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            person = parse_qs(environ["QUERY_STRING"])["person"][0]
            waiting.put((int(parts[1]), int(person)))
        start("200 OK", [("Content-Type", "text/html")])
        return [b'<input name="csrf_token" value="none">']

    return answer


def serve(port: int) -> None:
    """Serve it as the product is served: processes that come back when they are killed."""
    from livinglab.cli import processes

    processes.APP, factory = "tests.faults.controls", processes._WebProcesses
    from granian.constants import Interfaces
    from granian.log import LogLevels

    factory(
        "tests.faults.controls:careless_site",
        factory=True,
        address="127.0.0.1",
        port=port,
        workers=2,
        interface=Interfaces.WSGI,
        blocking_threads=4,
        log_level=LogLevels.warning,
    ).serve()


def careless_mailer(url: str, smtp_port: int) -> None:
    """Say "sent" first, in one transaction for all, and send then."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as line:
        rows = line.execute(
            sa.text("SELECT id, message_key, address FROM outbox_mail WHERE sent_at IS NULL LIMIT 20")
        ).all()
        for row in rows:
            line.execute(
                sa.text("UPDATE outbox_mail SET sent_at = created_at WHERE id = :id"), {"id": row.id}
            )
    for row in rows:
        with smtplib.SMTP("127.0.0.1", smtp_port, timeout=10) as server:
            server.sendmail(
                "a@example.org", row.address, f"Message-ID: <{row.message_key}@localhost>\n\nHello\n"
            )


if __name__ == "__main__":
    if sys.argv[1] == "site":
        serve(int(sys.argv[2]))
    else:
        while True:
            careless_mailer(sys.argv[2], int(sys.argv[3]))
