"""What is taken away leaves nothing open; what was hidden catches up when it comes back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import col, select

from livinglab.core.mail import OutboxMail
from livinglab.core.viewer import Role
from livinglab.handoff.commands import run_clock
from livinglab.handoff.models import Handoff
from livinglab.handoff.queries import promise_kept
from livinglab.ideas.commands import set_publication, withdraw_idea
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
