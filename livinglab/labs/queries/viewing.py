"""Who is behind a signed-in browser, with roles and units."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.files import StoredFile
from livinglab.core.together import Read, Rows, together
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
    """Return the person of a signed-in browser as they stand now, or ``None``: one statement.

    Args:
        token_hash: Hash of the token in the cookie.

    An expired or signed-out browser, and a suspended or erased account, is nobody. Source: rule P5.
    """
    values = {"token_hash": token_hash, "now": now}
    row, held = together(
        session, Read(_of_device(), values, _first), Read(_held_by(_device_owner()), values, _held)
    )
    return _viewer(row, held)


def viewer_of(session: Session, person_id: int) -> Viewer | None:
    """Return a person as a rule may know them, without a browser: for jobs, the demo and mails."""
    values = {"person_id": person_id}
    row, held = together(
        session, Read(_of_person(), values, _first), Read(_held_by(_PERSON_ID), values, _held)
    )
    return _viewer(row, held)


_PERSON_ID: Any = sa.bindparam("person_id", type_=sa.Integer)
_TOKEN: Any = sa.bindparam("token_hash", type_=sa.String)
_Held = tuple[dict[int, frozenset[Role]], dict[int, int]]


@lru_cache(maxsize=1)
def _device_owner() -> Any:
    return sa.select(col(Device.person_id)).where(col(Device.token_hash) == _TOKEN).scalar_subquery()


@lru_cache(maxsize=1)
def _of_device() -> sa.Select[Any]:
    expires: Any = col(Device.expires_at)
    alive = sa.bindparam("now", type_=expires.type)
    return (
        _people()
        .join(Device, col(Device.person_id) == col(Person.id))
        .where(col(Device.token_hash) == _TOKEN, expires > alive)
    )


@lru_cache(maxsize=1)
def _of_person() -> sa.Select[Any]:
    return _people().where(col(Person.id) == _PERSON_ID)


def _people() -> sa.Select[Any]:
    return (
        sa.select(*_PERSON)
        .select_from(Person)
        .outerjoin(StoredFile, col(StoredFile.id) == col(Person.photo_id))
        .where(col(Person.suspended_at).is_(None), col(Person.erased_at).is_(None))
    )


@lru_cache(maxsize=2)
def _held_by(person_id: Any) -> Any:
    """Return the statement that reads roles by lab and units with their lab."""
    roles: Any = sa.select(
        col(RoleGrant.lab_id).label("lab_id"),
        sa.cast(col(RoleGrant.role), sa.String(24)).label("role"),
        sa.cast(sa.null(), sa.Integer).label("unit_id"),
    ).where(col(RoleGrant.person_id) == person_id, col(RoleGrant.ended_at).is_(None))
    units = (
        sa.select(col(ReceivingUnit.lab_id), sa.null(), col(UnitMember.unit_id))
        .join(ReceivingUnit, col(ReceivingUnit.id) == col(UnitMember.unit_id))
        .where(col(UnitMember.person_id) == person_id)
    )
    return sa.union_all(roles, units)


def _first(rows: Rows) -> Any:
    return next(iter(rows), None)


def _held(rows: Rows) -> _Held:
    by_lab: dict[int, set[Role]] = defaultdict(set)
    by_unit: dict[int, int] = {}
    for lab_id, role, unit_id in rows:
        if role is not None:
            by_lab[lab_id].add(Role(role))
        else:
            by_unit[int(unit_id)] = lab_id
    return {lab: frozenset(held) for lab, held in by_lab.items()}, by_unit


def _viewer(row: Any, held: _Held) -> Viewer | None:
    if row is None:
        return None
    roles, units = held
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
