"""Reports: by anybody, three hide for now, one's own never."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session
from sqlmodel import select

from livinglab.core.errors import NotFound, Refused
from livinglab.core.viewer import VISITOR, Viewer
from livinglab.ideas.models import Comment, Idea, IdeaCount, Publication
from livinglab.moderation.commands import report
from livinglab.moderation.models import Action, Decision, Report, Source
from livinglab.moderation.rules import Verdict
from tests.make import Make
from tests.moderation.conftest import Desk, Hand, mails
from tests.moderation.test_submitting import edited, kinds


def tell(
    session: Session,
    idea: Idea,
    person: Viewer,
    now: datetime,
    comment_id: int | None = None,
    rule: str = "respect",
) -> Report:
    return report(
        session, idea_id=idea.id or 0, comment_id=comment_id, person=person, rule=rule, text="Se her", now=now
    )


def test_anybody_may_report_what_is_public(session: Session, make: Make, hand: Hand, noon: datetime) -> None:
    idea = make.idea()
    filed = tell(session, idea, VISITOR, noon)
    assert (filed.person_id, filed.rule, hand.case(idea.id).source.value) == (None, "respect", "report")
    assert session.get_one(Idea, idea.id).publication is Publication.PUBLISHED


def test_reporting_again_changes_nothing(session: Session, make: Make, hand: Hand, noon: datetime) -> None:
    idea, person = make.idea(), make.viewer()
    first = tell(session, idea, person, noon)
    stamp = hand.case(idea.id).stamp
    assert tell(session, idea, person, noon).id == first.id
    assert hand.case(idea.id).stamp == stamp


def test_a_new_report_makes_the_older_reading_stale(
    session: Session, make: Make, hand: Hand, noon: datetime
) -> None:
    idea = make.idea()
    tell(session, idea, make.viewer(), noon)
    stamp = hand.case(idea.id).stamp
    tell(session, idea, make.viewer(), noon)
    assert hand.case(idea.id).stamp == stamp + 1


def test_the_third_signed_in_person_hides_it_for_now(
    session: Session, make: Make, hand: Hand, noon: datetime
) -> None:
    idea = make.idea()
    session.get_one(IdeaCount, idea.id).comments = 1
    comment = make.comment(idea)
    for person in (VISITOR, VISITOR, VISITOR, make.viewer(make.person(trust=0)), make.viewer()):
        tell(session, idea, person, noon, comment.id)
    repeats = make.viewer()
    for _ in range(3):
        tell(session, idea, repeats, noon, comment.id, rule="personal-data")
    assert session.get_one(Comment, comment.id).publication is Publication.PUBLISHED
    tell(session, idea, make.viewer(), noon, comment.id, rule="personal-data")
    assert session.get_one(Comment, comment.id).publication is Publication.HIDDEN
    assert session.get_one(IdeaCount, idea.id, populate_existing=True).comments == 0
    decision = session.scalars(select(Decision)).one()
    assert (decision.automatic, decision.by_id, decision.action) == (True, None, Action.HIDE)
    assert decision.rule == "personal-data"
    assert hand.case(idea.id, comment.id).closed_at is None
    assert [mail.data["automatic"] for mail in mails(session)] == [True]
    assert kinds(session)[-1] == "comment-hidden"


def test_a_person_shows_it_again(session: Session, make: Make, desk: Desk) -> None:
    idea = make.idea(desk.lab)
    for _ in range(3):
        tell(session, idea, make.viewer(), desk.now)
    assert session.get_one(Idea, idea.id).publication is Publication.HIDDEN
    decision = desk.decide(Verdict.PUBLISH, idea.id)
    assert decision.action is Action.RESTORE
    assert session.get_one(Idea, idea.id).publication is Publication.PUBLISHED


def test_who_reported_what_was_kept_is_told_so_until_it_changes(
    session: Session, make: Make, desk: Desk
) -> None:
    idea, person = make.idea(desk.lab), make.viewer()
    tell(session, idea, person, desk.now)
    desk.decide(Verdict.PUBLISH, idea.id)
    with pytest.raises(Refused) as refused:
        tell(session, idea, person, desk.now)
    assert refused.value.code == "already-looked-at"
    changed = desk.now + timedelta(hours=1)
    edited(session, make, idea, changed, body="Helt annen tekst nå.")
    desk.now = changed + timedelta(minutes=1)
    desk.decide(Verdict.PUBLISH, idea.id)
    session.get_one(Idea, idea.id).edited_at = changed + timedelta(hours=1)
    session.flush()
    tell(session, idea, person, changed + timedelta(hours=2))


@pytest.mark.parametrize(
    ("rule", "text", "code"), [("made-up", "", "rule-missing"), ("respect", "x" * 1001, "report-too-long")]
)
def test_a_report_names_a_rule(
    session: Session, make: Make, noon: datetime, rule: str, text: str, code: str
) -> None:
    idea = make.idea()
    with pytest.raises(Refused) as refused:
        report(session, idea_id=idea.id or 0, person=make.viewer(), rule=rule, text=text, now=noon)
    assert refused.value.code == code


def test_ones_own_and_what_is_not_public_cannot_be_reported(
    session: Session, make: Make, noon: datetime
) -> None:
    author = make.person()
    idea = make.idea(author=author)
    with pytest.raises(Refused) as refused:
        tell(session, idea, make.viewer(author), noon)
    assert refused.value.code == "own-content"
    hidden = make.idea(publication=Publication.HIDDEN)
    with pytest.raises(NotFound):
        tell(session, hidden, make.viewer(), noon)
    other = make.comment(make.idea())
    with pytest.raises(NotFound):
        tell(session, idea, make.viewer(), noon, other.id)


@pytest.mark.parametrize("comments", [False, True])
def test_who_moderates_may_report_what_is_hidden_and_then_remove_it(
    session: Session, make: Make, hand: Hand, desk: Desk, comments: bool
) -> None:
    idea = make.idea(desk.lab)
    comment_id = make.comment(idea).id if comments else None
    thing = session.get_one(Comment, comment_id) if comments else session.get_one(Idea, idea.id)
    tell(session, idea, desk.ida, desk.now, comment_id)
    desk.decide(Verdict.HIDE, idea.id, comment_id)
    assert (hand.cases(), thing.publication) == (0, Publication.HIDDEN)
    others = [make.viewer(), make.viewer(make.lead(desk.lab)), make.viewer(make.facilitator(make.lab()))]
    for other in others:
        with pytest.raises(Refused):
            tell(session, idea, other, desk.now, comment_id)
    assert hand.cases() == 0
    tell(session, idea, desk.ida, desk.now, comment_id, rule="unlawful")
    assert hand.case(idea.id, comment_id).source is Source.REPORT
    desk.decide(Verdict.REMOVE, idea.id, comment_id, rule="unlawful")
    assert thing.publication is Publication.REMOVED
    with pytest.raises(Refused) as refused:
        tell(session, idea, desk.ida, desk.now, comment_id)
    assert refused.value.code == "not-public"


def test_nobody_reports_their_own_hidden_text(session: Session, make: Make, desk: Desk) -> None:
    author = make.facilitator(desk.lab)
    idea = make.idea(desk.lab, author=author, publication=Publication.HIDDEN)
    with pytest.raises(Refused) as refused:
        tell(session, idea, make.viewer(author), desk.now)
    assert refused.value.code == "own-content"
