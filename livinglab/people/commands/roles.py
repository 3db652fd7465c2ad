"""Roles: granted in a lab, ended again. Both take effect at the person's next request (rule P5)."""

from __future__ import annotations

from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from livinglab.core.errors import NotFound, refuse
from livinglab.core.journal import Reader, record
from livinglab.core.viewer import Role, Viewer
from livinglab.people.commands.rows import person_row
from livinglab.people.models import RoleGrant
from livinglab.people.rules import why_not_end_role


def grant_role(
    session: Session,
    *,
    person_id: int,
    lab_id: int,
    role: Role,
    by_id: int | None,
    now: datetime,
    weekly_hours: int | None = None,
) -> RoleGrant:
    """Let somebody hold a role in a lab; who may do so is asked where the role is offered (rule P2b).

    Returns:
        The standing grant: new, or the one given before.

    Raises:
        NotFound: ``no-such-person``.
    """
    person_row(session, person_id)
    standing = _standing(session, person_id, lab_id, role)
    if standing is not None:
        return standing
    grant = RoleGrant(
        person_id=person_id,
        lab_id=lab_id,
        role=role,
        weekly_hours=weekly_hours,
        granted_at=now,
        granted_by=by_id,
    )
    try:
        with session.begin_nested():
            session.add(grant)
            session.flush()
    except IntegrityError:
        return session.scalars(_standing_query(person_id, lab_id, role)).one()
    record(
        session,
        "role-granted",
        at=now,
        actor_id=by_id,
        lab_id=lab_id,
        subject_id=person_id,
        public=False,
        data={"role": role.value},
    )
    return grant


def end_role(session: Session, *, person_id: int, lab_id: int, role: Role, by: Viewer, now: datetime) -> None:
    """Take a role back, or lay it down.

    Raises:
        NotFound: ``no-such-role``; Forbidden: ``not-manager``; Refused: ``last-manager``.
    """
    standing = session.scalars(
        select(RoleGrant)
        .where(RoleGrant.lab_id == lab_id, col(RoleGrant.ended_at).is_(None))
        .order_by(col(RoleGrant.id))
        .with_for_update(key_share=True)  # two managers who end each other's role: one of them stays
        .execution_options(populate_existing=True)
    ).all()
    managers = sum(one.role is Role.MANAGER for one in standing)
    refuse(why_not_end_role(by, lab_id=lab_id, person_id=person_id, role=role, managers=managers))
    grant = next((one for one in standing if (one.person_id, one.role) == (person_id, role)), None)
    if grant is None:
        raise NotFound("no-such-role", _l("This person does not hold this role."))
    grant.ended_at, grant.ended_by = now, by.person_id
    session.add(grant)
    record(
        session,
        "role-ended",
        at=now,
        actor_id=by.person_id,
        lab_id=lab_id,
        subject_id=person_id,
        public=False,
        data={"role": role.value},
        readers=(Reader.NOTICES, Reader.PIPELINE),
    )


def _standing_query(person_id: int, lab_id: int, role: Role) -> SelectOfScalar[RoleGrant]:
    return select(RoleGrant).where(
        RoleGrant.person_id == person_id,
        RoleGrant.lab_id == lab_id,
        RoleGrant.role == role,
        col(RoleGrant.ended_at).is_(None),
    )


def _standing(session: Session, person_id: int, lab_id: int, role: Role) -> RoleGrant | None:
    return session.scalar(_standing_query(person_id, lab_id, role))
