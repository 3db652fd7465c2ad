"""Handing in: before or after a look, with the automatic checks."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session
from sqlmodel import select

from livinglab.core.errors import Forbidden
from livinglab.core.journal import Event
from livinglab.ideas.commands import edit_comment, edit_idea, start_draft
from livinglab.ideas.models import Comment, Idea, IdeaCount, IdeaVersion, Publication
from livinglab.moderation.commands import submit_comment, submit_edit, submit_idea, submit_waiting_drafts
from livinglab.moderation.models import Source
from tests.make import Make
from tests.moderation.conftest import TEXTS, Hand

AFTER = {"moderation": "after"}


def kinds(session: Session) -> list[str]:
    return list(session.scalars(select(Event.kind).order_by(Event.id)))  # type: ignore[arg-type]


def test_an_idea_waits_where_the_lab_looks_first(session: Session, make: Make, hand: Hand) -> None:
    idea = hand.idea(make.lab())
    case = hand.case(idea.id)
    assert idea.publication is Publication.PENDING
    assert (case.source, case.findings, case.stamp, case.version) == (Source.NEW, [], 0, None)
    assert kinds(session) == ["idea-submitted", "case-opened"]


def test_the_case_is_due_after_two_working_days_of_the_country(
    session: Session, make: Make, hand: Hand, noon: datetime
) -> None:
    hand.noon = datetime(2026, 4, 1, 10, tzinfo=noon.tzinfo)  # Thursday, Friday and Monday are holidays
    case = hand.case(hand.idea(make.lab()).id)
    assert case.due_at == datetime(2026, 4, 8, 22, tzinfo=noon.tzinfo)


def test_an_idea_is_public_at_once_where_the_lab_looks_afterwards(
    session: Session, make: Make, hand: Hand
) -> None:
    idea = hand.idea(make.lab(settings=AFTER))
    assert (idea.publication, hand.cases()) == (Publication.PUBLISHED, 0)
    assert "idea-published" in kinds(session)


def test_a_finding_opens_a_case_about_what_is_public(session: Session, make: Make, hand: Hand) -> None:
    idea = hand.idea(
        make.lab(settings=AFTER), texts=replace(TEXTS, body="Ring meg på 912 34 567 om benkene.")
    )
    case = hand.case(idea.id)
    assert idea.publication is Publication.PUBLISHED
    assert (case.source, case.findings) == (Source.CHECK, [{"check": "phone", "excerpt": "912 34 567"}])


def test_an_identity_number_is_held_back_everywhere(session: Session, make: Make, hand: Hand) -> None:
    idea = hand.idea(make.lab(settings=AFTER), texts=replace(TEXTS, body="Mitt nummer er 01019010046."))
    assert idea.publication is Publication.PENDING
    assert hand.case(idea.id).findings[0]["check"] == "national-id"


def test_a_new_account_with_a_link_is_found_and_an_old_one_is_not(
    session: Session, make: Make, hand: Hand, noon: datetime
) -> None:
    lab, texts = make.lab(settings=AFTER), replace(TEXTS, link="https://example.org")
    hand.idea(lab, texts=texts)
    assert hand.cases() == 0
    idea = hand.idea(
        lab, make.person(created_at=noon - timedelta(days=6)), replace(texts, title="Noe helt annet")
    )
    assert hand.case(idea.id).findings == [{"check": "link", "excerpt": "https://example.org"}]


def test_the_same_text_twice_is_found(session: Session, make: Make, hand: Hand) -> None:
    lab, author = make.lab(settings=AFTER), make.person()
    hand.idea(lab, author)
    again = hand.idea(lab, author)
    assert [f["check"] for f in hand.case(again.id).findings] == ["repeated"]


def test_an_unconfirmed_author_keeps_a_draft_that_goes_on_by_itself(
    session: Session, make: Make, hand: Hand, later: datetime
) -> None:
    lab, author = make.lab(), make.person(trust=0)
    idea = hand.idea(lab, author)
    public = make.idea(lab)
    comment_id = hand.comment(public, author)
    assert (idea.publication, idea.wants_publishing, hand.cases()) == (Publication.DRAFT, True, 0)
    assert submit_waiting_drafts(session, author.id or 0, later) == ()
    author.trust = 1
    session.flush()
    assert submit_waiting_drafts(session, author.id or 0, later) == (idea.id,)
    assert session.get_one(Idea, idea.id).publication is Publication.PENDING
    assert session.get_one(Comment, comment_id).publication is Publication.PENDING
    assert hand.cases() == 2
    assert submit_waiting_drafts(session, author.id or 0, later) == ()


def edited(session: Session, make: Make, idea: Idea, now: datetime, **changes: str) -> int:
    author = make.viewer(session.get_one(make.person().__class__, idea.author_id))
    texts = replace(TEXTS, title=idea.title, summary=idea.summary, body=idea.body, language=idea.language)
    version = edit_idea(
        session,
        idea_id=idea.id or 0,
        texts=replace(texts, **changes),
        note="bedre nå",
        person=author,
        now=now,
    )
    assert version is not None
    submit_edit(session, idea_id=idea.id or 0, number=version.number, person=author, now=now)
    return version.number


def test_an_edit_waits_while_the_approved_version_stands(
    session: Session, make: Make, hand: Hand, noon: datetime
) -> None:
    idea = make.idea(make.lab())
    number = edited(session, make, idea, noon, body="Fem benker med tak og rygg.")
    assert (idea.body, idea.version) == ("A longer text.", 1)
    assert session.get_one(IdeaVersion, (idea.id, number)).publication is Publication.PENDING
    assert (hand.case(idea.id).source, hand.case(idea.id).version) == (Source.EDIT, number)
    before = hand.case(idea.id).stamp
    edited(session, make, idea, noon, body="Seks benker med tak og rygg.")
    assert (hand.case(idea.id).stamp, hand.cases()) == (before + 1, 1)


def test_an_edit_of_the_summary_alone_needs_no_second_look(
    session: Session, make: Make, hand: Hand, noon: datetime
) -> None:
    idea = make.idea(make.lab())
    edited(session, make, idea, noon, summary="En ny setning om benkene.")
    assert (idea.summary, hand.cases()) == ("En ny setning om benkene.", 0)


def test_an_edit_stands_at_once_where_the_lab_looks_afterwards(
    session: Session, make: Make, hand: Hand, noon: datetime
) -> None:
    idea = make.idea(make.lab(settings=AFTER))
    edited(session, make, idea, noon, body="Fem benker.")
    assert (idea.body, idea.version, hand.cases()) == ("Fem benker.", 2, 0)


def test_only_the_author_hands_in(session: Session, make: Make, hand: Hand, noon: datetime) -> None:
    lab, stranger = make.lab(), make.viewer()
    draft = start_draft(session, lab_id=lab.id or 0, texts=TEXTS, person=make.viewer(), now=noon)
    with pytest.raises(Exception, match="no-such-idea"):
        submit_idea(session, idea_id=draft.id or 0, person=stranger, now=noon)
    comment_id = hand.comment(make.idea(lab))
    with pytest.raises(Forbidden):
        submit_comment(session, comment_id=comment_id, person=stranger, now=noon)
    idea = make.idea(lab)
    with pytest.raises(Forbidden):
        submit_edit(session, idea_id=idea.id or 0, number=1, person=stranger, now=noon)
    assert hand.cases() == 1


def test_a_comment_waits_or_is_public_and_counted(session: Session, make: Make, hand: Hand) -> None:
    first, after = make.idea(make.lab()), make.idea(make.lab(settings=AFTER))
    waiting, public = hand.comment(first), hand.comment(after)
    assert session.get_one(Comment, waiting).publication is Publication.PENDING
    assert session.get_one(Comment, public).publication is Publication.PUBLISHED
    counts = [session.get_one(IdeaCount, i.id, populate_existing=True).comments for i in (first, after)]
    assert counts == [0, 1]


def test_those_who_moderate_need_not_wait_for_each_other_in_conversation(
    session: Session, make: Make, hand: Hand
) -> None:
    lab = make.lab()
    comment_id = hand.comment(make.idea(lab), make.facilitator(lab))
    assert session.get_one(Comment, comment_id).publication is Publication.PUBLISHED


def test_a_comment_changed_after_publication_waits_again(
    session: Session, make: Make, hand: Hand, noon: datetime
) -> None:
    lab = make.lab()
    idea, author = make.idea(lab), make.person()
    comment = make.comment(idea, author=author)
    session.get_one(IdeaCount, idea.id).comments = 1
    session.flush()
    edit_comment(session, comment_id=comment.id or 0, body="Noe annet.", person=make.viewer(author), now=noon)
    submit_comment(session, comment_id=comment.id or 0, person=make.viewer(author), now=noon)
    assert session.get_one(Comment, comment.id).publication is Publication.PENDING
    assert session.get_one(IdeaCount, idea.id, populate_existing=True).comments == 0
    assert hand.case(idea.id, comment.id).source is Source.EDIT
