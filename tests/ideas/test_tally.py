"""What a list says of how many ideas it has is true, also where it did not look at all of them."""

import pytest
import sqlalchemy as sa
from sqlmodel import col

from livinglab.ideas.models import Activity, Idea, Stage
from livinglab.ideas.queries import tally
from livinglab.ideas.queries.listing import Filter, conditions
from livinglab.ideas.queries.tally import stage_counts
from tests.ideas.test_listing import many
from tests.ideas.test_plans import plans_of, scans


@pytest.fixture
def lab(session, make, noon):
    """A lab with ideas of every kind, and one beside it."""
    (lab, _), author = many(session, make, 240, noon=noon)
    challenge, category = make.challenge(lab), make.category(lab)
    number = col(Idea.id)
    values = {
        "challenge_id": sa.case((number % 3 == 0, challenge.id), else_=None),
        "category_id": sa.case((number % 5 < 2, category.id), else_=None),
        "language": sa.case((number % 7 == 0, "fi"), else_="nb"),
        "late_since": sa.case((number % 4 < 2, noon), else_=None),
        "activity": sa.case((number % 6 == 0, "declined"), (number % 11 == 0, "merged"), else_="active"),
    }
    session.execute(sa.update(Idea).values(values).execution_options(synchronize_session=False))
    return lab, challenge, category, author


@pytest.mark.parametrize("looked_at", [tally.LOOKED_AT, 5])
def test_counts_are_exact_or_the_least_there_can_be(session, lab, monkeypatch, looked_at):
    monkeypatch.setattr(tally, "LOOKED_AT", looked_at)
    tally._known_counts.cache_clear()
    own, challenge, category, author = lab
    combinations = (
        {},
        {"late": True},
        {"box": True},
        {"language": "fi"},
        {"box": True, "late": True, "language": "nb"},
        {"challenge_id": challenge.id, "language": "nb"},
        {"category_id": category.id, "activity": Activity.DECLINED},
        {"author_id": author.id, "category_id": category.id},
    )
    for more in combinations:
        for place in ({}, {"lab_id": own.id}):
            wanted = Filter(**place, **more)
            found = stage_counts(session, wanted)
            rows = session.execute(
                sa.select(col(Idea.stage), sa.func.count())
                .where(*conditions(session, wanted))
                .group_by(col(Idea.stage))
            )
            true = {row[0]: row[1] for row in rows}
            for stage in Stage:
                if found.sure(stage):
                    assert found.of(stage) == true.get(stage, 0), wanted
                else:
                    assert looked_at == 5
                    assert found.of(stage) <= true.get(stage, 0), wanted
    tally._known_counts.cache_clear()


def test_what_is_narrowed_is_counted_by_an_index(session, lab):
    own, challenge, category, _ = lab
    session.execute(sa.text("ANALYZE"))
    for wanted in (
        Filter(lab_id=own.id, box=True),
        Filter(lab_id=own.id, late=True),
        Filter(challenge_id=challenge.id),
        Filter(category_id=category.id, activity=Activity.DECLINED),
    ):
        (plan,) = plans_of(session, lambda wanted=wanted: stage_counts(session, wanted))
        if session.get_bind().dialect.name == "sqlite":  # PostgreSQL reads a table of a few pages as it is
            assert not scans(plan), plan
            assert "ix_idea_" in plan


def test_a_page_says_at_least_where_it_stopped_looking(app, client, make, monkeypatch):
    monkeypatch.setattr(tally, "LOOKED_AT", 26)
    tally._known_counts.cache_clear()
    lab = make.lab("fjellvik")
    for n in range(30):
        make.idea(lab, title=f"Idé nummer {n}", language="nb")
    page = client.get("/ideas?lab=fjellvik&language=nb&lang=en").get_data(as_text=True)
    assert "At least 26 ideas" in page
    page = client.get("/ideas?lab=fjellvik&lang=en").get_data(as_text=True)
    assert "30 ideas" in page
    assert "At least" not in page
    tally._known_counts.cache_clear()
