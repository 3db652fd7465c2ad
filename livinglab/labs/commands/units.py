"""Receiving units and who works for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import Texts, known_id
from livinglab.core.errors import NotFound, Refused, refuse
from livinglab.core.journal import Reader, record
from livinglab.core.viewer import Viewer
from livinglab.labs.commands.labs import cleaned
from livinglab.labs.models import FIELD_MAX, LAB_NAME_MAX, Category, Lab, ReceivingUnit, UnitMember
from livinglab.labs.queries.parts import UNIT, refuse_stale
from livinglab.labs.rules import NO_SUCH_UNIT, why_not_invite, why_not_set_up
from livinglab.people.models import RoleGrant

LIMIT_MOST = 500


def add_unit(
    session: Session,
    *,
    lab_id: int,
    name: Texts,
    person: Viewer,
    now: datetime,
    description: Texts | None = None,
    owner_id: int | None = None,
    deputy_id: int | None = None,
    limit_in_progress: int = 10,
    topics: Sequence[str] = (),
) -> ReceivingUnit:
    """Add a receiving unit to a lab.

    Raises:
        NotFound: ``no-such-lab``. Forbidden: ``not-manager``.
        Refused: ``unit-unnamed``, ``text-too-long``, ``not-in-lab``, ``same-person``, ``bad-limit``,
            ``bad-topic``.
    """
    if session.get(Lab, lab_id) is None:
        raise NotFound("no-such-lab", "")
    refuse(why_not_set_up(person, lab_id))
    unit = ReceivingUnit(lab_id=lab_id, name={})
    _fill(session, unit, name=name, description=description, owner_id=owner_id, deputy_id=deputy_id)
    _load(session, unit, limit_in_progress, topics)
    session.add(unit)
    session.flush()
    _note(session, "unit-added", unit, person, now)
    return unit


def edit_unit(
    session: Session,
    *,
    unit_id: int,
    name: Texts,
    description: Texts,
    owner_id: int | None,
    deputy_id: int | None,
    limit_in_progress: int,
    topics: Sequence[str],
    person: Viewer,
    now: datetime,
    read: str | None = None,
) -> ReceivingUnit:
    """Change a receiving unit.

    Args:
        read: The mark of what the form was filled from (``mark_of``).

    Raises:
        NotFound: ``no-such-unit``. Forbidden, Refused: as ``add_unit``; ``changed-meanwhile``.
    """
    unit = _unit(session, unit_id, lock=True)
    refuse(why_not_set_up(person, unit.lab_id))
    refuse_stale(session, UNIT, unit_id, read)
    _fill(session, unit, name=name, description=description, owner_id=owner_id, deputy_id=deputy_id)
    _load(session, unit, limit_in_progress, topics)
    session.add(unit)
    _note(session, "unit-edited", unit, person, now)
    return unit


def _fill(
    session: Session,
    unit: ReceivingUnit,
    *,
    name: Texts,
    description: Texts | None,
    owner_id: int | None,
    deputy_id: int | None,
) -> None:
    lab = session.get(Lab, unit.lab_id)
    unit.name, unit.description = cleaned(name, LAB_NAME_MAX), cleaned(description, FIELD_MAX)
    if lab is None or not unit.name.get(lab.languages[0]):
        raise Refused("unit-unnamed", _l("Name the unit in the lab’s first language."))
    if owner_id is not None and owner_id == deputy_id:
        raise Refused("same-person", _l("Owner and deputy are two different people."), field="deputy_id")
    for field, person_id in (("owner_id", owner_id), ("deputy_id", deputy_id)):
        if person_id is not None and not works_here(session, unit.lab_id, person_id):
            raise Refused("not-in-lab", _l("Choose somebody who works in the lab."), field=field)
    unit.owner_id, unit.deputy_id = owner_id, deputy_id


def _load(session: Session, unit: ReceivingUnit, limit_in_progress: int, topics: Sequence[str]) -> None:
    if not 1 <= limit_in_progress <= LIMIT_MOST:
        raise Refused("bad-limit", _l("Between 1 and 500 ideas at a time."), field="limit_in_progress")
    known = set(session.scalars(select(Category.slug).where(Category.lab_id == unit.lab_id)))
    if not known.issuperset(topics):
        raise Refused("bad-topic", _l("Choose among the lab’s subjects."), field="topics")
    unit.limit_in_progress, unit.topics = limit_in_progress, list(topics)


def works_here(session: Session, lab_id: int, person_id: int) -> bool:
    """Say whether somebody holds a role in the lab or is a member of one of its units."""
    role = select(RoleGrant.id).where(
        RoleGrant.lab_id == lab_id, RoleGrant.person_id == person_id, col(RoleGrant.ended_at).is_(None)
    )
    member = (
        select(UnitMember.unit_id)
        .join(ReceivingUnit, col(ReceivingUnit.id) == col(UnitMember.unit_id))
        .where(ReceivingUnit.lab_id == lab_id, UnitMember.person_id == person_id)
    )
    return session.scalar(role.limit(1)) is not None or session.scalar(member.limit(1)) is not None


def retire_unit(session: Session, *, unit_id: int, open_handoffs: int, person: Viewer, now: datetime) -> None:
    """Let a unit take nothing new. It stays on the ideas it answered; bringing it back is possible.

    Args:
        open_handoffs: How many handoffs lie in its queue now; the caller counts them.

    Raises:
        NotFound: ``no-such-unit``. Forbidden: ``not-manager``. Refused: ``unit-busy``.
    """
    unit = _unit(session, unit_id)
    refuse(why_not_set_up(person, unit.lab_id))
    if open_handoffs:
        raise Refused(
            "unit-busy", _l("Handoffs still lie in this unit’s queue. Reassign or answer them first.")
        )
    unit.retired_at = unit.retired_at or now
    session.add(unit)
    _note(session, "unit-retired", unit, person, now)


def bring_unit_back(session: Session, *, unit_id: int, person: Viewer, now: datetime) -> None:
    """Let a retired unit take ideas again.

    Raises:
        NotFound: ``no-such-unit``. Forbidden: ``not-manager``.
    """
    unit = _unit(session, unit_id)
    refuse(why_not_set_up(person, unit.lab_id))
    unit.retired_at = None
    session.add(unit)
    _note(session, "unit-edited", unit, person, now)


def add_member(
    session: Session, *, unit_id: int, person_id: int, added_by: int | None, now: datetime
) -> UnitMember:
    """Make somebody a member of a unit; the right to do so was asked before (an invitation, the demo).

    Raises:
        NotFound: ``no-such-unit``.
    """
    unit = _unit(session, unit_id)
    standing = session.get(UnitMember, (unit_id, person_id))
    if standing is not None:
        return standing
    member = UnitMember(unit_id=unit_id, person_id=person_id, since=now, added_by=added_by)
    try:
        with session.begin_nested():
            session.add(member)
            session.flush()
    except IntegrityError:  # a second click was faster
        return session.get_one(UnitMember, (unit_id, person_id))
    record(
        session, "unit-member-added", at=now, actor_id=person_id, lab_id=unit.lab_id,
        subject_id=unit_id,
        public=False, data={"unit": dict(unit.name), "person_id": person_id}, readers=(),
    )  # fmt: skip
    return member


def remove_member(session: Session, *, unit_id: int, person_id: int, person: Viewer, now: datetime) -> None:
    """End somebody's membership; it takes effect with their next request (rule P5).

    Owner or deputy is no longer who leaves.

    Raises:
        NotFound: ``no-such-unit``, ``no-such-member``. Forbidden: ``not-inviting``.
    """
    unit = _unit(session, unit_id)
    refuse(why_not_invite(person, unit.lab_id))
    gone = session.execute(
        sa.delete(UnitMember).where(
            col(UnitMember.unit_id) == unit_id, col(UnitMember.person_id) == person_id
        )
    )
    if not getattr(gone, "rowcount", 0):
        raise NotFound("no-such-member", "")
    session.flush()
    if not works_here(session, unit.lab_id, person_id):
        unit.owner_id = None if unit.owner_id == person_id else unit.owner_id
        unit.deputy_id = None if unit.deputy_id == person_id else unit.deputy_id
        session.add(unit)
    record(
        session, "unit-member-removed", at=now, actor_id=person.person_id, lab_id=unit.lab_id,
        subject_id=unit_id,
        public=False, data={"unit": dict(unit.name), "person_id": person_id},
        readers=(Reader.NOTICES, Reader.PIPELINE),
    )  # fmt: skip


def _unit(session: Session, unit_id: int, *, lock: bool = False) -> ReceivingUnit:
    options: dict[str, Any] = {"with_for_update": {"key_share": True}, "populate_existing": True}
    unit = session.get(ReceivingUnit, unit_id, **(options if lock else {}))
    if unit is None:
        raise NO_SUCH_UNIT
    return unit


def _note(session: Session, kind: str, unit: ReceivingUnit, person: Viewer, now: datetime) -> None:
    data: dict[str, Any] = {"unit": dict(unit.name)}
    record(
        session, kind, at=now, actor_id=person.person_id, lab_id=unit.lab_id, subject_id=known_id(unit.id),
        public=False, data=data, readers=(),
    )  # fmt: skip
