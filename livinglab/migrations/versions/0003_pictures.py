"""Who shows a picture is found at once, so that a hidden idea's picture is hidden, too.

Revision: 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

HAVE_PICTURES = ("idea", "idea_version", "evidence")


def upgrade() -> None:
    """Take the step."""
    only = sa.text("image_id IS NOT NULL")
    for table in HAVE_PICTURES:
        name = f"ix_{table}_image_id"
        op.create_index(name, table, ["image_id"], sqlite_where=only, postgresql_where=only)
    op.create_index("ix_person_photo_id", "person", ["photo_id"])


def downgrade() -> None:
    """Take it back."""
    op.drop_index("ix_person_photo_id", "person")
    for table in HAVE_PICTURES:
        op.drop_index(f"ix_{table}_image_id", table)
