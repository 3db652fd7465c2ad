"""What nobody types by mistake: every address, parameter and form answers it, and never breaks on it.

The app of the tests lets exceptions through, so a request that would be a 500 fails the test by itself.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from itertools import cycle
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from livinglab.core.db import Database
from livinglab.ideas.models import Idea, Publication
from livinglab.ideas.queries.versions import word_diff
from livinglab.pipeline.queries.board import PARTS
from livinglab.web.paging import cursor_out
from tests.town import Town
from tests.walk import Form, address, forms_on, numbered, pages

NUMBERS = (0, 2**31, 2**63)
ZEROS = ("moderation.reported", "pages.sitemap_part")
"""Where 0 is a number like others: what the third report hid, and the part with the standing pages."""
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
LISTS = ("ideas.index", "ideas.alike_titles")
MANY = ("visitor", "author", "facilitator", "member", "manager")
"""Between them they open every door but the administrator's."""


def _query(value: str) -> str:
    return "&".join(f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}" for name in PARAMETERS)


def test_no_number_in_an_address_breaks_a_page(
    app: Flask, town: Town, browser: Callable[[str], FlaskClient]
) -> None:
    for client in (browser("visitor"), browser("manager")):
        for rule in filter(numbered, app.url_map.iter_rules()):
            method = "GET" if "GET" in (rule.methods or ()) else "POST"
            for number in NUMBERS:
                answer = client.open(address(app, rule, town, number), method=method)
                known = number == 0 and rule.endpoint in ZEROS
                assert answer.status_code in ((200,) if known else (303, 404)), (
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
        for rule in pages(app):
            values = (
                (*ODD, *SEARCHED, *CURSORS) if who == "manager" and rule.endpoint in LISTS else (next(turns),)
            )
            for value in values:
                answer = client.get(f"{address(app, rule, town)}?{_query(value)}")
                assert answer.status_code < 500, (rule.rule, value, answer.status_code)


_GONE = re.compile(r"/sign-out|/settings/(delete|devices|sessions)|/decide$|/confirm")
"""These would end what the others need."""
_ENDS = re.compile(r"withdraw|drop|delete|close|end|return|retract")
"""These come after the others: what they end is no longer there to be asked."""
ODD_STAMPS = ("²", "9223372036854775808", "-1", "NaN", "\x00")


@pytest.mark.one_database("postgresql")  # the stricter of the two
def test_no_odd_value_in_one_field_of_a_form_breaks_it(
    app: Flask, town: Town, browser: Callable[[str], FlaskClient]
) -> None:
    """Each form is filled in as it is meant, but for one field: so that what comes behind it is reached."""
    forms: dict[tuple[str, ...], tuple[str, Form]] = {}
    for who in MANY:
        client = browser(who)
        for page in [address(app, rule, town) for rule in pages(app)]:
            for form in forms_on(client, page):
                forms.setdefault(form.key, (who, form))
    odd, stamps, asked = cycle(ODD), cycle(ODD_STAMPS), 0
    for who, form in sorted(forms.values(), key=lambda one: bool(_ENDS.search(one[1].action))):
        if _GONE.search(form.action):
            continue
        client = browser(who)
        for field in form.fields:
            for value in (next(stamps), next(stamps)) if field.hidden else (next(odd),):
                sent = [(one.name, value if one is field else one.value) for one in form.fields]
                body = urlencode([(name, text.encode("utf-8", "surrogatepass")) for name, text in sent])
                answer = client.post(form.action, data=body, content_type="application/x-www-form-urlencoded")
                asked += 1
                assert answer.status_code < 500, (form.action, field.name, value, answer.status_code)
    assert (len(forms) > 60, asked > 200) == (True, True), (len(forms), asked)


VALID = {
    "ideas.index": "lab=fjellvik&stage=idea&activity=active&language=nb",
    "pipeline.board": "lab=fjellvik&stage=idea&activity=active",
    "handoff.index": "lab=fjellvik&lane=late&stage=idea",
    "me.supports": "",
    "me.following": "",
    "notices.index": "",
    "moderation.queue": "lab=1",
}
INSTANTS = (
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-03-02T12:00:00",
    "2026-03-02",
    "x",
)
EXTREME = (*INSTANTS[:3], 2**61, -(2**31), 2**31, True, None, 1e308, "", [], "\x00", float("nan"))
ORDERED = {"f": "fair", "n": "newest", "m": "match", "b": "best", "h": "best"}
CURSOR_SHAPES: dict[str, tuple[tuple[object, ...], ...]] = {
    "ideas.index": (
        ("f", 1, 0.5, 3),
        ("n", 1_772_000_000_000_000, 3),
        ("m", 2, 3),
        ("b", 1_772_000_000_000_000, 2, 3),
        ("h", 1_772_000_000_000_000, 1, 0.5, 3),
    ),
    "pipeline.board": tuple((part, "2026-03-02T12:00:00+00:00", 3) for part in PARTS),
    "handoff.index": ((1_772_000_000.5, 3),),
    "me.supports": (("2026-03-02T12:00:00+00:00", 3),),
    "me.following": (("2026-03-02T12:00:00+00:00", 3),),
}


def test_one_odd_parameter_beside_good_ones_breaks_no_list(
    app: Flask, town: Town, browser: Callable[[str], FlaskClient]
) -> None:
    odd = cycle((*ODD, *SEARCHED, *CURSORS))
    for who in ("visitor", "manager"):
        client = browser(who)
        for rule in pages(app):
            if rule.endpoint not in VALID:
                continue
            good = dict(parse_qsl(VALID[rule.endpoint]))
            for name in (*good, "after", "unit", "lead", "challenge", "category", "before", "kind", "show"):
                values = good | {name: next(odd)}
                query = urlencode({key: one.encode("utf-8", "surrogatepass") for key, one in values.items()})
                answer = client.get(f"{address(app, rule, town)}?{query}")
                assert answer.status_code < 500, (rule.rule, query, answer.status_code)


def test_no_cursor_packed_by_hand_breaks_a_list(
    app: Flask, town: Town, browser: Callable[[str], FlaskClient]
) -> None:
    client = browser("manager")
    for endpoint, shapes in CURSOR_SHAPES.items():
        page = address(app, next(rule for rule in pages(app) if rule.endpoint == endpoint), town)
        for shape in shapes:
            packed = [
                (*shape[:at], part, *shape[at + 1 :])
                for at in range(1 if isinstance(shape[0], str) and len(shape) > 2 else 0, len(shape))
                for part in EXTREME
            ]
            for values in packed:
                order = ORDERED.get(str(shape[0]), "")
                asked = f"{page}?{VALID[endpoint]}&q={'benk' if order == 'match' else ''}&order={order}&after={cursor_out(*values)}"
                answer = client.get(asked)
                assert answer.status_code < 500, (asked, values, answer.status_code)


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
