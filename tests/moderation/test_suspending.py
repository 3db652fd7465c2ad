"""Suspending somebody: by those who moderate, for a time, with reasons and an appeal; out at the next request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.clock import utc_now
from livinglab.core.db import Database, known_id
from livinglab.core.errors import Refused
from livinglab.core.journal import Event
from livinglab.core.mail import OutboxMail
from livinglab.ideas.models import Idea, Publication
from livinglab.labs.queries import viewer_of
from livinglab.moderation.commands import (
    appeal,
    decide_appeal,
    end_suspensions,
    lift_suspension,
    report,
    suspend,
)
from livinglab.moderation.models import AppealOutcome, Case, Decision, Suspension
from livinglab.moderation.queries import case_page, figures, suspended, suspension_page
from livinglab.moderation.rules import Verdict
from livinglab.people.commands import open_device
from livinglab.people.models import Device, Person
from livinglab.web.mailing import render_mail
from tests.make import Make
from tests.moderation.conftest import FACTS, Desk, mails

SignIn = Callable[[FlaskClient, object], FlaskClient]


def reported_case(session: Session, make: Make, desk: Desk, author: Person | None = None) -> Case:
    idea = make.idea(desk.lab, author=author or make.person())
    report(session, idea_id=known_id(idea.id), person=make.viewer(), rule="respect", text="", now=desk.now)
    return desk.hand.case(idea.id)


def keep_out(session: Session, desk: Desk, case: Case, **more: object) -> Decision:
    values = {"days": 30, "rule": "respect", "facts": FACTS, "person": desk.ida, "now": desk.now}
    return suspend(session, case_id=known_id(case.id), **(values | more))  # type: ignore[arg-type]


def code(call: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        call()
    return refused.value.code


def test_a_suspended_person_is_nobody_on_every_device_and_reads_why_by_the_letter(
    session: Session, make: Make, desk: Desk
) -> None:
    author = make.person(language="nb")
    case = reported_case(session, make, desk, author)
    open_device(session, known_id(author.id), desk.now)
    decision = keep_out(session, desk, case)
    assert viewer_of(session, known_id(author.id)) is None
    assert session.scalars(select(Device).where(Device.person_id == author.id)).all() == []
    assert session.get_one(Idea, case.idea_id).publication is Publication.PUBLISHED
    row = session.get_one(Suspension, decision.id)
    assert row.until == desk.now + timedelta(days=30)
    (mail,) = mails(session)
    assert (mail.person_id, mail.data["path"], mail.data["days"]) == (
        author.id, f"/suspensions/{row.key}?lang=nb", 30,
    )  # fmt: skip
    page, person = suspension_page(session, row.key, desk.now)
    assert (page.facts, page.rule, page.until, person.person_id) == (FACTS, "respect", row.until, author.id)
    assert [one.decision_id for one in suspended(session, desk.ida)] == [decision.id]
    assert suspended(session, make.viewer(make.facilitator(make.lab()))) == ()
    counted = figures(session, desk.now, lab_id=desk.lab.id)
    assert (counted.by_rule["respect"][decision.action], counted.looked_at) == (1, 0)


def test_who_may_suspend_and_who_may_not_be(session: Session, make: Make, desk: Desk) -> None:
    case = reported_case(session, make, desk)
    for person in (make.resident(), make.lead(desk.lab), make.facilitator(make.lab()), make.admin()):
        assert code(partial(keep_out, session, desk, case, person=make.viewer(person))) == "no-such-case"
    for staff in (make.manager(desk.lab), make.lead(make.lab()), make.admin(), make.person()):
        if not staff.is_admin and staff.id and make.viewer(staff).roles == {}:
            make.unit(desk.lab, members=(staff,))
        theirs = reported_case(session, make, desk, staff)
        assert code(partial(keep_out, session, desk, theirs)) == "has-duties"
    own = reported_case(session, make, desk, session.get_one(Person, desk.ida.person_id))
    assert code(lambda: keep_out(session, desk, own)) == "own-content"
    assert code(lambda: keep_out(session, desk, case, days=31)) == "days-missing"
    assert code(lambda: keep_out(session, desk, case, rule=None)) == "rule-missing"
    assert code(lambda: keep_out(session, desk, case, facts="nei")) == "facts-missing"
    keep_out(session, desk, case, person=make.viewer(make.manager(desk.lab)))
    assert code(lambda: keep_out(session, desk, case)) == "already-suspended"


def test_it_ends_by_itself_on_its_day_and_says_so(session: Session, make: Make, desk: Desk) -> None:
    author = make.person()
    decision = keep_out(session, desk, reported_case(session, make, desk, author), days=7)
    assert end_suspensions(session, now=desk.now + timedelta(days=7, seconds=-1), most=20) == 0
    assert end_suspensions(session, now=desk.now + timedelta(days=7), most=20) == 1
    assert end_suspensions(session, now=desk.now + timedelta(days=8), most=20) == 0
    assert viewer_of(session, known_id(author.id)) is not None
    assert session.get_one(Suspension, decision.id).ended_at == desk.now + timedelta(days=7)
    assert [mail.data["variant"] for mail in mails(session)] == ["decision", "readmitted"]
    kinds = session.scalars(select(Event.kind).where(Event.subject_id == author.id).order_by(col(Event.id)))
    assert list(kinds) == ["person-suspended", "person-readmitted"]


def test_it_is_lifted_by_those_who_moderate_there(session: Session, make: Make, desk: Desk) -> None:
    decision = keep_out(session, desk, reported_case(session, make, desk))
    number = known_id(decision.id)
    foreign = make.viewer(make.manager(make.lab()))
    assert (
        code(lambda: lift_suspension(session, decision_id=number, person=foreign, now=desk.now))
        == "no-such-decision"
    )
    lift_suspension(session, decision_id=number, person=desk.ida, now=desk.now)
    assert viewer_of(session, decision.author_id or 0) is not None
    assert (
        code(lambda: lift_suspension(session, decision_id=number, person=desk.ida, now=desk.now))
        == "suspension-ended"
    )


@pytest.mark.parametrize("outcome", list(AppealOutcome))
def test_an_appeal_is_decided_by_somebody_else_and_may_let_them_in(
    session: Session, make: Make, desk: Desk, outcome: AppealOutcome
) -> None:
    case = reported_case(session, make, desk)
    decision = keep_out(session, desk, case)
    row = session.get_one(Suspension, decision.id)
    _, person = suspension_page(session, row.key, desk.now)
    filed = appeal(session, decision_id=row.decision_id, person=person, text="Jeg truet ingen.", now=desk.now)
    values = {"appeal_id": known_id(filed.id), "outcome": outcome, "reasons": "Det var ikke en trussel."}
    assert (
        code(lambda: decide_appeal(session, person=desk.ida, now=desk.now, **values))  # type: ignore[arg-type]
        == "was-involved"
    )
    other = make.viewer(make.manager(desk.lab))
    decide_appeal(session, person=other, now=desk.now, **values)  # type: ignore[arg-type]
    may_come = viewer_of(session, decision.author_id or 0) is not None
    assert may_come is (outcome is AppealOutcome.OVERTURNED)
    told = [mail for mail in mails(session) if mail.data["variant"] == "outcome"]
    assert [mail.data["path"] for mail in told] == [f"/suspensions/{row.key}?lang=en"]


def test_the_case_still_says_what_was_decided_about_the_text(
    session: Session, make: Make, desk: Desk
) -> None:
    case = reported_case(session, make, desk)
    kept = desk.decide(Verdict.PUBLISH, case.idea_id)
    keep_out(session, desk, case)
    page = case_page(session, known_id(case.id), desk.ida, desk.now)
    assert page.settled is not None
    assert (page.settled.id, page.author.until) == (kept.id, desk.now + timedelta(days=30))


def test_what_was_decided_in_this_very_case_counts_as_an_earlier_decision(
    session: Session, make: Make, desk: Desk
) -> None:
    case = reported_case(session, make, desk)
    desk.decide(Verdict.HIDE, case.idea_id)
    keep_out(session, desk, case, now=desk.now + timedelta(minutes=5))
    page = case_page(session, known_id(case.id), desk.ida, desk.now + timedelta(minutes=6))
    assert [d.action.value for d in page.earlier] == ["suspend", "hide"]


def test_from_the_case_to_the_appeal_without_signing_in(
    client: FlaskClient, sign_in: SignIn, make: Make, database: Database, noon: datetime
) -> None:
    del noon
    lab, author = make.lab(), make.person(language="en")
    facilitator, idea = make.facilitator(lab), make.idea(lab, author=author)
    with database.writing() as session:
        report(
            session, idea_id=known_id(idea.id), person=make.viewer(), rule="respect", text="", now=utc_now()
        )
        case_id = session.scalars(select(Case.id)).one()
    sign_in(client, facilitator)
    assert f"/moderation/cases/{case_id}/suspend" in client.get(f"/moderation/cases/{case_id}?lang=en").text
    form = {"days": "30", "rule": "respect", "facts": FACTS}
    assert client.post(f"/moderation/cases/{case_id}/suspend", data=form | {"facts": ""}).status_code == 422
    assert client.post(f"/moderation/cases/{case_id}/suspend", data=form).status_code == 303
    assert "is suspended until" in client.get(f"/moderation/cases/{case_id}?lang=en").text
    again = client.get(f"/moderation/cases/{case_id}/suspend?lang=en", follow_redirects=True)
    assert "The author is suspended already." in again.text
    assert client.post(f"/moderation/cases/{case_id}/suspend", data=form).status_code == 409
    assert "Lift it now" in client.get("/moderation/suspended?lang=en").text
    with database.reading() as session:
        mail = session.scalars(select(OutboxMail).where(OutboxMail.kind == "decision")).one()
        path = mail.data["path"]
        with client.application.app_context():
            words = str(render_mail(mail).get_body(("plain",)).get_content())  # type: ignore[union-attr]
    assert "You cannot sign in for 30 days" in words
    assert "/suspensions/" in words
    client.post("/sign-out")
    page = client.get(path)
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    assert FACTS in page.text
    sent = client.post(path, data={"text": "I threatened nobody."}, follow_redirects=True)
    assert "I threatened nobody." in sent.text
    assert client.get("/suspensions/made-up").status_code == 404
