"""Who may say what in the conversation, change it, delete it, mark it as answered (rules I1, I5)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from flask_babel import lazy_gettext as _l

from livinglab.core.errors import Forbidden, NotFound, Refused, TooMany
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import (
    COMMENT_MAX,
    NOTE_MAX,
    Byline,
    CommentKind,
    Publication,
)
from livinglab.ideas.rules.seeing import ENDED, Shown, Standing
from livinglab.ideas.rules.texts import too_long

COMMENTS_AN_HOUR = 30
EDIT_COMMENT_FOR = timedelta(minutes=15)
FOR = (CommentKind.BUILD_ON, CommentKind.EXPERIENCE)
AGAINST = (CommentKind.CONCERN, CommentKind.PROBLEM)
NO_SUCH_COMMENT = NotFound("no-such-comment", _l("There is no comment at this address, or it is not public."))


class Said(Protocol):
    """What the rules ask of a comment."""

    @property
    def author_id(self) -> int | None: ...
    @property
    def kind(self) -> CommentKind: ...
    @property
    def publication(self) -> Publication: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def deleted_at(self) -> datetime | None: ...
    @property
    def resolved_at(self) -> datetime | None: ...


def why_not_comment(idea: Standing, viewer: Viewer, *, written_this_hour: int = 0) -> Refused | None:
    """Say why somebody may not take part in the conversation. Source: rule I5."""
    if not viewer.signed_in:
        return Forbidden("sign-in-first", _l("Sign in to write in the conversation."))
    if idea.publication != Publication.PUBLISHED:
        return Refused("not-published", _l("This idea is not public now, so nothing can be written here."))
    if idea.activity in ENDED:
        return Refused("talk-closed", _l("This idea is closed. Its conversation can be read, not continued."))
    if written_this_hour >= COMMENTS_AN_HOUR:
        return TooMany("comments-an-hour", _l("You have written a great deal within an hour. Take a pause."))
    return None


class Signed(Protocol):
    """What the byline of a comment asks of an idea."""

    @property
    def author_id(self) -> int | None: ...
    @property
    def byline(self) -> Byline: ...


def usual_byline(idea: Signed, viewer: Viewer) -> str:
    """Return the byline a comment begins with: on one's own idea that of the idea, so that nobody
    who writes under a pseudonym gives their name away by an answer (rule P4).
    """
    own = viewer.signed_in and idea.author_id == viewer.person_id
    return (idea.byline if own else Byline.NAME).value


def why_not_comment_text(body: str) -> Refused | None:
    """Say why these words cannot stand in the conversation."""
    if not body:
        return Refused("comment-empty", _l("Write something first."), field="body")
    return too_long("body", body, COMMENT_MAX)


def why_not_see_comment(comment: Said, idea: Shown, viewer: Viewer) -> Refused | None:
    """Say why this person may not read a comment: ``queries.comment_visible`` on one row.

    A trace, of words deleted or hidden that others answered, is nothing to read or to act on.
    """
    if viewer.signed_in and comment.author_id == viewer.person_id:
        return None
    public = comment.publication is Publication.PUBLISHED
    watched = comment.publication is not Publication.DRAFT and viewer.moderates(idea.lab_id)
    return None if comment.deleted_at is None and (public or watched) else NO_SUCH_COMMENT


def why_not_edit_comment(comment: Said, viewer: Viewer, now: datetime) -> Refused | None:
    """Say why a comment can no longer be changed: only by its author, for 15 minutes.

    What came back with a note, or was never sent in, has no such limit: nobody reads it meanwhile.

    Source: rule I1.
    """
    problem = why_not_delete_comment(comment, viewer)
    if problem is not None or comment.publication in (Publication.RETURNED, Publication.DRAFT):
        return problem
    if now - comment.created_at > EDIT_COMMENT_FOR:
        return Refused(
            "edit-too-late", _l("A comment can be changed for 15 minutes. You can still delete it.")
        )
    return None


def why_not_delete_comment(comment: Said, viewer: Viewer) -> Refused | None:
    """Say why somebody may not delete a comment."""
    if not viewer.signed_in or comment.author_id != viewer.person_id:
        return Forbidden("not-the-author", _l("Only its author can change or delete a comment."))
    if comment.deleted_at is not None:
        return Refused("already-deleted", _l("This comment has been deleted."))
    if comment.publication in (Publication.HIDDEN, Publication.REMOVED, Publication.REJECTED):
        return Refused(
            "under-moderation", _l("A facilitator has acted on this comment, so it stays as it is.")
        )
    return None


def why_not_resolve(
    comment: Said, viewer: Viewer, *, lab_id: int, lead_id: int | None, idea_author_id: int | None
) -> Refused | None:
    """Say why somebody may not mark a problem as answered.

    Those who answer for the idea may: its author, its lead, a facilitator or manager of the lab. Who
    found the problem may too, because they know best when it is gone.
    """
    allowed = viewer.signed_in and (
        viewer.person_id in (comment.author_id, lead_id, idea_author_id) or viewer.moderates(lab_id)
    )
    if not allowed:
        reason = _l(
            "The author, the project lead, a facilitator or whoever found it can mark it as answered."
        )
        return Forbidden("not-yours-to-resolve", reason)
    if comment.kind != CommentKind.PROBLEM:
        return Refused("not-a-problem", _l("Only a problem found can be marked as answered."))
    if comment.publication != Publication.PUBLISHED or comment.deleted_at is not None:
        return NO_SUCH_COMMENT
    if comment.resolved_at is not None:
        return Refused("already-resolved", _l("This problem has already been marked as answered."))
    return None


def why_not_note(note: str, *, needed: bool, field: str = "note") -> Refused | None:
    """Say why a note about a change or an answer will not do."""
    if needed and not note:
        return Refused("note-missing", _l("Say in a few words what has changed."), field=field)
    if len(note) > NOTE_MAX:
        reason = _l("This text is too long: at most %(most)s characters.", most=NOTE_MAX)
        return Refused("note-too-long", reason, field=field)
    return None
