"""The pages of moderation: who gets in, what they show, what works without JavaScript."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import escape
from sqlmodel import select

from livinglab.core.db import Database
from livinglab.core.mail import OutboxMail
from livinglab.ideas.commands import edit_idea, start_draft
from livinglab.ideas.commands.drafts import texts_of
from livinglab.ideas.models import Idea, Publication
from livinglab.ideas.rules import IdeaTexts
from livinglab.labs.models import Lab
from livinglab.moderation.commands import appeal, decide_case, hold_case, report, submit_edit, submit_idea
from livinglab.moderation.models import Case, Decision
from livinglab.moderation.rules import Verdict
from livinglab.people.models import Person
from livinglab.web.mailing import render_mail
from tests.make import Make

SignIn = Callable[[FlaskClient, object], FlaskClient]
FACTS = "Teksten nevner <b>Kari</b> med adresse."
NOW = datetime.now(UTC)


class Room:
    """A lab with two waiting ideas, a facilitator and a manager."""

    def __init__(self, database: Database, make: Make) -> None:
        self.database, self.make = database, make
        self.lab: Lab = make.lab()
        self.ida, self.jon = make.facilitator(self.lab), make.manager(self.lab)
        self.author = make.person(language="nb")
        self.ideas = [
            self.hand_in(f"Benker langs elva {n}", f"Fire benker med tak, nummer {n}.") for n in (1, 2)
        ]

    def hand_in(self, title: str, body: str) -> int:
        person = self.make.viewer(self.make.person() if self.author is None else self.author)
        texts = IdeaTexts(title=title, summary="Benker.", body=body, language="nb")
        with self.database.writing() as session:
            idea_id = (
                start_draft(session, lab_id=self.lab.id or 0, texts=texts, person=person, now=NOW).id or 0
            )
        with self.database.writing() as session:
            submit_idea(session, idea_id=idea_id, person=person, now=NOW)
        return idea_id

    def case(self, idea_id: int) -> Case:
        with self.database.reading() as session:
            query = select(Case).where(Case.idea_id == idea_id).order_by(Case.id.desc())  # type: ignore[union-attr]
            return session.scalars(query.limit(1)).one()

    def idea(self, idea_id: int) -> Idea:
        with self.database.reading() as session:
            return session.get_one(Idea, idea_id)

    def decide(self, verdict: Verdict, idea_id: int, by: Person | None = None) -> int:
        case, person = self.case(idea_id), self.make.viewer(by or self.ida)
        with self.database.writing() as session:
            return (
                decide_case(
                    session,
                    case_id=case.id or 0,
                    person=person,
                    verdict=verdict,
                    rule="personal-data",
                    facts=FACTS,
                    stamp=case.stamp,
                    now=NOW,
                ).id
                or 0
            )


@pytest.fixture
def room(database: Database, make: Make) -> Room:
    return Room(database, make)


def test_the_queue_is_for_those_who_moderate(
    client: FlaskClient, sign_in: SignIn, room: Room, make: Make
) -> None:
    assert client.get("/moderation").status_code == 303
    assert sign_in(client, make.person()).get("/moderation").status_code == 403
    assert sign_in(client, make.lead(room.lab)).get("/moderation").status_code == 403
    page = sign_in(client, room.ida).get("/moderation")
    assert page.status_code == 200
    assert "Benker langs elva 1" in page.text
    elsewhere = sign_in(client, make.facilitator(make.lab()))
    assert elsewhere.get(f"/moderation/cases/{room.case(room.ideas[0]).id}").status_code == 404


def send(client: FlaskClient, case: Case, **values: object) -> object:
    data = {"verdict": "publish", "stamp": str(case.stamp), "rule": "", "facts": ""} | values
    return client.post(f"/moderation/cases/{case.id}/decide", data=data)


def test_deciding_without_javascript_leads_to_the_next_one(
    client: FlaskClient, sign_in: SignIn, room: Room
) -> None:
    sign_in(client, room.ida)
    first, second = (room.case(idea_id) for idea_id in room.ideas)
    answer = send(client, first)
    assert (answer.status_code, answer.location) == (303, f"/moderation/cases/{second.id}")
    assert room.idea(room.ideas[0]).publication is Publication.PUBLISHED
    assert room.case(room.ideas[1]).held_by == room.ida.id
    page = client.get(answer.location)
    assert "Done: published. Here is the next one." in page.text
    last = send(client, room.case(room.ideas[1]))
    assert last.location == "/moderation"
    assert "Nothing waits" in client.get("/moderation").text


def test_htmx_gets_the_desk_alone_with_the_next_one(client: FlaskClient, sign_in: SignIn, room: Room) -> None:
    sign_in(client, room.ida)
    case = room.case(room.ideas[0])
    headers = {"HX-Request": "true"}
    answer = client.post(
        f"/moderation/cases/{case.id}/decide", data={"verdict": "publish", "stamp": "0"}, headers=headers
    )
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "HX-Push-Url" not in answer.headers, "the sitting stays on its page"
    assert f'action="/moderation/cases/{room.case(room.ideas[1]).id}/decide"' in answer.text
    assert 'id="work-count" hx-swap-oob' in answer.text
    assert "HX-Request" in answer.headers["Vary"]


def test_what_is_missing_is_said_at_its_field_and_the_words_are_kept(
    client: FlaskClient, sign_in: SignIn, room: Room
) -> None:
    sign_in(client, room.ida)
    case = room.case(room.ideas[0])
    answer = send(client, case, verdict="return", facts="En god grunn til dette.")
    assert answer.status_code == 409
    assert "Choose the rule you decide by." in answer.text
    assert "En god grunn til dette." in answer.text
    assert send(client, case, verdict="").status_code == 422
    assert room.idea(room.ideas[0]).publication is Publication.PENDING


def test_all_that_a_removal_lacks_is_said_at_once_each_at_its_field(
    client: FlaskClient, sign_in: SignIn, room: Room, make: Make
) -> None:
    idea = make.idea(room.lab)
    client.post(f"/ideas/{idea.id}/report", data={"rule": "respect", "text": ""})
    answer = send(
        sign_in(client, room.ida), room.case(idea.id or 0), verdict="remove", rule="respect", facts="?"
    )
    assert answer.status_code == 409
    for field, words in (
        ("rule", "Only what the law forbids is removed"),
        ("facts", "Tell the author in your own words what you saw."),
    ):
        assert re.search(rf'id="{field}-error">{words}', answer.text)
        assert re.search(rf'<a href="#{field}"><b>[^<]+</b></a> {words}', answer.text), "and in the summary"


def test_who_moderates_finds_the_way_from_a_hidden_idea_to_its_removal(
    client: FlaskClient, sign_in: SignIn, room: Room, make: Make
) -> None:
    idea = make.idea(room.lab, publication=Publication.HIDDEN)
    assert client.get(f"/ideas/{idea.id}/report").status_code == 404
    sign_in(client, room.ida)
    assert f'href="/ideas/{idea.id}/report"' in client.get(f"/ideas/{idea.id}").text
    assert "The public does not see it any more." in client.get(f"/ideas/{idea.id}/report").text
    answer = client.post(f"/ideas/{idea.id}/report", data={"rule": "unlawful", "text": ""})
    assert answer.location == f"/moderation/cases/{room.case(idea.id or 0).id}"
    send(client, room.case(idea.id or 0), verdict="remove", rule="unlawful", facts="Deler andres helsedata.")
    assert room.idea(idea.id or 0).publication is Publication.REMOVED
    assert f'href="/ideas/{idea.id}/report"' not in client.get(f"/ideas/{idea.id}").text


def test_an_older_reading_is_refused_with_a_clear_message(
    client: FlaskClient, sign_in: SignIn, room: Room
) -> None:
    sign_in(client, room.jon)
    case = room.case(room.ideas[0])
    room.decide(Verdict.RETURN, room.ideas[0])
    answer = send(client, case)
    assert answer.status_code == 409
    assert "Somebody has decided this in the meantime" in answer.text
    assert f"{room.ida.name} decided this" in answer.text
    assert send(client, room.case(room.ideas[1]), stamp="77").status_code == 409
    assert send(client, room.case(room.ideas[1]), stamp="x").status_code == 409


def test_a_stamp_typed_by_hand_decides_nothing(client: FlaskClient, sign_in: SignIn, room: Room) -> None:
    page = f"/moderation/cases/{room.case(room.ideas[0]).id}/decide?lang=en"
    for stamp in ("²", "٣", "-1", "1" * 40, ""):
        answer = sign_in(client, room.ida).post(page, data={"verdict": "publish", "stamp": stamp})
        assert answer.status_code == 409, stamp
    assert room.idea(room.ideas[0]).publication is Publication.PENDING


def test_an_edit_of_one_word_said_thousands_of_times_is_laid_out_at_once(
    client: FlaskClient, sign_in: SignIn, room: Room, database: Database, make: Make
) -> None:
    room.decide(Verdict.PUBLISH, room.ideas[0])
    author, wide = make.viewer(room.author), "a b " * 1990
    with database.writing() as session:
        session.get_one(Idea, room.ideas[0]).body = wide
        texts = replace(texts_of(session, session.get_one(Idea, room.ideas[0])), body="b " + wide + "c")
        values = {"idea_id": room.ideas[0], "person": author, "now": NOW}
        made = edit_idea(session, texts=texts, note="Mer plass.", **values)
        submit_edit(session, number=made.number if made else 0, **values)
    case, facilitator = room.case(room.ideas[0]), sign_in(client, room.ida)
    start = time.process_time()
    shown = facilitator.get(f"/moderation/cases/{case.id}?lang=en")
    assert time.process_time() - start < 2
    assert "<ins" in shown.text


def test_the_letter_is_previewed_in_the_language_of_its_author(
    client: FlaskClient, sign_in: SignIn, room: Room
) -> None:
    sign_in(client, room.ida)
    url = f"/moderation/cases/{room.case(room.ideas[0]).id}/letter"
    data = {"verdict": "return", "rule": "personal-data", "facts": FACTS, "stamp": "0"}
    part = client.post(url, data=data, headers={"HX-Request": "true"})
    assert '<dl class="pairs" lang="nb">' in part.text
    assert "What the author will read" in part.text
    assert "Teksten nevner &lt;b&gt;Kari&lt;/b&gt; med adresse." in part.text
    assert "Return with this letter" in part.text
    whole = client.post(url, data=data)
    assert whole.status_code == 200
    assert whole.text.count("Teksten nevner &lt;b&gt;Kari") == 2
    assert room.idea(room.ideas[0]).publication is Publication.PENDING


def hold(room: Room, make: Make, person: Person, number: int = 0) -> int:
    case_id, who = room.case(room.ideas[number]).id or 0, make.viewer(person)
    with room.database.writing() as session:
        hold_case(session, case_id=case_id, person=who, now=datetime.now(UTC))
    return case_id


def test_the_second_person_is_told_who_has_it_and_takes_it_over_with_one_button(
    client: FlaskClient, sign_in: SignIn, room: Room, make: Make
) -> None:
    case_id = hold(room, make, room.ida)
    sign_in(client, room.jon)
    page = client.get(f"/moderation/cases/{case_id}").text
    assert f"{room.ida.name} has had this in hand since" in page
    assert f'action="/moderation/cases/{case_id}/take-over"' in page
    told = client.post(f"/moderation/cases/{case_id}/hold", headers={"HX-Request": "true"})
    assert f"{room.ida.name} has had this in hand since" in told.text
    assert f"/moderation/cases/{room.case(room.ideas[1]).id}/decide" in client.get("/moderation").text
    refused = send(client, room.case(room.ideas[0]), verdict="return", rule="respect", facts="Mine egne ord.")
    assert refused.status_code == 409
    assert f"{room.ida.name} has taken this in hand" in refused.text
    assert "Mine egne ord." in refused.text
    assert 'id="take-over"' in refused.text
    taken = client.post(f"/moderation/cases/{case_id}/take-over", headers={"HX-Request": "true"})
    assert "In your hand until" in taken.text
    assert client.post(f"/moderation/cases/{case_id}/take-over").location == f"/moderation/cases/{case_id}"
    assert room.case(room.ideas[0]).held_by == room.jon.id


def test_whoever_lost_a_case_to_a_colleague_is_told_and_keeps_the_words(
    client: FlaskClient, sign_in: SignIn, room: Room, make: Make
) -> None:
    case = room.case(room.ideas[0])
    hold(room, make, room.ida)
    with room.database.writing() as session:
        jon = make.viewer(room.jon)
        hold_case(session, case_id=case.id or 0, person=jon, now=datetime.now(UTC), take_over=True)
    sign_in(client, room.ida)
    words = {"verdict": "reject", "rule": "respect", "facts": "Det jeg rakk å skrive."}
    live = client.post(
        f"/moderation/cases/{case.id}/letter", data=words | {"stamp": "0"}, headers={"HX-Request": "true"}
    )
    assert f"{room.jon.name} has had this in hand" in live.text
    refused = send(client, case, **words)
    assert (refused.status_code, f"{room.jon.name} has taken this in hand" in refused.text) == (409, True)
    assert "Det jeg rakk å skrive." in refused.text
    room.decide(Verdict.PUBLISH, room.ideas[0], room.jon)
    late = send(client, case, **words)
    assert late.status_code == 409
    assert f"{room.jon.name} decided this" in late.text
    assert "What you had written" in late.text
    assert "Det jeg rakk å skrive." in late.text


def test_writing_about_a_case_takes_it_in_hand(client: FlaskClient, sign_in: SignIn, room: Room) -> None:
    sign_in(client, room.ida)
    case = room.case(room.ideas[0])
    data = {"verdict": "return", "rule": "", "facts": "", "stamp": "0"}
    part = client.post(f"/moderation/cases/{case.id}/letter", data=data, headers={"HX-Request": "true"})
    assert "In your hand until" in part.text
    assert room.case(room.ideas[0]).held_by == room.ida.id


OUTSIDE = ("hold", "take-over", "decide", "letter")


def test_another_labs_case_answers_as_a_number_that_does_not_exist(
    client: FlaskClient, sign_in: SignIn, room: Room, make: Make
) -> None:
    real = room.case(room.ideas[0]).id
    words = {"verdict": "publish", "stamp": "0", "rule": "", "facts": ""}
    for person in (make.facilitator(make.lab()), make.manager(make.lab()), make.admin(), make.resident()):
        sign_in(client, person)
        for headers in ({}, {"HX-Request": "true"}):
            pages = [client.get(f"/moderation/cases/{n}", headers=headers) for n in (real, 999_999)]
            assert (pages[0].status_code, bare(pages[0].text, real)) == (
                pages[1].status_code,
                bare(pages[1].text, real),
            )
            assert pages[0].status_code in (403, 404)
            for verb in OUTSIDE:
                there, none = (
                    client.post(f"/moderation/cases/{n}/{verb}", data=words, headers=headers)
                    for n in (real, 999_999)
                )
                assert (there.status_code, bare(there.text, real)) == (
                    none.status_code,
                    bare(none.text, real),
                ), verb
                assert there.headers.get("X-Reason-Code") == none.headers.get("X-Reason-Code")
        skips = [client.get(f"/moderation?after={n}") for n in (real, 999_999)]
        assert skips[0].status_code == skips[1].status_code
        assert bare(skips[0].text, real) == bare(skips[1].text, real)
    assert room.case(room.ideas[0]).held_by is None


def bare(text: str, number: object) -> str:
    """Leave out what the asked address itself and the form's token put into a page."""
    text = re.sub(r'(name="csrf_token" value|"X-CSRFToken"): ?"[^"]*"|value="[^"]{60,}"', "", text)
    text = re.sub(r'"X-CSRFToken": "[^"]*"', "", text)
    return text.replace(str(number), "N").replace("999999", "N")


def test_the_only_moderator_reads_who_looks_and_the_administrator_decides(
    client: FlaskClient, sign_in: SignIn, room: Room, make: Make
) -> None:
    lab = make.lab()
    only, nina = make.facilitator(lab), make.admin()
    room.lab, room.author = lab, only
    case = room.case(room.hand_in("En benk ved elva", "Der en kan sitte."))
    sign_in(client, only)
    assert (
        "The administrator has been told and looks at it." in client.get(f"/moderation/cases/{case.id}").text
    )
    assert "Your own; the administrator looks at it" in client.get("/moderation").text
    sign_in(client, nina)
    page = client.get("/moderation").text
    assert "En benk ved elva" in page
    assert "So it comes to you." in page
    assert "Benker langs elva 1" not in page
    assert send(client, case).status_code == 303
    assert room.idea(case.idea_id).publication is Publication.PUBLISHED


def test_looking_changes_nothing(client: FlaskClient, sign_in: SignIn, room: Room) -> None:
    sign_in(client, room.ida).get("/moderation")
    assert room.case(room.ideas[0]).held_by is None


def test_a_visitor_reports_by_a_form_and_gets_a_receipt(client: FlaskClient, room: Room, make: Make) -> None:
    idea = make.idea(room.lab)
    comment = make.comment(idea, body="En slem kommentar.")
    form = client.get(f"/ideas/{idea.id}/comments/{comment.id}/report")
    assert "En slem kommentar." in form.text
    assert form.text.count('type="radio"') == 8
    url = f"/ideas/{idea.id}/comments/{comment.id}/report"
    assert client.post(url, data={"text": "Uten regel"}).status_code == 422
    answer = client.post(url, data={"rule": "respect", "text": "Slem"})
    assert answer.status_code == 303
    assert "Thank you. Your report has arrived." in client.get(f"{answer.location}&lang=en").text
    assert client.get(f"/ideas/{room.ideas[0]}/report").status_code == 404
    assert client.get("/ideas/999999/report").status_code == 404


def test_whoever_reports_the_same_again_is_told_that_they_have(
    client: FlaskClient, sign_in: SignIn, room: Room, make: Make
) -> None:
    idea, said = make.idea(room.lab), {"rule": "respect", "text": "Slem"}
    sign_in(client, make.resident())
    first, second = (client.post(f"/ideas/{idea.id}/report", data=said).location for _ in range(2))
    assert "Your report has arrived" in client.get(f"{first}?lang=en").text
    page = client.get(f"{second}&lang=en").text
    assert "You have reported this already" in page
    assert "Your report has arrived" not in page


def test_the_author_reads_the_letter_and_appeals(
    client: FlaskClient, sign_in: SignIn, room: Room, make: Make
) -> None:
    number = room.decide(Verdict.REJECT, room.ideas[0])
    assert client.get(f"/decisions/{number}").status_code == 303
    assert sign_in(client, make.person()).get(f"/decisions/{number}").status_code == 404
    sign_in(client, room.author)
    page = client.get(f"/decisions/{number}?lang=en")
    assert "Your idea was not accepted for publication." in page.text
    assert "2. Other people’s private life" in page.text
    assert client.post(f"/decisions/{number}", data={"text": ""}).status_code == 422
    assert client.post(f"/decisions/{number}", data={"text": "Kort"}).status_code == 422
    sent = client.post(f"/decisions/{number}", data={"text": "Jeg nevner ingen med adresse."})
    assert sent.status_code == 303
    again = client.get(f"/decisions/{number}?lang=en").text
    assert "Jeg nevner ingen med adresse." in again
    assert "Send the appeal" not in again


def test_an_appeal_is_decided_on_its_page(
    client: FlaskClient, sign_in: SignIn, room: Room, make: Make
) -> None:
    number, author = room.decide(Verdict.REJECT, room.ideas[0]), make.viewer(room.author)
    with room.database.writing() as session:
        row = appeal(session, decision_id=number, person=author, text="Jeg er uenig i dette.", now=NOW).id
    sign_in(client, room.ida)
    assert "Somebody else decides the appeal" in client.get(f"/moderation/appeals/{row}").text
    refused = client.post(
        f"/moderation/appeals/{row}", data={"outcome": "upheld", "text": "Det står fast her."}
    )
    assert refused.status_code == 403
    assert sign_in(client, make.person()).get(f"/moderation/appeals/{row}").status_code == 404
    assert sign_in(client, make.admin()).get(f"/moderation/appeals/{row}").status_code == 404
    sign_in(client, room.jon)
    assert client.post(f"/moderation/appeals/{row}", data={"text": "Uten valg"}).status_code == 422
    done = client.post(
        f"/moderation/appeals/{row}", data={"outcome": "overturned", "text": "Det er tydelig nok."}
    )
    assert done.status_code == 303
    assert room.idea(room.ideas[0]).publication is Publication.PUBLISHED
    assert "The decision was overturned." in client.get(f"/moderation/appeals/{row}").text


def test_the_figures_are_for_everybody_and_set_no_cookie(client: FlaskClient, room: Room) -> None:
    room.decide(Verdict.REJECT, room.ideas[0])
    page = client.get("/moderation/figures")
    assert page.status_code == 200
    assert "Set-Cookie" not in page.headers
    assert "2. Other people’s private life" in page.text
    assert client.get(f"/moderation/figures?lab={room.lab.id}").status_code == 200
    assert client.get("/moderation/figures?lab=999999").status_code == 200


def test_whoever_gets_an_idea_back_reads_why_beside_the_text(
    client: FlaskClient, sign_in: SignIn, room: Room
) -> None:
    number = room.decide(Verdict.RETURN, room.ideas[0])
    page = sign_in(client, room.author).get(f"/ideas/write?idea={room.ideas[0]}").text
    assert str(escape(FACTS)) in page
    assert f"/decisions/{number}" in page


def test_the_letter_by_mail_says_the_same_and_lets_no_markup_through(app: Flask, room: Room) -> None:
    room.decide(Verdict.RETURN, room.ideas[0])
    with room.database.reading() as session:
        mail = session.scalars(select(OutboxMail).where(OutboxMail.kind == "decision")).one()
    mail.language = "en"
    with app.app_context():
        message = render_mail(mail)
    text, html = (str(part.get_payload(decode=True), "utf-8") for part in message.iter_parts())  # type: ignore[attr-defined]
    assert message["Subject"] == "Your idea was returned to you: Benker langs elva 1"
    assert FACTS in text
    assert "2. Other people’s private life" in text
    assert "&lt;b&gt;Kari&lt;/b&gt;" in html
    assert "<b>Kari" not in html
    assert "http://localhost/decisions/" in html


def test_three_reports_leave_a_letter_and_the_page_says_so(
    client: FlaskClient, sign_in: SignIn, room: Room, make: Make
) -> None:
    idea = make.idea(room.lab, author=room.author)
    for person in [make.viewer() for _ in range(3)]:
        with room.database.writing() as session:
            report(session, idea_id=idea.id or 0, person=person, rule="respect", text="", now=NOW)
    with room.database.reading() as session:
        number = session.scalars(select(Decision.id)).one()
    page = sign_in(client, room.author).get(f"/decisions/{number}?lang=en").text
    assert "Three signed-in people reported it." in page
    assert "A person looks at it next." in page
    assert isinstance(room.author, Person)
