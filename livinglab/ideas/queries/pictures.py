"""Whose picture a stored file is: a hidden idea's picture is hidden, too (invariant I-11)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import col

from livinglab.core.files import StoredFile
from livinglab.core.viewer import Role, Viewer
from livinglab.ideas.models import Idea, IdeaVersion, Publication
from livinglab.ideas.queries.visibility import Condition, visible_to


def of_visible_idea(viewer: Viewer, claim_hash: str | None) -> Condition:
    """Return the condition on ``StoredFile`` that keeps pictures of ideas and versions the viewer may see.

    Args:
        claim_hash: Of a browser that writes drafts without an account; ``None`` where it has none.
    """
    may_see = visible_to(viewer)
    if claim_hash is not None:
        may_see = sa.or_(may_see, col(Idea.claim_hash) == claim_hash)
    shown = sa.select(col(Idea.id)).where(col(Idea.image_id) == col(StoredFile.id), may_see)
    approved = col(IdeaVersion.publication) == Publication.PUBLISHED
    moderated = viewer.labs_as(Role.FACILITATOR, Role.MANAGER)
    inside = [
        approved,
        *([col(Idea.author_id) == viewer.person_id] if viewer.signed_in else []),
        *([col(Idea.lab_id).in_(moderated)] if moderated else []),
    ]
    version = (
        sa.select(col(IdeaVersion.number))
        .join(Idea, col(Idea.id) == col(IdeaVersion.idea_id))
        .where(col(IdeaVersion.image_id) == col(StoredFile.id), may_see, sa.or_(*inside))
    )
    return sa.or_(shown.exists(), version.exists())
