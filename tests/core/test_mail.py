"""How mails leave: over a safe line, or into files that only the program reads."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from flask import Flask
from sqlmodel import col, select

from livinglab.core.db import Database
from livinglab.core.mail import FileTransport, MailServerAway, OutboxMail, SmtpTransport, queue_mail
from livinglab.jobs import deliver_mails


class Postman:
    """Takes every mail."""

    def __init__(self) -> None:
        self.got: list[str] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.got.append(envelope.rcpt_tos[0])
        return "250 taken"


@pytest.fixture
def postman() -> Iterator[tuple[Postman, int]]:
    """Start a mail server without TLS on the loopback; return what it takes and its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    takes = Postman()
    server = Controller(takes, hostname="127.0.0.1", port=port)
    server.start()
    yield takes, port
    server.stop()


def mail() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", "Hello"
    message["Message-ID"], message["X-Livinglab-Queued"] = "<key@example.org>", "20260302T120000"
    message.set_content("A link to sign in.")
    return message


def test_a_mail_server_on_this_machine_needs_no_tls(postman: tuple[Postman, int]) -> None:
    SmtpTransport(f"smtp://127.0.0.1:{postman[1]}").send(mail())
    assert postman[0].got == ["b@example.org"]


def test_a_password_never_goes_over_an_open_line(postman: tuple[Postman, int]) -> None:
    with pytest.raises(smtplib.SMTPNotSupportedError):
        SmtpTransport(f"smtp://user:secret@127.0.0.1:{postman[1]}").send(mail())
    assert postman[0].got == []


def test_a_server_elsewhere_must_offer_tls(
    postman: tuple[Postman, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = socket.create_connection
    monkeypatch.setattr(
        socket, "create_connection", lambda _there, *a, **k: here(("127.0.0.1", postman[1]), *a, **k)
    )
    with pytest.raises(smtplib.SMTPNotSupportedError):
        SmtpTransport("smtp://mail.example.org").send(mail())
    SmtpTransport("smtp+plain://mail.example.org").send(mail())
    assert postman[0].got == ["b@example.org"]


def test_mails_in_files_are_for_the_program_alone(tmp_path: Path) -> None:
    FileTransport(tmp_path / "outbox").send(mail())
    [file] = (tmp_path / "outbox").iterdir()
    assert (file.stat().st_mode & 0o777, (tmp_path / "outbox").stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_mail_server_that_is_away_is_no_fault_of_the_mail() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(MailServerAway, match="ConnectionRefusedError"):
        SmtpTransport(f"smtp://127.0.0.1:{port}").send(mail())


def test_while_the_server_is_away_no_attempt_is_used_up_and_the_rest_is_left_alone(
    app: Flask, database: Database
) -> None:
    class Away:
        asked = 0

        def send(self, _message: EmailMessage) -> None:
            self.asked += 1
            raise MailServerAway("nobody there")

    way = Away()
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    with database.writing() as session:
        for n in range(3):
            queue_mail(
                session, "reset", address=f"{n}@example.org", language="en", now=noon, data={"path": "/x"}
            )
    with app.app_context():
        assert deliver_mails(noon, transport=way) == 1
    with database.reading() as session:
        mails = session.scalars(select(OutboxMail).order_by(OutboxMail.id)).all()
    assert way.asked == 1
    assert [mail.attempts for mail in mails] == [0, 0, 0]
    assert [mail.next_try_at > noon for mail in mails] == [True, False, False]


class Ill:
    """A mail server that is there and refuses every mail until it is well."""

    def __init__(self) -> None:
        self.well = False
        self.asked = 0

    def send(self, _message: EmailMessage) -> None:
        self.asked += 1
        if not self.well:
            raise smtplib.SMTPDataError(451, b"later")


def _queue(database: Database, most: int, noon: datetime) -> None:
    with database.writing() as session:
        for n in range(most):
            queue_mail(
                session, "reset", address=f"{n}@example.org", language="en", now=noon, data={"path": "/x"}
            )


def _run_for(way: Ill, start: datetime, seconds: int) -> None:
    """Let the job run every five seconds, as the worker does."""
    for n in range(0, seconds, 5):
        deliver_mails(start + timedelta(seconds=n), transport=way)


def _unsent(database: Database) -> int:
    with database.reading() as session:
        return len(session.scalars(select(OutboxMail).where(col(OutboxMail.sent_at).is_(None))).all())


def test_mails_leave_soon_after_the_mail_server_has_recovered(app: Flask, database: Database) -> None:
    way, noon = Ill(), datetime(2026, 3, 2, 12, tzinfo=UTC)
    _queue(database, 12, noon)
    with app.app_context():
        _run_for(way, noon, 30)
        assert way.asked <= 6 * 5  # five refusals a run: it is not asked for each mail again and again
        way.well = True
        deliver_mails(noon + timedelta(seconds=30), transport=way)
        assert _unsent(database) < 12  # the first leaves at once
        _run_for(way, noon + timedelta(seconds=35), 30)
    assert _unsent(database) == 0


def test_a_mail_that_is_always_refused_is_tried_for_a_day_ever_more_seldom_and_then_given_up(
    app: Flask, database: Database
) -> None:
    way, now = Ill(), datetime(2026, 3, 2, 12, tzinfo=UTC)
    _queue(database, 1, now)
    waits = []
    with app.app_context():
        while True:
            assert deliver_mails(now, transport=way) == 1
            with database.reading() as session:
                mail = session.scalars(select(OutboxMail)).one()
            if mail.given_up_at is not None:
                break
            waits.append(mail.next_try_at - now)
            now = mail.next_try_at
    assert waits[:3] == [timedelta(seconds=5), timedelta(seconds=10), timedelta(seconds=20)]
    assert waits == sorted(waits)
    assert timedelta(hours=18) < sum(waits, timedelta()) < timedelta(hours=36)
    assert mail.data == {}, "the secret in it is wiped"
