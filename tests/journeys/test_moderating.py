"""Moderating by keyboard: twenty things in one sitting on one page, and the same on a phone without letter keys.

Source: issue "The main road", parts 6 and 15; rules M1, M2; WCAG 2.1.1, 2.1.4, 2.4.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import col, select

from livinglab.core.clock import utc_now
from livinglab.core.db import known_id
from livinglab.core.mail import OutboxMail
from livinglab.ideas.commands import edit_idea, start_draft, write_comment
from livinglab.ideas.commands.drafts import texts_of
from livinglab.ideas.models import Comment, CommentKind, Idea, Publication
from livinglab.ideas.rules import IdeaTexts
from livinglab.moderation.commands import report, submit_comment, submit_edit, submit_idea
from livinglab.moderation.models import Action, Case, Decision
from livinglab.people.models import Person
from tests.journeys import test_main_road as road
from tests.journeys.conftest import DESKTOP, Open, Site
from tests.make import Make

NOTE = "3 stolper og 4 benker er nevnt; si hvem det gjelder"
"""Holds digits and the letters of every key, to see that nothing acts while somebody writes."""


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """Wait longer than five seconds for a page on a machine that does a lot besides."""
    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture
def as_(someone: Open, site: Site) -> Callable[..., Page]:
    """Open a browser of a size on which a person is signed in."""

    def open_(person: Person, **look: object) -> Page:
        return road.as_.__wrapped__(lambda: someone(**look), site)(person)  # type: ignore[attr-defined]

    return open_


class Queue:
    """A lab in which things of four kinds wait, the oldest promise first."""

    def __init__(self, site: Site, make: Make) -> None:
        self.database, self.make, self.now = site.database, make, utc_now() - timedelta(hours=9)
        self.lab = make.lab("fjellvik", languages=["en", "nb"])
        self.ida = make.facilitator(self.lab, make.person("Ida Vik"))
        self.count = 0

    def fill(self, number: int) -> None:
        """Let ``number`` things wait: new ideas, edits, comments and reports in turn."""
        kinds = (self.idea, self.edit, self.comment, self.reported_comment, self.reported_idea)
        for n in range(number):
            kinds[n % len(kinds)](n)
            self.now += timedelta(minutes=5)

    def idea(self, n: int) -> None:
        person, idea_id = self.make.viewer(self.make.person(language="en")), 0
        texts = IdeaTexts(
            title=f"Idea number {n}", summary="Benches.", body=f"Benches by the river, {n}.", language="en"
        )
        with self.database.writing() as session:
            idea_id = known_id(
                start_draft(
                    session, lab_id=known_id(self.lab.id), texts=texts, person=person, now=self.now
                ).id
            )
            submit_idea(session, idea_id=idea_id, person=person, now=self.now)

    def edit(self, n: int) -> None:
        idea = self._public(n)
        person = self.make.viewer(self._author(idea))
        with self.database.writing() as session:
            texts = replace(texts_of(session, session.get_one(Idea, idea.id)), body=f"A new text, {n}.")
            version = edit_idea(
                session, idea_id=known_id(idea.id), texts=texts, note="clearer", person=person, now=self.now
            )
            assert version is not None
            submit_edit(
                session, idea_id=known_id(idea.id), number=version.number, person=person, now=self.now
            )

    def comment(self, n: int) -> None:
        idea, person = self._public(n), self.make.viewer(self.make.person(language="en"))
        with self.database.writing() as session:
            row = write_comment(
                session, idea_id=known_id(idea.id), person=person, kind=CommentKind.CONCERN,
                body=f"It is too narrow at place {n}.", language="en", now=self.now,
            )  # fmt: skip
            submit_comment(session, comment_id=known_id(row.id), person=person, now=self.now)

    def reported_comment(self, n: int) -> None:
        idea = self._public(n)
        self._report(idea, self.make.comment(idea, body=f"Buy my paint, offer {n}.").id)

    def reported_idea(self, n: int) -> None:
        self._report(self._public(n), None)

    def _public(self, n: int) -> Idea:
        return self.make.idea(self.lab, title=f"Public idea {n}", language="en")

    def _author(self, idea: Idea) -> Person:
        with self.database.reading() as session:
            return session.get_one(Person, idea.author_id)

    def _report(self, idea: Idea, comment_id: int | None) -> None:
        with self.database.writing() as session:
            report(
                session, idea_id=known_id(idea.id), comment_id=comment_id, person=self.make.viewer(),
                rule="advertising", text="Somebody sells something.", now=self.now,
            )  # fmt: skip

    def decisions(self) -> list[Decision]:
        with self.database.reading() as session:
            return list(session.scalars(select(Decision).order_by(col(Decision.id))))

    def held(self) -> list[int | None]:
        with self.database.reading() as session:
            return [
                case.held_by for case in session.scalars(select(Case).where(col(Case.closed_at).is_(None)))
            ]


@pytest.fixture
def queue(site: Site, make: Make) -> Queue:
    return Queue(site, make)


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.tagName"))


def wait_focus(page: Page, where: str) -> None:
    page.wait_for_function("id => document.activeElement && document.activeElement.id === id", arg=where)


class Sitting:
    """One person at the keyboard: each step waits for what it should bring, and looks where the focus is."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.goto("/moderation")
        self.sit_down()

    def sit_down(self) -> None:
        """Note which page this is, and how much waits."""
        self.page.set_default_timeout(20_000)
        self.address, self.began = self.page.url, self.page.evaluate("performance.timeOrigin")
        self.left = int(self.page.locator(".sums b").first.inner_text())

    def key(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def next_one(self) -> None:
        """Wait for the next case: one less in every count, the focus on its heading, the page the same."""
        self.left -= 1
        page = self.page
        if self.left:
            expect(page.locator(".sums b").first).to_have_text(str(self.left))
            expect(page.locator("#work-count .pip")).to_contain_text(str(self.left))
            wait_focus(page, "case-title")
            assert page.locator(".pile a[data-case]").count() == self.left
        else:
            expect(page.locator("#desk")).to_contain_text("Nothing waits")
            expect(page.locator("#work-count .pip")).to_have_count(0)
            page.wait_for_function("document.activeElement.matches('section.case')")
        assert page.url == self.address
        assert page.evaluate("performance.timeOrigin") == self.began, "the page was never loaded anew"

    def publish(self) -> None:
        self.key("1")
        assert focused(self.page) == "decide"
        self.key("Enter")
        self.next_one()

    def take_away(self, verdict: str, rule: str, name: str) -> None:
        """Return (2), reject (3) or hide (4), by a rule, with a note, after reading the letter."""
        page = self.page
        self.key(verdict)
        assert focused(page) == "rule"
        self.key(rule, "Tab")
        assert focused(page) == "facts"
        page.keyboard.type(NOTE[:9])
        page.keyboard.insert_text(NOTE[9:])
        letter = page.locator("#letter")
        expect(letter).to_contain_text(NOTE)
        expect(letter).to_contain_text(f"{rule}. {name}")
        assert page.locator(f"input[data-key='{verdict}']").is_checked(), "digits in a note choose nothing"
        assert focused(page) == "facts", "the letter is written beside, the focus stays"
        self.key("Control+Enter")
        self.next_one()


@pytest.mark.one_database
def test_twenty_things_of_all_kinds_in_one_sitting_by_keyboard_alone(
    site: Site, as_: Callable[..., Page], queue: Queue
) -> None:
    queue.fill(20)
    page = as_(queue.ida, viewport=DESKTOP)
    at = Sitting(page)
    assert at.left == 20
    assert queue.held() == [None] * 20, "looking at the queue holds nothing"

    for key, place in (("j", 1), ("j", 2), ("k", 1), ("s", 2)):  # look around: on, on, back, and skip
        at.key(key)
        expect(page.locator(".pile li").nth(place)).to_have_attribute("aria-current", "true")
        wait_focus(page, "case-title")
    assert queue.held() == [None] * 20, "passing by holds nothing"
    page.reload()
    at.sit_down()

    forbidden: list[str] = []
    page.on("console", lambda said: forbidden.append(said.text) if "Content Security" in said.text else None)
    page.evaluate("document.getElementById('facts').style.height = '260px'")  # as dragging its corner does
    at.key("2")  # sent too early: what is missing is said, the focus is on it, nothing was decided
    at.key("Control+Enter")
    expect(page.locator("#oops")).to_be_visible()
    expect(page.locator("#facts")).to_have_css("height", "260px")
    assert forbidden == []
    page.wait_for_function("document.activeElement.matches('.oops')")
    assert queue.decisions() == []

    at.take_away("2", "7", "Understandable")  # a new idea, returned
    at.publish()  # an edit
    at.take_away("3", "4", "Stay on the subject")  # a comment, rejected
    at.take_away("4", "3", "No advertising")  # a reported comment, hidden
    at.publish()  # a reported idea, left as it is
    for _ in range(3):
        at.publish()  # idea, edit, comment
        at.take_away("2", "7", "Understandable")
        at.take_away("3", "1", "Respect for people")
        at.take_away("4", "3", "No advertising")
        at.publish()

    made = queue.decisions()
    assert len(made) == 20
    assert {row.by_id for row in made} == {queue.ida.id}
    assert [row.action for row in made[:5]] == [
        Action.RETURN, Action.PUBLISH, Action.REJECT, Action.HIDE, Action.KEEP,
    ]  # fmt: skip
    assert [row.rule for row in made[:5]] == ["unclear", None, "off-topic", "advertising", None]
    assert {row.facts for row in made if row.rule} == {NOTE}
    assert sum(row.comment_id is not None for row in made) == 8
    with site.database.reading() as session:
        letters = session.scalars(select(OutboxMail).where(OutboxMail.kind == "decision")).all()
        assert len(letters) == sum(row.action is not Action.KEEP for row in made) - sum(
            row.action is Action.PUBLISH and row.comment_id is not None for row in made
        )
        hidden = session.scalars(select(Comment.publication).where(Comment.id == made[3].comment_id)).one()
        assert hidden is Publication.HIDDEN


@pytest.mark.one_database
def test_on_a_phone_with_tab_arrows_and_enter_alone(
    site: Site, as_: Callable[..., Page], queue: Queue
) -> None:
    """The letter keys are switched off, by keyboard, and stay off."""
    queue.fill(5)
    page = as_(queue.ida, viewport={"width": 390, "height": 844})
    at = Sitting(page)
    page.locator("#case-title").focus()

    def tab_to(where: str, most: int = 40) -> None:
        for _ in range(most):
            if page.evaluate("sel => document.activeElement.matches(sel)", where):
                return
            at.key("Tab")
        raise AssertionError(f"{where} is not reached with Tab, the focus is on {focused(page)}")

    tab_to("#keys summary")
    at.key("Enter")
    expect(page.locator("#keys")).to_contain_text("Skip for now")
    tab_to("#keys-on")
    at.key("Space")
    at.key("1", "j", "s")
    assert page.locator("input[name=verdict]:checked").count() == 0
    page.reload()
    at.sit_down()
    at.key("1")
    assert page.locator("input[name=verdict]:checked").count() == 0, "the choice is remembered"
    assert not page.locator("#keys-on").is_checked()

    for n, arrows in enumerate((0, 1, 2, 3, 0)):
        page.locator("#case-title").focus()
        tab_to("input[name=verdict]")
        at.key("Space")
        at.key(*["ArrowDown"] * (arrows if n != 3 else 3))
        assert (
            page.evaluate("document.activeElement.value")
            == ("publish", "return", "reject", "hide", "publish")[n]
        )
        if arrows:
            at.key("Tab")
            assert focused(page) == "rule"
            at.key("2", "Tab")
            page.keyboard.type(NOTE[:9])
            page.keyboard.insert_text(NOTE[9:])
            expect(page.locator("#letter")).to_contain_text(NOTE)
        tab_to("#decide")
        at.key("Enter")
        at.next_one()
    assert [row.action for row in queue.decisions()] == [
        Action.PUBLISH, Action.RETURN, Action.REJECT, Action.HIDE, Action.KEEP,
    ]  # fmt: skip


@pytest.mark.one_database
def test_two_at_the_same_case_the_second_takes_over_and_the_first_is_told(
    as_: Callable[..., Page], queue: Queue, make: Make
) -> None:
    queue.fill(1)
    ida, jon = (
        as_(queue.ida, viewport=DESKTOP),
        as_(make.manager(queue.lab, make.person("Jon Lund")), viewport=DESKTOP),
    )
    ida.goto("/moderation")
    ida.keyboard.press("2")
    expect(ida.get_by_text("In your hand until")).to_be_visible()
    ida.keyboard.press("7")
    ida.keyboard.press("Tab")
    ida.keyboard.type("What Ida wrote first")

    jon.goto("/work")
    jon.locator(".tasks a").first.click()
    expect(jon.get_by_role("alert")).to_contain_text("Ida Vik has had this in hand since")
    jon.locator("#take-over").focus()
    jon.keyboard.press("Enter")
    expect(jon.get_by_text("In your hand until")).to_be_focused()

    ida.keyboard.press("Control+Enter")
    expect(ida.locator(".oops")).to_contain_text("Jon Lund has taken this in hand")
    expect(ida.locator("#facts")).to_have_value("What Ida wrote first")
    jon.keyboard.press("1")
    jon.keyboard.press("Enter")
    expect(jon.locator("#desk")).to_contain_text("Nothing waits")
    ida.keyboard.press("Control+Enter")
    expect(ida.locator("#desk")).to_contain_text("Jon Lund decided this")
    expect(ida.locator("#desk")).to_contain_text("What Ida wrote first")
    assert [row.action for row in queue.decisions()] == [Action.PUBLISH]
