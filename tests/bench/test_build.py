"""The town for measuring is a lawful one: counts equal a recount, stages follow the table, nobody is missing."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import Database
from livinglab.core.text import clean_line
from livinglab.core.viewer import Role
from livinglab.handoff.models import Handoff
from livinglab.ideas.commands.indexing import reindex_all
from livinglab.ideas.models import Comment, Idea, IdeaCount, Publication
from livinglab.labs.queries import viewer_of
from livinglab.pipeline.models import GateDecision
from livinglab.pipeline.queries import BoardFilter, board, work
from livinglab.pipeline.rules import legal_path
from livinglab.voting.models import Support
from tests.bench.town import build
from tests.bench.town.plan import FACILITATORS, LEADS, NOW, Plan, Town, plan_of

IDEAS = 400


@pytest.fixture
def counts(database: Database) -> dict[str, int]:
    """Build a small town in the test's own database."""
    return build(database, ideas=IDEAS, progress=False)


def _recount(session: Session, of: Any) -> dict[int, int]:
    rows = session.execute(sa.select(col(of.idea_id), sa.func.count()).group_by(col(of.idea_id)))
    return {row[0]: row[1] for row in rows}


def test_every_number_equals_a_recount(database: Database, counts: dict[str, int]) -> None:
    with database.reading() as session:
        kept = {row.idea_id: row for row in session.scalars(select(IdeaCount))}
        supports, comments = _recount(session, Support), _recount(session, Comment)
        assert {i: row.supports for i, row in kept.items() if row.supports} == supports
        assert {i: row.comments for i, row in kept.items() if row.comments} == comments
        own = sa.select(sa.func.count()).select_from(Support).join(Idea, col(Idea.id) == col(Support.idea_id))
        assert session.scalar(own.where(col(Support.person_id) == col(Idea.author_id))) == 0
    assert counts["idea"] == IDEAS
    assert counts["support"] == sum(supports.values())


def test_decisions_are_a_walk_through_the_table_of_moves(database: Database, counts: dict[str, int]) -> None:
    assert counts["gate_decision"] > 0
    with database.reading() as session:
        steps: dict[int, list[tuple[Any, Any, Any]]] = defaultdict(list)
        for row in session.scalars(select(GateDecision).order_by(col(GateDecision.gate))):
            steps[row.idea_id].append((row.from_stage, row.outcome, row.to_stage))
        stages = {row[0]: row[1] for row in session.execute(sa.select(col(Idea.id), col(Idea.stage)))}
    assert all(legal_path(path) for path in steps.values())
    assert all(path[-1][2] is stages[idea_id] for idea_id, path in steps.items())


def test_what_an_idea_is_owed_is_the_earlier_of_clock_and_named_day(
    database: Database, counts: dict[str, int]
) -> None:
    assert counts["handoff"] > 0
    with database.reading() as session:
        rows = session.execute(
            sa.select(col(Idea.due_at), col(Handoff.due_at), col(Idea.next_by))
            .join(Handoff, col(Handoff.idea_id) == col(Idea.id))
            .where(col(Handoff.closed_at).is_(None), col(Handoff.due_at).is_not(None))
        ).all()
    assert rows
    for owed, clock, by in rows:
        assert owed is not None
        assert clock is not None
        assert owed == clock if by is None else owed <= clock


def test_the_pages_read_the_town(database: Database, counts: dict[str, int]) -> None:
    staff_first = counts["person"] - 4 * (FACILITATORS + LEADS + 2 + 8 * 3) + 1
    with database.reading() as session:
        found = board(session, BoardFilter(labs=(1,)), NOW)
        public = session.scalar(
            sa.select(sa.func.count())
            .select_from(Idea)
            .where(
                col(Idea.lab_id) == 1,
                col(Idea.publication) == Publication.PUBLISHED,
                col(Idea.activity).in_(("active", "review", "hold")),
            )
        )
        assert found.figures.all.sure
        assert found.figures.all.least == sum(column.count.least for column in found.columns) == public
        person = viewer_of(session, staff_first)
        assert person is not None
        assert work(session, person, NOW)


def test_search_holds_what_publishing_would_have_written(database: Database, counts: dict[str, int]) -> None:
    held = (
        ("idea_search", "rowid, title, rest")
        if database.is_sqlite
        else ("idea_search", "idea_id, words::text"),
        ("idea_gram", "rowid, title") if database.is_sqlite else ("idea_gram", "idea_id, grams::text"),
        ("trigram_df WHERE df > 0", "gram, df"),
    )

    def read(session: Session) -> list[set[Any]]:
        return [
            {tuple(row) for row in session.execute(sa.text(f"SELECT {of} FROM {table}"))}
            for table, of in held
        ]

    with Session(database.engine) as session:
        built = read(session)
        assert len(built[0]) == len(built[1]) > IDEAS // 2
        for table in ("idea_search", "idea_gram", "trigram_df"):
            session.execute(sa.text(f"DELETE FROM {table}"))
        assert reindex_all(session) is None
        assert read(session) == built


def test_the_database_goes_on_counting_and_its_rules_hold(
    database: Database, counts: dict[str, int], make: Any
) -> None:
    idea = make.idea()
    assert idea.id == counts["idea"] + 1
    with database.reading() as session:
        titles = session.scalars(sa.select(col(Idea.title)).limit(50)).all()
    assert all(title == clean_line(title) for title in titles)
    with pytest.raises(sa.exc.IntegrityError), database.writing() as session:
        session.add(Support(idea_id=idea.id, person_id=10**7, given_at=NOW, counts=True, staff=False))


def test_the_same_seed_gives_the_same_town() -> None:
    def plans(seed: int) -> list[Plan]:
        town = Town(random.Random(seed), NOW, labs=[1], residents=range(1, 500))
        town.staff = {1: {Role.LEAD: [1, 2]}}
        town.units, town.challenges = {1: [1, 2]}, {1: [1, 2, 3]}
        return [plan_of(town, number) for number in range(1, 50)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.bench.town.plan.LAB_SHARES", (1.0,))
        assert plans(7) == plans(7)
        assert plans(7) != plans(8)
