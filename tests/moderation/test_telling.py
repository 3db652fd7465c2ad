"""Who hears of appeals and of decisions on their text: in the app, by one letter, and at the desk."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.journal import Event
from livinglab.core.mail import OutboxMail
from livinglab.core.viewer import Viewer
from livinglab.moderation.commands import appeal, decide_appeal
from livinglab.moderation.models import Appeal, AppealOutcome, Decision
from livinglab.moderation.rules import Verdict
from livinglab.notices.commands import deliver_notices
from livinglab.notices.models import Notice
from livinglab.notices.rules.links import path_to
from livinglab.people.models import Person
from livinglab.pipeline.queries.work import Task, work
from tests.make import Make
from tests.moderation.conftest import Desk, mails

WHY = "Teksten nevner ingen med navn."


def told(session: Session, desk: Desk, kind: str) -> dict[int, Notice]:
    """Return the notices of a kind by person, after the journal was delivered."""
    deliver_notices(session, now=desk.now)
    query = select(Notice).join(Event, col(Event.id) == col(Notice.event_id)).where(Event.kind == kind)
    return {notice.person_id: notice for notice in session.scalars(query)}


def ask(session: Session, make: Make, desk: Desk, decision: Decision) -> Appeal:
    author = make.viewer(session.get_one(Person, decision.author_id))
    return appeal(session, decision_id=decision.id or 0, person=author, text=WHY, now=desk.now)


def waits_for(session: Session, desk: Desk, person: Viewer) -> list[int]:
    return [item.ref for item in work(session, person, desk.now) if item.task is Task.APPEAL]


def test_an_appeal_reaches_those_who_may_decide_it_and_nobody_else(
    session: Session, make: Make, desk: Desk
) -> None:
    jon, other = make.viewer(make.manager(desk.lab)), make.viewer(make.facilitator(desk.lab))
    make.lead(desk.lab)
    decision = desk.decide(Verdict.REJECT, desk.hand.idea(desk.lab).id)
    row = ask(session, make, desk, decision)
    notices = told(session, desk, "appeal-made")
    assert set(notices) == {jon.person_id, other.person_id}
    assert all(notice.mailed_at for notice in notices.values()), "the digest does not repeat the letter"
    letters = [mail for mail in mails(session) if mail.data["variant"] == "appeal-waits"]
    assert {mail.person_id for mail in letters} == {jon.person_id, other.person_id}
    event = session.scalars(select(Event).where(Event.kind == "appeal-made")).one()
    path = path_to(event.kind, event.idea_id, event.subject_id, event.data)
    assert path == letters[0].data["path"] == f"/moderation/appeals/{row.id}"
    assert waits_for(session, desk, jon) == waits_for(session, desk, other) == [row.id]
    assert waits_for(session, desk, desk.ida) == []


def test_whoever_decided_about_the_text_before_is_not_asked_to_decide_the_appeal(
    session: Session, make: Make, desk: Desk
) -> None:
    jon, idea = make.viewer(make.manager(desk.lab)), make.idea(desk.lab)
    comment = desk.hand.comment(idea)
    desk.decide(Verdict.RETURN, idea.id, comment, person=jon)
    from livinglab.ideas.commands import edit_comment
    from livinglab.ideas.models import Comment
    from livinglab.moderation.commands import submit_comment

    writer = make.viewer(session.get_one(Person, session.get_one(Comment, comment).author_id))
    edit_comment(session, comment_id=comment, body="Nå uten navn på noen.", person=writer, now=desk.now)
    submit_comment(session, comment_id=comment, person=writer, now=desk.now)
    row = ask(session, make, desk, desk.decide(Verdict.REJECT, idea.id, comment))
    assert waits_for(session, desk, jon) == [], "they returned it the first time"
    assert told(session, desk, "appeal-made") == {}
    other = make.viewer(make.facilitator(desk.lab))
    assert waits_for(session, desk, other) == [row.id]


def test_where_nobody_may_decide_an_appeal_the_administrator_gets_letter_and_notice(
    session: Session, make: Make, desk: Desk
) -> None:
    nina = make.admin()
    row = ask(session, make, desk, desk.decide(Verdict.REJECT, desk.hand.idea(desk.lab).id))
    assert set(told(session, desk, "appeal-made")) == {nina.id}
    (letter,) = (mail for mail in mails(session) if mail.data["variant"] == "nobody-else")
    assert (letter.person_id, letter.data["path"]) == (nina.id, f"/moderation/appeals/{row.id}")


@pytest.mark.parametrize("outcome", list(AppealOutcome))
def test_the_author_is_told_how_the_appeal_ended(
    session: Session, make: Make, desk: Desk, outcome: AppealOutcome
) -> None:
    jon = make.viewer(make.manager(desk.lab))
    decision = desk.decide(Verdict.REJECT, desk.hand.idea(desk.lab).id)
    row = ask(session, make, desk, decision)
    decide_appeal(session, appeal_id=row.id or 0, person=jon, outcome=outcome, reasons=WHY, now=desk.now)
    notices = told(session, desk, "appeal-decided")
    assert set(notices) == {decision.author_id}
    event = session.get_one(Event, notices[decision.author_id or 0].event_id)
    assert path_to(event.kind, event.idea_id, event.subject_id, event.data) == f"/decisions/{decision.id}"
    assert [mail.data["outcome"] for mail in mails(session) if mail.data["variant"] == "outcome"] == [outcome]


@pytest.mark.parametrize(
    ("verdict", "of_comment", "kind"),
    [
        (Verdict.RETURN, False, "idea-returned"),
        (Verdict.REJECT, False, "idea-rejected"),
        (Verdict.RETURN, True, "comment-returned"),
        (Verdict.REJECT, True, "comment-rejected"),
    ],
)
def test_a_decision_on_ones_text_is_a_notice_too_and_one_mail(
    session: Session, make: Make, desk: Desk, verdict: Verdict, of_comment: bool, kind: str
) -> None:
    idea = make.idea(desk.lab) if of_comment else desk.hand.idea(desk.lab)
    comment = desk.hand.comment(idea) if of_comment else None
    decision = desk.decide(verdict, idea.id, comment)
    notices = told(session, desk, kind)
    assert set(notices) == {decision.author_id}
    assert notices[decision.author_id or 0].mailed_at is not None
    event = session.get_one(Event, notices[decision.author_id or 0].event_id)
    assert path_to(event.kind, event.idea_id, event.subject_id, event.data) == f"/decisions/{decision.id}"
    mailed = session.scalars(select(OutboxMail).where(OutboxMail.person_id == decision.author_id)).all()
    assert [mail.kind for mail in mailed] == ["decision"]
