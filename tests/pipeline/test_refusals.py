"""The road refused in every wrong way: stage × activity × action × role, enumerated from the enums.

Every cell is decided here a second time, in words of the domain, not by the product's own table. A new stage,
activity, action or capacity makes a test fail until somebody has decided about it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from livinglab.core.errors import Refused
from livinglab.core.journal import Event
from livinglab.core.viewer import VISITOR, Role
from livinglab.ideas.models import Activity, Idea, Publication, Stage
from livinglab.pipeline import commands
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
from livinglab.pipeline.rules import (
    DOORS,
    MOVES,
    RIGHTS,
    STAGES,
    Action,
    Draft,
    Hand,
    criteria_of,
    find_move,
    gate_of,
    legal_path,
)
from tests.make import NOON
from tests.pipeline.conftest import REASON, Place

WHO = (
    "facilitator", "lead", "other_lead", "member", "stranger",
    "manager", "resident", "author", "admin", "visitor",
)  # fmt: skip
"""Everybody who may knock: own and foreign lead, member of the own and of another unit."""
GATE_1 = {"facilitator", "lead", "manager"}
LATER = {"lead", "member", "manager"}
OPENERS = {"facilitator", "lead", "manager"}
HELPERS = {"facilitator", "lead", "member", "manager"}
ALIVE = {Activity.ACTIVE, Activity.REVIEW, Activity.HOLD}
GATED = {Stage.IDEA, Stage.CONCEPT, Stage.PROTOTYPE}
DECIDING = {
    Action.PROPOSE, Action.EDIT_PROPOSAL, Action.WITHDRAW_PROPOSAL, Action.RETURN_PROPOSAL, Action.CONFIRM,
}  # fmt: skip
EXPECTED: dict[Action, tuple[set[str], set[Stage], set[Activity]]] = {
    Action.PICK: (OPENERS, {Stage.IDEA}, {Activity.ACTIVE}),
    Action.REQUEST: (OPENERS, {Stage.CONCEPT, Stage.PROTOTYPE}, {Activity.ACTIVE}),
    Action.REOPEN: (OPENERS, GATED, {Activity.DECLINED}),
    Action.NAME_LEAD: ({"facilitator", "manager"}, set(Stage), ALIVE),
    Action.SET_NEXT_STEP: (HELPERS, set(Stage), ALIVE),
    Action.ADD_EVIDENCE: (HELPERS, GATED, ALIVE),
    Action.WITHDRAW_EVIDENCE: (HELPERS, GATED, ALIVE),
    Action.PLAN_BENEFIT: (HELPERS, {Stage.PROTOTYPE, Stage.SERVICE}, ALIVE),
    Action.MEASURE_BENEFIT: (HELPERS, {Stage.SERVICE}, {Activity.ACTIVE}),
}
"""Who, at which stages, in which activities; the deciding actions are spelled out in ``allowed``."""


def allowed(action: Action, stage: Stage, activity: Activity, who: str) -> bool:
    """Say, by the domain's own words, whether this cell of the matrix is open."""
    if action in DECIDING:
        if activity is not Activity.REVIEW or stage not in GATED:
            return False
        deciders = GATE_1 if stage is Stage.IDEA else LATER
        # the lead has written the open proposal: only the writer changes it, everybody else answers it
        own = {"lead"} if action in (Action.EDIT_PROPOSAL, Action.WITHDRAW_PROPOSAL) else deciders - {"lead"}
        return who in (deciders if action is Action.PROPOSE else own)
    people, stages, activities = EXPECTED[action]
    return who in people and stage in stages and activity in activities


@pytest.fixture
def matrix(session, place: Place):
    """An idea, evidence, benefit, review and proposal that a test puts where it wants them."""
    idea = place.idea()
    place.handoff(idea, acknowledged_at=NOON)
    evidence = Evidence(idea_id=idea.id, gate=1, criterion="mandate", text="§ 14", at=NOON)
    benefit = Benefit(
        idea_id=idea.id, label="Calls", unit="a week", baseline=3, target=1, baseline_on=NOON.date(),
        measure_next=NOON.date() + timedelta(days=1),
    )  # fmt: skip
    review = Review(idea_id=idea.id, lab_id=place.lab.id, gate=1, door=Door.PICK, opened_at=NOON)
    place.make.add(evidence, benefit, review)
    proposal = Proposal(
        review_id=review.id,
        outcome=DecisionOutcome.REWORK,
        reason=REASON,
        by_id=place.people["lead"].id,
        written_at=NOON,
    )
    place.make.add(proposal)
    place.people["admin"] = place.make.admin()
    rows = {"idea": idea, "evidence": evidence, "benefit": benefit, "review": review, "proposal": proposal}
    return {name: row.id for name, row in rows.items()}


def stand(session, action: Action, stage: Stage, activity: Activity) -> None:
    """Put the idea into a stage and activity, with review and proposal open where they belong."""
    in_review = activity is Activity.REVIEW
    session.execute(sa.update(Idea).values(stage=stage, activity=activity, move=0, round=1))
    session.execute(sa.update(Review).values(gate=gate_of(stage) or 3, closed_at=None if in_review else NOON))
    state = ProposalState.OPEN if in_review and action is not Action.PROPOSE else ProposalState.WITHDRAWN
    session.execute(sa.update(Proposal).values(state=state, version=1))
    session.execute(sa.update(Evidence).values(gate=gate_of(stage) or 3))
    session.flush()
    session.expire_all()


def do(session, ids: dict[str, int], action: Action, person: Any, lead_id: int, stage: Stage) -> None:
    """Try an action with everything else in order."""
    rework, told = Draft(DecisionOutcome.REWORK, REASON), {"person": person, "now": NOON}
    touch = {"proposal_id": ids["proposal"], "version": 1, **told}
    opening = {"idea_id": ids["idea"], "reason": REASON, **told}
    day = NOON.date() + timedelta(days=9)
    wanted = next(
        c.code for c in criteria_of(gate_of(stage) or 3) if c.wants and c.code not in ("responses", "testers")
    )
    tries: dict[Action, Any] = {
        Action.PICK: lambda: commands.pick_for_review(session, **opening),
        Action.REQUEST: lambda: commands.request_review(session, **opening),
        Action.REOPEN: lambda: commands.reopen_idea(session, **opening),
        Action.NAME_LEAD: lambda: commands.name_lead(session, idea_id=ids["idea"], lead_id=lead_id, **told),
        Action.SET_NEXT_STEP: lambda: commands.set_next_step(
            session, idea_id=ids["idea"], step="Ask the neighbours", who="", by=None, **told
        ),
        Action.ADD_EVIDENCE: lambda: commands.add_evidence(
            session, idea_id=ids["idea"], criterion=wanted, text="Shown", **told
        ),
        Action.WITHDRAW_EVIDENCE: lambda: commands.withdraw_evidence(
            session, evidence_id=ids["evidence"], **told
        ),
        Action.PLAN_BENEFIT: lambda: commands.plan_benefit(
            session, idea_id=ids["idea"], label="Calls", unit="a week", baseline=2, baseline_on=NOON.date(),
            target=1, measure_next=day, **told,
        ),
        Action.MEASURE_BENEFIT: lambda: commands.measure_benefit(
            session, benefit_id=ids["benefit"], measured=2, measured_on=NOON.date(), measure_next=None, **told
        ),
        Action.PROPOSE: lambda: commands.propose(session, review_id=ids["review"], draft=rework, **told),
        Action.EDIT_PROPOSAL: lambda: commands.edit_proposal(session, draft=rework, **touch),
        Action.WITHDRAW_PROPOSAL: lambda: commands.withdraw_proposal(session, **touch),
        Action.RETURN_PROPOSAL: lambda: commands.return_proposal(session, note="Say more.", **touch),
        Action.CONFIRM: lambda: commands.confirm(session, **touch),
    }  # fmt: skip
    tries[action]()


def counted(session) -> tuple[int, ...]:
    """Count everything that a refused action must not leave behind, and where the idea stands."""
    rows = (Event, Review, Evidence, Proposal, GateDecision, Benefit)
    sums = tuple(session.scalar(select(sa.func.count()).select_from(row)) for row in rows)
    standing = session.execute(sa.select(col(Idea.move), col(Idea.lead_id), col(Idea.next_step))).one()
    open_ones = session.scalar(
        select(sa.func.count()).select_from(Proposal).where(col(Proposal.state) == ProposalState.OPEN)
    )
    return (*sums, open_ones, *standing)


@pytest.mark.parametrize("action", list(Action), ids=lambda a: a.value)
def test_every_cell_is_open_or_says_why_and_leaves_nothing(session, place, matrix, action):
    people = {name: place.viewer(name) for name in WHO if name != "visitor"} | {"visitor": VISITOR}
    new_lead = place.people["other_lead"].id
    opened = 0
    for stage in Stage:
        for activity in Activity:
            stand(session, action, stage, activity)
            before = counted(session)
            for who in WHO:
                cell = (stage.value, activity.value, action.value, who)
                inner = session.begin_nested()
                try:
                    do(session, matrix, action, people[who], new_lead, stage)
                except Refused as problem:
                    why = f"{problem.code}: {problem.reason}"
                    inner.commit()  # what a refused command left behind would stay, and be counted below
                else:
                    why = ""
                    opened += 1
                    inner.rollback()
                assert bool(why) is not allowed(action, stage, activity, who), (cell, why)
            assert counted(session) == before, (stage.value, activity.value, action.value)
    assert opened == sum(allowed(action, s, a, w) for s in Stage for a in Activity for w in WHO)


@pytest.mark.parametrize("publication", [p for p in Publication if p is not Publication.PUBLISHED])
def test_what_is_not_public_has_no_gate(session, place, matrix, publication):
    person, other = place.viewer("manager"), place.people["other_lead"].id
    for action in Action:
        stand(session, action, Stage.CONCEPT, Activity.REVIEW)
        session.execute(sa.update(Idea).values(publication=publication))
        session.expire_all()
        before = counted(session)
        with pytest.raises(Refused, match="no-such-idea"):
            do(session, matrix, action, person, other, Stage.CONCEPT)
        assert counted(session) == before


def test_every_value_of_every_enum_is_decided():
    assert set(EXPECTED) | DECIDING == set(Action) == set(RIGHTS)
    assert {hand.value for hand in Hand} == {"facilitator", "own_lead", "own_unit", "manager"}
    assert {role.value for role in Role} <= set(WHO)
    assert set(DOORS) == set(Door)
    assert tuple(Stage) == STAGES
    assert set(Activity) == {
        Activity.ACTIVE, Activity.REVIEW, Activity.HOLD, Activity.DECLINED,
        Activity.MERGED, Activity.WITHDRAWN, Activity.ARCHIVED,
    }  # fmt: skip


def test_every_stage_with_a_gate_has_every_outcome():
    for stage in Stage:
        outcomes = {move.outcome for move in MOVES if move.source is stage}
        assert outcomes == (set() if gate_of(stage) is None else set(DecisionOutcome)), stage


def test_no_move_skips_a_stage_or_goes_on_without_criteria():
    for move in MOVES:
        steps = STAGES.index(move.target) - STAGES.index(move.source)
        if move.outcome is DecisionOutcome.ADVANCE:
            assert (steps, bool(move.criteria)) == (1, True)
        elif move.outcome is DecisionOutcome.REWORK:
            assert steps <= 0
        else:
            assert steps == 0


def test_only_walks_through_the_table_are_legal():
    go, back = DecisionOutcome.ADVANCE, DecisionOutcome.REWORK
    idea, concept, prototype, service = Stage
    assert legal_path(
        [(idea, go, concept), (concept, back, idea), (idea, go, concept), (concept, go, prototype)]
    )
    assert not legal_path([(concept, go, prototype)])
    assert not legal_path([(idea, go, prototype)])
    assert not legal_path([(idea, go, concept), (idea, go, concept)])
    assert find_move(service, go) is None


def test_every_reason_for_declining_has_words():
    from livinglab.pipeline.forms import DECLINE_NAMES, GO_ON, OUTCOME_NAMES, STAGE_NAMES

    assert set(DECLINE_NAMES) == set(DeclineCode)
    assert set(OUTCOME_NAMES) == set(DecisionOutcome)
    assert set(STAGE_NAMES) == set(Stage)
    assert set(GO_ON) == set(Stage) - {Stage.IDEA}
