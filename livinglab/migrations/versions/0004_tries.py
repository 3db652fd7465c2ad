"""An event whose reader fails is tried again later, and those behind it go on.

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.add_column("event_todo", sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("event_todo", sa.Column("not_before", UTCDateTime(), nullable=True))


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("event_todo") as table:
        table.drop_column("not_before")
        table.drop_column("tries")
