"""What somebody is about to report, and what they are told afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.text import excerpt, to_plain
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Comment, Idea, Publication
from livinglab.ideas.rules import NO_SUCH_COMMENT, NO_SUCH_IDEA, why_not_see
from livinglab.moderation.models import Case
from livinglab.moderation.queries.standing import author_face
from livinglab.moderation.rules import may_report
from livinglab.people.models import Person
from livinglab.people.rules import Face


@dataclass(frozen=True, slots=True)
class ReportTarget:
    """The thing, in a few words.

    Args:
        hidden: Whether the public does not see it already.
        due_at: When somebody will have looked, where a case is open.
    """

    idea_id: int
    comment_id: int | None
    lab_id: int
    title: str
    text: str
    language: str
    by: Face
    hidden: bool
    due_at: datetime | None


def report_target(session: Session, viewer: Viewer, idea_id: int, comment_id: int | None) -> ReportTarget:
    """Return what may be reported: public things, and to who moderates also what is hidden.

    Raises:
        NotFound: ``no-such-idea``, ``no-such-comment``.
    """
    idea = session.get(Idea, idea_id)
    if idea is None or why_not_see(idea, viewer) is not None:
        raise NO_SUCH_IDEA
    comment = session.get(Comment, comment_id) if comment_id else None
    if comment_id is not None and not _may_name(comment, idea, viewer):
        raise NO_SUCH_COMMENT
    shown = comment or idea
    author = session.get(Person, shown.author_id) if shown.author_id else None
    about = col(Case.comment_id) == comment_id if comment_id else col(Case.comment_id).is_(None)
    due = session.scalar(
        select(Case.due_at).where(Case.idea_id == idea_id, about, col(Case.closed_at).is_(None))
    )
    text = to_plain(comment.body) if comment else idea.summary
    return ReportTarget(
        idea_id=idea_id,
        comment_id=comment_id,
        lab_id=idea.lab_id,
        title=idea.title,
        text=excerpt(text, 240),
        language=shown.language,
        by=author_face(author, shown.byline),
        hidden=shown.publication is Publication.HIDDEN,
        due_at=due,
    )


def _may_name(comment: Comment | None, idea: Idea, viewer: Viewer) -> bool:
    """Say whether the comment is there for whoever asks; only such words are shown again."""
    return (
        comment is not None
        and comment.idea_id == idea.id
        and may_report(comment.publication, idea.lab_id, viewer)
        and comment.deleted_at is None
    )
