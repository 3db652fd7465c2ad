"""The public figures equal a recount of the rows, and ask as much of the database however many there are."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from importlib import import_module
from random import Random
from statistics import median

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.ideas.models import Publication
from livinglab.labs.models import Lab
from livinglab.moderation.models import Action, Case, Decision, Source
from livinglab.moderation.queries import figures
from livinglab.moderation.rules import HOUSE_RULES, NEEDS_REASONS
from tests.make import Make


def decide_many(session: Session, make: Make, lab: Lab, number: int, noon: datetime) -> None:
    """Write decisions of the last 200 days, some by nobody, after anything from a minute to five days."""
    dice, idea, by = Random(number), make.idea(lab), make.facilitator(lab)
    actions = [Action.PUBLISH, Action.KEEP, Action.RETURN, Action.REJECT, Action.HIDE]
    for _ in range(number):
        at = noon - timedelta(days=200 * dice.random())
        opened = at - timedelta(minutes=dice.randint(1, 5 * 24 * 60))
        case = Case(
            lab_id=lab.id, idea_id=idea.id, source=Source.REPORT, opened_at=opened,
            due_at=opened + timedelta(days=2), closed_at=at,
        )  # fmt: skip
        session.add(case)
        session.flush()
        action = dice.choice(actions)
        rule = dice.choice(list(HOUSE_RULES)) if action in NEEDS_REASONS else None
        automatic = action is Action.HIDE and dice.random() < 0.5
        session.add(
            Decision(
                case_id=case.id,
                lab_id=lab.id,
                idea_id=idea.id,
                action=action,
                rule=rule,
                automatic=automatic,
                by_id=None if automatic else by.id,
                at=at,
                was=Publication.PUBLISHED,
            )
        )
    session.flush()


@pytest.mark.parametrize("number", [0, 1, 2, 61, 120])
def test_the_figures_equal_a_recount(session: Session, make: Make, noon: datetime, number: int) -> None:
    lab, other = make.lab(), make.lab()
    decide_many(session, make, lab, number, noon)
    decide_many(session, make, other, 5, noon)
    since = noon - timedelta(days=90)
    query = select(Decision, Case).join(Case, col(Case.id) == col(Decision.case_id))
    rows = [pair for pair in session.execute(query.where(Decision.lab_id == lab.id)) if pair[0].at > since]
    by_hand = [(decision, case) for decision, case in rows if not decision.automatic]
    shown = figures(session, noon, lab_id=lab.id)
    assert shown.looked_at == len(by_hand)
    assert shown.automatic == len(rows) - len(by_hand)
    assert shown.in_time == sum(decision.at <= case.due_at for decision, case in by_hand)
    assert shown.by_action == Counter(decision.action for decision, _ in by_hand)
    cited = Counter((decision.rule, decision.action) for decision, _ in by_hand if decision.rule)
    assert {(r, a): n for r, of in shown.by_rule.items() for a, n in of.items()} == cited
    hours = [(decision.at - case.opened_at).total_seconds() / 3600 for decision, case in by_hand]
    if hours:
        assert shown.median_hours == pytest.approx(median(hours), abs=0.01)
    else:
        assert shown.median_hours is None
    both = figures(session, noon, labs={lab.id or 0, other.id or 0})
    assert both.looked_at == figures(session, noon, lab_id=other.id).looked_at + shown.looked_at
    assert figures(session, noon, labs=set()).looked_at == 0


def test_the_figures_ask_as_much_however_much_was_decided(
    session: Session, make: Make, noon: datetime
) -> None:
    lab = make.lab()
    decide_many(session, make, lab, 150, noon)
    silent = make.lab()
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    engine = session.get_bind()
    sa.event.listen(engine, "after_cursor_execute", note)
    try:
        few = figures(session, noon, lab_id=silent.id, days=200)
        quiet, asked[:] = len(asked), []
        busy = figures(session, noon, lab_id=lab.id, days=200)
    finally:
        sa.event.remove(engine, "after_cursor_execute", note)
    assert (few.looked_at, busy.looked_at > 100) == (0, True)
    assert len(asked) == quiet + 1, "one more for the middle, and none for each decision"
    assert sum("ORDER BY" in statement for statement in asked) == 1


def test_where_much_was_decided_it_is_counted_once_an_hour_and_what_waits_always(
    session: Session, make: Make, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("livinglab.moderation.queries.figures"), "MANY", 5)
    lab, small = make.lab(), make.lab()
    decide_many(session, make, lab, 30, noon)
    decide_many(session, make, small, 3, noon)
    before = figures(session, noon, lab_id=lab.id)
    few = figures(session, noon, lab_id=small.id)
    decide_many(session, make, lab, 30, noon)
    decide_many(session, make, small, 30, noon)
    session.scalars(select(Case).where(Case.lab_id == lab.id).limit(1)).one().closed_at = None
    session.flush()
    soon = noon + timedelta(minutes=59)
    kept = figures(session, soon, lab_id=lab.id)
    assert (kept.at, kept.looked_at) == (noon, before.looked_at)
    assert figures(session, soon, lab_id=small.id).looked_at > few.looked_at, "few are counted anew"
    assert (before.waiting, kept.waiting) == (0, 1)
    assert figures(session, noon + timedelta(minutes=60), lab_id=lab.id).looked_at > before.looked_at
