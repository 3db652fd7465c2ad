"""Signing in and out: by password, by a link from a mail; resetting and changing the password."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import known_id
from livinglab.core.errors import refuse
from livinglab.core.journal import record
from livinglab.core.mail import queue_mail
from livinglab.core.tokens import new_token, token_hash
from livinglab.people.commands.links import (
    Arrived,
    end_devices,
    mail_path,
    make_link,
    settle_address,
    take_link,
    void_links,
)
from livinglab.people.commands.rows import forgive, guard_of, lock_addresses, may_mail, person_row
from livinglab.people.models import Device, LinkPurpose, Person
from livinglab.people.queries import Credentials, address_of, person_by_address
from livinglab.people.rules import (
    DEVICE_LIFETIME,
    NewPassword,
    Proof,
    delay_after,
    why_not_address,
    why_not_current,
    why_not_enter,
    why_not_try,
)

_PATHS = {LinkPurpose.SIGN_IN: "/sign-in/link/", LinkPurpose.RESET: "/reset/"}
_MAILS = {LinkPurpose.SIGN_IN: "sign-in-link", LinkPurpose.RESET: "reset"}


def open_device(session: Session, person_id: int, now: datetime) -> str:
    """Sign a person in on one browser.

    Returns:
        The token for its cookie; the database keeps only the hash.

    Raises:
        Forbidden: ``account-closed``.
    """
    person = person_row(session, person_id)
    refuse(why_not_enter(suspended=person.suspended_at is not None, erased=False))
    session.execute(
        sa.delete(Device).where(col(Device.person_id) == person_id, col(Device.expires_at) <= now)
    )
    token = new_token()
    session.add(
        Device(
            person_id=person_id,
            token_hash=token_hash(token),
            signed_in_at=now,
            expires_at=now + DEVICE_LIFETIME,
        )
    )
    session.flush()
    return token


def renew_device(session: Session, *, token: str, now: datetime) -> bool:
    """Note that whoever is signed in on a browser has just shown that the mailbox is theirs.

    Returns:
        Whether it is signed in still.
    """
    here = sa.update(Device).where(col(Device.token_hash) == token_hash(token))
    return session.scalar(here.values(signed_in_at=now).returning(col(Device.id))) is not None


def close_device(session: Session, *, token: str) -> None:
    """Sign one browser out. The row goes, so a copy of its cookie is worth nothing (rule P5)."""
    session.execute(sa.delete(Device).where(col(Device.token_hash) == token_hash(token)))


def sign_in(session: Session, *, credentials: Credentials, proof: Proof, now: datetime) -> str | None:
    """Sign in with a password that has been compared with the stored hash before.

    Args:
        credentials: From ``credentials_of``; an address nobody has is treated alike.
        proof: From ``prove``.

    Returns:
        The token for the cookie, or ``None`` when it was wrong. The miss is counted: commit it.

    Raises:
        TooMany: ``try-later``; Forbidden: ``account-closed``.

    Source: rule P2.
    """
    guard = guard_of(session, credentials.email, now)
    refuse(why_not_try(guard.barred_until, now))
    person = person_row(session, credentials.person_id) if proof.good and credentials.person_id else None
    if person is None or person.password_hash != proof.against:
        guard.failures += 1
        delay = delay_after(guard.failures)
        guard.barred_until = now + delay if delay else None
        session.flush()
        return None
    guard.failures, guard.barred_until = 0, None
    if proof.renewed:
        person.password_hash = proof.renewed
    session.flush()
    return open_device(session, known_id(person.id), now)


def request_link(
    session: Session,
    *,
    email: str,
    purpose: LinkPurpose,
    language: str,
    now: datetime,
    next_path: str | None = None,
) -> None:
    """Mail a link that signs in or sets a new password. Nobody learns here whether the address is known.

    An address without an account is written to as well: it may be the other address of somebody we know.
    More than five mails an hour to one address are not sent, silently.

    Args:
        language: Of the page; used where the person's own is not known.

    Raises:
        Refused: ``bad-address``.

    Source: rule P2.
    """
    email = email.strip().lower()
    refuse(why_not_address(email))
    if not may_mail(session, email, now):
        return
    person = person_by_address(session, email)
    if person is None:
        queue_mail(
            session,
            "no-account",
            address=email,
            language=language,
            now=now,
            data={"path": mail_path("/register", language)},
        )
        return
    person_id = known_id(person.id)
    if person.suspended_at is not None:
        queue_mail(
            session, "account-closed", address=email, language=person.language, now=now, person_id=person_id
        )
        return
    token = make_link(session, person_id, purpose, now=now, next_path=next_path)
    queue_mail(
        session,
        _MAILS[purpose],
        address=email,
        language=person.language,
        now=now,
        person_id=person_id,
        data={"path": mail_path(_PATHS[purpose] + token, person.language)},
    )


def use_sign_in_link(session: Session, *, token: str, now: datetime) -> Arrived:
    """Arrive by a mailed link; it also confirms an address that was not confirmed yet.

    Whoever typed the address at sign-up need not be who reads its mail. Where this link is the first proof,
    the password and the devices of the one who typed it are worth nothing from now on (rule P2).

    Raises:
        NotFound: ``link-void``; Forbidden: ``account-closed``.
    """
    link = take_link(session, token, LinkPurpose.SIGN_IN, now)
    came = settle_address(session, person_row(session, link.person_id), now)
    if came.confirmed_now:
        person_row(session, came.person_id).password_hash = None
        end_devices(session, came.person_id)
        void_links(session, came.person_id, now=now)
    return Arrived(came.person_id, came.joined_from, came.confirmed_now, link.next_path)


def reset_password(session: Session, *, token: str, password: NewPassword, now: datetime) -> Arrived:
    """Set a new password by a mailed link. It ends every device and every other link.

    Raises:
        NotFound: ``link-void``; Forbidden: ``account-closed``.
    """
    link = take_link(session, token, LinkPurpose.RESET, now)
    came = settle_address(session, person_row(session, link.person_id), now)
    _set_password(session, person_row(session, came.person_id), password, now, keep=None)
    return Arrived(came.person_id, came.joined_from, came.confirmed_now, link.next_path)


def change_password(
    session: Session,
    *,
    person_id: int,
    current: Proof,
    password: NewPassword,
    now: datetime,
    keep: str | None = None,
) -> None:
    """Set one's own password. Every other device is signed out (rule P5).

    Args:
        current: From ``prove`` with the stored hash; where there was no password, whether it is fresh.
        keep: Token of the browser in which it is done.

    Raises:
        Refused: ``wrong-password``, ``sign-in-again``.
    """
    lock_addresses(session, [address_of(session, person_id)], now)
    person = person_row(session, person_id)
    check_current(person, current)
    _set_password(session, person, password, now, keep=token_hash(keep) if keep else None)


def check_current(person: Person, current: Proof) -> None:
    """Refuse what needs the present password without it; where there is none, a mailed link stands for it.

    Raises:
        Refused: ``wrong-password``, ``sign-in-again``.
    """
    mailbox = person.email is not None and person.email_confirmed_at is not None
    refuse(why_not_current(current, password_hash=person.password_hash, mailbox=mailbox))


def _set_password(
    session: Session, person: Person, password: NewPassword, now: datetime, *, keep: str | None
) -> None:
    person_id = known_id(person.id)
    person.password_hash = password.hash
    session.add(person)
    end_devices(session, person_id, keep=keep)
    void_links(session, person_id, LinkPurpose.SIGN_IN, LinkPurpose.RESET, now=now)
    if person.email:
        forgive(session, person.email)
        queue_mail(
            session,
            "password-changed",
            address=person.email,
            language=person.language,
            now=now,
            person_id=person_id,
            data={"path": mail_path("/reset", person.language)},
        )
    record(
        session,
        "password-changed",
        at=now,
        actor_id=person_id,
        subject_id=person_id,
        public=False,
        readers=(),
    )
