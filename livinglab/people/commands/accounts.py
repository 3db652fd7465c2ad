"""Accounts: made by their owner, confirmed, disowned; another address."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlmodel import col, func, select

from livinglab.core.db import known_id
from livinglab.core.errors import Refused, refuse
from livinglab.core.journal import record
from livinglab.core.mail import queue_mail
from livinglab.people.commands.links import (
    Arrived,
    mail_path,
    make_link,
    settle_address,
    take_link,
    void_links,
)
from livinglab.people.commands.profile import checked_language, checked_name
from livinglab.people.commands.rows import guard_of, lock_addresses, may_mail, person_row
from livinglab.people.commands.signing import check_current
from livinglab.people.models import LinkPurpose, OneTimeLink, Person
from livinglab.people.queries import address_of, owner_of
from livinglab.people.rules import (
    NewPassword,
    Proof,
    why_not_address,
    why_not_enter,
    why_not_more_mail,
)


def register_person(
    session: Session,
    *,
    email: str,
    name: str,
    password: NewPassword | None,
    language: str,
    of_age: bool,
    now: datetime,
    next_path: str | None = None,
) -> int:
    """Make an account that waits for its address to be confirmed by a mailed link.

    The address is only claimed until then, so the answer is the same whether or not somebody has it:
    who follows the link proves the mailbox, and goes on in the account the address already has.

    Args:
        of_age: The person says they have reached the instance's age limit.
        next_path: Where to go on after confirming.

    Returns:
        The new person's number.

    Raises:
        Refused: ``too-young``, ``bad-name``, ``bad-address``.

    Source: rules P2, P2b.
    """
    if not of_age:
        raise Refused("too-young", _l("You have to confirm your age to make an account."), field="of_age")
    email = email.strip().lower()
    refuse(why_not_address(email))
    guard_of(session, email, now)
    person = Person(
        claimed_email=email,
        name=checked_name(name),
        language=checked_language(language),
        password_hash=password.hash if password else None,
        age_confirmed_at=now,
        created_at=now,
    )
    session.add(person)
    session.flush()
    person_id = known_id(person.id)
    _mail_confirmation(session, person, now, next_path)
    record(
        session,
        "person-registered",
        at=now,
        actor_id=person_id,
        subject_id=person_id,
        public=False,
        readers=(),
    )
    return person_id


def _mail_confirmation(session: Session, person: Person, now: datetime, next_path: str | None = None) -> None:
    """Mail the link to the claimed address; no word of the sender's own stands in it."""
    email, person_id = person.claimed_email or "", known_id(person.id)
    token = make_link(session, person_id, LinkPurpose.CONFIRM, now=now, next_path=next_path)
    if may_mail(session, email, now):
        kind = "confirm" if owner_of(session, email) is None else "account-known"
        queue_mail(
            session,
            kind,
            address=email,
            language=person.language,
            now=now,
            person_id=person_id,
            data={"path": mail_path(f"/confirm/{token}", person.language)},
        )


def confirm_address(session: Session, *, token: str, now: datetime) -> Arrived:
    """Confirm the address given at sign-up, in any browser.

    Raises:
        NotFound: ``link-void``; Forbidden: ``account-closed``.

    Source: rules P2b, P3.
    """
    link = take_link(session, token, LinkPurpose.CONFIRM, now)
    came = settle_address(session, person_row(session, link.person_id), now)
    return Arrived(came.person_id, came.joined_from, came.confirmed_now, link.next_path)


def disown(session: Session, *, token: str, now: datetime) -> int:
    """Say "this was not me" of an account that claims one's address.

    Returns:
        The account; the caller erases it (``privacy.commands.erase_person``).

    Raises:
        NotFound: ``link-void``; Refused: ``already-confirmed``.
    """
    link = take_link(session, token, LinkPurpose.CONFIRM, now)
    person = person_row(session, link.person_id)
    if person.email_confirmed_at is not None:
        raise Refused("already-confirmed", _l("This address has been confirmed already."))
    return link.person_id


def send_confirmation_again(session: Session, *, person_id: int, now: datetime) -> None:
    """Mail a fresh link to confirm the address.

    Raises:
        Refused: ``already-confirmed``; TooMany: ``mail-later``.
    """
    lock_addresses(session, [address_of(session, person_id)], now)
    person = person_row(session, person_id)
    if person.email_confirmed_at is not None or person.claimed_email is None:
        raise Refused("already-confirmed", _l("This address has been confirmed already."))
    _check_mails(session, person_id, now)
    _mail_confirmation(session, person, now)


def _check_mails(session: Session, person_id: int, now: datetime) -> None:
    lately = session.scalar(
        select(func.count())
        .select_from(OneTimeLink)
        .where(
            OneTimeLink.person_id == person_id,
            col(OneTimeLink.purpose).in_([LinkPurpose.CONFIRM, LinkPurpose.CHANGE_EMAIL]),
            OneTimeLink.created_at > now - timedelta(hours=1),
        )
    )
    problem = why_not_more_mail(lately or 0)
    if problem is not None:
        raise problem


def request_email_change(
    session: Session, *, person_id: int, email: str, current: Proof, now: datetime
) -> None:
    """Ask for another address; it counts once the link mailed there is followed.

    An address not confirmed yet is simply replaced, so a slip of the pen can be mended.

    Raises:
        Refused: ``bad-address``, ``same-address``, ``wrong-password``, ``sign-in-again``; TooMany:
            ``mail-later``.
    """
    email = email.strip().lower()
    refuse(why_not_address(email))
    guard_of(session, email, now)
    person = person_row(session, person_id)
    check_current(person, current)
    if email == (person.email or person.claimed_email):
        raise Refused("same-address", _l("This is the address you have now."), field="email")
    _check_mails(session, person_id, now)
    if person.email_confirmed_at is None:
        person.claimed_email = email
        void_links(session, person_id, now=now)
        session.flush()
        _mail_confirmation(session, person, now)
        return
    void_links(session, person_id, LinkPurpose.CHANGE_EMAIL, now=now)
    token = make_link(session, person_id, LinkPurpose.CHANGE_EMAIL, now=now, new_email=email)
    if may_mail(session, email, now):
        taken = owner_of(session, email) is not None
        queue_mail(
            session,
            "address-taken" if taken else "address-change",
            address=email,
            language=person.language,
            now=now,
            person_id=person_id,
            data={
                "path": mail_path(f"/settings/address/{token}" if not taken else "/settings", person.language)
            },
        )


def confirm_email_change(session: Session, *, token: str, now: datetime) -> Arrived:
    """Make the new address the account's own, and tell the old one.

    Raises:
        NotFound: ``link-void``; Refused: ``address-taken``; Forbidden: ``account-closed``.
    """
    link = take_link(session, token, LinkPurpose.CHANGE_EMAIL, now)
    person, person_id, email = person_row(session, link.person_id), link.person_id, link.new_email or ""
    refuse(why_not_enter(suspended=person.suspended_at is not None, erased=False))
    old = person.email
    taken = Refused("address-taken", _l("This address belongs to another account."))
    if owner_of(session, email) is not None:
        raise taken
    try:
        with session.begin_nested():
            person.email, person.email_confirmed_at = email, now
            session.add(person)
            session.flush()
    except IntegrityError:
        raise taken from None
    void_links(session, person_id, now=now)
    if old:
        queue_mail(
            session,
            "address-changed",
            address=old,
            language=person.language,
            now=now,
            person_id=person_id,
            data={"path": mail_path("/contact", person.language)},
        )
    record(
        session, "address-changed", at=now, actor_id=person_id, subject_id=person_id, public=False, readers=()
    )
    return Arrived(person_id)
