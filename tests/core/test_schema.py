"""The migrations lead to the models, and back."""

from livinglab.core import schema
from livinglab.core.db import Database


def test_the_migrated_schema_is_that_of_the_models(database: Database) -> None:
    assert schema.differences(database) == []
    assert schema.is_current(database)


def test_the_schema_can_be_taken_back_and_brought_up_again(database: Database) -> None:
    schema.downgrade(database, "base")
    assert not schema.is_current(database)
    schema.upgrade(database)
    assert schema.differences(database) == []
