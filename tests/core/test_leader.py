"""The lead among workers: held by one, free when it is given up or lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from livinglab.core.db import Database
from livinglab.core.leader import Leader, leader_for
from tests.running.conftest import wait_for

LOCKS = (
    "FROM pg_locks WHERE locktype = 'advisory' AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.fixture
def two(database: Database) -> Iterator[tuple[Leader, Leader]]:
    """Two workers' leads on one database."""
    pair = leader_for(database), leader_for(database)
    yield pair
    for leader in pair:
        leader.release()


def test_only_one_leads_until_it_gives_up(two: tuple[Leader, Leader]) -> None:
    first, second = two
    assert [first.held(), second.held(), first.held(), second.held()] == [True, False, True, False]
    first.release()
    assert [second.held(), first.held()] == [True, False]


def test_a_lead_that_is_lost_is_noticed_and_free(two: tuple[Leader, Leader], database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("a lock on a file is only lost with its process")
    first, second = two
    assert first.held()
    with database.engine.connect() as connection:
        assert connection.scalars(sa.text(f"SELECT pg_terminate_backend(pid) {LOCKS}")).all() == [True]
        wait_for(
            lambda: connection.scalar(sa.text(f"SELECT count(*) {LOCKS}")) == 0, "the lock does not fall"
        )
    assert not first.held()
    assert second.held()
    assert not first.held()


def test_each_database_has_a_lead_of_its_own(database: Database, tmp_path: Path) -> None:
    leader, other = leader_for(database), leader_for(Database(f"sqlite:///{tmp_path / 'other.sqlite'}"))
    assert leader.held()
    assert other.held()
    leader.release()
    other.release()
