"""The outbox: a mail is a row written in the same transaction as what it tells; the worker delivers it.

A row holds what the mail says (kind and values), not how; it is rendered in the person's language when
it is delivered. Secrets in it (one-time links) are wiped once it is sent. Source: rules N2, N3.
"""

import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import Field, SQLModel, col, select

MAX_ATTEMPTS = 16
FIRST_RETRY = timedelta(seconds=5)
LAST_RETRY = timedelta(hours=6)
"""How long a mail that was refused waits: doubling, so that an illness of the server is outlived by at most
as long as it lasted, and a mail is tried for about a day before it is given up."""
AWAY_RETRY = timedelta(seconds=10)
"""One mail at a time asks whether a server that was away is there again."""


class OutboxMail(SQLModel, table=True):
    """A mail to be sent, or one that has been."""

    __tablename__ = "outbox_mail"
    __table_args__ = (
        sa.Index(
            "ix_outbox_mail_waiting",
            "next_try_at",
            sqlite_where=sa.text("sent_at IS NULL AND given_up_at IS NULL"),
            postgresql_where=sa.text("sent_at IS NULL AND given_up_at IS NULL"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    message_key: str = Field(max_length=40, unique=True)
    person_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    address: str = Field(max_length=254)
    language: str = Field(max_length=5)
    kind: str = Field(max_length=40)
    data: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    created_at: datetime
    next_try_at: datetime
    attempts: int = 0
    sent_at: datetime | None = None
    given_up_at: datetime | None = None
    last_error: str | None = Field(default=None, max_length=300)


def queue_mail(
    session: Session,
    kind: str,
    *,
    address: str,
    language: str,
    now: datetime,
    person_id: int | None = None,
    data: dict[str, Any] | None = None,
    key: str | None = None,
) -> OutboxMail:
    """Put a mail into the outbox, in the caller's transaction.

    Args:
        kind: Name of its template, ``templates/mail/<kind>.txt`` and ``.html``.
        data: Plain values for the template; paths such as ``/confirm/…``, never whole addresses.
        key: Stands in the Message-ID; the same key is never queued twice.
    """
    mail = OutboxMail(
        kind=kind,
        address=address,
        language=language,
        person_id=person_id,
        data=data or {},
        message_key=key or uuid4().hex,
        created_at=now,
        next_try_at=now,
    )
    session.add(mail)
    session.flush()
    return mail


class MailServerAway(Exception):
    """The mail server cannot be reached or takes no mail from us at all: no fault of this one mail."""


class Transport(Protocol):
    """Something that takes a finished mail, or raises."""

    def send(self, message: EmailMessage) -> None: ...


class FileTransport:
    """Writes mails to a folder; used where no mail server is set."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, message: EmailMessage) -> None:
        """Write the mail as ``<time>-<key>.eml``; the same mail twice is one file."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = str(message["Message-ID"]).strip("<>").split("@")[0]
        stamp = str(message["X-Livinglab-Queued"])
        target = self.folder / f"{stamp}-{key}.eml"
        part = target.with_suffix(".part")
        part.touch(mode=0o600)  # links to sign in stand in it: nobody else on the machine reads them
        part.write_bytes(message.as_bytes())
        part.replace(target)


class SmtpTransport:
    """Sends by SMTP: ``smtps`` is TLS at once, ``smtp`` asks for STARTTLS.

    Only a server on this machine may go without, and none that wants a password: links to sign in stand
    in the mails. ``smtp+plain`` says that the way to the server is safe by other means.
    """

    def __init__(self, url: str, *, timeout_s: float = 20) -> None:
        self.parts = urlsplit(url)
        self.timeout_s = timeout_s

    def send(self, message: EmailMessage) -> None:
        """Hand the mail to the server.

        Raises:
            MailServerAway: Nothing was handed over.
            OSError, smtplib.SMTPException: Not accepted; it is tried again later.
        """
        server = self._open()
        try:
            server.send_message(message)
        finally:
            with suppress(OSError):  # how it says goodbye changes nothing: what was taken was taken
                server.quit()
            server.close()

    def _open(self) -> smtplib.SMTP:
        """Connect and sign in.

        Raises:
            MailServerAway: Nobody there, no answer, or not let in.
            smtplib.SMTPNotSupportedError: The line would not be safe.
        """
        server = None
        try:
            server = self._connect()
            if self.parts.username:
                server.login(unquote(self.parts.username), unquote(self.parts.password or ""))
        except OSError as problem:
            if server is not None:
                server.close()
            if isinstance(problem, smtplib.SMTPNotSupportedError):
                raise
            raise MailServerAway(f"{type(problem).__name__}: {problem}") from problem
        return server

    def _connect(self) -> smtplib.SMTP:
        host, port = self.parts.hostname or "localhost", self.parts.port
        context = ssl.create_default_context()
        if self.parts.scheme == "smtps":
            return smtplib.SMTP_SSL(host, port or 465, timeout=self.timeout_s, context=context)
        server = smtplib.SMTP(host, port or 587, timeout=self.timeout_s)
        try:
            server.ehlo()
            if server.has_extn("starttls") or self._must_be_secret(host):
                server.starttls(context=context)
        except Exception:
            server.close()
            raise
        return server

    def _must_be_secret(self, host: str) -> bool:
        if self.parts.scheme == "smtp+plain":
            return False
        return bool(self.parts.username) or host not in ("localhost", "127.0.0.1", "::1")


def transport_for(smtp_url: str, instance: Path) -> Transport:
    """Return the way mails leave: the mail server, or files in ``instance/outbox``."""
    return SmtpTransport(smtp_url) if smtp_url else FileTransport(instance / "outbox")


def claim_mails(session: Session, *, now: datetime, limit: int = 20, lease_s: int = 120) -> list[OutboxMail]:
    """Take mails that are due; another worker does not see them until the lease is over."""
    query = (
        select(OutboxMail)
        .where(
            col(OutboxMail.sent_at).is_(None),
            col(OutboxMail.given_up_at).is_(None),
            OutboxMail.next_try_at <= now,
        )
        .order_by(col(OutboxMail.next_try_at), col(OutboxMail.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    mails = list(session.scalars(query))
    for mail in mails:
        mail.next_try_at = now + timedelta(seconds=lease_s)
        mail.attempts += 1
        session.add(mail)
    session.flush()
    return mails


def mails_waiting(session: Session) -> int:
    """Count the mails that no worker has delivered yet."""
    query = (
        select(sa.func.count())
        .select_from(OutboxMail)
        .where(col(OutboxMail.sent_at).is_(None), col(OutboxMail.given_up_at).is_(None))
    )
    return session.scalar(query) or 0


def settle_mail(
    session: Session, mail_id: int, *, now: datetime, error: str | None, away: bool = False
) -> None:
    """Note that a claimed mail was sent, or when it is tried again (5 seconds, doubling, up to 6 hours).

    Args:
        away: The server was; that counts as no attempt, and it is tried again in ten seconds.
    """
    mail = session.get(OutboxMail, mail_id)
    if mail is None:
        return
    if error is None:
        mail.sent_at, mail.data, mail.last_error = now, {}, None
    elif away:
        mail.last_error, mail.attempts = error[:300], mail.attempts - 1
        mail.next_try_at = now + AWAY_RETRY
    else:
        mail.last_error = error[:300]
        mail.next_try_at = now + min(FIRST_RETRY * 2 ** (mail.attempts - 1), LAST_RETRY)
        if mail.attempts >= MAX_ATTEMPTS:
            mail.given_up_at, mail.data = now, {}
    session.add(mail)


def compose(
    mail: OutboxMail, *, sender: str, host: str, subject: str, text: str, html: str, unsubscribe: str | None
) -> EmailMessage:
    """Build the message; the Message-ID comes from the row, so a repeated delivery is the same mail."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.address
    message["Subject"] = " ".join(subject.split())
    message["Date"] = format_datetime(mail.created_at)
    message["Message-ID"] = f"<{mail.message_key}@{host or 'livinglab'}>"
    message["Content-Language"] = mail.language
    message["Auto-Submitted"] = "auto-generated"
    message["X-Livinglab-Queued"] = mail.created_at.strftime("%Y%m%dT%H%M%S")
    message["X-Livinglab-Kind"] = mail.kind
    if unsubscribe:
        message["List-Unsubscribe"] = f"<{unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    return message


Render = Callable[[OutboxMail], EmailMessage]
