"""Every page: nothing serious for axe, no sideways scroll, no cookie for a reader, the whole road by keyboard.

One lab with something waiting at every desk serves all pages; nothing here writes. The database behind a
page makes no difference to it, so that one is enough (``--only postgresql`` takes the other). Source: issue "The main road", what must be seen, line 5.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page
from werkzeug.serving import make_server

from livinglab.app import create_app
from livinglab.config import Config
from livinglab.core import schema
from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from livinglab.people.commands import open_device
from tests.architecture.test_matrix import ROLES, ROUTES, address_of
from tests.conftest import _pg, _pg_do
from tests.journeys.conftest import _Quiet
from tests.town import Town, build_town

ROAD = {
    "GET front.home": "visitor", "GET labs.index": "visitor", "GET labs.page": "visitor",
    "GET challenges.page": "visitor", "GET ideas.index": "visitor", "GET ideas.page": "resident",
    "GET ideas.write": "resident", "GET accounts.sign_in": "visitor", "GET accounts.register": "visitor",
    "GET me.home": "author", "GET notices.index": "author", "GET moderation.queue": "facilitator",
    "GET handoff.index": "member", "GET handoff.page": "member", "GET handoff.write": "member",
    "GET pipeline.review": "lead", "GET pipeline.review (proposed)": "facilitator",
    "GET pipeline.decision": "visitor", "GET pipeline.board": "lead", "GET work.home": "facilitator",
}  # fmt: skip
"""The pages of the main road and who reads them here."""

REST = {
    key: next(role for role in (*ROLES[1:], ROLES[0]) if row[role] == 200)
    for key, row in ROUTES.items()
    if key.startswith("GET ") and key not in ROAD and 200 in row.values()
}
NO_PAGE = (
    "GET static", "GET stylesheet", "GET picture", "GET pages.robots", "GET pages.sitemap", "GET pages.manifest", "GET pages.sitemap_part", "GET health.alive",
    "GET ideas.alike_titles",
)  # fmt: skip
WORK = (
    ("GET ideas.write", "visitor"), ("GET accounts.register", "visitor"), ("GET ideas.page", "resident"),
    ("GET ideas.comment", "resident"), ("GET moderation.queue", "facilitator"), ("GET handoff.route", "facilitator"),
    ("GET handoff.page", "manager"), ("GET handoff.write", "member"), ("GET pipeline.review", "lead"),
    ("GET pipeline.review (proposed)", "facilitator"), ("GET notices.index", "author"),
)  # fmt: skip
"""Where the road's verbs are: submit, register, support, comment, publish, route, answer, propose, confirm."""


@dataclass
class Place:
    """The served lab."""

    app: Flask
    town: Town
    url: str
    database: Database

    def address(self, key: str) -> str:
        if key == "GET pipeline.review (proposed)":
            return f"/reviews/{self.town.ids['review_proposed']}"
        if key == "GET ideas.write":
            return f"/ideas/write?lab={self.town.keys['slug']}"
        return address_of(self.app, self.town, key)

    def cookie(self, role: str) -> str:
        with self.database.writing() as session:
            token = open_device(session, person_id=self.town.people[role].id or 0, now=utc_now())
        signer = self.app.session_interface.get_signing_serializer(self.app)  # type: ignore[attr-defined]
        return str(signer.dumps({"_user_id": token, "_fresh": True, "_permanent": True}))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Place]:
    """Serve one full lab for all tests of this file."""
    folder = tmp_path_factory.mktemp("accessible")
    url = f"sqlite:///{folder / 'town.sqlite'}"
    if request.config.getoption("--only") == "postgresql":
        url = _pg(request.getfixturevalue("postgres_url"), name := f"accessible_{os.getpid()}")
        _pg_do(request.getfixturevalue("postgres_url"), f"CREATE DATABASE {name}")
    database = Database(url)
    schema.upgrade(database)
    town = build_town(database, folder, utc_now())
    server = make_server("127.0.0.1", 0, Flask("not yet"), threaded=True, request_handler=_Quiet)
    base = f"http://127.0.0.1:{server.server_port}"
    app = create_app(
        Config(instance=folder, database_url=url, secret_key="s" * 40, base_url=base, testing=True)
    )
    server.app = app
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Place(app, town, base, database)
    server.shutdown()
    thread.join()
    server.server_close()
    app.extensions["livinglab.database"].close()
    database.close()


Enter = Callable[[str], Page]


@pytest.fixture
def enter(browser: Browser, place: Place, request: pytest.FixtureRequest) -> Iterator[Enter]:
    """Open one browser a role; ``enter.look`` says width and colours."""
    look: dict[str, object] = getattr(request, "param", {"viewport": {"width": 360, "height": 780}})
    pages: dict[str, Page] = {}
    contexts: list[BrowserContext] = []
    trouble: list[str] = []

    def open_(role: str) -> Page:
        if role not in pages:
            context = browser.new_context(base_url=place.url, locale="en", **look)  # type: ignore[arg-type]
            contexts.append(context)
            if role != "visitor":
                context.add_cookies([{"name": "livinglab", "value": place.cookie(role), "url": place.url}])
            page = context.new_page()
            own = (place.url, "data:", "blob:")
            page.on(
                "request", lambda r: None if r.url.startswith(own) else trouble.append(f"foreign {r.url}")
            )
            page.on("pageerror", lambda e: trouble.append(f"script {e} on {page.url}"))
            pages[role] = page
        return pages[role]

    yield open_
    for context in contexts:
        context.close()
    assert not trouble


LOOKED_AT = [
    "color-contrast",
    "target-size",
    "scrollable-region-focusable",
    "meta-viewport",
    "avoid-inline-spacing",
]
"""Rules whose verdict hangs on width and colours."""


def problems(page: Page, address: str, axe_source: str, rules: list[str] | None = None) -> list[str]:
    """Return what a reader would stumble over: refused pages, sideways scroll, findings of axe that weigh.

    Args:
        rules: Only these; all of WCAG 2.2 AA and of good practice where not given.
    """
    answer = page.goto(address)
    if answer is None or answer.status != 200:
        return [f"{address}: {answer and answer.status}"]
    found = []
    wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    if wide[0] > wide[1]:
        found.append(f"{address}: {wide[0]} px wide in {wide[1]}")
    page.evaluate(axe_source)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    only = json.dumps({"type": "rule", "values": rules} if rules else {"type": "tag", "values": tags})
    for rule in page.evaluate(f"axe.run(document, {{runOnly: {only}, resultTypes: ['violations']}})")[
        "violations"
    ]:
        if rule["impact"] in ("serious", "critical"):
            where = [node["html"][:140] for node in rule["nodes"][:2]]
            found.append(f"{address}: {rule['id']} ({rule['impact']}) {where}")
        else:
            print(f"{address}: {rule['id']} ({rule['impact']}) {rule['nodes'][0]['html'][:140]}")
    return found


LOOKS = [
    pytest.param(
        {"viewport": {"width": width, "height": 780}, "color_scheme": scheme}, id=f"{scheme} {width}"
    )
    for scheme in ("light", "dark")
    for width in (360, 1280)
]


@pytest.mark.parametrize("enter", LOOKS, indirect=True)
def test_the_roads_pages_are_accessible(
    enter: Enter, place: Place, axe_source: str, request: pytest.FixtureRequest
) -> None:
    """Every rule in the first look; in the others those that hang on width and colours."""
    rules = None if "light 360" in request.node.name else LOOKED_AT
    found = [
        p for key, role in ROAD.items() for p in problems(enter(role), place.address(key), axe_source, rules)
    ]
    assert not found, "\n".join(found)


def test_every_other_page_is_accessible_on_a_phone(enter: Enter, place: Place, axe_source: str) -> None:
    found = [
        p
        for key, role in REST.items()
        if key not in NO_PAGE
        for p in problems(enter(role), place.address(key), axe_source)
    ]
    assert not found, "\n".join(found)


def test_a_reader_gets_no_cookie_and_nothing_from_elsewhere(enter: Enter, place: Place) -> None:
    page, read = enter("visitor"), 0
    for key, row in ROUTES.items():
        if not key.startswith("GET ") or row["visitor"] != 200 or key in NO_PAGE:
            continue
        answer = page.goto(place.address(key))
        assert answer is not None
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy, key
        assert "unsafe-" not in policy, key
        if page.locator("form[method=post]").count() == 0:
            assert page.context.cookies() == [], key
            read += 1
        page.context.clear_cookies()
    assert read > 20


TABBABLE = """
() => {
  const look = e => [e, e.parentElement, e.parentElement?.parentElement, e.nextElementSibling].filter(Boolean).map(x => {
    const s = getComputedStyle(x);
    return [s.outlineStyle, s.outlineWidth, s.outlineColor, s.boxShadow, s.borderColor, s.backgroundColor].join();
  }).join('|');
  const wanted = 'a[href], button, input:not([type=hidden]), select, textarea, summary';
  const shown = e => e.checkVisibility({visibilityProperty: true}) && !e.disabled && e.tabIndex >= 0;
  window.looks = look;
  return [...document.querySelectorAll(wanted)].filter(shown).map((e, n) => {
    e.dataset.n = n;
    const name = e.type === 'radio' ? 'radio ' + e.name : String(n);
    return [String(n), name, look(e), e.outerHTML.slice(0, 120)];
  });
}
"""
FOCUSED = "() => { const e = document.activeElement; return e && e.dataset.n ? [e.dataset.n, window.looks(e)] : null }"


@pytest.mark.parametrize(
    "enter", [pytest.param({"viewport": {"width": 1280, "height": 900}}, id="desk")], indirect=True
)
def test_everything_on_the_road_is_reached_by_keyboard_and_seen(enter: Enter, place: Place) -> None:
    wrong: list[str] = []
    for key, role in WORK:
        page = enter(role)
        page.goto(place.address(key))
        things = page.evaluate(TABBABLE)
        names = {n: name for n, name, _, _ in things}
        before = {n: look for n, _, look, _ in things}
        html = {n: text for n, _, _, text in things}
        reached: set[str] = set()
        page.evaluate("document.activeElement?.blur()")
        for _ in range(len(things) + 3):
            page.keyboard.press("Tab")
            focused = page.evaluate(FOCUSED)
            if focused is None:
                continue
            number, look = focused
            reached.add(names[number])
            if look == before[number]:
                wrong.append(f"{key}: focus not seen on {html[number]}")
        wrong += [f"{key}: not reached {html[n]}" for n, name in names.items() if name not in reached]
    assert not wrong, "\n".join(wrong)
