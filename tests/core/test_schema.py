"""The migrations lead to the models, and back."""

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlmodel import select

from livinglab.core import schema
from livinglab.core.db import Database
from livinglab.labs.models import LabSettings
from tests.make import Make


def test_the_migrated_schema_is_that_of_the_models(database: Database) -> None:
    assert schema.differences(database) == []
    assert schema.is_current(database)


def test_the_schema_can_be_taken_back_and_brought_up_again(database: Database) -> None:
    schema.downgrade(database, "base")
    assert not schema.is_current(database)
    schema.upgrade(database)
    assert schema.differences(database) == []


def test_a_table_made_anew_keeps_the_rows_that_point_at_it(
    database: Database, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.lab()

    def drop_a_column(config: object, to: str) -> None:
        del to
        connection = config.attributes["connection"]  # type: ignore[attr-defined]
        with Operations(MigrationContext.configure(connection)).batch_alter_table("lab") as lab:
            lab.drop_column("contact_email")

    monkeypatch.setattr(schema.command, "upgrade", drop_a_column)
    schema.upgrade(database)
    with database.reading() as session:
        assert len(session.scalars(select(LabSettings.lab_id)).all()) == 1
        if database.is_sqlite:
            assert session.scalar(sa.text("PRAGMA foreign_keys")) == 1
