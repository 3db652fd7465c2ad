"""Ideas in one language are on a ring of their own, and the box is not sought among challenges.

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BY_CHALLENGE = ["challenge_id", "publication", "stage", "activity", "language"]


def upgrade() -> None:
    """Take the step. SQLite would else count the box by the index of challenges, for all labs."""
    op.create_index(
        "ix_idea_ring_language", "idea", ["lab_id", "language", "publication", "glance", "ring", "id"]
    )
    op.drop_index("ix_idea_challenge", "idea")
    of_one = sa.text("challenge_id IS NOT NULL")
    op.create_index("ix_idea_challenge", "idea", BY_CHALLENGE, sqlite_where=of_one, postgresql_where=of_one)


def downgrade() -> None:
    """Take it back."""
    op.drop_index("ix_idea_challenge", "idea")
    op.create_index("ix_idea_challenge", "idea", BY_CHALLENGE)
    op.drop_index("ix_idea_ring_language", "idea")
