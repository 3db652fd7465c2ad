"""The main road: one idea from a resident's phone to a running service, in real browsers.

Source: issue "The main road", what must be seen, line 2.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, expect

from livinglab.core.clock import utc_now
from livinglab.people.commands import open_device
from livinglab.people.models import Person
from tests.journeys.conftest import Open, Site
from tests.make import Make

TITLE = "En benk ved bussholdeplassen"
AUTHOR = "kari@example.org"


@pytest.fixture
def town(make: Make) -> SimpleNamespace:
    """A lab that asks for five supporters and looks at everything first."""
    lab = make.lab(
        "fjellvik",
        settings={"threshold_least": 5, "counts_hidden_hours": 0},
        languages=["en", "nb"],
        box_threshold=5,
        created_at=utc_now() - timedelta(days=200),
    )
    people = {
        "facilitator": make.facilitator(lab, make.person("Ida Vik", title="Facilitator")),
        "lead": make.lead(lab, make.person("Mari Berge", title="Project lead")),
        "manager": make.manager(lab, make.person("Liv Torgersen")),
        "first": make.person("Tone Sand", title="Engineer"),
        "second": make.person("Jonas Eidem", title="Head of roads"),
        "follower": make.person("Grete Lunde", email="grete@example.org"),
    }
    unit = make.unit(
        lab, members=(people["first"], people["second"]), name={"en": "Roads"}, owner=people["second"]
    )
    return SimpleNamespace(
        lab=lab, unit=unit, supporters=[make.resident(f"Supporter {n}") for n in range(5)], **people
    )


@pytest.fixture
def as_(someone: Open, site: Site) -> Callable[[Person], Page]:
    """Open a phone on which a person is signed in already; each person has one."""
    phones: dict[int, Page] = {}

    def open_(person: Person) -> Page:
        assert person.id is not None
        if person.id not in phones:
            with site.database.writing() as session:
                token = open_device(session, person_id=person.id, now=utc_now())
            page = someone()
            signer = site.app.session_interface.get_signing_serializer(site.app)  # type: ignore[attr-defined]
            value = signer.dumps({"_user_id": token, "_fresh": True, "_permanent": True})
            page.context.add_cookies([{"name": "livinglab", "value": value, "url": site.url}])
            phones[person.id] = page
        return phones[person.id]

    return open_


def press(page: Page, name: str) -> None:
    """Press the button of that name."""
    page.get_by_role("button", name=name).first.click()


def send(page: Page, name: str) -> None:
    """Press the button of a form and wait for the page it leads to."""
    with page.expect_navigation():
        press(page, name)


def submit_without_account(page: Page, *, script: bool = True) -> None:
    """Write an idea as a visitor, then make an account; with a script the draft is kept meanwhile."""
    page.goto("/labs/fjellvik")
    page.get_by_role("main").get_by_role("link", name="Share an idea").first.click()
    page.locator("[name=title]").fill(TITLE)
    page.locator("[name=summary]").fill("A bench where old people wait for the bus.")
    page.locator("[name=body]").fill("My mother stands for twenty minutes. **A bench** would let her rest.")
    page.locator("summary", has_text="who gains").click()
    page.locator("[name=gains]").fill("Everybody who waits, most of all those who cannot stand for long.")
    if script:
        expect(page.locator("#kept")).to_contain_text("Draft kept", timeout=20_000)
    send(page, "Send in the idea")
    page.wait_for_url("**/register**")
    page.get_by_label("Your name").fill("Kari Nordmann")
    page.get_by_label("E-mail address").fill(AUTHOR)
    page.get_by_label("Password").fill("a bench for everybody")
    page.get_by_role("checkbox").check()
    send(page, "Make my account")
    page.wait_for_url(re.compile(r"/ideas/\d+/sent"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("confirm your e-mail address")


def give_evidence(
    page: Page, idea: str, criterion: str, *, text: str = "", number: str = "", date: str = "", link: str = ""
) -> None:
    """Show that one criterion is met."""
    page.goto(f"{idea}/evidence/{criterion}")
    for name, value in (("number", number), ("on_date", date), ("text", text), ("link", link)):
        if value:
            page.locator(f"[name={name}]").fill(value)
    send(page, "Add the evidence")


def decide(first: Page, second: Page, idea: str, reason: str) -> None:
    """Let one person propose to advance and another confirm exactly that."""
    first.goto(f"{idea}/gate")
    first.locator("[name=outcome][value=advance]").check()
    first.locator("[name=reason]").fill(reason)
    send(first, "Sign and send to a second decider")
    expect(first.get_by_text("You signed this")).to_be_visible()
    second.goto(f"{idea}/gate")
    expect(second.get_by_text(reason)).to_be_visible()
    send(second, "Confirm exactly this")


def ask_for_review(page: Page, idea: str) -> None:
    """Ask for the next gate."""
    page.goto(f"{idea}/open-review")
    page.locator("[name=reason]").fill("The evidence is in.")
    send(page, "Open the review")


def answer(page: Page, handoff: str, kind: str, title: str) -> None:
    """Write an official answer."""
    page.goto(f"{handoff}/answer?kind={kind}")
    if kind == "final":
        page.locator("[name=outcome][value=accepted]").check()
    page.locator("[name=title]").fill(title)
    page.locator("[name=body]").fill(
        "We measured the place. There is room for a bench with a back and armrests."
    )
    with page.expect_navigation():
        page.locator("#answer-form button[value=send]").click()


def test_from_a_residents_phone_to_a_running_service(
    site: Site, someone: Open, as_: Callable[[Person], Page], town: SimpleNamespace
) -> None:
    author = someone()
    submit_without_account(author)

    other = someone()
    other.goto(site.link_in_mail(AUTHOR, "confirm"))
    send(other, "Confirm")

    facilitator = as_(town.facilitator)
    facilitator.goto("/moderation")
    facilitator.get_by_text(TITLE).first.wait_for()
    facilitator.locator("[name=verdict][value=publish]").check()
    facilitator.locator("#decide").click()
    expect(
        facilitator.get_by_text("Nothing waits").or_(facilitator.get_by_text("Nothing to look at")).first
    ).to_be_visible()

    visitor = someone()
    visitor.goto("/ideas")
    visitor.get_by_role("link", name=TITLE).click()
    idea = re.search(r"/ideas/\d+", visitor.url)[0]  # type: ignore[index]
    expect(visitor.get_by_role("heading", level=1)).to_have_text(TITLE)
    assert visitor.context.cookies() == []

    follower = as_(town.follower)
    follower.goto(idea)
    send(follower, "Follow")
    for supporter in town.supporters:
        page = as_(supporter)
        page.goto(idea)
        press(page, "Support")
        expect(page.get_by_role("button", name="Take your support back")).to_be_visible()
    site.work()
    visitor.goto(idea)
    expect(visitor.locator(".where [aria-current=step]")).to_contain_text("In review")

    lead = as_(town.lead)
    facilitator.goto(f"{idea}/lead")
    facilitator.get_by_role("radio", name="Mari Berge").check()
    send(facilitator, "Name the lead")
    facilitator.goto(f"{idea}/route")
    facilitator.get_by_role("radio", name="Roads").check()
    send(facilitator, "Hand it over")

    first, second = as_(town.first), as_(town.second)
    first.goto("/handoffs")
    first.get_by_role("link", name=TITLE).first.click()
    handoff = re.search(r"/handoffs/\d+", first.url)[0]  # type: ignore[index]
    with first.expect_navigation():
        first.locator(f"form[action$='{handoff}/take'] button").first.click()
    first.goto(handoff)
    with first.expect_navigation():
        first.locator(f"form[action$='{handoff}/acknowledge'] button").first.click()
    for criterion in ("need", "duplicates", "mandate"):
        give_evidence(lead, idea, criterion, text=f"Counted and asked about: {criterion}.")
    decide(lead, facilitator, idea, "Many wait there and nobody can sit. The unit agreed to assess it.")

    answer(first, handoff, "preliminary", "There is room for a bench")
    answer(first, handoff, "final", "We will set up the bench")
    second.goto(handoff)
    with second.expect_navigation():
        second.locator("form[action$='/publish'] button").first.click()

    for criterion in ("canvas", "audiences", "test_plan", "resources", "milestones"):
        give_evidence(lead, idea, criterion, text=f"Written down with those it concerns: {criterion}.")
    give_evidence(lead, idea, "responses", number="16", text="Sixteen people answered at the stop.")
    ask_for_review(lead, idea)
    decide(first, lead, idea, "Sixteen people answered and the plan is ready. We try one bench for a month.")

    give_evidence(lead, idea, "testers", number="9", text="Nine people tried it.")
    for criterion in ("round", "measure", "owner", "budget", "support"):
        give_evidence(lead, idea, criterion, text=f"Settled: {criterion}.")
    give_evidence(lead, idea, "start", date=utc_now().date().isoformat(), text="From today.")
    give_evidence(lead, idea, "shown", link="https://example.org/bench", text="The bench at the stop.")
    lead.goto(f"{idea}/benefits")
    today = utc_now().date()
    for name, value in (
        ("label", "People who sit while they wait"),
        ("unit", "%"),
        ("baseline", "0"),
        ("target", "60"),
        ("baseline_on", today.isoformat()),
        ("measure_next", (today + timedelta(days=90)).isoformat()),
    ):
        lead.locator(f"[name={name}]").fill(value)
    send(lead, "Add it to the plan")
    ask_for_review(lead, idea)
    decide(second, lead, idea, "Nine people tried it and the benefit is measured. The bench stays.")

    visitor.goto(idea)
    expect(visitor.locator(".where [aria-current=step]")).to_contain_text("Service")
    story = visitor.locator(".tale .story h3").all_inner_texts()
    told = [
        "shared the idea",
        "Enough people",
        "A review opened",
        "Mari Berge leads",
        "Handed over to Roads",
        "looks at it",
        "agreed to assess",
        "becomes a concept",
        "Preliminary answer",
        "Final answer",
        "becomes a prototype",
        "running service",
    ]
    found = [next((n for n, line in enumerate(story) if part in line), -1) for part in told]
    assert -1 not in found, (story, found)
    assert found == sorted(found), story

    site.work()
    follower.goto("/notices")
    assert follower.locator("[data-notices] li").count() >= 8
    tomorrow = datetime.combine(utc_now().date() + timedelta(days=1), datetime.min.time(), UTC) + timedelta(
        hours=8
    )
    site.work(tomorrow)
    site.work(tomorrow)
    digests = [mail for mail in site.mails("grete@example.org") if mail.startswith("News about an idea")]
    assert len(digests) == 1
    assert TITLE in digests[0]
