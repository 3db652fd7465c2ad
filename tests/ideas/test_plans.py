"""Every order of the list runs on an index, on both databases, at ten thousand ideas."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col

from livinglab.ideas.models import Idea, IdeaCount, Stage
from livinglab.ideas.queries import counts, listing
from livinglab.ideas.queries.listing import Filter, Order, best, ideas_page
from livinglab.ideas.queries.search import alike
from livinglab.ideas.queries.tally import stage_counts
from livinglab.ideas.queries.visibility import listed
from tests.ideas.test_listing import many


def plans_of(session, act):
    """Run something and return the plans of its statements, one text each: on PostgreSQL for any values."""
    ran = []

    def note(_connection, _cursor, statement, parameters, *_rest):
        ran.append((statement, parameters))

    engine = session.get_bind()
    sa.event.listen(engine, "before_cursor_execute", note)
    act()
    sa.event.remove(engine, "before_cursor_execute", note)
    return ["\n".join(str(row[-1]) for row in explained(session, *one)) for one in ran]


def explained(session, statement, parameters):
    """Return the lines of a statement's plan."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        return connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)
    places = {}
    numbered = re.sub(
        r"%\((\w+)\)s", lambda name: f"${places.setdefault(name[1], len(places) + 1)}", statement
    )
    driver = connection.connection.driver_connection
    return driver.execute("EXPLAIN (GENERIC_PLAN) " + numbered.replace("%%", "%"), prepare=False).fetchall()


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
        asked = 1 if wanted.lab_id else 2  # are they few there; or else: which show counts, are they few?
        assert len(plans) == (1 if order is Order.NEWEST else asked + 1)
        assert not scans(plans[-1]), plans[-1]  # the question before it stops after 5 000 rows
        index = "ix_idea_newest" if order is Order.NEWEST else "ix_idea_count_supports|idea_count"
        assert re.search(index, plans[-1]), plans[-1]


def test_the_few_open_counts_among_many_hidden_are_reached_by_an_index(session, make, plenty, noon):
    """Nearly all lie in a challenge that hides its counts: nobody reads those to find the rest."""
    labs, _ = plenty
    hides, shows = make.challenge(labs[0]), make.challenge(labs[0], counts_from=noon - timedelta(days=1))
    of = sa.case((col(Idea.id) % 500 == 0, shows.id), (col(Idea.id) % 501 == 0, None), else_=hides.id)
    session.execute(sa.update(Idea).values(challenge_id=of).execution_options(synchronize_session=False))
    session.execute(sa.text("ANALYZE"))
    hours = {lab.id: 1 for lab in labs}
    plans = plans_of(session, lambda: ideas_page(session, Filter(), Order.BEST, noon, hidden_hours=hours))
    assert len(plans) == 3
    for plan in plans[1:]:
        assert re.search("ix_idea_(newest|ring)_challenge", plan), plan
        assert not scans(plan), plan


def test_best_supported_is_the_same_list_by_either_way(session, make, plenty, noon, monkeypatch):
    labs, _ = plenty
    hides, shows = make.challenge(labs[0]), make.challenge(labs[1], counts_from=noon - timedelta(days=1))
    of = sa.case((col(Idea.id) % 29 == 0, shows.id), (col(Idea.id) % 31 == 0, None), else_=hides.id)
    session.execute(sa.update(Idea).values(challenge_id=of).execution_options(synchronize_session=False))
    hours = {lab.id: 1 + n for n, lab in enumerate(labs)}
    for wanted in (Filter(stage=Stage.CONCEPT), Filter(lab_id=labs[1].id)):
        is_open = [*listing.conditions(session, wanted), listing.open_counts(noon, hours)]
        rows = session.execute(
            sa.select(col(Idea.id))
            .join(IdeaCount, col(IdeaCount.idea_id) == col(Idea.id))
            .where(*is_open)
            .order_by(col(IdeaCount.supports).desc(), col(Idea.id).desc())
        )
        expected = [row[0] for row in rows]
        assert len(expected) > listing.PAGE_SIZE
        for few in (0, 5000):
            monkeypatch.setattr(best, "FEW_OPEN", few)
            monkeypatch.setattr(best, "FEW_HERE", few)
            assert _walked(session, wanted, noon, hours) == expected


def _walked(session, wanted, noon, hours):
    """Return the best supported with open counts, read page by page."""
    found, after = [], None
    while True:
        page = ideas_page(session, wanted, Order.BEST, noon, after=after, hidden_hours=hours)
        found += [card.id for card in page.cards[: page.hidden_from]]
        after = page.after
        if after is None or page.hidden_from is not None or after[0] == "h":
            return found


def test_counting_and_likeness_read_no_more_than_they_need(session, plenty, noon):
    labs, _ = plenty
    (plan,) = plans_of(session, lambda: stage_counts(session, Filter(lab_id=labs[0].id)))
    assert not scans(plan), plan
    rare, near = plans_of(session, lambda: alike(session, "Idé nummer 17", lab_id=labs[0].id))
    assert not scans(rare), rare
    assert not scans(near), near


def test_ten_thousand_ideas_are_still_all_there(session, plenty):
    assert session.scalar(sa.select(sa.func.count()).select_from(Idea)) == 10_000


def test_front_and_lab_pages_never_read_all_ideas_and_their_counts_are_true(
    session, plenty, noon, monkeypatch
):
    """Counting stops above a thousand, and says so; what is quiet and what happens is sought near the top."""
    labs, _ = plenty
    for act in (
        lambda: counts.ideas_by_lab(session),
        lambda: counts.ideas_in_box(session, labs[0].id),
        lambda: counts.stages_of(session),
        lambda: counts.stages_of(session, labs[0].id),
        lambda: counts.quiet_cards(session, noon),
        lambda: counts.happening(session),
    ):
        (plan,) = plans_of(session, act)
        assert not scans(plan), plan
    true = session.execute(sa.select(Idea.lab_id, sa.func.count()).where(listed()).group_by(Idea.lab_id))
    assert counts.ideas_by_lab(session) == {lab_id: min(number, 1001) for lab_id, number in true}
    alive = sa.select(Idea.stage, sa.func.count()).where(listed(*counts.ALIVE)).group_by(Idea.stage)
    at_stage = dict(session.execute(alive).all())
    assert counts.stages_of(session) == {stage: min(at_stage.get(stage, 0), 1001) for stage in Stage}
    monkeypatch.setattr(counts, "MOST_COUNTED", 40)
    assert counts.ideas_in_box(session, labs[0].id) == 41
