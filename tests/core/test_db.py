"""The two doors of the database."""

import sys
import threading

import pytest
import sqlalchemy as sa
from sqlmodel import col

from livinglab.core.db import Database, another
from livinglab.ideas.models import Idea, IdeaCount, Stage
from livinglab.people.models import Person
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


@pytest.mark.one_database("postgresql")
def test_statements_stay_planned_from_one_reading_to_the_next(database):
    """The driver forgets what was planned when it hears ROLLBACK, with which a reading would end."""
    query = sa.select(sa.literal(1)).where(sa.literal("x") == sa.bindparam("word"))
    for _ in range(8):
        with database.reading() as session:
            session.execute(query, {"word": "x"}).all()
    with database.reading() as session:
        asked = "SELECT count(*) FROM pg_prepared_statements WHERE generic_plans + custom_plans > 1"
        assert session.connection().exec_driver_sql(asked).scalar_one() >= 1


@pytest.mark.one_database("postgresql")
def test_statements_are_planned_for_any_values_and_say_how_many_rows_they_want(database):
    """Of a number that comes later the server thinks a tenth of all rows, and sorts them."""
    some = sa.select(IdeaCount.idea_id).order_by(IdeaCount.supports)
    for query in (some.limit(7), some.limit(sa.bindparam("most", 7)), some.limit(7).offset(3)):
        for _ in range(3):
            with database.reading() as session:
                session.execute(query).all()
    with database.reading() as session:
        asked = "SELECT statement, generic_plans, custom_plans FROM pg_prepared_statements"
        kept = session.connection().exec_driver_sql(asked).all()
    mine = [row for row in kept if "ORDER BY idea_count.supports" in row.statement]
    assert len(mine) == 2  # the first two are the same
    assert all("LIMIT 7" in row.statement and not row.custom_plans for row in mine)


@pytest.mark.one_database("postgresql")
def test_a_reading_that_broke_is_taken_back_and_its_line_still_serves(database):
    with pytest.raises(sa.exc.DBAPIError), database.reading() as session:
        session.connection().exec_driver_sql("SELECT 1 / 0")
    with database.reading() as session:
        assert session.scalar(sa.select(sa.literal(1))) == 1


def test_words_of_our_own_stand_in_statements_and_what_is_bound_by_name_stays_bound(database, make):
    idea, stage = make.idea(), col(Idea.stage)
    query = sa.select(idea_id := col(Idea.id)).where(
        idea_id == idea.id,
        stage == Stage.IDEA,
        stage.in_((Stage.IDEA, Stage.CONCEPT)),
        stage == sa.bindparam("asked", type_=stage.type),
    )
    ran = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *told: ran.append(told[2]))
    with database.reading() as session:
        for asked in (Stage.IDEA, Stage.CONCEPT):
            found = session.execute(query, {"asked": asked}).all()
            assert [row[0] for row in found] == ([idea.id] if asked is Stage.IDEA else [])
    words = "idea.stage = 'idea' AND idea.stage IN ('concept', 'idea') AND idea.stage = "
    assert all(words in statement for statement in ran if statement.startswith("SELECT"))
    assert not any(statement.rstrip().endswith("'") for statement in ran)


def test_many_threads_make_the_same_statement_of_a_table_under_another_name():
    """Where columns are made when first asked for, one in fifteen rounds of this lacks one."""
    every = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    made = []

    def make_it(row, together):
        together.wait()
        made.append(str(sa.select(row.id, row.name, row.title, row.photo_id).where(row.erased_at.is_(None))))

    try:
        for _ in range(60):
            row, together = another(Person), threading.Barrier(6)
            threads = [threading.Thread(target=make_it, args=(row, together)) for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    finally:
        sys.setswitchinterval(every)
    assert len(made) == 360
    assert len(set(made)) == 1
