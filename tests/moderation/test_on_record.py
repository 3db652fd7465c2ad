"""What was public stays on record, what nobody read is not published, and a case is about something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import Database, known_id
from livinglab.core.errors import Refused
from livinglab.core.journal import Event
from livinglab.core.viewer import Viewer
from livinglab.ideas.commands import (
    delete_comment,
    edit_comment,
    edit_idea,
    hand_in,
    save_draft,
    set_publication,
    withdraw_idea,
)
from livinglab.ideas.commands.drafts import texts_of
from livinglab.ideas.models import Comment, CommentKind, Idea, IdeaVersion, Publication
from livinglab.labs.models import Moderation
from livinglab.moderation.commands import (
    answer_problem,
    appeal,
    decide_appeal,
    look_at_choices,
    report,
    submit_comment,
    submit_edit,
    submit_idea,
)
from livinglab.moderation.models import Action, AppealOutcome, Case, Decision, Report
from livinglab.moderation.queries import appeal_page, case_page
from livinglab.moderation.rules import Verdict
from livinglab.people.models import Person
from livinglab.pipeline.commands import open_reviews
from tests.make import Make
from tests.moderation.conftest import TEXTS, Desk, Hand

SignIn = Callable[[FlaskClient, object], FlaskClient]
WHY = "Jeg mener at teksten holder seg innenfor reglene."
PHONE = "912 34 567"


def author_of(make: Make, session: Session, idea: Idea) -> Viewer:
    return make.viewer(session.get_one(Person, idea.author_id))


def told(session: Session, idea: Idea, desk: Desk, make: Make, comment_id: int | None = None) -> None:
    report(
        session, idea_id=known_id(idea.id), comment_id=comment_id, person=make.viewer(), rule="respect",
        text="", now=desk.now,
    )  # fmt: skip


def change(session: Session, make: Make, idea: Idea, now: datetime, **new: object) -> tuple[int, Publication]:
    values = {"idea_id": known_id(idea.id), "person": author_of(make, session, idea), "now": now}
    note = str(new.pop("note", "bedre nå"))
    version = edit_idea(session, texts=replace(texts_of(session, idea), **new), note=note, **values)  # type: ignore[arg-type]
    assert version is not None
    return version.number, submit_edit(session, number=version.number, **values)  # type: ignore[arg-type]


def public_versions(session: Session, idea: Idea) -> list[tuple[int, str, str, str]]:
    rows = session.scalars(
        select(IdeaVersion)
        .where(IdeaVersion.idea_id == idea.id, IdeaVersion.publication == Publication.PUBLISHED)
        .order_by(col(IdeaVersion.number))
        .execution_options(populate_existing=True)
    )
    return [(row.number, row.title, row.body, row.note) for row in rows]


@pytest.mark.parametrize("walk", list(product(Verdict, repeat=2)), ids="-".join)
@pytest.mark.parametrize("how", list(Moderation))
def test_no_walk_of_verdicts_changes_a_version_everybody_could_read(
    session: Session, make: Make, desk: Desk, how: Moderation, walk: tuple[Verdict, ...]
) -> None:
    idea = make.idea(make.lab(settings={"moderation": how}))
    desk.ida = make.viewer(make.facilitator(session.get_one(type(desk.lab), idea.lab_id)))
    author, seen = author_of(make, session, idea), public_versions(session, idea)
    for step, verdict in enumerate(walk):
        told(session, idea, desk, make) if idea.publication is Publication.PUBLISHED else None
        if session.scalar(select(Case.id).where(Case.idea_id == idea.id, col(Case.closed_at).is_(None))):
            waits = IdeaVersion.publication == Publication.PENDING
            edit = session.scalar(select(IdeaVersion.number).where(IdeaVersion.idea_id == idea.id, waits))
            if edit is None and verdict in (Verdict.RETURN, Verdict.REJECT):
                assert desk.refused(verdict, idea.id) == "on-record"
            else:
                desk.decide(verdict, idea.id)
        for attempt in (
            lambda: save_draft(session, idea_id=known_id(idea.id), texts=TEXTS, person=author, now=desk.now),
            lambda: hand_in(session, idea_id=known_id(idea.id), person=author, now=desk.now),
        ):
            with pytest.raises(Refused):
                attempt()
        if idea.publication is Publication.REMOVED:
            with pytest.raises(Refused, match="not-published"):
                change(session, make, idea, desk.now, body=f"Tekst nummer {step}.")
        else:
            change(session, make, idea, desk.now, body=f"Tekst nummer {step}.")
        now = public_versions(session, idea)
        assert now[: len(seen)] == seen
        seen = now
    for to in (Publication.RETURNED, Publication.REJECTED):
        with pytest.raises(Refused, match="on-record"):
            set_publication(session, idea_id=known_id(idea.id), to=to, by_id=desk.ida.person_id, now=desk.now)


@pytest.mark.parametrize("how", list(Moderation))
def test_a_hidden_idea_comes_back_with_the_version_a_facilitator_has_read(
    session: Session, make: Make, desk: Desk, how: Moderation
) -> None:
    lab = make.lab(settings={"moderation": how})
    desk.ida = make.viewer(make.facilitator(lab))
    idea = make.idea(lab)
    told(session, idea, desk, make)
    desk.decide(Verdict.HIDE, idea.id)
    number, stands = change(session, make, idea, desk.now, summary="Uten navn.")
    assert (stands, idea.publication, idea.summary) == (
        Publication.PENDING, Publication.HIDDEN, "One sentence about it.",
    )  # fmt: skip
    page = case_page(session, known_id(desk.hand.case(idea.id).id), desk.ida, desk.now)
    assert {"title", "summary", "body"} <= {exhibit.name for exhibit in page.exhibits}
    assert [exhibit.name for exhibit in page.exhibits if exhibit.changed] == ["summary"]
    assert desk.decide(Verdict.PUBLISH, idea.id).action is Action.RESTORE
    assert (idea.publication, idea.summary, idea.version) == (Publication.PUBLISHED, "Uten navn.", number)


def test_its_author_changes_a_hidden_idea_from_its_page_but_does_not_end_it(
    client: FlaskClient, sign_in: SignIn, make: Make
) -> None:
    author = make.person()
    idea = make.idea(author=author, publication=Publication.HIDDEN)
    sign_in(client, author)
    page = client.get(f"/ideas/{idea.id}?lang=en").text
    assert f"/ideas/{idea.id}/edit" in page
    assert f"/ideas/{idea.id}/withdraw" not in page
    assert client.get(f"/ideas/{idea.id}/edit").status_code == 200
    assert client.post(f"/ideas/{idea.id}/withdraw").status_code == 409


def returned(session: Session, make: Make, desk: Desk) -> tuple[Idea, Viewer, int]:
    idea = desk.hand.idea(desk.lab)
    decision, author = desk.decide(Verdict.RETURN, idea.id), author_of(make, session, idea)
    filed = appeal(session, decision_id=known_id(decision.id), person=author, text=WHY, now=desk.now)
    return idea, author, known_id(filed.id)


def overturn(session: Session, make: Make, desk: Desk, appeal_id: int) -> None:
    decide_appeal(
        session, appeal_id=appeal_id, person=make.viewer(make.manager(desk.lab)), reasons=WHY,
        outcome=AppealOutcome.OVERTURNED, now=desk.now + timedelta(hours=2),
    )  # fmt: skip


def test_an_overturned_appeal_publishes_no_text_that_nobody_has_read(
    session: Session, make: Make, desk: Desk
) -> None:
    idea, author, appeal_id = returned(session, make, desk)
    new = replace(TEXTS, body="Kjøp varene mine.")
    save_draft(
        session, idea_id=known_id(idea.id), texts=new, person=author, now=desk.now + timedelta(hours=1)
    )
    manager = make.viewer(make.manager(desk.lab))
    assert appeal_page(session, appeal_id, manager, desk.now).decision.text == TEXTS.body
    overturn(session, make, desk, appeal_id)
    assert session.get_one(Idea, idea.id).publication is Publication.PENDING
    assert session.get_one(IdeaVersion, (idea.id, 1)).body == "Kjøp varene mine."
    assert desk.decide(Verdict.REJECT, idea.id).action is Action.REJECT


def test_an_overturned_appeal_leaves_a_text_in_the_middle_of_it_with_its_author(
    session: Session, make: Make, desk: Desk
) -> None:
    idea, author, appeal_id = returned(session, make, desk)
    new = replace(TEXTS, title="")
    save_draft(
        session, idea_id=known_id(idea.id), texts=new, person=author, now=desk.now + timedelta(hours=1)
    )
    overturn(session, make, desk, appeal_id)
    assert session.get_one(Idea, idea.id).publication is Publication.RETURNED
    assert desk.hand.cases() == 0


def test_a_version_that_needs_no_second_look_any_more_leaves_the_queue(
    session: Session, make: Make, desk: Desk
) -> None:
    idea = make.idea(desk.lab)
    assert change(session, make, idea, desk.now, body="Noe helt annet.")[1] is Publication.PENDING
    later = desk.now + timedelta(hours=1)
    assert change(session, make, idea, later, summary="Bare dette.")[1] is Publication.PUBLISHED
    assert desk.hand.cases() == 0


def test_a_comment_put_right_leaves_the_queue_unless_somebody_reported_it(
    session: Session, make: Make, desk: Desk
) -> None:
    lab = make.lab(settings={"moderation": "after"})
    idea, author = make.idea(lab), make.person()
    first, second = (desk.hand.comment(idea, author, f"Ring meg på {PHONE}, {n}.") for n in ("Per", "Kari"))
    told(session, idea, desk, make, second)
    was = desk.hand.case(idea.id, second)
    stamp, soon = was.stamp, desk.hand.noon + timedelta(minutes=5)
    for comment_id in (first, second):
        values = {"comment_id": comment_id, "person": make.viewer(author), "now": soon}
        edit_comment(session, body="Ring meg gjerne.", **values)  # type: ignore[arg-type]
        submit_comment(session, **values)  # type: ignore[arg-type]
    left = desk.hand.case(idea.id, second)
    assert (desk.hand.cases(), left.id, left.stamp) == (1, was.id, stamp + 1)
    closed = session.scalars(select(Case).where(Case.comment_id == first)).one()
    assert (closed.findings, session.scalars(select(Decision)).all()) == ([{"check": "phone"}], [])


def test_a_decision_on_words_that_were_changed_meanwhile_is_refused(
    session: Session, make: Make, desk: Desk
) -> None:
    desk.lab = lab = make.lab(settings={"moderation": "after"})
    desk.ida = make.viewer(make.facilitator(lab))
    idea, author = make.idea(lab), make.person()
    comment_id = desk.hand.comment(idea, author, "Du er dum.")
    told(session, idea, desk, make, comment_id)
    read, soon = desk.hand.case(idea.id, comment_id).stamp, desk.hand.noon + timedelta(minutes=5)
    person = make.viewer(author)
    edit_comment(session, comment_id=comment_id, body="Jeg er uenig.", person=person, now=soon)
    submit_comment(session, comment_id=comment_id, person=person, now=soon)
    assert desk.refused(Verdict.HIDE, idea.id, comment_id, stamp=read) == "case-changed"


def test_what_was_reported_goes_on_when_only_the_edit_is_returned(
    session: Session, make: Make, desk: Desk
) -> None:
    idea = make.idea(desk.lab)
    told(session, idea, desk, make)
    change(session, make, idea, desk.now, body="Noe annet.")
    opened = desk.hand.case(idea.id)
    was, due = opened.id, opened.due_at
    desk.decide(Verdict.RETURN, idea.id)
    goes_on = desk.hand.case(idea.id)
    assert goes_on.id != was
    assert (goes_on.due_at, goes_on.version) == (due, None)
    assert session.scalars(select(Report)).one().case_id == goes_on.id
    settled = select(Event).where(Event.kind == "report-settled")
    assert session.scalars(settled).all() == []
    desk.decide(Verdict.HIDE, idea.id)
    assert session.scalars(settled).one().data["action"] == "hide"
    assert session.get_one(Idea, idea.id).publication is Publication.HIDDEN


def test_a_deleted_comment_leaves_no_open_case(
    client: FlaskClient, sign_in: SignIn, make: Make, database: Database
) -> None:
    author = make.person()
    idea = make.idea()
    comment = make.comment(idea, author=author, publication=Publication.PENDING)
    make.add(
        Case(
            lab_id=idea.lab_id, idea_id=known_id(idea.id), comment_id=comment.id, source="new",
            opened_at=comment.created_at, due_at=comment.created_at,
        )
    )  # fmt: skip
    assert sign_in(client, author).post(f"/comments/{comment.id}/delete").status_code == 303
    with database.reading() as session:
        assert session.scalars(select(Case)).one().closed_at is not None


def test_tags_alternative_text_and_note_are_read_by_the_checks(
    session: Session, make: Make, hand: Hand, noon: datetime
) -> None:
    lab = make.lab(settings={"moderation": "after"})
    tagged = hand.idea(lab, texts=replace(TEXTS, tags=(f"ring {PHONE}",)))
    assert [one["check"] for one in hand.case(tagged.id).findings] == ["phone"]
    noted = make.idea(lab)
    change(session, make, noted, noon, body="Noe annet her.", note=f"Ring {PHONE}")
    assert [one["check"] for one in hand.case(noted.id).findings] == ["phone"]
    late = make.idea(lab)
    person, texts = author_of(make, session, late), replace(texts_of(session, late), tags=(f"ring {PHONE}",))
    values = {"idea_id": known_id(late.id), "person": person, "now": noon}
    assert edit_idea(session, texts=texts, note="", **values) is None  # type: ignore[arg-type]
    look_at_choices(session, **values)  # type: ignore[arg-type]
    facilitator = make.viewer(make.facilitator(lab))
    page = case_page(session, known_id(hand.case(late.id).id), facilitator, noon)
    assert ("mark", PHONE) in next(one for one in page.exhibits if one.name == "tags").parts


@pytest.mark.parametrize(
    ("who", "how", "stands"),
    [
        ("finder", Moderation.BEFORE, False),
        ("author", Moderation.BEFORE, False),
        ("facilitator", Moderation.BEFORE, True),
        ("finder", Moderation.AFTER, True),
    ],
)
def test_how_a_problem_was_answered_is_read_first_where_the_lab_looks_first(
    session: Session, make: Make, hand: Hand, noon: datetime, who: str, how: Moderation, stands: bool
) -> None:
    lab = make.lab(settings={"moderation": how})
    people = {"finder": make.person(), "author": make.person(), "facilitator": make.facilitator(lab)}
    idea = make.idea(lab, author=people["author"])
    problem = make.comment(idea, author=people["finder"], kind=CommentKind.PROBLEM)
    values = {"comment_id": known_id(problem.id), "person": make.viewer(people[who]), "now": noon}
    answered = answer_problem(session, note="Stien blir bredere.", **values)  # type: ignore[arg-type]
    assert (problem.resolved_at, problem.resolution) == (noon, "Stien blir bredere." if stands else "")
    assert answered is (Publication.PUBLISHED if stands else Publication.PENDING)
    replies = session.scalars(select(Comment).where(Comment.parent_id == problem.id)).all()
    assert [(one.body, one.publication) for one in replies] == (
        [] if stands else [("Stien blir bredere.", Publication.PENDING)]
    )
    assert hand.cases() == int(not stands)
    event = session.scalars(select(Event).where(Event.kind == "problem-resolved")).one()
    assert event.data["person_id"] == people["finder"].id


def test_a_phone_number_in_how_a_problem_was_answered_is_laid_before_a_moderator(
    session: Session, make: Make, hand: Hand, noon: datetime
) -> None:
    lab = make.lab(settings={"moderation": "after"})
    finder, idea = make.person(), make.idea(lab)
    problem = make.comment(idea, author=finder, kind=CommentKind.PROBLEM)
    values = {"comment_id": known_id(problem.id), "person": make.viewer(finder), "now": noon}
    answer_problem(session, note=f"Ring {PHONE}.", **values)  # type: ignore[arg-type]
    case = hand.case(idea.id, problem.id)
    page = case_page(session, known_id(case.id), make.viewer(make.facilitator(lab)), noon)
    assert [one.name for one in page.exhibits] == ["comment", "resolution"]


def test_a_comment_that_is_not_there_cannot_be_reported(session: Session, make: Make, noon: datetime) -> None:
    idea = make.idea()
    with pytest.raises(Refused, match="no-such-comment"):
        report(
            session, idea_id=known_id(idea.id), comment_id=999_999, person=make.viewer(), rule="respect",
            text="", now=noon,
        )  # fmt: skip


def test_an_edit_of_an_unread_idea_is_still_a_draft_of_its_author(
    session: Session, make: Make, desk: Desk
) -> None:
    idea = desk.hand.idea(desk.lab)
    desk.decide(Verdict.RETURN, idea.id)
    author = author_of(make, session, idea)
    save_draft(session, idea_id=known_id(idea.id), texts=TEXTS, person=author, now=desk.now)
    assert submit_idea(session, idea_id=known_id(idea.id), person=author, now=desk.now) is Publication.PENDING
    delete = make.comment(make.idea(desk.lab), publication=Publication.DRAFT, author=make.person(trust=0))
    person = make.viewer(session.get_one(Person, delete.author_id))
    assert delete_comment(session, comment_id=known_id(delete.id), person=person, now=desk.now).body == ""


@pytest.mark.parametrize("reported", [False, True])
def test_a_change_of_an_idea_withdrawn_meanwhile_waits_for_nobody(
    session: Session, make: Make, desk: Desk, reported: bool
) -> None:
    idea = make.idea(make.lab(settings={"moderation": Moderation.BEFORE}))
    number, stands = change(session, make, idea, desk.now, body="Seks benker.")
    assert stands is Publication.PENDING
    told(session, idea, desk, make) if reported else None
    case = desk.hand.case(idea.id)
    read = case.stamp
    author = author_of(make, session, idea)
    withdraw_idea(session, idea_id=known_id(idea.id), person=author, now=desk.now)
    open_reviews(session, now=desk.now)
    session.refresh(case)
    assert session.get_one(IdeaVersion, (idea.id, number)).publication is Publication.RETURNED
    assert (case.closed_at is None, case.version if reported else None) == (reported, None)
    assert case.stamp > read
