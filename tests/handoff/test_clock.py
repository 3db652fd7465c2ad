"""The clock hour by hour: each reminder, late mark and escalation exactly once."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from livinglab.core.mail import OutboxMail
from livinglab.handoff import commands
from livinglab.handoff.commands import run_clock
from livinglab.handoff.models import AnswerKind, Escalation, Handoff
from livinglab.handoff.rules.clock import clock_face, next_clock, running_clocks
from livinglab.ideas.models import Idea
from tests.handoff.conftest import DAY, build
from tests.ideas.test_plans import plans_of

HOUR = timedelta(hours=1)
OSLO = ZoneInfo("Europe/Oslo")


def walk(scene, start: datetime, days: int, each=None) -> None:
    """Run the clock every full hour; after a step, and twice a day, again: that must do nothing."""
    at = start
    while at < start + timedelta(days=days):
        if run_clock(scene.session, at) or at.hour in (3, 15):
            assert run_clock(scene.session, at) == 0
        if each:
            each(at)
        at += HOUR


def steps(scene) -> Counter[tuple[str, str]]:
    kinds = ("handoff-reminded", "handoff-late", "handoff-escalated")
    return Counter((e.data["clock"], e.data["step"]) for kind in kinds for e in scene.events(kind))


def at_of(scene, clock: str, step: str) -> datetime:
    return scene.session.scalars(
        select(Escalation.at).where(col(Escalation.clock) == clock, col(Escalation.step) == step)
    ).one()


@pytest.mark.parametrize(
    ("start", "change", "holidays"),
    [
        # into summer time on 28 March 2027; Maundy Thursday, Good Friday and Easter Monday on the way
        (datetime(2027, 3, 23, 9, tzinfo=UTC), date(2027, 3, 28), 3),
        # out of summer time on 31 October 2027; no holiday but weekends
        (datetime(2027, 10, 28, 9, tzinfo=UTC), date(2027, 10, 31), 0),
    ],
)
def test_forty_days_hour_by_hour_tell_each_step_exactly_once(session, make, start, change, holidays):
    scene = build(session, make, start, steering_emails=["styret@example.no", "rad@example.no"])
    handoff = scene.queued(start)
    walk(scene, start, 47)
    assert steps(scene) == Counter(
        {
            (clock, step): 1
            for clock in ("assign", "preliminary")
            for step in ("reminder", "late", "owner", "steering")
        }
    )
    assert scene.count(Escalation) == 8
    # three working days after the day of queuing, across Easter
    due = handoff.assign_due.astimezone(OSLO)
    assert (due.hour, due.minute) == (0, 0)
    assert (due.date() - start.date()).days == (9 if holidays else 6)
    # every deadline and every week after it falls on the lab's midnight, on both sides of the change
    assert start.date() < change < handoff.preliminary_due.date()
    for clock, deadline in (("assign", handoff.assign_due), ("preliminary", handoff.preliminary_due)):
        late = at_of(scene, clock, "late")
        assert late == deadline
        for step, days in (("owner", 7), ("steering", 14)):
            local = at_of(scene, clock, step).astimezone(OSLO)
            assert (local.date() - deadline.astimezone(OSLO).date(), local.hour) == (timedelta(days=days), 0)
        remind = deadline - (deadline - start) / 5
        assert remind <= at_of(scene, clock, "reminder") < remind + HOUR
    mails = session.scalars(select(OutboxMail)).all()
    assert Counter(mail.address for mail in mails) == {"styret@example.no": 2, "rad@example.no": 2}
    assert session.get_one(Idea, scene.idea.id).late_since == handoff.assign_due


def test_a_clock_that_slept_for_weeks_tells_everybody_once_and_no_reminder_too_late(scene):
    scene.queued()
    assert run_clock(scene.session, scene.noon + 20 * DAY) == 3
    assert steps(scene) == Counter({("assign", "late"): 1, ("assign", "owner"): 1, ("assign", "steering"): 1})
    assert run_clock(scene.session, scene.noon + 20 * DAY) == 0


def test_nothing_is_told_before_four_fifths_of_the_time(scene):
    handoff = scene.agreed()
    clock = next_clock(handoff)
    assert clock is not None
    assert run_clock(scene.session, clock.remind_at - timedelta(seconds=1)) == 0
    assert run_clock(scene.session, clock.remind_at) == 1


def test_an_answered_deadline_is_silent(scene):
    handoff = scene.agreed()
    scene.answer(handoff, AnswerKind.PRELIMINARY, scene.noon + 10 * DAY)
    walk(scene, scene.noon + 20 * DAY, 2)
    run_clock(scene.session, scene.noon + 60 * DAY)
    assert steps(scene) == Counter()


def test_a_decided_or_closed_handoff_has_no_clock(scene):
    handoff = scene.agreed()
    scene.final(handoff, scene.noon + DAY)
    assert (handoff.due_at, running_clocks(handoff)) == (None, ())
    second = scene.queued(idea=scene.reviewed())
    commands.close_handoff(scene.session, second.idea_id, "declined", scene.noon + DAY)
    assert run_clock(scene.session, scene.noon + 400 * DAY) == 0


def test_the_late_mark_stays_until_the_answer_is_given(scene):
    handoff = scene.agreed()
    run_clock(scene.session, handoff.preliminary_due)
    idea = scene.session.get_one(Idea, scene.idea.id)
    assert (handoff.late_since, idea.late_since) == (handoff.preliminary_due, handoff.preliminary_due)
    commands.begin_assessing(
        scene.session, handoff_id=handoff.id, person=scene.kari, now=handoff.preliminary_due + DAY
    )
    assert handoff.late_since is not None
    scene.answer(handoff, AnswerKind.PRELIMINARY, handoff.preliminary_due + 2 * DAY)
    scene.session.refresh(idea)
    assert (handoff.late_since, idea.late_since) == (None, None)
    assert handoff.due_at == handoff.decision_due


def test_the_clock_stands_while_waiting_and_deadlines_move_by_exactly_that(scene):
    handoff = scene.agreed()
    before = (handoff.preliminary_due, handoff.decision_due)
    asked, until = scene.noon + 3 * DAY, (scene.noon + 10 * DAY).date()
    commands.wait_for_author(
        scene.session,
        handoff_id=handoff.id,
        until=until,
        question="Hvilke kvelder?",
        person=scene.kari,
        now=asked,
    )
    commands.stop_waiting(scene.session, handoff_id=handoff.id, person=scene.kari, now=asked + 5 * DAY)
    assert handoff.waited_seconds == 5 * 86_400
    assert (handoff.preliminary_due, handoff.decision_due) == tuple(due + 5 * DAY for due in before)
    assert (handoff.waiting_since, handoff.due_at) == (None, before[0] + 5 * DAY)


def test_a_pause_ends_by_itself_on_its_day_and_never_later(scene):
    handoff = scene.agreed()
    due, until = handoff.preliminary_due, (scene.noon + 14 * DAY).date()
    commands.wait_for_author(
        scene.session, handoff_id=handoff.id, until=until, question="Hvem?", person=scene.kari, now=scene.noon
    )
    walk(scene, scene.noon + 13 * DAY, 3)
    ended = datetime(2026, 3, 16, 23, tzinfo=UTC)  # midnight in Oslo after the 16th
    assert handoff.waiting_since is None
    assert handoff.preliminary_due == due + (ended - scene.noon)
    assert [e.actor_id for e in scene.events("handoff-resumed")] == [None]
    assert len(scene.events("handoff-resumed")) == 1


def test_an_answer_after_a_forgotten_pause_counts_the_pause_only_to_its_day(scene):
    handoff = scene.agreed()
    commands.wait_for_author(
        scene.session,
        handoff_id=handoff.id,
        until=(scene.noon + 2 * DAY).date(),
        question="Hvem?",
        person=scene.kari,
        now=scene.noon,
    )
    scene.answer(handoff, AnswerKind.PRELIMINARY, scene.noon + 12 * DAY)
    assert handoff.waited_seconds == int((datetime(2026, 3, 4, 23, tzinfo=UTC) - scene.noon).total_seconds())
    assert handoff.answer_seconds == 12 * 86_400 - handoff.waited_seconds


def test_waiting_while_late_neither_hides_nor_repeats_what_was_told(scene):
    handoff = scene.agreed()
    late_at = handoff.preliminary_due
    walk(scene, late_at - 12 * DAY, 14)
    told = steps(scene)
    assert told == Counter({("preliminary", "reminder"): 1, ("preliminary", "late"): 1})
    commands.wait_for_author(
        scene.session,
        handoff_id=handoff.id,
        until=(late_at + 9 * DAY).date(),
        question="Hva?",
        person=scene.kari,
        now=late_at + 2 * DAY,
    )
    walk(scene, late_at + 2 * DAY, 4)
    assert steps(scene) == told
    commands.stop_waiting(scene.session, handoff_id=handoff.id, person=scene.kari, now=late_at + 6 * DAY)
    assert handoff.late_since is not None
    assert handoff.preliminary_due == late_at + 4 * DAY
    walk(scene, late_at + 6 * DAY, 7)
    assert steps(scene) == told + Counter({("preliminary", "owner"): 1})


def test_an_extended_decision_starts_its_own_reminders(scene):
    handoff = scene.agreed()
    scene.answer(handoff, AnswerKind.PRELIMINARY, scene.noon + DAY)
    run_clock(scene.session, handoff.decision_due)
    assert steps(scene) == Counter({("decision", "late"): 1})
    commands.extend_decision(
        scene.session,
        handoff_id=handoff.id,
        until=(scene.noon + 150 * DAY).date(),
        reason="Budsjettet kommer i juli",
        person=scene.kari,
        now=handoff.decision_due + HOUR,
    )
    assert handoff.late_since is None
    run_clock(scene.session, handoff.decision_due - DAY)
    run_clock(scene.session, handoff.decision_due)
    assert steps(scene) == Counter({("decision", "late"): 2, ("decision", "reminder"): 1})


def test_two_clocks_at_the_same_time_tell_once(scene):
    handoff = scene.queued()
    row = {"handoff_id": handoff.id, "clock": "assign", "step": "late", "due_at": handoff.assign_due}
    scene.session.add(Escalation(**row, at=scene.noon))
    scene.session.flush()
    from livinglab.handoff.commands.clock import _take
    from livinglab.handoff.rules.clock import Told

    clock = next_clock(handoff)
    assert _take(scene.session, handoff.id, clock, Told.LATE, handoff.assign_due, "Europe/Oslo") == 0
    assert scene.events("handoff-late") == []


def test_the_face_of_the_clock_counts_calendar_days_in_the_labs_zone(scene):
    handoff = scene.agreed()
    face = clock_face(handoff, scene.noon + 25 * DAY, "Europe/Oslo")
    assert (face.days_left, face.days_late, face.soon, face.last_day) == (5, 0, True, date(2026, 4, 1))
    last_minute = datetime(2026, 4, 1, 21, 59, tzinfo=UTC)
    assert clock_face(handoff, last_minute, "Europe/Oslo").days_left == 0
    assert clock_face(handoff, last_minute + timedelta(minutes=1), "Europe/Oslo").days_late == 1
    assert clock_face(handoff, scene.noon + 40 * DAY, "Europe/Oslo").days_late == 10


def test_deadlines_follow_the_labs_own_numbers_and_holidays(session, make):
    friday = datetime(2026, 5, 13, 10, tzinfo=UTC)  # the day before Ascension Day
    scene = build(session, make, friday, assign_working_days=1, preliminary_days=10, decision_days=20)
    handoff = scene.queued(friday)
    local = [
        due.astimezone(OSLO).date()
        for due in (handoff.assign_due, handoff.preliminary_due, handoff.decision_due)
    ]
    assert local == [date(2026, 5, 16), date(2026, 5, 24), date(2026, 6, 3)]


def test_the_hourly_clock_reads_only_those_whose_time_has_come(scene, monkeypatch):
    """However many are undecided: once looked at, each says when it is to be looked at again."""
    monkeypatch.setattr(import_module("livinglab.handoff.commands.clock"), "AT_ONCE", 4)
    rows = [scene.queued(idea=scene.reviewed()) for _ in range(10)]
    assert run_clock(scene.session, scene.noon + HOUR) == 0
    rings = {row.rings_at for row in scene.session.scalars(select(Handoff))}
    assert rings == {running_clocks(rows[0])[0].remind_at}
    seen: list[str] = []
    sa.event.listen(scene.session.get_bind(), "before_cursor_execute", lambda *a: seen.append(a[2]))
    run_clock(scene.session, scene.noon + 2 * HOUR)
    assert len(seen) == 2  # none whose time has come, none that is new
    moved = commands.assign(
        scene.session,
        handoff_id=rows[3].id,
        assignee_id=scene.kari.known_id,
        person=scene.kari,
        now=scene.noon + 2 * HOUR,
    )
    assert moved.rings_at is None, "what has changed is looked at anew"
    assert commands.look_at_clocks(scene.session, now=scene.noon + 3 * HOUR, most=4) == 1
    assert run_clock(scene.session, next(iter(rings))) == 9


def test_those_whose_time_has_come_are_found_by_an_index(scene):
    scene.queued()
    scene.session.flush()
    if scene.session.get_bind().dialect.name == "postgresql":  # of few rows it would read the table and sort
        for way in ("seqscan", "sort", "incremental_sort", "bitmapscan"):
            scene.session.execute(sa.text(f"SET LOCAL enable_{way} = off"))
    plans = plans_of(scene.session, lambda: run_clock(scene.session, scene.noon + HOUR))
    for plan in plans[:2]:
        assert "ix_handoff_rings" in plan, plan
        assert "TEMP B-TREE" not in plan, plan
