"""Rows are locked in one order: the watch sees what it should, and no table is forgotten."""

from __future__ import annotations

import pytest
from sqlmodel import SQLModel

from livinglab.migrations import models
from tests.lock_order import ONLY_ADDED_TO, ORDER, RANK, UNDER_ANOTHER_LOCK, OutOfOrder, check, locked_by


def test_every_table_has_its_place_in_the_order() -> None:
    assert models.TABLES_OF
    placed = [*RANK, *UNDER_ANOTHER_LOCK, *ONLY_ADDED_TO]
    assert sorted(placed) == sorted(SQLModel.metadata.tables)
    assert len(RANK) == sum(map(len, ORDER))


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("UPDATE idea SET title = 'x' WHERE idea.id = 1", "idea"),
        ("DELETE FROM device WHERE device.person_id = 3", "device"),
        ("SELECT person.id \nFROM person \nWHERE person.id = 3 FOR NO KEY UPDATE", "person"),
        ("SELECT idea.id FROM idea JOIN lab ON true WHERE idea.id = 1 FOR SHARE OF idea", "idea"),
        ('SELECT x FROM "comment" WHERE id = 2 FOR UPDATE', "comment"),
        ("SELECT e FROM event JOIN event_todo ON true FOR UPDATE OF event_todo SKIP LOCKED", None),
        ("SELECT g FROM address_guard WHERE key = 'x' FOR UPDATE SKIP LOCKED", None),
        ("SELECT person.id FROM person", None),
        ("INSERT INTO event (kind) VALUES ('x')", None),
    ],
)
def test_the_watch_sees_what_a_statement_locks(statement: str, table: str | None) -> None:
    assert locked_by(statement) == table


def test_the_watch_fails_on_what_deadlocked_once() -> None:
    """Signing in: count, then person. A reset: person, then count."""
    held: list[str] = []
    check(held, "UPDATE person SET password_hash = 'x'")
    with pytest.raises(OutOfOrder, match="address_guard after person"):
        check(held, "SELECT address_guard.key FROM address_guard FOR UPDATE")
    check(held, "UPDATE person SET name = 'x'")
    check(held, "UPDATE idea SET title = 'x'")
    assert held == ["person", "idea"]
