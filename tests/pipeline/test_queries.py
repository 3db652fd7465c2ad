"""What pages read: whom an idea waits for, the board with its true counts, and each one's own work."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from livinglab.core.viewer import VISITOR
from livinglab.handoff.models import HandoffState, Outcome
from livinglab.ideas.models import Activity, CommentKind, Publication, Stage
from livinglab.moderation.models import Case, Source
from livinglab.pipeline.commands import confirm, propose
from livinglab.pipeline.models import Benefit, DecisionOutcome, DeclineCode
from livinglab.pipeline.queries import (
    Task,
    board,
    decisions_of,
    gate_page,
    stage_spans,
    standing,
    work,
    work_count,
)
from livinglab.pipeline.queries.board import PARTS, Amount, BoardFilter
from livinglab.pipeline.rules import Draft
from tests.pipeline.conftest import REASON, advance


@contextmanager
def statements(session):
    """Collect the statements that are sent."""
    sent: list[str] = []
    engine = session.get_bind()
    hear = lambda _c, _cur, statement, *_: sent.append(statement)  # noqa: E731
    sa.event.listen(engine, "before_cursor_execute", hear)
    yield sent
    sa.event.remove(engine, "before_cursor_execute", hear)


def _now(session, idea, noon):
    session.flush()
    session.expire_all()
    return standing(session, [idea.id], noon)[idea.id]


# ── standing ──────────────────────────────────────────────────────────────────────────────


def test_many_ideas_are_asked_about_in_one_statement(session, place, noon):
    ideas = [place.ready(stage)[0] for stage in (Stage.IDEA, Stage.CONCEPT, Stage.PROTOTYPE)]
    session.flush()
    with statements(session) as sent:
        found = standing(session, [idea.id for idea in ideas], noon)
    assert (len(found), len(sent)) == (3, 1)


def test_an_idea_in_review_waits_for_whoever_is_next(session, place, noon):
    idea = place.idea(lead=None)
    review = place.make.review(idea)
    assert str(_now(session, idea, noon).role) == "a facilitator"
    handoff = place.handoff(idea, state=HandoffState.ASSIGNED, acknowledged_at=None)
    assert _now(session, idea, noon).unit == {"nb": "Hjemmetjenesten"}
    handoff.state, idea.lead_id = HandoffState.ACKNOWLEDGED, place.people["lead"].id
    assert str(_now(session, idea, noon).role) == "two deciders"
    rework = Draft(DecisionOutcome.REWORK, REASON)
    propose(session, review_id=review.id, draft=rework, person=place.viewer("manager"), now=noon)
    assert str(_now(session, idea, noon).role) == "a second decider"


def test_a_unit_that_waits_for_the_author_passes_the_ball(session, place, noon):
    idea = place.idea(Stage.CONCEPT)
    place.handoff(idea, state=HandoffState.ASSESSING, outcome=None, waiting_since=noon)
    assert str(_now(session, idea, noon).role) == "the author"


def test_days_are_the_labs_calendar_days(session, place, noon):
    idea = place.idea(Stage.CONCEPT, waits_since=noon.replace(hour=22, minute=59))
    assert _now(session, idea, noon.replace(hour=23, minute=1)).days == 1


def test_what_is_overdue_is_late_from_the_first_instant_after_its_last_day(session, place, noon):
    midnight_in_oslo = noon.replace(hour=23, minute=0)
    idea = place.idea(Stage.CONCEPT, due_at=midnight_in_oslo)
    before = _now(session, idea, midnight_in_oslo - timedelta(seconds=1))
    assert (before.late_days, before.step_by) == (0, noon.date())
    assert _now(session, idea, midnight_in_oslo).late_days == 1


def test_a_step_that_somebody_named_stands_before_the_usual_one(session, place, noon):
    idea = place.idea(Stage.CONCEPT, next_step="Ask the school", next_who="Kari", next_by=noon.date())
    found = _now(session, idea, noon)
    assert (found.step, found.step_who, found.step_by, found.named) == (
        "Ask the school",
        "Kari",
        noon.date(),
        True,
    )


@pytest.mark.parametrize(
    "activity", [Activity.DECLINED, Activity.MERGED, Activity.WITHDRAWN, Activity.ARCHIVED]
)
def test_an_idea_that_ended_waits_for_nobody(session, place, noon, activity):
    assert not _now(session, place.idea(activity=activity), noon).waits


def test_every_stage_and_activity_has_a_standing(session, place, noon):
    for stage in Stage:
        for activity in Activity:
            found = _now(session, place.idea(stage, activity=activity), noon)
            assert (found.stage, found.activity) == (stage, activity)


def test_the_track_shows_from_when_until_when(session, place, noon):
    idea, review = place.ready(published_at=noon - timedelta(days=20))
    proposal = propose(session, review_id=review.id, draft=advance(), person=place.viewer("lead"), now=noon)
    confirm(session, proposal_id=proposal.id, version=1, person=place.viewer("manager"), now=noon)
    session.expire_all()
    begun = (noon - timedelta(days=20)).date()
    assert stage_spans(session, idea.id) == {"idea": (begun, noon.date()), "concept": (noon.date(), None)}


# ── decisions and the page of a gate ──────────────────────────────────────────────────────


def test_a_decision_keeps_what_was_asked_for_at_the_time(session, place, noon):
    idea, review = place.ready(Stage.CONCEPT)
    proposal = propose(session, review_id=review.id, draft=advance(), person=place.viewer("lead"), now=noon)
    confirm(session, proposal_id=proposal.id, version=1, person=place.viewer("member"), now=noon)
    (shown,) = decisions_of(session, idea.id)
    assert "At least 15 structured responses" in [str(c.title) for c in shown.criteria]
    assert str(shown.confirmed_by.name) == place.people["member"].name


def test_the_gate_shows_open_concerns_and_never_an_author_as_decider(session, place, noon):
    idea, _ = place.ready()
    place.make.comment(idea, kind=CommentKind.CONCERN, body="Who pays?")
    place.make.comment(idea, kind=CommentKind.PROBLEM, resolved_at=noon)
    place.make.comment(idea, kind=CommentKind.CONCERN, publication=Publication.HIDDEN)
    idea.author_id = place.people["facilitator"].id
    session.flush()
    page = gate_page(session, idea.id, noon)
    assert [c.body for c in page.concerns] == ["Who pays?"]
    assert place.people["facilitator"].id not in {person_id for person_id, _face, _hand in page.candidates}
    assert page.met == len(page.criteria)


# ── the board ─────────────────────────────────────────────────────────────────────────────


def test_a_column_shows_late_then_the_gate_then_the_longest_wait(session, place, noon):
    lately = place.idea(waits_since=noon - timedelta(days=1))
    long_ago = place.idea(waits_since=noon - timedelta(days=40))
    at_gate, _ = place.ready(waits_since=noon - timedelta(days=2))
    late = place.idea(waits_since=noon, due_at=noon - timedelta(hours=1))
    found = board(session, BoardFilter((place.lab.id,)), noon).columns[0]
    assert [c.standing.idea_id for c in found.cards] == [late.id, at_gate.id, long_ago.id, lately.id]
    assert (found.count, found.late) == (Amount(4), Amount(1))


def test_counts_are_those_of_a_recount_under_every_filter(session, place, noon):
    challenge = place.make.challenge(place.lab)
    place.idea(Stage.CONCEPT, challenge=challenge)
    place.handoff(place.idea(Stage.CONCEPT, lead=None))
    place.idea(Stage.CONCEPT, activity=Activity.HOLD)
    place.idea(Stage.CONCEPT, activity=Activity.DECLINED)
    place.idea(Stage.CONCEPT, publication=Publication.HIDDEN)
    place.make.idea(place.make.lab())
    lab = (place.lab.id,)
    cases = {
        BoardFilter(lab): 3,
        BoardFilter(lab, challenge_id=challenge.id): 1,
        BoardFilter(lab, box=True): 2,
        BoardFilter(lab, unit_id=place.unit.id): 1,
        BoardFilter(lab, lead_id=place.people["lead"].id): 2,
        BoardFilter(lab, show="hold"): 1,
        BoardFilter(lab, show="gate"): 0,
        BoardFilter(()): 0,
    }
    for chosen, count in cases.items():
        column = board(session, chosen, noon).columns[1]
        assert (column.count, len(column.cards)) == (Amount(count), count), chosen


def test_walking_a_long_column_gives_each_idea_once(session, place, noon):
    every = {
        place.idea(
            waits_since=noon - timedelta(hours=n % 7), due_at=noon - timedelta(days=1) if n % 5 == 0 else None
        ).id
        for n in range(130)
    }
    seen: list[int] = []
    after, pages = None, 0
    while pages == 0 or after is not None:
        found = board(session, BoardFilter((place.lab.id,)), noon, stage=Stage.IDEA, after=after).columns[0]
        seen += [card.standing.idea_id for card in found.cards]
        after, pages = found.after, pages + 1
        assert after is None or after[0] in PARTS
    assert (sorted(seen), pages) == (sorted(every), 3)


def test_the_board_is_a_handful_of_statements(session, place, noon):
    for stage in Stage:
        place.idea(stage)
    session.flush()
    with statements(session) as sent:
        board(session, BoardFilter((place.lab.id,)), noon)
    assert len(sent) <= 4  # numbers and what is late; the rest; cards; benefits


# ── my work ───────────────────────────────────────────────────────────────────────────────


def _tasks(session, place, name, noon):
    session.flush()
    found = work(session, place.viewer(name), noon)
    assert work_count(session, place.viewer(name), noon) == len(found)
    return [item.task for item in found]


def test_each_role_sees_what_is_theirs(session, place, noon):
    alone = place.idea(lead=None)
    place.make.review(alone)
    assert _tasks(session, place, "facilitator", noon) == [Task.NAME_LEAD, Task.ROUTE]
    assert _tasks(session, place, "lead", noon) == []
    assert _tasks(session, place, "resident", noon) == []
    idea, review = place.ready()
    assert Task.PROPOSE in _tasks(session, place, "lead", noon)
    assert _tasks(session, place, "member", noon) == [Task.ANSWER]
    rework = Draft(DecisionOutcome.REWORK, REASON)
    propose(session, review_id=review.id, draft=rework, person=place.viewer("lead"), now=noon)
    assert Task.CONFIRM not in _tasks(session, place, "lead", noon)
    assert Task.CONFIRM in _tasks(session, place, "manager", noon)
    assert idea.id != alone.id


def test_nobody_is_asked_to_decide_or_moderate_what_is_their_own(session, place, noon):
    idea, _ = place.ready()
    idea.author_id = place.people["facilitator"].id
    due = noon + timedelta(days=2)
    place.make.add(Case(lab_id=place.lab.id, idea_id=idea.id, source=Source.NEW, opened_at=noon, due_at=due))
    assert _tasks(session, place, "facilitator", noon) == []
    assert set(_tasks(session, place, "manager", noon)) == {Task.MODERATE, Task.PROPOSE}


def test_what_is_due_first_stands_first_and_late_is_said(session, place, noon):
    for hours in (5, -5, 50):
        idea = place.idea(Stage.CONCEPT)
        place.handoff(idea, state=HandoffState.ASSESSING, outcome=None, due_at=noon + timedelta(hours=hours))
    session.flush()
    found = work(session, place.viewer("member"), noon)
    dues = [item.due.at for item in found if item.due]
    assert (len(dues), dues) == (3, sorted(dues))
    assert [bool(item.late_days) for item in found] == [True, False, False]


@pytest.mark.parametrize(("hours", "late"), [(9, 0), (11, 1)])
def test_a_benefit_is_due_on_the_day_named_for_it_and_late_after_it(session, place, noon, hours, late):
    place.idea(Stage.SERVICE, due_at=noon - timedelta(days=3), next_by=(noon - timedelta(days=4)).date())
    service = place.idea(Stage.SERVICE)
    for days in (0, 30):
        place.make.add(
            Benefit(
                idea_id=service.id,
                label="Calls",
                unit="a week",
                baseline=31,
                baseline_on=noon.date() - timedelta(days=60),
                target=18,
                measure_next=noon.date() + timedelta(days=days),
            )
        )
    now = noon + timedelta(hours=hours)  # Oslo is an hour ahead: eleven at night, and one in the morning
    found = work(session, place.viewer("lead"), now)
    assert [item.task for item in found] == [Task.NEXT_STEP, Task.MEASURE]
    assert (found[1].due.last_day, found[1].late_days) == (noon.date(), late)
    assert found[1].due.at == datetime(2026, 3, 2, 23, tzinfo=UTC)


def test_a_visitor_has_no_work(session, noon):
    assert (work(session, VISITOR, noon), work_count(session, VISITOR, noon)) == ((), 0)


def test_a_negative_answer_fills_the_form(session, place, noon):
    from livinglab.handoff.models import Answer, AnswerKind

    idea = place.idea(Stage.CONCEPT)
    handoff = place.handoff(idea, outcome=Outcome.EXISTS)
    place.make.add(
        Answer(
            handoff_id=handoff.id, idea_id=idea.id, kind=AnswerKind.FINAL, outcome=Outcome.EXISTS,
            language="nb", title="Finnes", body="Dette finnes på biblioteket.", written_at=noon,
            signer_id=place.people["member"].id,
            published_at=noon,
        )
    )  # fmt: skip
    place.make.review(idea, gate=2)
    proposed = gate_page(session, idea.id, noon).suggestion
    assert (proposed.outcome, proposed.decline_code) == (DecisionOutcome.DECLINE, DeclineCode.EXISTS)
    assert proposed.reason == "Dette finnes på biblioteket."
