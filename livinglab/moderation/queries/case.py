"""One case as a moderator reads it: the text, why it is here, and what is known besides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import known_id
from livinglab.core.files import StoredFile
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Comment, Idea, IdeaVersion, Publication
from livinglab.ideas.queries.versions import word_diff
from livinglab.moderation.models import Action, Case, Decision, Source
from livinglab.moderation.queries.beside import EarlierDecision, ReportRow, beside
from livinglab.moderation.queries.standing import author_face
from livinglab.moderation.queries.suspending import Standing
from livinglab.moderation.rules import (
    HOLD_FOR,
    NEEDS_REASONS,
    NO_SUCH_CASE,
    Parts,
    Thing,
    Verdict,
    action_of,
    in_other_hands,
    marked,
    why_not_verdict,
)
from livinglab.people.models import Person
from livinglab.people.rules import Face

FIELDS = ("title", "summary", "body", "gains", "place", "link")


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One field of the text: its parts as they are drawn, and whether it changed."""

    name: str
    parts: Parts
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the verdicts, and what it would do here."""

    verdict: Verdict
    action: Action
    why_not: object | None
    needs_reasons: bool


@dataclass(frozen=True, slots=True)
class CasePage:
    """A case, ready to be decided.

    Args:
        authors: Whose own text it is (rule M1).
        note: The author's note on an edit.
        nobody_else: Whether nobody moderates in the lab but those who wrote it.
        reports: What was reported; nothing of it to whoever wrote the text.
        holder: Name of the colleague who has it in hand; ``held_until`` while this person has.
        settled: What was decided, where somebody was faster.
        author: What stands against suspending whoever wrote it.
    """

    id: int
    lab_id: int
    idea_id: int
    comment_id: int | None
    version: int | None
    thing: Thing
    source: Source
    publication: Publication
    idea_title: str
    idea_language: str
    language: str
    by: Face
    author_language: str
    authors: frozenset[int]
    nobody_else: bool
    exhibits: tuple[Exhibit, ...]
    image: str | None
    image_alt: str
    written_at: datetime
    note: str
    first_text: bool
    reports: tuple[ReportRow, ...]
    checks: tuple[str, ...]
    earlier: tuple[EarlierDecision, ...]
    opened_at: datetime
    due_at: datetime
    stamp: int
    holder: str | None
    held_at: datetime | None
    held_until: datetime | None
    closed_at: datetime | None
    settled: Decision | None
    settled_by: str
    choices: tuple[Choice, ...]
    author: Standing


def case_page(session: Session, case_id: int, viewer: Viewer, now: datetime) -> CasePage:
    """Return a case of one of the person's labs.

    Raises:
        NotFound: ``no-such-case``.
    """
    row = session.execute(
        sa.select(Case, Idea, Comment)
        .join(Idea, col(Idea.id) == col(Case.idea_id))
        .outerjoin(Comment, col(Comment.id) == col(Case.comment_id))
        .where(col(Case.id) == case_id)
    ).one_or_none()
    if row is None:
        raise NO_SUCH_CASE
    case, idea, comment = row
    known = beside(session, case, idea, comment, now)
    if not viewer.moderates(case.lab_id) and not (viewer.is_admin and known.nobody_else):
        raise NO_SUCH_CASE
    version = _waiting_version(session, case)
    shown = comment or idea
    thing = Thing.COMMENT if comment else Thing.EDIT if version else Thing.IDEA
    gone = comment is not None and comment.deleted_at is not None
    publication = Publication.REMOVED if gone else shown.publication
    held = in_other_hands(case.held_by, case.held_at, viewer, now)
    mine = case.held_by == viewer.person_id and case.held_at is not None and now - case.held_at < HOLD_FOR
    own = viewer.person_id in known.authors
    settled = _settled(session, case)
    on_record = comment is None and version is None and idea.published_at is not None
    picture = version or idea
    return CasePage(
        id=known_id(case.id),
        lab_id=case.lab_id,
        idea_id=known_id(idea.id),
        comment_id=case.comment_id,
        version=version.number if version else None,
        thing=thing,
        source=case.source,
        publication=publication,
        idea_title=idea.title,
        idea_language=idea.language,
        language=shown.language,
        by=author_face(known.writer, shown.byline),
        author_language=known.writer.language if known.writer else "",
        authors=known.authors,
        nobody_else=known.nobody_else,
        exhibits=_exhibits(
            case,
            idea,
            comment,
            version,
            tags=known.tags,
            whole=bool(known.reports) or idea.publication is Publication.HIDDEN,
        ),
        image=_image(session, None if comment else picture.image_id),
        image_alt="" if comment else picture.image_alt,
        written_at=comment.created_at
        if comment
        else version.written_at
        if version
        else (idea.submitted_at or idea.created_at),
        note=version.note if version else "",
        first_text=version is None and known.first_text,
        reports=() if own else known.reports,
        checks=tuple(dict.fromkeys(found["check"] for found in case.findings)),
        earlier=known.earlier,
        opened_at=case.opened_at,
        due_at=case.due_at,
        stamp=case.stamp,
        holder=_name(session, case.held_by) if held else None,
        held_at=case.held_at if held or mine else None,
        held_until=case.held_at + HOLD_FOR if mine and case.held_at else None,
        closed_at=case.closed_at,
        settled=settled,
        settled_by=_name(session, settled.by_id) if settled else "",
        choices=tuple(_choice(verdict, publication, version is not None, on_record) for verdict in Verdict),
        author=known.standing,
    )


def _choice(
    verdict: Verdict,
    publication: Publication,
    version_waits: bool,  # noqa: FBT001
    on_record: bool,  # noqa: FBT001
) -> Choice:
    action = action_of(verdict, publication, version_waits=version_waits)
    problem = why_not_verdict(verdict, publication, on_record=on_record)
    return Choice(verdict, action, problem.reason if problem else None, action in NEEDS_REASONS)


def _waiting_version(session: Session, case: Case) -> IdeaVersion | None:
    if case.version is None or case.comment_id is not None:
        return None
    version = session.get(IdeaVersion, (case.idea_id, case.version))
    return version if version is not None and version.publication is Publication.PENDING else None


def _exhibits(
    case: Case,
    idea: Idea,
    comment: Comment | None,
    version: IdeaVersion | None,
    *,
    tags: Sequence[str],
    whole: bool,
) -> tuple[Exhibit, ...]:
    """Lay out what is decided: all of a text, or of an edit what changed.

    Args:
        whole: Also what an edit leaves as it is: it was reported, or it is hidden.
    """
    links = any(found["check"] == "link" for found in case.findings)
    if comment is not None:
        said = (("comment", comment.body), ("resolution", comment.resolution))
        return tuple(Exhibit(name, marked(text, links=links)) for name, text in said if text)
    if version is None:
        told = (*((name, getattr(idea, name)) for name in FIELDS), ("tags", ", ".join(tags)))
        return tuple(Exhibit(name, marked(text, links=links)) for name, text in told if text)
    rows = []
    for name in FIELDS:
        old, new = getattr(idea, name), getattr(version, name)
        if old != new:
            rows.append(Exhibit(name, word_diff(old, new), changed=True))
        elif whole and new:
            rows.append(Exhibit(name, marked(new, links=links)))
    if version.image_id != idea.image_id or version.image_alt != idea.image_alt:
        rows.append(Exhibit("image", word_diff(idea.image_alt, version.image_alt), changed=True))
    return tuple(rows)


def _image(session: Session, image_id: int | None) -> str | None:
    return session.scalar(select(StoredFile.key).where(StoredFile.id == image_id)) if image_id else None


def _settled(session: Session, case: Case) -> Decision | None:
    """Return the decision that closed the case."""
    if case.closed_at is None:
        return None
    query = select(Decision).where(Decision.case_id == case.id, Decision.action != Action.SUSPEND)
    return session.scalar(query.order_by(col(Decision.id).desc()).limit(1))


def _name(session: Session, person_id: int | None) -> str:
    if person_id is None:
        return ""
    person = session.get(Person, person_id)
    return person.name if person is not None and person.erased_at is None else ""
