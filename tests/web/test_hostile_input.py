"""What nobody types by mistake: every address, parameter and form answers it, and never breaks on it.

The app of the tests lets exceptions through, so a request that would be a 500 fails the test by itself.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from itertools import cycle
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import BuildError, IntegerConverter, Rule

from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from livinglab.ideas.models import Idea, Publication
from livinglab.ideas.queries.versions import word_diff
from livinglab.web.limits import limiter
from tests.town import Town, build_town

NUMBERS = (0, 2**31, 2**63)
PARAMETERS = (
    "after", "q", "stage", "activity", "lab", "challenge", "unit", "lead", "late", "category", "language",
    "order", "next", "lang", "mine", "old", "new", "to", "kind", "show", "lane", "talk", "title", "idea",
    "before", "as", "comment", "endpoint", "_external", "_scheme", "_anchor", "idea_id", "slug",
)  # fmt: skip
SEARCHED = (
    "'",
    '"',
    "*",
    "NEAR(a b)",
    ":",
    "a OR",
    "NOT",
    "^a",
    "{a}:c",
    "title:a",
    '"a',
    "a*b*",
    "&|!<->",
    "\\",
)
CURSORS = ("MQ", "W10", "e30", "WyJhIiwxLDJd", "W251bGwsbnVsbF0", "W05hTiwxXQ", "WzFlOTk5LDFd", "W1tdXQ", "WyJcdTAwMDAiLDFd",
           "WzEsMSw0NjExNjg2MDE4NDI3Mzg3OTAzXQ", "WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIiwxXQ", "WyJcdWQ4MDAiLDFd")  # fmt: skip
ODD = (
    "\x00", "a\x00b", "\ud800", "-1", "9223372036854775808", "9" * 400, "1e309", "nan", "²", "\u202ex", "e" + "\u0301" * 200,
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "../../etc/passwd", "0000-00-00", "9999-12-31",
    "2200-12-31T23:59", "javascript:alert(1)", "https://[::1", "a@b.c\r\nBcc: x@y.z", "[" * 3000 + "]" * 3000, "True",
)  # fmt: skip
LISTS = (
    "ideas.index",
    "ideas.alike_titles",
    "pipeline.board",
    "handoff.index",
    "me.supports",
    "me.following",
    "notices.index",
)
MANY = ("visitor", "author", "facilitator", "member", "manager")
"""Between them they open every door but the administrator's."""


@pytest.fixture
def town(database: Database, app: Flask, tmp_path: Path) -> Iterator[Town]:
    """A lab with something waiting at every desk; the doors count nobody."""
    limiter.enabled = False
    yield build_town(database, tmp_path / "instance", utc_now())
    limiter.enabled = True


@pytest.fixture
def browser(
    app: Flask, town: Town, sign_in: Callable[[FlaskClient, object], FlaskClient]
) -> Callable[[str], FlaskClient]:
    """``browser("manager")`` is the manager's, ``browser("visitor")`` nobody's."""
    return lambda name: (
        app.test_client() if name == "visitor" else sign_in(app.test_client(), town.people[name])
    )


def _pages(app: Flask) -> list[Rule]:
    left_out = ("static", "health.ready")  # the latter says 503 where no worker runs
    return [
        rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.endpoint not in left_out
    ]


def _numbered(rule: Rule) -> bool:
    return any(isinstance(converter, IntegerConverter) for converter in rule._converters.values())


def _address(app: Flask, rule: Rule, town: Town, number: int | None = None) -> str:
    known = {
        "idea_id": town.ids["published"], "challenge_id": town.ids["challenge"], "handoff_id": town.ids["handoff_proposed"],
        "answer_id": town.ids["answer_waiting"], "review_id": town.ids["review_ready"], "proposal_id": town.ids["proposal"],
        "decision_id": town.ids["letter"], "case_id": town.ids["case_pending"], "appeal_id": town.ids["appeal"],
        "comment_id": town.ids["comment_problem"], "evidence_id": town.ids["evidence"], "benefit_id": town.ids["benefit"],
        "measure_id": town.ids["measure"], "unit_id": town.ids["unit"], "number": 1, "slug": town.keys["slug"],
        "criterion": "need", "what": "confirm", "role": "lead", "key": "ab", "size": "card", "name": "x",
        "mail_key": town.keys["mail_key"], "token": town.keys["sign-in"],
    }  # fmt: skip
    whole = {
        name: number
        if number is not None and isinstance(rule._converters.get(name), IntegerConverter)
        else known.get(name, 1)
        for name in rule.arguments
    }
    with app.test_request_context():
        try:
            return app.url_map.bind("localhost").build(rule.endpoint, whole)
        except BuildError:
            return rule.rule


def _query(value: str) -> str:
    return "&".join(f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}" for name in PARAMETERS)


def test_no_number_in_an_address_breaks_a_page(
    app: Flask, town: Town, browser: Callable[[str], FlaskClient]
) -> None:
    for client in (browser("visitor"), browser("manager")):
        for rule in filter(_numbered, app.url_map.iter_rules()):
            method = "GET" if "GET" in (rule.methods or ()) else "POST"
            for number in NUMBERS:
                answer = client.open(_address(app, rule, town, number), method=method)
                thanked = rule.endpoint == "moderation.reported" and number == 0  # what the third report hid
                assert answer.status_code in ((200,) if thanked else (303, 404)), (
                    rule.rule,
                    number,
                    answer.status_code,
                )


def test_no_parameter_of_an_address_breaks_a_page(
    app: Flask, town: Town, browser: Callable[[str], FlaskClient]
) -> None:
    turns = cycle((*ODD, *SEARCHED, *CURSORS))
    for who in ("visitor", "manager"):
        client = browser(who)
        for rule in _pages(app):
            values = (
                (*ODD, *SEARCHED, *CURSORS) if who == "manager" and rule.endpoint in LISTS else (next(turns),)
            )
            for value in values:
                answer = client.get(f"{_address(app, rule, town)}?{_query(value)}")
                assert answer.status_code < 500, (rule.rule, value, answer.status_code)


class _Forms(HTMLParser):
    """Collects (address, names of fields) of the forms that are sent by POST."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, set[str]]] = []
        self._open = False
        self._page = page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "form":
            self._open = (named.get("method") or "").lower() == "post"
            if self._open:
                self.found.append((named.get("action") or self._page, set()))
        elif self._open and tag in ("input", "textarea", "select", "button") and named.get("name"):
            self.found[-1][1].add(str(named["name"]))

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag != "form"


_LAST = re.compile(r"/sign-out|/settings/(delete|devices)")
"""These would end what the others need."""


def test_no_value_of_a_field_breaks_a_form(
    app: Flask, town: Town, browser: Callable[[str], FlaskClient]
) -> None:
    turns, seen = cycle(ODD), set()
    for who in MANY:
        client = browser(who)
        for page in [_address(app, rule, town) for rule in _pages(app)]:
            for action, names in _forms_on(client, page):
                if _LAST.search(action) or (action, names) in seen:
                    continue
                seen.add((action, names))
                for value in (next(turns), next(turns)):
                    body = urlencode({name: value.encode("utf-8", "surrogatepass") for name in names})
                    answer = client.post(action, data=body, content_type="application/x-www-form-urlencoded")
                    assert answer.status_code < 500, (action, value, answer.status_code)
    assert len(seen) > 40


def _forms_on(client: FlaskClient, page: str) -> list[tuple[str, frozenset[str]]]:
    shown = client.get(page)
    if shown.status_code != 200 or shown.mimetype != "text/html":
        return []
    forms = _Forms(page)
    forms.feed(shown.text)
    return [(action if action.startswith("/") else page, frozenset(names)) for action, names in forms.found]


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


def test_what_is_not_public_is_to_a_neighbouring_lab_as_if_it_were_not(
    app: Flask, town: Town, browser: Callable[[str], FlaskClient]
) -> None:
    asked = (
        "",
        "/gate",
        "/next-step",
        "/lead",
        "/open-review",
        "/benefits",
        "/evidence/need",
        "/route",
        "/versions",
        "/edit",
        "/report",
    )
    for who in ("foreign_facilitator", "foreign_manager", "foreign_member", "resident"):
        client = browser(who)
        for name in ("draft", "pending", "rejected"):
            for page in asked:
                missing, there = (
                    client.get(f"/ideas/{number}{page}") for number in (999_999, town.ids[name])
                )
                assert (there.status_code, there.headers.get("X-Reason-Code")) == (
                    missing.status_code, missing.headers.get("X-Reason-Code"),
                ), (who, name, page)  # fmt: skip


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


def test_what_is_asked_for_never_builds_another_canonical_address(
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
