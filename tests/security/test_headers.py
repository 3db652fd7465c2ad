"""The same headers on whatever is answered: page, part, redirect, error, file; and who may name the site.

The app is built as it runs for people, with kept pages and gates in front. Source: issue "Proof", part 5.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from flask import Flask, abort

from livinglab.app import create_app
from livinglab.config import Config
from livinglab.web.access import public
from tests.make import Make
from tests.security.ledger import Tried

POLICY = {
    "default-src": {"'none'"}, "script-src": {"'self'"}, "style-src": {"'self'"}, "img-src": {"'self'", "data:"},
    "font-src": {"'self'"}, "connect-src": {"'self'"}, "manifest-src": {"'self'"}, "form-action": {"'self'"},
    "base-uri": {"'none'"}, "frame-ancestors": {"'none'"},
}  # fmt: skip
"""What a page may do, word by word: nothing inline, nothing from elsewhere, nobody frames it."""
HOST = "ideas.example.org"


@pytest.fixture
def served(config: Config, make: Make) -> Iterator[Flask]:
    """The app as it runs for people, at an address of its own, with one route that breaks."""
    make.idea(make.lab("fjellvik"))
    app = create_app(
        replace(config, testing=False, base_url=f"https://{HOST}", trusted_hosts=(HOST,), log_level="ERROR")
    )
    app.add_url_rule("/broken", "broken", public(lambda: 1 // 0))
    for status in (401, 409, 413, 429, 503, 418, 451):
        app.add_url_rule(f"/say-{status}", f"say{status}", public(lambda status=status: abort(status)))
    yield app
    app.extensions["livinglab.database"].close()


ASKED: tuple[tuple[str, str, dict[str, Any], int], ...] = (
    ("GET", "/", {}, 200), ("GET", "/", {}, 200), ("HEAD", "/", {}, 200), ("GET", "/ideas", {"headers": {"HX-Request": "true"}}, 200),
    ("GET", "/ideas/1", {}, 200), ("GET", "/sign-in", {}, 200), ("GET", "/robots.txt", {}, 200), ("GET", "/sitemap.xml", {}, 200),
    ("GET", "/site.webmanifest", {}, 200), ("GET", "/healthz", {}, 200), ("GET", "/static/css/site.css", {}, 200),
    ("GET", "/static/img/mark.svg", {}, 200), ("GET", "/static/img/icon-192.png", {}, 200),
    ("GET", "/static/img/mark.svg", {"headers": {"Range": "bytes=0-9"}}, 206), ("GET", "/favicon.ico", {}, 302), ("GET", "/me", {}, 303),
    ("POST", "/ideas/1/follow", {}, 400), ("POST", "/sign-in", {"data": {"email": "a"}}, 400), ("GET", "/nowhere", {}, 404),
    ("GET", "/ideas/999999", {}, 404), ("GET", "/static/nothing.js", {}, 404), ("GET", "/pictures/ab-card.webp", {}, 404),
    ("DELETE", "/", {}, 405), ("OPTIONS", "/", {}, 200), ("POST", "/ideas/preview", {"data": b"x" * 12_000_001}, 413), ("GET", "/broken", {}, 500),
    ("GET", "/say-401", {}, 401), ("GET", "/say-409", {}, 409), ("GET", "/say-413", {}, 413), ("GET", "/say-429", {}, 429), ("GET", "/say-503", {}, 503),
    ("GET", "/say-418", {}, 418), ("GET", "/say-451", {}, 451), ("GET", "//", {}, 308), ("GET", "/readyz", {}, 503),
)  # fmt: skip


@pytest.mark.line("headers")
@pytest.mark.one_database
def test_every_kind_of_answer_carries_them(served: Flask, tried: Tried) -> None:
    client, wrong = served.test_client(), []
    for method, path, more, status in ASKED:
        with client.open(path, method=method, base_url=f"https://{HOST}", **more) as answer:
            told = answer.headers
            policy = {
                part.split()[0]: set(part.split()[1:])
                for part in told.get("Content-Security-Policy", "x").split("; ")
            }
            right = (
                answer.status_code == status, policy == POLICY, told.get("X-Content-Type-Options") == "nosniff",
                told.get("Referrer-Policy") == "same-origin", "camera=()" in told.get("Permissions-Policy", ""),
                told.get("Cross-Origin-Opener-Policy") == "same-origin", "max-age=31536000" in told.get("Strict-Transport-Security", ""),
                status not in (200, 206) or "Cache-Control" in told, "Server" not in told and "X-Powered-By" not in told,
            )  # fmt: skip
            if not all(right):
                wrong.append((method, path, answer.status_code, right))
            for cookie in told.getlist("Set-Cookie"):
                assert "HttpOnly" in cookie, path
                assert "Secure" in cookie, path
                assert "SameSite=Lax" in cookie, path
    client = served.test_client()
    unchanged = client.get("/how", base_url=f"https://{HOST}").headers["ETag"]
    with client.get("/how", base_url=f"https://{HOST}", headers={"If-None-Match": unchanged}) as answer:
        assert (answer.status_code, "default-src 'none'" in answer.headers["Content-Security-Policy"]) == (
            304,
            True,
        )
    tried(8 * (len(ASKED) + 1))
    assert not wrong, "\n".join(map(str, wrong))


STRANGE_HOSTS = (
    "evil.example", "evil.example:443", "ideas.example.org.evil.example", "ideas.example.org@evil.example", "xideas.example.org",
    "ideas.example.org:99999999", "ideas.example.org evil.example", "[::1", "127.0.0.1", "localhost", "a" * 300, "ideas.example.org,evil.example",
    "ideas.example.org/evil", "ideas.example.org\\evil", "evil.example#ideas.example.org", ".", "", "%00",
)  # fmt: skip


@pytest.mark.line("sizes")
@pytest.mark.one_database
@pytest.mark.parametrize("host", STRANGE_HOSTS)
def test_a_host_that_is_not_ours_is_refused(served: Flask, host: str, tried: Tried) -> None:
    client = served.test_client()
    for path in ("/", "/ideas/1", "/static/css/site.css"):
        with client.get(path, environ_overrides={"HTTP_HOST": host, "SERVER_NAME": "evil.example"}) as answer:
            assert answer.status_code == 400, path
            assert "<a " not in answer.text
            assert "evil" not in answer.headers.get("Location", "")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
    with client.get("/", headers={"Host": HOST, "X-Forwarded-Host": host or "evil.example"}) as answer:
        assert answer.status_code == 200
        assert "evil.example" not in answer.text
    tried(4)


PARTS = (
    b"".join(b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nx\r\n' % n for n in range(501))
    + b"--b--"
)
LONG_PART = b'--b\r\nContent-Disposition: form-data; name="body"\r\n\r\n' + b"x" * 2_000_001 + b"\r\n--b--"
HUGE_HEAD = b"--b\r\nContent-Disposition: form-data; name=" + b"y" * 3_000_000
MANY_FILES = b"".join(
    b'--b\r\nContent-Disposition: form-data; name="image"; filename="a%d"\r\n\r\nx\r\n' % n for n in range(501)
) + b"--b--"  # fmt: skip
FORM, MULTI = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
TOO_LARGE: tuple[tuple[str, str, bytes], ...] = (
    ("a body above 12 MB", FORM, b"body=" + b"x" * 12_000_000), ("a form above 2 MB", FORM, b"body=" + b"x" * 2_000_001),
    ("more than 500 parts", MULTI, PARTS), ("a text part above 2 MB", MULTI, LONG_PART), ("a head of 3 MB", MULTI, HUGE_HEAD),
    ("more than 500 files", MULTI, MANY_FILES),
)  # fmt: skip


@pytest.mark.line("sizes")
@pytest.mark.one_database
@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # what a refused body left open
@pytest.mark.parametrize(("kind", "body"), [one[1:] for one in TOO_LARGE], ids=[one[0] for one in TOO_LARGE])
def test_what_is_too_large_is_refused_at_every_form(
    served: Flask, kind: str, body: bytes, tried: Tried
) -> None:
    client = served.test_client()
    paths = (
        "/ideas/preview",
        "/sign-in",
        "/ideas/write",
        "/ideas/1/comment",
        "/appearance",
        "/sign-in/link",
        "/ideas/1/report",
    )
    for path in paths:
        with client.post(path, data=body, content_type=kind, base_url=f"https://{HOST}") as answer:
            assert answer.status_code == 413, (path, answer.status_code)
            assert len(answer.data) < 60_000  # nothing of it is given back
    gc.collect()
    tried(len(paths))


@pytest.mark.line("sizes")
@pytest.mark.one_database
def test_a_body_that_lies_about_its_length_is_no_more(served: Flask, tried: Tried) -> None:
    client = served.test_client()
    for told in ("-1", "12000001", "9" * 30, "0x10", "abc", "1e9", "٣"):
        environ = {"CONTENT_LENGTH": told, "wsgi.input": BytesIO(b"email=a&password=b"), "CONTENT_TYPE": FORM}
        with client.post("/sign-in", base_url=f"https://{HOST}", environ_overrides=environ) as answer:
            assert answer.status_code in (400, 413), told
    tried(7)


DEEP = (
    "> " * 4000,
    "- " * 4000,
    "[" * 8000,
    "*" * 8000,
    "`" * 8000,
    "#" * 8000,
    "1. " * 2600,
    "![" * 4000,
    "<b>" * 2600,
    "\\" * 8000,
)


@pytest.mark.line("sizes")
@pytest.mark.parametrize("text", DEEP, ids=lambda text: text[:3])
def test_nesting_in_a_text_is_cut_off(text: str, tried: Tried) -> None:
    from livinglab.core.text import to_html

    html, depth, most = to_html(text[:8000]), 0, 0
    for piece in html.split("<")[1:]:
        depth += -1 if piece.startswith("/") else 0 if piece.startswith(("br", "hr")) else 1
        most = max(most, depth)
    assert most <= 30
