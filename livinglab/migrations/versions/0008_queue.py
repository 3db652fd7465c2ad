"""The queue of handoffs is walked by what is due, and its open ones are counted without reading their rows.

Revision: 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    dated, open_ = sa.text("due_at IS NOT NULL"), sa.text("closed_at IS NULL")
    op.create_index("ix_idea_due", "idea", ["lab_id", "due_at"], sqlite_where=dated, postgresql_where=dated)
    op.create_index(
        "ix_handoff_open",
        "handoff",
        ["lab_id", "unit_id", "state", "assignee_id", "idea_id"],
        sqlite_where=open_,
        postgresql_where=open_,
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_index("ix_handoff_open", "handoff")
    op.drop_index("ix_idea_due", "idea")
