"""Pages of labs, challenges and setting up, as a browser without JavaScript meets them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import select

from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from livinglab.core.mail import OutboxMail
from livinglab.core.viewer import Role
from livinglab.labs.commands import CardTexts, edit_card
from livinglab.labs.models import (
    Category,
    Challenge,
    ChallengeState,
    Lab,
    LabSettings,
    ReceivingUnit,
    UnitMember,
)
from livinglab.labs.views import editing
from livinglab.people.models import RoleGrant
from tests.make import Make

SignIn = Callable[[FlaskClient, object], FlaskClient]
PUBLIC = (
    "/", "/labs", "/labs/fjellvik", "/challenges", "/how", "/privacy", "/accessibility", "/rules",
    "/contact", "/late",
    "/robots.txt", "/sitemap.xml",
)  # fmt: skip


@pytest.mark.parametrize("language", ["nb", "sv", "fi", "en"])
def test_a_reading_visitor_gets_each_page_and_no_cookie(
    client: FlaskClient, make: Make, language: str
) -> None:
    lab = make.lab("fjellvik", intro={"nb": "Om laben"}, promise={"nb": "Vi svarer"})
    challenge = make.challenge(lab, closes_at=utc_now() + timedelta(days=5))
    make.idea(lab, challenge=challenge)
    make.facilitator(lab)
    make.unit(lab)
    for path in (*PUBLIC, f"/challenges/{challenge.id}"):
        answer = client.get(path, query_string={"lang": language})
        assert (answer.status_code, answer.headers.get("Set-Cookie")) == (200, None), path


def test_an_empty_instance_has_a_front_page(client: FlaskClient) -> None:
    assert "No lab is open yet" in client.get("/").text


def test_a_text_in_another_language_is_marked(client: FlaskClient, make: Make) -> None:
    make.lab("fjellvik", intro={"nb": "Om laben"})
    assert 'lang="nb"' in client.get("/labs/fjellvik?lang=fi").text
    assert '<html lang="nb"' in client.get("/labs/fjellvik").text


def test_a_lab_without_hours_says_so(client: FlaskClient, make: Make) -> None:
    lab = make.lab("fjellvik")
    make.facilitator(lab)
    warning = "Nobody has set aside weekly hours"
    assert warning in client.get("/labs/fjellvik?lang=en").text
    make.lead(lab, weekly_hours=10)
    assert warning not in client.get("/labs/fjellvik?lang=en").text


def test_two_clocks_stand_side_by_side(client: FlaskClient, make: Make) -> None:
    make.lab("rajalla", timezones=["Europe/Helsinki", "Europe/Stockholm"])
    english, finnish = (client.get(f"/labs/rajalla?lang={code}").text for code in ("en", "fi"))
    assert "Helsinki" in english
    assert "Stockholm" in english
    assert "Tukholma" in finnish, "a city has its name in the reader's language"


def test_a_draft_is_seen_by_the_labs_staff_alone(client: FlaskClient, make: Make, sign_in: SignIn) -> None:
    lab = make.lab()
    draft = make.challenge(lab, state=ChallengeState.DRAFT)
    path = f"/challenges/{draft.id}"
    assert client.get(path).status_code == 404
    assert sign_in(client, make.manager(make.lab())).get(path).status_code == 404
    assert sign_in(client, make.lead(lab)).get(path).status_code == 200


def test_unknown_things_are_not_found(client: FlaskClient) -> None:
    for path in ("/labs/nowhere", "/challenges/99", "/invitations/nothing"):
        assert client.get(path).status_code == 404, path


SETUP = (
    "/labs/fjellvik/setup", "/labs/fjellvik/setup/texts", "/labs/fjellvik/setup/look",
    "/labs/fjellvik/setup/numbers",
    "/labs/fjellvik/setup/subjects", "/labs/fjellvik/setup/units", "/labs/fjellvik/setup/units/new",
    "/labs/fjellvik/setup/people", "/labs/fjellvik/setup/challenges", "/labs/fjellvik/setup/challenges/new",
)  # fmt: skip


def test_setting_up_is_for_the_own_labs_people(client: FlaskClient, make: Make, sign_in: SignIn) -> None:
    lab = make.lab("fjellvik")
    assert {client.get(path).status_code for path in SETUP} == {303}
    sign_in(client, make.manager(make.lab()))
    assert {client.get(path).status_code for path in SETUP} == {403}
    sign_in(client, make.person())
    assert {client.get(path).status_code for path in SETUP} == {403}
    sign_in(client, make.manager(lab))
    assert {client.get(path).status_code for path in SETUP} == {200}


def test_a_facilitator_writes_challenges_and_nothing_else(
    client: FlaskClient, make: Make, sign_in: SignIn
) -> None:
    sign_in(client, make.facilitator(make.lab("fjellvik")))
    allowed = [path for path in SETUP if client.get(path).status_code == 200]
    assert allowed == [
        "/labs/fjellvik/setup", "/labs/fjellvik/setup/challenges", "/labs/fjellvik/setup/challenges/new"
    ]  # fmt: skip


def test_numbers_out_of_range_are_refused_and_kept_on_the_page(
    client: FlaskClient, make: Make, sign_in: SignIn, database: Database
) -> None:
    lab = make.lab("fjellvik")
    sign_in(client, make.manager(lab))
    page = client.get("/labs/fjellvik/setup/numbers")
    assert "Default" in page.text
    data: dict[str, Any] = LabSettings(lab_id=1).model_dump(exclude={"lab_id", "steering_emails"})
    data |= {"moderation": "before", "second_person_on_final": "y", "steering_emails": ""}
    wrong = client.post("/labs/fjellvik/setup/numbers", data=data | {"threshold_least": 200})
    assert (wrong.status_code, 'value="200"' in wrong.text) == (422, True)
    right = client.post(
        "/labs/fjellvik/setup/numbers", data=data | {"threshold_least": 5, "threshold_percent": "2,5"}
    )
    assert right.status_code == 303
    with database.reading() as session:
        row = session.get_one(LabSettings, lab.id)
        assert (row.threshold_least, row.threshold_percent) == (5, 2.5)


def test_a_half_filled_row_of_measures_is_refused_and_kept(
    client: FlaskClient, make: Make, sign_in: SignIn
) -> None:
    lab = make.lab()
    draft = make.challenge(lab, state=ChallengeState.DRAFT, complete=False)
    sign_in(client, make.lead(lab))
    path = f"/challenges/{draft.id}/edit/measures"
    answer = client.post(path, data={"label0_nb": "Fall i året", "unit0": "fall"})
    assert (answer.status_code, "Fall i året" in answer.text) == (422, True)
    assert "empty the whole row" in answer.text


def test_open_is_greyed_and_says_what_is_missing(client: FlaskClient, make: Make, sign_in: SignIn) -> None:
    lab = make.lab()
    draft = make.challenge(lab, state=ChallengeState.DRAFT, complete=False, goal={})
    sign_in(client, make.manager(lab))
    text = client.get(f"/challenges/{draft.id}/edit?lang=en").text
    assert "data-greyed" in text
    assert f"/challenges/{draft.id}/edit/card" in text
    assert "goal_nb" in text
    assert "&lt;span" not in text, "what only a screen reader says is no text on the page"
    answer = client.post(f"/challenges/{draft.id}/edit/open")
    assert (answer.status_code, answer.headers["X-Reason-Code"]) == (409, "not-ready")


def test_from_an_empty_database_to_an_open_challenge(
    client: FlaskClient, make: Make, sign_in: SignIn, database: Database
) -> None:
    """The administrator alone in the browser; only accepting an invitation is somebody else's."""
    sign_in(client, make.admin())
    assert "/admin/labs/new" in client.get("/admin").text
    lab = {"name": "Fjellvik", "slug": "fjellvik", "theme": "spruce", "first_language": "nb",
    "more_languages": ["en"],
           "timezone": "Europe/Oslo", "second_timezone": "", "country": "NO",
           "contact_email": ""}  # fmt: skip
    assert client.post("/admin/labs/new", data=lab).status_code == 303
    assert client.post("/labs/fjellvik/setup/people/take/manager").status_code == 303
    for step, data in {
        "texts": {"tagline_nb": "Sammen", "intro_nb": "Om", "promise_nb": "Svar"},
        "subjects/usual": {},
        "units/new": {"name_nb": "Vei", "limit_in_progress": 5, "topics": ["mobility"]},
        "people/invite": {"email": "ida@example.org", "offer": "role:facilitator"},
        "challenges/new": {"title_nb": "Trygg vinter"},
    }.items():
        answer = client.post(f"/labs/fjellvik/setup/{step}", data=data)
        assert answer.status_code == 303, (step, answer.text)
    with database.reading() as session:
        path = session.scalars(select(OutboxMail)).one().data["path"]
        challenge = session.scalars(select(Challenge)).one().id
        unit = session.scalars(select(ReceivingUnit)).one().id
    assert client.post(f"/labs/fjellvik/setup/units/{unit}/join").status_code == 303
    guest = client.application.test_client()
    assert "Sign in" in guest.get(f"{path}?lang=en").text
    ida = make.person("Ida")
    assert sign_in(guest, ida).post(path).status_code == 303
    assert guest.get(path).status_code == 410
    with database.reading() as session:
        admin = session.scalars(select(RoleGrant).where(RoleGrant.role == Role.MANAGER)).one().person_id
        assert session.scalars(select(UnitMember)).one().person_id == admin
    closes = (utc_now() + timedelta(days=30)).strftime("%Y-%m-%dT12:00")
    words = {f"{name}_nb": "Ord" for name in ("goal", "purpose", "benefit")}
    for part, data in {
        "card": {"title_nb": "Trygg vinter", **words},
        "times": {"responsible_id": ida.id, "deputy_id": admin, "closes_at": closes, "trust_needed": "1"},
        "measures": {
            "label0_nb": "Fall",
            "unit0": "fall",
            "baseline0": "40",
            "target0": "30,5",
            "on0": "2030-01-01",
        },
        "audiences": {f"level{n}": level for n, level in enumerate(("must", "should", "can"))}
        | {f"name{n}_nb": f"Gruppe {n}" for n in range(3)},
        "open": {},
    }.items():
        answer = client.post(f"/challenges/{challenge}/edit/{part}", data=data)
        assert answer.status_code == 303, (part, answer.text)
    with database.reading() as session:
        row = session.get_one(Challenge, challenge)
        assert (row.state, row.threshold) == (ChallengeState.OPEN, 10)
    assert "Trygg vinter" in guest.get("/").text


def test_ending_a_role_closes_its_pages_at_once(client: FlaskClient, make: Make, sign_in: SignIn) -> None:
    lab = make.lab("fjellvik")
    lead, manager = make.lead(lab), make.manager(lab)
    theirs = sign_in(client.application.test_client(), lead)
    assert theirs.get("/labs/fjellvik/setup/challenges").status_code == 200
    sign_in(client, manager)
    assert client.post(f"/labs/fjellvik/setup/people/{lead.id}/lead/end").status_code == 303
    assert theirs.get("/labs/fjellvik/setup/challenges").status_code == 403


def test_an_invitation_of_another_lab_is_not_touched(
    client: FlaskClient, make: Make, sign_in: SignIn
) -> None:
    lab, other = make.lab("fjellvik"), make.lab("rajalla")
    unit = make.unit(other)
    sign_in(client, make.manager(lab))
    assert client.get(f"/labs/fjellvik/setup/units/{unit.id}").status_code == 404
    assert client.post(f"/labs/fjellvik/setup/units/{unit.id}/retire").status_code == 404


def test_the_pages_are_filled_from_the_settings(client: FlaskClient) -> None:
    assert "Not filled in yet" in client.get("/privacy").text
    assert client.get("/.well-known/security.txt").status_code == 404
    assert client.get("/favicon.ico").status_code == 302


def test_a_challenge_that_is_over_says_so(client: FlaskClient, make: Make) -> None:
    lab = make.lab()
    past = utc_now() - timedelta(minutes=1)
    due = make.challenge(lab, closes_at=past)
    told = make.challenge(
        lab, closes_at=past, state=ChallengeState.CONCLUDED, concluded_at=past, report={"nb": "Tre tiltak"}
    )
    assert "takes no new ideas" in client.get(f"/challenges/{due.id}?lang=en").text
    assert "Tre tiltak" in client.get(f"/challenges/{told.id}").text


def test_the_mail_of_an_invitation_leads_to_its_page(
    client: FlaskClient, make: Make, sign_in: SignIn, database: Database
) -> None:
    from livinglab.web.mailing import render_mail

    lab = make.lab("fjellvik")
    sign_in(client, make.manager(lab))
    client.post(
        "/labs/fjellvik/setup/people/invite", data={"email": "kari@example.org", "offer": "role:lead"}
    )
    with database.reading() as session:
        mail = session.scalars(select(OutboxMail)).one()
        with client.application.app_context():
            message = render_mail(mail)
    text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "http://localhost" + mail.data["path"] in text
    assert isinstance(lab, Lab)


def test_two_managers_who_save_the_subjects_rename_nothing_of_each_other(
    app: Flask, client: FlaskClient, make: Make, sign_in: SignIn, database: Database
) -> None:
    lab = make.lab(languages=["nb"])
    alpha = make.category(lab, slug="alpha")
    sign_in(client, make.manager(lab))
    path = f"/labs/{lab.slug}/setup/subjects"
    seen = {"id0": str(alpha.id), "name0_nb": "Alpha", "id1": "", "id2": "", "id3": ""}
    for new in ("Gamma", "Delta"):  # both have the page open from before
        assert client.post(path, data=seen | {"name1_nb": new}).status_code == 303
    with database.reading() as session:
        names = [dict(name)["nb"] for name in session.scalars(select(Category.name).order_by(Category.id))]
    assert names == ["Alpha", "Gamma", "Delta"]


def test_the_public_reason_for_closing_early_is_public(
    client: FlaskClient, make: Make, sign_in: SignIn, app: Flask
) -> None:
    lab = make.lab()
    challenge = make.challenge(lab)
    sign_in(client, make.manager(lab))
    client.post(f"/challenges/{challenge.id}/edit/close", data={"reason": "The bridge fell down."})
    assert "The bridge fell down." in app.test_client().get(f"/challenges/{challenge.id}?lang=en").text


NUMBERS = LabSettings(lab_id=1).model_dump(exclude={"lab_id"}) | {
    "moderation": "before", "second_person_on_final": "y", "steering_emails": "",
}  # fmt: skip
LOOK = {"theme": "fjord", "first_language": "nb", "timezone": "Europe/Oslo", "country": "NO"}
TIMES = {"trust_needed": "1", "closes_at": "2033-01-01T00:00"}
ROW = {"unit0": "fall", "baseline0": "9", "target0": "3", "on0": "2031-01-01"}
AT_ONE_FORM: dict[str, tuple[str, dict[str, Any], str]] = {
    "texts": ("/labs/{slug}/setup/texts", {}, "intro_nb"),
    "look": ("/labs/{slug}/setup/look", LOOK, "name"),
    "numbers": ("/labs/{slug}/setup/numbers", NUMBERS, "steering_emails"),
    "unit": ("/labs/{slug}/setup/units/{unit}", {"limit_in_progress": "10"}, "name_nb"),
    "card": ("/challenges/{challenge}/edit/card", {}, "title_nb"),
    "times": ("/challenges/{challenge}/edit/times", TIMES, "counts_from"),
    "measures": ("/challenges/{challenge}/edit/measures", ROW, "label0_nb"),
    "audiences": ("/challenges/{challenge}/edit/audiences", {"level0": "must"}, "name0_nb"),
}
TYPED = {
    "steering_emails": ("first@example.org", "second@example.org"),
    "counts_from": ("2031-02-03T04:05", "2032-02-03T04:05"),
}


@pytest.mark.parametrize("form", AT_ONE_FORM)
def test_of_two_people_at_one_form_the_second_is_told_and_keeps_the_own_words(
    client: FlaskClient, make: Make, sign_in: SignIn, form: str
) -> None:
    lab = make.lab(languages=["nb"])
    manager = make.manager(lab)
    draft = make.challenge(lab, state=ChallengeState.DRAFT, complete=False)
    path, data, field = AT_ONE_FORM[form]
    url = path.format(slug=lab.slug, unit=make.unit(lab).id, challenge=draft.id) + "?lang=en"
    first, second = TYPED.get(field, ("Written first", "Written second"))
    sign_in(client, manager)

    def mark(page: str) -> str:
        found = re.search(r'name="read" value="(\w+)"', page)
        assert found is not None
        return found[1]

    seen = mark(client.get(url).text)
    assert client.post(url, data=data | {"read": seen, field: first}).status_code == 303
    assert client.post(url, data=data | {"read": seen, field: first}).status_code == 303, "pressed twice"
    told = client.post(url, data=data | {"read": seen, field: second})
    assert (told.status_code, "saved this in the meantime" in told.text) == (422, True)
    assert second in told.text
    stands = told.text[told.text.index('<dl class="stands">') :].split("</dl>")[0]
    assert ("03/02/2031" if field == "counts_from" else first) in stands
    assert stands.count("<dt>") == 1
    assert client.post(url, data=data | {"read": mark(told.text), field: second}).status_code == 303


def test_the_first_language_stands_ticked_among_the_labs_languages(
    client: FlaskClient, make: Make, sign_in: SignIn
) -> None:
    lab = make.lab(languages=["fi", "sv"])
    page = sign_in(client, make.manager(lab)).get(f"/labs/{lab.slug}/setup/look?lang=en").text
    ticked = re.findall(r'<input checked [^>]*name="more_languages"[^>]*value="(\w+)"', page)
    assert sorted(ticked) == ["fi", "sv"]


@pytest.mark.parametrize("alike", [True, False])
def test_what_a_colleague_saves_between_reading_and_writing_is_read_after_the_refusal(
    client: FlaskClient,
    make: Make,
    sign_in: SignIn,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    alike: bool,
) -> None:
    """The page has been read for the answer, and then, before anything is written, the colleague is first."""
    lab = make.lab(languages=["nb"])
    draft = make.challenge(lab, state=ChallengeState.DRAFT, complete=False)
    manager = make.manager(lab)
    url = f"/challenges/{draft.id}/edit/card?lang=en"
    sign_in(client, manager)
    found = re.search(r'name="read" value="(\w+)"', client.get(url).text)
    assert found is not None
    saved: list[CardTexts] = []

    def colleague_first(**texts: Any) -> CardTexts:
        mine = CardTexts(**texts)
        if not saved:
            theirs = mine if alike else replace(mine, title={"nb": "Kollegaens"})
            with database.writing() as session:
                edit_card(
                    session, challenge_id=draft.id or 0, texts=theirs, person=make.viewer(manager),
                    now=utc_now(), read=found[1],
                )  # fmt: skip
            saved.append(theirs)
        return mine

    monkeypatch.setattr(editing, "CardTexts", colleague_first)
    answer = client.post(url, data={"read": found[1], "title_nb": "Mitt ord"})
    if alike:
        assert answer.status_code == 303, "pressed twice at once: what was meant stands"
        return
    assert answer.status_code == 422
    stands = answer.text[answer.text.index('<dl class="stands">') :].split("</dl>")[0]
    assert "Kollegaens" in stands
    mark = re.search(r'name="read" value="(\w+)"', answer.text)
    assert mark is not None
    assert client.post(url, data={"read": mark[1], "title_nb": "Mitt ord"}).status_code == 303


@pytest.mark.parametrize(("path", "admin"), [("/contact", False), ("/admin", True)])
def test_a_page_of_all_labs_asks_no_more_for_twelve_than_for_two(
    client: FlaskClient, make: Make, sign_in: SignIn, app: Flask, path: str, admin: bool
) -> None:
    engine = app.extensions["livinglab.database"].engine
    if admin:
        sign_in(client, make.person(is_admin=True))
    asked: list[int] = []
    for labs in (2, 10):
        made = [make.lab(contact_email=f"lab{n}@example.org") for n in range(labs)]
        make.manager(made[0])
        client.get(path)  # what is read once is read by now
        sent: list[str] = []
        hear = lambda *args, sent=sent: sent.append(args[2])  # noqa: E731
        sa.event.listen(engine, "before_cursor_execute", hear)
        answer = client.get(path + "?lang=en")
        sa.event.remove(engine, "before_cursor_execute", hear)
        assert answer.status_code == 200
        assert all(lab.name in answer.text for lab in made)
        assert ("1 manager" if admin else made[-1].contact_email) in answer.text
        asked.append(len(sent))
    assert asked[0] == asked[1] > 0


def test_the_time_zones_near_by_stand_first_and_the_rest_in_groups_by_the_readers_names(
    client: FlaskClient, make: Make, sign_in: SignIn
) -> None:
    lab = make.lab(country="DE", timezones=["Europe/Berlin", "US/Pacific"])
    sign_in(client, make.manager(lab))
    page = client.get(f"/labs/{lab.slug}/setup/look?lang=fi").text
    first = page.split('name="timezone"')[1].split("</select>")[0]
    groups = re.findall(r'<optgroup label="([^"]+)">(.*?)</optgroup>', first)
    assert [name for name, _ in groups][1] == "Saksa"
    assert "Tukholma, Ruotsi" in groups[0][1]
    assert "Europe/Berlin" in groups[1][1]
    assert "US/Pacific" in groups[1][1], "a zone the lab has stays, even by an old name"
    assert "Eurooppa" in [name for name, _ in groups[2:]]
    values = re.findall(r'value="([^"]+)"', first)
    assert len(values) == len(set(values)) > 400
    assert "Etc/GMT+1" not in values, "a zone of no country"
    of_country = page.split('name="country"')[1].split("</select>")[0]
    assert 'value="GB"' in of_country
    assert 'value="UK"' not in of_country, "one country stands once, under its name"


def test_a_role_or_a_membership_ends_after_asking(client: FlaskClient, make: Make, sign_in: SignIn) -> None:
    """One slip of a finger took a colleague's ideas away from them."""
    lab = make.lab()
    make.unit(lab, members=[make.person("Kari Holm")])
    make.lead(lab)
    sign_in(client, make.manager(lab))
    page = client.get(f"/labs/{lab.slug}/setup/people?lang=en").text
    forms = re.findall(r'<form method="post" action="[^"]*/end[^"]*">', page)
    asked = re.findall(r'<details class="fold asks"><summary>.*?</summary>\s*<form', page)
    assert len(forms) == len(asked) == 3
