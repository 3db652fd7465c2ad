"""Nobody is led off the site: not by ``next``, not by ``back``, not by where a form was sent from, not by a path.

Each target is read as a browser reads it: without tabs and line breaks, a backslash as a slash.
Source: issue "Proof", part 5.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from livinglab.people.commands.links import make_link
from livinglab.people.models import LinkPurpose
from livinglab.people.rules import new_password
from livinglab.web.limits import limiter
from livinglab.web.respond import safe_path
from tests.make import Make
from tests.security.ledger import Tried
from tests.town import Town

pytestmark = pytest.mark.line("redirects")

EVIL = (
    "https://evil.example", "http://evil.example/", "//evil.example", "///evil.example", "////evil.example", "\\\\evil.example",
    "/\\evil.example", "\\/evil.example", "/\\/evil.example", "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example",
    "\x00//evil.example", "/\x00/evil.example", "https:evil.example", "https:/evil.example", "HtTpS://evil.example", "javascript:alert(1)",
    "java\tscript:alert(1)", "data:text/html,x", "vbscript:x", "//evil.example:80", "//user@evil.example", "//localhost@evil.example",
    "http://localhost@evil.example", "http://localhost.evil.example", "//evil.example\\@localhost", "/%09/evil.example\r\nLocation: //evil.example",
    "\u2028//evil.example", "\u3000//evil.example", "\ufeff//evil.example", "///\\evil.example", "evil.example", "?next=//evil.example//",
    "//[::1]evil.example", "/\u2028/evil.example", "http://", "blob:https://evil.example/x", "x" * 5000,
)  # fmt: skip
HERE = "localhost"


def _leads(target: str, page: str = "http://localhost/sign-in") -> str:
    """Return the host to which a browser goes from our page (WHATWG URL, as far as it matters here)."""
    read = re.sub(r"[\t\n\r]", "", target.strip("".join(map(chr, range(33))))).replace("\\", "/")
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", read):
        scheme, rest = read.split(":", 1)
        return (
            rest.lstrip("/").split("/")[0].split("@")[-1] or scheme
            if scheme.lower() in ("http", "https")
            else f"{scheme}:"
        )
    if read.startswith("//"):
        return read.lstrip("/").split("/")[0].split("@")[-1]
    return urlsplit(page).netloc


def test_the_reader_of_targets_is_no_fool() -> None:
    """The control: as good as all of these lead away, read as a browser reads them."""
    assert sum(_leads(target) != HERE for target in EVIL) > 25


@pytest.mark.parametrize("target", EVIL)
def test_a_path_is_a_path(target: str) -> None:
    kept = safe_path(target)
    assert kept is None or (kept.startswith("/") and _leads(kept) == HERE)


@pytest.mark.one_database
def test_whatever_is_asked_for_next_one_stays_here(
    app: Flask,
    database: Database,
    make: Make,
    town: Town,
    browser: Callable[[str], FlaskClient],
    tried: Tried,
) -> None:
    password = "a good sentence 7"
    person = make.person("Kari", email="kari@example.org", password_hash=new_password(password).hash)
    limiter.enabled, cases, members = (
        False,
        0,
        {who: browser(who) for who in ("resident", "manager", "member")},
    )
    idea, handoff = town.ids["ready"], town.ids["handoff_proposed"]
    for number, target in enumerate(EVIL):
        text = target.encode("utf-8", "surrogatepass")
        asked = quote(text)
        with database.writing() as session:
            links = {
                purpose: make_link(session, int(person.id or 0), purpose, now=utc_now(), next_path=target)
                for purpose in (LinkPurpose.SIGN_IN, LinkPurpose.CONFIRM, LinkPurpose.RESET)
            }
        new = app.test_client
        sign_up = {
            "email": f"n{number}@example.org",
            "name": "Nina",
            "password": password,
            "language": "en",
            "of_age": "y",
        }
        answers = [
            new().get(f"/sign-in?next={asked}"), new().get(f"/register?next={asked}"), new().get(f"/reset?next={asked}"),
            new().get(f"/sign-in/link?next={asked}"), members["resident"].get(f"/sign-in?next={asked}"),
            members["resident"].get(f"/register?next={asked}"),
            new().post("/register", data=sign_up | {"next": text}),
            new().post(f"/sign-in/link/{links[LinkPurpose.SIGN_IN]}"), new().post(f"/confirm/{links[LinkPurpose.CONFIRM]}"),
            members["resident"].post("/settings/link", data={"next": text}),
            members["manager"].post(f"/ideas/{idea}/next-step?next={asked}", data={"step": "Measure", "by": "2031-01-31"}),
            members["manager"].get(f"/ideas/{idea}/lead?next={asked}"),
            members["member"].post(f"/handoffs/{handoff}/case", data={"external_case": f"A{number}", "back": text}),
            new().get("/nowhere", headers={"Referer": quote(text, safe=":/\\@?")}),
            new().post("/ideas/1/comment", data={"body": "Words enough for a page."}, headers={"Referer": quote(text, safe=":/\\@?")}),
            new().get(f"/ideas?next={asked}&lang=sv"), new().get(f"/appearance?next={asked}&back={asked}"),
        ]  # fmt: skip
        if number % 8 == 0:  # a password takes its time
            answers.append(
                new().post(
                    f"/sign-in?next={asked}",
                    data={"email": "kari@example.org", "password": password, "next": text},
                )
            )
            answers.append(new().post(f"/reset/{links[LinkPurpose.RESET]}", data={"password": password}))
        for answer in answers:
            cases += 1
            assert answer.status_code < 500, (target, answer.request.path)
            places = [answer.headers["Location"]] if "Location" in answer.headers else []
            if answer.mimetype == "text/html":
                places += re.findall(
                    r'(?:href|action|formaction|src|hx-\w+|content)="([^"]*evil[^"]*)"', answer.text
                )
            assert not [
                one for one in places if _leads(one) != HERE and not one.startswith("http://localhost")
            ], (target, places)
    tried(cases)
    assert cases > 600


PATHS = (
    "//evil.example", "//evil.example/", "///evil.example//", "/\\evil.example", "/%5cevil.example", "/%2f%2fevil.example", "//evil.example/%2e%2e",
    "/ideas//evil.example", "//evil.example/ideas/1/", "/ideas/1/", "/./evil.example", "/..//evil.example", "/;//evil.example", "//evil.example?a=//evil",
)  # fmt: skip


@pytest.mark.one_database
def test_no_path_leads_away(client: FlaskClient, tried: Tried) -> None:
    for path in PATHS:
        where, _, query = path.partition("?")
        answer = client.open(
            "/",
            environ_overrides={
                "PATH_INFO": where,
                "QUERY_STRING": query,
                "REQUEST_URI": path,
                "RAW_URI": path,
            },
        )
        assert answer.status_code in (200, 303, 308, 404), path
        assert _leads(answer.headers.get("Location", "/")) == HERE, (path, answer.headers.get("Location"))
    tried(len(PATHS))
