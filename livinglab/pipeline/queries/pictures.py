"""Pictures given as evidence are seen where the idea is seen, and by the staff of its lab."""

from __future__ import annotations

import sqlalchemy as sa
from sqlmodel import col

from livinglab.core.files import StoredFile
from livinglab.core.viewer import Role, Viewer
from livinglab.ideas.models import Idea
from livinglab.ideas.queries.visibility import Condition, visible_to
from livinglab.pipeline.models import Evidence


def of_visible_evidence(viewer: Viewer) -> Condition:
    """Return the condition on ``StoredFile`` that keeps the evidence the viewer may see."""
    staffed = viewer.labs_as(*Role)
    may_see = sa.or_(visible_to(viewer), *([col(Idea.lab_id).in_(staffed)] if staffed else []))
    given = (
        sa.select(col(Evidence.id))
        .join(Idea, col(Idea.id) == col(Evidence.idea_id))
        .where(col(Evidence.image_id) == col(StoredFile.id), may_see)
    )
    return given.exists()
