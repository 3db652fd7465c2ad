"""Every order of the list runs on an index, on both databases, at ten thousand ideas."""

import re

import pytest
import sqlalchemy as sa

from livinglab.ideas.models import Idea, Stage
from livinglab.ideas.queries.listing import Filter, Order, ideas_page, stage_counts
from livinglab.ideas.queries.search import alike
from tests.ideas.test_listing import many


def plans_of(session, act):
    """Run something and return the plans of its statements, one text each."""
    ran = []

    def note(_connection, _cursor, statement, parameters, *_rest):
        ran.append((statement, parameters))

    engine = session.get_bind()
    sa.event.listen(engine, "before_cursor_execute", note)
    act()
    sa.event.remove(engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    connection = session.connection()
    return [
        "\n".join(str(row[-1]) for row in connection.exec_driver_sql(explain + statement, parameters))
        for statement, parameters in ran
    ]


@pytest.fixture
def plenty(session, make, noon):
    labs, author = many(session, make, 10_000, noon=noon, labs=10, body="Ord som folk skriver. " * 70)
    session.execute(sa.text("ANALYZE"))
    return labs, author


def scans(plan):
    """Return the whole-table reads of ideas in a plan."""
    return re.findall(r"^\s*SCAN idea(?! USING)\b.*|Seq Scan on idea\b.*", plan, re.M)


def test_the_fair_order_reads_ranges_of_the_ring(session, plenty, noon):
    labs, _ = plenty
    for wanted, index in (
        (Filter(), "ix_idea_ring_all"),
        (Filter(lab_id=labs[0].id), "ix_idea_ring_(lab|stage)"),
        (Filter(lab_id=labs[0].id, stage=Stage.CONCEPT), "ix_idea_ring_stage"),
    ):
        (plan,) = plans_of(session, lambda wanted=wanted: ideas_page(session, wanted, Order.FAIR, noon))
        assert len(re.findall(index, plan)) >= 8, plan
        assert not scans(plan), plan


@pytest.mark.parametrize("order", [Order.NEWEST, Order.BEST])
def test_the_other_orders_read_their_index(session, plenty, noon, order):
    labs, _ = plenty
    hours = {lab.id: 1 for lab in labs}
    for wanted in (Filter(), Filter(lab_id=labs[0].id)):
        plans = plans_of(
            session, lambda wanted=wanted: ideas_page(session, wanted, order, noon, hidden_hours=hours)
        )
        assert len(plans) == 1
        assert not scans(plans[0]), plans[0]
        index = "ix_idea_newest" if order is Order.NEWEST else "ix_idea_count_supports|idea_count"
        assert re.search(index, plans[0]), plans[0]


def test_counting_and_likeness_read_no_more_than_they_need(session, plenty, noon):
    labs, _ = plenty
    (plan,) = plans_of(session, lambda: stage_counts(session, Filter(lab_id=labs[0].id)))
    assert not scans(plan), plan
    (plan,) = plans_of(session, lambda: alike(session, "Trygg vei til skolen", lab_id=labs[0].id))
    assert not scans(plan), plan


def test_ten_thousand_ideas_are_still_all_there(session, plenty):
    assert session.scalar(sa.select(sa.func.count()).select_from(Idea)) == 10_000
