"""Drafts: a draft is a row, also for somebody without an account (rule I1)."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import known_id
from livinglab.core.errors import Forbidden, NotFound, refuse
from livinglab.core.files import StoredFile
from livinglab.core.viewer import VISITOR, Viewer
from livinglab.ideas.commands.rows import idea_for_change
from livinglab.ideas.models import Idea, IdeaTag, Publication
from livinglab.ideas.rules import (
    CHALLENGE_CLOSED,
    DRAFT_DAYS,
    NO_SUCH_IDEA,
    IdeaTexts,
    claim_hash,
    is_own_draft,
    why_not_save_draft,
    why_not_texts,
)
from livinglab.labs.models import Category, Challenge, ChallengeState, Lab
from livinglab.labs.rules import takes_ideas
from livinglab.people.commands import lock_actor


def start_draft(
    session: Session,
    *,
    lab_id: int,
    texts: IdeaTexts,
    person: Viewer,
    now: datetime,
    token_hash: str | None = None,
    once: str = "",
) -> Idea:
    """Keep the beginning of an idea. A form that is sent again (a second click) begins no second one.

    Args:
        once: What the form carries along, new with each empty form; only looked at for somebody signed in.
        texts: Whatever has been typed so far; nothing is demanded yet. What is too long is cut.
        token_hash: For somebody without an account: ``rules.claim_hash`` of the token in their cookie.

    Raises:
        NotFound: ``no-such-lab``, ``no-such-challenge``, ``no-such-category``.
        Forbidden: ``no-owner``: neither a person nor a token.
    """
    if not person.signed_in and not token_hash:
        raise Forbidden("no-owner", "a draft belongs to a person or to a token")
    if session.get(Lab, lab_id) is None:
        raise NotFound("no-such-lab", "")
    form_hash = claim_hash(once) if person.signed_in and once else None
    same = _begun(session, person, form_hash) if form_hash else None
    if same is not None:
        return same
    idea = Idea(
        lab_id=lab_id,
        author_id=person.person_id,
        claim_hash=form_hash if person.signed_in else token_hash,
        language=texts.language,
        title="",
        created_at=now,
        edited_at=now,
    )
    session.add(idea)
    _write(session, idea, texts)
    return idea


def _begun(session: Session, person: Viewer, form_hash: str) -> Idea | None:
    """Return what the same form has begun before; of many at once, each waits for the one before it."""
    lock_actor(session, person.known_id)
    query = sa.select(Idea).where(col(Idea.claim_hash) == form_hash, col(Idea.author_id) == person.person_id)
    return session.scalar(query)


def save_draft(
    session: Session,
    *,
    idea_id: int,
    texts: IdeaTexts,
    person: Viewer,
    now: datetime,
    token_hash: str | None = None,
    lab_id: int | None = None,
) -> Idea:
    """Keep a draft, or an idea that was returned, as it is written now.

    Args:
        lab_id: The lab it is moved to; ``None`` leaves it where it is.

    Raises:
        NotFound: ``no-such-idea``; also when it is somebody else's.
        Refused: ``not-a-draft``.
    """
    idea = idea_for_change(session, idea_id)
    if not is_own_draft(idea, person, row_hash=idea.claim_hash, token_hash=token_hash):
        raise NO_SUCH_IDEA
    refuse(why_not_save_draft(idea.publication, was_public=idea.published_at is not None))
    if lab_id is not None and idea.publication == Publication.DRAFT:
        idea.lab_id = lab_id
    idea.edited_at = now
    if idea.author_id is None:
        idea.wants_publishing = False
    _write(session, idea, texts)
    return idea


def mark_for_sending(session: Session, *, idea_id: int, token_hash: str | None, now: datetime) -> Idea:
    """Note that somebody without an account wants to send in this draft: it goes on once they are known.

    A challenge that closes meanwhile takes it no more: then it stays a draft (rule L3).

    Raises:
        NotFound: ``no-such-idea``; Refused: ``challenge-closed`` and those of ``rules.text_problems``.

    Source: rules I1, L3, P2b.
    """
    idea = idea_for_change(session, idea_id)
    if not is_own_draft(idea, VISITOR, row_hash=idea.claim_hash, token_hash=token_hash):
        raise NO_SUCH_IDEA
    refuse(None if place_takes_ideas(session, idea, now) else CHALLENGE_CLOSED)
    refuse(why_not_texts(texts_of(session, idea)))
    idea.wants_publishing = True
    session.flush()
    return idea


def place_takes_ideas(session: Session, idea: Idea, now: datetime) -> bool:
    """Say whether the challenge is open; the idea box is, and what was returned may come back (rule L3)."""
    if idea.challenge_id is None or idea.publication == Publication.RETURNED:
        return True
    challenge = session.get(Challenge, idea.challenge_id)
    return challenge is not None and takes_ideas(challenge, now)


def texts_of(session: Session, idea: Idea) -> IdeaTexts:
    """Return what the author wrote and chose, from the idea's row."""
    tags = session.scalars(sa.select(col(IdeaTag.tag)).where(col(IdeaTag.idea_id) == idea.id)).all()
    names = [f.name for f in fields(IdeaTexts) if f.name != "tags"]
    return IdeaTexts(**{name: getattr(idea, name) for name in names}, tags=tuple(sorted(tags)))


def _write(session: Session, idea: Idea, texts: IdeaTexts) -> None:
    texts = texts.cleaned().cut()
    _check_place(session, idea.lab_id, texts)
    for name, value in texts.without_choices().items():
        setattr(idea, name, value)
    idea.language, idea.byline = texts.language, texts.byline
    idea.challenge_id, idea.category_id = texts.challenge_id, texts.category_id
    session.flush()
    write_tags(session, known_id(idea.id), texts.tags)


def _check_place(session: Session, lab_id: int, texts: IdeaTexts) -> None:
    if texts.challenge_id is not None:
        challenge = session.get(Challenge, texts.challenge_id)
        if challenge is None or challenge.lab_id != lab_id or challenge.state == ChallengeState.DRAFT:
            raise NotFound("no-such-challenge", "")
    if texts.category_id is not None:
        category = session.get(Category, texts.category_id)
        if category is None or category.lab_id != lab_id:
            raise NotFound("no-such-category", "")


def write_tags(session: Session, idea_id: int, tags: tuple[str, ...]) -> None:
    """Hang exactly these tags on the idea."""
    session.execute(sa.delete(IdeaTag).where(col(IdeaTag.idea_id) == idea_id))
    if tags:
        session.execute(sa.insert(IdeaTag), [{"idea_id": idea_id, "tag": tag} for tag in tags])


def claim_drafts(session: Session, *, token_hash: str | None, person_id: int, now: datetime) -> int:
    """Give the drafts of a browser, and the pictures in them, to the person who just came in there.

    Args:
        token_hash: ``rules.claim_hash`` of the token in the cookie; ``None`` where there is no cookie.

    Returns:
        How many drafts now belong to the person.
    """
    if not token_hash:
        return 0
    found = session.execute(
        sa.update(Idea)
        .where(
            col(Idea.claim_hash) == token_hash,
            col(Idea.author_id).is_(None),
            col(Idea.publication) == Publication.DRAFT,
        )
        .values(author_id=person_id, claim_hash=None, edited_at=now)
        .returning(col(Idea.image_id))
        .execution_options(synchronize_session=False)
    ).all()
    if pictures := [image_id for (image_id,) in found if image_id]:
        handed_in = sa.update(StoredFile).where(col(StoredFile.id).in_(pictures))
        session.execute(
            handed_in.where(col(StoredFile.person_id).is_(None)).values(person_id=person_id),
            execution_options={"synchronize_session": False},
        )
    return len(found)


def drop_draft(session: Session, *, idea_id: int, person: Viewer, token_hash: str | None = None) -> None:
    """Throw away a draft, also one that waits for its author's address to be confirmed.

    Raises:
        NotFound: ``no-such-idea``; Refused: ``not-a-draft``.
    """
    idea = idea_for_change(session, idea_id)
    if not is_own_draft(idea, person, row_hash=idea.claim_hash, token_hash=token_hash):
        raise NO_SUCH_IDEA
    if idea.publication != Publication.DRAFT:
        refuse(why_not_save_draft(Publication.PENDING))
    session.delete(idea)
    session.flush()


def purge_drafts(session: Session, now: datetime) -> int:
    """Delete the drafts nobody has claimed for 90 days.

    Returns:
        How many went.

    Source: rule I1. Safe to run twice.
    """
    gone = session.execute(
        sa.delete(Idea)
        .where(
            col(Idea.author_id).is_(None),
            col(Idea.claim_hash).is_not(None),
            col(Idea.publication) == Publication.DRAFT,
            col(Idea.edited_at) < now - timedelta(days=DRAFT_DAYS),
        )
        .returning(col(Idea.id))
        .execution_options(synchronize_session=False)
    ).all()
    return len(gone)
