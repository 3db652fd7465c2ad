"""What a moderator is told beside a case: whose text it is, what was reported, what was decided before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.together import Read, Rows, together
from livinglab.ideas.models import Comment, Credit, Idea, IdeaTag, Publication
from livinglab.moderation.models import Action, Case, Decision, Report
from livinglab.moderation.queries.standing import AUTHORS, authors_from, moderates
from livinglab.moderation.queries.suspending import Standing, standing_from, standing_query
from livinglab.moderation.rules import NEEDS_REASONS
from livinglab.people.models import Person, RoleGrant

EARLIER = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class ReportRow:
    """A report; who wrote it stays between them and the lab's journal."""

    rule: str
    text: str
    at: datetime
    signed_in: bool


@dataclass(frozen=True, slots=True)
class EarlierDecision:
    """What was decided about the author's texts before."""

    action: Action
    rule: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Beside:
    """What is read of a case besides itself.

    Args:
        authors: Whose own text it is (rule M1).
        nobody_else: Whether nobody moderates in the lab but them.
        writer: Name, pseudonym, language and end of whoever wrote it; ``None`` without an account.
        earlier: The last decisions against the writer here; this case's own too, for whoever suspends.
        first_text: Whether the writer has nothing else public yet.
        standing: What stands against suspending the writer.
    """

    authors: frozenset[int]
    nobody_else: bool
    writer: Any
    reports: tuple[ReportRow, ...]
    tags: tuple[str, ...]
    earlier: tuple[EarlierDecision, ...]
    first_text: bool
    standing: Standing


def beside(session: Session, case: Case, idea: Idea, comment: Comment | None, now: datetime) -> Beside:
    """Read it in one statement."""
    writer_id = (comment or idea).author_id
    values = {
        "case_id": case.id,
        "idea_id": idea.id,
        "comment_id": comment.id if comment else 0,
        "lab_id": case.lab_id,
        "person_id": writer_id or 0,
        "since": now - EARLIER,
    }

    def read(query: Any, shape: Any = tuple) -> Read[Any]:
        return Read(query, values, shape)

    credited, moderators, writers, reports, tags, earlier, public, standing = together(
        session,
        read(_credited(), _people),
        read(_moderators(), _people),
        read(_writer()),
        read(_reports(), lambda rows: tuple(ReportRow(*row) for row in rows)),
        read(_tags(), lambda rows: tuple(row.tag for row in rows)),
        read(_earlier(), lambda rows: tuple(EarlierDecision(*row) for row in rows)),
        read(_public()),
        read(standing_query(), lambda rows: standing_from(writer_id, rows)),
    )
    authors = authors_from(idea, comment, credited)
    return Beside(
        authors=authors,
        nobody_else=not moderators - authors,
        writer=writers[0] if writers else None,
        reports=reports,
        tags=tags,
        earlier=earlier,
        first_text=writer_id is not None and not public[0].said_before,
        standing=standing,
    )


def _people(rows: Rows) -> frozenset[int]:
    return frozenset(row.person_id for row in rows if row.person_id is not None)


def _given(name: str) -> Any:
    return sa.bindparam(name, type_=sa.Integer)


@lru_cache(maxsize=1)
def _credited() -> Any:
    return sa.select(col(Credit.person_id)).where(
        col(Credit.idea_id) == _given("idea_id"), col(Credit.kind).in_(AUTHORS)
    )


@lru_cache(maxsize=1)
def _moderators() -> Any:
    return sa.select(col(RoleGrant.person_id)).where(*moderates(_given("lab_id")))


@lru_cache(maxsize=1)
def _writer() -> Any:
    return sa.select(
        col(Person.name), col(Person.pseudonym), col(Person.language), col(Person.erased_at)
    ).where(col(Person.id) == _given("person_id"))


@lru_cache(maxsize=1)
def _reports() -> Any:
    signed_in = col(Report.person_id).is_not(None).label("signed_in")
    query = sa.select(col(Report.rule), col(Report.text), col(Report.at), signed_in)
    return query.where(col(Report.case_id) == _given("case_id")).order_by(col(Report.id))


@lru_cache(maxsize=1)
def _tags() -> Any:
    tag = col(IdeaTag.tag)
    return sa.select(tag).where(col(IdeaTag.idea_id) == _given("idea_id")).order_by(tag)


@lru_cache(maxsize=1)
def _earlier() -> Any:
    at: Any = col(Decision.at)
    return (
        sa.select(col(Decision.action), col(Decision.rule), at)
        .where(
            col(Decision.author_id) == _given("person_id"),
            col(Decision.lab_id) == _given("lab_id"),
            at > sa.bindparam("since", type_=at.type),
            col(Decision.action).in_(NEEDS_REASONS),
        )
        .order_by(at.desc())
        .limit(5)
    )


@lru_cache(maxsize=1)
def _public() -> Any:
    """Return whether the writer has something public besides; a first text deserves a friendly word."""
    ideas = sa.exists().where(
        col(Idea.author_id) == _given("person_id"),
        col(Idea.publication) == Publication.PUBLISHED,
        col(Idea.id) != _given("idea_id"),
    )
    said = sa.exists().where(
        col(Comment.author_id) == _given("person_id"),
        col(Comment.publication) == Publication.PUBLISHED,
        col(Comment.id) != _given("comment_id"),
    )
    return sa.select(sa.or_(ideas, said).label("said_before"))
