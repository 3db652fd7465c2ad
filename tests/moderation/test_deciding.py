"""Deciding a case: the four verdicts, their letters, and every way to be refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session
from sqlmodel import select

from livinglab.core.errors import NotFound, Refused
from livinglab.core.journal import Event
from livinglab.ideas.models import Comment, Credit, CreditKind, Idea, IdeaCount, IdeaVersion, Publication
from livinglab.moderation.commands import decide_case, hold_case, report
from livinglab.moderation.models import Action
from livinglab.moderation.queries import case_page, next_case, pile
from livinglab.moderation.rules import Verdict
from livinglab.people.models import Person
from tests.make import Make
from tests.moderation.conftest import FACTS, Desk, mails
from tests.moderation.test_submitting import edited, kinds


@pytest.mark.parametrize(
    ("verdict", "becomes", "kind"),
    [
        (Verdict.PUBLISH, Publication.PUBLISHED, "idea-published"),
        (Verdict.RETURN, Publication.RETURNED, "idea-returned"),
        (Verdict.REJECT, Publication.REJECTED, "idea-rejected"),
    ],
)
def test_a_new_idea_is_published_returned_or_rejected(
    session: Session, desk: Desk, verdict: Verdict, becomes: Publication, kind: str
) -> None:
    idea = desk.hand.idea(desk.lab)
    decision = desk.decide(verdict, idea.id)
    assert (session.get_one(Idea, idea.id).publication, kinds(session)[-1]) == (becomes, kind)
    assert (decision.was, decision.by_id, decision.automatic) == (
        Publication.PENDING,
        desk.ida.person_id,
        False,
    )
    assert (decision.rule, decision.facts) == (
        (None, "") if verdict is Verdict.PUBLISH else ("personal-data", FACTS)
    )
    (mail,) = mails(session)
    assert mail.data["path"] == f"/decisions/{decision.id}"
    assert (mail.data["facts"], mail.person_id) == (decision.facts, idea.author_id)
    assert desk.hand.cases() == 0


def test_a_new_idea_cannot_be_hidden(desk: Desk) -> None:
    assert desk.refused(Verdict.HIDE, desk.hand.idea(desk.lab).id) == "not-public-yet"


@pytest.mark.parametrize("verdict", [Verdict.RETURN, Verdict.REJECT])
def test_no_taking_away_without_rule_and_facts(desk: Desk, verdict: Verdict) -> None:
    idea = desk.hand.idea(desk.lab)
    assert desk.refused(verdict, idea.id, rule=None) == "rule-missing"
    assert desk.refused(verdict, idea.id, rule="made-up") == "rule-missing"
    assert desk.refused(verdict, idea.id, facts="  nei ") == "facts-missing"
    assert desk.refused(verdict, idea.id, facts="x" * 601) == "facts-too-long"


def test_nobody_moderates_their_own(session: Session, make: Make, desk: Desk) -> None:
    author = session.get_one(Person, desk.ida.person_id)
    idea = desk.hand.idea(desk.lab, author)
    assert desk.refused(Verdict.PUBLISH, idea.id) == "own-content"
    public = make.idea(desk.lab)
    make.add(Credit(idea_id=public.id, person_id=author.id, kind=CreditKind.CO_AUTHOR, given_at=desk.now))
    edited(session, make, public, desk.now, body="Noe nytt her.")
    assert desk.refused(Verdict.PUBLISH, public.id) == "own-content"
    comment_id = make.comment(public, author=author).id
    report(
        session,
        idea_id=public.id or 0,
        comment_id=comment_id,
        person=make.viewer(),
        rule="respect",
        text="",
        now=desk.now,
    )
    assert desk.refused(Verdict.PUBLISH, public.id, comment_id) == "own-content"
    assert next_case(session, desk.ida, desk.now) is None
    assert (
        pile(session, desk.ida, desk.now).count,
        [i.own for i in pile(session, desk.ida, desk.now).items],
    ) == (3, [True] * 3)


def test_only_those_who_moderate_in_this_lab_decide(session: Session, make: Make, desk: Desk) -> None:
    idea = desk.hand.idea(desk.lab)
    member = make.person()
    make.unit(desk.lab, members=(member,))
    others = [
        make.resident(),
        make.lead(desk.lab),
        member,
        make.facilitator(make.lab()),
        make.manager(make.lab()),
        make.admin(),
    ]
    for person in others:
        assert desk.refused(Verdict.PUBLISH, idea.id, person=make.viewer(person)) == "no-such-case"
        with pytest.raises(NotFound):
            case_page(session, desk.hand.case(idea.id).id or 0, make.viewer(person), desk.now)
        for take_over in (False, True):
            with pytest.raises(NotFound):
                hold_case(
                    session, case_id=desk.hand.case(idea.id).id or 0, person=make.viewer(person), now=desk.now,
                    take_over=take_over,
                )  # fmt: skip
    desk.decide(Verdict.PUBLISH, idea.id, person=make.viewer(make.manager(desk.lab)))


def test_a_decision_on_an_older_stamp_is_refused(session: Session, make: Make, desk: Desk) -> None:
    idea = make.idea(desk.lab)
    edited(session, make, idea, desk.now, body="Fem benker her.")
    read = desk.hand.case(idea.id).stamp
    edited(session, make, idea, desk.now, body="Seks benker her.")
    assert desk.refused(Verdict.PUBLISH, idea.id, stamp=read) == "case-changed"
    desk.decide(Verdict.PUBLISH, idea.id)
    assert session.get_one(Idea, idea.id).body == "Seks benker her."


def test_the_second_to_decide_is_told_what_was_decided_and_by_whom(
    session: Session, make: Make, desk: Desk
) -> None:
    idea = desk.hand.idea(desk.lab)
    case, jon = desk.hand.case(idea.id), make.viewer(make.manager(desk.lab))
    desk.decide(Verdict.PUBLISH, idea.id)
    with pytest.raises(Refused) as refused:
        decide_case(
            session,
            case_id=case.id or 0,
            person=jon,
            verdict=Verdict.REJECT,
            rule="respect",
            facts=FACTS,
            stamp=0,
            now=desk.now,
        )
    assert refused.value.code == "case-closed"
    page = case_page(session, case.id or 0, jon, desk.now)
    assert (page.settled_by, page.settled.action if page.settled else None) == (desk.ida.name, Action.PUBLISH)


@pytest.mark.parametrize(
    ("verdict", "version_is", "idea_is", "kind"),
    [
        (Verdict.PUBLISH, Publication.PUBLISHED, Publication.PUBLISHED, "idea-edited"),
        (Verdict.RETURN, Publication.RETURNED, Publication.PUBLISHED, "edit-returned"),
        (Verdict.REJECT, Publication.REJECTED, Publication.PUBLISHED, "edit-rejected"),
        (Verdict.HIDE, Publication.RETURNED, Publication.HIDDEN, "idea-hidden"),
    ],
)
def test_an_edit_is_decided_without_touching_the_approved_version(
    session: Session,
    make: Make,
    desk: Desk,
    verdict: Verdict,
    version_is: Publication,
    idea_is: Publication,
    kind: str,
) -> None:
    idea = make.idea(desk.lab)
    number = edited(session, make, idea, desk.now, body="Fem benker her.")
    page = case_page(session, desk.hand.case(idea.id).id or 0, desk.ida, desk.now)
    assert [e.name for e in page.exhibits] == ["body"]
    assert ("ins", "Fem benker her") in page.exhibits[0].parts
    desk.decide(verdict, idea.id)
    assert session.get_one(IdeaVersion, (idea.id, number)).publication is version_is
    assert session.get_one(Idea, idea.id).publication is idea_is
    assert kinds(session)[-1] == kind
    assert session.get_one(Idea, idea.id).body == (
        "Fem benker her." if verdict is Verdict.PUBLISH else "A longer text."
    )


@pytest.mark.parametrize(
    ("verdict", "becomes"),
    [
        (Verdict.PUBLISH, Publication.PUBLISHED),
        (Verdict.RETURN, Publication.RETURNED),
        (Verdict.REJECT, Publication.REJECTED),
        (Verdict.HIDE, Publication.HIDDEN),
    ],
)
def test_a_reported_comment_is_kept_or_taken_away_and_reporters_hear_of_it(
    session: Session, make: Make, desk: Desk, verdict: Verdict, becomes: Publication
) -> None:
    idea = make.idea(desk.lab)
    session.get_one(IdeaCount, idea.id).comments = 1
    comment_id, reporter = make.comment(idea).id, make.viewer()
    report(
        session,
        idea_id=idea.id or 0,
        comment_id=comment_id,
        person=reporter,
        rule="respect",
        text="",
        now=desk.now,
    )
    decision = desk.decide(verdict, idea.id, comment_id)
    assert session.get_one(Comment, comment_id).publication is becomes
    kept = becomes is Publication.PUBLISHED
    assert decision.action is (Action.KEEP if kept else Action(verdict.value))
    assert session.get_one(IdeaCount, idea.id, populate_existing=True).comments == int(kept)
    told = session.scalars(select(Event).where(Event.kind == "report-settled")).one()
    assert (told.data["person_id"], told.public) == (reporter.person_id, False)
    assert len(mails(session)) == int(not kept)


def test_what_the_author_took_back_leaves_the_queue(session: Session, make: Make, desk: Desk) -> None:
    idea = make.idea(desk.lab)
    comment_id = desk.hand.comment(idea)
    session.get_one(Comment, comment_id).deleted_at = desk.now
    session.flush()
    assert pile(session, desk.ida, desk.now).items == ()
    assert desk.refused(Verdict.PUBLISH, idea.id, comment_id) == "nothing-to-decide"


def test_the_queue_runs_by_deadline_and_a_skip_goes_on_behind(
    session: Session, make: Make, desk: Desk
) -> None:
    first = desk.hand.case(desk.hand.idea(desk.lab).id)
    desk.hand.noon += timedelta(days=1)
    second = desk.hand.case(desk.hand.idea(desk.lab).id)
    assert next_case(session, desk.ida, desk.now) == first.id
    assert next_case(session, desk.ida, desk.now, after=first.id) == second.id
    assert next_case(session, desk.ida, desk.now, after=second.id) == first.id
    late = desk.now + timedelta(days=10)
    assert (pile(session, desk.ida, late).count, pile(session, desk.ida, late).late) == (2, 2)
    assert pile(session, make.viewer(), desk.now).count == 0


def test_a_skip_tells_nothing_of_another_labs_queue(session: Session, make: Make, desk: Desk) -> None:
    near = desk.hand.case(desk.hand.idea(desk.lab).id)
    desk.hand.noon += timedelta(days=1)
    desk.hand.case(desk.hand.idea(desk.lab).id)
    elsewhere = desk.hand.case(desk.hand.idea(make.lab()).id)
    assert next_case(session, desk.ida, desk.now, after=elsewhere.id) == near.id
    assert next_case(session, desk.ida, desk.now, after=999_999) == near.id


def reported(session: Session, make: Make, desk: Desk, *, comment: bool = False) -> tuple[int, int | None]:
    idea = make.idea(desk.lab)
    idea_id, comment_id = idea.id or 0, make.comment(idea).id if comment else None
    more = {"rule": "unlawful", "text": "", "now": desk.now, "comment_id": comment_id}
    report(session, idea_id=idea_id, person=make.viewer(), **more)  # type: ignore[arg-type]
    return idea_id, comment_id


@pytest.mark.parametrize("comment", [False, True])
def test_what_the_law_forbids_is_removed_with_reasons_and_its_author_told(
    session: Session, make: Make, desk: Desk, comment: bool
) -> None:
    idea_id, comment_id = reported(session, make, desk, comment=comment)
    decision = desk.decide(Verdict.REMOVE, idea_id, comment_id, rule="unlawful")
    thing = session.get_one(Comment, comment_id) if comment else session.get_one(Idea, idea_id)
    assert (thing.publication, decision.action) == (Publication.REMOVED, Action.REMOVE)
    assert ("comment-removed" if comment else "idea-removed") in kinds(session)
    (mail,) = mails(session)
    assert (mail.person_id, mail.data["action"], mail.data["rule"]) == (thing.author_id, "remove", "unlawful")


def test_only_what_the_law_forbids_is_removed_and_only_what_is_public(
    session: Session, make: Make, desk: Desk
) -> None:
    idea_id, _ = reported(session, make, desk)
    assert desk.refused(Verdict.REMOVE, idea_id, rule="off-topic") == "not-unlawful"
    assert desk.refused(Verdict.REMOVE, idea_id, rule="unlawful", facts="nei") == "facts-missing"
    assert desk.refused(Verdict.REMOVE, desk.hand.idea(desk.lab).id, rule="unlawful") == "not-public-yet"


def test_an_idea_removed_with_its_waiting_version_takes_no_other(
    session: Session, make: Make, desk: Desk
) -> None:
    idea = make.idea(desk.lab)
    number = edited(session, make, idea, desk.now, body="Fem benker her.")
    desk.decide(Verdict.REMOVE, idea.id, rule="unlawful")
    assert session.get_one(Idea, idea.id).publication is Publication.REMOVED
    assert session.get_one(IdeaVersion, (idea.id, number)).publication is Publication.REJECTED
    with pytest.raises(Refused, match="not-published"):
        edited(session, make, idea, desk.now, body="Seks benker her.")
