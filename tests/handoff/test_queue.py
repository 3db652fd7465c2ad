"""The queue costs what it shows: each lane is the beginning of an index, however many handoffs there are."""

import re
from dataclasses import replace
from datetime import timedelta
from importlib import import_module

import pytest
import sqlalchemy as sa

from livinglab.handoff.models import Handoff, HandoffState
from livinglab.handoff.queries import Choice, Lane, promise_kept, queue
from livinglab.handoff.queries.routing import to_route
from livinglab.ideas.models import Idea, Publication
from tests.ideas.test_plans import plans_of

DAY = timedelta(days=1)
figures = import_module("livinglab.handoff.queries.figures")
lanes = import_module("livinglab.handoff.queries.queue.lanes")


def owed(session, handoff):
    rows = sa.select(Handoff.owed_at, Idea.due_at).join(Idea, Idea.id == Handoff.idea_id)
    return tuple(session.execute(rows.where(Handoff.id == handoff.id)).one())


def test_by_when_an_idea_is_owed_something_stands_beside_its_open_handoff_as_well(scene):
    handoff = scene.queued()
    first, same = owed(scene.session, handoff)
    assert first == same == handoff.due_at
    scene.session.get_one(Idea, handoff.idea_id).due_at = scene.noon + DAY  # whoever changes it, and how
    scene.session.flush()
    assert owed(scene.session, handoff) == (scene.noon + DAY,) * 2
    closed = sa.update(Handoff).where(Handoff.id == handoff.id).values(closed_at=scene.noon)
    scene.session.execute(closed)
    scene.session.get_one(Idea, handoff.idea_id).due_at = None
    scene.session.flush()
    assert owed(scene.session, handoff) == (scene.noon + DAY, None), "what is closed stays as it was"


def no_detours(session):
    """Let PostgreSQL take an index wherever one serves: of few rows it would read the table and sort."""
    if session.get_bind().dialect.name == "postgresql":
        for way in ("seqscan", "sort", "incremental_sort", "bitmapscan"):
            session.execute(sa.text(f"SET LOCAL enable_{way} = off"))


@pytest.mark.parametrize("who", ["kari", "facilitator", "mine"])
def test_every_lane_is_walked_in_the_order_of_an_index(scene, who):
    session = scene.session
    scene.queued()
    no_detours(session)
    viewer = scene.kari if who != "facilitator" else scene.facilitator
    dated = (Lane.LATE, Lane.SOON, Lane.LATER)
    choice = Choice(mine=who == "mine")
    index = {"kari": "ix_handoff_queue", "facilitator": "ix_handoff_lab", "mine": "ix_handoff_mine"}[who]
    (plan,) = plans_of(session, lambda: lanes.beginnings(session, viewer, scene.noon, choice, dated, most=10))
    assert len(re.findall(index, plan)) == 4, plan  # what is due later, and what has no date at all
    assert "TEMP B-TREE" not in plan, plan
    assert not re.search(r"\bSort\b|Seq Scan on handoff|SCAN handoff", plan), plan


def test_the_lanes_take_as_many_statements_with_many_handoffs_as_with_one(scene):
    def taken():
        return len(plans_of(scene.session, lambda: queue(scene.session, scene.manager, scene.noon, Choice())))

    scene.queued()
    before = taken()
    for n in range(15):
        idea = scene.make.idea(scene.lab)
        scene.make.handoff(idea, scene.unit, due_at=scene.noon + (n - 7) * DAY)
    assert taken() == before == 4  # units; beginnings and numbers; rows; what no unit was asked about


def test_counting_stops_above_the_most_and_what_is_not_to_be_seen_is_not_counted(scene, monkeypatch):
    monkeypatch.setattr(lanes, "MOST_COUNTED", 3)
    for n in range(5):
        scene.make.handoff(scene.make.idea(scene.lab), scene.unit, due_at=scene.noon - (n + 1) * DAY)
    hidden = scene.make.idea(scene.lab, publication=Publication.HIDDEN)
    scene.make.handoff(hidden, scene.unit, due_at=scene.noon + DAY)
    seen = queue(scene.session, scene.kari, scene.noon, Choice()).counts
    assert (seen.late, seen.soon) == (4, 0)
    assert queue(scene.session, scene.manager, scene.noon, Choice()).counts.soon == 1


@pytest.mark.parametrize("who", ["manager", "kari"])
def test_whoever_works_in_very_many_labs_sees_the_same_queue(scene, who):
    """SQLite takes five hundred parts of a statement, and each lab was several."""
    scene.queued()
    handed = scene.make.idea(scene.lab)
    scene.make.handoff(handed, scene.unit, due_at=scene.noon - DAY)
    one, many = getattr(scene, who), range(1000, 1130)
    if who == "manager":
        everywhere = replace(one, roles=dict(one.roles) | dict.fromkeys(many, one.roles[scene.lab.id]))
    else:
        everywhere = replace(one, units=dict(one.units) | dict.fromkeys(many, scene.lab.id))
    for choice in (Choice(), Choice(lane=Lane.LATE), Choice(lane=Lane.DESK)):
        here = queue(scene.session, one, scene.noon, choice)
        there = queue(scene.session, everywhere, scene.noon, choice)
        assert (there.lanes, there.counts, there.to_route) == (here.lanes, here.counts, here.to_route)
    assert here.counts.late == 1


def test_ideas_without_a_unit_are_paged_and_each_comes_once(scene):
    ideas = [scene.make.idea(scene.lab) for _ in range(5)]
    for n, idea in enumerate(ideas):
        scene.make.review(idea)
        scene.session.get_one(Idea, idea.id).waits_since = (
            scene.noon - (n // 2) * DAY
        )  # some since the same time
    scene.session.get_one(Idea, scene.idea.id).waits_since = scene.noon - 9 * DAY
    scene.session.flush()
    found, place = [], None
    for _ in range(5):
        part, more = to_route(scene.session, {scene.lab.id}, most=2, after=place)
        found += [row.idea_id for row in part]
        place = (part[-1].since, part[-1].idea_id)
        if not more:
            break
    waits = sorted((scene.noon - (n // 2) * DAY, idea.id) for n, idea in enumerate(ideas))
    assert found == [scene.idea.id, *(idea_id for _, idea_id in waits)]


def test_the_promise_is_told_of_the_newest_answers_where_there_are_very_many(scene, monkeypatch):
    answered = {
        "state": HandoffState.PRELIMINARY,
        "preliminary_at": scene.noon - DAY,
        "answer_seconds": 86_400,
    }
    for late in (True, False, False):
        due = scene.noon - 2 * DAY if late else scene.noon
        scene.make.handoff(scene.make.idea(scene.lab), scene.unit, preliminary_due=due, **answered)
    every = promise_kept(scene.session, [scene.lab.id], scene.noon)
    assert (every.expected, every.in_time, every.newest_only) == (3, 2, False)
    monkeypatch.setattr(figures, "MOST_LOOKED_AT", 2)
    newest = promise_kept(scene.session, [scene.lab.id], scene.noon, unit_id=scene.unit.id)
    assert (newest.expected, newest.in_time, newest.newest_only) == (2, 2, True)


def test_where_very_much_is_missing_the_share_is_of_what_was_due_at_the_same_time(scene, monkeypatch):
    """Else missing ones of a year would stand against the answers of a week."""
    for days, answered in ((9, True), (8, False), (4, True), (3, False), (2, True), (1, False)):
        due = scene.noon - days * DAY
        given = {"preliminary_at": due - DAY, "answer_seconds": 86_400} if answered else {}
        state = HandoffState.PRELIMINARY if answered else HandoffState.ASSESSING
        scene.make.handoff(
            scene.make.idea(scene.lab), scene.unit, state=state, preliminary_due=due, outcome=None, **given
        )
    every = promise_kept(scene.session, [scene.lab.id], scene.noon)
    assert (every.expected, every.answered, every.newest_only) == (6, 3, False)
    monkeypatch.setattr(figures, "MOST_LOOKED_AT", 3)
    for unit in (None, scene.unit.id):
        newest = promise_kept(scene.session, [scene.lab.id], scene.noon, unit_id=unit)
        # of the missing ones all but the first due; of the answers those due after that
        assert (newest.expected, newest.answered, newest.share, newest.newest_only) == (4, 2, 50, True)


def test_the_figures_of_very_many_labs_are_read_and_what_is_late_is_counted_up_to_a_most(scene, monkeypatch):
    """SQLite takes five hundred parts of a statement, and each lab was one."""
    scene.queued()
    due = scene.noon - DAY
    for _ in range(2):
        scene.make.handoff(scene.make.idea(scene.lab), scene.unit, preliminary_due=due, late_since=due)
    labs = [scene.lab.id, *range(1000, 1560)]
    every = promise_kept(scene.session, labs, scene.noon)
    assert (every.expected, every.late) == (2, 2)
    monkeypatch.setattr(figures, "MOST_COUNTED", 0)
    assert promise_kept(scene.session, labs, scene.noon).late == 1
    assert promise_kept(scene.session, labs, scene.noon, count_late=False).late == 0
