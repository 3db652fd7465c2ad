"""The pages of accounts as a browser meets them."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine
from PIL import Image
from sqlmodel import func, select

from livinglab.app import create_app
from livinglab.core.clock import utc_now
from livinglab.core.mail import OutboxMail
from livinglab.ideas.models import Idea, Publication
from livinglab.ideas.rules import claim_hash
from livinglab.people import commands
from livinglab.people.models import Device, Person
from livinglab.people.rules import new_password
from livinglab.people.views.blueprint import DRAFT_COOKIE

SECRET = "a quiet winter road"
SIGN_UP = {"name": "Kari", "email": "kari@example.org", "password": "", "language": "nb", "of_age": "y"}


@pytest.fixture(scope="module")
def hashed():
    """One hash for all tests: it takes a while."""
    return new_password(SECRET).hash


@pytest.fixture
def browser(app):
    """Make as many browsers as a test needs."""
    return app.test_client


@pytest.fixture
def mails(database):
    """Read what lies in the outbox, oldest first."""

    def read(kind=None):
        with database.reading() as session:
            found = session.scalars(select(OutboxMail).order_by(OutboxMail.id)).all()
        return [mail for mail in found if kind in (None, mail.kind)]

    return read


def path_in(mail) -> str:
    return mail.data["path"].partition("?")[0]


def sign_up(client, **change):
    return client.post("/register", data=SIGN_UP | change)


def enter(client, email="kari@example.org", password=SECRET, **more):
    return client.post("/sign-in", data={"email": email, "password": password} | more)


def is_in(client) -> bool:
    return client.get("/me").status_code == 200


def person_named(database, name) -> Person:
    with database.reading() as session:
        return session.scalars(select(Person).where(Person.name == name)).one()


# ── making an account ──


def test_a_new_account_is_signed_in_at_once_and_reminded_to_confirm(client, mails):
    answer = sign_up(client)
    assert (answer.status_code, answer.location) == (303, "/me")
    page = client.get("/me?lang=en").text
    assert "Confirm your address" in page
    assert "kari@example.org" in page
    assert [mail.kind for mail in mails()] == ["confirm"]


def test_opening_the_mailed_link_does_nothing_and_its_button_confirms_in_any_browser(
    client, browser, mails, database
):
    sign_up(client)
    link, other = path_in(mails()[0]), browser()
    for _ in range(2):
        assert other.get(link).status_code == 200
        assert other.head(link).status_code == 200
    assert person_named(database, "Kari").trust == 0
    assert not is_in(other)
    assert other.post(link).status_code == 303
    assert person_named(database, "Kari").trust == 1
    assert is_in(other)
    assert "Confirm your address" not in client.get("/me?lang=en").text


def test_a_confirmed_person_who_opens_the_link_again_is_told_that_all_is_well(client, mails):
    sign_up(client)
    link = path_in(mails()[0])
    client.post(link)
    assert client.get(link).location == "/me"
    assert client.post(link).status_code == 404


def test_what_is_typed_is_kept_when_something_is_wrong_but_never_the_password(client):
    answer = sign_up(client, email="nonsense", password=SECRET)
    assert answer.status_code == 409
    assert 'value="Kari"' in answer.text
    assert 'value="nonsense"' in answer.text
    assert SECRET not in answer.text
    assert client.post("/register", data=SIGN_UP | {"of_age": ""}).status_code == 422


def test_the_age_limit_is_that_of_the_instance(config):
    app = create_app(replace(config, age_limit=16))
    assert "16 years" in app.test_client().get("/register?lang=en").text
    app.extensions["livinglab.database"].close()


def test_signing_up_with_a_known_address_looks_the_same_and_tells_only_the_mailbox(browser, make, mails):
    make.person(email="kari@example.org")
    known, unknown = browser(), browser()
    answers = [sign_up(known), sign_up(unknown, email="ola@example.org")]
    pages = [known.get("/me?lang=en").text, unknown.get("/me?lang=en").text.replace("ola@", "kari@")]
    assert [(a.status_code, a.location, a.text) for a in answers[:1]] == [
        (answers[1].status_code, answers[1].location, answers[1].text)
    ]
    assert [re.sub(r'value="[^"]{40,}"|"X-CSRFToken": "[^"]+"', "", page) for page in pages[:1]] == [
        re.sub(r'value="[^"]{40,}"|"X-CSRFToken": "[^"]+"', "", pages[1])
    ]
    assert [mail.kind for mail in mails()] == ["account-known", "confirm"]


def test_the_owner_of_the_mailbox_goes_on_in_the_old_account_with_the_new_drafts(
    client, browser, make, mails, database
):
    owner, lab = make.person(email="kari@example.org", name="Old Kari"), make.lab()
    sign_up(client)
    fresh = person_named(database, "Kari")
    draft = make.idea(
        lab, author=fresh, publication=Publication.DRAFT, published_at=None, wants_publishing=True
    )
    page = browser().get(path_in(mails()[0]) + "?lang=en").text
    assert "You already have an account" in page
    assert client.post(path_in(mails()[0])).status_code == 303
    assert "Old Kari" in client.get("/me?lang=en").text
    with database.reading() as session:
        row = session.get(Idea, draft.id)
        assert (row.author_id, row.publication, row.wants_publishing) == (owner.id, Publication.DRAFT, False)


def test_this_was_not_me_throws_the_account_away(client, browser, mails, database):
    sign_up(client)
    person = person_named(database, "Kari")
    answer = browser().post(path_in(mails()[0]) + "/not-me")
    assert answer.status_code == 303
    with database.reading() as session:
        assert session.get(Person, person.id).erased_at is not None
    assert not is_in(client)


def test_confirming_lets_what_waited_go_on(client, make, mails, database):
    sign_up(client)
    author = person_named(database, "Kari")
    idea = make.idea(
        author=author,
        publication=Publication.DRAFT,
        published_at=None,
        wants_publishing=True,
        submitted_at=utc_now(),
    )
    client.post(path_in(mails("confirm")[0]))
    with database.reading() as session:
        assert session.get(Idea, idea.id).publication is Publication.PENDING


@pytest.mark.parametrize("way", ["register", "sign-in", "link"])
def test_the_draft_of_a_browser_belongs_to_whoever_comes_in_there(client, make, mails, database, hashed, way):
    lab = make.lab()
    if way != "register":
        make.person(email="kari@example.org", name="Kari", password_hash=hashed)
    with database.writing() as session:
        draft = Idea(
            lab_id=lab.id, claim_hash=claim_hash("secret"), language="nb", title="Mine", created_at=utc_now(),
            edited_at=utc_now(),
        )  # fmt: skip
        session.add(draft)
    client.set_cookie(DRAFT_COOKIE, "secret")
    if way == "register":
        answer = sign_up(client)
    elif way == "sign-in":
        answer = enter(client)
    else:
        client.post("/sign-in/link", data={"email": "kari@example.org"})
        answer = client.post(path_in(mails("sign-in-link")[0]))
    assert answer.status_code == 303
    with database.reading() as session:
        assert session.get(Idea, draft.id).author_id == person_named(database, "Kari").id
    assert client.get_cookie(DRAFT_COOKIE) is None


def test_the_link_can_be_sent_again_from_my_page(client, mails):
    sign_up(client)
    assert client.post("/confirm-again").status_code == 303
    assert [mail.kind for mail in mails()] == ["confirm", "confirm"]
    for _ in range(4):
        last = client.post("/confirm-again")
    assert last.status_code == 429


# ── signing in and out ──


def test_signing_in_goes_on_to_the_page_one_came_for(client, make, hashed):
    make.person(email="kari@example.org", password_hash=hashed)
    visitor = client.get("/settings?x=1")
    assert (visitor.status_code, visitor.location) == (303, "/sign-in?next=/settings?x%3D1")
    answer = client.post(visitor.location, data={"email": "kari@example.org", "password": SECRET})
    assert (answer.status_code, answer.location) == (303, "/settings?x=1")


@pytest.mark.parametrize(
    "target",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\\/evil.example", "javascript:alert(1)",
     "evil", "/\t/evil.example", "http:///evil.example", "/sign-out", "/sign-in", "/register"],
)  # fmt: skip
def test_nobody_is_led_away_by_next(client, make, hashed, target):
    make.person(email="kari@example.org", password_hash=hashed)
    answer = client.post(
        "/sign-in", query_string={"next": target}, data={"email": "kari@example.org", "password": SECRET}
    )
    assert (answer.status_code, answer.location) == (303, "/me")


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(browser, make, hashed):
    make.person(email="kari@example.org", password_hash=hashed)
    wrong, unknown = (
        enter(browser(), password="another winter road"),
        enter(browser(), email="ola@example.org"),
    )
    assert wrong.status_code == unknown.status_code
    body = unknown.text.replace("ola@example.org", "kari@example.org")
    hide = r'name="csrf_token" value="[^"]*"|"X-CSRFToken": "[^"]+"'
    assert re.sub(hide, "", wrong.text) == re.sub(hide, "", body)


@pytest.mark.parametrize("known", [True, False])
def test_an_address_that_rests_is_told_alike_and_without_a_comparison(
    client, make, hashed, monkeypatch, known
):
    if known:
        make.person(email="kari@example.org", password_hash=hashed)
    for _ in range(5):
        enter(client, password="another winter road")
    monkeypatch.setattr("livinglab.people.views.signing.prove", lambda *_: pytest.fail("compared"))
    answer = enter(client)
    assert answer.status_code == 429
    assert "too many wrong tries" in client.post(
        "/sign-in?lang=en", data={"email": "kari@example.org", "password": SECRET}
    ).text  # fmt: skip


def test_a_suspended_person_is_told_only_after_the_right_password(client, make, hashed):
    make.person(email="kari@example.org", password_hash=hashed, suspended_at=utc_now())
    assert enter(client, password="another winter road").status_code == 409
    assert enter(client).status_code == 403
    assert not is_in(client)


def test_somebody_suspended_while_signed_in_is_out_at_the_next_request(client, make, sign_in, database):
    person = make.person()
    sign_in(client, person)
    assert is_in(client)
    with database.writing() as session:
        session.get(Person, person.id).suspended_at = utc_now()
    assert not is_in(client)


def test_a_copied_cookie_dies_with_signing_out(client, browser, make, sign_in):
    thief = browser()
    sign_in(client, make.person())
    thief.set_cookie("livinglab", client.get_cookie("livinglab").value)
    assert is_in(thief)
    assert client.post("/sign-out").status_code == 303
    assert not is_in(client)
    assert not is_in(thief)


def test_signing_out_twice_hurts_nobody(client):
    assert client.post("/sign-out").status_code == 303


def test_signing_in_as_somebody_else_ends_what_one_was_before(client, make, sign_in, mails, database):
    other = make.person(email="kari@example.org")
    sign_in(client, make.person())
    client.post("/sign-in/link", data={"email": "kari@example.org"})
    client.post(path_in(mails()[0]))
    with database.reading() as session:
        assert session.scalars(select(Device.person_id)).all() == [other.id]


# ── links by mail ──


@pytest.mark.parametrize(("door", "kind"), [("/sign-in/link", "sign-in-link"), ("/reset", "reset")])
def test_asking_for_a_link_is_answered_alike_for_any_address(browser, make, mails, door, kind):
    make.person(email="kari@example.org")
    answers, pages = [], []
    for email in ("kari@example.org", "ola@example.org"):
        client = browser()
        answer = client.post(door, data={"email": email})
        answers.append((answer.status_code, answer.location))
        pages.append(client.get(answer.location).text.replace(email, "…"))
    assert answers[0] == answers[1]
    assert pages[0] == pages[1]
    assert [mail.kind for mail in mails()] == [kind, "no-account"]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("/ideas/1/comment?to=3", "Sign in to write in the conversation"),
        ("/settings", "The page you chose is for people who are signed in."),
        ("/ideas/1", ""),
        ("/nowhere/at/all", ""),
        ("", ""),
    ],
)
def test_signing_in_says_why_the_page_somebody_came_for_asks_for_it(client, wanted, words):
    page = client.get("/sign-in", query_string={"next": wanted, "lang": "en"}, follow_redirects=True).text
    said = [one for one in ("Sign in to write in", "The page you chose is") if one in page]
    assert said == ([words[: len(said[0])]] if words else [])


def test_a_sign_in_link_signs_in_once(browser, make, mails):
    make.person(email="kari@example.org")
    browser().post("/sign-in/link?next=/settings", data={"email": "kari@example.org"})
    link, first, second = path_in(mails()[0]), browser(), browser()
    assert first.get(link).status_code == 200
    assert not is_in(first)
    assert first.post(link).location == "/settings"
    assert is_in(first)
    assert second.post(link).status_code == second.get(link).status_code == 404
    assert not is_in(second)


def test_a_link_that_is_too_old_says_how_to_get_another(browser, make, mails):
    make.person(email="kari@example.org")
    browser().post("/sign-in/link", data={"email": "kari@example.org"})
    with time_machine.travel(utc_now() + timedelta(minutes=31), tick=False):
        answer = browser().get(path_in(mails()[0]) + "?lang=en")
    assert answer.status_code == 404
    assert "/sign-in/link" in answer.text


def test_resetting_signs_in_here_and_out_everywhere_else(browser, make, sign_in, mails):
    person = make.person(email="kari@example.org")
    elsewhere, here = sign_in(browser(), person), sign_in(browser(), person)
    browser().post("/reset", data={"email": "kari@example.org"})
    link = path_in(mails("reset")[0])
    assert here.get(link).status_code == 200
    assert here.post(link, data={"password": "short"}).status_code == 409
    assert here.post(link, data={"password": SECRET}).status_code == 303
    assert is_in(here)
    assert not is_in(elsewhere)
    assert enter(browser()).status_code == 303
    assert here.post(link, data={"password": SECRET}).status_code == 404


def test_a_change_of_address_is_confirmed_by_its_button(client, browser, make, sign_in, mails, database):
    person = make.person(email="kari@example.org")
    sign_in(client, person)
    assert client.post("/settings/address", data={"email": "new@example.org"}).status_code == 303
    link = path_in(mails()[0])
    assert browser().get(link).status_code == 200
    with database.reading() as session:
        assert session.get(Person, person.id).email == "kari@example.org"
    assert browser().post(link).status_code == 303
    with database.reading() as session:
        assert session.get(Person, person.id).email == "new@example.org"
    assert [mail.kind for mail in mails()] == ["address-change", "address-changed"]


@pytest.mark.parametrize(
    "path", ["/confirm/{}", "/confirm/{}/not-me", "/sign-in/link/{}", "/reset/{}", "/settings/address/{}"]
)
@pytest.mark.parametrize("token", ["x", "y" * 500, "%00", "%ff%fe", "ø"])
def test_a_made_up_link_is_a_plain_page(client, path, token):
    assert client.post(path.format(token), data={"password": SECRET}).status_code == 404


# ── settings ──


def test_a_new_password_signs_out_every_other_device(browser, make, sign_in, hashed):
    person = make.person(email="kari@example.org", password_hash=hashed)
    here, there = sign_in(browser(), person), sign_in(browser(), person)
    wrong = here.post(
        "/settings/password", data={"current": "not this one", "password": "another winter road"}
    )
    assert wrong.status_code == 409
    assert is_in(there)
    right = here.post("/settings/password", data={"current": SECRET, "password": "another winter road"})
    assert right.status_code == 303
    assert is_in(here)
    assert not is_in(there)


def test_one_can_sign_out_everywhere_else(browser, make, sign_in):
    person = make.person()
    here, there = sign_in(browser(), person), sign_in(browser(), person)
    assert here.get("/settings/sign-in?lang=en").text.count("Another device") == 1
    here.post("/settings/devices/end")
    assert is_in(here)
    assert not is_in(there)


def test_the_profile_is_saved_and_the_answer_speaks_the_language_chosen(client, make, sign_in, database):
    person = make.person(language="en")
    sign_in(client, person)
    values = {"name": "Kari N.", "pseudonym": "Elvekant", "bio": "Hei", "language": "fi"}
    assert client.post("/settings", data=values).status_code == 303
    with database.reading() as session:
        row = session.get(Person, person.id)
    assert (row.name, row.pseudonym, row.bio, row.language, row.digest) == (
        "Kari N.",
        "Elvekant",
        "Hei",
        "fi",
        False,
    )
    assert '<html lang="fi"' in client.get("/settings").text
    assert client.post("/settings", data=values | {"pseudonym": "kari n."}).status_code == 409


def test_only_who_works_here_is_asked_for_a_title(client, browser, make, sign_in, database):
    resident, facilitator = make.person(), make.facilitator(make.lab())
    values = {"name": "Kari", "language": "nb", "title": "Mayor"}
    for browser_, person in (
        (sign_in(client, resident), resident),
        (sign_in(browser(), facilitator), facilitator),
    ):
        assert browser_.post("/settings", data=values).status_code == 303
        with database.reading() as session:
            assert session.get(Person, person.id).title == ("" if person is resident else "Mayor")


def _png() -> io.BytesIO:
    out = io.BytesIO()
    Image.new("RGB", (300, 200), "teal").save(out, "PNG")
    out.seek(0)
    return out


def test_a_photo_is_shown_replaced_and_removed_with_its_files(client, make, sign_in, config):
    sign_in(client, make.person())
    uploads = Path(config.instance) / "uploads"
    for _ in range(2):
        answer = client.post("/settings/photo", data={"image": (_png(), "me.png")})
        assert answer.status_code == 303
        assert len(list(uploads.rglob("*-face.webp"))) == 1
    assert "/pictures/" in client.get("/settings").text
    assert client.post("/settings/photo/remove").status_code == 303
    assert list(uploads.rglob("*.webp")) == []
    assert "/pictures/" not in client.get("/settings").text


def test_what_is_no_picture_is_refused_at_its_field(client, make, sign_in):
    sign_in(client, make.person())
    answer = client.post("/settings/photo?lang=en", data={"image": (io.BytesIO(b"<svg onload=x>"), "me.svg")})
    assert answer.status_code == 409
    assert "not a picture we can read" in answer.text
    assert client.post("/settings/photo", data={}).status_code == 422


def test_an_account_is_deleted_by_its_owner_alone(browser, make, sign_in, database, hashed, mails):
    person = make.person(email="kari@example.org", password_hash=hashed)
    here, there = sign_in(browser(), person), sign_in(browser(), person)
    values = {"published": "keep", "current": SECRET, "sure": "y"}
    assert here.post("/settings/delete", data=values | {"sure": ""}).status_code == 422
    assert here.post("/settings/delete", data=values | {"current": "not this one"}).status_code == 409
    assert is_in(here)
    assert here.post("/settings/delete", data=values).status_code == 303
    assert not is_in(here)
    assert not is_in(there)
    with database.reading() as session:
        assert session.get(Person, person.id).erased_at is not None
    assert [mail.kind for mail in mails()] == ["account-deleted"]
    assert enter(browser()).status_code == 409


@pytest.mark.parametrize(
    "path", ["/me", "/me/supports", "/me/following", "/settings", "/settings/sign-in", "/settings/delete"]
)
def test_own_pages_ask_a_visitor_to_sign_in_and_come_back(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.location) == (303, f"/sign-in?next={path}")


# ── my page ──


def test_my_page_shows_where_my_things_stand(client, make, sign_in):
    person, lab = make.person(), make.lab()
    make.idea(lab, author=person, title="A draft of mine", publication=Publication.DRAFT, published_at=None)
    make.idea(lab, author=person, title="An idea of mine")
    liked = make.idea(lab, title="One I support")
    sign_in(client, person)
    client.post(f"/ideas/{liked.id}/support")
    page = client.get("/me?lang=en").text
    for words in ("A draft of mine", "An idea of mine", "One I support"):
        assert page.count(words) >= 1
    assert "One I support" in client.get("/me/supports").text


def test_my_supports_page_on_without_losing_or_repeating_one(client, make, sign_in, database):
    from livinglab.voting.models import Support

    person, lab = make.person(), make.lab()
    ids = [make.idea(lab, title=f"Idea {n:03}").id for n in range(35)]
    with database.writing() as session:
        session.add_all(
            Support(idea_id=i, person_id=person.id, given_at=utc_now(), counts=True, staff=False) for i in ids
        )
    sign_in(client, person)
    page = client.get("/me/supports").text
    following = re.search(r'href="(/me/supports\?after=[^"]+)"', page)
    seen = re.findall(r"Idea \d{3}(?=</a>)", page + client.get(following[1]).text)
    assert sorted(seen) == [f"Idea {n:03}" for n in range(35)]
    assert client.get("/me/supports?after=nonsense").status_code == 200


def test_somebody_elses_drafts_are_not_on_my_page(client, make, sign_in):
    make.idea(
        author=make.person(), title="A strangers draft", publication=Publication.DRAFT, published_at=None
    )
    sign_in(client, make.person())
    assert "A strangers draft" not in client.get("/me").text


# ── the demo ──


@pytest.fixture
def demo(config):
    """The app in demo mode."""
    app = create_app(replace(config, demo=True))
    app.config["WTF_CSRF_ENABLED"] = False
    yield app.test_client()
    app.extensions["livinglab.database"].close()


def test_the_demo_offers_its_people_by_role_with_one_click_each(demo, make, database):
    lab = make.lab(name="Fjellvik")
    nina = make.person("Nina", is_demo=True, is_admin=True, demo_line={"en": "Nina sees all labs."})
    ida = make.facilitator(lab, make.person("Ida", is_demo=True, demo_line={"en": "Ida has a queue."}))
    kari = make.person("Kari", is_demo=True, demo_line={"en": "Kari must answer."})
    make.unit(lab, members=(kari, make.person()), name={"en": "Home care"})
    make.person("Grete", is_demo=True, demo_line={"en": "Grete has questions."})
    stranger = make.person("Stranger")
    page = demo.get("/sign-in?lang=en").text
    order = [
        page.index(word)
        for word in ("Residents", "Grete", "Facilitators", "Ida", "Receiving units", "Kari", "Nina")
    ]
    assert order == sorted(order)
    assert "Fjellvik" in page
    assert "Home care" in page
    assert "Ida has a queue." in page
    assert "Stranger" not in page
    for person in (nina, ida):
        answer = demo.post("/sign-in/demo", data={"person": person.id, "next": "/settings"})
        assert (answer.status_code, answer.location) == (303, "/settings")
        assert person.name in demo.get("/settings").text
    assert demo.post("/sign-in/demo", data={"person": stranger.id}).status_code == 404
    assert demo.post("/sign-in/demo", data={}).status_code == 404


def test_outside_the_demo_nobody_is_signed_in_by_a_click(client, make):
    person = make.person(is_demo=True, demo_line={"en": "Something to do."})
    assert client.post("/sign-in/demo", data={"person": person.id}).status_code == 404
    assert "Something to do." not in client.get("/sign-in?lang=en").text
    assert not is_in(client)


# ── limits at the doors ──


def test_beyond_the_networks_limit_an_account_is_entered_by_the_mailed_link_only(config, mails):
    app = create_app(replace(config, sign_ups_per_hour=2))
    app.config["WTF_CSRF_ENABLED"] = False
    for n in range(2):
        assert sign_up(app.test_client(), email=f"p{n}@example.org").location == "/me"
    third = app.test_client()
    assert sign_up(third, email="p2@example.org").location == "/sign-in/sent/confirm"
    assert not is_in(third)
    assert third.post(path_in(mails("confirm")[2])).status_code == 303
    assert is_in(third)
    other_network = app.test_client()
    answer = other_network.post(
        "/register", data=SIGN_UP | {"email": "p3@example.org"}, environ_base={"REMOTE_ADDR": "198.51.100.7"}
    )
    assert answer.location == "/me"
    with time_machine.travel(utc_now() + timedelta(hours=1, seconds=1), tick=False):
        assert sign_up(app.test_client(), email="p4@example.org").location == "/me"
    app.extensions["livinglab.database"].close()


def test_a_person_may_sign_up_although_the_first_try_was_not_well_filled_in(client, database):
    sign_up(client, password="short")
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Person)) == 0
    assert sign_up(client).status_code == 303


def test_creating_a_device_for_the_command_line_needs_no_browser(database, make, noon):
    person = make.person()
    with database.writing() as session:
        assert len(commands.open_device(session, person.id, noon)) >= 43


# ── the demo's mails ──


def deliver(app, database):
    """Write what lies in the outbox to files, as the worker does."""
    from livinglab.core.mail import claim_mails, settle_mail, transport_for
    from livinglab.web.mailing import render_mail

    with app.app_context():
        way = transport_for("", app.extensions["livinglab.config"].instance)
        with database.writing() as session:
            for mail in claim_mails(session, now=utc_now()):
                way.send(render_mail(mail))
                settle_mail(session, mail.id, now=utc_now(), error=None)


def test_the_demo_shows_its_mails_and_their_links_work(demo, make, database):
    make.person(email="kari@example.org", name="Kari", language="en")
    assert "Nothing has been delivered yet" in demo.get("/demo/mail?lang=en").text
    demo.post("/sign-in/link", data={"email": "kari@example.org"})
    deliver(demo.application, database)
    page = demo.get("/demo/mail?lang=en").text
    assert "Your sign-in link" in page
    letter = demo.get(re.search(r'href="(/demo/mail/[^"]+)"', page)[1]).text
    link = re.search(r'href="(/sign-in/link/[^"?]+)', letter)[1]
    assert demo.post(link).status_code == 303
    assert is_in(demo)


def test_outside_the_demo_no_page_shows_mails(client, make, database):
    make.person(email="kari@example.org")
    client.post("/sign-in/link", data={"email": "kari@example.org"})
    deliver(client.application, database)
    assert client.get("/demo/mail").status_code == 404
    assert client.get("/demo/mail/anything").status_code == 404


@pytest.mark.parametrize("name", ["../secret_key", "..%2f..%2fsecret_key", "%00", "x" * 300])
def test_no_other_file_is_read_through_the_demos_mails(demo, name):
    assert demo.get(f"/demo/mail/{name}").status_code == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/settings/address", {"email": "other@example.org"}),
        ("/settings/password", {"password": "kaffe sykkel regn tak"}),
        ("/settings/delete", {"published": "keep", "sure": "y"}),
    ],
)
def test_who_has_no_password_shows_by_a_mailed_link_whose_account_it_is(
    client, make, sign_in, database, mails, path, body
):
    person = make.person(email="kari@example.org", language="en")
    sign_in(client, person)
    page = path if path == "/settings/delete" else "/settings/sign-in"
    with database.writing() as session:
        session.execute(sa.update(Device).values(signed_in_at=utc_now() - timedelta(minutes=16)))
    assert "Send me a link" in client.get(f"{page}?lang=en").text
    assert client.post(path, data=body).status_code == 409
    assert client.post("/settings/link", data={"next": page}).status_code == 303
    link = mails("sign-in-link")[-1].data["path"].split("?")[0]
    came = client.post(link)
    assert (came.status_code, came.headers["Location"].split("?")[0]) == (303, page)
    assert "Send me a link" not in client.get(f"{page}?lang=en").text
    assert client.post(path, data=body).status_code == 303
