"""The first of what waits, is late or was narrowed to is found by an index, however much there is.

Revision: 0011, after 0010.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

OPEN, BOX, LATE = "closed_at IS NULL", "challenge_id IS NULL", "late_since IS NOT NULL"
# Nothing is put behind the columns: were the conditions written as "stage = ?" is, SQLite would plan every
# such statement anew each time it runs, as the plan would hang on the value that is bound.
IN_REVIEW = "activity || '' = 'review' AND publication || '' = 'published'"
SERVICES, SINCE = "stage || '' = 'service'", ("stage_since", "id", "activity")
FREE = f"{OPEN} AND assignee_id IS NULL"
FIRST_ANSWER = ("answer_seconds", "preliminary_at", "decided_at", "preliminary_due")
INDEXES: tuple[tuple[str, str, list[str], str | None], ...] = (
    ("ix_handoff_queue", "handoff", ["unit_id", "closed_at", "owed_at", "id"], None),
    ("ix_handoff_lab", "handoff", ["lab_id", "closed_at", "owed_at", "id"], None),
    ("ix_handoff_mine", "handoff", ["assignee_id", "closed_at", "owed_at", "id"], None),
    ("ix_handoff_open", "handoff", ["unit_id", "closed_at", "state", "idea_id"], OPEN),
    ("ix_handoff_free", "handoff", ["unit_id", "closed_at", "assignee_id", "owed_at", "id"], FREE),
    ("ix_handoff_late", "handoff", ["lab_id", "closed_at", "late_since", "id"], f"{OPEN} AND {LATE}"),
    (
        "ix_handoff_unanswered",
        "handoff",
        ["lab_id", "closed_at", "answer_seconds", "preliminary_due"],
        f"{OPEN} AND answer_seconds IS NULL",
    ),
    ("ix_handoff_answered", "handoff", ["lab_id", "id", *FIRST_ANSWER], "answer_seconds IS NOT NULL"),
    ("ix_handoff_answered_by", "handoff", ["unit_id", "id", *FIRST_ANSWER], "answer_seconds IS NOT NULL"),
    (
        "ix_handoff_rings",
        "handoff",
        ["closed_at", "decided_at", "rings_at", "idea_id"],
        f"{OPEN} AND decided_at IS NULL",
    ),
    ("ix_idea_ring_category", "idea", ["category_id", "publication", "glance", "ring", "id"], None),
    ("ix_idea_ring_activity", "idea", ["publication", "activity", "glance", "ring", "id"], None),
    (
        "ix_idea_ring_lab_activity",
        "idea",
        ["lab_id", "publication", "activity", "glance", "ring", "id"],
        None,
    ),
    ("ix_idea_ring_box", "idea", ["lab_id", "challenge_id", "publication", "glance", "ring", "id"], BOX),
    ("ix_idea_ring_late", "idea", ["lab_id", "publication", "glance", "ring", "id"], LATE),
    ("ix_idea_ring_late_all", "idea", ["publication", "glance", "ring", "id"], LATE),
    ("ix_idea_late_all", "idea", ["publication", "stage", "activity", "language"], LATE),
    (
        "ix_idea_in_review",
        "idea",
        ["lab_id", "stage", "publication", "activity", "waits_since", "id"],
        IN_REVIEW,
    ),
    ("ix_idea_services", "idea", ["lab_id", "stage", "publication", *SINCE], SERVICES),
    ("ix_idea_services_all", "idea", ["stage", "publication", *SINCE], SERVICES),
    ("ix_benefit_measure_next", "benefit", ["measure_next", "idea_id"], "measure_next IS NOT NULL"),
)
BEFORE: tuple[tuple[str, list[str], str | None], ...] = (
    ("ix_handoff_queue", ["unit_id", "closed_at", "due_at", "id"], None),
    ("ix_handoff_lab", ["lab_id", "closed_at", "due_at", "id"], None),
    ("ix_handoff_assignee_id", ["assignee_id"], None),
    ("ix_handoff_open", ["lab_id", "unit_id", "state", "assignee_id", "idea_id"], OPEN),
)
"""What stood in their place."""
OWED = "UPDATE handoff SET owed_at = (SELECT due_at FROM idea WHERE idea.id = handoff.idea_id) WHERE "
SQLITE_UP = (
    "CREATE TRIGGER handoff_is_owed_as_its_idea AFTER UPDATE OF due_at ON idea"
    " WHEN OLD.due_at IS NOT NEW.due_at"
    " BEGIN UPDATE handoff SET owed_at = NEW.due_at WHERE idea_id = NEW.id AND closed_at IS NULL; END",
    f"CREATE TRIGGER handoff_begins_owed_as_its_idea AFTER INSERT ON handoff BEGIN {OWED} id = NEW.id; END",
)
SQLITE_DOWN = (
    "DROP TRIGGER handoff_begins_owed_as_its_idea",
    "DROP TRIGGER handoff_is_owed_as_its_idea",
)
POSTGRESQL_UP = (
    "CREATE FUNCTION handoff_is_owed_as_its_idea() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " UPDATE handoff SET owed_at = NEW.due_at WHERE idea_id = NEW.id AND closed_at IS NULL;"
    " RETURN NULL; END $$",
    "CREATE TRIGGER handoff_is_owed_as_its_idea AFTER UPDATE OF due_at ON idea FOR EACH ROW"
    " WHEN (OLD.due_at IS DISTINCT FROM NEW.due_at) EXECUTE FUNCTION handoff_is_owed_as_its_idea()",
    "CREATE FUNCTION handoff_begins_owed_as_its_idea() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " NEW.owed_at := (SELECT due_at FROM idea WHERE id = NEW.idea_id);"
    " RETURN NEW; END $$",
    "CREATE TRIGGER handoff_begins_owed_as_its_idea BEFORE INSERT ON handoff FOR EACH ROW"
    " EXECUTE FUNCTION handoff_begins_owed_as_its_idea()",
)
POSTGRESQL_DOWN = (
    "DROP TRIGGER handoff_begins_owed_as_its_idea ON handoff",
    "DROP TRIGGER handoff_is_owed_as_its_idea ON idea",
    "DROP FUNCTION handoff_begins_owed_as_its_idea()",
    "DROP FUNCTION handoff_is_owed_as_its_idea()",
)


def upgrade() -> None:
    """Take the step. By when an idea is owed something stands beside its handoff, too: there it is sorted."""
    op.add_column("handoff", sa.Column("owed_at", UTCDateTime(), nullable=True))
    op.add_column("handoff", sa.Column("rings_at", UTCDateTime(), nullable=True))
    op.execute(f"{OWED} closed_at IS NULL")
    for name, *_ in BEFORE:
        op.drop_index(name, "handoff")
    for index in INDEXES:
        _make(*index)
    _run(SQLITE_UP, POSTGRESQL_UP)


def downgrade() -> None:
    """Take it back."""
    _run(SQLITE_DOWN, POSTGRESQL_DOWN)
    for name, table, _, _ in reversed(INDEXES):
        op.drop_index(name, table)
    for name, columns, only in BEFORE:
        _make(name, "handoff", columns, only)
    op.drop_column("handoff", "rings_at")
    op.drop_column("handoff", "owed_at")


def _make(name: str, table: str, columns: list[str], only: str | None) -> None:
    where: dict[str, Any] = {f"{db}_where": sa.text(only) for db in ("sqlite", "postgresql") if only}
    op.create_index(name, table, columns, **where)


def _run(sqlite: tuple[str, ...], postgresql: tuple[str, ...]) -> None:
    for statement in sqlite if op.get_bind().dialect.name == "sqlite" else postgresql:
        op.execute(statement)
