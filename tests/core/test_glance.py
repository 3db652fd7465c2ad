"""A look at a database before anything heavy is imported."""

from pathlib import Path

import pytest

from livinglab.core import schema
from livinglab.core.db import Database
from livinglab.core.glance import Glance, look_at, newest_step
from tests.make import Make


def test_the_newest_step_is_that_of_the_schema(database: Database) -> None:
    assert newest_step() == schema.standing(database)[1]


def test_it_tells_an_empty_database_from_one_in_use(
    database: Database, make: Make, tmp_path: Path, engine_name: str
) -> None:
    if engine_name != "sqlite":
        assert look_at(Path(str(database.url))) == Glance()
        return
    file = Path(str(database.url.database))
    assert look_at(file) == Glance(current=True, has_labs=False)
    make.lab()
    assert look_at(file) == Glance(current=True, has_labs=True)
    schema.downgrade(database, "base")
    assert not look_at(file).current


@pytest.mark.parametrize("content", [b"", b"not a database at all"])
def test_what_is_no_database_is_not_ready(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "odd.sqlite"
    assert look_at(file) == Glance()
    file.write_bytes(content)
    assert look_at(file) == Glance()
    assert file.read_bytes() == content
