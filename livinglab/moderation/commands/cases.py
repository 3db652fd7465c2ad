"""Opening a case, finding its thing again, and who has it in hand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.clock import due_in_working_days
from livinglab.core.errors import refuse
from livinglab.core.journal import record
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Comment, Credit, CreditKind, Idea, Publication
from livinglab.labs.queries import LabBrief
from livinglab.moderation.models import Case, Source
from livinglab.moderation.rules import (
    DECIDE_WITHIN_DAYS,
    HOLD_FOR,
    NO_SUCH_CASE,
    Finding,
    masked,
    why_not_moderate,
)


@dataclass(frozen=True, slots=True)
class Matter:
    """A case with the thing it is about, locked for the rest of the transaction."""

    case: Case
    idea: Idea
    comment: Comment | None
    authors: Collection[int]

    @property
    def lab_id(self) -> int:
        """Return the lab."""
        return self.case.lab_id

    @property
    def closed_at(self) -> datetime | None:
        """Return when it was decided."""
        return self.case.closed_at

    @property
    def stamp(self) -> int:
        """Return the stamp that a decision must name."""
        return self.case.stamp

    @property
    def publication(self) -> Publication:
        """Return how the thing stands."""
        return self.comment.publication if self.comment else self.idea.publication

    @property
    def author_id(self) -> int | None:
        """Return who reads the letter."""
        return self.comment.author_id if self.comment else self.idea.author_id


def open_case(
    session: Session,
    *,
    lab: LabBrief,
    idea_id: int,
    source: Source,
    now: datetime,
    comment_id: int | None = None,
    version: int | None = None,
    findings: Sequence[Finding] = (),
) -> Case:
    """Open a case, or add to the one that is open about the same thing; its stamp grows then."""
    write = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    due = due_in_working_days(now, DECIDE_WITHIN_DAYS, lab.timezone, lab.country)
    found = [masked(finding) for finding in findings]
    fresh = write(Case).values(
        lab_id=lab.id, idea_id=idea_id, comment_id=comment_id, version=version, source=source,
        findings=found, opened_at=now, due_at=due, stamp=0,
    )  # fmt: skip
    session.flush()
    came = session.execute(fresh.on_conflict_do_nothing().returning(col(Case.id))).first()
    query = select(Case).where(Case.idea_id == idea_id, col(Case.closed_at).is_(None), _about(comment_id))
    locked = query.with_for_update().execution_options(populate_existing=True)
    case = session.scalars(locked).one()
    if came is not None:
        record(
            session,
            "case-opened",
            at=now,
            actor_id=None,
            lab_id=lab.id,
            idea_id=idea_id,
            subject_id=case.id,
            public=False,
            data={"source": source.value, "comment_id": comment_id, "due": due.isoformat()},
            readers=(),
        )
    else:
        case.stamp += 1
        case.version = version or case.version
        case.findings = [*case.findings, *(one for one in found if one not in case.findings)]
        if source is Source.REPORT or case.source is Source.CHECK:
            case.source = source
        session.flush()
    return case


def close_case(session: Session, case: Case, now: datetime) -> None:
    """Close a case; whatever was decided on an older stamp is refused from here on."""
    case.closed_at, case.held_by, case.held_at = now, None, None
    case.stamp += 1
    session.flush()


def matter_of(session: Session, case_id: int) -> Matter:
    """Return a case and its thing, locked: the thing before the case, so that nobody waits crosswise.

    Raises:
        NotFound: ``no-such-case``.
    """
    about = session.execute(select(Case.idea_id, Case.comment_id).where(Case.id == case_id)).one_or_none()
    if about is None:
        raise NO_SUCH_CASE
    comment = lock_comment(session, about[1]) if about[1] else None
    idea = session.get_one(Idea, about[0]) if comment else lock_idea(session, about[0])
    case = session.get(Case, case_id, populate_existing=True, with_for_update=True)
    if case is None:
        raise NO_SUCH_CASE
    return Matter(case, idea, comment, authors_of(session, idea, comment))


def lock_idea(session: Session, idea_id: int) -> Idea:
    """Return an idea's row, locked; what others changed meanwhile is read.

    Raises:
        NotFound: ``no-such-case``.
    """
    idea = session.get(Idea, idea_id, populate_existing=True, with_for_update=True)
    if idea is None:
        raise NO_SUCH_CASE
    return idea


def lock_comment(session: Session, comment_id: int) -> Comment:
    """Return a comment's row, locked.

    Raises:
        NotFound: ``no-such-case``.
    """
    comment = session.get(Comment, comment_id, populate_existing=True, with_for_update=True)
    if comment is None:
        raise NO_SUCH_CASE
    return comment


def authors_of(session: Session, idea: Idea, comment: Comment | None) -> frozenset[int]:
    """Return whose own text it is: the comment's author, or all authors of the idea (rule M1)."""
    if comment is not None:
        return frozenset({comment.author_id} - {None})  # type: ignore[arg-type]
    kinds = (CreditKind.AUTHOR, CreditKind.CO_AUTHOR)
    query = select(Credit.person_id).where(Credit.idea_id == idea.id, col(Credit.kind).in_(kinds))
    return frozenset(session.scalars(query)) | ({idea.author_id} if idea.author_id else frozenset())


def hold_case(session: Session, *, case_id: int, person: Viewer, now: datetime) -> int | None:
    """Take a case in hand for ten minutes, unless somebody else has it.

    Returns:
        The id of the other person who has it, or ``None``: it is in this person's hand now.

    Raises:
        NotFound: ``no-such-case``; Forbidden: ``not-a-moderator``, ``own-content``.
    """
    matter = matter_of(session, case_id)
    refuse(why_not_moderate(matter, person))
    case = matter.case
    fresh = case.held_at is not None and now - case.held_at < HOLD_FOR
    if case.held_by not in (None, person.person_id) and fresh:
        return case.held_by
    if case.closed_at is None:
        case.held_by, case.held_at = person.known_id, now
        session.flush()
    return None


def let_go(session: Session, *, case_id: int, person: Viewer) -> None:
    """Put a case back, so that somebody else may take it."""
    session.execute(
        sa.update(Case)
        .where(col(Case.id) == case_id, col(Case.held_by) == person.known_id)
        .values(held_by=None, held_at=None)
    )


def _about(comment_id: int | None) -> sa.ColumnElement[bool]:
    return col(Case.comment_id).is_(None) if comment_id is None else col(Case.comment_id) == comment_id
