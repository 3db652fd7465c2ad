"""A PostgreSQL that is frozen is not waited for longer than a request may last."""

from __future__ import annotations

import socket
from time import monotonic, sleep

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from livinglab.core.db import Database, patience

pytestmark = pytest.mark.one_database("postgresql")
SILENT_FOR_30_S = sa.text("SELECT pg_sleep(30)")


def test_a_silent_database_is_given_up_and_the_next_who_asks_is_answered(database: Database) -> None:
    began = monotonic()
    with (
        pytest.raises(OperationalError, match="does not answer"),
        patience(0.3),
        database.reading() as session,
    ):
        session.execute(SILENT_FOR_30_S)
    assert monotonic() - began < 3
    with patience(5), database.reading() as session:
        assert session.scalar(sa.text("SELECT 1")) == 1


def test_the_server_stops_what_nobody_waits_for_any_more(database: Database) -> None:
    long = sa.text(
        "SELECT count(*) /* long */ FROM generate_series(1, 100000000) AS n WHERE md5(n::text) = 'x'"
    )
    with patience(0.3), pytest.raises(OperationalError), database.reading() as session:
        session.execute(long)
    asked = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%/* long */ FROM%'"
        " AND pid <> pg_backend_pid()"
    )

    def running() -> int:
        with database.reading() as session:
            return session.scalar(asked) or 0

    assert running() == 1
    until = monotonic() + 8
    while running() and monotonic() < until:
        sleep(0.2)
    assert running() == 0


def test_patience_is_for_all_statements_together_and_none_is_sent_after_it(database: Database) -> None:
    answered: list[int] = []

    def ask() -> None:
        with patience(0.5), database.writing() as session:
            while len(answered) < 20:
                session.execute(sa.text("SELECT pg_sleep(0.2)"))
                answered.append(1)

    with pytest.raises(OperationalError, match="does not answer"):
        ask()
    assert len(answered) < 4


def test_whoever_sets_no_limit_waits_as_long_as_it_takes(database: Database) -> None:
    with patience(0.1), pytest.raises(OperationalError), database.reading() as session:
        session.execute(SILENT_FOR_30_S)
    with database.reading() as session:  # as the worker does, and what changes the schema
        assert session.scalar(sa.text("SELECT 7 FROM pg_sleep(0.4)")) == 7


def test_a_server_that_takes_a_line_and_says_nothing_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        database = Database(f"postgresql://nobody@127.0.0.1:{deaf.getsockname()[1]}/none?connect_timeout=60")
        began = monotonic()
        with pytest.raises(OperationalError), patience(1), database.reading() as session:
            session.execute(sa.text("SELECT 1"))
        assert monotonic() - began < 5  # the driver's shortest wait is two seconds
