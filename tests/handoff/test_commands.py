# ruff: noqa: E731
"""The steps of a handoff, what each refuses, and what each writes down."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from sqlmodel import col, select

from livinglab.core.errors import NotFound, Refused
from livinglab.core.journal import Event, EventTodo, Reader
from livinglab.handoff import commands
from livinglab.handoff.models import Answer, AnswerKind, Handoff, HandoffNote, HandoffState, Outcome
from livinglab.handoff.queries import answers_of, open_handoff, promise_kept
from livinglab.ideas.models import Activity, Credit, CreditKind, Idea, Publication, Stage
from livinglab.labs.models import UnitMember
from livinglab.people.models import Person
from tests.handoff.conftest import DAY, build


@contextmanager
def refused(scene, code):
    """Expect a refusal that leaves no event."""
    before = scene.count(Event)
    with pytest.raises(Refused) as caught, scene.session.begin_nested():
        yield
    assert caught.value.code == code
    assert str(caught.value.reason)
    assert scene.count(Event) == before


def test_routing_starts_the_clock_and_passes_the_ball(scene):
    handoff = scene.queued()
    idea = scene.session.get_one(Idea, scene.idea.id)
    assert (handoff.state, handoff.unit_id, handoff.note) == (
        HandoffState.QUEUED,
        scene.unit.id,
        "Passer hos dere",
    )
    # Monday noon: Thursday's end, the end of 1 April and of 31 May, in Oslo's summer time
    assert handoff.assign_due == datetime.fromisoformat("2026-03-05T23:00+00:00")
    assert handoff.preliminary_due == datetime.fromisoformat("2026-04-01T22:00+00:00")
    assert handoff.decision_due == datetime.fromisoformat("2026-05-31T22:00+00:00")
    assert (idea.waits_since, idea.due_at) == (scene.noon, handoff.assign_due)
    event = scene.events("handoff-queued")[0]
    assert (event.public, event.data["unit_id"], event.data["unit"]) == (True, scene.unit.id, scene.unit.name)
    assert scene.session.scalars(select(HandoffNote.text)).all() == ["Passer hos dere"]
    assert "Passer" not in str(event.data)


def test_an_idea_has_at_most_one_open_handoff(scene):
    scene.queued()
    with refused(scene, "already-routed"):
        scene.queued()
    assert scene.count(Handoff) == 1


def test_routing_needs_the_desk_an_open_review_and_a_unit_of_the_lab(scene):
    route = lambda **more: commands.route_idea(
        scene.session,
        **(
            {"idea_id": scene.idea.id, "unit_id": scene.unit.id, "person": scene.lead, "now": scene.noon}
            | more
        ),
    )
    for person in (scene.kari, scene.outsider, scene.resident):
        with refused(scene, "not-at-the-desk"):
            route(person=person)
    with refused(scene, "no-such-unit"):
        route(unit_id=scene.make.unit(scene.make.lab()).id)
    with refused(scene, "no-such-unit"):
        route(unit_id=99_999)
    with refused(scene, "no-such-idea"):
        route(idea_id=99_999)
    calm, of_another = scene.make.idea(scene.lab, lead_id=scene.lead.known_id), scene.make.idea(scene.lab)
    with refused(scene, "no-review"):
        route(idea_id=calm.id)
    with refused(scene, "not-at-the-desk"):
        route(idea_id=of_another.id)
    with refused(scene, "note-too-long"):
        route(note="x" * 601)
    scene.unit.retired_at = scene.noon
    scene.session.flush()
    with refused(scene, "no-such-unit"):
        route()


def test_taking_stops_the_first_clock_and_starts_the_next(scene):
    handoff = scene.assigned()
    assert (handoff.state, handoff.assignee_id) == (HandoffState.ASSIGNED, scene.kari.person_id)
    assert handoff.acknowledge_due == datetime.fromisoformat("2026-03-09T23:00+00:00")
    assert handoff.due_at == handoff.acknowledge_due
    assert scene.events("handoff-assigned")[0].data["taken"] is True


def test_only_members_can_have_it(scene):
    handoff = scene.queued()
    for person in (scene.facilitator, scene.manager, scene.resident):
        with refused(scene, "not-a-member"):
            commands.assign(
                scene.session,
                handoff_id=handoff.id,
                assignee_id=person.known_id,
                person=scene.facilitator,
                now=scene.noon,
            )
    with refused(scene, "no-such-handoff"):
        commands.assign(
            scene.session,
            handoff_id=handoff.id,
            assignee_id=scene.kari.known_id,
            person=scene.resident,
            now=scene.noon,
        )


def test_above_the_limit_a_member_can_take_it_and_the_desk_cannot_give_it(scene):
    scene.unit.limit_in_progress = 1
    scene.assigned()
    second = scene.queued(idea=scene.reviewed())
    give = {"handoff_id": second.id, "assignee_id": scene.tone.known_id, "now": scene.noon}
    with refused(scene, "unit-full"):
        commands.assign(scene.session, person=scene.facilitator, **give)
    with refused(scene, "unit-full"):
        commands.assign(scene.session, person=scene.manager, **give)
    assert commands.assign(scene.session, person=scene.tone, **give).state is HandoffState.ASSIGNED


def test_acknowledging_is_agreeing(scene):
    handoff = scene.agreed()
    found = open_handoff(scene.session, scene.idea.id)
    assert found is not None
    assert (found.agreed, found.acknowledged_at, found.due_at) == (True, scene.noon, handoff.preliminary_due)
    with refused(scene, "wrong-state"):
        commands.acknowledge(scene.session, handoff_id=handoff.id, person=scene.kari, now=scene.noon)


def test_the_desk_and_strangers_cannot_speak_for_the_unit(scene):
    handoff = scene.assigned()
    for person, code in (
        (scene.facilitator, "not-yours"),
        (scene.lead, "not-yours"),
        (scene.outsider, "no-such-handoff"),
        (scene.resident, "no-such-handoff"),
    ):
        with refused(scene, code):
            commands.acknowledge(scene.session, handoff_id=handoff.id, person=person, now=scene.noon)
    assert (
        commands.acknowledge(scene.session, handoff_id=handoff.id, person=scene.manager, now=scene.noon).state
        is HandoffState.ACKNOWLEDGED
    )


def test_a_step_on_an_older_page_is_refused(scene):
    handoff = scene.assigned()
    old = handoff.stamp
    commands.reassign(
        scene.session,
        handoff_id=handoff.id,
        assignee_id=scene.tone.known_id,
        person=scene.lead,
        now=scene.noon,
    )
    with refused(scene, "handoff-changed"):
        commands.acknowledge(
            scene.session, handoff_id=handoff.id, person=scene.kari, now=scene.noon, stamp=old
        )
    commands.acknowledge(
        scene.session, handoff_id=handoff.id, person=scene.kari, now=scene.noon, stamp=handoff.stamp
    )


def send_back(scene, handoff, note="Ikke vårt", person=None):
    return commands.return_wrong_unit(
        scene.session, handoff_id=handoff.id, note=note, person=person or scene.kari, now=scene.noon + DAY
    )


def route_again(scene, handoff, person, unit=None):
    return commands.route_again(
        scene.session,
        handoff_id=handoff.id,
        unit_id=(unit or scene.unit).id,
        person=person,
        now=scene.noon + DAY,
    )


def test_wrong_unit_goes_back_with_its_clock_and_notes(scene):
    handoff = scene.agreed()
    dues = (handoff.queued_at, handoff.assign_due, handoff.preliminary_due, handoff.decision_due)
    send_back(scene, handoff)
    assert (
        handoff.state,
        handoff.unit_id,
        handoff.assignee_id,
        handoff.acknowledged_at,
        handoff.returns,
    ) == (
        HandoffState.QUEUED,
        None,
        None,
        None,
        1,
    )
    assert (handoff.queued_at, handoff.assign_due, handoff.preliminary_due, handoff.decision_due) == dues
    assert handoff.due_at == handoff.assign_due
    assert scene.session.scalars(select(HandoffNote.text).order_by(HandoffNote.event_id)).all() == [
        "Passer hos dere",
        "Ikke vårt",
    ]
    assert scene.events("handoff-returned")[0].data["unit_id"] == scene.unit.id
    route_again(scene, handoff, scene.facilitator, scene.other_unit)
    assert (handoff.unit_id, handoff.state, handoff.queued_at) == (
        scene.other_unit.id,
        HandoffState.QUEUED,
        scene.noon,
    )


def test_sending_back_needs_a_reason(scene):
    handoff = scene.queued()
    with refused(scene, "note-missing"):
        send_back(scene, handoff, note="  ")


def test_after_two_returns_the_manager_assigns_and_the_unit_keeps_it(scene):
    handoff = scene.queued()
    for _ in range(2):
        send_back(scene, handoff, person=scene.kari)
        if handoff.returns < 2:
            route_again(scene, handoff, scene.facilitator)
    with refused(scene, "manager-assigns"):
        route_again(scene, handoff, scene.facilitator)
    route_again(scene, handoff, scene.manager)
    with refused(scene, "returned-twice"):
        send_back(scene, handoff)


def test_an_agreement_gate_one_was_passed_on_cannot_be_taken_back(scene):
    handoff = scene.agreed()
    scene.session.get_one(Idea, scene.idea.id).stage = Stage.CONCEPT
    scene.session.flush()
    with refused(scene, "already-agreed"):
        send_back(scene, handoff)


def test_a_receipt_is_public_at_once_and_changes_no_deadline(scene):
    handoff = scene.agreed()
    due = handoff.due_at
    scene.answer(handoff, AnswerKind.RECEIPT, scene.noon + DAY)
    assert (handoff.state, handoff.due_at) == (HandoffState.ACKNOWLEDGED, due)
    assert [a.kind for a in answers_of(scene.session, scene.idea.id)] == [AnswerKind.RECEIPT]
    with refused(scene, "receipt-given"):
        scene.answer(handoff, AnswerKind.RECEIPT, scene.noon + DAY)


def test_a_preliminary_answer_names_its_signer_and_the_days_used(scene):
    handoff = scene.agreed()
    scene.answer(handoff, AnswerKind.PRELIMINARY, scene.noon + 12 * DAY, signer_title="enhetsleder")
    answer = answers_of(scene.session, scene.idea.id)[0]
    assert (answer.signer.name, answer.signer.title, answer.second) == ("Kari Holm", "enhetsleder", None)
    assert (answer.days_used, answer.days_promised, answer.days_late) == (12, 30, 0)
    assert (handoff.state, handoff.due_at) == (HandoffState.PRELIMINARY, handoff.decision_due)
    assert scene.events("answer-published")[0].data["kind"] == "preliminary"


def test_a_final_answer_waits_for_its_second_person(scene):
    handoff = scene.agreed()
    answer = scene.answer(handoff, AnswerKind.FINAL, scene.noon + DAY, outcome=Outcome.ACCEPTED)
    assert (answer.published_at, handoff.state) == (None, HandoffState.ACKNOWLEDGED)
    assert answers_of(scene.session, scene.idea.id) == ()
    publish = {"answer_id": answer.id, "now": scene.noon + 2 * DAY, "stamp": answer.stamp}
    with refused(scene, "own-answer"):
        commands.confirm_answer(scene.session, person=scene.kari, **publish)
    with refused(scene, "not-a-second"):
        commands.confirm_answer(scene.session, person=scene.facilitator, **publish)
    with refused(scene, "no-such-handoff"):
        commands.confirm_answer(scene.session, person=scene.resident, **publish)
    commands.confirm_answer(scene.session, person=scene.tone, **publish)
    assert (handoff.state, handoff.outcome, handoff.due_at) == (HandoffState.DECIDED, Outcome.ACCEPTED, None)
    with refused(scene, "already-published"):
        commands.confirm_answer(scene.session, person=scene.tone, **publish)
    shown = answers_of(scene.session, scene.idea.id)[0]
    assert (shown.signer.name, str(shown.second.name)) == ("Kari Holm", "Tone Sand")


@pytest.mark.parametrize("who", ["tone", "lead", "manager"])
def test_a_colleague_the_ideas_lead_or_the_manager_is_the_second(scene, who):
    handoff = scene.agreed()
    answer = scene.answer(handoff, AnswerKind.FINAL, scene.noon, outcome=Outcome.ACCEPTED)
    done = commands.confirm_answer(
        scene.session, answer_id=answer.id, person=getattr(scene, who), now=scene.noon, stamp=answer.stamp
    )
    assert done.second_id == getattr(scene, who).person_id


def test_a_lead_of_another_idea_is_no_second(scene):
    other = scene.make.viewer(scene.make.lead(scene.lab))
    handoff = scene.agreed()
    answer = scene.answer(handoff, AnswerKind.FINAL, scene.noon, outcome=Outcome.ACCEPTED)
    with refused(scene, "not-a-second"):
        commands.confirm_answer(
            scene.session, answer_id=answer.id, person=other, now=scene.noon, stamp=answer.stamp
        )


def test_a_lab_may_let_one_person_publish(session, make, noon):
    scene = build(session, make, noon, second_person_on_final=False)
    handoff = scene.agreed()
    answer = scene.answer(handoff, AnswerKind.FINAL, noon, outcome=Outcome.NOT_NOW)
    assert (answer.published_at, answer.second_id, handoff.state) == (noon, None, HandoffState.DECIDED)


def test_an_answer_changed_meanwhile_cannot_be_published_unseen(scene):
    handoff = scene.agreed()
    answer = scene.answer(handoff, AnswerKind.FINAL, scene.noon, outcome=Outcome.ACCEPTED)
    read = answer.stamp
    commands.edit_answer(
        scene.session,
        answer_id=answer.id,
        title="Ny tittel",
        body="Ny tekst",
        language="nb",
        outcome=Outcome.DECLINED,
        person=scene.kari,
        now=scene.noon,
        stamp=read,
    )
    with refused(scene, "answer-changed"):
        commands.confirm_answer(
            scene.session, answer_id=answer.id, person=scene.tone, now=scene.noon, stamp=read
        )


def test_an_answer_sent_back_waits_for_a_new_text(scene):
    handoff = scene.agreed()
    answer = scene.answer(handoff, AnswerKind.FINAL, scene.noon, outcome=Outcome.ACCEPTED)
    commands.return_answer(
        scene.session,
        answer_id=answer.id,
        note="Si når",
        person=scene.tone,
        now=scene.noon,
        stamp=answer.stamp,
    )
    with refused(scene, "was-returned"):
        commands.confirm_answer(
            scene.session, answer_id=answer.id, person=scene.tone, now=scene.noon, stamp=answer.stamp
        )
    with refused(scene, "not-yours"):
        commands.withdraw_answer(
            scene.session, answer_id=answer.id, person=scene.tone, now=scene.noon, stamp=answer.stamp
        )
    commands.edit_answer(
        scene.session,
        answer_id=answer.id,
        title="Ja, i mai",
        body="Fra 4. mai.",
        language="nb",
        outcome=Outcome.ACCEPTED,
        person=scene.kari,
        now=scene.noon,
        stamp=answer.stamp,
    )
    commands.confirm_answer(
        scene.session, answer_id=answer.id, person=scene.tone, now=scene.noon, stamp=answer.stamp
    )
    assert answers_of(scene.session, scene.idea.id)[0].title == "Ja, i mai"


def test_an_answer_taken_back_leaves_room_for_another(scene):
    handoff = scene.agreed()
    answer = scene.answer(handoff, AnswerKind.FINAL, scene.noon, outcome=Outcome.ACCEPTED)
    with refused(scene, "answer-waits"):
        scene.answer(handoff, AnswerKind.PRELIMINARY, scene.noon)
    commands.withdraw_answer(
        scene.session, answer_id=answer.id, person=scene.kari, now=scene.noon, stamp=answer.stamp
    )
    assert scene.count(Answer) == 0
    scene.answer(handoff, AnswerKind.PRELIMINARY, scene.noon)


def test_nobody_signs_or_publishes_about_their_own_idea(scene):
    handoff = scene.agreed()
    scene.session.add(
        Credit(
            idea_id=scene.idea.id,
            person_id=scene.tone.known_id,
            kind=CreditKind.CO_AUTHOR,
            given_at=scene.noon,
        )
    )
    scene.session.flush()
    with refused(scene, "own-idea"):
        scene.answer(handoff, AnswerKind.PRELIMINARY, scene.noon, person=scene.tone)
    answer = scene.answer(handoff, AnswerKind.FINAL, scene.noon, outcome=Outcome.ACCEPTED)
    with refused(scene, "own-idea"):
        commands.confirm_answer(
            scene.session, answer_id=answer.id, person=scene.tone, now=scene.noon, stamp=answer.stamp
        )


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"title": " "}, "title-missing"),
        ({"title": "x" * 121}, "title-too-long"),
        ({"body": ""}, "body-missing"),
        ({"body": "x" * 4001}, "body-too-long"),
        ({"signer_title": "x" * 121}, "signer_title-too-long"),
        ({"outcome": Outcome.ACCEPTED}, "outcome-too-soon"),
    ],
)
def test_an_answer_says_something_and_fits(scene, more, code):
    handoff = scene.agreed()
    with refused(scene, code):
        scene.answer(handoff, AnswerKind.PRELIMINARY, scene.noon, **more)
    assert scene.count(Answer) == 0


def test_a_final_answer_names_what_is_decided(scene):
    handoff = scene.agreed()
    with refused(scene, "no-outcome"):
        scene.answer(handoff, AnswerKind.FINAL, scene.noon)


@pytest.mark.parametrize("outcome", [Outcome.EXISTS, Outcome.NOT_NOW, Outcome.DECLINED])
def test_a_no_never_moves_the_idea_and_tells_the_gate(scene, outcome):
    handoff = scene.agreed()
    idea = scene.session.get_one(Idea, scene.idea.id)
    before = (idea.stage, idea.activity, idea.move)
    scene.final(handoff, scene.noon, outcome)
    scene.session.refresh(idea)
    assert (idea.stage, idea.activity, idea.move) == before
    event = scene.events("answer-final")[0]
    readers = scene.session.scalars(select(EventTodo.reader).where(col(EventTodo.event_id) == event.id)).all()
    assert (readers, event.public, event.data["outcome"]) == ([Reader.PIPELINE], False, outcome.value)
    assert len(scene.events("answer-published")) == 1


def test_a_yes_tells_the_gate_nothing(scene):
    scene.final(scene.agreed(), scene.noon)
    assert scene.events("answer-final") == []


def test_after_a_no_another_unit_can_be_asked(scene):
    handoff = scene.agreed()
    scene.final(handoff, scene.noon, Outcome.NOT_NOW)
    second = commands.route_idea(
        scene.session,
        idea_id=scene.idea.id,
        unit_id=scene.other_unit.id,
        person=scene.lead,
        now=scene.noon + DAY,
    )
    assert (handoff.state, handoff.close_reason) == (HandoffState.CLOSED, "another-unit")
    assert open_handoff(scene.session, scene.idea.id).id == second.id


def test_a_correction_leaves_the_old_text_visible(scene):
    handoff = scene.agreed()
    first = scene.answer(handoff, AnswerKind.PRELIMINARY, scene.noon)
    for number in (1, 2):
        commands.correct_answer(
            scene.session,
            answer_id=first.id,
            title=f"Rettet {number}",
            body="Riktig tekst",
            language="nb",
            person=scene.tone,
            now=scene.noon + number * DAY,
            signer_title="fagkonsulent",
        )
    shown = answers_of(scene.session, scene.idea.id)
    assert len(shown) == 1
    assert (shown[0].title, [c.title for c in shown[0].corrections]) == (
        "Vi vil prøve dette",
        ["Rettet 1", "Rettet 2"],
    )
    assert shown[0].corrections[0].signer.name == "Tone Sand"
    assert handoff.state is HandoffState.PRELIMINARY
    with refused(scene, "corrects-correction"):
        commands.correct_answer(
            scene.session,
            answer_id=shown[0].corrections[0].id,
            title="x",
            body="y",
            language="nb",
            person=scene.tone,
            now=scene.noon,
        )


def test_correcting_a_final_answer_needs_a_second_person_too(scene):
    handoff = scene.agreed()
    final = scene.final(handoff, scene.noon)
    fix = commands.correct_answer(
        scene.session,
        answer_id=final.id,
        title="Rettet",
        body="Riktig",
        language="nb",
        person=scene.tone,
        now=scene.noon,
    )
    assert fix.published_at is None
    commands.confirm_answer(
        scene.session, answer_id=fix.id, person=scene.kari, now=scene.noon, stamp=fix.stamp
    )
    assert [c.title for c in answers_of(scene.session, scene.idea.id)[0].corrections] == ["Rettet"]
    assert len(scene.events("answer-corrected")) == 1


def extend(scene, handoff, until, reason="Budsjettet kommer i juli", **more):
    return commands.extend_decision(
        scene.session,
        handoff_id=handoff.id,
        until=until,
        reason=reason,
        person=more.get("person", scene.kari),
        now=more.get("now", scene.noon),
    )


def test_the_decision_moves_once_with_a_public_reason(scene):
    handoff = scene.agreed()
    day = (scene.noon + 120 * DAY).date()
    with refused(scene, "reason-missing"):
        extend(scene, handoff, day, reason="")
    with refused(scene, "too-early"):
        extend(scene, handoff, (scene.noon + 90 * DAY).date())
    with refused(scene, "too-late"):
        extend(scene, handoff, (scene.noon + 181 * DAY).date())
    with refused(scene, "not-yours"):
        extend(scene, handoff, day, person=scene.facilitator)
    extend(scene, handoff, (scene.noon + 180 * DAY).date())
    event = scene.events("handoff-extended")[0]
    assert (event.public, event.data["reason"]) == (True, "Budsjettet kommer i juli")
    with refused(scene, "extended-once"):
        extend(scene, handoff, (scene.noon + 170 * DAY).date())


def test_waiting_is_dated_and_at_most_fourteen_days(scene):
    handoff = scene.agreed()
    ask = lambda days, question="Når?": commands.wait_for_author(
        scene.session,
        handoff_id=handoff.id,
        until=(scene.noon + days * DAY).date(),
        question=question,
        person=scene.kari,
        now=scene.noon,
    )
    with refused(scene, "too-early"):
        ask(0)
    with refused(scene, "too-late"):
        ask(15)
    with refused(scene, "question-missing"):
        ask(3, " ")
    ask(14)
    idea = scene.session.get_one(Idea, scene.idea.id)
    assert idea.due_at == datetime.fromisoformat("2026-03-16T23:00+00:00")
    with refused(scene, "already-waiting"):
        ask(3)


def test_reassigning_keeps_state_and_clock(scene):
    handoff = scene.agreed()
    before = (handoff.state, handoff.due_at, handoff.acknowledged_at)
    give = {"handoff_id": handoff.id, "assignee_id": scene.tone.known_id, "now": scene.noon + DAY}
    commands.reassign(scene.session, person=scene.facilitator, **give)
    assert (handoff.assignee_id, (handoff.state, handoff.due_at, handoff.acknowledged_at)) == (
        scene.tone.person_id,
        before,
    )
    commands.reassign(scene.session, person=scene.kari, **give)
    assert len(scene.events("handoff-reassigned")) == 1
    assert scene.events("handoff-reassigned")[0].public is False


def test_the_case_number_is_for_staff_only(scene):
    handoff = scene.agreed()
    commands.set_case_number(
        scene.session, handoff_id=handoff.id, number=" 26/1234 ", person=scene.kari, now=scene.noon
    )
    assert (handoff.external_case, scene.events("handoff-numbered")[0].public) == ("26/1234", False)
    with refused(scene, "external_case-too-long"):
        commands.set_case_number(
            scene.session, handoff_id=handoff.id, number="x" * 81, person=scene.kari, now=scene.noon
        )


def test_the_ideas_road_carries_an_accepted_handoff_to_its_end(scene):
    handoff, idea_id = scene.agreed(), scene.idea.id
    assert commands.begin_delivery(scene.session, idea_id, scene.noon) is False
    assert commands.mark_delivered(scene.session, idea_id, scene.noon) is False
    scene.final(handoff, scene.noon)
    assert commands.begin_delivery(scene.session, idea_id, scene.noon + DAY) is True
    assert commands.begin_delivery(scene.session, idea_id, scene.noon + DAY) is False
    assert commands.mark_delivered(scene.session, idea_id, scene.noon + 2 * DAY) is True
    assert commands.mark_followed_up(scene.session, idea_id, scene.noon + 3 * DAY, last=False) is True
    assert handoff.state is HandoffState.FOLLOWED_UP
    assert commands.mark_followed_up(scene.session, idea_id, scene.noon + 4 * DAY, last=True) is True
    assert commands.mark_followed_up(scene.session, idea_id, scene.noon + 4 * DAY, last=True) is False
    assert (handoff.state, handoff.delivered_at) == (HandoffState.CLOSED, scene.noon + 2 * DAY)
    assert scene.kinds()[-4:] == [
        "handoff-delivery",
        "handoff-delivered",
        "handoff-followed-up",
        "handoff-closed",
    ]


def test_a_yes_that_comes_after_the_prototype_begins_delivery_itself(scene):
    handoff = scene.agreed()
    scene.session.get_one(Idea, scene.idea.id).stage = Stage.PROTOTYPE
    scene.session.flush()
    assert commands.begin_delivery(scene.session, scene.idea.id, scene.noon) is False
    scene.final(handoff, scene.noon)
    assert handoff.state is HandoffState.DELIVERY


def test_closing_drops_an_answer_nobody_has_seen_and_the_late_mark(scene):
    handoff = scene.agreed()
    commands.run_clock(scene.session, handoff.preliminary_due)
    scene.answer(handoff, AnswerKind.FINAL, handoff.preliminary_due, outcome=Outcome.ACCEPTED)
    commands.close_handoff(scene.session, scene.idea.id, "withdrawn", handoff.preliminary_due)
    idea = scene.session.get_one(Idea, scene.idea.id)
    scene.session.refresh(idea)
    assert (scene.count(Answer), handoff.late_since, idea.late_since, handoff.due_at) == (0, None, None, None)
    assert idea.activity is Activity.REVIEW


def test_an_erased_signer_stays_as_former_participant(scene):
    handoff = scene.agreed()
    scene.answer(handoff, AnswerKind.PRELIMINARY, scene.noon)
    from livinglab.people.models import Person

    person = scene.session.get_one(Person, scene.kari.person_id)
    person.erased_at, person.name = scene.noon, ""
    scene.session.flush()
    assert answers_of(scene.session, scene.idea.id)[0].signer.kind == "former"


def test_the_promise_counts_answers_missing_ones_and_late_ones(scene):
    lab, now = scene.lab.id, scene.noon + 100 * DAY
    assert promise_kept(scene.session, (lab,), now).share is None
    for days in (10, 20, 31):
        handoff = scene.agreed(idea=scene.reviewed())
        scene.answer(handoff, AnswerKind.PRELIMINARY, scene.noon + days * DAY)
    scene.agreed(idea=scene.reviewed())
    closed = scene.agreed(idea=scene.reviewed())
    commands.close_handoff(scene.session, closed.idea_id, "merged", scene.noon + 40 * DAY)
    commands.run_clock(scene.session, now)
    kept = promise_kept(scene.session, (lab,), now)
    assert (kept.answered, kept.expected, kept.in_time, kept.share) == (3, 4, 2, 50)
    assert (kept.median_days, kept.ninth_days) == (20, 31)
    assert kept.late == 4
    assert promise_kept(scene.session, (lab,), scene.noon + 500 * DAY).answered == 0
    assert promise_kept(scene.session, (), now).expected == 0
    assert promise_kept(scene.session, (lab,), now, unit_id=scene.other_unit.id).expected == 0


def test_a_pause_does_not_count_towards_the_days_used(scene):
    handoff = scene.agreed()
    commands.wait_for_author(
        scene.session,
        handoff_id=handoff.id,
        until=(scene.noon + 10 * DAY).date(),
        question="Når?",
        person=scene.kari,
        now=scene.noon,
    )
    scene.answer(handoff, AnswerKind.PRELIMINARY, scene.noon + 8 * DAY + timedelta(hours=5))
    assert handoff.answer_seconds == 0
    assert handoff.waited_seconds == 8 * 86_400 + 5 * 3600
    assert promise_kept(scene.session, (scene.lab.id,), scene.noon + 9 * DAY).median_days == 1
    commands.wait_for_author(
        scene.session,
        handoff_id=handoff.id,
        until=(scene.noon + 24 * DAY).date(),
        question="Hvor?",
        person=scene.kari,
        now=scene.noon + 20 * DAY,
    )
    assert [answer.days_used for answer in answers_of(scene.session, scene.idea.id)] == [1], "a later pause"
    commands.stop_waiting(scene.session, handoff_id=handoff.id, person=scene.kari, now=scene.noon + 22 * DAY)
    scene.final(handoff, scene.noon + 30 * DAY)
    assert [answer.days_used for answer in answers_of(scene.session, scene.idea.id)] == [1, 20]


def test_nobody_acts_on_the_handoff_of_an_idea_that_was_hidden_from_them(session, make, noon):
    lab = make.lab()
    unit = make.unit(lab)
    idea = make.idea(lab, publication=Publication.HIDDEN)
    handoff = make.handoff(idea, unit)
    member = session.scalars(select(UnitMember).where(UnitMember.unit_id == unit.id)).first()
    assert member is not None
    person = make.viewer(session.get_one(Person, member.person_id))
    with pytest.raises(NotFound, match="no-such-handoff"):
        commands.assign(
            session, handoff_id=handoff.id or 0, assignee_id=person.known_id, person=person, now=noon
        )
