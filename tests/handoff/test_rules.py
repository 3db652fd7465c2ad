"""The rules as pure functions: the table, who may, the answers, LIX, figures."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest

from livinglab.core.viewer import VISITOR, Role, Viewer
from livinglab.handoff.models import AnswerKind, HandoffState, Outcome
from livinglab.handoff.rules import (
    MOVES,
    TABLE,
    Step,
    Who,
    is_hard,
    lix,
    nearest_rank,
    needs_second,
    promise,
    why_not_answer,
    why_not_assign,
    why_not_outcome,
    why_not_return,
    why_not_route,
    why_not_route_again,
    why_not_step,
)
from livinglab.handoff.rules.verbs import Verb, verbs_for
from livinglab.ideas.models import Activity, Publication, Stage

LAB, UNIT = 1, 7
S = HandoffState


@dataclass(frozen=True)
class Paper:
    state: HandoffState = S.QUEUED
    unit_id: int | None = UNIT
    lab_id: int = LAB
    returns: int = 0
    extended: bool = False
    waits: bool = False
    assignee_id: int | None = None


@dataclass(frozen=True)
class Draft:
    lab_id: int = LAB
    lead_id: int | None = 4
    stage: Stage = Stage.IDEA
    activity: Activity = Activity.REVIEW
    publication: Publication = Publication.PUBLISHED


MEMBER = Viewer(person_id=1, units={UNIT: LAB})
COLLEAGUE_ELSEWHERE = Viewer(person_id=2, units={8: LAB})
FACILITATOR = Viewer(person_id=3, roles={LAB: frozenset({Role.FACILITATOR})})
LEAD = Viewer(person_id=4, roles={LAB: frozenset({Role.LEAD})})
MANAGER = Viewer(person_id=5, roles={LAB: frozenset({Role.MANAGER})})
OTHER_LAB = Viewer(person_id=6, roles={2: frozenset(Role)}, units={9: 2})
RESIDENT = Viewer(person_id=7)
ADMIN = Viewer(person_id=8, is_admin=True)
EVERYBODY = {
    "member": MEMBER,
    "elsewhere": COLLEAGUE_ELSEWHERE,
    "facilitator": FACILITATOR,
    "lead": LEAD,
    "manager": MANAGER,
    "other_lab": OTHER_LAB,
    "resident": RESIDENT,
    "admin": ADMIN,
    "visitor": VISITOR,
}
CIRCLES = {
    Who.UNIT: {"member", "manager"},
    Who.DESK: {"facilitator", "lead", "manager"},
    Who.BOTH: {"member", "facilitator", "lead", "manager"},
    Who.ROAD: set(),
}
KNOWS = {"member", "facilitator", "lead", "manager"}


def code(problem) -> str | None:
    return problem.code if problem else None


def test_the_table_has_each_step_once_and_each_state_is_left_somehow():
    assert [move.step for move in MOVES] == list(Step)
    assert {state for move in MOVES for state in move.begins} == set(S) - {S.CLOSED}
    assert set(TABLE) == set(Step)


@pytest.mark.parametrize("step", list(Step))
def test_every_step_by_everybody_in_every_state_is_decided(step):
    for state, (who, viewer) in itertools.product(S, EVERYBODY.items()):
        paper = Paper(state, unit_id=None if step is Step.ROUTE_AGAIN else UNIT, waits=step is Step.RESUME)
        knows = who in KNOWS - ({"member"} if paper.unit_id is None else set())
        problem = code(why_not_step(step, paper, viewer))
        if not knows:
            assert problem == "no-such-handoff", (state, who)
        elif who not in CIRCLES[TABLE[step].who]:
            assert problem == "not-yours", (state, who)
        elif state not in TABLE[step].begins:
            assert problem == "wrong-state", (state, who)
        else:
            assert problem is None, (state, who)


def test_a_handoff_without_a_unit_can_only_be_routed_again():
    for step in set(Step) - {Step.ROUTE_AGAIN, Step.CLOSE}:
        state = TABLE[step].begins[0]
        assert code(why_not_step(step, Paper(state, unit_id=None), MANAGER)) in ("no-unit", "not-yours")
    assert code(why_not_step(Step.ROUTE_AGAIN, Paper(), MANAGER)) == "already-routed"


def test_waiting_and_extending_happen_once_at_a_time():
    assert code(why_not_step(Step.WAIT, Paper(S.ASSESSING, waits=True), MEMBER)) == "already-waiting"
    assert code(why_not_step(Step.RESUME, Paper(S.ASSESSING), MEMBER)) == "not-waiting"
    assert code(why_not_step(Step.EXTEND, Paper(S.ASSESSING, extended=True), MEMBER)) == "extended-once"


@pytest.mark.parametrize(
    ("returns", "who", "expected"),
    [
        (0, FACILITATOR, None),
        (1, LEAD, None),
        (2, FACILITATOR, "manager-assigns"),
        (2, LEAD, "manager-assigns"),
        (2, MANAGER, None),
    ],
)
def test_after_two_returns_only_the_manager_chooses_the_unit(returns, who, expected):
    assert code(why_not_route_again(Paper(unit_id=None, returns=returns), who)) == expected


def test_a_unit_returns_at_most_twice_in_all_and_not_after_gate_one():
    assert why_not_return(Paper(returns=1), MEMBER, stage=Stage.IDEA) is None
    assert code(why_not_return(Paper(returns=2), MEMBER, stage=Stage.IDEA)) == "returned-twice"
    agreed = Paper(S.ACKNOWLEDGED)
    assert why_not_return(agreed, MEMBER, stage=Stage.IDEA) is None
    for stage in (Stage.CONCEPT, Stage.PROTOTYPE, Stage.SERVICE):
        assert code(why_not_return(agreed, MEMBER, stage=stage)) == "already-agreed"


@pytest.mark.parametrize("activity", list(Activity))
@pytest.mark.parametrize("stage", list(Stage))
def test_an_idea_is_routed_from_its_first_review_on_while_it_is_on_its_way(stage, activity):
    problem = code(
        why_not_route(Draft(stage=stage, activity=activity), LEAD, is_open=False, open_outcome=None)
    )
    expected = {
        Stage.IDEA: {Activity.REVIEW: None, Activity.ACTIVE: "no-review"},
        Stage.CONCEPT: {Activity.REVIEW: None, Activity.ACTIVE: None},
        Stage.PROTOTYPE: {Activity.REVIEW: None, Activity.ACTIVE: None},
        Stage.SERVICE: {},
    }[stage]
    assert problem == expected.get(activity, "idea-rests")


@pytest.mark.parametrize("outcome", [None, *Outcome])
def test_another_unit_is_asked_only_after_a_no(outcome):
    problem = code(why_not_route(Draft(), MANAGER, is_open=True, open_outcome=outcome))
    negative = outcome in (Outcome.EXISTS, Outcome.NOT_NOW, Outcome.DECLINED)
    assert problem == (None if negative else "already-routed")


@pytest.mark.parametrize("publication", [p for p in Publication if p is not Publication.PUBLISHED])
def test_only_published_ideas_are_routed(publication):
    problem = why_not_route(Draft(publication=publication), MANAGER, is_open=False, open_outcome=None)
    assert code(problem) == "no-such-idea"


@pytest.mark.parametrize("who", ["member", "elsewhere", "other_lab", "resident", "admin", "visitor"])
def test_nobody_else_routes(who):
    assert code(why_not_route(Draft(), EVERYBODY[who], is_open=False, open_outcome=None)) == "not-at-the-desk"


def test_a_lead_routes_the_own_idea_and_no_other():
    assert why_not_route(Draft(), LEAD, is_open=False, open_outcome=None) is None
    for lead_id in (None, 5):
        draft = Draft(lead_id=lead_id)
        assert code(why_not_route(draft, LEAD, is_open=False, open_outcome=None)) == "not-at-the-desk"


def test_above_the_limit_only_the_units_own_members_add_to_it():
    full = {"is_member": True, "in_progress": 3, "limit": 3}
    assert code(why_not_assign(Paper(), FACILITATOR, **full)) == "unit-full"
    assert code(why_not_assign(Paper(), MANAGER, **full)) == "unit-full"
    assert why_not_assign(Paper(), MEMBER, **full) is None
    assert why_not_assign(Paper(), FACILITATOR, **(full | {"in_progress": 2})) is None
    assert code(why_not_assign(Paper(), MEMBER, **(full | {"is_member": False}))) == "not-a-member"


@pytest.mark.parametrize("kind", [AnswerKind.RECEIPT, AnswerKind.PRELIMINARY, AnswerKind.FINAL])
def test_nobody_answers_their_own_idea_or_beside_an_unpublished_answer(kind):
    paper = Paper(S.ASSESSING)
    assert why_not_answer(kind, paper, MEMBER, authors=(), waiting=False) is None
    assert code(why_not_answer(kind, paper, MEMBER, authors=(1,), waiting=False)) == "own-idea"
    assert code(why_not_answer(kind, paper, MEMBER, authors=(), waiting=True)) == "answer-waits"


def test_one_receipt_is_enough():
    problem = why_not_answer(
        AnswerKind.RECEIPT, Paper(S.ASSESSING), MEMBER, authors=(), waiting=False, has_receipt=True
    )
    assert code(problem) == "receipt-given"


def test_only_a_final_answer_carries_a_decision():
    assert code(why_not_outcome(AnswerKind.FINAL, None)) == "no-outcome"
    assert code(why_not_outcome(AnswerKind.PRELIMINARY, Outcome.ACCEPTED)) == "outcome-too-soon"
    assert why_not_outcome(AnswerKind.FINAL, Outcome.DECLINED) is None


@pytest.mark.parametrize(
    ("kind", "corrects", "wanted", "expected"),
    [
        (AnswerKind.FINAL, None, True, True),
        (AnswerKind.FINAL, None, False, False),
        (AnswerKind.PRELIMINARY, None, True, False),
        (AnswerKind.RECEIPT, None, True, False),
        (AnswerKind.CORRECTION, AnswerKind.FINAL, True, True),
        (AnswerKind.CORRECTION, AnswerKind.PRELIMINARY, True, False),
    ],
)
def test_what_binds_the_unit_needs_a_second_person(kind, corrects, wanted, expected):
    assert needs_second(kind, corrects=corrects, lab_wants_it=wanted) is expected


def offered(paper: Paper, viewer: Viewer, **more) -> tuple[Verb, ...]:
    facts = {
        "stage": Stage.IDEA,
        "lead_id": 4,
        "authors": (),
        "pending": None,
        "has_receipt": False,
        "has_room": True,
    }
    return verbs_for(paper, viewer, **(facts | more))


def test_the_first_verb_is_the_next_action():
    assert offered(Paper(), MEMBER)[0] is Verb.TAKE
    assert offered(Paper(), FACILITATOR)[0] is Verb.ASSIGN
    assert offered(Paper(), FACILITATOR, has_room=False) == ()
    assert offered(Paper(S.ASSIGNED), MEMBER)[0] is Verb.TAKE  # whoever had it has left
    assert offered(Paper(S.ASSIGNED, assignee_id=1), MEMBER)[0] is Verb.ACKNOWLEDGE
    assert offered(Paper(S.ACKNOWLEDGED, assignee_id=1), MEMBER)[0] is Verb.PRELIMINARY
    assert offered(Paper(S.PRELIMINARY, assignee_id=1), MEMBER)[0] is Verb.FINAL
    assert offered(Paper(S.ASSESSING, waits=True, assignee_id=1), MEMBER)[0] is Verb.READ_REPLIES
    assert offered(Paper(unit_id=None, returns=1), LEAD)[0] is Verb.ROUTE_AGAIN
    assert offered(Paper(S.ASSIGNED), RESIDENT) == ()


@pytest.mark.parametrize("state", list(S))
def test_no_verb_is_offered_that_its_own_rule_refuses(state):
    steps = {
        Verb.TAKE: Step.ASSIGN,
        Verb.ASSIGN: Step.ASSIGN,
        Verb.ACKNOWLEDGE: Step.ACKNOWLEDGE,
        Verb.PRELIMINARY: Step.PRELIMINARY,
        Verb.FINAL: Step.FINAL,
        Verb.RECEIPT: Step.RECEIPT,
        Verb.BEGIN: Step.BEGIN,
        Verb.WAIT: Step.WAIT,
        Verb.EXTEND: Step.EXTEND,
        Verb.RETURN: Step.RETURN,
        Verb.REASSIGN: Step.REASSIGN,
    }
    for viewer in EVERYBODY.values():
        paper = Paper(state, assignee_id=1)
        for verb in offered(paper, viewer):
            assert why_not_step(steps[verb], paper, viewer) is None


def test_lix_counts_long_words_and_long_sentences():
    # 11 words, 2 sentences, 2 words over six letters
    assert lix("Vi prøver dette i mai. Kommunen betaler og svarer igjen raskt.") == round(
        11 / 2 + 100 * 2 / 11
    )
    assert lix("") == 0
    assert lix("**Kommunen** [betaler](https://example.org/veldig-lang-adresse).") == 2 + 100


def test_official_prose_is_called_hard_and_plain_speech_is_not():
    official = (
        "Forvaltningsorganet vurderer gjennomføringsmuligheter innenfor gjeldende budsjettrammer, herunder "
        "organisatoriske konsekvenser og personalmessige implikasjoner, hensyntatt kommunestyrets "
        "vedtak vedrørende "
        "tjenesteutvikling og samhandlingsreformens intensjoner."
    )
    plain = (
        "Vi vil prøve dette i mai. Det koster lite. Vi låner et rom på skolen. Kom innom når du vil. "
        "Vi teller hvor mange som kommer. Så ser vi om det virker."
    )
    assert is_hard(official)
    assert not is_hard(plain)
    assert not is_hard("Kommunedelplanutredning.")  # too short to judge


def test_nearest_rank_is_always_a_value_that_occurred():
    values = [3, 5, 8, 13, 21, 30, 31, 40, 44, 90]
    assert [nearest_rank(values, p) for p in (50, 90, 91, 100, 1)] == [21, 44, 90, 90, 3]
    assert nearest_rank([], 50) is None
    assert nearest_rank([7], 90) == 7


def test_a_missing_answer_counts_against_the_promise():
    figures = promise([(86_400 * 10, True), (86_400 * 40, False), (5, True)], missing=1, late=2)
    assert (figures.answered, figures.expected, figures.in_time, figures.share, figures.late) == (
        3,
        4,
        2,
        50,
        2,
    )
    assert (figures.median_days, figures.ninth_days) == (10, 40)
    assert promise([], missing=0, late=0).share is None
