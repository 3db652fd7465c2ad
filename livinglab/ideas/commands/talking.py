"""The conversation: writing, publishing, changing, deleting a comment; marking a problem as answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import known_id
from livinglab.core.errors import Refused, refuse
from livinglab.core.journal import record
from livinglab.core.text import clean, clean_line
from livinglab.core.viewer import Viewer
from livinglab.ideas.commands.following import credit
from livinglab.ideas.commands.rows import comment_for_change, count
from livinglab.ideas.models import Byline, Comment, CommentKind, CreditKind, Idea, Publication
from livinglab.ideas.queries.limits import comments_within_an_hour
from livinglab.ideas.rules import (
    NO_SUCH_COMMENT,
    NO_SUCH_IDEA,
    why_not_comment,
    why_not_comment_text,
    why_not_delete_comment,
    why_not_edit_comment,
    why_not_note,
    why_not_resolve,
    why_not_see,
    why_not_see_comment,
)
from livinglab.people.commands import lock_actor

KINDS = {
    Publication.RETURNED: "comment-returned",
    Publication.REJECTED: "comment-rejected",
    Publication.HIDDEN: "comment-hidden",
    Publication.REMOVED: "comment-removed",
    Publication.PUBLISHED: "comment-restored",
}
SENT_TWICE = timedelta(minutes=2)


def write_comment(
    session: Session,
    *,
    idea_id: int,
    person: Viewer,
    kind: CommentKind,
    body: str,
    language: str,
    now: datetime,
    byline: Byline = Byline.NAME,
    parent_id: int | None = None,
) -> Comment:
    """Write into the conversation. It waits (pending) until ``publish_comment``; nothing is recorded yet.

    ``moderation.commands.submit_comment`` decides what happens next. Of somebody whose address is not
    confirmed it stays a draft (rule P2b). The same words sent twice within two minutes to the same place
    are one comment. One person's comments queue up, so that limit and repetition see every row.

    Args:
        parent_id: The comment it answers; an answer to an answer joins the same thread (rule I5).

    Raises:
        NotFound: ``no-such-idea``, ``no-such-comment``.
        Refused: ``comment-empty``, ``comment-too-long``, ``talk-closed``; Forbidden: ``sign-in-first``;
            TooMany: ``comments-an-hour``.
    """
    idea = session.get(Idea, idea_id)
    if idea is None:
        raise NO_SUCH_IDEA
    refuse(why_not_see(idea, person))
    if person.signed_in:
        lock_actor(session, person.known_id)  # one person's comments queue up: the limit sees every row
    lately = comments_within_an_hour(session, person.known_id, now) if person.signed_in else 0
    body, parent_id = clean(body), _thread(session, idea_id, parent_id)
    same = _sent_before(session, idea_id, parent_id, person, body, now)
    if same is not None:
        return same
    refuse(why_not_comment(idea, person, written_this_hour=lately))
    refuse(why_not_comment_text(body))
    comment = Comment(
        idea_id=idea_id,
        parent_id=parent_id,
        author_id=person.known_id,
        byline=byline,
        kind=CommentKind.BUILD_ON if parent_id else kind,
        body=body,
        language=language,
        publication=Publication.PENDING if person.trust >= 1 else Publication.DRAFT,
        as_staff=byline == Byline.NAME and person.is_staff(idea.lab_id),
        created_at=now,
    )
    session.add(comment)
    session.flush()
    return comment


def _sent_before(
    session: Session, idea_id: int, parent_id: int | None, person: Viewer, body: str, now: datetime
) -> Comment | None:
    if not person.signed_in:
        return None
    return session.scalar(
        select(Comment).where(
            Comment.idea_id == idea_id,
            col(Comment.parent_id).is_not_distinct_from(parent_id),
            Comment.author_id == person.person_id,
            Comment.body == body,
            Comment.created_at > now - SENT_TWICE,
            col(Comment.deleted_at).is_(None),
        )
    )


def _thread(session: Session, idea_id: int, parent_id: int | None) -> int | None:
    """Return the comment at the top of the thread that an answer belongs to."""
    if parent_id is None:
        return None
    parent = session.get(Comment, parent_id)
    if parent is None or parent.idea_id != idea_id or parent.deleted_at is not None:
        raise NO_SUCH_COMMENT
    if parent.publication != Publication.PUBLISHED:
        raise NO_SUCH_COMMENT
    return parent.parent_id or parent.id


def publish_comment(session: Session, *, comment_id: int, by_id: int | None, now: datetime) -> Comment:
    """Make a comment public and count it. Records ``comment-published`` with kind and whether it is a reply.

    Args:
        by_id: The facilitator; ``None`` where nobody had to look.

    Raises:
        NotFound: ``no-such-comment``.
    """
    return set_comment_publication(
        session, comment_id=comment_id, to=Publication.PUBLISHED, by_id=by_id, now=now
    )


def set_comment_publication(
    session: Session,
    *,
    comment_id: int,
    to: Publication,
    by_id: int | None,
    now: datetime,
    data: dict[str, Any] | None = None,
) -> Comment:
    """Publish, return, reject, hide, remove or restore a comment, keep the count right, and record it.

    Records ``comment-published`` the first time, later ``comment-restored``; ``comment-returned``,
    ``-rejected``, ``-hidden`` and ``-removed`` only for its author. A state it is in changes nothing.

    Raises:
        NotFound: ``no-such-comment``.
    """
    comment, idea = comment_for_change(session, comment_id)
    was = comment.publication
    if was == to:
        return comment
    if to not in KINDS:
        raise Refused("not-a-decision", "a comment cannot be put into this state")
    comment.publication = to
    session.flush()
    if comment.deleted_at is None:
        count(
            session,
            comment.idea_id,
            comments=int(to == Publication.PUBLISHED) - int(was == Publication.PUBLISHED),
        )
    first = to == Publication.PUBLISHED and was not in (Publication.HIDDEN, Publication.REMOVED)
    record(
        session,
        "comment-published" if first else KINDS[to],
        at=now,
        actor_id=comment.author_id if first else by_id,
        lab_id=idea.lab_id,
        challenge_id=idea.challenge_id,
        idea_id=idea.id,
        subject_id=comment_id,
        public=first,
        data={
            **(data or {}),
            "kind": comment.kind.value,
            "reply": comment.parent_id is not None,
            "by_id": by_id,
        },
    )
    return comment


def edit_comment(session: Session, *, comment_id: int, body: str, person: Viewer, now: datetime) -> Comment:
    """Change one's comment within 15 minutes, or when it came back. What follows is moderation's question.

    Raises:
        NotFound: ``no-such-comment``; Forbidden: ``not-the-author``.
        Refused: ``edit-too-late``, ``already-deleted``, ``under-moderation``, ``comment-empty``.
    """
    comment, idea = comment_for_change(session, comment_id)
    refuse(why_not_see(idea, person))
    refuse(why_not_see_comment(comment, idea, person))
    refuse(why_not_edit_comment(comment, person, now))
    body = clean(body)
    refuse(why_not_comment_text(body))
    if body != comment.body:
        comment.body = body
        comment.edited_at = now
        session.flush()
    return comment


def delete_comment(session: Session, *, comment_id: int, person: Viewer, now: datetime) -> Comment:
    """Delete one's comment: its words go; where it was answered, a trace stays. Source: rule I1.

    Raises:
        NotFound: ``no-such-comment``; Forbidden: ``not-the-author``;
        Refused: ``already-deleted``, ``under-moderation``.
    """
    comment, idea = comment_for_change(session, comment_id)
    refuse(why_not_see(idea, person))
    refuse(why_not_see_comment(comment, idea, person))
    refuse(why_not_delete_comment(comment, person))
    comment.deleted_at, comment.body = now, ""
    session.flush()
    if comment.publication == Publication.PUBLISHED:
        count(session, comment.idea_id, comments=-1)
    record(
        session,
        "comment-deleted",
        at=now,
        actor_id=person.person_id,
        lab_id=idea.lab_id,
        challenge_id=idea.challenge_id,
        idea_id=idea.id,
        subject_id=comment_id,
        public=False,
        data={"kind": comment.kind.value},
        readers=(),
    )
    return comment


def resolve_problem(
    session: Session, *, comment_id: int, note: str, person: Viewer, now: datetime, aside: bool = False
) -> Comment:
    """Mark a problem found as answered, say how, and credit whoever found it.

    Args:
        aside: The words go into the conversation in place of standing beside the problem.

    Records ``problem-resolved``.

    Raises:
        NotFound: ``no-such-comment``; Forbidden: ``not-yours-to-resolve``;
        Refused: ``not-a-problem``, ``already-resolved``, ``note-missing``, ``note-too-long``.

    Source: rules I6, S4.
    """
    comment, idea = comment_for_change(session, comment_id)
    refuse(why_not_see(idea, person))
    refuse(why_not_see_comment(comment, idea, person))
    refuse(
        why_not_resolve(
            comment, person, lab_id=idea.lab_id, lead_id=idea.lead_id, idea_author_id=idea.author_id
        )
    )
    note = clean_line(note)
    refuse(why_not_note(note, needed=True, field="resolution"))
    comment.resolved_at, comment.resolved_by = now, person.person_id
    comment.resolution = "" if aside else note
    session.flush()
    if comment.author_id is not None and comment.author_id != idea.author_id:
        credit(
            session,
            idea_id=known_id(idea.id),
            person_id=comment.author_id,
            kind=CreditKind.PROBLEM,
            byline=comment.byline,
            now=now,
        )
    record(
        session,
        "problem-resolved",
        at=now,
        actor_id=person.person_id,
        lab_id=idea.lab_id,
        challenge_id=idea.challenge_id,
        idea_id=idea.id,
        subject_id=comment_id,
        data={"person_id": comment.author_id},
    )
    return comment
