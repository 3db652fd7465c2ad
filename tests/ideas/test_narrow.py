"""Lists narrowed to few among many: an index leads to those few, whatever the order."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from livinglab.ideas.models import Activity, Idea
from livinglab.ideas.queries.listing import Filter, Order, ideas_page
from livinglab.ideas.queries.tally import stage_counts
from tests.ideas.test_listing import many
from tests.ideas.test_plans import plans_of, scans


@pytest.fixture
def town(session, make, noon):
    """Six hundred ideas, of which every fiftieth is late, and none is merged."""
    labs, _ = many(session, make, 600, noon=noon, labs=2)
    category = make.category(labs[0])
    box = make.challenge(labs[0])
    session.execute(
        sa.update(Idea).values(
            late_since=sa.case((Idea.id % 50 == 0, noon), else_=None),
            category_id=sa.case((Idea.id % 40 == 0, category.id), else_=None),
            challenge_id=sa.case((Idea.id % 3 == 0, box.id), else_=None),
        )
    )
    session.execute(sa.text("ANALYZE"))
    if session.get_bind().dialect.name == "postgresql":  # of few rows it would read the table and sort
        for way in ("seqscan", "sort", "incremental_sort", "bitmapscan"):
            session.execute(sa.text(f"SET LOCAL enable_{way} = off"))
    return labs[0], category


WIDE = r"\bix_idea_(ring_(all|lab|stage|challenge)|newest(_challenge|_all)?)\b"
"""Indexes that hold all ideas, or all of a lab."""


def test_what_is_narrowed_runs_on_a_ring_of_its_own(session, town, noon):
    lab, category = town
    for wanted, index in (
        (Filter(late=True), "ix_idea_ring_late"),
        (Filter(lab_id=lab.id, late=True), "ix_idea_ring_late"),
        (Filter(category_id=category.id), "ix_idea_ring_category"),
        (Filter(activity=Activity.MERGED), "ix_idea_ring_(lab_)?activity"),
        (Filter(lab_id=lab.id, activity=Activity.MERGED), "ix_idea_ring_(lab_)?activity"),
        (Filter(lab_id=lab.id, box=True, language="fi"), "ix_idea_ring_language"),
    ):
        (plan,) = plans_of(session, lambda wanted=wanted: ideas_page(session, wanted, Order.FAIR, noon))
        assert len(re.findall(index, plan)) >= 16, (index, plan)
        assert not re.search(WIDE, plan), plan
        assert not scans(plan), plan


def test_the_few_of_a_filter_are_gathered_before_they_are_put_in_order(session, town, noon):
    for wanted in (Filter(activity=Activity.MERGED), Filter(late=True)):
        number, page = plans_of(
            session, lambda wanted=wanted: ideas_page(session, wanted, Order.NEWEST, noon)
        )
        assert re.search(r"ix_idea_(ring_activity|hold|((ring|newest)_)?late(_all)?)\b", number), number
        assert not re.search(WIDE, page), page
    newest = ideas_page(session, Filter(late=True), Order.NEWEST, noon, size=5)
    times = [card.published_at for card in newest.cards]
    assert len(times) == 5
    assert times == sorted(times, reverse=True)
    rest = ideas_page(session, Filter(late=True), Order.NEWEST, noon, after=newest.after, size=5)
    assert max(card.published_at for card in rest.cards) <= times[-1]
    assert {card.id for card in rest.cards}.isdisjoint(card.id for card in newest.cards)


def test_the_newest_of_many_late_ones_have_their_own_index(session, town, noon, monkeypatch):
    lab, _ = town
    monkeypatch.setattr("livinglab.ideas.queries.listing.narrowing.FEW", 0)
    for wanted in (Filter(late=True), Filter(lab_id=lab.id, late=True)):
        page = plans_of(session, lambda wanted=wanted: ideas_page(session, wanted, Order.NEWEST, noon))[-1]
        assert re.search(r"\bix_idea_newest_late(_all)?\b", page), page
        assert not scans(page), page


def test_late_ideas_of_all_labs_are_counted_by_their_own_index(session, town):
    (plan,) = plans_of(session, lambda: stage_counts(session, Filter(late=True)))
    assert re.search(r"\bix_idea_(ring_)?late(_all)?\b", plan), plan
    assert not scans(plan), plan
    late = session.scalar(sa.select(sa.func.count()).where(Idea.late_since.is_not(None)))
    assert stage_counts(session, Filter(late=True)).of(None) == late > 0


def test_the_best_supported_of_many_are_walked_down_the_index_of_supports(session, town, noon, monkeypatch):
    from livinglab.ideas.queries.listing import best

    monkeypatch.setattr(best, "FEW_OPEN", 0)
    hours = dict.fromkeys(session.scalars(sa.select(Idea.lab_id).distinct()), 1)
    session.execute(sa.update(Idea).values(challenge_id=None, published_at=noon - timedelta(days=9)))
    page = plans_of(session, lambda: ideas_page(session, Filter(), Order.BEST, noon, hidden_hours=hours))[-1]
    assert "ix_idea_count_supports" in page, page
    assert not scans(page), page
