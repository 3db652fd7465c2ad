"""What other rooms and pages read of labs."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from livinglab.core.errors import NotFound
from livinglab.core.tokens import token_hash
from livinglab.core.viewer import Role
from livinglab.handoff.queries.late import late_answers
from livinglab.ideas.models import Activity, Publication, Stage
from livinglab.ideas.queries.counts import (
    happening,
    ideas_by_challenge,
    ideas_by_lab,
    ideas_in_box,
    listed_ids,
    quiet_cards,
    stages_of,
    undecided_in,
)
from livinglab.labs import queries
from livinglab.labs.models import ChallengeState
from livinglab.people.commands import end_role
from livinglab.people.models import Device, Person
from livinglab.pipeline.models import Benefit
from livinglab.pipeline.queries.services import services
from livinglab.voting.models import Support
from livinglab.voting.queries import active_people
from tests.make import Make


def device(session: Session, person: Person, noon: datetime) -> str:
    """Sign somebody in and return the hash of their token."""
    hashed = token_hash(f"token of {person.id}")
    session.add(
        Device(
            person_id=person.id or 0,
            token_hash=hashed,
            signed_in_at=noon,
            expires_at=noon + timedelta(days=60),
        )
    )
    session.flush()
    return hashed


def test_the_viewer_has_all_roles_and_units(session: Session, make: Make, noon: datetime) -> None:
    one, two = make.lab(), make.lab()
    person = make.facilitator(one)
    make.role(one, Role.LEAD, person)
    unit = make.unit(two, members=(person,))
    found = queries.load_viewer(session, device(session, person, noon), noon)
    assert found is not None
    assert found == make.viewer(person)
    assert found.units == {unit.id: two.id}


def test_a_lost_role_is_gone_at_the_next_request(session: Session, make: Make, noon: datetime) -> None:
    lab = make.lab()
    person, manager = make.facilitator(lab), make.viewer(make.manager(lab))
    hashed = device(session, person, noon)
    end_role(
        session, person_id=person.id or 0, lab_id=lab.id or 0, role=Role.FACILITATOR, by=manager, now=noon
    )
    found = queries.load_viewer(session, hashed, noon)
    assert found is not None
    assert found.roles == {}


@pytest.mark.parametrize("what", ["expired", "suspended", "erased", "unknown"])
def test_nobody_is_behind_a_dead_token(session: Session, make: Make, noon: datetime, what: str) -> None:
    person = make.person()
    hashed = device(session, person, noon)
    if what in ("suspended", "erased"):
        setattr(person, f"{what}_at", noon)
        session.add(person)
        session.flush()
    at = noon + timedelta(days=60) if what == "expired" else noon
    assert queries.load_viewer(session, "x" if what == "unknown" else hashed, at) is None


def test_open_challenges_are_those_that_take_ideas_now(session: Session, make: Make, noon: datetime) -> None:
    lab = make.lab()
    later = make.challenge(lab, closes_at=noon + timedelta(days=9))
    soon = make.challenge(lab, closes_at=noon + timedelta(days=2))
    make.challenge(lab, closes_at=noon)
    make.challenge(lab, state=ChallengeState.DRAFT)
    assert [c.id for c in queries.open_challenges(session, noon)] == [soon.id, later.id]
    assert queries.open_challenges(session, noon, lab_id=make.lab().id) == ()


def test_a_draft_is_in_no_public_list(session: Session, make: Make, noon: datetime) -> None:
    lab = make.lab()
    draft = make.challenge(lab, state=ChallengeState.DRAFT)
    assert queries.public_challenges(session) == ()
    assert queries.challenges_of(session, lab.id or 0) == ()
    assert [c.id for c in queries.challenges_of(session, lab.id or 0, drafts=True)] == [draft.id]


def test_labs_are_found_by_number_and_word(session: Session, make: Make) -> None:
    lab = make.lab("fjellvik")
    assert queries.lab_brief(session, lab.id or 0) == queries.lab_by_slug(session, "fjellvik")
    for missing in (lambda: queries.lab_brief(session, 99), lambda: queries.lab_by_slug(session, "nowhere")):
        with pytest.raises(NotFound):
            missing()


def test_addresses_are_masked_for_others_than_the_writer(
    session: Session, make: Make, noon: datetime
) -> None:
    from livinglab.labs.commands import invite

    lab = make.lab()
    writer, other = make.viewer(make.manager(lab)), make.viewer(make.manager(lab))
    invite(session, lab_id=lab.id or 0, email="kari@example.org", role=Role.LEAD, person=writer, now=noon)
    shown = [
        queries.invitations_of(session, lab.id or 0, viewer_id=v.known_id, now=noon)[0]
        for v in (writer, other)
    ]
    assert [row.email for row in shown] == ["kari@example.org", "k…@example.org"]
    late = queries.invitations_of(
        session, lab.id or 0, viewer_id=writer.known_id, now=noon + timedelta(days=14)
    )
    assert late[0].state == "expired"


def test_people_active_are_counted_once_within_90_days(session: Session, make: Make, noon: datetime) -> None:
    lab = make.lab()
    busy, commenter, supporter = make.person(), make.person(), make.person()
    idea = make.idea(lab, author=busy, published_at=noon - timedelta(days=80))
    make.idea(lab, author=busy, published_at=noon - timedelta(days=2))
    make.idea(lab, published_at=noon - timedelta(days=91))
    make.comment(idea, author=commenter, created_at=noon)
    make.comment(idea, author=commenter, created_at=noon)
    for person in (supporter, commenter):
        session.add(
            Support(idea_id=idea.id or 0, person_id=person.id or 0, given_at=noon, counts=True, staff=False)
        )
    session.flush()
    assert active_people(session, lab.id or 0, noon) == 3
    assert active_people(session, make.lab().id or 0, noon) == 0


def test_ideas_without_an_outcome_are_counted(session: Session, make: Make) -> None:
    lab = make.lab()
    challenge = make.challenge(lab)
    for activity in Activity:
        make.idea(lab, challenge=challenge, activity=activity)
    make.idea(lab, challenge=challenge, stage=Stage.CONCEPT)
    make.idea(lab, challenge=challenge, publication=Publication.PENDING)
    make.idea(lab, challenge=challenge, publication=Publication.REJECTED)
    assert undecided_in(session, challenge.id or 0) == 3  # active, in review, pending


def test_counts_hold_only_what_is_listed(session: Session, make: Make) -> None:
    lab = make.lab()
    challenge = make.challenge(lab)
    make.idea(lab, challenge=challenge)
    boxed = make.idea(lab, stage=Stage.CONCEPT)
    hidden = make.idea(lab, publication=Publication.HIDDEN)
    assert ideas_by_lab(session) == {lab.id: 2}
    assert ideas_by_challenge(session, [challenge.id or 0]) == {challenge.id: 1}
    assert ideas_in_box(session, lab.id or 0) == 1
    assert stages_of(session)[Stage.CONCEPT] == 1
    assert hidden.id not in listed_ids(session, above=0, most=100)
    assert happening(session) == boxed.id


def test_what_happens_is_what_came_into_review_last_however_many_are_there(
    session: Session, make: Make, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livinglab.ideas.queries.counts.MOVED", 2)
    labs = [make.lab(), make.lab()]
    made = []
    for n in range(12):
        stage = Stage.PROTOTYPE if n % 3 else Stage.CONCEPT
        waits = noon - timedelta(days=abs(n - 7))
        made.append(make.idea(labs[n % 2], stage=stage, activity=Activity.REVIEW, waits_since=waits))
    assert happening(session) == made[7].id


def test_ideas_that_need_eyes_are_the_least_seen(session: Session, make: Make, noon: datetime) -> None:
    lab = make.lab()
    seen, new = make.idea(lab, glance=3), make.idea(lab)
    make.idea(lab, stage=Stage.SERVICE)
    assert [card.id for card in quiet_cards(session, noon)] == [new.id, seen.id]


def test_services_come_with_what_they_changed(session: Session, make: Make, noon: datetime) -> None:
    lab = make.lab()
    idea = make.idea(lab, stage=Stage.SERVICE, published_at=noon - timedelta(days=300), stage_since=noon)
    session.add(
        Benefit(
            idea_id=idea.id or 0,
            label="Fall",
            unit="fall",
            baseline=9,
            baseline_on=noon.date(),
            target=4,
            measured=5,
        )
    )
    session.flush()
    card = services(session)[0]
    assert (card.was, card.now, card.months, card.credited) == (9, 5, 10, 1)


def test_late_answers_name_who_owes_them(session: Session, make: Make, noon: datetime) -> None:
    lab = make.lab()
    unit = make.unit(lab)
    late, hidden = make.idea(lab), make.idea(lab, publication=Publication.HIDDEN)
    for idea in (late, hidden):
        make.handoff(idea, unit, late_since=noon - timedelta(days=2))
    make.handoff(make.idea(lab), unit)
    unowned = make.idea(lab)
    handoff = make.handoff(unowned, unit, late_since=noon)
    handoff.unit_id = None
    session.add(handoff)
    session.flush()
    found = late_answers(session, noon)  # the mark comes the day after the last day in time
    assert [(a.idea_id, a.days, a.unit) for a in found] == [(late.id, 3, unit.name), (unowned.id, 1, None)]
