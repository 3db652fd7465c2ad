"""My work costs what it shows: each kind of task is the beginning of an index, in everybody's statement."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from livinglab.core.viewer import Role
from livinglab.handoff.models import HandoffState
from livinglab.ideas.models import Idea, Stage
from livinglab.labs.models import UnitMember
from livinglab.pipeline.queries import Task, work, work_count
from livinglab.pipeline.queries.work import page
from livinglab.pipeline.queries.work.rows import hats_of, worn_by
from tests.handoff.test_queue import no_detours
from tests.ideas.test_plans import plans_of

TABLES = "idea|handoff|review|proposal|moderation_case"


@pytest.mark.parametrize("name", ["facilitator", "lead", "manager", "member"])
def test_nobodys_tasks_are_sought_by_reading_a_table(session, place, noon, name):
    place.ready()
    if session.get_bind().dialect.name == "postgresql":  # of few rows it would read the table
        session.execute(sa.text("SET LOCAL enable_seqscan = off"))
    viewer = place.viewer(name)
    plans = plans_of(session, lambda: (work(session, viewer, noon), work_count(session, viewer, noon)))
    assert len(plans) == 3  # what has a date, what has none, and the number
    for plan in plans:
        assert not re.search(rf"^SCAN ({TABLES})\b|Seq Scan on ({TABLES})\b", plan, re.M), plan
        assert "ANY(lab_id)" not in plan, plan  # SQLite's walk of all labs


def test_the_first_ones_are_shown_and_those_with_a_date_before_those_without(
    session, place, noon, monkeypatch
):
    for days in (3, 1, 2, None, None):
        idea = place.idea(Stage.CONCEPT)
        handoff = place.handoff(idea, state=HandoffState.ASSESSING, outcome=None, due_at=None)
        due = noon + timedelta(days=days) if days else None
        session.get_one(Idea, handoff.idea_id).due_at = due
    session.flush()

    def shown(most):
        monkeypatch.setattr(page, "MOST", most)
        found = work(session, place.viewer("member"), noon)
        assert work_count(session, place.viewer("member"), noon) == len(found)
        return [(item.due.at - noon).days if item.due else None for item in found]

    assert shown(2) == [1, 2]
    assert shown(4) == [1, 2, 3, None]
    assert shown(9) == [1, 2, 3, None, None]


def test_what_somebody_comes_to_in_two_ways_is_asked_of_them_once(session, place, make, noon):
    """A lead who is a facilitator or manager, too, or a member of the unit."""
    _, review = place.ready()
    later, _ = place.ready(Stage.CONCEPT)
    lead = place.people["lead"]
    for role in (Role.FACILITATOR, Role.MANAGER):
        make.role(place.lab, role, lead)
    make.add(UnitMember(unit_id=place.unit.id, person_id=lead.id, since=noon))
    found = work(session, place.viewer("lead"), noon)
    proposals = [item.idea_id for item in found if item.task is Task.PROPOSE]
    assert sorted(proposals) == sorted({review.idea_id, later.id})
    assert work_count(session, place.viewer("lead"), noon) == len(found)


def test_tasks_are_sought_among_what_is_nearest_and_among_all_where_one_may_be_left_out(
    session, place, noon, monkeypatch
):
    """Of ten reviews every second waits for the unit, not for the lead, the nearest ones all do."""
    for n in range(10):
        idea, _ = place.ready() if n > 3 and n % 2 else (place.idea(), None)
        if n <= 3 or not n % 2:
            place.make.review(idea)
            place.handoff(idea, state=HandoffState.QUEUED, outcome=None)
        session.get_one(Idea, idea.id).due_at = noon + timedelta(days=n)
    session.flush()
    monkeypatch.setattr(page, "FAR", 100)
    lead = place.viewer("lead")

    def shown(most, near):
        monkeypatch.setattr(page, "MOST", most)
        monkeypatch.setattr(page, "NEAR", near)
        found = []
        plans = plans_of(session, lambda: found.extend(work(session, lead, noon)))
        return [(item.due.at - noon).days for item in found], len(plans)

    assert shown(2, 100) == ([5, 7], 1)
    assert shown(2, 8) == ([5, 7], 1)  # eight are looked at, the last of them due on the seventh day
    assert shown(2, 6) == ([5, 7], 2)  # what is due on the seventh day may be nearer than anything seen
    assert shown(3, 3) == ([5, 7, 9], 2)


def test_how_much_has_a_date_makes_no_statement_of_its_own(session, place, noon, monkeypatch):
    """PostgreSQL plans one for each number of rows that stands in it, and this one takes long."""
    for n in range(4):
        idea, _ = place.ready()
        session.get_one(Idea, idea.id).due_at = noon if n % 2 else None
    session.flush()
    ran, person = set(), place.viewer("lead")

    def note(_connection, _cursor, statement, *_rest):
        ran.add(statement)

    sa.event.listen(session.get_bind(), "before_cursor_execute", note)
    for most in (10, 9, 8):
        monkeypatch.setattr(page, "MOST", most)
        assert [bool(item.due) for item in work(session, person, noon)] == [True, True, False, False]
    sa.event.remove(session.get_bind(), "before_cursor_execute", note)
    assert len(ran) == 2  # what has a date, and what has none


def test_what_is_nearest_is_a_walk_of_an_index(session, place, noon):
    place.ready()
    for name, index in (
        ("facilitator", "ix_idea_board"),
        ("lead", "ix_idea_carried"),
        ("member", "ix_handoff_(mine|queue)"),
    ):
        hats, values = hats_of(place.viewer(name)), worn_by(place.viewer(name), noon)
        values |= {"most": 9, "near": 9, "seen": 9, "far": 9, "seen_far": 9}
        query = page._listed(hats, dated=True, near=True)
        no_detours(session)
        (plan,) = plans_of(session, lambda query=query, values=values: session.execute(query, values).all())
        if (
            session.get_bind().dialect.name == "sqlite"
        ):  # which of two, PostgreSQL decides by how many there are
            assert len(re.findall(index, plan)) >= 3, plan
        assert not re.search(r"ANY\(lab_id\)|(SCAN|Seq Scan on) (idea|handoff)\b", plan), plan
