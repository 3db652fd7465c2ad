"""What somebody reads out to us is found in the log, and nobody holds another's number."""

from __future__ import annotations

import re

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError
from werkzeug.test import Client

from livinglab.core.db import Database
from livinglab.core.log import request_number, with_request
from livinglab.web.kept import KeptPages
from livinglab.web.numbered import HEADER, Numbered

NUMBER = re.compile(r"[0-9a-f]{12}")


@pytest.fixture
def page() -> list[str]:
    """The numbers under which a small app was asked; its page may be kept by a cache where ``/`` is read."""
    return []


def numbered(asked: list[str], *, believes: bool = False) -> Client:
    def answer(environ, start_response):
        asked.append(request_number())
        mine = environ["PATH_INFO"] != "/"
        said = "no-store" if mine else "public, max-age=0, s-maxage=2"
        start_response("200 OK", [("Content-Type", "text/html"), ("Cache-Control", said), ("ETag", '"1"')])
        return [b"page"]

    return Client(Numbered(answer, believes=believes), use_cookies=False)


def test_each_request_has_a_number_of_its_own_which_stands_on_the_answer(page: list[str]) -> None:
    browser = numbered(page)
    told = [browser.get("/me").headers[HEADER] for _ in range(2)]
    assert told == page
    assert len(set(told)) == 2
    assert all(NUMBER.fullmatch(one) for one in told)
    assert request_number() == "", "and it ends with the request"


def test_what_a_cache_may_keep_carries_no_number(page: list[str]) -> None:
    assert HEADER not in numbered(page).get("/").headers
    assert NUMBER.fullmatch(page[0])


@pytest.mark.parametrize(
    ("believes", "given", "taken"),
    [
        (False, "from-outside-1", False),
        (True, "proxy-7f3a.91", True),
        (True, "short", False),
        (True, "x" * 65, False),
        (True, 'a "quoted" line', False),
    ],
)
def test_a_number_from_outside_is_believed_from_our_proxy_and_where_it_is_harmless(
    page: list[str], believes: bool, given: str, taken: bool
) -> None:
    answer = numbered(page, believes=believes).get("/me", headers={HEADER: given})
    assert (answer.headers[HEADER] == given) is taken


def test_the_page_that_says_sorry_and_the_log_name_the_same_number(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setitem(app.view_functions, "pages.privacy", away)
    with structlog.testing.capture_logs(processors=[with_request]) as lines:
        answer = client.get("/privacy?lang=en")
    number = answer.headers[HEADER]
    assert (answer.status_code, NUMBER.fullmatch(number) is not None) == (503, True)
    assert f"give this number: {number}" in answer.text
    assert [line["request"] for line in lines] == [number]


def test_visitors_who_share_a_kept_page_share_no_number(page: list[str]) -> None:
    inner = numbered(page).application._answer  # type: ignore[attr-defined]
    browser = Client(
        Numbered(KeptPages(inner, Database("sqlite:///:memory:")), believes=False), use_cookies=False
    )
    answers = [browser.get("/") for _ in range(2)]
    assert len(page) == 1, "the second got the kept page"
    assert [answer.headers.get(HEADER) for answer in answers] == [None, None]
