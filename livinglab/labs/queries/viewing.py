"""Who is behind a signed-in browser, with roles and units."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.files import StoredFile
from livinglab.core.viewer import Role, Viewer
from livinglab.labs.models import ReceivingUnit, UnitMember
from livinglab.people.models import Device, Person, RoleGrant

_PERSON: tuple[Any, ...] = (
    col(Person.id).label("person_id"),
    col(Person.name),
    col(Person.language),
    col(Person.trust),
    col(Person.is_admin),
    col(StoredFile.key).label("photo"),
)


def load_viewer(session: Session, token_hash: str, now: datetime) -> Viewer | None:
    """Return the person of a signed-in browser as they stand now, or ``None``.

    Args:
        token_hash: Hash of the token in the cookie.

    An expired or signed-out browser, and a suspended or erased account, is nobody. Source: rule P5.
    """
    row = session.execute(
        sa.select(*_PERSON)
        .select_from(Device)
        .join(Person, col(Person.id) == col(Device.person_id))
        .outerjoin(StoredFile, col(StoredFile.id) == col(Person.photo_id))
        .where(
            col(Device.token_hash) == token_hash,
            col(Device.expires_at) > now,
            col(Person.suspended_at).is_(None),
            col(Person.erased_at).is_(None),
        )
    ).one_or_none()
    return None if row is None else _viewer(session, row)


def viewer_of(session: Session, person_id: int) -> Viewer | None:
    """Return a person as a rule may know them, without a browser: for jobs, the demo and mails."""
    row = session.execute(
        sa.select(*_PERSON)
        .select_from(Person)
        .outerjoin(StoredFile, col(StoredFile.id) == col(Person.photo_id))
        .where(
            col(Person.id) == person_id, col(Person.suspended_at).is_(None), col(Person.erased_at).is_(None)
        )
    ).one_or_none()
    return None if row is None else _viewer(session, row)


def _viewer(session: Session, row: Any) -> Viewer:
    roles, units = _held(session, row.person_id)
    return Viewer(
        person_id=row.person_id,
        name=row.name,
        language=row.language,
        trust=row.trust,
        is_admin=row.is_admin,
        photo=row.photo,
        roles=roles,
        units=units,
    )


def _held(session: Session, person_id: int) -> tuple[dict[int, frozenset[Role]], dict[int, int]]:
    """Return roles by lab and lab by unit, read by one statement."""
    roles: Any = sa.select(
        col(RoleGrant.lab_id).label("lab_id"),
        sa.cast(col(RoleGrant.role), sa.String(24)).label("role"),
        sa.null().label("unit_id"),
    ).where(col(RoleGrant.person_id) == person_id, col(RoleGrant.ended_at).is_(None))
    units = (
        sa.select(col(ReceivingUnit.lab_id), sa.null(), col(UnitMember.unit_id))
        .join(ReceivingUnit, col(ReceivingUnit.id) == col(UnitMember.unit_id))
        .where(col(UnitMember.person_id) == person_id)
    )
    by_lab: dict[int, set[Role]] = defaultdict(set)
    by_unit: dict[int, int] = {}
    rows: Any = session.execute(sa.union_all(roles, units))
    for lab_id, role, unit_id in rows:
        if role is not None:
            by_lab[lab_id].add(Role(role))
        else:
            by_unit[int(unit_id)] = lab_id
    return {lab: frozenset(held) for lab, held in by_lab.items()}, by_unit
