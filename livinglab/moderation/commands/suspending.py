"""Suspending somebody for a time, with a statement of reasons; lifting it, and ending it in time."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import known_id
from livinglab.core.errors import refuse
from livinglab.core.journal import record
from livinglab.core.text import clean
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Comment, Idea
from livinglab.moderation.commands.cases import Matter
from livinglab.moderation.commands.deciding import write_decision
from livinglab.moderation.commands.telling import tell_author, tell_readmitted
from livinglab.moderation.models import Action, Case, Decision, Suspension
from livinglab.moderation.queries.standing import authors_of, nobody_but, thing_of_decision
from livinglab.moderation.queries.suspending import author_standing
from livinglab.moderation.rules import (
    NO_SUCH_CASE,
    NO_SUCH_DECISION,
    why_not_days,
    why_not_lift,
    why_not_reasons,
    why_not_suspend,
)
from livinglab.people.commands import end_devices, lock_people, void_links
from livinglab.people.models import Person


def suspend(
    session: Session, *, case_id: int, person: Viewer, days: int, rule: str | None, facts: str, now: datetime
) -> Decision:
    """Let the author of what a case is about not come in for a time, on any device, and tell them why.

    What they wrote stays as it is: that is decided by itself. The letter holds the way to appeal, which
    needs no signing in.

    Args:
        days: One of ``SUSPEND_DAYS``.

    Raises:
        NotFound: ``no-such-case``; Forbidden: ``own-content``, ``has-duties``.
        Refused: ``no-author``, ``already-suspended``, ``days-missing``, ``rule-missing``,
            ``facts-missing``, ``facts-too-long``.

    Source: rules M2, P5; docs/decisions/0016-suspending-somebody.md.
    """
    matter = _matter(session, case_id)
    lock_people(session, matter.author_id)
    standing = author_standing(session, matter.author_id)
    refuse(
        why_not_suspend(
            matter,
            person,
            author_id=standing.author_id,
            has_duties=standing.has_duties,
            until=standing.until,
        )
    )
    refuse(why_not_days(days))
    facts = clean(facts)
    refuse(why_not_reasons(Action.SUSPEND, rule, facts))
    decision = write_decision(session, matter, Action.SUSPEND, person, now, rule=rule, facts=facts)
    author = session.get_one(Person, matter.author_id, populate_existing=True)
    author.suspended_at = now
    session.add(
        Suspension(
            decision_id=known_id(decision.id),
            person_id=known_id(author.id),
            lab_id=matter.lab_id,
            since=now,
            until=now + timedelta(days=days),
        )
    )
    session.flush()
    void_links(session, known_id(author.id), now=now)
    end_devices(session, known_id(author.id))
    _record(session, "person-suspended", decision, by_id=person.person_id, now=now, days=days)
    tell_author(session, decision, thing_of_decision(decision, matter.case), title=matter.idea.title, now=now)
    return decision


def _matter(session: Session, case_id: int) -> Matter:
    """Return a case and its thing as they are; nothing of them is changed, so nothing is locked."""
    case = session.get(Case, case_id)
    if case is None:
        raise NO_SUCH_CASE
    idea = session.get_one(Idea, case.idea_id)
    comment = session.get(Comment, case.comment_id) if case.comment_id else None
    authors = authors_of(session, idea, comment)
    return Matter(case, idea, comment, authors, nobody_but(session, case.lab_id, authors))


def lift_suspension(session: Session, *, decision_id: int, person: Viewer, now: datetime) -> None:
    """Let somebody come in again before the time is over.

    Raises:
        NotFound: ``no-such-decision``; Refused: ``suspension-ended``.
    """
    row = _locked(session, decision_id)
    refuse(why_not_lift(person, lab_id=row.lab_id, ended=row.ended_at is not None))
    end_suspension(session, row, by_id=person.known_id, now=now)


def end_suspensions(session: Session, *, now: datetime, most: int) -> int:
    """Let those come in again whose time is over.

    Returns:
        How many there were.
    """
    over = session.scalars(
        select(Suspension.decision_id)
        .where(col(Suspension.ended_at).is_(None), Suspension.until <= now)
        .order_by(col(Suspension.person_id))
        .limit(most)
    ).all()
    for decision_id in over:
        row = _locked(session, decision_id)
        if row.ended_at is None:
            end_suspension(session, row, by_id=None, now=now)
    return len(over)


def lock_suspended(session: Session, decision_id: int) -> None:
    """Lock whom a decision suspended; people come before everything else."""
    lock_people(
        session, session.scalar(select(Suspension.person_id).where(Suspension.decision_id == decision_id))
    )


def _locked(session: Session, decision_id: int) -> Suspension:
    lock_suspended(session, decision_id)
    row = session.get(Suspension, decision_id, populate_existing=True)
    if row is None:
        raise NO_SUCH_DECISION
    return row


def end_suspension(session: Session, row: Suspension, *, by_id: int | None, now: datetime) -> None:
    """End a suspension whose person is locked, and say so to them; one that has ended stays as it is.

    Args:
        by_id: Who lifted it; ``None`` where its time is over.
    """
    if row.ended_at is not None:
        return
    row.ended_at, row.ended_by = now, by_id
    person = session.get_one(Person, row.person_id, populate_existing=True)
    person.suspended_at = None
    session.flush()
    decision = session.get_one(Decision, row.decision_id)
    _record(session, "person-readmitted", decision, by_id=by_id, now=now)
    tell_readmitted(session, decision, now=now)


def _record(
    session: Session, kind: str, decision: Decision, *, by_id: int | None, now: datetime, days: int = 0
) -> None:
    record(
        session,
        kind,
        at=now,
        actor_id=by_id,
        lab_id=decision.lab_id,
        subject_id=decision.author_id,
        public=False,
        data={"decision_id": decision.id, "rule": decision.rule} | ({"days": days} if days else {}),
        readers=(),
    )
