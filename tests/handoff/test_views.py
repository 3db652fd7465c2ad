# ruff: noqa: E731
"""The pages: who gets in, what they offer, what they say when they refuse."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

import pytest
from sqlmodel import select

from livinglab.core.clock import utc_now
from livinglab.core.db import known_id
from livinglab.core.mail import OutboxMail
from livinglab.handoff import commands
from livinglab.handoff.models import Answer, AnswerKind, Handoff, HandoffState, Outcome
from livinglab.ideas.models import Idea, Publication
from livinglab.web.access import mark_of
from tests.handoff.conftest import Scene, build
from tests.make import Make


@pytest.fixture
def told(database):
    """A committed scene that began five days ago, and a function that goes on with it."""

    def tell(act=None, **settings) -> Scene:
        with database.writing() as session:
            scene = build(session, Make(session), utc_now() - timedelta(days=5), **settings)
            if act:
                scene.extra["row"] = act(scene)
                session.flush()
        return scene

    return tell


@pytest.fixture
def as_(app, sign_in):
    return lambda person: sign_in(app.test_client(), person)


def read(database, kind, row_id):
    with database.reading() as session:
        return session.get(kind, row_id)


def test_every_route_carries_its_mark(app):
    views = {
        rule.endpoint: app.view_functions[rule.endpoint]
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("handoff.")
    }
    assert len(views) == 19
    for endpoint, view in views.items():
        mark = mark_of(view)
        assert mark is not None, endpoint
        assert mark.kind == "staff", endpoint
        assert mark.units is (endpoint not in ("handoff.route", "handoff.route_again")), endpoint


def test_visitors_sign_in_and_residents_are_refused(client, as_, told):
    scene = told(lambda s: s.queued())
    assert client.get("/handoffs").status_code == 303
    assert as_(scene.resident).get("/handoffs").status_code == 403


def test_the_queue_shows_what_is_mine_due_and_late(as_, told):
    def act(scene):
        late = scene.agreed(now=scene.noon - timedelta(days=40))
        commands.run_clock(scene.session, utc_now())
        scene.queued(utc_now(), idea=scene.reviewed())
        return late

    scene = told(act)
    page = as_(scene.kari).get("/handoffs").text
    assert "<b>1</b> mine" in page
    assert "<b>1</b> late" in page
    assert page.index('id="late"') < page.index(scene.idea.title)
    assert "Write an answer" in page
    assert "Take it" in page
    assert "style=" not in page.split("<main")[1]
    assert '<span class="hush">: ' not in page, "a title is heard in its own language"
    only_mine = as_(scene.kari).get("/handoffs?mine=1").text
    assert "Take it" not in only_mine
    assert "Show everything" in only_mine


def test_a_lane_is_paged_and_each_handoff_stands_on_one_page(as_, told, app):
    scene = told(lambda s: [s.queued(s.noon - timedelta(days=30), idea=s.reviewed()) for _ in range(33)])
    browser = as_(scene.kari)
    first = browser.get("/handoffs?lane=late").text
    assert first.count('class="hand"') == 30
    overview = browser.get("/handoffs?lang=en").text
    assert overview.count('class="hand"') == 10
    assert "Show all 33" in overview
    found = set()
    url = "/handoffs?lane=late"
    for _ in range(3):
        page = browser.get(url).text
        found |= {
            part.split('"')[0] for part in page.split('href="/handoffs/')[1:] if part.split('"')[0].isdigit()
        }
        following = [
            part.split('"')[0] for part in page.split('href="')[1:] if "after=" in part.split('"')[0]
        ]
        if not following:
            break
        url = following[-1].replace("&amp;", "&")
    assert len(found) == 33
    assert "after=" in first


@pytest.mark.parametrize(
    "query",
    ["?unit=99999", "?unit=x", "?lane=bogus", "?after=%00", "?after=WzFlNDAwLDFd&lane=late", "?mine=7"],
)
def test_an_address_typed_by_hand_never_breaks(as_, told, query):
    scene = told(lambda s: s.queued())
    assert as_(scene.kari).get("/handoffs" + query).status_code == 200


def test_a_unit_sees_only_its_own_queue_and_other_labs_nothing(as_, told):
    scene = told(lambda s: s.queued())
    with_other = as_(scene.outsider)
    assert scene.idea.title not in with_other.get("/handoffs").text
    for path in ("", "/assign", "/return", "/answer", "/extend", "/wait", "/route"):
        assert with_other.get(f"/handoffs/{scene.extra['row'].id}{path}").status_code == 404, path
    for path in ("take", "acknowledge", "begin", "resume"):
        assert with_other.post(f"/handoffs/{scene.extra['row'].id}/{path}").status_code == 404, path
    assert with_other.get("/handoffs/99999").status_code == 404


def test_the_desk_sees_what_needs_a_unit_and_hands_it_over(as_, told, database):
    scene = told()
    browser = as_(scene.facilitator)
    assert "Needs a receiving unit" in browser.get("/handoffs").text
    url = f"/ideas/{scene.idea.id}/route"
    page = browser.get(url).text
    assert page.count('name="unit_id"') == 2
    missing = browser.post(url, data={"note": "En god grunn"})
    assert (missing.status_code, "En god grunn" in missing.text) == (422, True)
    done = browser.post(url, data={"unit_id": scene.unit.id, "note": "En god grunn"})
    assert done.status_code == 303
    with database.reading() as session:
        assert session.scalars(select(Handoff.note)).all() == ["En god grunn"]
    assert browser.get(url).status_code == 409
    assert as_(scene.kari).get(url).status_code == 403


def test_an_idea_that_was_sent_back_is_routed_from_the_same_link(as_, told):
    def returned(scene):
        handoff = scene.queued()
        commands.return_wrong_unit(
            scene.session, handoff_id=handoff.id, note="Ikke vårt", person=scene.kari, now=scene.noon
        )

    scene = told(returned)
    page = as_(scene.facilitator).get(f"/ideas/{scene.idea.id}/route", follow_redirects=True)
    assert (page.status_code, page.text.count('name="unit_id"')) == (200, 2)


def test_the_whole_way_of_a_unit_by_its_buttons(as_, told, database):
    scene = told(lambda s: s.queued())
    row, kari, tone = scene.extra["row"].id, as_(scene.kari), as_(scene.tone)
    stamp = lambda: read(database, Handoff, row).stamp
    assert kari.post(f"/handoffs/{row}/take", data={"stamp": stamp()}).status_code == 303
    back = kari.post(f"/handoffs/{row}/acknowledge", data={"stamp": stamp(), "back": "/handoffs?mine=1"})
    assert back.headers["Location"] == "/handoffs?mine=1"
    assert kari.post(f"/handoffs/{row}/begin", data={"stamp": stamp()}).status_code == 303
    words = {
        "title": "Vi prøver",
        "body": "To kvelder i mai.",
        "language": "nb",
        "signer_title": "enhetsleder",
    }
    assert (
        kari.post(f"/handoffs/{row}/answer?kind=preliminary", data=words | {"stamp": stamp()}).status_code
        == 303
    )
    final = words | {"outcome": "accepted", "stamp": stamp()}
    assert kari.post(f"/handoffs/{row}/answer?kind=final", data=final).status_code == 303
    with database.reading() as session:
        answer = session.scalars(select(Answer).where(Answer.kind == AnswerKind.FINAL)).one()
    assert "Publish it with my name" not in kari.get(f"/handoffs/{row}").text
    assert "Publish it with my name" in tone.get(f"/handoffs/{row}").text
    assert kari.post(f"/answers/{answer.id}/publish", data={"stamp": answer.stamp}).status_code == 403
    assert tone.post(f"/answers/{answer.id}/publish", data={"stamp": answer.stamp}).status_code == 303
    assert read(database, Handoff, row).state is HandoffState.DECIDED
    page = kari.get(f"/handoffs/{row}").text
    assert "published by Tone Sand" in page
    fix = words | {"title": "Rettet: vi prøver tre kvelder"}
    assert kari.post(f"/answers/{answer.id}/correct", data=fix).status_code == 303


def test_a_step_on_an_older_page_says_so_and_shows_it_as_it_is(as_, told):
    scene = told(lambda s: s.assigned())
    row = scene.extra["row"].id
    answer = as_(scene.tone).post(f"/handoffs/{row}/acknowledge", data={"stamp": 0})
    assert answer.status_code == 409
    assert "Somebody else has changed this handoff" in answer.text
    assert "Agree to assess" in answer.text


def test_the_preview_of_an_empty_answer_says_in_its_own_box_what_is_missing(as_, told):
    scene = told(lambda s: s.agreed())
    page = as_(scene.kari).post(
        f"/handoffs/{scene.extra['row'].id}/answer?kind=preliminary&lang=en",
        data={"title": "", "body": "", "language": "nb", "do": "preview"},
        headers={"HX-Request": "true"},
    )
    box = page.text.split('id="preview"')[1].split("</section>")[0]
    assert "This is still missing:" in box
    assert box.count("Fill this in.") == 3


def test_the_preview_publishes_nothing_and_warns_of_hard_words(as_, told, database):
    scene = told(lambda s: s.agreed())
    row = scene.extra["row"].id
    hard = (
        "Forvaltningsorganet vurderer gjennomføringsmuligheter innenfor gjeldende budsjettrammer, herunder "
        "organisatoriske konsekvenser, personalmessige implikasjoner, hensyntatt kommunestyrets "
        "vedtak vedrørende "
        "tjenesteutvikling, samhandlingsreformens intensjoner <script>alert(1)</script> med mere."
    )
    page = as_(scene.kari).post(
        f"/handoffs/{row}/answer?kind=preliminary",
        data={
            "title": "Vi ser på det",
            "body": hard,
            "language": "nb",
            "signer_title": "leder",
            "do": "preview",
        },
    )
    assert page.status_code == 200
    assert "Hard to read" in page.text
    short = {"title": "Vi ser på det", "body": "Kommunen svarer.", "language": "nb", "do": "preview"}
    page_of_short = as_(scene.kari).post(f"/handoffs/{row}/answer?kind=preliminary", data=short).text
    assert "LIX" not in page_of_short, "three words are neither easy nor hard"
    assert "<script>alert" not in page.text
    assert "samhandlingsreformens" in page.text.split('id="preview"')[1]
    with database.reading() as session:
        assert session.scalars(select(Answer.id)).all() == []


def test_a_refused_answer_keeps_what_was_typed(as_, told):
    scene = told(lambda s: s.agreed())
    row = scene.extra["row"].id
    page = as_(scene.kari).post(
        f"/handoffs/{row}/answer?kind=final",
        data={"title": "Ja", "body": "Begrunnelsen min", "language": "nb"},
    )
    assert page.status_code == 422
    assert "Begrunnelsen min" in page.text
    assert "Choose what the unit has decided" in page.text or "Fill this in" in page.text


def test_an_answer_of_no_named_kind_is_the_first_that_can_still_be_given(as_, told):
    scene = told(lambda s: s.agreed())
    url = f"/handoffs/{scene.extra['row'].id}/answer"
    first = as_(scene.kari).get(url)
    assert (first.status_code, "answer?kind=preliminary" in first.text) == (200, True)
    scene = told(_with_preliminary)
    url = f"/handoffs/{scene.extra['row'].id}/answer"
    then = as_(scene.kari).get(url)
    assert (then.status_code, "answer?kind=final" in then.text) == (200, True)
    assert as_(scene.kari).get(url + "?kind=preliminary").status_code == 409


def _with_preliminary(scene):
    handoff = scene.agreed()
    scene.answer(handoff, AnswerKind.PRELIMINARY, scene.noon)
    return handoff


@pytest.mark.parametrize(
    ("path", "data", "said"),
    [
        ("extend", {"until": "2026-01-01", "reason": "Fordi"}, "Choose a day after the present deadline"),
        ("extend", {"until": "not a day", "reason": "Fordi"}, "Fordi"),
        ("wait", {"until": "2199-01-01", "question": "Når kan du?"}, "at most 14 days"),
        ("return", {"note": ""}, "Fill this in"),
        ("assign", {"assignee_id": "99999"}, "ot a valid choice"),
    ],
)
def test_small_forms_say_what_is_wrong_at_the_field(as_, told, path, data, said):
    scene = told(lambda s: s.agreed())
    page = as_(scene.kari).post(f"/handoffs/{scene.extra['row'].id}/{path}", data=data)
    assert page.status_code == 422
    assert said in page.text


def test_asking_and_going_on(as_, told, database):
    scene = told(lambda s: s.agreed())
    row, browser = scene.extra["row"].id, as_(scene.kari)
    until = (utc_now() + timedelta(days=5)).date().isoformat()
    assert (
        browser.post(f"/handoffs/{row}/wait", data={"until": until, "question": "Hvor?"}).status_code == 303
    )
    page = browser.get(f"/handoffs/{row}").text
    assert "The clock stands" in page
    assert "Hvor?" in page
    assert (
        browser.post(
            f"/handoffs/{row}/resume", data={"stamp": read(database, Handoff, row).stamp}
        ).status_code
        == 303
    )
    assert read(database, Handoff, row).waiting_since is None


def test_sending_an_answer_back_and_changing_it(as_, told, database):
    scene = told(lambda s: s.answer(s.agreed(), AnswerKind.FINAL, s.noon, outcome=Outcome.ACCEPTED))
    answer = scene.extra["row"]
    tone, kari = as_(scene.tone), as_(scene.kari)
    assert tone.get(f"/answers/{answer.id}/send-back").status_code == 200
    assert (
        tone.post(f"/answers/{answer.id}/send-back", data={"note": "Si når", "stamp": 0}).status_code == 303
    )
    page = kari.get(f"/handoffs/{answer.handoff_id}").text
    assert "Si når" in page
    assert "Change the answer" in page
    now = read(database, Answer, answer.id)
    form = {
        "title": "Ja, i mai",
        "body": "Fra 4. mai.",
        "language": "nb",
        "outcome": "accepted",
        "signer_title": "x",
    }
    assert kari.post(f"/answers/{answer.id}/edit", data=form | {"stamp": now.stamp}).status_code == 303
    assert read(database, Answer, answer.id).returned_note == ""
    assert kari.post(f"/answers/{answer.id}/withdraw", data={"stamp": now.stamp + 1}).status_code == 303
    assert read(database, Answer, answer.id) is None


def test_nothing_about_the_handoff_leaks_to_its_author(as_, told):
    scene = told(lambda s: s.answer(s.agreed(), AnswerKind.FINAL, s.noon, outcome=Outcome.ACCEPTED))
    author = as_(scene.idea.author_id)
    answer = scene.extra["row"]
    assert author.get(f"/handoffs/{answer.handoff_id}").status_code == 403
    assert author.get(f"/answers/{answer.id}/edit").status_code == 403


def test_the_official_answers_stand_on_the_ideas_page_with_their_correction(app, told, database):
    def act(scene):
        answer = scene.answer(scene.agreed(), AnswerKind.PRELIMINARY, scene.noon, signer_title="enhetsleder")
        commands.correct_answer(
            scene.session,
            answer_id=known_id(answer.id),
            title="Rettet",
            body="Ny **tekst**",
            language="nb",
            person=scene.tone,
            now=utc_now(),
        )
        return answer

    scene = told(act)
    from flask import render_template

    from livinglab.handoff.queries import answers_of

    with database.reading() as session:
        answers = answers_of(session, known_id(scene.idea.id))
    with app.test_request_context("/"):
        part = render_template("handoff/_answers.html", answers=answers)
        assert render_template("handoff/_answers.html", answers=()).strip() == ""
    assert part.index("Rettet") < part.index("<del>")
    assert "Vi vil prøve dette" in part.split("<del>")[1]
    assert "<strong>tekst</strong>" in part
    assert "Kari Holm</b>, enhetsleder" in part


def test_the_mail_to_the_steering_list_can_be_read(app, database, told):
    from livinglab.web.mailing import render_mail

    scene = told(
        lambda s: s.queued(now=utc_now() - timedelta(days=40)), steering_emails=["styret@example.no"]
    )
    with database.writing() as session:
        commands.run_clock(session, utc_now())
        commands.run_clock(session, utc_now())
        mails = session.scalars(select(OutboxMail)).all()
        assert {mail.address for mail in mails} == {"styret@example.no"}
        assert len({mail.message_key for mail in mails}) == len(mails)
    with app.app_context():
        message = render_mail(mails[0])
    body = message.get_body(("plain",)).get_content()
    assert scene.idea.title in message["Subject"]
    assert f"http://localhost/ideas/{scene.idea.id}" in body
    assert scene.idea.title in message.get_body(("html",)).get_content()


def test_walking_a_lane_page_by_page_gives_each_handoff_once_in_its_order(scene, monkeypatch):
    queue_of = import_module("livinglab.handoff.queries")
    monkeypatch.setattr(import_module("livinglab.handoff.queries.queue.page"), "LANE_MOST", 2)
    later, done = [], []
    for days in (40, 20, None, 30, None):
        idea = scene.make.idea(scene.lab)
        later.append((days or 10**6, scene.make.handoff(idea, scene.unit, due_at=None).id))
        scene.session.get_one(Idea, idea.id).due_at = scene.noon + timedelta(days=days) if days else None
    for days in (1, 5, 3, None):
        idea = scene.make.idea(scene.lab)
        ended = {"state": HandoffState.CLOSED, "closed_at": scene.noon - timedelta(days=days or 0)}
        row = scene.make.handoff(idea, scene.unit, **(ended if days else {"state": HandoffState.FOLLOWED_UP}))
        done.append((days or 0, row.id))
    hidden = scene.make.idea(scene.lab, publication=Publication.HIDDEN)
    scene.make.handoff(hidden, scene.unit, state=HandoffState.CLOSED, closed_at=scene.noon)
    for lane, expected in ((queue_of.Lane.LATER, later), (queue_of.Lane.DONE, done)):
        found, place = [], None
        for _ in range(5):
            choice = queue_of.Choice(lane=lane, after=place)
            page = queue_of.queue(scene.session, scene.kari, scene.noon, choice)
            found += [row.handoff.id for row in page.lanes.get(lane, ())]
            place = page.next_after
            if place is None:
                break
        assert found == [row_id for _days, row_id in sorted(expected)]
    assert (page.counts.later, page.counts.done) == (5, 4)
    managers = queue_of.queue(scene.session, scene.manager, scene.noon, queue_of.Choice())
    assert managers.counts.done == 5, "who moderates sees the hidden one as well"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("wait", {"until": "2199-01-01", "question": "Which street do you mean?"}),
        ("return", {"note": "This belongs to the roads people."}),
        (
            "answer?kind=preliminary",
            {
                "title": "We look at it",
                "body": "All that I wrote.",
                "language": "nb",
                "signer_title": "leder",
            },
        ),
    ],
)
def test_words_sent_when_the_step_no_longer_fits_are_in_the_form_with_the_reason(as_, told, path, words):
    scene = told(_answered)
    page = as_(scene.kari).post(f"/handoffs/{scene.extra['row'].id}/{path}", data=words)
    assert page.status_code == 422
    assert list(words.values())[1 if len(words) > 1 else 0] in page.text
    assert "already given its final answer" in page.text


def _answered(scene):
    handoff = scene.agreed()
    scene.final(handoff, scene.noon)
    return handoff
