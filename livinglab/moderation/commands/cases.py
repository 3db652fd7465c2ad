"""Opening a case and finding its thing again, locked before the case (decision 0008, one lock order)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.clock import due_in_working_days
from livinglab.core.journal import Reader, record
from livinglab.core.viewer import Role, Viewer
from livinglab.ideas.commands import call_back_idea
from livinglab.ideas.models import Comment, Idea, IdeaVersion, Publication
from livinglab.labs.queries import LabBrief
from livinglab.moderation.commands.telling import tell_administrators
from livinglab.moderation.models import Case, Decision, Report, Source
from livinglab.moderation.queries.standing import authors_of, nobody_but
from livinglab.moderation.rules import (
    DECIDE_WITHIN_DAYS,
    NO_SUCH_CASE,
    Finding,
    masked,
)


@dataclass(frozen=True, slots=True)
class Matter:
    """A case with the thing it is about, locked for the rest of the transaction."""

    case: Case
    idea: Idea
    comment: Comment | None
    authors: Collection[int]
    nobody_else: bool
    """Whether nobody moderates in the lab but those who wrote it."""

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
        _announce(session, case, now)
    else:
        case.stamp += 1
        case.version = version or case.version
        case.findings = [*case.findings, *(one for one in found if one not in case.findings)]
        if source is Source.REPORT or case.source is Source.CHECK:
            case.source = source
        session.flush()
    return case


def _announce(session: Session, case: Case, now: datetime) -> None:
    """Record that somebody must look; where nobody in the lab may, the administrator is told (rule M1)."""
    idea = session.get_one(Idea, case.idea_id)
    comment = session.get(Comment, case.comment_id) if case.comment_id else None
    alone = nobody_but(session, case.lab_id, authors_of(session, idea, comment))
    record(
        session,
        "case-opened",
        at=now,
        actor_id=None,
        lab_id=case.lab_id,
        idea_id=case.idea_id,
        subject_id=case.id,
        public=False,
        data={
            "source": case.source.value,
            "comment_id": case.comment_id,
            "due": case.due_at.isoformat(),
            "needs_admin": alone,
        },
        readers=(Reader.NOTICES,) if alone else (),
    )
    if alone:
        path, key = f"/moderation/cases/{case.id}", f"case-{case.id}"
        tell_administrators(session, "nobody-to-look", title=idea.title, path=path, key=key, now=now)


def let_go(session: Session, *, idea_id: int, comment_id: int | None = None, now: datetime) -> None:
    """Close the open case of what its author took back or put right; its thing is locked already.

    What somebody reported is still looked at, as it reads now: whoever read it before decides nothing.
    """
    query = select(Case).where(Case.idea_id == idea_id, col(Case.closed_at).is_(None), _about(comment_id))
    case = session.scalar(query.with_for_update().execution_options(populate_existing=True))
    if case is None:
        return
    if session.scalar(select(Report.id).where(Report.case_id == case.id).limit(1)) is None:
        close_case(session, case, now)
        return
    case.version, case.stamp = None, case.stamp + 1
    session.flush()


def take_off_queue(session: Session, *, idea_id: int, now: datetime) -> None:
    """Let no change of an idea wait that has ended; the idea is locked already.

    The change goes back to its author without a letter: nobody decided about it. What somebody reported of
    the words that stand is still looked at, for everybody may read them.
    """
    waits = (col(IdeaVersion.idea_id) == idea_id, col(IdeaVersion.publication) == Publication.PENDING)
    back = sa.update(IdeaVersion).where(*waits).values(publication=Publication.RETURNED)
    session.execute(back.execution_options(synchronize_session="fetch"))
    let_go(session, idea_id=idea_id, now=now)


def call_back(session: Session, *, idea_id: int, person: Viewer, now: datetime) -> None:
    """Give an idea that waits for its first look back to its author, and take it off the queue.

    Raises:
        What ``ideas.commands.call_back_idea`` raises.

    Source: rule I1.
    """
    call_back_idea(session, idea_id=idea_id, person=person, now=now)
    let_go(session, idea_id=idea_id, now=now)


def go_on_with_reports(session: Session, case: Case) -> None:
    """Give the reports of a case just closed a case of their own, as old as they are."""
    if session.scalar(select(Report.id).where(Report.case_id == case.id).limit(1)) is None:
        return
    rest = Case(
        lab_id=case.lab_id,
        idea_id=case.idea_id,
        source=Source.REPORT,
        opened_at=case.opened_at,
        due_at=case.due_at,
    )
    session.add(rest)
    session.flush()
    for table, about in (
        (Report, sa.true()),
        (Decision, col(Decision.automatic).is_(True)),  # three people hid it: nobody has looked at that yet
    ):
        moved = sa.update(table).where(col(table.case_id) == case.id, about).values(case_id=rest.id)
        session.execute(moved.execution_options(synchronize_session="fetch"))


def close_case(session: Session, case: Case, now: datetime) -> None:
    """Close a case; whatever was decided on an older stamp is refused from here on."""
    case.closed_at, case.held_by, case.held_at = now, None, None
    case.findings = [{"check": found["check"]} for found in case.findings]  # numbers and links are not kept
    case.stamp += 1
    session.flush()


def matter_of(session: Session, case_id: int, person: Viewer) -> Matter:
    """Return a case and its thing, locked: the thing before the case.

    Raises:
        NotFound: ``no-such-case``; also to those who have no say in its lab.
    """
    its = select(Case.idea_id, Case.comment_id).where(Case.id == case_id)
    if not person.is_admin:  # who decides where the only moderator wrote it
        its = its.where(col(Case.lab_id).in_(person.labs_as(Role.FACILITATOR, Role.MANAGER)))
    about = session.execute(its).one_or_none()
    if about is None:
        raise NO_SUCH_CASE
    comment = lock_comment(session, about[1]) if about[1] else None
    idea = session.get_one(Idea, about[0]) if comment else lock_idea(session, about[0])
    case = session.get(Case, case_id, populate_existing=True, with_for_update=True)
    if case is None:
        raise NO_SUCH_CASE
    authors = authors_of(session, idea, comment)
    return Matter(case, idea, comment, authors, nobody_but(session, case.lab_id, authors))


def lock_idea(session: Session, idea_id: int) -> Idea:
    """Return an idea's row, locked; what others changed meanwhile is read.

    Raises:
        NotFound: ``no-such-case``.
    """
    idea = session.get(Idea, idea_id, populate_existing=True, with_for_update={"key_share": True})
    if idea is None:
        raise NO_SUCH_CASE
    return idea


def lock_comment(session: Session, comment_id: int) -> Comment:
    """Return a comment's row, locked.

    Raises:
        NotFound: ``no-such-case``.
    """
    comment = session.get(Comment, comment_id, populate_existing=True, with_for_update={"key_share": True})
    if comment is None:
        raise NO_SUCH_CASE
    return comment


def _about(comment_id: int | None) -> sa.ColumnElement[bool]:
    return col(Case.comment_id).is_(None) if comment_id is None else col(Case.comment_id) == comment_id
