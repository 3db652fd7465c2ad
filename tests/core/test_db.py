"""The two doors of the database."""

import threading

import pytest
import sqlalchemy as sa

from livinglab.core.db import Database
from livinglab.ideas.models import IdeaCount
from tests.make import Make


def test_many_writers_lose_nothing(database: Database, make: Make) -> None:
    idea = make.idea()

    def add(times: int) -> None:
        for _ in range(times):
            with database.writing() as session:
                row = session.get(IdeaCount, idea.id, with_for_update=True)
                assert row is not None
                row.supports += 1

    threads = [threading.Thread(target=add, args=(10,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        assert session.get_one(IdeaCount, idea.id).supports == 60


def test_what_is_read_together_stood_together(database: Database, make: Make) -> None:
    idea = make.idea()
    supports = sa.select(IdeaCount.supports).where(IdeaCount.idea_id == idea.id)
    with database.reading() as session:
        assert session.scalar(supports) == 0
        with database.writing() as other:
            other.get_one(IdeaCount, idea.id).supports = 7
        assert session.scalar(supports) == 0
    with database.reading() as session:
        assert session.scalar(supports) == 7


def test_what_is_raised_rolls_everything_back(database: Database, make: Make) -> None:
    idea = make.idea()

    def fail() -> None:
        with database.writing() as session:
            session.get_one(IdeaCount, idea.id).supports = 7
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.reading() as session:
        assert session.get_one(IdeaCount, idea.id).supports == 0


def test_an_unknown_word_is_refused_by_the_database_itself(database: Database, make: Make) -> None:
    idea = make.idea()
    bogus = sa.text("UPDATE idea SET stage = 'bogus' WHERE id = :id")
    with database.engine.connect() as connection, pytest.raises(sa.exc.IntegrityError):
        connection.execute(bogus, {"id": idea.id})
