"""The newest of what is late have an index: among all of the newest they would be far apart.

Revision: 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_idea_newest_late": ["lab_id", "publication", "published_at", "id"],
    "ix_idea_newest_late_all": ["publication", "published_at", "id"],
}


def upgrade() -> None:
    """Take the step."""
    late = sa.text("late_since IS NOT NULL")
    for name, columns in INDEXES.items():
        op.create_index(name, "idea", columns, sqlite_where=late, postgresql_where=late)


def downgrade() -> None:
    """Take it back."""
    for name in INDEXES:
        op.drop_index(name, "idea")
