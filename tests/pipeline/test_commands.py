"""The road through the gates: what each command writes, and what it refuses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from livinglab.core.errors import Forbidden, Refused
from livinglab.core.journal import Event, EventTodo, Reader, record
from livinglab.handoff.models import Handoff, HandoffState, Outcome
from livinglab.ideas.models import Activity, CommentKind, Credit, CreditKind, Follow, Idea, Publication, Stage
from livinglab.labs.models import LabSettings
from livinglab.people.models import RoleGrant
from livinglab.pipeline.commands import (
    add_evidence,
    confirm,
    edit_proposal,
    measure_benefit,
    monthly_door,
    name_lead,
    open_reviews,
    pick_for_review,
    plan_benefit,
    propose,
    reopen_by_support,
    reopen_idea,
    request_review,
    return_from_hold,
    return_proposal,
    set_next_step,
    withdraw_evidence,
    withdraw_proposal,
)
from livinglab.pipeline.models import (
    Benefit,
    DecisionOutcome,
    DeclineCode,
    Door,
    Evidence,
    GateDecision,
    Proposal,
    ProposalState,
    Review,
)
from livinglab.pipeline.rules import Draft, legal_path
from livinglab.voting.models import Support
from tests.pipeline.conftest import REASON, advance


def _kinds(session, idea):
    return list(session.scalars(select(Event.kind).where(Event.idea_id == idea.id).order_by(col(Event.id))))


def _stands(session, idea):
    session.flush()
    row = session.get(Idea, idea.id, populate_existing=True)
    return row.stage, row.activity


def _decline(**more: Any) -> Draft:
    values: dict[str, Any] = {"decline_code": DeclineCode.NO_OWNER, "would_change": "Somebody takes it on."}
    return Draft(DecisionOutcome.DECLINE, REASON, **(values | more))


# ── the doors ─────────────────────────────────────────────────────────────────────────────


def test_reaching_the_threshold_opens_a_review_once(session, place, noon):
    idea = place.idea()
    for _ in range(2):
        record(
            session, "threshold-reached", at=noon, actor_id=None, idea_id=idea.id, readers=(Reader.PIPELINE,)
        )
    assert open_reviews(session, noon) == 1
    assert open_reviews(session, noon) == 0
    review = session.scalars(select(Review)).one()
    assert (review.gate, review.door, _stands(session, idea)) == (
        1,
        Door.THRESHOLD,
        (Stage.IDEA, Activity.REVIEW),
    )
    assert _kinds(session, idea).count("review-opened") == 1
    assert not session.scalars(select(EventTodo).where(EventTodo.reader == Reader.PIPELINE)).all()


def test_a_hidden_idea_opens_no_review(session, place, noon):
    idea = place.idea(publication=Publication.HIDDEN)
    record(session, "threshold-reached", at=noon, actor_id=None, idea_id=idea.id, readers=(Reader.PIPELINE,))
    assert open_reviews(session, noon) == 0


def test_a_units_no_opens_a_review_at_the_present_gate(session, place, noon):
    idea = place.idea(Stage.CONCEPT)
    place.handoff(idea, outcome=Outcome.NOT_NOW)
    record(session, "answer-final", at=noon, actor_id=None, idea_id=idea.id, readers=(Reader.PIPELINE,))
    assert open_reviews(session, noon) == 1
    review = session.scalars(select(Review)).one()
    assert (review.gate, review.door) == (2, Door.UNIT_ANSWER)


def test_a_units_yes_opens_nothing(session, place, noon):
    idea = place.idea(Stage.CONCEPT)
    place.handoff(idea)
    record(session, "answer-final", at=noon, actor_id=None, idea_id=idea.id, readers=(Reader.PIPELINE,))
    assert open_reviews(session, noon) == 0


def test_three_picks_a_month_and_no_fourth(session, place, noon):
    facilitator = place.viewer("facilitator")
    for _ in range(3):
        pick_for_review(session, idea_id=place.idea().id, reason="Few see it.", person=facilitator, now=noon)
    fourth = place.idea()
    with pytest.raises(Refused, match="picks-used"):
        pick_for_review(session, idea_id=fourth.id, reason="Few see it.", person=facilitator, now=noon)
    april = noon + timedelta(days=31)
    assert pick_for_review(session, idea_id=fourth.id, reason="Few see it.", person=facilitator, now=april)


def test_the_month_of_the_picks_is_the_labs(session, place, noon):
    facilitator = place.viewer("facilitator")
    last_of_march_in_utc = noon.replace(month=3, day=31, hour=22, minute=30)  # already April in Oslo
    for _ in range(3):
        pick_for_review(session, idea_id=place.idea().id, reason="Why", person=facilitator, now=noon)
    assert pick_for_review(
        session, idea_id=place.idea().id, reason="Why", person=facilitator, now=last_of_march_in_utc
    )


def test_a_pick_says_why(session, place, noon):
    with pytest.raises(Refused, match="reason-missing"):
        pick_for_review(
            session, idea_id=place.idea().id, reason=" \n", person=place.viewer("facilitator"), now=noon
        )


@pytest.mark.parametrize(("stage", "gate"), [(Stage.CONCEPT, 2), (Stage.PROTOTYPE, 3)])
def test_the_lead_asks_for_a_review_when_the_evidence_is_in(session, place, noon, stage, gate):
    idea = place.idea(stage)
    review = request_review(
        session, idea_id=idea.id, reason="All is in.", person=place.viewer("lead"), now=noon
    )
    assert (review.gate, review.door) == (gate, Door.REQUEST)


def test_a_declined_idea_is_reopened_once_in_180_days(session, place, noon):
    idea = place.idea(activity=Activity.DECLINED, decline_code="no_owner")
    person = place.viewer("facilitator")
    review = reopen_idea(
        session, idea_id=idea.id, reason="The unit has changed its mind.", person=person, now=noon
    )
    row = session.get(Idea, idea.id, populate_existing=True)
    assert (row.round, row.decline_code, review.door) == (2, None, Door.REOPENED)
    assert _kinds(session, idea) == ["idea-reopened"]
    proposal = propose(session, review_id=review.id, draft=_decline(), person=person, now=noon)
    confirm(session, proposal_id=proposal.id, version=1, person=place.viewer("manager"), now=noon)
    with pytest.raises(Refused, match="reopened-lately"):
        reopen_idea(session, idea_id=idea.id, reason="Again", person=person, now=noon + timedelta(days=179))
    assert reopen_idea(
        session, idea_id=idea.id, reason="Again", person=person, now=noon + timedelta(days=180)
    )


def test_twenty_five_new_supports_reopen_a_declined_idea(session, place, make, noon):
    idea, review = place.ready()
    proposal = propose(
        session, review_id=review.id, draft=_decline(), person=place.viewer("facilitator"), now=noon
    )
    confirm(session, proposal_id=proposal.id, version=1, person=place.viewer("manager"), now=noon)
    for n in range(25):
        assert reopen_by_support(session, noon) == 0
        at = noon + timedelta(hours=n + 1)
        make.add(Support(idea_id=idea.id, person_id=make.person().id, given_at=at, counts=True, staff=False))
    assert reopen_by_support(session, noon + timedelta(days=3)) == 1
    assert reopen_by_support(session, noon + timedelta(days=3)) == 0
    assert _stands(session, idea) == (Stage.IDEA, Activity.REVIEW)


def test_the_monthly_door_opens_for_the_best_once(session, place, noon, make):
    category = make.category(place.lab)
    best = [place.idea(supports=20 - n) for n in range(7)]
    of_category = place.idea(supports=1, category_id=category.id)
    last_working_day = noon.replace(month=3, day=31, hour=11)  # noon in Oslo is past 10 UTC
    assert monthly_door(session, noon) == 0
    assert monthly_door(session, last_working_day) == 6
    assert monthly_door(session, last_working_day + timedelta(hours=1)) == 0
    assert [_stands(session, idea)[1] for idea in best] == [Activity.REVIEW] * 5 + [Activity.ACTIVE] * 2
    assert _stands(session, of_category)[1] is Activity.REVIEW


# ── deciding ──────────────────────────────────────────────────────────────────────────────


def test_two_deciders_carry_an_idea_to_a_running_service(session, place, noon):
    idea = place.idea()
    place.handoff(idea)
    steps = [
        (Stage.IDEA, "facilitator", "lead"),
        (Stage.CONCEPT, "lead", "member"),
        (Stage.PROTOTYPE, "manager", "lead"),
    ]
    for stage, first, second in steps:
        idea = session.get(Idea, idea.id, populate_existing=True)
        place.evidence(idea)
        if stage is Stage.IDEA:
            review = pick_for_review(
                session, idea_id=idea.id, reason="Why", person=place.viewer("facilitator"), now=noon
            )
        else:
            review = request_review(
                session, idea_id=idea.id, reason="Why", person=place.viewer("lead"), now=noon
            )
        proposal = propose(
            session, review_id=review.id, draft=advance(), person=place.viewer(first), now=noon
        )
        decision = confirm(session, proposal_id=proposal.id, version=1, person=place.viewer(second), now=noon)
        assert decision.from_stage is stage
        assert all(entry["met"] for entry in decision.criteria)
        if stage is Stage.IDEA:
            handoff = session.scalars(select(Handoff)).one()
            handoff.state, handoff.outcome, handoff.decided_at = HandoffState.DECIDED, Outcome.ACCEPTED, noon
            session.flush()
    assert _stands(session, idea) == (Stage.SERVICE, Activity.ACTIVE)
    session.expire_all()
    assert session.scalars(select(Handoff)).one().state is HandoffState.DELIVERED
    made = session.scalars(select(GateDecision).order_by(col(GateDecision.id))).all()
    assert legal_path((d.from_stage, d.outcome, d.to_stage) for d in made)
    told = session.scalars(select(Event).where(Event.kind == "decision-made").order_by(col(Event.id))).all()
    assert [(e.data["from"], e.data["to"], e.data["decision_id"]) for e in told] == [
        (d.from_stage.value, d.to_stage.value, d.id) for d in made
    ]


def test_a_proposal_alone_moves_nothing(session, place, noon):
    idea, review = place.ready()
    propose(session, review_id=review.id, draft=advance(), person=place.viewer("facilitator"), now=noon)
    assert _stands(session, idea) == (Stage.IDEA, Activity.REVIEW)
    assert not session.scalars(select(GateDecision)).all()


def test_nobody_confirms_their_own_proposal_whatever_roles_they_hold(session, place, make, noon):
    make.role(place.lab, "manager", place.people["facilitator"])
    _, review = place.ready()
    person = place.viewer("facilitator")
    proposal = propose(session, review_id=review.id, draft=advance(), person=person, now=noon)
    with pytest.raises(Forbidden, match="own-proposal"):
        confirm(session, proposal_id=proposal.id, version=1, person=person, now=noon)


@pytest.mark.parametrize("kind", [CreditKind.AUTHOR, CreditKind.CO_AUTHOR, CreditKind.MERGED_AUTHOR])
def test_authors_and_co_authors_never_decide(session, place, make, noon, kind):
    idea, review = place.ready()
    make.add(Credit(idea_id=idea.id, person_id=place.people["facilitator"].id, kind=kind, given_at=noon))
    with pytest.raises(Forbidden, match="own-idea"):
        propose(session, review_id=review.id, draft=advance(), person=place.viewer("facilitator"), now=noon)
    proposal = propose(
        session, review_id=review.id, draft=advance(), person=place.viewer("manager"), now=noon
    )
    with pytest.raises(Forbidden, match="own-idea"):
        confirm(session, proposal_id=proposal.id, version=1, person=place.viewer("facilitator"), now=noon)


def test_at_the_later_gates_one_of_the_two_is_of_the_receiver(session, place, make, noon):
    """Only the lead, a member and the manager decide there, so two leads can never do it together."""
    idea, review = place.ready(Stage.CONCEPT)
    proposal = propose(session, review_id=review.id, draft=advance(), person=place.viewer("lead"), now=noon)
    idea.lead_id = place.people["other_lead"].id
    session.flush()
    with pytest.raises(Refused, match="proposer-gone"):
        confirm(session, proposal_id=proposal.id, version=1, person=place.viewer("member"), now=noon)
    with pytest.raises(Refused):
        confirm(session, proposal_id=proposal.id, version=1, person=place.viewer("other_lead"), now=noon)


def test_a_proposer_who_lost_the_role_no_longer_counts(session, place, noon):
    _, review = place.ready()
    proposal = propose(
        session, review_id=review.id, draft=advance(), person=place.viewer("facilitator"), now=noon
    )
    for grant in session.scalars(
        select(RoleGrant).where(RoleGrant.person_id == place.people["facilitator"].id)
    ):
        grant.ended_at = noon
    session.flush()
    with pytest.raises(Refused, match="proposer-gone"):
        confirm(session, proposal_id=proposal.id, version=1, person=place.viewer("manager"), now=noon)


def test_one_decider_is_enough_where_the_lab_says_so(session, place, noon):
    session.get(LabSettings, place.lab.id).deciders = 1
    session.flush()
    idea, review = place.ready()
    decision = propose(
        session, review_id=review.id, draft=advance(), person=place.viewer("facilitator"), now=noon
    )
    assert isinstance(decision, GateDecision)
    assert decision.confirmed_by is None
    assert _stands(session, idea) == (Stage.CONCEPT, Activity.ACTIVE)
    assert session.scalars(select(Event).where(Event.kind == "decision-made")).one().data["by_one"] is True


def test_one_decider_at_a_later_gate_is_of_the_receiver(session, place, noon):
    session.get(LabSettings, place.lab.id).deciders = 1
    session.flush()
    _, review = place.ready(Stage.CONCEPT)
    with pytest.raises(Forbidden, match="receiver-missing"):
        propose(session, review_id=review.id, draft=advance(), person=place.viewer("lead"), now=noon)
    assert propose(session, review_id=review.id, draft=advance(), person=place.viewer("member"), now=noon)


def test_an_edited_proposal_is_not_confirmed_unseen(session, place, noon):
    _, review = place.ready()
    writer = place.viewer("facilitator")
    proposal = propose(session, review_id=review.id, draft=advance(), person=writer, now=noon)
    rework = Draft(DecisionOutcome.REWORK, "First ask the neighbours.")
    assert (
        edit_proposal(session, proposal_id=proposal.id, version=1, draft=rework, person=writer, now=noon) == 2
    )
    with pytest.raises(Refused, match="proposal-changed"):
        confirm(session, proposal_id=proposal.id, version=1, person=place.viewer("manager"), now=noon)
    decision = confirm(session, proposal_id=proposal.id, version=2, person=place.viewer("manager"), now=noon)
    assert (decision.outcome, decision.reason) == (DecisionOutcome.REWORK, "First ask the neighbours.")


def test_a_returned_proposal_makes_room_for_another(session, place, noon):
    idea, review = place.ready()
    proposal = propose(
        session, review_id=review.id, draft=advance(), person=place.viewer("facilitator"), now=noon
    )
    with pytest.raises(Refused, match="note-missing"):
        return_proposal(
            session, proposal_id=proposal.id, version=1, note=" ", person=place.viewer("lead"), now=noon
        )
    return_proposal(
        session,
        proposal_id=proposal.id,
        version=1,
        note="Say who pays.",
        person=place.viewer("lead"),
        now=noon,
    )
    assert propose(session, review_id=review.id, draft=advance(), person=place.viewer("lead"), now=noon)
    assert _kinds(session, idea) == ["decision-proposed", "proposal-returned", "decision-proposed"]


def test_only_the_writer_edits_and_withdraws(session, place, noon):
    _, review = place.ready()
    proposal = propose(
        session, review_id=review.id, draft=advance(), person=place.viewer("facilitator"), now=noon
    )
    for act in (
        lambda: edit_proposal(
            session,
            proposal_id=proposal.id,
            version=1,
            draft=advance(),
            person=place.viewer("manager"),
            now=noon,
        ),
        lambda: withdraw_proposal(
            session, proposal_id=proposal.id, version=1, person=place.viewer("manager"), now=noon
        ),
    ):
        with pytest.raises(Forbidden, match="not-your-proposal"):
            act()
    withdraw_proposal(
        session, proposal_id=proposal.id, version=1, person=place.viewer("facilitator"), now=noon
    )
    assert session.get(Proposal, proposal.id, populate_existing=True).state is ProposalState.WITHDRAWN


def test_a_second_proposal_is_shown_the_first(session, place, noon):
    _, review = place.ready()
    propose(session, review_id=review.id, draft=advance(), person=place.viewer("facilitator"), now=noon)
    with pytest.raises(Refused, match="proposal-open"):
        propose(session, review_id=review.id, draft=advance(), person=place.viewer("manager"), now=noon)


# ── criteria and deviations ───────────────────────────────────────────────────────────────


def test_an_unmet_criterion_needs_a_public_reason(session, place, noon):
    idea, review = place.ready()
    for row in session.scalars(select(Evidence).where(Evidence.criterion == "mandate")):
        row.withdrawn_at = noon
    session.flush()
    person = place.viewer("facilitator")
    with pytest.raises(Refused, match="criterion-unmet") as refused:
        propose(session, review_id=review.id, draft=advance(), person=person, now=noon)
    assert refused.value.field == "deviation_mandate"
    told = {
        "mandate": "The council decides in May; we lose nothing by beginning.",
        "need": "is met, so dropped",
    }
    proposal = propose(session, review_id=review.id, draft=advance(deviations=told), person=person, now=noon)
    assert set(proposal.deviations) == {"mandate"}
    decision = confirm(session, proposal_id=proposal.id, version=1, person=place.viewer("manager"), now=noon)
    entry = next(c for c in decision.criteria if c["code"] == "mandate")
    assert (entry["met"], entry["deviation"]) == (False, told["mandate"])
    assert session.scalars(select(Event).where(Event.kind == "decision-made")).one().data["deviations"] == 1
    assert _stands(session, idea)[0] is Stage.CONCEPT


def test_no_deviation_from_the_unit_and_the_lead(session, place, noon):
    everything = dict.fromkeys(
        ("need", "gain", "duplicates", "mandate", "lead_named", "unit_agreed"), "All the same."
    )
    leaderless, review = place.ready(lead=None)
    with pytest.raises(Refused, match="criterion-firm"):
        propose(
            session,
            review_id=review.id,
            draft=advance(deviations=everything),
            person=place.viewer("facilitator"),
            now=noon,
        )
    alone = place.idea()
    review = place.make.review(alone)
    with pytest.raises(Refused, match="criterion-firm"):
        propose(
            session,
            review_id=review.id,
            draft=advance(deviations=everything),
            person=place.viewer("facilitator"),
            now=noon,
        )
    assert leaderless.id != alone.id


@pytest.mark.parametrize("outcome", [Outcome.EXISTS, Outcome.NOT_NOW, Outcome.DECLINED])
def test_a_unit_that_said_no_stops_the_way_forward(session, place, noon, outcome):
    idea, review = place.ready(Stage.CONCEPT)
    for handoff in session.scalars(select(Handoff).where(Handoff.idea_id == idea.id)):
        handoff.outcome = outcome
    session.flush()
    draft = advance(deviations={"unit_accepted": "We go on without them."})
    with pytest.raises(Refused, match="criterion-firm"):
        propose(session, review_id=review.id, draft=draft, person=place.viewer("lead"), now=noon)


def test_what_became_unmet_since_the_proposal_stops_the_confirmation(session, place, noon):
    idea, review = place.ready(Stage.CONCEPT)
    proposal = propose(session, review_id=review.id, draft=advance(), person=place.viewer("lead"), now=noon)
    place.make.comment(idea, kind=CommentKind.PROBLEM)
    with pytest.raises(Refused, match="criterion-unmet"):
        confirm(session, proposal_id=proposal.id, version=1, person=place.viewer("member"), now=noon)


@pytest.mark.parametrize("number", [14, 15])
def test_the_numbers_of_evidence_add_up(session, place, noon, number):
    idea, review = place.ready(Stage.CONCEPT)
    for row in session.scalars(select(Evidence).where(Evidence.criterion == "responses")):
        row.withdrawn_at = noon
    session.flush()
    person = place.viewer("lead")
    add_evidence(session, idea_id=idea.id, criterion="responses", number=10, person=person, now=noon)
    add_evidence(session, idea_id=idea.id, criterion="responses", number=number - 10, person=person, now=noon)
    if number < 15:
        with pytest.raises(Refused, match="criterion-unmet"):
            propose(session, review_id=review.id, draft=advance(), person=person, now=noon)
    else:
        assert propose(session, review_id=review.id, draft=advance(), person=person, now=noon)


def test_evidence_is_withdrawn_and_weighs_nothing(session, place, noon):
    idea = place.idea(Stage.CONCEPT)
    person = place.viewer("lead")
    row = add_evidence(
        session, idea_id=idea.id, criterion="canvas", text="Problem, users …", person=person, now=noon
    )
    assert withdraw_evidence(session, evidence_id=row.id, person=person, now=noon) == idea.id
    withdraw_evidence(session, evidence_id=row.id, person=person, now=noon)
    assert _kinds(session, idea) == ["evidence-added", "evidence-withdrawn"]


@pytest.mark.parametrize(
    ("criterion", "given", "code"),
    [
        ("canvas", {}, "evidence-empty"),
        ("canvas", {"text": "x" * 1001}, "evidence-long"),
        ("canvas", {"link": "javascript:alert(1)"}, "evidence-link"),
        ("responses", {"text": "many"}, "evidence-number"),
        ("responses", {"number": -1}, "evidence-number"),
        ("problems", {"text": "answered"}, "no-such-criterion"),
        ("nonsense", {"text": "x"}, "no-such-criterion"),
        ("mandate", {"text": "of another gate"}, "no-such-criterion"),
    ],
)
def test_bad_evidence_is_refused(session, place, noon, criterion, given, code):
    idea = place.idea(Stage.CONCEPT)
    with pytest.raises(Refused, match=code):
        add_evidence(
            session, idea_id=idea.id, criterion=criterion, person=place.viewer("lead"), now=noon, **given
        )
    assert not _kinds(session, idea)


# ── the other outcomes ────────────────────────────────────────────────────────────────────


def _decide(session, place, review, draft, noon, first="lead", second="manager"):
    proposal = propose(session, review_id=review.id, draft=draft, person=place.viewer(first), now=noon)
    return confirm(session, proposal_id=proposal.id, version=1, person=place.viewer(second), now=noon)


def test_rework_may_name_an_earlier_stage(session, place, noon):
    idea, review = place.ready(Stage.PROTOTYPE)
    _decide(session, place, review, Draft(DecisionOutcome.REWORK, REASON, to_stage=Stage.CONCEPT), noon)
    assert _stands(session, idea) == (Stage.CONCEPT, Activity.ACTIVE)


def test_rework_never_names_a_later_stage(session, place, noon):
    _, review = place.ready(Stage.CONCEPT)
    with pytest.raises(Refused, match="no-such-move"):
        propose(
            session,
            review_id=review.id,
            draft=Draft(DecisionOutcome.REWORK, REASON, to_stage=Stage.PROTOTYPE),
            person=place.viewer("lead"),
            now=noon,
        )


@pytest.mark.parametrize(("days", "fits"), [(0, False), (1, True), (180, True), (181, False)])
def test_a_hold_ends_within_180_days(session, place, noon, days, fits):
    idea, review = place.ready()
    draft = Draft(DecisionOutcome.HOLD, REASON, hold_until=noon.date() + timedelta(days=days))
    if fits:
        _decide(session, place, review, draft, noon)
        assert _stands(session, idea) == (Stage.IDEA, Activity.HOLD)
    else:
        with pytest.raises(Refused, match="hold-date"):
            propose(session, review_id=review.id, draft=draft, person=place.viewer("lead"), now=noon)


def test_a_hold_returns_on_its_day_and_once(session, place, noon):
    idea, review = place.ready(Stage.CONCEPT)
    until = noon.date() + timedelta(days=10)
    _decide(session, place, review, Draft(DecisionOutcome.HOLD, REASON, hold_until=until), noon)
    assert return_from_hold(session, noon + timedelta(days=9)) == 0
    # at half past ten in the evening of the ninth day in UTC it is the tenth day in Oslo
    assert return_from_hold(session, noon + timedelta(days=9, hours=11, minutes=30)) == 1
    assert return_from_hold(session, noon + timedelta(days=11)) == 0
    assert _stands(session, idea) == (Stage.CONCEPT, Activity.ACTIVE)
    assert _kinds(session, idea).count("hold-returned") == 1


def test_a_threshold_reached_on_hold_opens_the_gate_when_it_returns(session, place, make, noon):
    from livinglab.voting.models import ThresholdReached

    idea, review = place.ready()
    until = noon.date() + timedelta(days=10)
    _decide(session, place, review, Draft(DecisionOutcome.HOLD, REASON, hold_until=until), noon)
    make.add(ThresholdReached(idea_id=idea.id, round=1, at=noon + timedelta(days=1), threshold=10))
    return_from_hold(session, noon + timedelta(days=10))
    assert _stands(session, idea) == (Stage.IDEA, Activity.REVIEW)


def test_declining_says_why_and_closes_the_handoff(session, place, noon):
    idea, review = place.ready()
    for draft, code in (
        (_decline(decline_code=None), "decline-code"),
        (_decline(would_change=""), "would-change"),
    ):
        with pytest.raises(Refused, match=code):
            propose(session, review_id=review.id, draft=draft, person=place.viewer("lead"), now=noon)
    _decide(session, place, review, _decline(), noon)
    assert _stands(session, idea) == (Stage.IDEA, Activity.DECLINED)
    session.expire_all()
    handoff = session.scalars(select(Handoff)).one()
    assert (handoff.state, handoff.close_reason) == (HandoffState.CLOSED, "declined")


# ── lead, next step, benefit ──────────────────────────────────────────────────────────────


def test_the_lead_is_a_lead_of_the_lab_and_follows(session, place, noon):
    idea = place.idea(lead=None)
    with pytest.raises(Refused, match="not-a-lead"):
        name_lead(
            session,
            idea_id=idea.id,
            lead_id=place.people["resident"].id,
            person=place.viewer("manager"),
            now=noon,
        )
    for _ in range(2):
        name_lead(
            session,
            idea_id=idea.id,
            lead_id=place.people["lead"].id,
            person=place.viewer("manager"),
            now=noon,
        )
    assert _kinds(session, idea) == ["lead-named"]
    assert session.get(Follow, (idea.id, place.people["lead"].id))


def test_a_next_step_has_a_date_ahead_or_none(session, place, noon):
    idea = place.idea()
    person = place.viewer("lead")
    with pytest.raises(Refused, match="date-passed"):
        set_next_step(
            session,
            idea_id=idea.id,
            step="Ask",
            who="",
            by=noon.date() - timedelta(days=1),
            person=person,
            now=noon,
        )
    with pytest.raises(Refused, match="step-missing"):
        set_next_step(session, idea_id=idea.id, step=" ", who="", by=None, person=person, now=noon)
    set_next_step(
        session,
        idea_id=idea.id,
        step="Ask the neighbours",
        who="Kari",
        by=noon.date(),
        person=person,
        now=noon,
    )
    row = session.get(Idea, idea.id, populate_existing=True)
    assert (row.next_step, row.next_who, row.next_by) == ("Ask the neighbours", "Kari", noon.date())
    assert row.due_at > noon


def test_a_benefit_is_planned_and_measured_again(session, place, noon):
    idea = place.idea(Stage.SERVICE)
    person = place.viewer("lead")
    plan: dict[str, Any] = {
        "label": "Calls",
        "unit": "a week",
        "baseline": 31,
        "baseline_on": noon.date(),
        "target": 18,
        "measure_next": noon.date() + timedelta(days=30),
    }
    with pytest.raises(Refused, match="benefit-target"):
        plan_benefit(session, idea_id=idea.id, person=person, now=noon, **(plan | {"target": 31}))
    row = plan_benefit(session, idea_id=idea.id, person=person, now=noon, **plan)
    later = noon + timedelta(days=30)
    measure_benefit(
        session,
        benefit_id=row.id,
        measured=20,
        measured_on=later.date(),
        measure_next=None,
        person=person,
        now=later,
    )
    assert (row.measured, row.measure_next) == (20, None)
    assert _kinds(session, idea) == ["benefit-planned", "benefit-measured"]


def test_the_first_measurement_follows_the_delivery_up_and_the_last_closes_the_handoff(session, place, noon):
    idea = place.idea(Stage.SERVICE)
    handoff, person, first, second = (
        place.handoff(idea),
        place.viewer("member"),
        *_benefits(place, idea, noon),
    )
    measured: dict[str, Any] = {"measured": 20, "measured_on": noon.date(), "person": person, "now": noon}
    measure_benefit(session, benefit_id=first, measure_next=None, **measured)
    assert _state(session, handoff) == (HandoffState.FOLLOWED_UP, "")
    again = noon.date() + timedelta(days=90)
    measure_benefit(session, benefit_id=second, measure_next=again, **measured)
    assert _state(session, handoff) == (HandoffState.FOLLOWED_UP, "")
    measure_benefit(session, benefit_id=second, measure_next=None, **measured)
    assert _state(session, handoff) == (HandoffState.CLOSED, "followed-up")
    assert _kinds(session, idea) == [
        "benefit-measured",
        "handoff-followed-up",
        "benefit-measured",
        "benefit-measured",
        "handoff-closed",
    ]


def test_a_measurement_is_judged_by_the_benefit_as_it_stands_under_the_lock(session, place, noon):
    idea = place.idea(Stage.SERVICE)
    first, _second = _benefits(place, idea, noon)
    seen = session.get_one(Benefit, first)
    moved = sa.update(Benefit).where(Benefit.id == first).values(baseline_on=noon.date() + timedelta(days=5))
    session.execute(moved.execution_options(synchronize_session=False))  # what somebody else saved meanwhile
    assert seen.baseline_on < noon.date()
    with pytest.raises(Refused, match="benefit-date"):
        measure_benefit(
            session,
            benefit_id=first,
            measured=20,
            measured_on=noon.date(),
            measure_next=None,
            person=place.viewer("lead"),
            now=noon,
        )


def test_measuring_closes_no_handoff_in_which_an_answer_is_still_owed(session, place, noon):
    idea = place.idea(Stage.SERVICE)
    handoff = place.handoff(idea, state=HandoffState.ASSESSING, outcome=None, decided_at=None)
    first, second = _benefits(place, idea, noon)
    for benefit in (first, second):
        measure_benefit(
            session,
            benefit_id=benefit,
            measured=20,
            measured_on=noon.date(),
            measure_next=None,
            person=place.viewer("lead"),
            now=noon,
        )
    assert _state(session, handoff) == (HandoffState.ASSESSING, "")


def _benefits(place, idea, noon):
    rows = [
        Benefit(
            idea_id=idea.id,
            label=label,
            unit="a week",
            baseline=31,
            baseline_on=noon.date() - timedelta(days=60),
            target=18,
            measure_next=noon.date(),
        )
        for label in ("Calls", "Letters")
    ]
    place.make.add(*rows)
    return [row.id for row in rows]


def _state(session, handoff):
    session.refresh(handoff)
    return handoff.state, handoff.close_reason
