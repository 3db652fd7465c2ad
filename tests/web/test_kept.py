"""Visitors' pages are handed out again only as long as nobody can tell."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import Client

from livinglab.core.db import Database
from livinglab.ideas.models import Idea, Publication
from livinglab.web.database import db
from livinglab.web.kept import LIFE_SECONDS, MOST_BYTES, KeptPages
from tests.make import Make

FOR_ALL = ("Cache-Control", "public, max-age=0, s-maxage=2")
HTML = ("Content-Type", "text/html; charset=utf-8")


class Counting:
    """An app that says how often it was asked, and with which headers it answers."""

    def __init__(self, *headers: tuple[str, str]) -> None:
        self.asked = 0
        self.headers = [HTML, ("ETag", '"one"'), *headers]
        self.body = b"page"

    def __call__(self, _environ: Any, start_response: Any) -> Iterable[bytes]:
        self.asked += 1
        start_response("200 OK", [*self.headers, ("Content-Length", str(len(self.body)))])
        return iter([self.body])


class Clock:
    """A clock that stands until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def quiet() -> Database:
    return Database("sqlite:///:memory:")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def browser(app: Counting, quiet: Database, clock: Clock) -> Client:
    return Client(KeptPages(app, quiet, clock), use_cookies=False)


def test_two_visitors_of_a_page_cost_one_drawing(quiet: Database, clock: Clock) -> None:
    app = Counting(FOR_ALL)
    visitor = browser(app, quiet, clock)
    first, second = visitor.get("/ideas"), visitor.get("/ideas")
    assert (first.data, second.data, app.asked) == (b"page", b"page", 1)


def test_another_address_host_or_query_is_another_page(quiet: Database, clock: Clock) -> None:
    app = Counting(FOR_ALL)
    visitor = browser(app, quiet, clock)
    for path, base in (("/a", None), ("/b", None), ("/a?lang=fi", None), ("/a", "http://other.example")):
        visitor.get(path, base_url=base)
    assert app.asked == 4


def test_after_two_seconds_the_page_is_drawn_anew(quiet: Database, clock: Clock) -> None:
    app = Counting(FOR_ALL)
    visitor = browser(app, quiet, clock)
    visitor.get("/ideas")
    clock.now += LIFE_SECONDS - 0.1
    assert visitor.get("/ideas").headers["Age"] == "2"
    clock.now += 0.1
    visitor.get("/ideas")
    assert app.asked == 2


def test_a_write_of_this_process_makes_every_page_old_at_once(quiet: Database, clock: Clock) -> None:
    app = Counting(FOR_ALL)
    visitor = browser(app, quiet, clock)
    visitor.get("/ideas")
    with quiet.writing():
        pass
    visitor.get("/ideas")
    assert app.asked == 2


def test_a_write_while_a_page_is_drawn_makes_that_page_old(quiet: Database, clock: Clock) -> None:
    app = Counting(FOR_ALL)

    def slow(environ: Any, start_response: Any) -> Iterable[bytes]:
        answer = app(environ, start_response)
        if app.asked == 1:
            with quiet.writing():
                pass
        return answer

    visitor = Client(KeptPages(slow, quiet, clock))
    visitor.get("/ideas")
    visitor.get("/ideas")
    assert app.asked == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": "livinglab=x"},
        {"Cookie": "a=b; livinglab_draft=x"},
        {"HX-Request": "true"},
        {"Range": "bytes=0-1"},
    ],
    ids=str,
)
def test_who_is_no_plain_visitor_is_answered_by_the_app(
    quiet: Database, clock: Clock, headers: dict[str, str]
) -> None:
    app = Counting(FOR_ALL)
    visitor = browser(app, quiet, clock)
    visitor.get("/ideas")
    answer = visitor.get("/ideas", headers=headers)
    assert (app.asked, "Age" in answer.headers) == (2, False)


@pytest.mark.parametrize(
    "headers",
    [
        [("Cache-Control", "no-store")],
        [("Cache-Control", "private, no-cache")],
        [FOR_ALL, ("Set-Cookie", "livinglab=x")],
        [],
    ],
    ids=str,
)
def test_what_the_app_does_not_give_to_everybody_is_not_kept(
    quiet: Database, clock: Clock, headers: list[tuple[str, str]]
) -> None:
    app = Counting(*headers)
    visitor = browser(app, quiet, clock)
    assert [visitor.get("/me").data for _ in range(2)] == [b"page", b"page"]
    assert app.asked == 2


def test_a_reader_who_has_the_page_is_told_that_it_stands(quiet: Database, clock: Clock) -> None:
    app = Counting(FOR_ALL)
    visitor = browser(app, quiet, clock)
    for _ in range(2):
        answer = visitor.get("/ideas", headers={"If-None-Match": '"one"'})
        assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", '"one"')
    assert app.asked == 1
    assert visitor.get("/ideas", headers={"If-None-Match": '"other"'}).status_code == 200


def test_head_gets_the_headers_alone(quiet: Database, clock: Clock) -> None:
    app = Counting(FOR_ALL)
    visitor = browser(app, quiet, clock)
    visitor.get("/ideas")
    answer = visitor.head("/ideas")
    assert (answer.status_code, answer.data, answer.headers["Content-Length"]) == (200, b"", "4")


def test_memory_has_an_end(quiet: Database, clock: Clock) -> None:
    app = Counting(FOR_ALL)
    app.body = b"x" * 300_000
    visitor = browser(app, quiet, clock)
    most = MOST_BYTES // len(app.body)
    for number in range(most + 1):
        visitor.get(f"/ideas?after={number}")
    visitor.get(f"/ideas?after={most}")
    assert app.asked == most + 1
    visitor.get("/ideas?after=0")
    assert app.asked == most + 2


def test_what_is_hidden_is_gone_at_once_and_the_signed_in_never_get_a_kept_page(
    app: Flask, client: FlaskClient, make: Make, sign_in: Any
) -> None:
    idea = make.idea(make.lab(), title="A bench by the river")
    path = f"/ideas/{idea.id}?lang=en"
    front = Client(KeptPages(app.wsgi_app, app.extensions["livinglab.database"]))
    assert "A bench by the river" in front.get(path).text
    assert "Age" in front.get(path).headers
    sign_in(client, make.resident())
    assert "s-maxage" not in client.get(path).headers["Cache-Control"]
    with app.app_context(), db.writing() as writes:
        writes.get_one(Idea, idea.id).publication = Publication.HIDDEN
    assert front.get(path).status_code == 404


def test_the_drafts_of_a_browser_are_never_shown_to_another(app: Flask, make: Make) -> None:
    make.challenge(lab := make.lab())
    make.lab()
    front = KeptPages(app.wsgi_app, app.extensions["livinglab.database"])
    mine, theirs = Client(front), Client(front)
    mine.post(
        f"/ideas/write?lab={lab.slug}", data={"title": "My secret draft", "body": "A body.", "act": "keep"}
    )
    shown = mine.get("/ideas/write?lang=en")
    assert "My secret draft" in shown.text
    assert "public" not in shown.headers["Cache-Control"]
    assert "My secret draft" not in theirs.get("/ideas/write?lang=en").text
