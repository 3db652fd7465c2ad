"""What is taken away leaves nothing open; what was hidden catches up when it comes back."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import col, select

from livinglab.core.journal import Event
from livinglab.core.mail import OutboxMail
from livinglab.core.viewer import Role
from livinglab.handoff.commands import (
    return_wrong_unit,
    run_clock,
    stop_waiting,
    wait_for_author,
    write_answer,
)
from livinglab.handoff.models import AnswerKind, Handoff, HandoffState
from livinglab.handoff.queries import promise_kept
from livinglab.ideas.commands import publish_idea, set_publication, withdraw_idea
from livinglab.ideas.models import Activity, Idea, Publication, Stage
from livinglab.people.commands import end_role
from livinglab.people.models import Person
from livinglab.pipeline.commands import open_reviews
from livinglab.pipeline.commands.opening import open_review
from livinglab.pipeline.models import Door, Review
from livinglab.pipeline.queries.places import facts_of, place_of
from livinglab.voting.models import ThresholdReached


def _open_review(session, idea_id):
    query = select(Review).where(Review.idea_id == idea_id, col(Review.closed_at).is_(None))
    return session.scalars(query).one_or_none()


def _publish(session, idea, to, noon):
    set_publication(session, idea_id=idea.id, to=to, by_id=None, now=noon, data={"rule": "off-topic"})
    session.flush()


@pytest.mark.parametrize("how", ["withdrawn", "removed"])
def test_an_idea_taken_away_closes_its_review_and_its_handoff(session, place, make, noon, how):
    idea = place.idea(Stage.IDEA)
    open_review(session, idea_id=idea.id, door=Door.THRESHOLD, now=noon)
    handoff = make.handoff(idea, make.unit(place.lab))
    if how == "withdrawn":
        author = make.viewer(session.get(Person, idea.author_id))
        withdraw_idea(session, idea_id=idea.id, person=author, now=noon)
    else:
        _publish(session, idea, Publication.REMOVED, noon)
    open_reviews(session, noon)
    session.expire_all()
    assert _open_review(session, idea.id) is None
    assert session.get(Handoff, handoff.id).closed_at == noon
    assert run_clock(session, noon + timedelta(days=120)) == 0


def test_nothing_is_told_of_the_handoff_of_a_hidden_idea(session, place, make, noon):
    idea = place.idea(Stage.IDEA)
    make.handoff(idea, make.unit(place.lab))
    _publish(session, idea, Publication.HIDDEN, noon)
    later = noon + timedelta(days=120)
    assert run_clock(session, later) == 0
    assert session.scalars(select(OutboxMail.id).where(OutboxMail.kind == "steering")).all() == []
    assert promise_kept(session, [place.lab.id], later).late == 0


def _hide_for(session, idea, days, at):
    _publish(session, idea, Publication.HIDDEN, at)
    open_reviews(session, at)
    restored = at + timedelta(days=days)
    _publish(session, idea, Publication.PUBLISHED, restored)
    return restored


def test_time_in_which_an_idea_was_hidden_does_not_count_against_the_unit(session, place, make, noon):
    idea = place.idea(Stage.IDEA)
    handoff = place.handoff(idea, state=HandoffState.ASSESSING, assigned_at=noon)
    before = (handoff.preliminary_due, handoff.decision_due)
    restored = _hide_for(session, idea, 60, noon + timedelta(days=1))
    late_by_the_old_days = restored + timedelta(minutes=1)
    assert late_by_the_old_days > handoff.preliminary_due
    assert run_clock(session, late_by_the_old_days) == 0  # restored a moment ago, and not yet made good
    open_reviews(session, late_by_the_old_days)
    open_reviews(session, late_by_the_old_days)
    session.refresh(handoff)
    moved = timedelta(days=60)
    assert (handoff.preliminary_due, handoff.decision_due) == (before[0] + moved, before[1] + moved)
    assert handoff.waited_seconds == 60 * 86_400
    assert session.get(Idea, idea.id, populate_existing=True).due_at == handoff.due_at
    assert run_clock(session, late_by_the_old_days) == 0
    told = session.scalars(select(Event).where(col(Event.kind) == "handoff-moved")).one()
    last = (handoff.due_at - timedelta(seconds=1)).astimezone(ZoneInfo("Europe/Oslo")).date()
    assert (told.public, told.data["until"]) == (True, last.isoformat())


def test_a_handoff_that_nobody_has_taken_is_not_late_by_days_it_was_hidden(session, place, make, noon):
    idea = place.idea(Stage.IDEA)
    handoff = make.handoff(idea, place.unit)
    due, now = handoff.assign_due, _hide_for(session, idea, 30, noon + timedelta(hours=1))
    open_reviews(session, now)
    session.refresh(handoff)
    assert handoff.assign_due == due + timedelta(days=30)
    run_clock(session, handoff.assign_due - timedelta(seconds=1))
    assert session.scalars(select(Event.id).where(col(Event.kind) == "handoff-late")).all() == []
    run_clock(session, handoff.assign_due)
    assert len(session.scalars(select(Event.id).where(col(Event.kind) == "handoff-late")).all()) == 1


def test_hidden_time_is_made_good_also_where_an_idea_is_published_anew(session, place, make, noon):
    idea = place.idea(Stage.IDEA)
    handoff = make.handoff(idea, place.unit)
    due, restored = handoff.decision_due, noon + timedelta(days=30)
    _publish(session, idea, Publication.HIDDEN, noon)
    publish_idea(session, idea_id=idea.id, by_id=None, now=restored)
    open_reviews(session, restored)
    session.refresh(handoff)
    assert handoff.decision_due == due + timedelta(days=30)


def test_what_was_late_before_it_was_hidden_is_as_late_when_it_is_visible_again(session, place, make, noon):
    idea = place.idea(Stage.IDEA)
    handoff = place.handoff(idea, state=HandoffState.ASSESSING, assigned_at=noon)
    late = handoff.preliminary_due + timedelta(days=3)
    assert run_clock(session, late) == 1
    now = _hide_for(session, idea, 10, late)
    open_reviews(session, now)
    session.refresh(handoff)
    assert now - handoff.late_since == timedelta(days=3)
    assert run_clock(session, now) == 0  # the unit's owner is told after seven days, not after thirteen


def test_a_pause_that_ran_while_the_idea_was_hidden_moves_the_deadlines_once(session, place, make, noon):
    idea = place.idea(Stage.IDEA)
    handoff = place.handoff(idea, state=HandoffState.ASSESSING, assigned_at=noon)
    before = handoff.decision_due
    wait_for_author(
        session,
        handoff_id=handoff.id,
        until=(noon + timedelta(days=13)).date(),
        question="Which street?",
        person=place.viewer("member"),
        now=noon,
    )
    now = _hide_for(session, idea, 20, noon + timedelta(days=3))
    open_reviews(session, now)
    run_clock(session, now)
    session.refresh(handoff)
    assert handoff.waiting_since is None
    assert handoff.decision_due == before + timedelta(days=23)


@pytest.mark.parametrize("ended_by", ["manager", "answer", "return"])
def test_a_pause_that_ended_before_hidden_time_is_made_good_moves_the_deadlines_once(
    session, place, noon, ended_by
):
    """Hidden on day 3 for 20 days; the pause ran from day 0 to day 9, or to the moment of the restoring."""
    idea = place.idea(Stage.IDEA)
    handoff = place.handoff(idea, state=HandoffState.ASSESSING, assigned_at=noon)
    before, person = handoff.decision_due, place.viewer("member")
    wait_for_author(
        session,
        handoff_id=handoff.id,
        until=(noon + timedelta(days=13)).date(),
        question="Which street?",
        person=person,
        now=noon,
    )
    stood = timedelta(days=9)
    if ended_by == "manager":  # who sees what is hidden
        hidden = noon + timedelta(days=3)
        _publish(session, idea, Publication.HIDDEN, hidden)
        stop_waiting(session, handoff_id=handoff.id, person=place.viewer("manager"), now=noon + stood)
        now = hidden + timedelta(days=20)
        _publish(session, idea, Publication.PUBLISHED, now)
    else:  # between the restoring and the job of a few seconds later
        hidden = noon + timedelta(days=3)
        now = _hide_for(session, idea, 6, hidden)
        assert now == noon + stood
        step = {"handoff_id": handoff.id, "person": person, "now": now, "stamp": handoff.stamp}
        if ended_by == "answer":
            words = {"title": "We look at it", "body": "And answer again.", "language": "en"}
            write_answer(session, kind=AnswerKind.PRELIMINARY, **words, **step)
        else:
            return_wrong_unit(session, note="Ask the parks", **step)
    open_reviews(session, now)
    session.refresh(handoff)
    assert handoff.waiting_since is None
    assert handoff.decision_due == before + (now - noon)
    assert handoff.waited_seconds == int((now - noon).total_seconds())
    told = session.scalars(select(Event).where(col(Event.kind) == "handoff-resumed")).one()
    assert (told.data["seconds"], told.public) == (int(stood.total_seconds()), ended_by == "manager")


def test_a_review_that_was_due_while_an_idea_was_hidden_opens_when_it_is_restored(session, place, noon):
    idea = place.idea(Stage.IDEA)
    _publish(session, idea, Publication.HIDDEN, noon)
    session.add(ThresholdReached(idea_id=idea.id, round=1, at=noon, threshold=10))
    session.flush()
    open_reviews(session, noon)
    assert _open_review(session, idea.id) is None
    _publish(session, idea, Publication.PUBLISHED, noon)
    open_reviews(session, noon)
    session.expire_all()
    assert _open_review(session, idea.id) is not None
    assert session.get(Idea, idea.id).activity is Activity.REVIEW


def test_a_lead_without_the_role_is_no_lead_at_the_gate(session, place, noon):
    idea = place.idea(Stage.CONCEPT)
    assert facts_of(session, place_of(session, idea.id)).lead_named
    end_role(
        session,
        person_id=idea.lead_id,
        lab_id=place.lab.id,
        role=Role.LEAD,
        by=place.viewer("manager"),
        now=noon,
    )
    assert not facts_of(session, place_of(session, idea.id)).lead_named
