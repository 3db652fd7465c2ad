"""Who has a case in hand: for five minutes, renewed by working on it; a colleague may take it over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from livinglab.core.errors import Refused
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Comment
from livinglab.moderation.commands import hold_case
from livinglab.moderation.models import Case
from livinglab.moderation.queries import case_page, figures, next_case, pile
from livinglab.moderation.queries.queue import _numbers_query
from livinglab.moderation.rules import HOLD_FOR, RENEW_AFTER, Verdict
from livinglab.people.models import Person
from tests.make import Make
from tests.moderation.conftest import Desk

MINUTE = timedelta(minutes=1)


@pytest.fixture
def jon(make: Make, desk: Desk) -> Viewer:
    return make.viewer(make.manager(desk.lab))


def take(desk: Desk, case: Case, person: Viewer, *, over: bool = False, minutes: float = 0) -> int | None:
    now = desk.now + minutes * MINUTE
    return hold_case(desk.session, case_id=case.id or 0, person=person, now=now, take_over=over)


def test_the_second_of_two_moderators_is_told_who_has_it_and_since_when(desk: Desk, jon: Viewer) -> None:
    case = desk.hand.case(desk.hand.idea(desk.lab).id)
    assert take(desk, case, desk.ida) is None
    assert take(desk, case, jon, minutes=1) == desk.ida.person_id
    page = case_page(desk.session, case.id or 0, jon, desk.now + MINUTE)
    assert (page.holder, page.held_at, page.held_until) == (desk.ida.name, desk.now, None)
    assert [item.holder for item in pile(desk.session, jon, desk.now).items] == [desk.ida.name]
    own = case_page(desk.session, case.id or 0, desk.ida, desk.now + MINUTE)
    assert (own.holder, own.held_until) == (None, desk.now + HOLD_FOR)


def test_a_hold_ends_by_itself_and_working_renews_it(desk: Desk, jon: Viewer) -> None:
    case = desk.hand.case(desk.hand.idea(desk.lab).id)
    take(desk, case, desk.ida)
    assert next_case(desk.session, jon, desk.now) is None
    assert next_case(desk.session, jon, desk.now + HOLD_FOR) == case.id
    take(desk, case, desk.ida, minutes=0.5)
    assert case.held_at == desk.now, "within a minute nothing is written"
    take(desk, case, desk.ida, minutes=RENEW_AFTER / MINUTE)
    assert next_case(desk.session, jon, desk.now + HOLD_FOR) is None
    assert next_case(desk.session, jon, desk.now + HOLD_FOR + RENEW_AFTER) == case.id
    assert take(desk, case, jon, minutes=7) is None
    assert case.held_by == jon.person_id


def test_whoever_takes_the_next_puts_the_one_before_back(desk: Desk, jon: Viewer) -> None:
    first, second = (desk.hand.case(desk.hand.idea(desk.lab).id) for _ in range(2))
    take(desk, first, desk.ida)
    take(desk, second, desk.ida)
    assert (first.held_by, second.held_by) == (None, desk.ida.person_id)
    assert next_case(desk.session, jon, desk.now) == first.id


def test_a_colleague_takes_over_and_the_first_is_told_and_decides_nothing(desk: Desk, jon: Viewer) -> None:
    idea = desk.hand.idea(desk.lab)
    case = desk.hand.case(idea.id)
    take(desk, case, desk.ida)
    with pytest.raises(Refused) as refused:
        desk.decide(Verdict.PUBLISH, idea.id, person=jon)
    assert (refused.value.code, desk.ida.name in str(refused.value.reason)) == ("in-other-hands", True)
    assert take(desk, case, jon, over=True) is None
    assert desk.refused(Verdict.RETURN, idea.id) == "in-other-hands"
    assert case_page(desk.session, case.id or 0, desk.ida, desk.now).holder == jon.name
    take(desk, case, desk.ida, over=True)
    desk.decide(Verdict.RETURN, idea.id)
    assert (case.held_by, case.closed_at) == (None, desk.now)


def test_who_went_away_keeps_nobody_from_deciding(desk: Desk, jon: Viewer) -> None:
    idea = desk.hand.idea(desk.lab)
    take(desk, desk.hand.case(idea.id), desk.ida)
    desk.decide(Verdict.PUBLISH, idea.id, person=jon, now=desk.now + HOLD_FOR)


def test_nobody_holds_their_own_or_what_is_decided(make: Make, desk: Desk, jon: Viewer) -> None:
    idea = desk.hand.idea(desk.lab, desk.session.get_one(Person, jon.person_id))
    case = desk.hand.case(idea.id)
    for over in (False, True):
        with pytest.raises(Refused) as refused:
            take(desk, case, jon, over=over)
        assert refused.value.code == "own-content"
    desk.decide(Verdict.PUBLISH, idea.id)
    assert take(desk, case, make.viewer(make.facilitator(desk.lab)), over=True) is None
    assert case.held_by is None


def test_reports_are_not_read_by_whose_text_it_is(make: Make, desk: Desk, jon: Viewer) -> None:
    from livinglab.moderation.commands import report

    idea = make.idea(desk.lab, author=desk.session.get_one(Person, jon.person_id))
    report(
        desk.session, idea_id=idea.id or 0, person=make.viewer(), rule="respect", text="Jeg bor ved siden av.",
        now=desk.now,
    )  # fmt: skip
    case_id = desk.hand.case(idea.id).id or 0
    assert case_page(desk.session, case_id, jon, desk.now).reports == ()
    assert len(case_page(desk.session, case_id, desk.ida, desk.now).reports) == 1


def test_the_figures_count_what_waits_as_the_queue_does(desk: Desk, make: Make) -> None:
    idea = make.idea(desk.lab)
    kept, gone = (desk.hand.comment(idea, body=f"En tanke nummer {n} om benkene.") for n in (1, 2))
    assert figures(desk.session, desk.now, lab_id=desk.lab.id).waiting == 2
    desk.session.get_one(Comment, gone).deleted_at = desk.now
    desk.session.flush()
    shown = pile(desk.session, desk.ida, desk.now)
    assert figures(desk.session, desk.now, lab_id=desk.lab.id).waiting == shown.count == 1
    assert shown.items[0].id == desk.hand.case(idea.id, kept).id


def test_what_waits_is_counted_no_further_than_it_is_said(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        desk.hand.idea(desk.lab)
        desk.hand.noon += timedelta(days=1)
    monkeypatch.setattr("livinglab.ideas.queries.counts.MOST_COUNTED", 2)
    _numbers_query.cache_clear()
    late = desk.now + timedelta(days=30)
    shown = pile(desk.session, desk.ida, late)
    assert (len(shown.items), shown.count, shown.late) == (4, 3, 3)
    counted = figures(desk.session, late, lab_id=desk.lab.id)
    assert (counted.waiting, counted.late) == (3, 3)
    _numbers_query.cache_clear()
