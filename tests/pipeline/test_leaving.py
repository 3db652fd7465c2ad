"""Nothing keeps waiting for somebody whose role has ended or whose account is gone."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from livinglab.core.journal import Event
from livinglab.core.mail import OutboxMail
from livinglab.core.viewer import Role
from livinglab.handoff import commands as handoffs
from livinglab.handoff.models import Handoff, HandoffState
from livinglab.handoff.queries import Choice, queue
from livinglab.handoff.rules.verbs import Verb
from livinglab.ideas.models import Idea, Stage
from livinglab.labs.commands import remove_member
from livinglab.labs.models import Challenge, ChallengeState
from livinglab.notices.commands import deliver_notices
from livinglab.people.commands import end_role
from livinglab.pipeline.commands import open_reviews, propose
from livinglab.pipeline.commands.leaving import release_duties
from livinglab.pipeline.models import Proposal, ProposalState
from livinglab.pipeline.queries import Task, work
from livinglab.privacy.commands import Published, erase_person
from tests.pipeline.conftest import advance


def _leave(session, place, name, noon, *, role=None):
    """End a role of somebody, or erase their account, and let the job act on it."""
    person = place.people[name]
    if role is None:
        erase_person(session, person_id=person.id, published=Published.KEEP, now=noon)
    else:
        end_role(
            session,
            person_id=person.id,
            lab_id=place.lab.id,
            role=role,
            by=place.viewer("manager"),
            now=noon,
        )
    session.flush()
    open_reviews(session, noon)
    session.expire_all()


def _events(session, kind):
    return list(session.scalars(select(Event).where(col(Event.kind) == kind)))


def _tasks(session, place, name, noon):
    return [(item.task, item.idea_id) for item in work(session, place.viewer(name), noon)]


@pytest.mark.parametrize("role", [Role.LEAD, None])
def test_the_place_of_a_lead_who_left_is_vacant_and_waits_for_the_managers(session, place, noon, role):
    running, declined = place.idea(Stage.CONCEPT), place.idea(Stage.CONCEPT, activity="declined")
    other = place.idea(Stage.CONCEPT, lead="other_lead")
    _leave(session, place, "lead", noon, role=role)
    leads = [session.get_one(Idea, idea.id).lead_id for idea in (running, declined, other)]
    assert leads == [None, None, place.people["other_lead"].id]
    assert [event.idea_id for event in _events(session, "lead-vacated")] == [running.id]
    for name in ("manager", "facilitator"):
        assert _tasks(session, place, name, noon) == [(Task.NAME_LEAD, running.id)]


def test_a_lead_whose_other_role_ended_stays_lead(session, place, noon):
    idea = place.idea(Stage.CONCEPT)
    place.make.role(place.lab, Role.FACILITATOR, place.people["lead"])
    _leave(session, place, "lead", noon, role=Role.FACILITATOR)
    assert session.get_one(Idea, idea.id).lead_id == place.people["lead"].id
    assert _events(session, "lead-vacated") == []


@pytest.mark.parametrize("state", [HandoffState.ASSIGNED, HandoffState.ASSESSING, HandoffState.DELIVERY])
def test_a_handoff_of_somebody_erased_goes_back_to_the_unit_with_its_clock(session, place, noon, state):
    idea = place.idea(Stage.CONCEPT)
    held = place.handoff(idea, state=state, outcome=None, due_at=noon + timedelta(days=3))
    before = session.get_one(Handoff, held.id).state
    dues = (held.preliminary_due, held.decision_due)
    _leave(session, place, "member", noon)
    row = session.get_one(Handoff, held.id)
    assert (row.assignee_id, row.state, row.unit_id) == (None, before, place.unit.id)
    assert (row.preliminary_due, row.decision_due) == dues
    assert [event.data["to_manager"] for event in _events(session, "handoff-vacated")] == [False]
    assert (Task.TAKE, idea.id) in _tasks(session, place, "other_member", noon)
    assert (Task.TAKE, idea.id) not in _tasks(session, place, "manager", noon)


def test_a_colleague_takes_what_was_left_behind(session, place, noon):
    idea = place.idea(Stage.CONCEPT)
    held = place.handoff(idea, state=HandoffState.ASSESSING, outcome=None)
    _leave(session, place, "member", noon)
    colleague = place.viewer("other_member")
    row = next(r for lane in queue(session, colleague, noon, Choice()).lanes.values() for r in lane)
    assert row.verbs[0] is Verb.TAKE
    handoffs.take(session, handoff_id=held.id, person=colleague, now=noon)
    row = session.get_one(Handoff, held.id)
    assert (row.assignee_id, row.state) == (colleague.person_id, HandoffState.ASSESSING)
    assert _tasks(session, place, "other_member", noon) == [(Task.ANSWER, idea.id)]


def test_leaving_the_unit_frees_what_was_in_hand_and_the_last_to_leave_leaves_it_to_the_manager(
    session, place, noon
):
    idea = place.idea(Stage.CONCEPT)
    place.handoff(idea, state=HandoffState.ASSESSING, outcome=None)
    for name in ("other_member", "member"):
        remove_member(
            session,
            unit_id=place.unit.id,
            person_id=place.people[name].id,
            person=place.viewer("manager"),
            now=noon,
        )
    open_reviews(session, noon)
    deliver_notices(session, now=noon)
    assert [event.data["to_manager"] for event in _events(session, "handoff-vacated")] == [True]
    assert _tasks(session, place, "manager", noon) == [(Task.TAKE, idea.id)]
    mailed = set(session.scalars(select(OutboxMail.address).where(col(OutboxMail.kind) == "event")))
    assert mailed == {place.people["manager"].email}


@pytest.mark.parametrize("role", [Role.FACILITATOR, None])
def test_a_proposal_falls_with_its_writer_and_the_deciders_are_told(session, place, noon, role):
    _idea, review = place.ready()
    proposal = propose(
        session, review_id=review.id, draft=advance(), person=place.viewer("facilitator"), now=noon
    )
    _leave(session, place, "facilitator", noon, role=role)
    row = session.get_one(Proposal, proposal.id)
    assert (row.state, row.settled_by) == (ProposalState.WITHDRAWN, None)
    deliver_notices(session, now=noon)
    event = _events(session, "proposal-vacated")[0]
    told = set(
        session.scalars(sa.text("SELECT person_id FROM notice WHERE event_id = :id"), {"id": event.id})
    )
    assert told == {place.people[name].id for name in ("other_facilitator", "lead", "manager")}
    assert (Task.PROPOSE, review.idea_id) in _tasks(session, place, "manager", noon)
    again = propose(session, review_id=review.id, draft=advance(), person=place.viewer("manager"), now=noon)
    assert again.state is ProposalState.OPEN


def test_a_proposal_of_somebody_who_still_decides_stands(session, place, noon):
    place.make.role(place.lab, Role.MANAGER, place.people["facilitator"])
    _idea, review = place.ready()
    proposal = propose(
        session, review_id=review.id, draft=advance(), person=place.viewer("facilitator"), now=noon
    )
    _leave(session, place, "facilitator", noon, role=Role.FACILITATOR)
    assert session.get_one(Proposal, proposal.id).state is ProposalState.OPEN


def test_a_running_challenge_without_a_responsible_waits_for_the_manager(session, place, noon):
    leaver = place.people["facilitator"].id
    challenge = place.make.challenge(place.lab)
    row = session.get_one(Challenge, challenge.id)
    row.state, row.responsible_id, row.deputy_id = ChallengeState.OPEN, leaver, place.people["manager"].id
    _leave(session, place, "facilitator", noon)
    row = session.get_one(Challenge, challenge.id)
    assert (row.responsible_id, row.deputy_id) == (None, place.people["manager"].id)
    found = [item for item in work(session, place.viewer("manager"), noon) if item.idea_id is None]
    assert [(item.task, item.ref, item.texts) for item in found] == [
        (Task.NAME_RESPONSIBLE, challenge.id, dict(row.title))
    ]
    assert _tasks(session, place, "other_facilitator", noon) == []


def test_the_job_may_look_twice(session, place, noon):
    idea = place.idea(Stage.CONCEPT)
    place.handoff(idea, state=HandoffState.ASSESSING, outcome=None)
    _leave(session, place, "member", noon)
    count = session.scalar(select(sa.func.count()).select_from(Event))
    open_reviews(session, noon)
    assert release_duties(session, person_id=place.people["member"].id, lab_id=None, now=noon) == 0
    assert session.scalar(select(sa.func.count()).select_from(Event)) == count
