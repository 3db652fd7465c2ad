"""Suspending somebody is a decision with a time; decisions of a lab are counted by their time.

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BEFORE = ("publish", "return", "reject", "hide", "remove", "restore", "keep")
NOW = ("publish", "return", "reject", "hide", "remove", "suspend", "restore", "keep")


def upgrade() -> None:
    """Take the step."""
    _allow(NOW)
    op.create_index("ix_moderation_decision_lab_id_at", "moderation_decision", ["lab_id", "at"])
    op.drop_index("ix_moderation_decision_lab_id", "moderation_decision")
    op.create_table(
        "suspension",
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("lab_id", sa.Integer(), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.Column("until", UTCDateTime(), nullable=False),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column("ended_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["decision_id"],
            ["moderation_decision.id"],
            name=op.f("fk_suspension_decision_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_suspension_person_id")),
        sa.ForeignKeyConstraint(["lab_id"], ["lab.id"], name=op.f("fk_suspension_lab_id")),
        sa.ForeignKeyConstraint(["ended_by"], ["person.id"], name=op.f("fk_suspension_ended_by")),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_suspension")),
        sa.UniqueConstraint("key", name=op.f("uq_suspension_key")),
    )
    op.create_index("ix_suspension_person_id", "suspension", ["person_id"])
    op.create_index("ix_suspension_until", "suspension", ["until"])


def downgrade() -> None:
    """Take it back; who is suspended may come in again, and what was decided about people goes."""
    people = "SELECT person_id FROM suspension WHERE ended_at IS NULL"
    op.execute(f"UPDATE person SET suspended_at = NULL WHERE id IN ({people})")  # noqa: S608  # our own words
    op.drop_table("suspension")
    decisions = "SELECT id FROM moderation_decision WHERE action = 'suspend'"
    op.execute(f"DELETE FROM appeal WHERE decision_id IN ({decisions})")  # noqa: S608  # our own words
    op.execute("DELETE FROM moderation_decision WHERE action = 'suspend'")
    op.create_index("ix_moderation_decision_lab_id", "moderation_decision", ["lab_id"])
    op.drop_index("ix_moderation_decision_lab_id_at", "moderation_decision")
    _allow(BEFORE)


def _allow(actions: tuple[str, ...]) -> None:
    name, among = op.f("ck_moderation_decision_action"), ", ".join(f"'{one}'" for one in actions)
    with op.batch_alter_table("moderation_decision") as table:
        table.drop_constraint(name, type_="check")
        table.create_check_constraint(name, f"action IN ({among})")
