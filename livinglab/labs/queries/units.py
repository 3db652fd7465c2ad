"""Receiving units, the people of a lab, and invitations."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import Texts, known_id
from livinglab.core.errors import NotFound
from livinglab.core.files import StoredFile
from livinglab.core.viewer import Role
from livinglab.labs.models import Invitation, Lab, ReceivingUnit, UnitMember
from livinglab.labs.rules import NO_SUCH_UNIT
from livinglab.people.models import Person, RoleGrant
from livinglab.people.rules import Face, face_of


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person of the lab, as its pages show them."""

    id: int
    face: Face
    bio: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class UnitBrief:
    """A receiving unit.

    Args:
        topics: Slugs of the categories it usually takes.
    """

    id: int
    lab_id: int
    name: Texts
    description: Texts
    owner: Somebody | None
    deputy: Somebody | None
    limit_in_progress: int
    topics: tuple[str, ...]
    retired: bool
    members: int

    @property
    def owner_id(self) -> int | None:
        """Return the owner's number."""
        return self.owner.id if self.owner else None

    @property
    def deputy_id(self) -> int | None:
        """Return the deputy's number."""
        return self.deputy.id if self.deputy else None


def people_by_id(session: Session, ids: set[int]) -> dict[int, Somebody]:
    """Return people as staff pages show them, by number: one statement."""
    if not ids:
        return {}
    rows = session.execute(
        sa.select(Person, col(StoredFile.key))
        .outerjoin(StoredFile, col(StoredFile.id) == col(Person.photo_id))
        .where(col(Person.id).in_(ids))
    )
    return {known_id(p.id): _somebody(p, photo) for p, photo in rows}


def _somebody(person: Person, photo: str | None) -> Somebody:
    erased = person.erased_at is not None
    face = face_of(name=person.name, photo=photo, title=person.title, erased=erased)
    return Somebody(known_id(person.id), face, "" if erased else person.bio, person.language)


_MEMBERS = (
    sa.select(sa.func.count())
    .select_from(UnitMember)
    .where(col(UnitMember.unit_id) == col(ReceivingUnit.id))
    .correlate(ReceivingUnit)
    .scalar_subquery()
)


def units_of(session: Session, lab_id: int, *, retired: bool = False) -> tuple[UnitBrief, ...]:
    """Return a lab's receiving units in the order they were made.

    Args:
        retired: Also those that take nothing new.
    """
    query = sa.select(ReceivingUnit, _MEMBERS).where(col(ReceivingUnit.lab_id) == lab_id)
    if not retired:
        query = query.where(col(ReceivingUnit.retired_at).is_(None))
    return _units(session, query.order_by(col(ReceivingUnit.id)))


def unit_brief(session: Session, unit_id: int) -> UnitBrief:
    """Return one receiving unit.

    Raises:
        NotFound: ``no-such-unit``.
    """
    found = _units(session, sa.select(ReceivingUnit, _MEMBERS).where(col(ReceivingUnit.id) == unit_id))
    if not found:
        raise NO_SUCH_UNIT
    return found[0]


def _units(session: Session, query: sa.Select[ReceivingUnit, int]) -> tuple[UnitBrief, ...]:
    rows = session.execute(query).all()
    people = people_by_id(session, {i for unit, _ in rows for i in (unit.owner_id, unit.deputy_id) if i})
    return tuple(
        UnitBrief(
            id=known_id(unit.id),
            lab_id=unit.lab_id,
            name=dict(unit.name),
            description=dict(unit.description),
            owner=people.get(unit.owner_id or 0),
            deputy=people.get(unit.deputy_id or 0),
            limit_in_progress=unit.limit_in_progress,
            topics=tuple(unit.topics),
            retired=unit.retired_at is not None,
            members=members,
        )
        for unit, members in rows
    )


def members_of(session: Session, unit_id: int) -> tuple[Somebody, ...]:
    """Return the people who work for a unit, by name."""
    rows = session.execute(
        sa.select(Person, col(StoredFile.key))
        .join(UnitMember, col(UnitMember.person_id) == col(Person.id))
        .outerjoin(StoredFile, col(StoredFile.id) == col(Person.photo_id))
        .where(col(UnitMember.unit_id) == unit_id, col(Person.erased_at).is_(None))
        .order_by(col(Person.name), col(Person.id))
    )
    return tuple(_somebody(person, photo) for person, photo in rows)


@dataclass(frozen=True, slots=True)
class RoleHeld:
    """A role that stands."""

    grant_id: int
    role: Role
    weekly_hours: int | None
    since: datetime


@dataclass(frozen=True, slots=True)
class TeamMember:
    """Somebody who works in the lab, with roles and units."""

    person: Somebody
    roles: tuple[RoleHeld, ...]
    units: tuple[tuple[int, Texts], ...]

    @property
    def weekly_hours(self) -> int:
        """Return the hours a week, all roles together."""
        return sum(held.weekly_hours or 0 for held in self.roles)


_ROLE_ORDER = {Role.MANAGER: 0, Role.FACILITATOR: 1, Role.LEAD: 2}


def team_of(session: Session, lab_id: int, *, units: bool = False) -> tuple[TeamMember, ...]:
    """Return the people who hold a role in the lab: managers, facilitators, leads.

    Args:
        units: Also members of receiving units who hold no role.
    """
    roles: dict[int, list[RoleHeld]] = defaultdict(list)
    for grant in session.scalars(
        select(RoleGrant).where(RoleGrant.lab_id == lab_id, col(RoleGrant.ended_at).is_(None))
    ):
        roles[grant.person_id].append(
            RoleHeld(known_id(grant.id), grant.role, grant.weekly_hours, grant.granted_at)
        )
    where: dict[int, list[tuple[int, Texts]]] = defaultdict(list)
    for person_id, unit_id, name in session.execute(
        sa.select(col(UnitMember.person_id), col(ReceivingUnit.id), col(ReceivingUnit.name))
        .join(ReceivingUnit, col(ReceivingUnit.id) == col(UnitMember.unit_id))
        .where(col(ReceivingUnit.lab_id) == lab_id)
        .order_by(col(ReceivingUnit.id))
    ):
        where[person_id].append((known_id(unit_id), dict(name)))
    wanted = set(roles) | (set(where) if units else set())
    people = people_by_id(session, wanted)
    team = [
        TeamMember(
            person,
            tuple(sorted(roles[i], key=lambda held: _ROLE_ORDER[held.role])),
            tuple(where.get(i, ())),
        )
        for i, person in people.items()
    ]
    return tuple(sorted(team, key=_rank))


def _rank(member: TeamMember) -> tuple[int, str]:
    first = _ROLE_ORDER[member.roles[0].role] if member.roles else 9
    return first, str(member.person.face.name)


def holders(session: Session, lab_id: int, *roles: Role) -> tuple[int, ...]:
    """Return the numbers of the people who hold one of the roles in the lab."""
    return tuple(
        session.scalars(
            select(RoleGrant.person_id)
            .where(
                RoleGrant.lab_id == lab_id, col(RoleGrant.role).in_(roles), col(RoleGrant.ended_at).is_(None)
            )
            .distinct()
            .order_by(col(RoleGrant.person_id))
        )
    )


def count_holders(session: Session, role: Role) -> dict[int, int]:
    """Return how many people hold a role in each lab; a lab in which nobody does is left out."""
    rows = session.execute(
        sa.select(col(RoleGrant.lab_id), sa.func.count(sa.distinct(col(RoleGrant.person_id))))
        .where(col(RoleGrant.role) == role, col(RoleGrant.ended_at).is_(None))
        .group_by(col(RoleGrant.lab_id))
    )
    return {lab_id: count for lab_id, count in rows if lab_id is not None}


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """An invitation as the manager's list shows it.

    Args:
        email: Whole for whoever wrote it, masked for others (DOMAIN section 3: nobody sees addresses).
        state: ``waiting``, ``expired``, ``accepted`` or ``withdrawn``.
    """

    id: int
    email: str
    role: Role | None
    unit: Texts | None
    invited_by: str
    created_at: datetime
    expires_at: datetime
    state: str


def masked(email: str) -> str:
    """Return an address that can be told apart but not written to: ``k…@example.org``."""
    name, _, host = email.partition("@")
    return f"{name[:1]}…@{host}"


def invitations_of(
    session: Session, lab_id: int, *, viewer_id: int, now: datetime
) -> tuple[InvitationRow, ...]:
    """Return the invitations nobody has accepted or taken back, newest first."""
    rows = session.execute(
        sa.select(Invitation, col(Person.name), col(ReceivingUnit.name))
        .join(Person, col(Person.id) == col(Invitation.invited_by))
        .outerjoin(ReceivingUnit, col(ReceivingUnit.id) == col(Invitation.unit_id))
        .where(
            col(Invitation.lab_id) == lab_id,
            col(Invitation.accepted_at).is_(None),
            col(Invitation.withdrawn_at).is_(None),
        )
        .order_by(col(Invitation.created_at).desc(), col(Invitation.id).desc())
    )
    return tuple(
        InvitationRow(
            id=known_id(row.id),
            email=row.email if row.invited_by == viewer_id else masked(row.email),
            role=row.role,
            unit=dict(unit) if unit else None,
            invited_by=name,
            created_at=row.created_at,
            expires_at=row.expires_at,
            state="expired" if row.expires_at <= now else "waiting",
        )
        for row, name, unit in rows
    )


@dataclass(frozen=True, slots=True)
class InvitationOffer:
    """What somebody is invited to, as the page behind the link shows it."""

    id: int
    lab_id: int
    lab_name: str
    lab_theme: str
    languages: tuple[str, ...]
    role: Role | None
    unit: Texts | None
    invited_by: str
    expires_at: datetime
    state: str


def invitation_by_token(session: Session, token_hash: str, now: datetime) -> InvitationOffer:
    """Return what a link offers, and whether it still can be accepted.

    Raises:
        NotFound: ``no-such-invitation``.
    """
    row = session.execute(
        sa.select(Invitation, Lab, col(Person.name), col(ReceivingUnit.name))
        .join(Lab, col(Lab.id) == col(Invitation.lab_id))
        .join(Person, col(Person.id) == col(Invitation.invited_by))
        .outerjoin(ReceivingUnit, col(ReceivingUnit.id) == col(Invitation.unit_id))
        .where(col(Invitation.token_hash) == token_hash)
    ).one_or_none()
    if row is None:
        raise NotFound("no-such-invitation", "")
    found, lab, name, unit = row
    state = "waiting"
    if found.accepted_at is not None:
        state = "accepted"
    elif found.withdrawn_at is not None:
        state = "withdrawn"
    elif found.expires_at <= now:
        state = "expired"
    return InvitationOffer(
        id=known_id(found.id),
        lab_id=known_id(lab.id),
        lab_name=lab.name,
        lab_theme=lab.theme,
        languages=tuple(lab.languages),
        role=found.role,
        unit=dict(unit) if unit else None,
        invited_by=name,
        expires_at=found.expires_at,
        state=state,
    )


def count_accounts(session: Session) -> int:
    """Count the people with a confirmed address."""
    confirmed = (col(Person.email_confirmed_at).is_not(None), col(Person.erased_at).is_(None))
    return session.scalar(sa.select(sa.func.count()).select_from(Person).where(*confirmed)) or 0
