"""Who is suspended, and why: before those who moderate, and before the person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import another
from livinglab.core.together import Rows
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Comment, Idea
from livinglab.labs.models import UnitMember
from livinglab.moderation.models import Decision, Suspension
from livinglab.moderation.queries.decisions import DecisionPage, page_of
from livinglab.moderation.queries.queue import moderated_labs
from livinglab.moderation.queries.standing import author_face
from livinglab.moderation.rules import NO_SUCH_DECISION
from livinglab.people.models import Person, RoleGrant
from livinglab.people.rules import Face

MOST = 200


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rule on suspending asks about an author."""

    author_id: int | None
    has_duties: bool
    until: datetime | None


def author_standing(session: Session, author_id: int | None) -> Standing:
    """Return what stands against suspending somebody: one statement."""
    rows = session.execute(standing_query(), {"person_id": author_id or 0}).all()
    return standing_from(author_id, rows)


def standing_from(author_id: int | None, rows: Rows) -> Standing:
    """Return it of the rows of ``standing_query``."""
    return Standing(author_id, rows[0].duties, rows[0].until) if rows else Standing(None, False, None)  # noqa: FBT003


@lru_cache(maxsize=1)
def standing_query() -> Any:
    """Return the statement on one person, made once."""
    person: Any = sa.bindparam("person_id", type_=sa.Integer)
    role = sa.exists().where(col(RoleGrant.person_id) == person, col(RoleGrant.ended_at).is_(None))
    seat = sa.exists().where(col(UnitMember.person_id) == person)
    until = sa.select(sa.func.max(col(Suspension.until))).where(
        col(Suspension.person_id) == person, col(Suspension.ended_at).is_(None)
    )
    duties = sa.or_(col(Person.is_admin), role, seat).label("duties")
    query = sa.select(duties, until.scalar_subquery().label("until"))
    return query.where(col(Person.id) == person, col(Person.erased_at).is_(None))


@dataclass(frozen=True, slots=True)
class SuspendedRow:
    """Somebody who may not come in just now, under the name their text carries (rule P4)."""

    decision_id: int
    lab_id: int
    by: Face
    rule: str | None
    facts: str
    title: str
    language: str
    since: datetime
    until: datetime
    decided_by: str


def suspended(session: Session, viewer: Viewer) -> tuple[SuspendedRow, ...]:
    """Return who is suspended in the name of the person's labs; before the administrator, all."""
    here = sa.true() if viewer.is_admin else col(Suspension.lab_id).in_(moderated_labs(viewer))
    decider = another(Person)
    rows: Any = session.execute(
        sa.select(Suspension, Decision, Idea, Comment, Person, col(decider.name).label("decider"))
        .join(Decision, col(Decision.id) == col(Suspension.decision_id))
        .join(Idea, col(Idea.id) == col(Decision.idea_id))
        .join(Person, col(Person.id) == col(Suspension.person_id))
        .outerjoin(Comment, col(Comment.id) == col(Decision.comment_id))
        .outerjoin(decider, col(decider.id) == col(Decision.by_id))
        .where(here, col(Suspension.ended_at).is_(None))
        .order_by(col(Suspension.until), col(Suspension.decision_id))
        .limit(MOST)
    ).all()
    return tuple(
        SuspendedRow(
            decision_id=row.Suspension.decision_id,
            lab_id=row.Suspension.lab_id,
            by=author_face(row.Person, (row.Comment or row.Idea).byline),
            rule=row.Decision.rule,
            facts=row.Decision.facts,
            title=row.Idea.title,
            language=row.Idea.language,
            since=row.Suspension.since,
            until=row.Suspension.until,
            decided_by=row.decider or "",
        )
        for row in rows
    )


def suspension_page(session: Session, key: str, now: datetime) -> tuple[DecisionPage, Viewer]:
    """Return the decision that suspended somebody, and who they are: its letter's link is the way in.

    Raises:
        NotFound: ``no-such-decision``.

    Source: rules M2, M3.
    """
    decision = session.scalar(
        select(Decision)
        .join(Suspension, col(Suspension.decision_id) == col(Decision.id))
        .where(Suspension.key == key)
    )
    if decision is None or decision.author_id is None:
        raise NO_SUCH_DECISION
    person = Viewer(person_id=decision.author_id)
    return page_of(session, decision, person, now), person
