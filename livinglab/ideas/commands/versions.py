"""Changing a public idea: each change is a version with a note (rule I3)."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import known_id
from livinglab.core.errors import Forbidden, NotFound, Refused, refuse
from livinglab.core.journal import record
from livinglab.core.text import clean_line
from livinglab.core.viewer import Viewer
from livinglab.ideas.commands.drafts import texts_of, write_tags
from livinglab.ideas.commands.indexing import reindex_idea
from livinglab.ideas.commands.rows import idea_for_change
from livinglab.ideas.models import Credit, CreditKind, Idea, IdeaVersion, Publication
from livinglab.ideas.rules import (
    IdeaTexts,
    changed_fields,
    why_not_edit,
    why_not_note,
    why_not_see,
    why_not_texts,
)
from livinglab.labs.models import Category

NO_SUCH_VERSION = NotFound("no-such-version", "there is no such version")
KINDS = {Publication.RETURNED: "edit-returned", Publication.REJECTED: "edit-rejected"}


def edit_idea(
    session: Session, *, idea_id: int, texts: IdeaTexts, note: str, person: Viewer, now: datetime
) -> IdeaVersion | None:
    """Write a new version of a public idea; it waits until ``approve_version``.

    Byline, category, tags and language are not part of a version: they change at once. A version that
    still waits is written over. The caller then lets moderation decide (``moderation.commands.submit_edit``).

    Returns:
        The waiting version, or ``None`` where only such choices changed.

    Raises:
        NotFound: ``no-such-idea``; Forbidden: ``not-the-author``.
        Refused: ``not-published``, ``idea-ended``, ``note-missing``, ``nothing-changed`` and those of
            ``rules.text_problems``.
    """
    idea = idea_for_change(session, idea_id)
    refuse(why_not_see(idea, person))
    refuse(why_not_edit(idea, person))
    texts, note = texts.cleaned(), clean_line(note)
    refuse(why_not_texts(texts))
    standing = texts_of(session, idea)
    changed = changed_fields(standing.without_choices(), texts.without_choices())
    chosen = _choose(session, idea, standing, texts)
    if not changed and not chosen:
        raise Refused("nothing-changed", _l("Nothing is different from the version that stands."))
    if not changed:
        session.flush()
        reindex_idea(session, idea)
        return None
    refuse(why_not_note(note, needed=True))
    return _write(session, idea, texts, note, now)


def _choose(session: Session, idea: Idea, old: IdeaTexts, new: IdeaTexts) -> bool:
    """Take over byline, category, tags and language; say whether any of them changed."""
    if new.category_id is not None and new.category_id != old.category_id:
        category = session.get(Category, new.category_id)
        if category is None or category.lab_id != idea.lab_id:
            raise NotFound("no-such-category", "")
    if new.byline != old.byline:
        session.execute(
            sa.update(Credit)
            .where(
                col(Credit.idea_id) == idea.id,
                col(Credit.person_id) == idea.author_id,
                col(Credit.kind) == CreditKind.AUTHOR,
            )
            .values(byline=new.byline)
            .execution_options(synchronize_session="fetch")
        )
    if set(new.tags) != set(old.tags):
        write_tags(session, known_id(idea.id), new.tags)
    idea.byline, idea.category_id, idea.language = new.byline, new.category_id, new.language
    was = (old.byline, old.category_id, old.language, set(old.tags))
    return was != (new.byline, new.category_id, new.language, set(new.tags))


def _write(session: Session, idea: Idea, texts: IdeaTexts, note: str, now: datetime) -> IdeaVersion:
    newest = session.scalar(
        select(IdeaVersion)
        .where(IdeaVersion.idea_id == idea.id)
        .order_by(col(IdeaVersion.number).desc())
        .limit(1)
    )
    if newest is not None and newest.publication == Publication.PENDING:
        version = newest
    else:
        number = (newest.number if newest else idea.version) + 1
        version = IdeaVersion(
            idea_id=known_id(idea.id),
            number=number,
            publication=Publication.PENDING,
            title="",
            written_at=now,
        )
    for name, value in texts.without_choices().items():
        setattr(version, name, value)
    version.note, version.person_id, version.written_at = note, idea.author_id, now
    session.add(version)
    session.flush()
    return version


def approve_version(session: Session, *, idea_id: int, number: int, by_id: int | None, now: datetime) -> Idea:
    """Let a waiting version stand: its texts become the idea's. Records ``idea-edited``.

    Args:
        by_id: The facilitator; ``None`` where nobody had to look.

    Raises:
        NotFound: ``no-such-version``; Refused: ``not-waiting``.
    """
    idea = idea_for_change(session, idea_id)
    version = _waiting(session, idea_id, number)
    old = texts_of(session, idea).without_choices()
    new = {name: getattr(version, name) for name in old}
    for name, value in new.items():
        setattr(idea, name, value)
    version.publication = Publication.PUBLISHED
    idea.version, idea.edited_at = number, now
    session.flush()
    reindex_idea(session, idea)
    data = {"version": number, "fields": list(changed_fields(old, new)), "looked_at": by_id is not None}
    record(
        session,
        "idea-edited",
        at=now,
        actor_id=version.person_id,
        lab_id=idea.lab_id,
        challenge_id=idea.challenge_id,
        idea_id=idea_id,
        subject_id=number,
        data=data,
    )
    return idea


def refuse_version(
    session: Session,
    *,
    idea_id: int,
    number: int,
    to: Publication,
    by_id: int | None,
    now: datetime,
    data: dict[str, object] | None = None,
) -> IdeaVersion:
    """Return or reject a waiting version; the one that stands stays. Records ``edit-returned``/``-rejected``.

    Raises:
        NotFound: ``no-such-version``; Refused: ``not-waiting``.
    """
    idea = idea_for_change(session, idea_id)
    version = _waiting(session, idea_id, number)
    if to not in KINDS:
        raise Forbidden("not-a-refusal", "a version is returned or rejected")
    version.publication = to
    session.flush()
    record(
        session,
        KINDS[to],
        at=now,
        actor_id=by_id,
        lab_id=idea.lab_id,
        challenge_id=idea.challenge_id,
        idea_id=idea_id,
        subject_id=number,
        public=False,
        data={**(data or {}), "version": number},
    )
    return version


def _waiting(session: Session, idea_id: int, number: int) -> IdeaVersion:
    version = session.get(IdeaVersion, (idea_id, number), populate_existing=True)
    if version is None:
        raise NO_SUCH_VERSION
    if version.publication != Publication.PENDING:
        raise Refused("not-waiting", "this version does not wait any more")
    return version
