"""Giving and withdrawing support, one by one."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlmodel import select

from livinglab.core.errors import Forbidden, NotFound, Refused, TooMany
from livinglab.core.journal import Event, EventTodo
from livinglab.core.viewer import VISITOR
from livinglab.ideas.models import Activity, Credit, CreditKind, Idea, IdeaCount, Publication, Stage
from livinglab.voting.commands import support_idea, withdraw_support
from livinglab.voting.models import Support, SupportGiven, ThresholdReached
from livinglab.voting.queries import support_count, support_state
from livinglab.voting.rules import OPEN_ACTIVITIES, OPEN_STAGES, PER_DAY, PER_HOUR
from tests.make import Make


def rows(session: Session, table: type) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def numbers(session: Session, idea: Idea) -> tuple[int, int]:
    count = session.get_one(IdeaCount, idea.id, populate_existing=True)
    return count.supports, count.staff_supports


def test_a_support_is_one_row_and_one_in_the_count(session: Session, make: Make, noon: datetime) -> None:
    idea, person = make.idea(), make.viewer()
    given = support_idea(session, idea_id=idea.id, person=person, now=noon)
    assert (given.counts, given.staff, given.given_at) == (True, False, noon)
    assert numbers(session, idea) == (1, 0)
    assert rows(session, Support) == 1


def test_supporting_twice_keeps_the_first_support(session: Session, make: Make, noon: datetime) -> None:
    idea, person = make.idea(), make.viewer()
    support_idea(session, idea_id=idea.id, person=person, now=noon)
    again = support_idea(session, idea_id=idea.id, person=person, now=noon + timedelta(hours=1))
    assert (again.given_at, support_count(session, idea.id)) == (noon, 1)
    assert rows(session, SupportGiven) == 1


def test_the_database_itself_allows_no_second_one(session: Session, make: Make, noon: datetime) -> None:
    idea, person = make.idea(), make.viewer()
    support_idea(session, idea_id=idea.id, person=person, now=noon)
    with pytest.raises(IntegrityError):
        session.execute(
            sa.insert(Support).values(
                idea_id=idea.id, person_id=person.person_id, given_at=noon, counts=True, staff=False
            )
        )


def test_withdrawing_takes_it_out_of_the_count(session: Session, make: Make, noon: datetime) -> None:
    idea, person = make.idea(), make.viewer()
    support_idea(session, idea_id=idea.id, person=person, now=noon)
    assert withdraw_support(session, idea_id=idea.id, person=person) is True
    assert numbers(session, idea) == (0, 0)
    assert withdraw_support(session, idea_id=idea.id, person=person) is False
    assert numbers(session, idea) == (0, 0)


def test_one_may_withdraw_even_when_the_idea_takes_no_support_any_more(
    session: Session, make: Make, noon: datetime
) -> None:
    idea, person = make.idea(), make.viewer()
    support_idea(session, idea_id=idea.id, person=person, now=noon)
    idea.stage = Stage.SERVICE
    session.flush()
    assert withdraw_support(session, idea_id=idea.id, person=person) is True


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("activity", list(Activity))
def test_support_is_open_in_exactly_these_stages_and_activities(
    session: Session, make: Make, noon: datetime, stage: Stage, activity: Activity
) -> None:
    idea, person = make.idea(stage=stage, activity=activity), make.viewer()
    if stage in OPEN_STAGES and activity in OPEN_ACTIVITIES:
        support_idea(session, idea_id=idea.id, person=person, now=noon)
        assert numbers(session, idea) == (1, 0)
        return
    with pytest.raises(Refused) as refused:
        support_idea(session, idea_id=idea.id, person=person, now=noon)
    assert refused.value.code == "support-closed"
    assert (rows(session, Support), rows(session, SupportGiven), numbers(session, idea)) == (0, 0, (0, 0))


@pytest.mark.parametrize("publication", [p for p in Publication if p is not Publication.PUBLISHED])
def test_what_is_not_public_is_not_there(
    session: Session, make: Make, noon: datetime, publication: Publication
) -> None:
    idea = make.idea(publication=publication)
    with pytest.raises(NotFound) as refused:
        support_idea(session, idea_id=idea.id, person=make.viewer(), now=noon)
    assert refused.value.code == "no-such-idea"
    with pytest.raises(NotFound):
        support_idea(session, idea_id=999_999, person=make.viewer(), now=noon)


def test_a_visitor_is_asked_to_sign_in(session: Session, make: Make, noon: datetime) -> None:
    with pytest.raises(Forbidden) as refused:
        support_idea(session, idea_id=make.idea().id, person=VISITOR, now=noon)
    assert refused.value.code == "sign-in-first"


def test_an_unconfirmed_address_cannot_support(session: Session, make: Make, noon: datetime) -> None:
    with pytest.raises(Forbidden) as refused:
        support_idea(session, idea_id=make.idea().id, person=make.viewer(make.person(trust=0)), now=noon)
    assert refused.value.code == "trust-too-low"


@pytest.mark.parametrize(
    ("needed", "trust", "allowed"), [(1, 1, True), (2, 1, False), (2, 2, True), (3, 2, False), (3, 3, True)]
)
def test_a_challenge_may_demand_a_trust_level(
    session: Session, make: Make, noon: datetime, needed: int, trust: int, allowed: bool
) -> None:
    lab = make.lab()
    idea = make.idea(lab, challenge=make.challenge(lab, trust_needed=needed))
    person = make.viewer(make.person(trust=trust))
    if allowed:
        support_idea(session, idea_id=idea.id, person=person, now=noon)
        return
    with pytest.raises(Forbidden) as refused:
        support_idea(session, idea_id=idea.id, person=person, now=noon)
    assert refused.value.code == "trust-too-low"


def test_staff_supports_stand_beside_the_number(session: Session, make: Make, noon: datetime) -> None:
    lab = make.lab()
    idea, member = make.idea(lab), make.person()
    make.unit(lab, members=(member,))
    for person in (make.facilitator(lab), make.lead(lab), make.manager(lab), member):
        given = support_idea(session, idea_id=idea.id, person=make.viewer(person), now=noon)
        assert (given.counts, given.staff) == (False, True)
    assert numbers(session, idea) == (0, 4)
    elsewhere = make.facilitator(make.lab())
    assert support_idea(session, idea_id=idea.id, person=make.viewer(elsewhere), now=noon).counts


def test_whether_it_counts_is_fixed_when_given(session: Session, make: Make, noon: datetime) -> None:
    lab = make.lab()
    idea, person = make.idea(lab), make.person()
    support_idea(session, idea_id=idea.id, person=make.viewer(person), now=noon)
    make.facilitator(lab, person)
    assert numbers(session, idea) == (1, 0)
    withdraw_support(session, idea_id=idea.id, person=make.viewer(person))
    assert numbers(session, idea) == (0, 0)


def test_the_authors_own_counts_nowhere(session: Session, make: Make, noon: datetime) -> None:
    lab = make.lab()
    author, co_author = make.facilitator(lab), make.person()
    idea = make.idea(lab, author=author)
    make.add(Credit(idea_id=idea.id, person_id=co_author.id, kind=CreditKind.CO_AUTHOR, given_at=noon))
    for person in (author, co_author):
        given = support_idea(session, idea_id=idea.id, person=make.viewer(person), now=noon)
        assert (given.counts, given.staff) == (False, False)
    assert numbers(session, idea) == (0, 0)
    withdraw_support(session, idea_id=idea.id, person=make.viewer(author))
    assert numbers(session, idea) == (0, 0)


def test_thirty_an_hour_and_withdrawn_ones_are_counted(session: Session, make: Make, noon: datetime) -> None:
    lab, person = make.lab(), make.viewer()
    first = make.idea(lab)
    for n in range(PER_HOUR // 2):
        at = noon + timedelta(minutes=n)
        support_idea(session, idea_id=first.id, person=person, now=at)
        withdraw_support(session, idea_id=first.id, person=person)
        support_idea(session, idea_id=make.idea(lab).id, person=person, now=at)
    with pytest.raises(TooMany) as refused:
        support_idea(session, idea_id=first.id, person=person, now=noon + timedelta(minutes=50))
    assert refused.value.code == "too-many-this-hour"
    assert rows(session, SupportGiven) == PER_HOUR
    support_idea(session, idea_id=first.id, person=person, now=noon + timedelta(minutes=61))


def test_a_hundred_a_day(session: Session, make: Make, noon: datetime) -> None:
    person, idea = make.viewer(), make.idea()
    make.add(
        *(SupportGiven(person_id=person.known_id, at=noon - timedelta(hours=20)) for _ in range(PER_DAY))
    )
    with pytest.raises(TooMany) as refused:
        support_idea(session, idea_id=idea.id, person=person, now=noon)
    assert refused.value.code == "too-many-today"
    support_idea(session, idea_id=idea.id, person=person, now=noon + timedelta(hours=4, minutes=1))


def test_repeating_a_standing_support_is_never_too_many(session: Session, make: Make, noon: datetime) -> None:
    person, idea = make.viewer(), make.idea()
    support_idea(session, idea_id=idea.id, person=person, now=noon)
    make.add(*(SupportGiven(person_id=person.known_id, at=noon) for _ in range(PER_HOUR)))
    assert support_idea(session, idea_id=idea.id, person=person, now=noon).given_at == noon


def reached(session: Session) -> list[tuple[int, int, int]]:
    return [(r.idea_id, r.round, r.threshold) for r in session.scalars(select(ThresholdReached))]


def test_the_threshold_is_recorded_once_per_idea_and_round(
    session: Session, make: Make, noon: datetime
) -> None:
    lab = make.lab()
    idea = make.idea(lab, challenge=make.challenge(lab, threshold=3))
    support_idea(session, idea_id=idea.id, person=make.viewer(make.facilitator(lab)), now=noon)
    people = [make.viewer() for _ in range(5)]
    for person in people[:2]:
        support_idea(session, idea_id=idea.id, person=person, now=noon)
    assert reached(session) == []
    support_idea(session, idea_id=idea.id, person=people[2], now=noon)
    assert reached(session) == [(idea.id, 1, 3)]
    withdraw_support(session, idea_id=idea.id, person=people[2])
    for person in people[2:]:
        support_idea(session, idea_id=idea.id, person=person, now=noon)
    assert reached(session) == [(idea.id, 1, 3)]
    event = session.scalars(select(Event).where(Event.kind == "threshold-reached")).one()
    assert (event.idea_id, event.actor_id, event.data) == (idea.id, None, {"threshold": 3, "round": 1})
    readers = session.scalars(select(EventTodo.reader).where(EventTodo.event_id == event.id)).all()
    assert sorted(readers) == ["notices", "pipeline"]


def test_a_reopened_idea_reaches_it_anew(session: Session, make: Make, noon: datetime) -> None:
    lab = make.lab(box_threshold=1)
    idea = make.idea(lab)
    support_idea(session, idea_id=idea.id, person=make.viewer(), now=noon)
    idea.round = 2
    session.flush()
    support_idea(session, idea_id=idea.id, person=make.viewer(), now=noon)
    assert sorted(reached(session)) == [(idea.id, 1, 1), (idea.id, 2, 1)]


def test_the_idea_box_uses_the_threshold_of_the_lab(session: Session, make: Make, noon: datetime) -> None:
    idea = make.idea(make.lab(box_threshold=2))
    for _ in range(2):
        support_idea(session, idea_id=idea.id, person=make.viewer(), now=noon)
    assert reached(session) == [(idea.id, 1, 2)]


def test_the_page_names_the_threshold_only_while_it_opens_a_review(
    session: Session, make: Make, noon: datetime
) -> None:
    lab = make.lab(box_threshold=2)
    idea, concept = make.idea(lab), make.idea(lab, stage=Stage.CONCEPT)
    assert support_state(session, idea.id, VISITOR, noon).threshold == 2
    assert support_state(session, concept.id, VISITOR, noon).threshold is None
    for _ in range(2):
        support_idea(session, idea_id=idea.id, person=make.viewer(), now=noon)
    assert support_state(session, idea.id, VISITOR, noon).threshold is None


def test_the_page_hides_the_number_for_72_hours_and_until_the_challenge_shows_it(
    session: Session, make: Make, noon: datetime
) -> None:
    lab = make.lab()
    young = make.idea(lab, published_at=noon - timedelta(hours=71), supports=12)
    closing = noon + timedelta(days=5)
    asked = make.idea(lab, challenge=make.challenge(lab, closes_at=closing), supports=30)
    early = make.idea(lab, challenge=make.challenge(lab, counts_from=noon), supports=4)
    states = [support_state(session, idea.id, VISITOR, noon) for idea in (young, asked, early)]
    assert [s.supports for s in states] == [None, None, 4]
    assert [s.staff for s in states] == [None, None, 0]
    assert [s.threshold for s in states] == [None, None, 10]
    assert [s.band for s in states] == [2, 3, 1]
    assert [s.counts_from for s in states] == [noon + timedelta(hours=1), closing, None]
    manager = make.viewer(make.manager(lab))
    assert support_state(session, young.id, manager, noon).supports is None
    assert support_state(session, young.id, VISITOR, noon + timedelta(hours=1)).supports == 12


def test_the_page_says_what_is_mine_and_why_not(session: Session, make: Make, noon: datetime) -> None:
    idea, person = make.idea(), make.viewer()
    before = support_state(session, idea.id, person, noon)
    support_idea(session, idea_id=idea.id, person=person, now=noon)
    after = support_state(session, idea.id, person, noon)
    assert (before.mine, before.why_not, before.following) == (False, None, False)
    assert (after.mine, after.mine_counts, after.supports) == (True, True, 1)
    nobody = support_state(session, idea.id, VISITOR, noon)
    assert nobody.why_not is not None
    assert nobody.why_not.code == "sign-in-first"
