"""Handing something in: the automatic checks run, then a person looks before or after (rules I1, I3, M1)."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import known_id
from livinglab.core.errors import Forbidden, NotFound, Refused
from livinglab.core.text import clean_line
from livinglab.core.viewer import Viewer
from livinglab.ideas.commands import (
    approve_version,
    hand_in,
    publish_comment,
    publish_idea,
    resolve_problem,
    write_comment,
)
from livinglab.ideas.commands.rows import count, lock_rows
from livinglab.ideas.models import Byline, Comment, CommentKind, Idea, IdeaTag, IdeaVersion, Publication
from livinglab.ideas.rules import ENDED, NO_SUCH_COMMENT, NO_SUCH_IDEA, changed_fields, needs_second_look
from livinglab.labs.models import Moderation
from livinglab.labs.queries import LabBrief, lab_brief, lab_settings, viewer_of
from livinglab.moderation.commands.cases import let_go, lock_comment, lock_idea, open_case
from livinglab.moderation.models import Source
from livinglab.moderation.rules import HOLDS_BACK, NEW_ACCOUNT_DAYS, Finding, checks
from livinglab.people.commands import lock_actor
from livinglab.people.models import Person

LOOK_BACK = timedelta(days=90)
LOOK_BACK_AT = 50
CHECKED = ("title", "summary", "body", "gains", "place", "link", "image_alt")


def submit_idea(session: Session, *, idea_id: int, person: Viewer, now: datetime) -> Publication:
    """Hand in an idea: it waits for a facilitator, or is public at once where the lab looks afterwards.

    Somebody whose address is not confirmed keeps a draft that goes on by itself then (rule P2b).

    Returns:
        How the idea stands now: draft, pending or published.

    Raises:
        What ``ideas.commands.hand_in`` raises.

    Source: rules I1, M1.
    """
    returned = came_back(session, idea_id)
    idea = hand_in(session, idea_id=idea_id, person=person, now=now)
    if idea.publication is not Publication.PENDING:
        return idea.publication
    lab = lab_brief(session, idea.lab_id)
    text = idea_text(idea, *_tags(session, idea_id))
    found = _look(session, person, text, now, idea_id=idea_id)
    if returned or looks_first(session, lab.id) or _holds_back(found):
        open_case(session, lab=lab, idea_id=idea_id, source=Source.NEW, findings=found, now=now)
        return Publication.PENDING
    publish_idea(session, idea_id=idea_id, by_id=None, now=now)
    _note(session, lab, found, now, idea_id=idea_id)
    return Publication.PUBLISHED


def submit_edit(session: Session, *, idea_id: int, number: int, person: Viewer, now: datetime) -> Publication:
    """Hand in a version that ``ideas.commands.edit_idea`` wrote; the approved one stays until it stands.

    A facilitator looks again where the lab looks first and title, body, image, link or place changed, and
    at every change of an idea that was hidden.

    Returns:
        Published when the version stands at once, else pending.

    Raises:
        NotFound: ``no-such-idea``; Forbidden: ``not-the-author``; Refused: ``not-waiting``.

    Source: rule I3.
    """
    idea = lock_idea(session, idea_id)
    version = session.get(IdeaVersion, (idea_id, number), populate_existing=True)
    if version is None:
        raise NO_SUCH_IDEA
    if idea.author_id != person.person_id:
        raise Forbidden("not-the-author", "only its author hands in a version")
    if version.publication is not Publication.PENDING:
        raise Refused("not-waiting", "this version does not wait any more")
    lab = lab_brief(session, idea.lab_id)
    text = idea_text(version, *_tags(session, idea_id))
    found = _look(session, person, text, now, idea_id=idea_id)
    names = (*CHECKED, "image_id")
    old, new = ({name: getattr(row, name) for name in names} for row in (idea, version))
    again = looks_first(session, lab.id) and needs_second_look(changed_fields(old, new))
    again = again or idea.publication is Publication.HIDDEN
    if again or _holds_back(found):
        open_case(
            session, lab=lab, idea_id=idea_id, version=number, source=Source.EDIT, findings=found, now=now
        )
        return Publication.PENDING
    approve_version(session, idea_id=idea_id, number=number, by_id=None, now=now)
    _note(session, lab, found, now, idea_id=idea_id)
    return Publication.PUBLISHED


def submit_comment(session: Session, *, comment_id: int, person: Viewer, now: datetime) -> Publication:
    """Hand in a comment, new or changed: it waits, or is public at once.

    Those who moderate in the lab are not asked to wait for each other; the checks look at them, too. What
    came back with a note is looked at in every lab before it is public. What has been handed in and not
    been changed since is left as it is: a second click sends nothing back to the queue.

    Args:
        now: The instant at which it was written or changed, where that was in this transaction.

    Returns:
        How the comment stands now: draft (address not confirmed), pending or published.

    Raises:
        NotFound: ``no-such-comment``; Forbidden: ``not-the-author``.
    """
    comment = lock_comment(session, comment_id)
    if comment.deleted_at is not None:
        raise NO_SUCH_COMMENT
    if comment.author_id != person.person_id:
        raise Forbidden("not-the-author", "only its author hands in a comment")
    if person.trust < 1 or comment.publication not in _MAY_COME_IN:
        return comment.publication
    if comment.publication in _HANDED_IN and now not in (comment.created_at, comment.edited_at):
        return comment.publication
    lab = lab_brief(session, session.get_one(Idea, comment.idea_id).lab_id)
    found = _look(session, person, comment.body, now, idea_id=comment.idea_id, comment_id=comment_id)
    first = looks_first(session, lab.id) and not person.moderates(lab.id)
    first = first or comment.publication is Publication.RETURNED
    if first or _holds_back(found):
        source = Source.EDIT if comment.publication is Publication.PUBLISHED else Source.NEW
        open_case(
            session,
            lab=lab,
            idea_id=comment.idea_id,
            comment_id=comment_id,
            source=source,
            findings=found,
            now=now,
        )
        _let_wait(session, comment)
        return Publication.PENDING
    publish_comment(session, comment_id=comment_id, by_id=None, now=now)
    _note(session, lab, found, now, idea_id=comment.idea_id, comment_id=comment_id)
    return Publication.PUBLISHED


_HANDED_IN = (Publication.PENDING, Publication.PUBLISHED)
_MAY_COME_IN = frozenset(
    {Publication.DRAFT, Publication.PENDING, Publication.RETURNED, Publication.PUBLISHED}
)


def submit_waiting_drafts(session: Session, person_id: int, now: datetime) -> tuple[int, ...]:
    """Let everything somebody sent in before the address was confirmed go on (rule P2b).

    What is refused meanwhile (three ideas a day, a challenge that has closed) stays a draft for its author
    to look at; so does what was said about an idea that has ended or is not public any more.

    Returns:
        The ids of the ideas that were handed in.
    """
    person = viewer_of(session, person_id)
    if person is None or person.trust < 1:
        return ()
    waits = select(Idea.id).where(
        Idea.author_id == person_id,
        Idea.publication == Publication.DRAFT,
        col(Idea.wants_publishing).is_(True),
    )
    ideas = [known_id(idea_id) for idea_id in session.scalars(waits.order_by(col(Idea.id)))]
    said = session.execute(
        select(Comment.id, Comment.idea_id)
        .join(Idea, col(Idea.id) == col(Comment.idea_id))
        .where(
            Comment.author_id == person_id,
            Comment.publication == Publication.DRAFT,
            col(Comment.deleted_at).is_(None),
            Idea.publication == Publication.PUBLISHED,
            col(Idea.activity).not_in(ENDED),
        )
        .order_by(col(Comment.id))
    ).all()
    comments = [known_id(row[0]) for row in said]
    lock_rows(session, ideas=ideas, comments=comments, counts=[row[1] for row in said])
    handed_in = []
    for idea_id in ideas:
        try:
            submit_idea(session, idea_id=idea_id, person=person, now=now)
        except Refused:
            session.get_one(Idea, idea_id).wants_publishing = False
            continue
        handed_in.append(idea_id)
    for comment_id in comments:
        with suppress(Refused):
            submit_comment(session, comment_id=comment_id, person=person, now=now)
    session.flush()
    return tuple(handed_in)


def came_back(session: Session, idea_id: int) -> bool:
    """Say whether an idea was returned to its author: the new words are read before they are public."""
    return session.scalar(select(Idea.publication).where(Idea.id == idea_id)) is Publication.RETURNED


def looks_first(session: Session, lab_id: int) -> bool:
    """Say whether the lab looks at texts before they are public (rule I1)."""
    return lab_settings(session, lab_id).moderation is Moderation.BEFORE


def idea_text(texts: Idea | IdeaVersion, *more: str) -> str:
    """Return everything of an idea that the checks read, field by field; of a version its public note, too.

    Args:
        more: Its tags.
    """
    note = texts.note if isinstance(texts, IdeaVersion) else ""
    return "\n\n".join(text for text in (*(getattr(texts, name) for name in CHECKED), note, *more) if text)


def _tags(session: Session, idea_id: int) -> list[str]:
    return list(session.scalars(select(IdeaTag.tag).where(IdeaTag.idea_id == idea_id)))


def look_at_choices(session: Session, *, idea_id: int, person: Viewer, now: datetime) -> None:
    """Let the checks read what changes at once, without a version: the tags (rule M1)."""
    idea = lock_idea(session, idea_id)
    found = [
        one for tag in _tags(session, idea_id) for one in _look(session, person, tag, now, idea_id=idea_id)
    ]
    if found and idea.publication is Publication.PUBLISHED:
        _note(session, lab_brief(session, idea.lab_id), found, now, idea_id=idea_id)


def answer_problem(
    session: Session, *, comment_id: int, note: str, person: Viewer, now: datetime
) -> Publication:
    """Mark a problem as answered. Where the lab looks first, a resident's words go the way of a comment.

    The problem is answered at once; the words stand beside it, or wait as an answer in its thread. So do
    words in which a check found an identity number.

    Returns:
        How the words stand: published or pending.

    Raises:
        What ``ideas.commands.resolve_problem`` and ``write_comment`` raise.

    Source: rules I1, M1, S4.
    """
    lock_actor(session, person.known_id)
    comment = lock_comment(session, comment_id)
    idea, note = session.get_one(Idea, comment.idea_id), clean_line(note)
    lab = lab_brief(session, idea.lab_id)
    trusted = person.moderates(lab.id) or (person.signed_in and idea.lead_id == person.person_id)
    found = _look(session, person, note, now, idea_id=comment.idea_id, comment_id=comment_id)
    waits = _holds_back(found) or (looks_first(session, lab.id) and not trusted)
    resolve_problem(session, comment_id=comment_id, note=note, aside=waits, person=person, now=now)
    if not waits:
        if found:
            _note(session, lab, found, now, idea_id=comment.idea_id, comment_id=comment_id)
        return Publication.PUBLISHED
    reply = write_comment(
        session, idea_id=comment.idea_id, parent_id=comment_id, kind=CommentKind.BUILD_ON, body=note,
        byline=idea.byline if idea.author_id == person.person_id else Byline.NAME,
        language=comment.language, person=person, now=now,
    )  # fmt: skip
    return submit_comment(session, comment_id=known_id(reply.id), person=person, now=now)


def _look(
    session: Session, person: Viewer, text: str, now: datetime, *, idea_id: int, comment_id: int | None = None
) -> list[Finding]:
    account = session.get(Person, person.known_id)
    if account is None:
        raise NotFound("no-such-person", "")
    new_account = now - account.created_at < timedelta(days=NEW_ACCOUNT_DAYS) and not person.is_staff_anywhere
    earlier = _earlier(session, person.known_id, now, idea_id=idea_id, comment_id=comment_id)
    return checks(text, new_account=new_account, earlier=earlier)


def _earlier(
    session: Session, person_id: int, now: datetime, *, idea_id: int, comment_id: int | None
) -> list[str]:
    """Return what a text may repeat: the person's own texts of 90 days, and the newest around a comment."""
    since = now - LOOK_BACK
    own_words = sa.and_(col(Comment.author_id) == person_id, col(Comment.created_at) > since)
    around = col(Comment.idea_id) == idea_id
    said = (
        select(Comment.body)
        .where(sa.or_(own_words, around) if comment_id else own_words)
        .where(col(Comment.id) != (comment_id or 0), col(Comment.deleted_at).is_(None))
        .order_by(col(Comment.id).desc())
        .limit(2 * LOOK_BACK_AT)
    )
    texts = list(session.scalars(said))
    if comment_id is None:
        ideas = select(Idea).where(
            Idea.author_id == person_id,
            Idea.id != idea_id,
            Idea.publication != Publication.DRAFT,
            Idea.created_at > since,
        )
        rows = session.scalars(ideas.order_by(col(Idea.id).desc()).limit(LOOK_BACK_AT))
        texts += [idea_text(row) for row in rows]
    return texts


def _holds_back(found: list[Finding]) -> bool:
    return any(finding.check in HOLDS_BACK for finding in found)


def _note(
    session: Session,
    lab: LabBrief,
    found: list[Finding],
    now: datetime,
    *,
    idea_id: int,
    comment_id: int | None = None,
) -> None:
    """Let a person look at what is public but was found by a check; a case about nothing is closed."""
    if not found:
        let_go(session, idea_id=idea_id, comment_id=comment_id, now=now)
    else:
        open_case(
            session,
            lab=lab,
            idea_id=idea_id,
            comment_id=comment_id,
            source=Source.CHECK,
            findings=found,
            now=now,
        )


def _let_wait(session: Session, comment: Comment) -> None:
    """Take a changed comment out of view until somebody has looked; the count follows (I-3)."""
    was_public = comment.publication is Publication.PUBLISHED
    comment.publication = Publication.PENDING
    session.flush()
    if was_public:
        count(session, comment.idea_id, comments=-1)
