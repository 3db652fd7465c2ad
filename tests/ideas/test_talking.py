"""Comments: what came back is sent in again at any time, a second click is none, nobody learns of what is not shown."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.clock import utc_now
from livinglab.core.db import Database, known_id
from livinglab.core.errors import Forbidden, NotFound, TooMany
from livinglab.core.mail import OutboxMail
from livinglab.core.viewer import Viewer
from livinglab.ideas.commands import delete_comment, edit_comment, resolve_problem, write_comment
from livinglab.ideas.models import Activity, Comment, CommentKind, Idea, IdeaCount, Publication
from livinglab.ideas.rules import COMMENTS_AN_HOUR
from livinglab.labs.models import Moderation
from livinglab.moderation.commands import decide_case, submit_comment
from livinglab.moderation.models import Case
from livinglab.moderation.rules import Verdict
from livinglab.people.models import Person
from livinglab.web.mailing import render_mail
from tests.make import Make

ROUNDS = int(os.environ.get("LIVINGLAB_ROUNDS", "40"))
SignIn = Callable[[FlaskClient, object], FlaskClient]
WORDS, BETTER = "Det er for smalt der det er brattest.", "Stien er under to meter bred ved brua."
FACTS = "Si hvor det er, så andre kan se det."


def say(
    session: Session, idea: Idea, person: Viewer, now: datetime, *, body: str = WORDS, to: int | None = None
) -> Comment:
    return write_comment(
        session, idea_id=known_id(idea.id), person=person, kind=CommentKind.CONCERN, body=body, language="nb",
        now=now, parent_id=to,
    )  # fmt: skip


def open_case_of(session: Session, comment_id: int | None) -> Case:
    query = select(Case).where(Case.comment_id == comment_id, col(Case.closed_at).is_(None))
    return session.scalars(query.execution_options(populate_existing=True)).one()


@pytest.mark.parametrize("state", [Publication.RETURNED, Publication.DRAFT])
def test_what_came_back_or_was_never_sent_is_changed_at_any_time(
    session: Session, make: Make, noon: datetime, state: Publication
) -> None:
    author = make.person()
    comment = make.comment(make.idea(), author=author, created_at=noon, publication=state)
    late, person = noon + timedelta(days=40), make.viewer(author)
    edit_comment(session, comment_id=comment.id or 0, body=BETTER, person=person, now=late)
    assert (comment.body, comment.edited_at) == (BETTER, late)


@pytest.mark.parametrize("moderation", list(Moderation))
@pytest.mark.parametrize("changed", [True, False])
def test_a_returned_comment_is_read_again_before_it_is_public_in_every_lab(
    session: Session, make: Make, noon: datetime, moderation: Moderation, changed: bool
) -> None:
    lab, author = make.lab(settings={"moderation": moderation}), make.person()
    comment = make.comment(make.idea(lab), author=author, created_at=noon, publication=Publication.RETURNED)
    later, person, number = noon + timedelta(days=2), make.viewer(author), comment.id or 0
    edit_comment(
        session, comment_id=number, body=BETTER if changed else comment.body, person=person, now=later
    )
    assert submit_comment(session, comment_id=number, person=person, now=later) is Publication.PENDING
    assert open_case_of(session, number).lab_id == lab.id


def test_a_second_click_is_no_second_comment_and_sends_nothing_back_to_the_queue(
    session: Session, make: Make, noon: datetime
) -> None:
    lab, person = make.lab(), make.viewer()
    idea = make.idea(lab)
    first = say(session, idea, person, noon)
    submit_comment(session, comment_id=first.id or 0, person=person, now=noon)
    case = open_case_of(session, first.id)
    soon = noon + timedelta(seconds=40)
    again = say(session, idea, person, soon)
    assert again.id == first.id
    assert submit_comment(session, comment_id=again.id or 0, person=person, now=soon) is Publication.PENDING
    assert open_case_of(session, first.id).stamp == case.stamp == 0, "who reads it just now is not disturbed"
    decider = make.viewer(make.facilitator(lab))
    decide_case(session, case_id=case.id or 0, person=decider, verdict=Verdict.PUBLISH, stamp=0, now=soon)
    assert submit_comment(
        session, comment_id=first.id or 0, person=person, now=soon + timedelta(seconds=9)
    ) is (Publication.PUBLISHED)
    assert first.publication is Publication.PUBLISHED, "a late click takes nothing out of view"


def test_the_same_words_elsewhere_are_another_comment(session: Session, make: Make, noon: datetime) -> None:
    idea, other, person = make.idea(), make.idea(), make.viewer()
    one, two = (make.comment(idea).id for _ in range(2))
    said = [
        say(session, place, person, noon, body="Enig!", to=to)
        for place, to in ((idea, None), (idea, one), (idea, two), (other, None))
    ]
    assert len({comment.id for comment in said}) == 4
    assert say(session, idea, person, noon, body="Enig!", to=two).id == said[2].id
    assert say(session, idea, person, noon + timedelta(minutes=2), body="Enig!", to=two).id != said[2].id


def test_nobody_answers_a_deleted_comment(session: Session, make: Make, noon: datetime) -> None:
    idea = make.idea()
    gone = make.comment(idea, deleted_at=noon, body="")
    with pytest.raises(NotFound, match="no-such-comment"):
        say(session, idea, make.viewer(), noon, to=gone.id)


UNSEEN = {
    "pending": {"publication": Publication.PENDING},
    "draft": {"publication": Publication.DRAFT},
    "returned": {"publication": Publication.RETURNED},
    "rejected": {"publication": Publication.REJECTED},
    "hidden": {"publication": Publication.HIDDEN},
    "deleted": {"publication": Publication.PUBLISHED, "body": ""},
}


@pytest.mark.parametrize("state", UNSEEN)
@pytest.mark.parametrize("answered", [True, False])
def test_a_comment_one_may_not_see_answers_as_a_number_that_does_not_exist(
    session: Session, make: Make, noon: datetime, state: str, answered: bool
) -> None:
    idea = make.idea()
    more = UNSEEN[state] | ({"deleted_at": noon} if state == "deleted" else {})
    comment = make.comment(idea, kind=CommentKind.PROBLEM, **more)
    if answered:
        make.comment(idea, parent_id=comment.id)
    for number in (comment.id or 0, 999_999):
        for act in (
            lambda n: edit_comment(session, comment_id=n, body=BETTER, person=make.viewer(), now=noon),
            lambda n: delete_comment(session, comment_id=n, person=make.viewer(), now=noon),
            lambda n: resolve_problem(session, comment_id=n, note="Løst", person=make.viewer(), now=noon),
        ):
            with pytest.raises(NotFound, match="no-such-comment"):
                act(number)


def test_those_who_see_a_comment_of_others_are_told_it_is_not_theirs(
    session: Session, make: Make, noon: datetime
) -> None:
    lab = make.lab()
    waiting = make.comment(make.idea(lab), publication=Publication.PENDING)
    ida = make.viewer(make.facilitator(lab))
    with pytest.raises(Forbidden, match="not-the-author"):
        edit_comment(session, comment_id=waiting.id or 0, body=BETTER, person=ida, now=noon)


# -- two at once ------------------------------------------------------------------------------------------


def test_one_form_sent_twice_at_once_is_one_comment(database: Database, make: Make, noon: datetime) -> None:
    idea, person = make.idea(), make.viewer(make.person())

    def send(n: int, click: int) -> int:
        with database.writing() as session:
            now = noon + timedelta(hours=2 * n, milliseconds=click)
            row = say(session, idea, person, now, body=f"Tanke nummer {n} om stien")
            submit_comment(session, comment_id=known_id(row.id), person=person, now=now)
            return known_id(row.id)

    with ThreadPoolExecutor(3) as pool:
        for n in range(ROUNDS):
            assert len(set(pool.map(send, [n] * 3, range(3)))) == 1
    with database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Comment)) == ROUNDS
        assert session.scalar(sa.select(sa.func.count()).select_from(Case)) == ROUNDS
        assert set(session.scalars(select(Case.stamp))) == {0}


def test_the_hourly_limit_holds_for_many_at_once(database: Database, make: Make, noon: datetime) -> None:
    idea = make.idea()
    people = [make.viewer(make.person()) for _ in range(max(1, ROUNDS // 20))]

    def send(person: Viewer, n: int) -> bool:
        try:
            with database.writing() as session:
                say(session, idea, person, noon + timedelta(seconds=n), body=f"Tanke nummer {n} om stien")
        except TooMany:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        for person in people:
            came = list(pool.map(lambda n, p=person: send(p, n), range(COMMENTS_AN_HOUR + 10)))
            assert sum(came) == COMMENTS_AN_HOUR
    with database.reading() as session:
        total = session.scalar(sa.select(sa.func.count()).select_from(Comment))
    assert total == COMMENTS_AN_HOUR * len(people)


# -- on the pages -----------------------------------------------------------------------------------------


class Returned:
    """A comment that a facilitator sent back two days after it was written."""

    def __init__(self, database: Database, make: Make) -> None:
        self.database, self.make = database, make
        self.lab = make.lab()
        self.ida, self.author = make.facilitator(self.lab), make.person(language="en")
        self.idea = make.idea(self.lab)
        now, person = datetime.now(UTC), make.viewer(self.author)
        with database.writing() as session:
            row = say(session, self.idea, person, now - timedelta(days=2))
            self.number = known_id(row.id)
            submit_comment(session, comment_id=self.number, person=person, now=now - timedelta(days=2))
        self.decision = self.decide(Verdict.RETURN)

    def decide(self, verdict: Verdict) -> int:
        ida = self.make.viewer(self.ida)
        with self.database.writing() as session:
            case = open_case_of(session, self.number)
            made = decide_case(
                session, case_id=known_id(case.id), person=ida, verdict=verdict, rule="unclear", facts=FACTS,
                stamp=case.stamp, now=datetime.now(UTC),
            )  # fmt: skip
            return known_id(made.id)

    def comment(self) -> Comment:
        with self.database.reading() as session:
            return session.get_one(Comment, self.number)


@pytest.fixture
def returned(database: Database, make: Make) -> Returned:
    return Returned(database, make)


def test_the_way_back_of_a_returned_comment_from_my_page_and_from_the_mail(
    client: FlaskClient, sign_in: SignIn, returned: Returned
) -> None:
    edit = f"/comments/{returned.number}/edit"
    with returned.database.reading() as session:
        mail = session.scalars(select(OutboxMail).where(OutboxMail.kind == "decision")).one()
    with client.application.app_context():
        text = render_mail(mail).get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert FACTS in text
    assert "You can change it and send it in again." in text
    assert f"/decisions/{returned.decision}" in text
    sign_in(client, returned.author)
    assert f'href="{edit}"' in client.get(f"/decisions/{returned.decision}").text
    assert f'href="{edit}"' in client.get("/me").text
    assert f'href="{edit}"' in client.get(f"/ideas/{returned.idea.id}?talk=all").text
    page = client.get(edit)
    assert (page.status_code, FACTS in page.text, WORDS in page.text) == (200, True, True)
    assert "15 minutes" not in page.text
    assert client.post(edit, data={"body": BETTER}).status_code == 303
    assert (returned.comment().publication, returned.comment().body) == (Publication.PENDING, BETTER)
    assert f'href="{edit}"' not in client.get("/me").text
    assert f'href="{edit}"' not in client.get(f"/decisions/{returned.decision}").text
    returned.decide(Verdict.PUBLISH)
    assert returned.comment().publication is Publication.PUBLISHED
    with returned.database.reading() as session:
        assert session.get_one(IdeaCount, returned.idea.id).comments == 1


def test_comments_one_may_not_see_give_the_same_page_as_none(
    client: FlaskClient, sign_in: SignIn, returned: Returned, make: Make
) -> None:
    sign_in(client, make.person())
    idea = returned.idea.id
    for path in (
        "/comments/{}/edit", "/comments/{}/delete", "/comments/{}/resolve", f"/ideas/{idea}/comments/{{}}/report",
        f"/ideas/{idea}/comment?to={{}}",
    ):  # fmt: skip
        for method in ("get", "post"):
            answers = [getattr(client, method)(path.format(n)) for n in (returned.number, 999_999)]
            assert [answer.status_code for answer in answers] == [404, 404], path
            codes = {answer.headers.get("X-Reason-Code") for answer in answers}
            assert len(codes) == 1, path


def test_saving_without_a_change_leaves_a_public_comment_in_place(
    client: FlaskClient, sign_in: SignIn, database: Database, make: Make
) -> None:
    author: Person = make.person()
    comment = make.comment(make.idea(), author=author, created_at=datetime.now(UTC), body=WORDS)
    sign_in(client, author)
    assert client.post(f"/comments/{comment.id}/edit", data={"body": WORDS}).status_code == 303
    with database.reading() as session:
        assert session.get_one(Comment, comment.id).publication is Publication.PUBLISHED


def test_an_idea_that_came_back_is_read_again_where_the_lab_looks_afterwards(
    session: Session, make: Make, noon: datetime
) -> None:
    from livinglab.moderation.commands import submit_idea

    author = make.person()
    idea = make.idea(
        make.lab(settings={"moderation": Moderation.AFTER}), author=author, publication=Publication.RETURNED
    )
    number, person = idea.id or 0, make.viewer(author)
    assert submit_idea(session, idea_id=number, person=person, now=noon) is Publication.PENDING


@pytest.mark.parametrize(
    "state", [Publication.PENDING, Publication.RETURNED, Publication.REJECTED, Publication.HIDDEN]
)
def test_what_others_answered_keeps_its_place_whatever_becomes_of_it(
    client: FlaskClient, make: Make, state: Publication
) -> None:
    idea = make.idea()
    top = make.comment(
        idea, author=make.person("Ola Skjult"), kind=CommentKind.PROBLEM, body="Ordene ingen leser.",
        publication=state, resolved_at=utc_now(), resolution="Stien blir bredere.",
    )  # fmt: skip
    make.comment(idea, parent_id=top.id, body="Svaret på det.")
    page = client.get(f"/ideas/{idea.id}?lang=en").text
    assert "Svaret på det." in page
    assert "The text is not shown" in page
    for words in ("Ordene ingen leser", "Ola Skjult", "Stien blir bredere", "problem found waits"):
        assert words not in page


def test_words_refused_meanwhile_are_still_in_the_form(
    client: FlaskClient, make: Make, sign_in: Callable[[FlaskClient, object], FlaskClient]
) -> None:
    author, ended = make.person(), make.idea(activity=Activity.WITHDRAWN)
    said = make.comment(make.idea(), author=author, created_at=utc_now() - timedelta(minutes=16))
    sign_in(client, author)
    for page in (f"/ideas/{ended.id}/comment", f"/comments/{said.id}/edit"):
        assert client.get(page).status_code == 409
        typed = {"body": "Lange og gode ord om saken.", "kind": "concern", "byline": "name"}
        answer = client.post(f"{page}?lang=en", data=typed)
        assert answer.status_code == 409
        assert re.search(r'<textarea[^>]*name="body"[^>]*>\s*Lange og gode ord om saken', answer.text)
