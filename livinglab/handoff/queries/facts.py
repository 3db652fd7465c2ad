"""What commands and rules need to know of a lab, a unit and an idea. Small reads."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import Texts
from livinglab.core.viewer import Role
from livinglab.handoff.models import Answer, AnswerKind, Handoff
from livinglab.handoff.rules.moves import IN_PROGRESS
from livinglab.ideas.models import Credit, CreditKind, Idea
from livinglab.labs.models import Lab, LabSettings, ReceivingUnit, UnitMember
from livinglab.people.models import Person, RoleGrant


@dataclass(frozen=True, slots=True)
class LabClock:
    """The numbers, zone and country by which a lab's deadlines run (rules H2, L4)."""

    settings: LabSettings
    zone: str
    country: str
    language: str


def lab_clock(session: Session, lab_id: int) -> LabClock:
    """Return how a lab counts its days."""
    row = session.execute(
        select(Lab.timezones, Lab.country, Lab.languages, LabSettings)
        .outerjoin(LabSettings, col(LabSettings.lab_id) == col(Lab.id))
        .where(col(Lab.id) == lab_id)
    ).one()
    zones, country, languages, settings = row
    return LabClock(settings or LabSettings(lab_id=lab_id), zones[0], country, languages[0])


def unit_name(session: Session, unit_id: int | None) -> Texts:
    """Return a unit's name in the lab's languages; empty where the handoff lies with the lab."""
    found = session.scalar(select(ReceivingUnit.name).where(col(ReceivingUnit.id) == unit_id))
    return found or {}


def is_member(session: Session, unit_id: int | None, person_id: int) -> bool:
    """Say whether somebody works for a unit and still has an account."""
    return bool(
        session.scalar(
            select(sa.literal(1))
            .select_from(UnitMember)
            .join(Person, col(Person.id) == col(UnitMember.person_id))
            .where(
                col(UnitMember.unit_id) == unit_id,
                col(UnitMember.person_id) == person_id,
                col(Person.erased_at).is_(None),
            )
        )
    )


def in_progress(session: Session, unit_id: int | None) -> int:
    """Count what a unit has in hand (rule H5)."""
    return (
        session.scalar(
            select(sa.func.count())
            .select_from(Handoff)
            .where(
                col(Handoff.unit_id) == unit_id,
                col(Handoff.closed_at).is_(None),
                col(Handoff.state).in_(IN_PROGRESS),
            )
        )
        or 0
    )


def loads_of(session: Session, lab_id: int) -> dict[int, int]:
    """Return what each unit of a lab has in hand, by unit; units with nothing are left out."""
    rows = session.execute(
        sa.select(col(Handoff.unit_id), sa.func.count())
        .where(
            col(Handoff.lab_id) == lab_id,
            col(Handoff.unit_id).is_not(None),
            col(Handoff.closed_at).is_(None),
            col(Handoff.state).in_(IN_PROGRESS),
        )
        .group_by(col(Handoff.unit_id))
    )
    return {unit_id: number for unit_id, number in rows if unit_id is not None}


def authors_of(session: Session, idea_id: int) -> frozenset[int]:
    """Return the ids of an idea's author and co-authors."""
    author = select(Idea.author_id).where(col(Idea.id) == idea_id, col(Idea.author_id).is_not(None))
    others = select(Credit.person_id).where(
        col(Credit.idea_id) == idea_id,
        col(Credit.kind).in_((CreditKind.AUTHOR, CreditKind.CO_AUTHOR, CreditKind.MERGED_AUTHOR)),
    )
    return frozenset(session.scalars(sa.union(author, others)))


def answer_waits(session: Session, handoff_id: int) -> bool:
    """Say whether an answer of the handoff is written and not published."""
    return bool(
        session.scalar(
            select(sa.literal(1))
            .select_from(Answer)
            .where(col(Answer.handoff_id) == handoff_id, col(Answer.published_at).is_(None))
        )
    )


def has_receipt(session: Session, handoff_id: int) -> bool:
    """Say whether the handoff has its receipt."""
    return bool(
        session.scalar(
            select(sa.literal(1))
            .select_from(Answer)
            .where(col(Answer.handoff_id) == handoff_id, col(Answer.kind) == AnswerKind.RECEIPT)
        )
    )


@dataclass(frozen=True, slots=True)
class HandoffPeople:
    """Whom a handoff concerns, by id: for those who tell them (rules H3, N2).

    Args:
        responsible: The assignee; without one the unit's members; in the lab's own queue its team.
        seconds: Those who may publish an answer the signer has written.
    """

    assignee: int | None
    members: frozenset[int]
    deputy: int | None
    owner: int | None
    managers: frozenset[int]
    desk: frozenset[int]
    lead: int | None
    routed_by: int | None

    @property
    def responsible(self) -> frozenset[int]:
        """Return those who owe the next step."""
        if self.assignee is not None:
            return frozenset({self.assignee})
        return self.members or self.desk

    def seconds(self, signer_id: int) -> frozenset[int]:
        """Return those who may publish what the signer has written (rule H4)."""
        lead = {self.lead} if self.lead is not None else set()
        return (self.members | self.managers | lead) - {signer_id}


def people_of(session: Session, handoff_id: int) -> HandoffPeople:
    """Return whom a handoff concerns."""
    row = session.execute(
        sa.select(
            col(Handoff.lab_id),
            col(Handoff.unit_id),
            col(Handoff.assignee_id),
            col(Handoff.routed_by),
            col(ReceivingUnit.deputy_id),
            col(ReceivingUnit.owner_id),
            col(Idea.lead_id),
        )
        .join(Idea, col(Idea.id) == col(Handoff.idea_id))
        .outerjoin(ReceivingUnit, col(ReceivingUnit.id) == col(Handoff.unit_id))
        .where(col(Handoff.id) == handoff_id)
    ).one()
    members = session.scalars(select(UnitMember.person_id).where(col(UnitMember.unit_id) == row.unit_id))
    roles = session.execute(
        select(RoleGrant.person_id, RoleGrant.role).where(
            col(RoleGrant.lab_id) == row.lab_id, col(RoleGrant.ended_at).is_(None)
        )
    ).all()
    return HandoffPeople(
        assignee=row.assignee_id,
        members=frozenset(members),
        deputy=row.deputy_id,
        owner=row.owner_id,
        managers=frozenset(person for person, role in roles if role == Role.MANAGER),
        desk=frozenset(person for person, role in roles if role in (Role.FACILITATOR, Role.MANAGER)),
        lead=row.lead_id,
        routed_by=row.routed_by,
    )
