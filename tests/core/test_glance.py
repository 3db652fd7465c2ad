"""A look at a database before anything heavy is imported."""

from pathlib import Path

import pytest

from livinglab.core import schema
from livinglab.core.db import Database
from livinglab.core.glance import Glance, look_at, look_through, newest_step
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
