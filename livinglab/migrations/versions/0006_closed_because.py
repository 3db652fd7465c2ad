"""Why a challenge closed before its time is kept with it, where its page reads it.

Revision: 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.add_column("challenge", sa.Column("closed_because", sa.String(600), nullable=False, server_default=""))


def downgrade() -> None:
    """Take it back; the journal still knows."""
    with op.batch_alter_table("challenge") as table:
        table.drop_column("closed_because")
