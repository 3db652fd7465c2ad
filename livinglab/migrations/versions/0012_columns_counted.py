"""The board of a challenge or of the box, and what a receiving unit has not answered, are ranges of an index.

Revision: 0012, after 0011.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

WAITS = ("due_at", "waits_since", "id", "language")
AT = ("publication", "stage", "activity")
NEW: tuple[tuple[str, str, list[str], str], ...] = (
    ("ix_idea_challenge", "idea", ["challenge_id", *AT, *WAITS], "challenge_id IS NOT NULL"),
    ("ix_idea_box", "idea", ["lab_id", *AT, *WAITS], "challenge_id IS NULL"),
    (
        "ix_handoff_unanswered_by",
        "handoff",
        ["unit_id", "closed_at", "answer_seconds", "preliminary_due"],
        "closed_at IS NULL AND answer_seconds IS NULL",
    ),
)
BEFORE: tuple[tuple[str, str, list[str], str], ...] = (
    ("ix_idea_challenge", "idea", ["challenge_id", *AT, "language"], "challenge_id IS NOT NULL"),
    ("ix_idea_box", "idea", ["lab_id", *AT, "language"], "challenge_id IS NULL"),
)


def upgrade() -> None:
    """Take the step."""
    _in_place_of(BEFORE, NEW)


def downgrade() -> None:
    """Take it back."""
    _in_place_of(NEW, BEFORE)


def _in_place_of(
    old: tuple[tuple[str, str, list[str], str], ...], new: tuple[tuple[str, str, list[str], str], ...]
) -> None:
    for name, table, _, _ in old:
        op.drop_index(name, table)
    for name, table, columns, only in new:
        where: dict[str, Any] = {f"{db}_where": sa.text(only) for db in ("sqlite", "postgresql")}
        op.create_index(name, table, columns, **where)
