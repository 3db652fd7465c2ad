"""A draft as its writer finds it again."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import known_id
from livinglab.core.files import StoredFile
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Idea, IdeaTag, IdeaVersion, Publication
from livinglab.ideas.rules import NO_SUCH_IDEA, IdeaTexts, is_own_draft


@dataclass(frozen=True, slots=True)
class Draft:
    """An unfinished, returned or public idea of one's own, with everything the form shows."""

    id: int
    lab_id: int
    texts: IdeaTexts
    image: str | None
    publication: Publication
    wants_publishing: bool
    edited_at: datetime
    submitted_at: datetime | None
    version: int


def own_draft(session: Session, idea_id: int, viewer: Viewer, *, token_hash: str | None = None) -> Draft:
    """Return what its author, or the browser with the token, wrote.

    Raises:
        NotFound: ``no-such-idea``; also when it is somebody else's.
    """
    row = session.execute(
        sa.select(Idea, col(StoredFile.key))
        .outerjoin(StoredFile, col(StoredFile.id) == col(Idea.image_id))
        .where(col(Idea.id) == idea_id)
    ).one_or_none()
    if row is None or not is_own_draft(row[0], viewer, row_hash=row[0].claim_hash, token_hash=token_hash):
        raise NO_SUCH_IDEA
    idea, image = row
    hung = select(IdeaTag.tag).where(IdeaTag.idea_id == idea_id).order_by(col(IdeaTag.tag))
    names = [f.name for f in fields(IdeaTexts) if f.name != "tags"]
    written = {name: getattr(idea, name) for name in names}
    texts = IdeaTexts(**written, tags=tuple(session.scalars(hung)))
    return Draft(
        id=known_id(idea.id),
        lab_id=idea.lab_id,
        texts=texts,
        image=image,
        publication=idea.publication,
        wants_publishing=idea.wants_publishing,
        edited_at=idea.edited_at,
        submitted_at=idea.submitted_at,
        version=idea.version,
    )


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The newest version of one's public idea, where it does not stand: it waits, or it came back.

    Args:
        texts: As that version has them; what is no part of a version as it stands.
    """

    number: int
    publication: Publication
    texts: IdeaTexts
    image: str | None
    note: str


def unfinished_version(session: Session, draft: Draft) -> Unfinished | None:
    """Return what the author of a public idea wrote last and goes on writing: nothing is lost (rule I3)."""
    row = session.execute(
        sa.select(IdeaVersion, col(StoredFile.key))
        .outerjoin(StoredFile, col(StoredFile.id) == col(IdeaVersion.image_id))
        .where(col(IdeaVersion.idea_id) == draft.id)
        .order_by(col(IdeaVersion.number).desc())
        .limit(1)
    ).one_or_none()
    if row is None or row[0].publication not in (Publication.PENDING, Publication.RETURNED):
        return None
    version, image = row
    written = {name: getattr(version, name) for name in draft.texts.without_choices()}
    texts = replace(draft.texts, **written)
    return Unfinished(version.number, version.publication, texts, image, version.note)


def drafts_of_token(session: Session, token_hash: str) -> tuple[tuple[int, str, datetime], ...]:
    """Return id, title and last change of the drafts of a browser, the newest first."""
    rows = session.execute(
        sa.select(col(Idea.id), col(Idea.title), col(Idea.edited_at))
        .where(
            col(Idea.claim_hash) == token_hash,
            col(Idea.author_id).is_(None),
            col(Idea.publication) == Publication.DRAFT,
        )
        .order_by(col(Idea.edited_at).desc())
        .limit(20)
    )
    return tuple((known_id(row[0]), row[1], row[2]) for row in rows)
