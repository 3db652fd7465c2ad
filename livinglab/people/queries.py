"""Reads of the people room: accounts, links, demo people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import Texts, known_id
from livinglab.core.files import StoredFile
from livinglab.core.together import Read, Rows
from livinglab.core.tokens import token_hash
from livinglab.core.viewer import Role, Viewer
from livinglab.people.models import AddressGuard, Device, LinkPurpose, OneTimeLink, Person, RoleGrant
from livinglab.people.rules import GUARD_MEMORY, Face, address_key, face_of


def face_columns(person: Any, photo: Any, prefix: str) -> tuple[Any, ...]:
    """Return what the face of somebody who signed needs, for ``face_in``.

    Args:
        person, photo: Aliases of ``Person`` and of the ``StoredFile`` that is their photo, joined.
        prefix: Begins the names of the columns.
    """
    return (
        col(person.name).label(f"{prefix}_name"),
        col(person.title).label(f"{prefix}_title"),
        col(person.erased_at).label(f"{prefix}_erased"),
        col(photo.key).label(f"{prefix}_photo"),
    )


def face_in(row: Any, prefix: str) -> Face:
    """Return the face that ``face_columns`` read."""
    return face_of(
        name=getattr(row, f"{prefix}_name"),
        title=getattr(row, f"{prefix}_title") or "",
        photo=getattr(row, f"{prefix}_photo"),
        erased=getattr(row, f"{prefix}_erased") is not None,
    )


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody's own account, as the settings page shows it.

    Args:
        email: Confirmed, or claimed and waiting to be confirmed; empty where there is none.
        waiting_email: A new address that has been asked for and not yet confirmed.
    """

    id: int
    name: str
    pseudonym: str
    email: str
    confirmed: bool
    waiting_email: str
    language: str
    title: str
    bio: str
    digest: bool
    photo: str | None
    password_hash: str | None
    is_admin: bool
    created_at: datetime

    @property
    def has_password(self) -> bool:
        """Say whether one can sign in with a password."""
        return self.password_hash is not None

    @property
    def face(self) -> Face:
        """Return the person as pages show them."""
        return face_of(name=self.name, photo=self.photo, title=self.title)


def account_of(session: Session, person_id: int, now: datetime) -> Account:
    """Return the account of a signed-in person."""
    person, photo = session.execute(
        sa.select(Person, col(StoredFile.key))
        .outerjoin(StoredFile, col(StoredFile.id) == col(Person.photo_id))
        .where(col(Person.id) == person_id)
    ).one()
    return Account(
        id=known_id(person.id),
        name=person.name,
        pseudonym=person.pseudonym or "",
        email=person.email or person.claimed_email or "",
        confirmed=person.email_confirmed_at is not None,
        waiting_email=_waiting_email(session, person_id, now),
        language=person.language,
        title=person.title,
        bio=person.bio,
        digest=person.digest,
        photo=photo,
        password_hash=person.password_hash,
        is_admin=person.is_admin,
        created_at=person.created_at,
    )


def _waiting_email(session: Session, person_id: int, now: datetime) -> str:
    query = (
        select(OneTimeLink.new_email)
        .where(
            OneTimeLink.person_id == person_id,
            OneTimeLink.purpose == LinkPurpose.CHANGE_EMAIL,
            col(OneTimeLink.used_at).is_(None),
            OneTimeLink.expires_at > now,
        )
        .order_by(col(OneTimeLink.id).desc())
        .limit(1)
    )
    return session.scalar(query) or ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What signing in with a password needs; the same shape for an address nobody has."""

    email: str
    person_id: int | None = None
    password_hash: str | None = None
    barred_until: datetime | None = None


def credentials_of(session: Session, email: str, now: datetime) -> Credentials:
    """Return what is known of an address. Only confirmed addresses sign in with a password (rule P2)."""
    email = email.strip().lower()
    row = session.execute(
        sa.select(col(Person.id), col(Person.password_hash)).where(
            col(Person.email) == email, col(Person.erased_at).is_(None)
        )
    ).one_or_none()
    guard = session.get(AddressGuard, address_key(email))
    barred = guard.barred_until if guard and guard.touched_at > now - GUARD_MEMORY else None
    person_id, password_hash = row or (None, None)
    return Credentials(email, person_id, password_hash, barred)


def person_by_address(session: Session, email: str) -> Person | None:
    """Return who has an address: confirmed before claimed, of several claims the newest."""
    email = email.strip().lower()
    return session.scalar(
        select(Person)
        .where(
            sa.or_(col(Person.email) == email, col(Person.claimed_email) == email),
            col(Person.erased_at).is_(None),
        )
        .order_by(sa.case((col(Person.email) == email, 0), else_=1), col(Person.id).desc())
        .limit(1)
    )


def address_of(session: Session, person_id: int) -> str | None:
    """Return a person's address: confirmed, else claimed."""
    found = sa.func.coalesce(col(Person.email), col(Person.claimed_email))
    return session.scalar(sa.select(found).where(col(Person.id) == person_id))


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """A one-time link as its page shows it before anything is done.

    Args:
        joins: The address already has an account; what was written goes there.
        confirms: Following it confirms the address for the first time.
    """

    purpose: LinkPurpose
    person_id: int
    name: str
    email: str
    joins: bool
    confirms: bool
    has_password: bool
    next_path: str | None


def link_facts(
    session: Session, token: str, purposes: tuple[LinkPurpose, ...], now: datetime
) -> LinkFacts | None:
    """Return what a link would do; ``None`` when it is unknown, used, expired or for something else."""
    row = session.execute(
        sa.select(OneTimeLink, Person)
        .join(Person, col(Person.id) == col(OneTimeLink.person_id))
        .where(
            col(OneTimeLink.token_hash) == token_hash(token),
            col(OneTimeLink.purpose).in_(purposes),
            col(OneTimeLink.used_at).is_(None),
            col(OneTimeLink.expires_at) > now,
            col(Person.erased_at).is_(None),
        )
    ).one_or_none()
    if row is None:
        return None
    link, person = row
    owner = owner_of(session, person.claimed_email) if person.claimed_email else None
    return LinkFacts(
        purpose=link.purpose,
        person_id=known_id(person.id),
        name=person.name,
        email=link.new_email or person.email or person.claimed_email or "",
        joins=owner is not None and owner != person.id,
        confirms=person.email_confirmed_at is None,
        has_password=person.password_hash is not None,
        next_path=link.next_path,
    )


def owner_of(session: Session, email: str) -> int | None:
    """Return whose confirmed address this is."""
    return session.scalar(select(Person.id).where(Person.email == email.strip().lower()))


def signed_in_since(session: Session, token: str) -> datetime | None:
    """Return when a browser's person last showed who they are."""
    return session.scalar(select(Device.signed_in_at).where(Device.token_hash == token_hash(token)))


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """One browser in which somebody is signed in."""

    signed_in_at: datetime
    is_this: bool


def devices_of(session: Session, person_id: int, token: str, now: datetime) -> tuple[DeviceRow, ...]:
    """Return the browsers somebody is signed in with, the one that asks first, then the newest.

    Args:
        token: Of the browser that asks.
    """
    rows = session.execute(
        sa.select(col(Device.signed_in_at), col(Device.token_hash))
        .where(col(Device.person_id) == person_id, col(Device.expires_at) > now)
        .order_by(col(Device.signed_in_at).desc(), col(Device.id).desc())
    )
    mine = token_hash(token)
    found = [DeviceRow(signed_in_at, hashed == mine) for signed_in_at, hashed in rows]
    return tuple(sorted(found, key=lambda row: not row.is_this))


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """Somebody the demo lets everybody be.

    Args:
        roles: Roles by lab id.
        today: What they have to do today, by language.
    """

    id: int
    face: Face
    language: str
    is_admin: bool
    roles: dict[int, frozenset[Role]]
    today: Texts


def demo_people(session: Session) -> tuple[DemoPerson, ...]:
    """Return the demo's people in the order they were made."""
    rows: Any = session.execute(
        sa.select(Person, col(StoredFile.key))
        .outerjoin(StoredFile, col(StoredFile.id) == col(Person.photo_id))
        .where(col(Person.is_demo), col(Person.erased_at).is_(None), col(Person.suspended_at).is_(None))
        .order_by(col(Person.id))
    ).all()
    held = _roles_of(session, [known_id(person.id) for person, _ in rows])
    return tuple(
        DemoPerson(
            id=known_id(person.id),
            face=face_of(name=person.name, photo=photo, title=person.title),
            language=person.language,
            is_admin=person.is_admin,
            roles=held.get(known_id(person.id), {}),
            today=person.demo_line,
        )
        for person, photo in rows
    )


def _roles_of(session: Session, ids: list[int]) -> dict[int, dict[int, frozenset[Role]]]:
    held: dict[int, dict[int, frozenset[Role]]] = {}
    rows = session.execute(
        sa.select(col(RoleGrant.person_id), col(RoleGrant.lab_id), col(RoleGrant.role)).where(
            col(RoleGrant.person_id).in_(ids), col(RoleGrant.ended_at).is_(None)
        )
    )
    for person_id, lab_id, role in rows:
        labs = held.setdefault(person_id, {})
        labs[lab_id] = labs.get(lab_id, frozenset()) | {role}
    return held


def pseudonym_read(person: Viewer) -> Read[str]:
    """Return how the name is read under which somebody writes; empty where none was chosen."""
    return Read(_pseudonym(), {"writer": person.person_id or 0}, _only_name)


@lru_cache(maxsize=1)
def _pseudonym() -> sa.Select[Any]:
    return sa.select(col(Person.pseudonym)).where(col(Person.id) == sa.bindparam("writer", type_=sa.Integer))


def _only_name(rows: Rows) -> str:
    return (rows[0].pseudonym or "") if rows else ""
