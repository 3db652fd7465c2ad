"""Appeals: by the author, decided by somebody who was not involved, overturned ones restore."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session
from sqlmodel import select

from livinglab.core.errors import NotFound, Refused
from livinglab.core.journal import Event
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Idea, IdeaVersion, Publication
from livinglab.moderation.commands import appeal, decide_appeal
from livinglab.moderation.models import Appeal, AppealOutcome, Decision
from livinglab.moderation.queries import appeal_page, appeals_waiting, decision_page, figures
from livinglab.moderation.rules import Verdict
from livinglab.people.models import Person
from tests.make import Make
from tests.moderation.conftest import Desk, mails
from tests.moderation.test_reporting import tell
from tests.moderation.test_submitting import edited

WHY = "Teksten nevner ingen med navn."
UPHELD, OVERTURNED = AppealOutcome.UPHELD, AppealOutcome.OVERTURNED


def author_of(session: Session, make: Make, decision: Decision) -> Viewer:
    return make.viewer(session.get_one(Person, decision.author_id))


def ask(session: Session, make: Make, desk: Desk, decision: Decision) -> Appeal:
    author = author_of(session, make, decision)
    return appeal(session, decision_id=decision.id or 0, person=author, text=WHY, now=desk.now)


def settle(
    session: Session, desk: Desk, row: Appeal, person: Viewer, outcome: AppealOutcome = OVERTURNED
) -> Appeal:
    return decide_appeal(
        session, appeal_id=row.id or 0, person=person, outcome=outcome, reasons=WHY, now=desk.now
    )


def code(call: object, *args: object, **more: object) -> str:
    with pytest.raises(Refused) as refused:
        call(*args, **more)  # type: ignore[operator]
    return refused.value.code


@pytest.mark.parametrize("verdict", [Verdict.RETURN, Verdict.REJECT])
def test_an_overturned_decision_restores(session: Session, make: Make, desk: Desk, verdict: Verdict) -> None:
    decision = desk.decide(verdict, desk.hand.idea(desk.lab).id)
    row = ask(session, make, desk, decision)
    other = make.viewer(make.facilitator(desk.lab))
    settle(session, desk, row, other)
    assert session.get_one(Idea, decision.idea_id).publication is Publication.PUBLISHED
    assert (row.outcome, row.decided_by) == (OVERTURNED, other.person_id)
    event = session.scalars(select(Event).where(Event.kind == "appeal-decided")).one()
    assert (event.data["outcome"], event.subject_id) == ("overturned", row.id)
    assert mails(session)[-1].data["variant"] == "outcome"
    counted = figures(session, desk.now + timedelta(hours=1))
    assert (counted.appeals, counted.overturned, counted.upheld, counted.looked_at) == (1, 1, 0, 1)


def test_an_upheld_decision_changes_nothing(session: Session, make: Make, desk: Desk) -> None:
    decision = desk.decide(Verdict.REJECT, desk.hand.idea(desk.lab).id)
    settle(session, desk, ask(session, make, desk, decision), make.viewer(make.manager(desk.lab)), UPHELD)
    assert session.get_one(Idea, decision.idea_id).publication is Publication.REJECTED


def test_a_refused_version_stands_after_all(session: Session, make: Make, desk: Desk) -> None:
    idea = make.idea(desk.lab)
    number = edited(session, make, idea, desk.now, body="Fem benker her.")
    decision = desk.decide(Verdict.REJECT, idea.id)
    settle(session, desk, ask(session, make, desk, decision), make.viewer(make.manager(desk.lab)))
    assert session.get_one(IdeaVersion, (idea.id, number)).publication is Publication.PUBLISHED
    assert session.get_one(Idea, idea.id).body == "Fem benker her."


def test_what_has_moved_on_is_left_as_it_is(session: Session, make: Make, desk: Desk) -> None:
    decision = desk.decide(Verdict.RETURN, desk.hand.idea(desk.lab).id)
    row = ask(session, make, desk, decision)
    session.get_one(Idea, decision.idea_id).publication = Publication.PENDING
    session.flush()
    settle(session, desk, row, make.viewer(make.manager(desk.lab)))
    assert session.get_one(Idea, decision.idea_id).publication is Publication.PENDING


def test_only_the_author_appeals_once_and_in_time(session: Session, make: Make, desk: Desk) -> None:
    decision = desk.decide(Verdict.REJECT, desk.hand.idea(desk.lab).id)
    author, number = author_of(session, make, decision), decision.id or 0
    with pytest.raises(NotFound):
        appeal(session, decision_id=number, person=make.viewer(), text=WHY, now=desk.now)
    with pytest.raises(NotFound):
        decision_page(session, number, make.viewer(), desk.now)
    assert (
        code(appeal, session, decision_id=number, person=author, text="nei", now=desk.now) == "text-missing"
    )
    late = desk.now + timedelta(days=184)
    assert code(appeal, session, decision_id=number, person=author, text=WHY, now=late) == "appeal-too-late"
    ask(session, make, desk, decision)
    assert (
        code(appeal, session, decision_id=number, person=author, text=WHY, now=desk.now) == "already-appealed"
    )
    public = desk.decide(Verdict.PUBLISH, desk.hand.idea(desk.lab).id)
    person = author_of(session, make, public)
    assert (
        code(appeal, session, decision_id=public.id, person=person, text=WHY, now=desk.now)
        == "nothing-to-appeal"
    )


def test_an_automatic_step_is_looked_at_before_it_is_appealed(
    session: Session, make: Make, desk: Desk
) -> None:
    idea = make.idea(desk.lab)
    for _ in range(3):
        tell(session, idea, make.viewer(), desk.now)
    decision = session.scalars(select(Decision)).one()
    author = author_of(session, make, decision)
    assert (
        code(appeal, session, decision_id=decision.id, person=author, text=WHY, now=desk.now)
        == "being-looked-at"
    )


def test_somebody_who_was_not_involved_decides(session: Session, make: Make, desk: Desk) -> None:
    author = make.facilitator(desk.lab)
    decision = desk.decide(Verdict.REJECT, desk.hand.idea(desk.lab, author).id)
    row = ask(session, make, desk, decision)
    assert code(settle, session, desk, row, desk.ida) == "was-involved"
    assert code(settle, session, desk, row, make.viewer(author)) == "own-content"
    assert code(settle, session, desk, row, make.viewer()) == "not-a-moderator"
    assert code(settle, session, desk, row, make.viewer(make.lead(desk.lab))) == "not-a-moderator"
    jon = make.viewer(make.manager(desk.lab))
    assert code(settle, session, desk, row, make.viewer(make.admin())) == "not-a-moderator"
    assert [(a.id, a.mine) for a in appeals_waiting(session, desk.ida, desk.now, {desk.lab.id})] == [
        (row.id, False)
    ]
    assert [(a.id, a.mine) for a in appeals_waiting(session, jon, desk.now, {desk.lab.id})] == [
        (row.id, True)
    ]
    settle(session, desk, row, jon, UPHELD)
    assert code(settle, session, desk, row, jon) == "appeal-closed"
    assert appeal_page(session, row.id or 0, jon, desk.now).appeal.outcome is UPHELD


def test_where_there_is_nobody_the_administrator_is_told_and_may_decide(
    session: Session, make: Make, desk: Desk
) -> None:
    admin = make.admin()
    decision = desk.decide(Verdict.REJECT, desk.hand.idea(desk.lab).id)
    row = ask(session, make, desk, decision)
    told = [mail for mail in mails(session) if mail.data["variant"] == "nobody-else"]
    assert [(mail.person_id, mail.data["path"]) for mail in told] == [
        (admin.id, f"/moderation/appeals/{row.id}")
    ]
    event = session.scalars(select(Event).where(Event.kind == "appeal-made")).one()
    assert event.data["needs_admin"] is True
    assert appeal_page(session, row.id or 0, make.viewer(admin), desk.now).why_not is None
    settle(session, desk, row, make.viewer(admin))
    assert session.get_one(Idea, decision.idea_id).publication is Publication.PUBLISHED
