"""Commands of the labs room, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.errors import Forbidden, NotFound, Refused, TooMany
from livinglab.core.journal import Event
from livinglab.core.mail import OutboxMail
from livinglab.core.viewer import Role, Viewer
from livinglab.labs import commands, queries
from livinglab.labs.commands import CardTexts, CardTimes, CategoryDraft
from livinglab.labs.models import (
    AudienceLevel,
    Category,
    Challenge,
    ChallengeState,
    Invitation,
    Lab,
    LabSettings,
)
from livinglab.labs.rules import MeasureDraft
from livinglab.people.commands import end_role
from livinglab.people.models import Person, RoleGrant
from livinglab.voting.queries import active_people
from tests.make import Make


def codes(session: Session) -> list[str]:
    """Return the kinds of all events, oldest first."""
    return list(session.scalars(select(Event.kind).order_by(col(Event.id))))


def new_lab(session: Session, person: Viewer, now: datetime, **more: Any) -> Lab:
    """Make a lab."""
    values: dict[str, Any] = {
        "slug": "fjellvik", "name": " Fjellvik  Living Lab ", "languages": ["nb", "en"],
        "timezones": ["Europe/Oslo"], "country": "no",
    }  # fmt: skip
    return commands.create_lab(session, person=person, now=now, **(values | more))


def test_the_administrator_makes_a_lab_with_the_rules_own_numbers(
    session: Session, make: Make, noon: datetime
) -> None:
    lab = new_lab(session, make.viewer(make.admin()), noon, tagline={"nb": "Fra idé", "fi": " "})
    assert (lab.name, lab.country, lab.tagline) == ("Fjellvik Living Lab", "NO", {"nb": "Fra idé"})
    assert queries.lab_settings(session, lab.id or 0).threshold_least == 10
    assert codes(session) == ["lab-created"]


def test_nobody_else_makes_a_lab(session: Session, make: Make, noon: datetime) -> None:
    with pytest.raises(Forbidden) as refused:
        new_lab(session, make.viewer(make.manager(make.lab())), noon)
    assert refused.value.code == "not-admin"
    assert codes(session) == []


def test_an_address_is_taken_once(session: Session, make: Make, noon: datetime) -> None:
    admin = make.viewer(make.admin())
    new_lab(session, admin, noon)
    with pytest.raises(Refused) as refused:
        new_lab(session, admin, noon)
    assert refused.value.code == "slug-taken"


def test_settings_change_only_what_was_said_and_only_by_the_manager(
    session: Session, make: Make, noon: datetime
) -> None:
    lab = make.lab()
    manager, lead = make.viewer(make.manager(lab)), make.viewer(make.lead(lab))
    lab_id = lab.id or 0
    commands.change_settings(session, lab_id=lab_id, numbers={"threshold_least": 5}, person=manager, now=noon)
    row = session.get_one(LabSettings, lab_id)
    assert (row.threshold_least, row.threshold_most) == (5, 100)
    with pytest.raises(Forbidden):
        commands.change_settings(session, lab_id=lab_id, numbers={"deciders": 1}, person=lead, now=noon)
    with pytest.raises(Refused):
        commands.change_settings(session, lab_id=lab_id, numbers={"deciders": 3}, person=manager, now=noon)
    assert row.deciders == 2


def test_the_journal_keeps_no_addresses_of_the_steering_list(
    session: Session, make: Make, noon: datetime
) -> None:
    lab = make.lab()
    numbers = {"steering_emails": ["chief@example.org"]}
    commands.change_settings(
        session, lab_id=lab.id or 0, numbers=numbers, person=make.viewer(make.manager(lab)), now=noon
    )
    event = session.scalars(select(Event)).one()
    assert event.data == {"changed": {"steering_emails": 1}}
    assert not event.public


def test_subjects_keep_their_address_when_renamed(session: Session, make: Make, noon: datetime) -> None:
    lab = make.lab()
    manager, lab_id = make.viewer(make.manager(lab)), lab.id or 0
    assert commands.add_usual_categories(session, lab_id=lab_id, person=manager, now=noon) == 14
    assert commands.add_usual_categories(session, lab_id=lab_id, person=manager, now=noon) == 0
    first = queries.categories_of(session, lab_id)[0]
    drafts = [
        CategoryDraft({"nb": "Ferdsel"}, first.id),
        CategoryDraft({"nb": "Båtliv"}),
        CategoryDraft({"nb": "Båtliv"}),
    ]
    commands.set_categories(session, lab_id=lab_id, drafts=drafts, person=manager, now=noon)
    rows = {c.slug: c.name for c in session.scalars(select(Category))}
    assert rows["mobility"] == {"nb": "Ferdsel"}
    assert {"batliv", "batliv-2"} <= set(rows)


def test_a_retired_subject_is_not_offered_any_more(session: Session, make: Make, noon: datetime) -> None:
    lab = make.lab()
    category = make.category(lab)
    draft = CategoryDraft({"nb": "Gammel"}, category.id, retired=True)
    commands.set_categories(
        session, lab_id=lab.id or 0, drafts=[draft], person=make.viewer(make.manager(lab)), now=noon
    )
    assert queries.categories_of(session, lab.id or 0) == ()
    assert len(queries.categories_of(session, lab.id or 0, retired=True)) == 1


def test_the_idea_boxs_threshold_is_renewed_once_a_month(
    session: Session, make: Make, noon: datetime
) -> None:
    lab = make.lab(settings={"threshold_least": 1, "threshold_percent": 50.0})
    for _ in range(3):
        make.idea(lab, published_at=noon - timedelta(days=5))
    make.idea(lab, published_at=noon - timedelta(days=91))
    assert commands.renew_box_thresholds(session, noon, count_active=active_people) == 1
    assert (lab.box_threshold, lab.box_threshold_at) == (2, noon)
    assert commands.renew_box_thresholds(session, noon + timedelta(days=20), count_active=active_people) == 0
    assert commands.renew_box_thresholds(session, noon + timedelta(days=31), count_active=active_people) == 1


def draft(session: Session, make: Make, now: datetime) -> tuple[Lab, Challenge, Viewer]:
    """A whole draft in a staffed lab, and its manager."""
    lab = make.lab(settings={"threshold_least": 1, "threshold_percent": 50.0, "threshold_most": 7})
    manager = make.viewer(make.manager(lab))
    facilitator, lead = make.facilitator(lab), make.lead(lab)
    make.unit(lab)
    words = {"nb": "Ord"}
    texts = CardTexts(title=words, goal=words, purpose=words, benefit=words)
    row = commands.draft_challenge(
        session, lab_id=lab.id or 0, texts=texts, person=make.viewer(lead), now=now
    )
    number = row.id or 0
    times = CardTimes(facilitator.id, lead.id, now + timedelta(days=30))
    commands.set_times(session, challenge_id=number, times=times, person=manager, now=now)
    measure = MeasureDraft({"nb": "Fall"}, "fall", 40, 30, (now + timedelta(days=300)).date())
    commands.set_measures(session, challenge_id=number, measures=[measure], person=manager, now=now)
    groups = [(level, {"nb": level.value}) for level in AudienceLevel]
    commands.set_audiences(session, challenge_id=number, audiences=groups, person=manager, now=now)
    return lab, row, manager


def test_opening_freezes_the_threshold(session: Session, make: Make, noon: datetime) -> None:
    lab, row, manager = draft(session, make, noon)
    for _ in range(5):
        make.idea(lab, published_at=noon - timedelta(days=2))
    number = row.id or 0
    opened = commands.open_challenge(
        session, challenge_id=number, person=manager, now=noon, count_active=active_people
    )
    assert (opened.state, opened.threshold, opened.opened_at) == (ChallengeState.OPEN, 3, noon)
    commands.change_settings(
        session, lab_id=lab.id or 0, numbers={"threshold_least": 7}, person=manager, now=noon
    )
    assert session.get_one(Challenge, number).threshold == 3
    assert codes(session)[-2:] == ["challenge-opened", "settings-changed"]


@pytest.mark.parametrize("lacks", ["measures", "audiences", "unit", "goal"])
def test_a_challenge_that_lacks_something_does_not_open(
    session: Session, make: Make, noon: datetime, lacks: str
) -> None:
    lab, row, manager = draft(session, make, noon)
    number = row.id or 0
    if lacks == "measures":
        commands.set_measures(session, challenge_id=number, measures=[], person=manager, now=noon)
    elif lacks == "audiences":
        commands.set_audiences(session, challenge_id=number, audiences=[], person=manager, now=noon)
    elif lacks == "unit":
        unit = queries.units_of(session, lab.id or 0)[0]
        commands.retire_unit(session, unit_id=unit.id, open_handoffs=0, person=manager, now=noon)
    else:
        commands.edit_card(
            session, challenge_id=number, texts=CardTexts({"nb": "T"}), person=manager, now=noon
        )
    before = codes(session)
    with pytest.raises(Refused) as refused:
        commands.open_challenge(
            session, challenge_id=number, person=manager, now=noon, count_active=active_people
        )
    assert refused.value.code == "not-ready"
    assert (session.get_one(Challenge, number).state, codes(session)) == (ChallengeState.DRAFT, before)


def test_an_open_challenge_keeps_its_measures_audiences_and_clock(
    session: Session, make: Make, noon: datetime
) -> None:
    _lab, row, manager = draft(session, make, noon)
    number = row.id or 0
    commands.open_challenge(
        session, challenge_id=number, person=manager, now=noon, count_active=active_people
    )
    later = CardTimes(row.responsible_id, row.deputy_id, noon + timedelta(days=90))
    attempts = [
        lambda: commands.set_measures(session, challenge_id=number, measures=[], person=manager, now=noon),
        lambda: commands.set_audiences(session, challenge_id=number, audiences=[], person=manager, now=noon),
        lambda: commands.set_times(session, challenge_id=number, times=later, person=manager, now=noon),
    ]
    for attempt in attempts:
        with pytest.raises(Refused) as refused:
            attempt()
        assert refused.value.code == "card-frozen"
    same = CardTimes(row.deputy_id, row.responsible_id, row.closes_at)
    assert (
        commands.set_times(session, challenge_id=number, times=same, person=manager, now=noon).closes_at
        == row.closes_at
    )


def test_times_lie_ahead_and_name_two_people_of_the_lab(session: Session, make: Make, noon: datetime) -> None:
    _lab, row, manager = draft(session, make, noon)
    stranger = make.person()
    good, number = row.responsible_id, row.id or 0
    wrong = {
        "closes-in-past": CardTimes(good, None, noon), "same-person": CardTimes(good, good),
        "counts-after-closing": CardTimes(good, None, noon + timedelta(days=1), noon + timedelta(days=2)),
        "not-in-lab": CardTimes(stranger.id, None), "bad-trust": CardTimes(good, None, trust_needed=4),
    }  # fmt: skip
    for code, times in wrong.items():
        with pytest.raises(Refused) as refused:
            commands.set_times(session, challenge_id=number, times=times, person=manager, now=noon)
        assert refused.value.code == code


def test_a_challenge_closes_at_its_instant_once(session: Session, make: Make, noon: datetime) -> None:
    challenge = make.challenge(make.lab(), closes_at=noon)
    assert commands.close_due_challenges(session, noon - timedelta(seconds=1)) == 0
    assert commands.close_due_challenges(session, noon + timedelta(minutes=1)) == 1
    assert commands.close_due_challenges(session, noon + timedelta(minutes=2)) == 0
    session.refresh(challenge)
    assert (challenge.state, challenge.closed_at) == (ChallengeState.CLOSED, noon)
    assert codes(session) == ["challenge-closed"]


def test_closing_early_takes_a_public_reason(session: Session, make: Make, noon: datetime) -> None:
    lab = make.lab()
    challenge, manager = make.challenge(lab), make.viewer(make.manager(lab))
    number = challenge.id or 0
    with pytest.raises(Refused) as refused:
        commands.close_challenge(session, challenge_id=number, reason=" ", person=manager, now=noon)
    assert refused.value.code == "no-reason"
    commands.close_challenge(session, challenge_id=number, reason="Nok ideer", person=manager, now=noon)
    assert session.scalars(select(Event)).one().data["reason"] == "Nok ideer"
    with pytest.raises(Refused):
        commands.close_challenge(session, challenge_id=number, reason="Igjen", person=manager, now=noon)


def test_a_challenge_is_concluded_when_each_idea_has_an_outcome(
    session: Session, make: Make, noon: datetime
) -> None:
    lab = make.lab()
    challenge = make.challenge(lab, state=ChallengeState.CLOSED, closed_at=noon)
    manager, number = make.viewer(make.manager(lab)), challenge.id or 0
    said: dict[str, Any] = {
        "challenge_id": number,
        "report": {"nb": "Hva skjedde"},
        "person": manager,
        "now": noon,
    }
    with pytest.raises(Refused) as refused:
        commands.conclude_challenge(session, count_undecided=lambda _s, _c: 2, **said)
    assert refused.value.code == "ideas-undecided"
    done = commands.conclude_challenge(session, count_undecided=lambda _s, _c: 0, **said)
    assert (done.state, done.report) == (ChallengeState.CONCLUDED, {"nb": "Hva skjedde"})


def test_figures_are_entered_while_open_and_not_ahead(session: Session, make: Make, noon: datetime) -> None:
    lab = make.lab()
    challenge, lead = make.challenge(lab), make.viewer(make.lead(lab))
    measure = queries.measures_of(session, challenge.id or 0)[0]
    with pytest.raises(Refused) as refused:
        commands.enter_measured(
            session,
            measure_id=measure.id,
            value=35,
            on=noon.date() + timedelta(days=1),
            person=lead,
            now=noon,
        )
    assert refused.value.code == "measured-ahead"
    commands.enter_measured(session, measure_id=measure.id, value=35, on=noon.date(), person=lead, now=noon)
    now = queries.measures_of(session, challenge.id or 0)[0]
    assert (now.current, now.share, now.reached) == (35, 50, False)


def test_a_unit_is_named_owned_and_limited(session: Session, make: Make, noon: datetime) -> None:
    lab = make.lab()
    lead, manager = make.lead(lab), make.viewer(make.manager(lab))
    make.category(lab, slug="mobility")
    said: dict[str, Any] = {"lab_id": lab.id, "name": {"nb": "Vei"}, "person": manager, "now": noon}
    wrong: dict[str, dict[str, Any]] = {
        "unit-unnamed": {"name": {"en": "Roads"}}, "not-in-lab": {"owner_id": make.person().id},
        "same-person": {"owner_id": lead.id, "deputy_id": lead.id}, "bad-limit": {"limit_in_progress": 0},
        "bad-topic": {"topics": ["nothing"]}, "text-too-long": {"description": {"nb": "x" * 601}},
    }  # fmt: skip
    for code, change in wrong.items():
        with pytest.raises(Refused) as refused:
            commands.add_unit(session, **(said | change))
        assert refused.value.code == code
        session.expunge_all()
    unit = commands.add_unit(session, **said, owner_id=lead.id, topics=["mobility"])
    assert (unit.owner_id, unit.topics) == (lead.id, ["mobility"])


def test_a_busy_unit_is_not_retired(session: Session, make: Make, noon: datetime) -> None:
    lab = make.lab()
    unit, manager = make.unit(lab), make.viewer(make.manager(lab))
    number = unit.id or 0
    with pytest.raises(Refused) as refused:
        commands.retire_unit(session, unit_id=number, open_handoffs=1, person=manager, now=noon)
    assert refused.value.code == "unit-busy"
    commands.retire_unit(session, unit_id=number, open_handoffs=0, person=manager, now=noon)
    assert queries.units_of(session, lab.id or 0) == ()
    commands.bring_unit_back(session, unit_id=number, person=manager, now=noon)
    assert len(queries.units_of(session, lab.id or 0)) == 1


def test_who_leaves_a_unit_owns_it_no_longer(session: Session, make: Make, noon: datetime) -> None:
    lab = make.lab()
    owner, other = make.person(), make.person()
    unit, manager = make.unit(lab, members=(owner, other), owner=owner), make.viewer(make.manager(lab))
    commands.remove_member(session, unit_id=unit.id or 0, person_id=owner.id or 0, person=manager, now=noon)
    assert unit.owner_id is None
    assert [m.id for m in queries.members_of(session, unit.id or 0)] == [other.id]
    with pytest.raises(NotFound):
        commands.remove_member(
            session, unit_id=unit.id or 0, person_id=owner.id or 0, person=manager, now=noon
        )


def invited(
    session: Session, make: Make, noon: datetime, **offer: Any
) -> tuple[Lab, Invitation, str, Viewer]:
    """An invitation, its token from the mail, and who wrote it."""
    lab = offer.pop("lab", None) or make.lab()
    manager = make.viewer(make.manager(lab))
    row = commands.invite(
        session,
        lab_id=lab.id or 0,
        email=" New@Example.org ",
        person=manager,
        now=noon,
        **(offer or {"role": Role.LEAD}),
    )
    return lab, row, token_of(session), manager


def token_of(session: Session) -> str:
    """Return the token of the newest invitation mail."""
    mail = session.scalars(select(OutboxMail).order_by(col(OutboxMail.id).desc())).first()
    assert mail is not None
    return str(mail.data["path"]).rpartition("/")[2]


def test_an_invitation_gives_the_role_once_and_forgets_the_address(
    session: Session, make: Make, noon: datetime
) -> None:
    lab, row, token, manager = invited(session, make, noon)
    assert row.email == "new@example.org"
    person = make.viewer()
    commands.accept_invitation(session, token=token, person=person, now=noon)
    grant = session.scalars(select(RoleGrant).where(RoleGrant.person_id == person.person_id)).one()
    assert (grant.lab_id, grant.role, grant.granted_by) == (lab.id, Role.LEAD, manager.person_id)
    assert (row.email, row.accepted_by) == ("", person.person_id)
    with pytest.raises(Refused) as refused:
        commands.accept_invitation(session, token=token, person=make.viewer(), now=noon)
    assert refused.value.code == "invitation-used"


def test_an_invitation_into_a_unit_makes_a_member(session: Session, make: Make, noon: datetime) -> None:
    lab = make.lab()
    unit = make.unit(lab)
    _lab, _row, token, _manager = invited(session, make, noon, lab=lab, unit_id=unit.id)
    person = make.person()
    commands.accept_invitation(session, token=token, person=make.viewer(person), now=noon)
    assert person.id in {m.id for m in queries.members_of(session, unit.id or 0)}


def test_whoever_was_suspended_a_moment_ago_takes_up_no_invitation(
    session: Session, make: Make, noon: datetime
) -> None:
    _lab, row, token, _manager = invited(session, make, noon)
    person = make.person()
    viewer = make.viewer(person)  # read before, as a request does
    session.get_one(Person, person.id).suspended_at = noon
    session.flush()
    with pytest.raises(Forbidden) as refused:
        commands.accept_invitation(session, token=token, person=viewer, now=noon)
    assert (refused.value.code, row.accepted_by) == ("account-closed", None)


def named(row: Invitation) -> dict[str, int]:
    return {"lab_id": row.lab_id, "invitation_id": row.id or 0}


def test_an_invitation_lives_for_14_days(session: Session, make: Make, noon: datetime) -> None:
    _lab, _row, token, _manager = invited(session, make, noon)
    person = make.viewer()
    with pytest.raises(Refused) as refused:
        commands.accept_invitation(session, token=token, person=person, now=noon + timedelta(days=14))
    assert refused.value.code == "invitation-expired"
    commands.accept_invitation(session, token=token, person=person, now=noon + timedelta(days=14, seconds=-1))


def test_sending_again_kills_the_old_link(session: Session, make: Make, noon: datetime) -> None:
    _lab, row, old, manager = invited(session, make, noon)
    later = noon + timedelta(days=20)
    commands.resend_invitation(session, **named(row), person=manager, now=later)
    with pytest.raises(NotFound):
        commands.accept_invitation(session, token=old, person=make.viewer(), now=later)
    commands.accept_invitation(session, token=token_of(session), person=make.viewer(), now=later)


def test_a_withdrawn_invitation_is_worth_nothing(session: Session, make: Make, noon: datetime) -> None:
    _lab, row, token, manager = invited(session, make, noon)
    commands.withdraw_invitation(session, **named(row), person=manager, now=noon)
    for act in (
        lambda: commands.accept_invitation(session, token=token, person=make.viewer(), now=noon),
        lambda: commands.resend_invitation(session, **named(row), person=manager, now=noon),
        lambda: commands.withdraw_invitation(session, **named(row), person=manager, now=noon),
    ):
        with pytest.raises(Refused) as refused:
            act()
        assert refused.value.code == "invitation-withdrawn"


def test_the_database_keeps_no_token(session: Session, make: Make, noon: datetime) -> None:
    _lab, row, token, _manager = invited(session, make, noon)
    assert token not in row.model_dump_json()


@pytest.mark.parametrize("role", [Role.FACILITATOR, Role.LEAD, None])
def test_only_manager_and_administrator_invite(
    session: Session, make: Make, noon: datetime, role: Role | None
) -> None:
    lab = make.lab()
    person = make.viewer(make.role(lab, role) if role else make.person())
    with pytest.raises(Forbidden):
        commands.invite(
            session, lab_id=lab.id or 0, email="a@example.org", role=Role.LEAD, person=person, now=noon
        )
    assert session.scalars(select(Invitation)).all() == []


def test_what_an_invitation_cannot_be(session: Session, make: Make, noon: datetime) -> None:
    lab, _row, _token, manager = invited(session, make, noon)
    foreign = make.unit(make.lab())
    said: dict[str, Any] = {"lab_id": lab.id, "email": "b@example.org", "person": manager, "now": noon}
    wrong: dict[str, dict[str, Any]] = {
        "bad-address": {"email": "nobody", "role": Role.LEAD}, "nothing-offered": {},
        "unit-elsewhere": {"unit_id": foreign.id}, "already-invited": {"email": "new@example.org",
        "role": Role.LEAD},
    }  # fmt: skip
    for code, change in wrong.items():
        with pytest.raises(Refused) as refused:
            commands.invite(session, **(said | change))
        assert refused.value.code == code


def test_old_invitations_are_forgotten(session: Session, make: Make, noon: datetime) -> None:
    invited(session, make, noon)
    assert commands.forget_old_invitations(session, noon + timedelta(days=89)) == 0
    assert commands.forget_old_invitations(session, noon + timedelta(days=90)) == 1
    assert session.scalars(select(Invitation)).all() == []


def test_the_administrator_becomes_manager_and_then_the_rest(
    session: Session, make: Make, noon: datetime
) -> None:
    lab, admin = make.lab(), make.admin()
    lab_id = lab.id or 0
    with pytest.raises(Forbidden):
        commands.take_role(session, lab_id=lab_id, role=Role.FACILITATOR, person=make.viewer(admin), now=noon)
    for role in (Role.MANAGER, Role.FACILITATOR):
        commands.take_role(session, lab_id=lab_id, role=role, person=make.viewer(admin), now=noon)
    assert make.viewer(admin).has(lab_id, Role.FACILITATOR)


def test_hours_are_set_by_the_holder_or_who_invites(session: Session, make: Make, noon: datetime) -> None:
    lab = make.lab()
    holder, manager = make.facilitator(lab), make.viewer(make.manager(lab))
    grant = session.scalars(select(RoleGrant).where(RoleGrant.person_id == holder.id)).one()
    it = {"lab_id": lab.id or 0, "grant_id": grant.id or 0}
    commands.set_weekly_hours(session, **it, weekly_hours=15, person=make.viewer(holder), now=noon)
    commands.set_weekly_hours(session, **it, weekly_hours=20, person=manager, now=noon)
    assert grant.weekly_hours == 20
    with pytest.raises(NotFound, match="no-such-role"):
        commands.set_weekly_hours(session, **it, weekly_hours=1, person=make.viewer(make.lead(lab)), now=noon)
    with pytest.raises(NotFound, match="no-such-role"):
        commands.set_weekly_hours(
            session,
            lab_id=make.lab().id or 0,
            grant_id=grant.id or 0,
            weekly_hours=1,
            person=manager,
            now=noon,
        )
    with pytest.raises(Refused, match="bad-hours"):
        commands.set_weekly_hours(session, **it, weekly_hours=61, person=manager, now=noon)


def test_an_invitation_falls_with_the_right_of_whoever_wrote_it(
    session: Session, make: Make, noon: datetime
) -> None:
    lab = make.lab()
    keeper, leaver = make.manager(lab), make.manager(lab)
    commands.invite(
        session,
        lab_id=lab.id,
        email="again@example.org",
        role=Role.MANAGER,
        person=make.viewer(leaver),
        now=noon,
    )
    path = session.scalars(select(OutboxMail).where(OutboxMail.kind == "invitation")).one().data["path"]
    end_role(session, person_id=leaver.id, lab_id=lab.id, role=Role.MANAGER, by=make.viewer(keeper), now=noon)
    with pytest.raises(Refused, match="invitation-withdrawn"):
        commands.accept_invitation(
            session, token=path.rsplit("/", 1)[1], person=make.viewer(make.resident()), now=noon
        )


def test_an_address_is_not_flooded_with_invitations(session: Session, make: Make, noon: datetime) -> None:
    lab = make.lab()
    manager = make.viewer(make.manager(lab))
    sent = commands.invite(
        session, lab_id=lab.id, email="calm@example.org", role=Role.LEAD, person=manager, now=noon
    )

    def again() -> None:
        commands.resend_invitation(session, lab_id=lab.id, invitation_id=sent.id, person=manager, now=noon)

    for _ in range(4):
        again()
    with pytest.raises(TooMany, match="mail-limit"):
        again()
    mails = session.scalars(select(OutboxMail).where(OutboxMail.address == "calm@example.org")).all()
    assert len(mails) == 5
