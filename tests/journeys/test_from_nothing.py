"""From ``create-admin`` on an empty database to a published idea, in browsers alone.

Source: issue "The main road", part 3.
"""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from click.testing import CliRunner
from playwright.sync_api import Page, expect

from livinglab.app import create_app
from livinglab.cli import main
from livinglab.core.clock import utc_now
from tests.journeys.conftest import DESKTOP, Open, Site

SECRET = "a long walk by the river"


@pytest.fixture
def person(someone: Open) -> Open:
    """Open a desk computer of somebody's own."""
    return lambda: someone(viewport=DESKTOP)


def send(page: Page, name: str) -> None:
    """Press a button and wait for the page it leads to."""
    with page.expect_navigation():
        page.get_by_role("button", name=name).first.click()


def follow(page: Page, name: str) -> None:
    """Follow a link of the page."""
    with page.expect_navigation():
        page.get_by_role("main").get_by_role("link", name=name).first.click()


def fill(page: Page, **values: str) -> None:
    """Fill fields by their names."""
    for name, value in values.items():
        page.locator(f"[name={name}]").fill(value)


def register(page: Page, site: Site, *, name: str, email: str) -> None:
    """Make an account on the page that asks for it and confirm the address by the mail."""
    page.get_by_label("Your name").fill(name)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(SECRET)
    page.get_by_role("checkbox").check()
    send(page, "Make my account")
    page.goto(site.link_in_mail(email, "/confirm/"))
    send(page, "Yes, confirm my address")


def create_admin(site: Site) -> None:
    """What an operator types, once."""
    told = {
        "LIVINGLAB_INSTANCE": str(site.config.instance),
        "LIVINGLAB_DATABASE_URL": site.config.database,
        "LIVINGLAB_SECRET_KEY": site.config.secret_key,
        "LIVINGLAB_BASE_URL": site.url,
    }
    typed = ["create-admin", "--email", "admin@example.org", "--name", "Liv Torgersen", "--password", SECRET]
    answer = CliRunner().invoke(main, typed, obj=create_app, env=told)
    assert answer.exit_code == 0, answer.output


def make_the_lab(page: Page) -> None:
    """Sign in, make a lab, become its manager, write its texts."""
    page.goto("/")
    page.get_by_role("link", name="Sign in").first.click()
    page.get_by_label("E-mail address").fill("admin@example.org")
    page.get_by_label("Password").fill(SECRET)
    send(page, "Sign in")
    page.goto("/admin")
    follow(page, "Make a lab")
    fill(page, name="Fjellvik", slug="fjellvik")
    page.locator("[name=theme][value=spruce]").check()
    page.locator("[name=first_language]").select_option("en")
    page.locator("[name=more_languages][value=nb]").check()
    page.locator("[name=timezone]").select_option("Europe/Oslo")
    page.locator("[name=country]").select_option("NO")
    send(page, "Make the lab")
    page.goto("/labs/fjellvik/setup/people")
    send(page, "Become manager")
    page.goto("/labs/fjellvik/setup")
    follow(page, "Write it")
    fill(
        page,
        tagline_en="From idea to service",
        intro_en="We try things out together.",
        promise_en="An answer in 30 days.",
    )
    send(page, "Save the texts")
    page.goto("/labs/fjellvik/setup/subjects")
    send(page, "Add the usual subjects")


def set_the_numbers(page: Page) -> None:
    """An idea shall need five supporters."""
    page.goto("/labs/fjellvik/setup")
    follow(page, "Look at the numbers")
    fill(page, threshold_least="5")
    send(page, "Save the numbers")
    expect(page.locator("[name=threshold_least]")).to_have_value("5")


def add_the_unit(page: Page) -> str:
    """A unit that takes ideas; return its address."""
    page.goto("/labs/fjellvik/setup")
    follow(page, "Add the first")
    fill(page, name_en="Roads and parks", limit_in_progress="5")
    send(page, "Add the unit")
    if not re.search(r"/units/\d+$", page.url):
        follow(page, "Roads and parks")
    return page.url


def invite(page: Page, email: str, offer: str) -> None:
    """Offer a role or a place in a unit by mail."""
    page.goto("/labs/fjellvik/setup/people")
    page.locator("[name=email]").fill(email)
    page.locator("[name=offer]").select_option(label=offer)
    send(page, "Send the invitation")
    expect(page.get_by_text(email).first).to_be_visible()


def accept(page: Page, site: Site, *, name: str, email: str) -> None:
    """Come by the mail of the invitation, make an account on the way, and accept."""
    page.goto(site.link_in_mail(email, "/invitations/"))
    follow(page, "Make an account")
    register(page, site, name=name, email=email)
    send(page, "Accept the invitation")


def write_the_challenge(page: Page, responsible: str, deputy: str) -> str:
    """Fill the whole strategy card along the checklist and open the challenge; return its number."""
    page.goto("/labs/fjellvik/setup/challenges/new")
    fill(page, title_en="Safe winter")
    send(page, "Begin the draft")
    home = re.search(r"/challenges/\d+/edit", page.url)[0]  # type: ignore[index]
    expect(page.locator("[data-greyed]")).to_be_visible()
    page.goto(f"{home}/card")
    fill(page, goal_en="Fewer falls", purpose_en="People dare to go out", benefit_en="Fewer broken hips")
    send(page, "Save the card")
    page.goto(f"{home}/times")
    page.locator("[name=responsible_id]").select_option(label=responsible)
    page.locator("[name=deputy_id]").select_option(label=deputy)
    fill(page, closes_at=(utc_now() + timedelta(days=30)).strftime("%Y-%m-%dT12:00"))
    send(page, "Save")
    page.goto(f"{home}/measures")
    fill(
        page,
        label0_en="Falls on pavements",
        unit0="falls a year",
        baseline0="40",
        target0="30",
        on0="2030-01-01",
    )
    send(page, "Save the measures")
    page.goto(f"{home}/audiences")
    for n, level in enumerate(("must", "should", "can")):
        page.locator(f"[name=level{n}]").select_option(level)
        fill(page, **{f"name{n}_en": f"Group {n}"})
    send(page, "Save the groups")
    page.goto(home)
    send(page, "Open the challenge")
    expect(page.get_by_role("status")).to_contain_text("reviewed once 5 people support it")
    return home.split("/")[2]


def share_an_idea(page: Page, challenge: str) -> None:
    """A resident answers the challenge."""
    page.goto("/")
    page.get_by_role("main").get_by_role("link", name="Safe winter").first.click()
    page.wait_for_url(re.compile(rf"/challenges/{challenge}"))
    follow(page, "Share an idea")
    fill(
        page,
        title="Sand boxes at every hill",
        summary="Sand where people slip.",
        body="A box at each steep hill.",
    )
    send(page, "Send in the idea")


def test_everything_the_road_needs_is_set_up_in_the_browser(site: Site, person: Open) -> None:
    create_admin(site)
    admin = person()
    make_the_lab(admin)
    set_the_numbers(admin)
    add_the_unit(admin)

    invite(admin, "ida@example.org", "Facilitator")
    invite(admin, "mari@example.org", "Project lead")
    for email in ("tone@example.org", "jonas@example.org"):
        invite(admin, email, "Member of Roads and parks")
    facilitator, lead, first, second = person(), person(), person(), person()
    accept(facilitator, site, name="Ida Vik", email="ida@example.org")
    accept(lead, site, name="Mari Berge", email="mari@example.org")
    accept(first, site, name="Tone Sand", email="tone@example.org")
    accept(second, site, name="Jonas Eidem", email="jonas@example.org")
    admin.goto("/labs/fjellvik/setup/units")
    follow(admin, "Roads and parks")
    admin.locator("[name=owner_id]").select_option(label="Jonas Eidem")
    admin.locator("[name=deputy_id]").select_option(label="Tone Sand")
    send(admin, "Save the unit")
    challenge = write_the_challenge(admin, "Mari Berge", "Ida Vik")

    resident = person()
    share_an_idea(resident, challenge)
    if "register" not in resident.url:
        follow(resident, "Make an account")
    register(resident, site, name="Kari Nordmann", email="kari@example.org")

    facilitator.goto("/moderation")
    facilitator.get_by_text("Sand boxes at every hill").first.wait_for()
    facilitator.locator("[name=verdict][value=publish]").check()
    facilitator.locator("#decide").click()
    expect(
        facilitator.get_by_text("Nothing waits").or_(facilitator.get_by_text("Nothing to look at")).first
    ).to_be_visible()

    visitor = person()
    visitor.goto(f"/ideas?challenge={challenge}")
    visitor.get_by_role("link", name="Sand boxes at every hill").click()
    expect(visitor.get_by_role("heading", level=1)).to_have_text("Sand boxes at every hill")
    for staff, place in (
        (facilitator, "/moderation"),
        (lead, "/board"),
        (first, "/handoffs"),
        (second, "/handoffs"),
    ):
        answer = staff.goto(place)
        assert answer is not None
        assert answer.status == 200, place
