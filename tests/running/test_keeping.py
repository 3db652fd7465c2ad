"""What an operator types in a terminal of their own, where nothing is loaded yet."""

from __future__ import annotations

import sqlalchemy as sa

from livinglab.core.db import Database
from tests.running.conftest import Program, Start


def ended(program: Program) -> int:
    """Wait until it is done; return its exit code."""
    return program.process.wait(60)


def test_an_empty_database_gets_its_administrator(database: Database, start: Start) -> None:
    url = database.url.render_as_string(hide_password=False)
    person = ("--email", "anna@example.org", "--name", "Anna Berg", "--password", "a long walk by the river")
    typed = start("create-admin", *person, LIVINGLAB_DATABASE_URL=url, LIVINGLAB_DEFAULT_LANGUAGE="nb")
    assert ended(typed) == 0, typed.said
    assert "Anna Berg may now sign in at http://127.0.0.1:8000/sign-in" in typed.said
    with database.reading() as session:
        made = session.execute(sa.text("SELECT name, is_admin, language FROM person")).all()
    assert made == [("Anna Berg", True, "nb")]


def test_the_check_of_the_schema_sees_what_differs(database: Database, start: Start) -> None:
    url = database.url.render_as_string(hide_password=False)
    with database.writing() as session:
        session.execute(sa.text("ALTER TABLE person ADD COLUMN stray VARCHAR(9)"))
    typed = start("db", "check", LIVINGLAB_DATABASE_URL=url)
    assert ended(typed) == 1, typed.said
    assert "1 differences" in typed.said
    assert "stray" in typed.said
