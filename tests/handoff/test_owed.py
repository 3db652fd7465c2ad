"""What an idea is owed first: the unit's deadline or the named step's day, the same on every page."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import col

from livinglab.handoff import commands
from livinglab.handoff.models import AnswerKind
from livinglab.handoff.queries import Choice, Lane, queue, sheet
from livinglab.handoff.rules import nearest, owed
from livinglab.ideas.models import Activity, Idea, Stage
from livinglab.pipeline.commands import set_next_step
from livinglab.pipeline.queries import standing, work

DAY = timedelta(days=1)
ZONE = "Europe/Oslo"
MIDNIGHT = datetime(2026, 3, 9, 23, tzinfo=UTC)
"""The first instant after 9 March in Oslo."""


def test_a_deadline_counts_the_calendar_days_of_the_lab() -> None:
    def days(at: datetime) -> tuple[int, int]:
        found = owed(MIDNIGHT, at, ZONE)
        assert found is not None
        assert found.last_day == date(2026, 3, 9)
        return found.days_left, found.days_late

    assert days(MIDNIGHT - timedelta(seconds=1)) == (0, 0)
    assert days(MIDNIGHT) == (0, 1)
    assert days(MIDNIGHT - 3 * DAY) == (2, 0)
    assert days(MIDNIGHT + 3 * DAY) == (0, 4)


def test_what_was_late_when_the_clock_stopped_grows_no_later() -> None:
    late = owed(MIDNIGHT, MIDNIGHT + 9 * DAY, ZONE, stood_since=MIDNIGHT + 2 * DAY)
    in_time = owed(MIDNIGHT, MIDNIGHT + 9 * DAY, ZONE, stood_since=MIDNIGHT - DAY)
    assert (late and late.days_late, in_time and in_time.days_late) == (3, 10)


@pytest.mark.parametrize(
    ("deadline", "next_by", "first"),
    [
        (None, None, None),
        (MIDNIGHT, None, MIDNIGHT),
        (None, date(2026, 3, 9), MIDNIGHT),
        (MIDNIGHT, date(2026, 3, 8), MIDNIGHT - DAY),
        (MIDNIGHT, date(2026, 3, 10), MIDNIGHT),
    ],
)
def test_the_earlier_of_deadline_and_named_day_counts(deadline, next_by, first) -> None:
    assert nearest(deadline, next_by, ZONE) == first


def _concept(scene):
    """An idea past gate 1 whose unit owes a preliminary answer within 30 days."""
    handoff = scene.agreed()
    scene.session.execute(
        sa.update(Idea)
        .where(col(Idea.id) == scene.idea.id)
        .values(stage=Stage.CONCEPT, activity=Activity.ACTIVE)
    )
    scene.session.expire_all()
    return handoff


def _name(scene, by, text="Plan the surface test"):
    set_next_step(
        scene.session,
        idea_id=scene.idea.id,
        step=text,
        who="Kari",
        by=by,
        person=scene.facilitator,
        now=scene.noon,
    )


def _everywhere(scene, now):
    """Return the last day and the days late as board and idea page, my work, queue and handoff say them."""
    session, kari = scene.session, scene.kari
    stand = standing(session, [scene.idea.id], now)[scene.idea.id]
    item = next(i for i in work(session, kari, now) if i.idea_id == scene.idea.id)
    rows = [row for lane in queue(session, kari, now, Choice()).lanes.values() for row in lane]
    page = sheet(session, rows[0].handoff.id, kari, now)
    found = {
        (stand.step_by, stand.late_days),
        *((due.last_day, due.days_late) for due in (item.due, rows[0].owed, page.owed)),
    }
    assert len(found) == 1, found
    return found.pop()


def test_a_named_day_before_the_deadline_stands_on_every_page(scene):
    _concept(scene)
    by = scene.noon.date() + timedelta(days=6)
    _name(scene, by)
    assert _everywhere(scene, scene.noon) == (by, 0)
    assert _everywhere(scene, scene.noon + 9 * DAY) == (by, 3)
    item = work(scene.session, scene.kari, scene.noon)[0]
    assert (item.step, item.step_who) == ("Plan the surface test", "Kari")
    late = queue(scene.session, scene.kari, scene.noon + 9 * DAY, Choice())
    assert (list(late.lanes), late.counts.late) == ([Lane.LATE], 1)


def test_a_deadline_before_the_named_day_stands_on_every_page_and_the_step_comes_after(scene):
    handoff = _concept(scene)
    _name(scene, scene.noon.date() + timedelta(days=60))
    last_day = scene.noon.date() + timedelta(days=30)
    assert _everywhere(scene, scene.noon) == (last_day, 0)
    assert _everywhere(scene, handoff.preliminary_due + DAY) == (last_day, 2)
    stand = standing(scene.session, [scene.idea.id], scene.noon)[scene.idea.id]
    assert (str(stand.step), stand.then, stand.then_by) == (
        "Preliminary answer",
        "Plan the surface test",
        scene.noon.date() + timedelta(days=60),
    )


def test_a_step_of_the_unit_keeps_the_day_somebody_named(scene):
    handoff = _concept(scene)
    by = scene.noon.date() + timedelta(days=6)
    _name(scene, by)
    scene.answer(handoff, AnswerKind.PRELIMINARY, scene.noon)
    assert _everywhere(scene, scene.noon) == (by, 0)


@pytest.mark.parametrize(
    ("step", "kind", "stays"),
    [
        ("Foreløpig svar fra parkene", AnswerKind.PRELIMINARY, False),
        ("Slutligt svar", AnswerKind.PRELIMINARY, True),
        ("Alustava vastaus", AnswerKind.RECEIPT, True),
        ("Talk about the final answer with the class", AnswerKind.FINAL, True),
    ],
)
def test_a_named_step_is_over_when_it_was_the_answer_that_has_come(scene, step, kind, stays):
    handoff = _concept(scene)
    _name(scene, scene.noon.date() + timedelta(days=2), step)
    if kind is AnswerKind.FINAL:
        scene.final(handoff, scene.noon)
    elif kind is AnswerKind.PRELIMINARY:
        scene.answer(handoff, kind, scene.noon)
    scene.session.expire_all()
    idea = scene.session.get_one(Idea, scene.idea.id)
    assert (idea.next_step, idea.next_by is not None) == ((step, True) if stays else ("", False))
    if not stays:
        assert idea.due_at == handoff.decision_due


def test_moving_the_decision_moves_what_the_idea_is_owed(scene):
    handoff = _concept(scene)
    scene.answer(handoff, AnswerKind.PRELIMINARY, scene.noon)
    until = scene.noon.date() + timedelta(days=150)
    commands.extend_decision(
        scene.session,
        handoff_id=handoff.id,
        until=until,
        reason="Vinteren",
        person=scene.kari,
        now=scene.noon,
    )
    assert scene.session.get_one(Idea, scene.idea.id).due_at == handoff.decision_due
    assert _everywhere(scene, scene.noon) == (until, 0)


def test_while_the_author_is_asked_the_idea_is_owed_the_reply(scene):
    handoff = _concept(scene)
    until = scene.noon.date() + timedelta(days=10)
    commands.wait_for_author(
        scene.session,
        handoff_id=handoff.id,
        until=until,
        question="Hvor?",
        person=scene.kari,
        now=scene.noon + DAY,
    )
    _name(scene, None)
    stand = standing(scene.session, [scene.idea.id], scene.noon + 2 * DAY)[scene.idea.id]
    assert (stand.step_by, stand.late_days) == (until, 0)


def test_a_unit_that_asks_the_author_when_it_is_late_stays_as_late_as_it_was(scene):
    handoff = _concept(scene)
    late = handoff.preliminary_due + 4 * DAY
    commands.wait_for_author(
        scene.session,
        handoff_id=handoff.id,
        until=late.date() + timedelta(days=10),
        question="Hvor?",
        person=scene.kari,
        now=late,
    )
    days = standing(scene.session, [scene.idea.id], late)[scene.idea.id].late_days
    found = queue(scene.session, scene.kari, late + 6 * DAY, Choice())
    assert days == 5
    assert standing(scene.session, [scene.idea.id], late + 6 * DAY)[scene.idea.id].late_days == days
    assert [row.owed.days_late for row in found.lanes[Lane.LATE]] == [days]


def test_closing_a_handoff_leaves_only_the_named_day(scene):
    handoff = _concept(scene)
    _name(scene, scene.noon.date() + timedelta(days=50))
    commands.close_handoff(scene.session, handoff.idea_id, "archived", scene.noon)
    idea = scene.session.get_one(Idea, scene.idea.id, populate_existing=True)
    assert idea.due_at == datetime(2026, 4, 21, 22, tzinfo=UTC)
