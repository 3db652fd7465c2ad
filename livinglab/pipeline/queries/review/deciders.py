"""Who may decide at a gate, and who could lead an idea."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.files import StoredFile
from livinglab.core.viewer import Role, Viewer
from livinglab.ideas.models import Idea, Publication
from livinglab.labs.models import UnitMember
from livinglab.people.models import Person, RoleGrant
from livinglab.people.rules import Face, face_of
from livinglab.pipeline.rules import Hand, Place, deciders_of


def candidates_of(session: Session, place: Place) -> tuple[tuple[int, Face, Hand], ...]:
    """Return who may decide at the gate ahead, each once with the first of their capacities."""
    hands = deciders_of(place.gate or 1)
    parts: list[Any] = []

    def held(hand: Hand, role: Role, *conditions: Any) -> Any:
        return sa.select(sa.literal(hand.value).label("hand"), col(RoleGrant.person_id).label("id")).where(
            col(RoleGrant.lab_id) == place.lab_id,
            col(RoleGrant.role) == role,
            col(RoleGrant.ended_at).is_(None),
            *conditions,
        )

    if place.lead_id is not None:
        parts.append(held(Hand.OWN_LEAD, Role.LEAD, col(RoleGrant.person_id) == place.lead_id))
    if Hand.OWN_UNIT in hands and place.unit_id is not None:
        parts.append(
            sa.select(sa.literal(Hand.OWN_UNIT.value), col(UnitMember.person_id)).where(
                col(UnitMember.unit_id) == place.unit_id
            )
        )
    if Hand.FACILITATOR in hands:
        parts.append(held(Hand.FACILITATOR, Role.FACILITATOR))
    parts.append(held(Hand.MANAGER, Role.MANAGER))
    found: Any = sa.union_all(*parts).subquery()
    rows: Any = session.execute(
        sa.select(found.c.hand, found.c.id, col(Person.name), col(Person.title), col(StoredFile.key))
        .join(Person, col(Person.id) == found.c.id)
        .outerjoin(StoredFile, col(StoredFile.id) == col(Person.photo_id))
        .where(col(Person.erased_at).is_(None), col(Person.suspended_at).is_(None))
        .order_by(col(Person.name), col(Person.id))
    )
    order = [Hand.OWN_LEAD, Hand.OWN_UNIT, Hand.FACILITATOR, Hand.MANAGER]
    ranked = sorted(rows, key=lambda row: order.index(Hand(row.hand)))
    people: dict[int, tuple[int, Face, Hand]] = {}
    for row in ranked:
        if row.id not in place.authors:
            people.setdefault(
                row.id, (row.id, face_of(name=row.name, title=row.title, photo=row.key), Hand(row.hand))
            )
    return tuple(people.values())


@dataclass(frozen=True, slots=True)
class Possible:
    """Somebody who could be named project lead, with how much they carry already."""

    id: int
    name: str
    carries: int


def possible_leads(session: Session, lab_id: int) -> tuple[Possible, ...]:
    """Return the project leads of a lab, those with the least in hand first."""
    carried: Any = (
        sa.select(sa.func.count())
        .select_from(Idea)
        .where(
            col(Idea.lead_id) == col(Person.id),
            col(Idea.publication) == Publication.PUBLISHED,
            col(Idea.activity).in_(("active", "review", "hold")),
        )
        .correlate(Person)
        .scalar_subquery()
    )
    rows: Any = session.execute(
        sa.select(col(Person.id), col(Person.name), carried.label("carries"))
        .join(RoleGrant, col(RoleGrant.person_id) == col(Person.id))
        .where(
            col(RoleGrant.lab_id) == lab_id,
            col(RoleGrant.role) == Role.LEAD,
            col(RoleGrant.ended_at).is_(None),
            col(Person.erased_at).is_(None),
        )
        .order_by(carried, col(Person.name))
    )
    return tuple(Possible(row.id, row.name, row.carries) for row in rows)


def may_see_gate(place: Place, viewer: Viewer) -> bool:
    """Say whether a person works in the idea's lab and may open the page of its gate."""
    return place.publication is Publication.PUBLISHED and viewer.is_staff(place.lab_id)
