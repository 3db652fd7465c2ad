"""Accounts whose address is known to be right: of the demo, and the administrator of the command line."""

from __future__ import annotations

from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from livinglab.core.db import Texts, known_id
from livinglab.core.errors import Refused, refuse
from livinglab.core.journal import record
from livinglab.people.commands.links import end_devices
from livinglab.people.commands.profile import checked_language, checked_name
from livinglab.people.commands.rows import person_row
from livinglab.people.models import Person
from livinglab.people.queries import owner_of
from livinglab.people.rules import NewPassword, new_password, why_not_address


def add_person(
    session: Session,
    *,
    email: str | None,
    name: str,
    language: str,
    now: datetime,
    password: NewPassword | None = None,
    pseudonym: str | None = None,
    title: str = "",
    bio: str = "",
    is_admin: bool = False,
    is_demo: bool = False,
    demo_line: Texts | None = None,
) -> Person:
    """Make an account whose address is known to be right: for the command line and the demo.

    Raises:
        Refused: ``bad-name``, ``bad-address``, ``address-taken``.
    """
    email = email.strip().lower() if email else None
    if email is not None:
        refuse(why_not_address(email))
        if owner_of(session, email) is not None:
            raise Refused("address-taken", _l("This address belongs to another account."), field="email")
    person = Person(
        email=email,
        email_confirmed_at=now,
        name=checked_name(name),
        pseudonym=pseudonym,
        language=checked_language(language),
        password_hash=password.hash if password else None,
        title=title,
        bio=bio,
        trust=1,
        is_admin=is_admin,
        age_confirmed_at=now,
        is_demo=is_demo,
        demo_line=demo_line or {},
        created_at=now,
    )
    session.add(person)
    session.flush()
    record(
        session,
        "person-registered",
        at=now,
        actor_id=known_id(person.id),
        subject_id=known_id(person.id),
        public=False,
        readers=(),
    )
    return person


def create_admin(
    session: Session, *, email: str, name: str, password: str | None, now: datetime, language: str = "en"
) -> Person:
    """Make the administrator, or make an existing account one. Without a password they sign in by a link.

    Raises:
        Refused: ``bad-name``, ``bad-address`` and those of a weak password.
    """
    chosen = new_password(password, email=email, name=name) if password else None
    owner = owner_of(session, email)
    if owner is None:
        return add_person(
            session, email=email, name=name, language=language, now=now, password=chosen, is_admin=True
        )
    person = person_row(session, owner)
    person.is_admin = True
    if chosen:
        person.password_hash = chosen.hash
        end_devices(session, owner)
    session.add(person)
    session.flush()
    return person
