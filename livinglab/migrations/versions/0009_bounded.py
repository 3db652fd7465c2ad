"""What is narrowed and counted is walked by an index; how many titles hold a piece is kept on SQLite, too.

Revision: 0009, after 0008.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BOX, LATE = "challenge_id IS NULL", "late_since IS NOT NULL"
INDEXES: tuple[tuple[str, list[str], str | None], ...] = (
    ("ix_idea_box", ["lab_id", "publication", "stage", "activity", "language"], BOX),
    ("ix_idea_late", ["lab_id", "publication", "stage", "activity", "language"], LATE),
    ("ix_idea_challenge", ["challenge_id", "publication", "stage", "activity", "language"], None),
    ("ix_idea_category", ["category_id", "publication", "stage", "activity", "language"], None),
    ("ix_idea_carried", ["lead_id", "activity", "due_at", "waits_since"], None),
)


def upgrade() -> None:
    """Take the step. The rarest pieces of a title find what is like it; they were counted anew each time."""
    for name, columns, only in INDEXES:
        where: dict[str, Any] = {f"{db}_where": sa.text(only) for db in ("sqlite", "postgresql") if only}
        op.create_index(name, "idea", columns, **where)
    op.drop_index("ix_idea_lead_id", "idea")
    if op.get_bind().dialect.name == "sqlite":
        op.execute("CREATE TABLE trigram_df (gram text PRIMARY KEY, df integer NOT NULL) WITHOUT ROWID")
        op.execute(
            "INSERT INTO trigram_df (gram, df)"
            " SELECT term, doc FROM idea_gram_vocab WHERE instr(term, ' ') = 0"
        )


def downgrade() -> None:
    """Take it back."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE trigram_df")
    op.create_index("ix_idea_lead_id", "idea", ["lead_id"])
    for name, _, _ in INDEXES:
        op.drop_index(name, "idea")
