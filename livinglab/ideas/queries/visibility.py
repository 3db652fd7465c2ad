"""The one visibility condition, and what belongs into lists."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.viewer import Role, Viewer
from livinglab.ideas.models import Activity, Comment, Idea, Publication
from livinglab.ideas.rules import OUT_OF_LISTS

Condition = sa.ColumnElement[bool]
NOBODY = -1
"""A visitor's number where a statement asks who is looking; no row has it."""


IN_REVIEW: Any = sa.text(
    "idea.activity || '' = 'review' AND idea.publication || '' = 'published'"
    " AND idea.activity = 'review' AND idea.publication = 'published'"
)
"""Public ideas in review: first as the index of them says it (``models``), then as columns are sought."""
RUNNING: Any = sa.text("idea.stage || '' = 'service' AND idea.stage = 'service'")
"""Services, likewise."""


def visible_to(viewer: Viewer) -> Condition:
    """Return the condition that keeps the ideas a person may see; feeds pages, search, counts and files.

    Public ideas for everybody; one's own in every state; for those who moderate in a lab everything
    of that lab but drafts. The same rule on one row is ``rules.why_not_see``.
    """
    labs = viewer.labs_as(Role.FACILITATOR, Role.MANAGER)
    return visible_when(author=viewer.person_id, moderated=labs or None)


def visible_when(author: Any, moderated: Any) -> Condition:
    """Return the condition of ``visible_to`` for whoever is bound when it runs.

    Args:
        author: The person's number; ``None`` for a visitor.
        moderated: The labs in which the person moderates; ``None`` where there is none.
    """
    public = col(Idea.publication) == Publication.PUBLISHED
    ways = [public]
    if author is not None:
        ways.append(col(Idea.author_id) == author)
    if moderated is not None:
        ways.append(sa.and_(col(Idea.lab_id).in_(moderated), col(Idea.publication) != Publication.DRAFT))
    return sa.or_(*ways) if len(ways) > 1 else public


def visible_idea(session: Session, idea_id: int, viewer: Viewer) -> bool:
    """Say whether there is such an idea and this person may see it."""
    query = sa.select(sa.exists().where(col(Idea.id) == idea_id, visible_to(viewer)))
    return bool(session.scalar(query))


def listed(*activities: Activity) -> Condition:
    """Return the condition of what stands in lists: public ideas, those that ended only when asked for."""
    public = col(Idea.publication) == Publication.PUBLISHED
    if activities:
        return sa.and_(public, col(Idea.activity).in_(activities))
    return sa.and_(public, col(Idea.activity).not_in(OUT_OF_LISTS))


def comment_visible() -> Condition:
    """Return the condition on comments of one idea: public ones, one's own, all but drafts for moderators.

    Who asks is bound when it runs, by ``comment_reader``. Hidden and removed ones are kept in the thread
    where they were answered; their words are not read.
    """
    moderates = sa.bindparam("moderates", type_=sa.Boolean)
    return sa.or_(
        col(Comment.publication) == Publication.PUBLISHED,
        col(Comment.author_id) == sa.bindparam("me", type_=sa.Integer),
        sa.and_(moderates, col(Comment.publication) != Publication.DRAFT),
    )


def comment_reader(viewer: Viewer, lab_id: int) -> dict[str, object]:
    """Return what ``comment_visible`` must know of the person who asks."""
    return {"me": viewer.person_id or NOBODY, "moderates": viewer.moderates(lab_id)}
