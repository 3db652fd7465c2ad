"""Ideas past gate 1 that nobody leads are found at once.

Revision: 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    vacant = sa.text("lead_id IS NULL AND stage <> 'idea'")
    op.create_index("ix_idea_leaderless", "idea", ["lab_id"], sqlite_where=vacant, postgresql_where=vacant)


def downgrade() -> None:
    """Take it back."""
    op.drop_index("ix_idea_leaderless", "idea")
