"""A lab whose only moderator wrote the text: the administrator is told and looks (rule M1, decision 0013)."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.errors import NotFound, Refused
from livinglab.core.journal import Event
from livinglab.core.viewer import Role
from livinglab.ideas.models import Comment, Credit, CreditKind, Idea, Publication
from livinglab.moderation.commands import hold_case
from livinglab.moderation.queries import case_page, next_case, pile
from livinglab.moderation.rules import Verdict
from livinglab.people.models import Person, RoleGrant
from tests.make import Make
from tests.moderation.conftest import Desk, mails


def ida_of(desk: Desk) -> Person:
    return desk.session.get_one(Person, desk.ida.person_id)


def needs_admin(session: Session) -> list[bool]:
    events = session.scalars(select(Event).where(Event.kind == "case-opened").order_by(col(Event.id)))
    return [bool(event.data["needs_admin"]) for event in events]


def test_the_administrator_is_told_sees_it_and_decides(session: Session, make: Make, desk: Desk) -> None:
    nina = make.admin()
    admin = make.viewer(nina)
    idea = desk.hand.idea(desk.lab, ida_of(desk))
    case = desk.hand.case(idea.id)
    (mail,) = mails(session)
    assert (mail.person_id, mail.data["variant"]) == (nina.id, "nobody-to-look")
    assert mail.data["path"] == f"/moderation/cases/{case.id}"
    assert needs_admin(session) == [True]
    (own,) = pile(session, desk.ida, desk.now).items
    assert (own.own, own.nobody) == (True, True)
    assert [item.id for item in pile(session, admin, desk.now).items] == [case.id]
    assert next_case(session, admin, desk.now) == case.id
    assert case_page(session, case.id or 0, admin, desk.now).nobody_else
    hold_case(session, case_id=case.id or 0, person=admin, now=desk.now)
    assert desk.refused(Verdict.PUBLISH, idea.id) == "own-content"
    desk.decide(Verdict.PUBLISH, idea.id, person=admin)
    assert session.get_one(Idea, idea.id).publication is Publication.PUBLISHED


def test_where_somebody_else_moderates_the_administrator_has_no_part(
    session: Session, make: Make, desk: Desk
) -> None:
    admin = make.viewer(make.admin())
    make.manager(desk.lab)
    idea = desk.hand.idea(desk.lab, ida_of(desk))
    assert (mails(session), needs_admin(session)) == ([], [False])
    assert (pile(session, admin, desk.now).count, next_case(session, admin, desk.now)) == (0, None)
    assert desk.refused(Verdict.PUBLISH, idea.id, person=admin) == "no-such-case"
    with pytest.raises(NotFound):
        case_page(session, desk.hand.case(idea.id).id or 0, admin, desk.now)


def test_the_last_one_to_go_leaves_the_queue_to_the_administrator(
    session: Session, make: Make, desk: Desk
) -> None:
    admin, idea = make.viewer(make.admin()), desk.hand.idea(desk.lab)
    assert pile(session, admin, desk.now).count == 0
    grant = session.scalars(select(RoleGrant).where(RoleGrant.lab_id == desk.lab.id)).one()
    assert grant.role is Role.FACILITATOR
    grant.ended_at = desk.now
    session.flush()
    assert [item.id for item in pile(session, admin, desk.now).items] == [desk.hand.case(idea.id).id]
    desk.decide(Verdict.PUBLISH, idea.id, person=admin)


@pytest.mark.parametrize("way", ["suspended_at", "erased_at"])
def test_who_is_suspended_or_gone_counts_as_nobody(
    session: Session, make: Make, desk: Desk, way: str
) -> None:
    admin = make.viewer(make.admin())
    setattr(make.manager(desk.lab), way, desk.now)
    session.flush()
    desk.hand.idea(desk.lab, ida_of(desk))
    assert pile(session, admin, desk.now).count == 1


def test_a_comment_and_a_co_authors_idea_likewise(session: Session, make: Make, desk: Desk) -> None:
    admin = make.viewer(make.admin())
    other = desk.hand.idea(desk.lab)
    make.add(
        Credit(idea_id=other.id, person_id=desk.ida.person_id, kind=CreditKind.CO_AUTHOR, given_at=desk.now)
    )
    public = make.idea(desk.lab, author=ida_of(desk))
    theirs = desk.hand.comment(public)
    shown = pile(session, admin, desk.now)
    assert [item.id for item in shown.items] == [desk.hand.case(other.id).id], (
        "a comment of others is not theirs"
    )
    desk.decide(Verdict.PUBLISH, public.id, theirs)
    assert session.get_one(Comment, theirs).publication is Publication.PUBLISHED


def test_an_administrator_who_wrote_it_does_not_decide_it(session: Session, make: Make, desk: Desk) -> None:
    nina = make.admin()
    idea = desk.hand.idea(desk.lab, nina)
    make.add(
        Credit(idea_id=idea.id, person_id=desk.ida.person_id, kind=CreditKind.CO_AUTHOR, given_at=desk.now)
    )
    with pytest.raises(Refused) as refused:
        desk.decide(Verdict.PUBLISH, idea.id, person=make.viewer(nina))
    assert refused.value.code == "own-content"
