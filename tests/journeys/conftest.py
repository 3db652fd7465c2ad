"""A real browser against the real app: one server a test, on both databases."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path

import axe_playwright_python
import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from livinglab import jobs
from livinglab.app import create_app
from livinglab.config import Config
from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from tests.chromium import find

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
SWITCHES = [
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the journeys, so that they can be chosen or left out."""
    for item in items:
        if "journeys" in item.path.parts:
            item.add_marker("journey")


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        pass


class Site:
    """The running site: where it is, its clockwork and its outbox."""

    def __init__(self, app: Flask, url: str, config: Config) -> None:
        self.app = app
        self.url = url
        self.config = config
        self.database: Database = app.extensions["livinglab.database"]

    def work(self, now: datetime | None = None) -> None:
        """Run every job once, as the worker would; twice round, so that what one causes is done, too."""
        with self.app.app_context():
            for _ in range(2):
                for job in jobs.JOBS:
                    assert jobs.run_job(self.database, job, now or utc_now()), job.name

    def mails(self, address: str) -> list[str]:
        """Return the texts of the mails to an address, oldest first."""
        with self.app.app_context():
            jobs.run_job(self.database, jobs.job_named("mails"), utc_now())
        found = []
        for file in sorted(
            (self.config.instance / "outbox").glob("*.eml"), key=lambda f: f.stat().st_mtime_ns
        ):
            mail = message_from_bytes(file.read_bytes(), policy=policy.default)
            if mail["To"] == address:
                body = mail.get_body(("plain",))
                assert body is not None
                found.append(f"{mail['Subject']}\n\n{body.get_content()}")
        return found

    def link_in_mail(self, address: str, containing: str = "") -> str:
        """Return the newest link in the mails to an address."""
        links = [
            link for mail in self.mails(address) for link in re.findall(re.escape(self.url) + r"/\S+", mail)
        ]
        return [link for link in links if containing in link][-1]


@pytest.fixture
def site(config: Config) -> Iterator[Site]:
    """Serve the app on a free port of the loopback."""
    config.instance.mkdir(parents=True, exist_ok=True)
    server = make_server("127.0.0.1", 0, Flask("not yet"), threaded=True, request_handler=_Quiet)
    url = f"http://127.0.0.1:{server.server_port}"
    config = replace(config, base_url=url)
    app = create_app(config)
    server.app = app
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Site(app, url, config)
    server.shutdown()
    thread.join()
    server.server_close()
    app.extensions["livinglab.database"].close()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Start the driver."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Start Debian's Chromium."""
    browser = playwright.chromium.launch(
        executable_path=find(), args=[*SWITCHES, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    )
    yield browser
    browser.close()


Open = Callable[..., Page]


@pytest.fixture
def someone(browser: Browser, site: Site, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Open a browser of somebody's own: ``page = someone()``; foreign requests and errors fail the test."""
    contexts: list[BrowserContext] = []
    request.node.livinglab_contexts = contexts
    trouble: list[str] = []

    def open_(**more: object) -> Page:
        context = browser.new_context(base_url=site.url, **{"viewport": PHONE, "locale": "en", **more})  # type: ignore[arg-type]
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on(
            "request",
            lambda r: (
                None if r.url.startswith((site.url, "data:", "blob:")) else trouble.append(f"foreign {r.url}")
            ),
        )
        page.on("pageerror", lambda e: trouble.append(f"script {e}"))
        page.on(
            "console",
            lambda m: trouble.append(f"console {m.text}") if "Content Security Policy" in m.text else None,
        )
        page.on("response", lambda r: trouble.append(f"{r.status} {r.url}") if r.status >= 500 else None)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not trouble


@pytest.fixture(scope="session")
def axe_source() -> str:
    """Return axe-core as its package ships it."""
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")


@pytest.fixture
def axe(axe_source: str) -> Callable[[Page], list[str]]:
    """Return what axe finds on a page: rule, weight and the first place."""

    def look(page: Page) -> list[str]:
        page.evaluate(axe_source)
        found = page.evaluate(
            "tags => axe.run(document, {runOnly: tags})",
            ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
        )
        return [f"{v['id']} ({v['impact']}): {v['nodes'][0]['html'][:160]}" for v in found["violations"]]

    return look


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Say where each browser stood when a journey failed."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if report.when == "call" and report.failed:
        for context in getattr(item, "livinglab_contexts", ()):
            for page in context.pages:
                report.sections.append(
                    ("page", f"{page.url}\n{page.evaluate('document.body.innerText')[:1500]}")
                )
