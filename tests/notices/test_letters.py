"""A mail at once says what happened, why it came, what to do and by when, in four languages."""

from __future__ import annotations

import re
from datetime import timedelta
from email.message import EmailMessage

import pytest
import time_machine
from flask import Flask
from flask_babel import force_locale
from sqlmodel import col, select

from livinglab.core.journal import Event, record
from livinglab.core.mail import OutboxMail
from livinglab.handoff import commands
from livinglab.handoff.models import AnswerKind, Outcome
from livinglab.ideas.models import Byline, Idea, Publication
from livinglab.jobs import deliver_mails
from livinglab.notices.commands import deliver_notices
from livinglab.notices.queries import mail_content
from livinglab.notices.rules.letters import BUTTON, DO, STAFF, WHY, Addressed, what_to_do, why
from livinglab.notices.rules.telling import LATE, TOLD, Circle
from livinglab.people.models import Person
from livinglab.pipeline.commands import propose, return_proposal
from livinglab.web.locale import written_as
from tests.handoff.conftest import Scene, build
from tests.make import Make
from tests.pipeline.conftest import advance, set_up

AT_ONCE = sorted(
    {(kind, t.circle) for kind, tellings in TOLD.items() for t in tellings if t.at_once}
    | {("handoff-late", t.circle) for tellings in LATE.values() for t in tellings if t.at_once}
    | {("handoff-returned", Circle.MANAGERS), ("handoff-vacated", Circle.MANAGERS)}
)
LANGUAGES = ("en", "nb", "sv", "fi")
DAY = timedelta(days=1)


@pytest.mark.parametrize(("kind", "circle"), AT_ONCE)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_has_its_words_for_everybody_who_gets_it(
    kind: str, circle: Circle, language: str, plain_app: Flask
) -> None:
    english = Addressed(kind, circle, unit="Kultur", lab="Rajalla", data={"clock": "decision"})
    with plain_app.test_request_context():
        with force_locale("en"):
            said = [str(why(english)), str(what_to_do(english)), str(BUTTON[kind])]
        with force_locale(written_as(language)):
            told = [str(why(english)), str(what_to_do(english)), str(BUTTON[kind])]
    assert all(told)
    assert "%(" not in "".join(told)
    if language != "en":
        assert not set(said) & set(told)


def test_every_circle_has_a_reason_and_every_letter_a_button() -> None:
    assert set(WHY) >= {circle for _kind, circle in AT_ONCE}
    assert set(DO) == set(BUTTON) >= {kind for kind, _circle in AT_ONCE}
    assert not STAFF & {Circle.AUTHOR, Circle.WRITER, Circle.FOLLOWERS}


def _letter(scene: Scene, kind: str, circle: Circle, language: str = "en", now=None):
    scene.session.flush()
    event = scene.session.scalars(
        select(Event).where(col(Event.kind) == kind).order_by(col(Event.id).desc())
    ).first()
    assert event is not None, kind
    found = mail_content(scene.session, [event.id], language, now or scene.noon, circle=circle)
    assert found.letter is not None
    return found.letter


@pytest.fixture
def scene(session, make, noon, plain_app):
    """A lab with a unit, in a request so that the words can be read."""
    with plain_app.test_request_context():
        yield build(session, make, noon)


def test_the_unit_reads_what_the_desk_wrote_to_it_and_by_when(scene):
    handoff = scene.queued()
    letter = _letter(scene, "handoff-queued", Circle.UNIT)
    assert [q.text for q in letter.quotes] == ["Passer hos dere"]
    assert (letter.by, letter.late, letter.path) == (
        scene.noon.date() + 3 * DAY,
        False,
        f"/handoffs/{handoff.id}",
    )
    late = _letter(scene, "handoff-queued", Circle.UNIT, now=scene.noon + 9 * DAY)
    assert late.late


@pytest.mark.parametrize("circle", [Circle.AUTHOR, Circle.FOLLOWERS])
def test_a_note_to_colleagues_never_reaches_author_or_follower(scene, circle):
    handoff = scene.queued()
    assert _letter(scene, "handoff-queued", circle).quotes == ()
    commands.return_wrong_unit(
        scene.session, handoff_id=handoff.id, note="Ikke vårt bord", person=scene.kari, now=scene.noon
    )
    assert _letter(scene, "handoff-returned", circle).quotes == ()
    assert [q.text for q in _letter(scene, "handoff-returned", Circle.FACILITATORS).quotes] == [
        "Ikke vårt bord"
    ]


def test_an_answer_is_quoted_to_the_author_only_once_it_is_public(scene):
    handoff = scene.agreed()
    answer = scene.answer(handoff, AnswerKind.FINAL, scene.noon, outcome=Outcome.ACCEPTED)
    staff = _letter(scene, "answer-written", Circle.UNIT)
    assert [(str(q.title), q.text) for q in staff.quotes] == [
        ("Vi vil prøve dette", "Vi ser på det og svarer igjen.")
    ]
    assert _letter(scene, "answer-written", Circle.AUTHOR).quotes == ()
    commands.confirm_answer(
        scene.session, answer_id=answer.id, person=scene.tone, now=scene.noon, stamp=answer.stamp
    )
    public = _letter(scene, "answer-published", Circle.AUTHOR)
    assert [q.by for q in public.quotes] == ["Kari Holm"]
    assert public.path == f"/ideas/{scene.idea.id}#answer-{answer.id}"


def test_an_answer_that_was_sent_back_says_why(scene):
    handoff = scene.agreed()
    answer = scene.answer(handoff, AnswerKind.FINAL, scene.noon, outcome=Outcome.ACCEPTED)
    commands.return_answer(
        scene.session,
        answer_id=answer.id,
        note="For langt",
        person=scene.tone,
        now=scene.noon,
        stamp=answer.stamp,
    )
    letter = _letter(scene, "answer-returned", Circle.SUBJECT)
    assert [q.text for q in letter.quotes] == ["For langt"]


def test_the_author_is_asked_in_the_units_words_until_the_day_it_named(scene):
    handoff = scene.agreed()
    until = (scene.noon + 10 * DAY).date()
    commands.wait_for_author(
        scene.session,
        handoff_id=handoff.id,
        until=until,
        question="Hvilke kvelder?",
        person=scene.kari,
        now=scene.noon,
    )
    letter = _letter(scene, "handoff-waiting", Circle.AUTHOR)
    assert ([q.text for q in letter.quotes], letter.by) == (["Hvilke kvelder?"], until)
    assert letter.path == f"/ideas/{scene.idea.id}#talk"


def test_the_writer_of_a_returned_proposal_is_told_at_once_with_the_note(session, make, noon, plain_app):
    place = set_up(make)
    _idea, review = place.ready()
    proposal = propose(
        session, review_id=review.id, draft=advance(), person=place.viewer("facilitator"), now=noon
    )
    return_proposal(
        session,
        proposal_id=proposal.id,
        version=1,
        note="Say who pays",
        person=place.viewer("manager"),
        now=noon,
    )
    deliver_notices(session, now=noon)
    event = session.scalars(select(Event).where(col(Event.kind) == "proposal-returned")).one()
    mails = session.scalars(
        select(OutboxMail).where(col(OutboxMail.message_key).like(f"event-{event.id}-%"))
    ).all()
    assert [mail.person_id for mail in mails] == [place.people["facilitator"].id]
    with plain_app.test_request_context():
        found = mail_content(session, [event.id], "en", noon, circle=Circle(mails[0].data["circle"]))
    assert found.letter is not None
    assert [quote.text for quote in found.letter.quotes] == ["Say who pays"]


def test_the_letter_keeps_the_byline_of_an_author_who_hides_their_name(scene):
    idea = scene.session.get_one(Idea, scene.idea.id)
    idea.byline = Byline.RESIDENT
    record(
        scene.session,
        "review-opened",
        at=scene.noon,
        actor_id=idea.author_id,
        lab_id=scene.lab.id,
        idea_id=idea.id,
        data={"door": "pick", "reason": "Because"},
    )
    name = scene.session.get_one(Person, idea.author_id).name
    letter = _letter(scene, "review-opened", Circle.LEAD)
    assert name not in letter.happened + "".join(q.by for q in letter.quotes)


class Box:
    """A mail server that keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []

    def send(self, message: EmailMessage) -> None:
        self.got.append(message)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_mail_as_it_leaves_has_text_html_track_and_one_button(app, database, noon, language):
    with database.writing() as session:
        scene = build(session, Make(session), noon)
        for person_id in (scene.kari.known_id, scene.tone.known_id):
            session.get_one(Person, person_id).language = language
        scene.queued()
        deliver_notices(session, now=noon)
    box = Box()
    with app.app_context(), time_machine.travel(noon, tick=False):
        deliver_mails(noon, transport=box)
    assert len(box.got) == 2
    message = box.got[0]
    text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    html = message.get_body(("html",)).get_content()  # type: ignore[union-attr]
    for part in (text, html):
        assert "Passer hos dere" in part
        assert "2026" in part
    assert re.search(r"● \w+ > ○ \w+ > ○ \w+ > ○ \w+", text)
    assert len(re.findall(r"^http://localhost/handoffs/\d+$", text, re.M)) == 1
    assert html.count("display:inline-block") == 1
    assert 'lang="' + language in html


def test_nothing_leaves_of_an_idea_that_was_hidden_meanwhile(app, database, noon):
    with database.writing() as session:
        scene = build(session, Make(session), noon)
        scene.queued()
        deliver_notices(session, now=noon)
        session.get_one(Idea, scene.idea.id).publication = Publication.HIDDEN
    box = Box()
    with app.app_context():
        deliver_mails(noon, transport=box)
    assert box.got == []


def test_an_older_mail_without_a_circle_still_leaves(app, database, noon):
    with database.writing() as session:
        scene = build(session, Make(session), noon)
        scene.queued()
        deliver_notices(session, now=noon)
        for mail in session.scalars(select(OutboxMail).where(col(OutboxMail.kind) == "event")):
            mail.data = {"event_ids": mail.data["event_ids"]}
    box = Box()
    with app.app_context():
        deliver_mails(noon, transport=box)
    assert len(box.got) == 2
    assert "Passer hos dere" not in box.got[0].as_string()
