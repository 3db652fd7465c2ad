"""The main verbs of the road in browsers without JavaScript. Source: issue "The main road", line 5."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, expect

from livinglab.core.clock import utc_now
from livinglab.people.models import Person
from livinglab.voting.commands import support_idea
from tests.journeys import test_main_road as road
from tests.journeys.conftest import Open, Site
from tests.make import Make

town, as_ = road.town, road.as_


@pytest.fixture
def someone(someone: Open) -> Open:
    """Open a browser that runs no script."""
    return lambda: someone(java_script_enabled=False)


def publish(page: Page) -> None:
    """Look at the one thing in the queue and let it through."""
    page.goto("/moderation")
    expect(page.get_by_text(road.TITLE).first).to_be_visible()
    page.locator("[name=verdict][value=publish]").check()
    with page.expect_navigation():
        page.locator("#decide").click()


def comment(page: Page, idea: str) -> None:
    """Ask something below the idea."""
    page.goto(f"{idea}/comment")
    page.locator("[name=kind][value=question]").check()
    page.locator("[name=body]").fill("Could it stand out of the wind?")
    road.send(page, "Send")


def step(page: Page, handoff: str, name: str) -> None:
    """Press one of the buttons of a handoff."""
    page.goto(handoff)
    with page.expect_navigation():
        page.locator(f"form[action$='{handoff}/{name}'] button").first.click()


@pytest.mark.one_database
def test_the_roads_main_verbs_need_no_script(
    site: Site, someone: Open, as_: Callable[[Person], Page], town: SimpleNamespace, make: Make
) -> None:
    author = someone()
    road.submit_without_account(author, script=False)
    author.goto(site.link_in_mail(road.AUTHOR, "confirm"))
    road.send(author, "Yes, confirm my address")

    facilitator, lead = as_(town.facilitator), as_(town.lead)
    publish(facilitator)
    follower = as_(town.follower)
    follower.goto("/ideas")
    with follower.expect_navigation():
        follower.get_by_role("link", name=road.TITLE).click()
    idea = re.search(r"/ideas/\d+", follower.url)[0]  # type: ignore[index]
    road.send(follower, "Support")
    expect(follower.get_by_role("button", name="Take your support back")).to_be_visible()
    road.send(follower, "Follow")
    expect(follower.get_by_role("button", name="Stop following")).to_be_visible()
    comment(follower, idea)
    publish_comment(facilitator)
    follower.goto(idea)
    expect(follower.get_by_text("Could it stand out of the wind?").first).to_be_visible()

    with site.database.writing() as session:
        for supporter in town.supporters:
            viewer = Make(session).viewer(supporter)
            support_idea(session, idea_id=int(idea.rsplit("/")[-1]), person=viewer, now=utc_now())
    site.work()

    facilitator.goto(f"{idea}/lead")
    facilitator.get_by_role("radio", name="Mari Berge").check()
    road.send(facilitator, "Name the lead")
    facilitator.goto(f"{idea}/route")
    facilitator.get_by_role("radio", name="Roads").check()
    road.send(facilitator, "Hand it over")
    first = as_(town.first)
    first.goto("/handoffs")
    with first.expect_navigation():
        first.get_by_role("link", name=road.TITLE).first.click()
    handoff = re.search(r"/handoffs/\d+", first.url)[0]  # type: ignore[index]
    step(first, handoff, "take")
    step(first, handoff, "acknowledge")

    for criterion in ("need", "duplicates", "mandate"):
        road.give_evidence(lead, idea, criterion, text=f"Counted and asked about: {criterion}.")
    road.decide(lead, facilitator, idea, "Many wait there and nobody can sit. The unit agreed to assess it.")
    road.answer(first, handoff, "preliminary", "There is room for a bench")

    follower.goto(idea)
    expect(follower.locator(".where [aria-current=step]")).to_contain_text("Concept")
    expect(follower.get_by_text("There is room for a bench").first).to_be_visible()
    site.work()
    follower.goto("/notices")
    assert follower.locator("[data-notices] li").count() >= 3
    road.send(follower, "Mark all as read")
    expect(follower.get_by_role("button", name="Mark all as read")).to_have_count(0)


def publish_comment(page: Page) -> None:
    """Let the comment through."""
    page.goto("/moderation")
    expect(page.get_by_text("Could it stand out of the wind?").first).to_be_visible()
    page.locator("[name=verdict][value=publish]").check()
    with page.expect_navigation():
        page.locator("#decide").click()
