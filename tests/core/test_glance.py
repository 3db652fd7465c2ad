"""A look at a database before anything heavy is imported."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from livinglab.core import schema
from livinglab.core.db import Database
from livinglab.core.glance import Glance, look_at, look_through, newest_step, schema_is_newest
from tests.make import Make


def test_the_newest_step_is_that_of_the_schema(database: Database) -> None:
    assert newest_step() == schema.standing(database)[1]


def test_it_tells_an_empty_database_from_one_in_use(database: Database, make: Make, engine_name: str) -> None:
    def look() -> Glance:
        if engine_name == "sqlite":
            return look_at(Path(str(database.url.database)))
        return look_through(database.url.render_as_string(hide_password=False))

    assert look() == Glance(current=True, has_labs=False)
    make.lab()
    assert look() == Glance(current=True, has_labs=True)
    schema.downgrade(database, "base")
    assert not look().current


@pytest.mark.parametrize("content", [b"", b"not a database at all"])
def test_what_is_no_database_is_not_ready(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "odd.sqlite"
    assert look_at(file) == Glance()
    file.write_bytes(content)
    assert look_at(file) == Glance()
    assert file.read_bytes() == content


def test_a_server_that_does_not_answer_is_not_ready() -> None:
    assert look_through("postgresql://127.0.0.1:1/nothing") == Glance()


def test_an_open_database_tells_whether_its_schema_is_the_newest(session: Session) -> None:
    assert schema_is_newest(session)
    session.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    assert not schema_is_newest(session)


def test_a_web_process_does_not_carry_what_changes_the_schema() -> None:
    seen = "import sys, livinglab.app; print([m for m in ('alembic', 'mako') if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"
