"""What nobody types by mistake, one thing at a time; the whole round of odd values is in test_verdicts.py."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from livinglab.core.db import Database
from livinglab.ideas.models import Idea, Publication
from livinglab.ideas.queries.versions import word_diff
from tests.town import Town

pytestmark = pytest.mark.line("fuzz")


def test_a_body_of_a_megabyte_is_answered_at_once(
    app: Flask, town: Town, browser: Callable[[str], FlaskClient]
) -> None:
    client, long = browser("author"), "x" * 1_000_000
    for page, field in (
        ("/ideas/write", "body"),
        ("/settings", "bio"),
        ("/ideas/preview", "body"),
        ("/ideas/write", "title"),
    ):
        answer = client.post(page, data={field: long}, query_string={"lab": town.keys["slug"]})
        assert answer.status_code in (200, 303, 413, 422), (page, answer.status_code)


def test_a_handoff_of_an_idea_that_was_hidden_is_hidden_with_it(
    database: Database, town: Town, browser: Callable[[str], FlaskClient]
) -> None:
    pages = ("/handoffs", f"/handoffs/{town.ids['handoff_queued']}", "/work", "/board")
    with database.writing() as session:
        title = session.get_one(Idea, town.ids["queued"]).title
    assert title in browser("member").get("/handoffs").text
    with database.writing() as session:
        session.get_one(Idea, town.ids["queued"]).publication = Publication.HIDDEN
    for who in ("member", "lead"):
        client = browser(who)
        assert not [page for page in pages if title in client.get(page).text]
    assert title in browser("facilitator").get("/handoffs").text  # who hid it still sees what waits


def test_a_day_that_is_none_is_refused_at_its_field(
    town: Town, browser: Callable[[str], FlaskClient]
) -> None:
    answer = browser("manager").post(
        f"/ideas/{town.ids['decided']}/next-step", data={"step": "Measure", "by": "31.1."}
    )
    assert answer.status_code == 422
    assert "2027-01-31" in answer.text


def test_a_text_of_one_word_said_a_thousand_times_is_compared_at_once() -> None:
    before, after = "a b " * 2000, "b a " * 2000
    start = time.process_time()
    word_diff(before, after)
    assert time.process_time() - start < 2


def test_what_is_asked_for_never_builds_another_canonicaladdress(
    app: Flask, town: Town, client: FlaskClient
) -> None:
    page = f"/ideas/{town.ids['published']}"
    for asked in (
        "_external=1",
        "endpoint=labs.index",
        "_scheme=javascript",
        "_anchor=x",
        "idea_id=9",
        "_method=POST",
    ):
        shown = client.get(f"{page}?{asked}")
        assert shown.status_code == 200
        assert f'rel="canonical" href="http://localhost{page}?{asked}"' in shown.text
