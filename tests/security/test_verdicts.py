"""Odd values in every address, parameter, header, body and field: never a 5xx, and both databases say the same.

The same request goes to the same lab on SQLite and on PostgreSQL, and nothing it writes is kept; each pair is
a case. In the suite the values take turns, so that each field meets a few and each value many fields; with
``--whole`` every field meets every value. Source: issue "Proof", part 5; invariant I-4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import pytest

import livinglab
from livinglab.pipeline.queries.board import PARTS
from livinglab.web.paging import cursor_out
from tests.security.conftest import Both
from tests.security.ledger import Tried
from tests.walk import Form, address, forms_in, numbered, pages

pytestmark = [pytest.mark.line("fuzz"), pytest.mark.xdist_group("both")]

MANY = ("visitor", "author", "facilitator", "member", "manager")
"""Between them they open every door but the administrator's."""
_READ = re.compile(r"(?:args\.get|args\[|values\.get|one_of|number_arg)\(?\s*\"(\w+)\"")
PARAMETERS = sorted(
    {name for file in Path(livinglab.__file__).parent.rglob("*.py") for name in _READ.findall(file.read_text("utf-8"))}
    | {"endpoint", "_external", "_scheme", "_anchor", "_method", "idea_id", "slug"}
)  # fmt: skip
"""Every parameter the program reads, found in its source, and those that mean something to Flask."""
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
    "\x00", "a\x00b", "\ud800", "\udfff\ud800", "-1", "0", "1000000000", "2147483648", "9223372036854775808", "9" * 400, "1e309",
    "nan", "²", "٣", "\u202ex\u2066", "e" + "\u0301" * 200, "<script>alert(1)</script>", "../../etc/passwd", "0000-00-00",
    "9999-12-31", "2200-12-31T23:59", "0001-01-01T00:00", "javascript:alert(1)", "https://[::1", "a@b.c\r\nBcc: x@y.z",
    "[" * 3000 + "]" * 3000, "True", "%s%n{0}", "\ufeff", "\U0001f469\u200d\U0001f680" * 30,
)  # fmt: skip
LONG = "x" * 1_000_000
NUMBERS = (
    "0",
    "-1",
    "2147483648",
    "9223372036854775808",
    "1000000000",
    "٣",
    "1.0",
    "%00",
    "1%00",
    "01",
    "1e3",
)


@pytest.fixture
def whole(request: pytest.FixtureRequest) -> bool:
    """Whether each field meets each value."""
    return bool(request.config.getoption("--whole"))


class Cases:
    """Asks both databases the same, and keeps where they differ or break."""

    def __init__(self, both: Both, tried: Tried) -> None:
        self.both, self.asked, self.wrong = both, 0, []  # type: list[str]
        self._tried = tried

    def judge(self, least: int) -> None:
        """Say that nothing broke, nothing differed, and that there was something to try."""
        self._tried(self.asked)
        assert not self.wrong, f"{len(self.wrong)} of {self.asked}:\n" + "\n".join(self.wrong[:40])
        assert self.asked >= least, self.asked

    def ask(self, who: str, method: str, paths: tuple[str, str], told: object, **more: Any) -> int:
        """Ask both; ``told`` names the case."""
        one, two = (side.ask(who, method, path, **more) for side, path in zip(self.both, paths, strict=True))
        self.asked += 1
        if one != two or one.status >= 500:
            self.wrong.append(f"{method} {paths[0][:150]} {str(told)[:80]!r} as {who}: {one} / {two}")
        return one.status


@pytest.fixture
def cases(both: Both, tried: Tried) -> Cases:
    """The pairs of one test; it judges them at its end."""
    return Cases(both, tried)


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def test_numbers_in_addresses(cases: Cases, whole: bool) -> None:
    turns = cycle(NUMBERS)
    for who in ("visitor", "manager"):
        for rule in filter(numbered, cases.both[0].app.url_map.iter_rules()):
            path = address(cases.both[0].app, rule, cases.both[0].town, 4711)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                for number in NUMBERS if whole else islice(turns, 3):
                    odd = path.replace("4711", number)
                    cases.ask(who, method, (odd, odd), number)
    cases.judge(600)


WORDS = {"slug": "fjellvik", "token": "", "key": "", "mail_key": "", "name": "x", "criterion": "need", "what": "confirm", "role": "lead",
         "filename": "css/site.css", "size": "card"}  # fmt: skip


def test_words_in_addresses(cases: Cases, whole: bool) -> None:
    """Slugs, keys, tokens, names of files: each word of an address in turn is an odd one."""
    turns = cycle(ODD)
    for rule in cases.both[0].app.url_map.iter_rules():
        for name in sorted(rule.arguments & set(WORDS)):
            path = rule.rule.replace(f"<{name}>", "ODD").replace(f"<path:{name}>", "ODD")
            for other in rule.arguments - {name}:
                path = re.sub(rf"<(\w+:)?{other}>", WORDS.get(other, "1"), path)
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                for who in ("visitor", "manager"):
                    for value in ODD if whole else islice(turns, 4):
                        odd = path.replace("ODD", quote(_raw(value), safe=""))
                        cases.ask(who, method, (odd, odd), value)
    cases.judge(300)


def _places(both: Both) -> Iterator[tuple[Any, tuple[str, str]]]:
    """Return every page with its address on either side: the keys in them differ."""
    for rule in pages(both[0].app):
        yield rule, (address(both[0].app, rule, both[0].town), address(both[1].app, rule, both[1].town))


def test_parameters_of_addresses(cases: Cases, whole: bool) -> None:
    values = (*ODD, *SEARCHED, *CURSORS)
    turns = cycle(values)
    for who in ("visitor", "manager"):
        for _rule, paths in _places(cases.both):
            for value in values if whole else islice(turns, 2 if who == "manager" else 1):
                query = "&".join(f"{name}={quote(_raw(value))}" for name in PARAMETERS)
                cases.ask(who, "GET", tuple(f"{path}?{query}" for path in paths), value)  # type: ignore[arg-type]
    cases.judge(250)


VALID = {
    "ideas.index": "lab=fjellvik&stage=idea&activity=active&language=nb&q=benk&order=newest",
    "pipeline.board": "lab=fjellvik&stage=idea&activity=active",
    "handoff.index": "lab=fjellvik&lane=late&stage=idea",
    "me.supports": "",
    "me.following": "",
    "notices.index": "",
    "moderation.queue": "lab=1",
    "work.home": "lane=late&page=1",
    "ideas.alike_titles": "lab=1&title=En benk",
    "ideas.versions": "old=1&new=2",
    "ideas.conversation": "at=1",
}
OTHERS = (
    "after",
    "unit",
    "lead",
    "challenge",
    "category",
    "before",
    "kind",
    "show",
    "lang",
    "page",
    "q",
    "late",
)


def test_one_odd_parameter_beside_good_ones(cases: Cases, whole: bool) -> None:
    values = (*ODD, *SEARCHED, *CURSORS)
    turns = cycle(values)
    for who in ("visitor", "manager"):
        for rule, paths in _places(cases.both):
            good = dict(parse_qsl(VALID.get(rule.endpoint, "-=-")))
            for name in (*good, *OTHERS) if rule.endpoint in VALID else ():
                for value in values if whole else islice(turns, 1):
                    query = urlencode({key: _raw(one) for key, one in (good | {name: value}).items()})
                    cases.ask(who, "GET", tuple(f"{path}?{query}" for path in paths), value)  # type: ignore[arg-type]
    cases.judge(200)


EXTREME = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-02T12:00:00", 2**61, -(2**31), 2**31, True, None,
           1e308, "", [], "\x00", float("nan"))  # fmt: skip
ORDERED = {"f": "fair", "n": "newest", "m": "match", "b": "best", "h": "best"}
SHAPES: dict[str, tuple[tuple[object, ...], ...]] = {
    "ideas.index": (
        ("f", 1, 0.5, 3), ("n", 1_772_000_000_000_000, 3), ("m", 2, 3), ("b", 1_772_000_000_000_000, 2, 3),
        ("h", 1_772_000_000_000_000, 1, 0.5, 3),
    ),
    "pipeline.board": tuple((part, "2026-03-02T12:00:00+00:00", 3) for part in PARTS),
    "handoff.index": ((1_772_000_000.5, 3),),
    "me.supports": (("2026-03-02T12:00:00+00:00", 3),),
    "me.following": (("2026-03-02T12:00:00+00:00", 3),),
    "ideas.conversation": ((1, 3),),
}  # fmt: skip


def test_cursors_packed_by_hand(cases: Cases, whole: bool) -> None:
    turns = cycle(EXTREME)
    where = {rule.endpoint: paths for rule, paths in _places(cases.both)}
    for endpoint, shapes in SHAPES.items():
        for shape in shapes:
            for at in range(1 if isinstance(shape[0], str) and len(shape) > 2 else 0, len(shape)):
                for part in EXTREME if whole else islice(turns, 5):
                    after = cursor_out(*shape[:at], part, *shape[at + 1 :])
                    order = ORDERED.get(str(shape[0]), "")
                    words = "benk" if order == "match" else ""
                    asked = f"?{VALID[endpoint]}&q={words}&order={order}&after={after}"
                    cases.ask("manager", "GET", tuple(path + asked for path in where[endpoint]), part)  # type: ignore[arg-type]
    cases.judge(120)


@cache
def _forms(both: Both) -> list[tuple[str, Form, Form]]:
    """Return every form there is, once: who may send it, and how it stands on either side."""
    found: dict[tuple[str, ...], tuple[str, Form, Form]] = {}
    for who in MANY:
        for _rule, (one, two) in _places(both):
            ours, theirs = forms_in(both[0].get(who, one), one), forms_in(both[1].get(who, two), two)
            assert len(ours) == len(theirs), (who, one)
            for left, right in zip(ours, theirs, strict=True):
                found.setdefault(left.key, (who, left, right))
    return list(found.values())


def _send(cases: Cases, who: str, forms: tuple[Form, Form], at: int, value: str) -> int:
    """Send a form filled in as it is meant, but for one field."""
    sent = [
        [(one.name, _raw(value if number == at else one.value)) for number, one in enumerate(form.fields)]
        for form in forms
    ]
    one, two = (
        side.ask(
            who, "POST", form.action, data=urlencode(body), content_type="application/x-www-form-urlencoded"
        )
        for side, form, body in zip(cases.both, forms, sent, strict=True)
    )
    cases.asked += 1
    if one != two or one.status >= 500:
        cases.wrong.append(
            f"{forms[0].action} {forms[0].fields[at].name}={value[:60]!r} as {who}: {one} / {two}"
        )
    return one.status


def test_fields_of_forms(cases: Cases, whole: bool) -> None:
    turns, taken = cycle(ODD), 0
    for who, *forms in _forms(cases.both):
        for at in range(len(forms[0].fields)):
            for value in ODD if whole else islice(turns, 1):
                taken += _send(cases, who, (forms[0], forms[1]), at, value) == 303
    cases.judge(250)
    assert taken > 50


def test_a_megabyte_in_a_field(cases: Cases, whole: bool) -> None:
    for number, (who, *forms) in enumerate(_forms(cases.both)):
        several = len(forms[0].fields)
        for at in range(several) if whole else ({number % several} if several else ()):
            _send(cases, who, (forms[0], forms[1]), at, LONG)
    cases.judge(60)


def test_files_in_the_place_of_words(cases: Cases) -> None:
    for who, *forms in _forms(cases.both):
        for name in ("a.png", ""):
            one, two = (
                side.ask(
                    who,
                    "POST",
                    form.action,
                    data={field.name: (BytesIO(b"words"), name) for field in form.fields},
                )
                for side, form in zip(cases.both, forms, strict=True)
            )
            cases.asked += 1
            if one != two or one.status >= 500:
                cases.wrong.append(f"{forms[0].action} with files as {who}: {one} / {two}")
    cases.judge(100)


BODIES: tuple[tuple[str, bytes], ...] = (
    ("application/json", b"[]"), ("application/json", b"null"), ("application/json", b'"x"'), ("application/json", b"{"),
    ("application/json", b"[" * 100_000), ("application/json", b'{"a":' * 100_000), ("application/json", b"\xff\xfe"),
    ("application/json", b'{"email": 1, "password": {"a": []}, "body": null, "title": [[]], "name": true, "csrf_token": {}}'),
    ("application/json", b'{"email": {"$ne": 1}, "idea": 1e999, "stamp": NaN, "version": ' + b"9" * 5000 + b"}"),
    ("multipart/form-data", b"x"), ("multipart/form-data; boundary=a", b"--a\r\nContent-Disposition: form-data; name="),
    ("multipart/form-data; boundary=a", b"--a\r\n\r\nx\r\n--a--"),
    ("multipart/form-data; boundary=a", b'--a\r\nContent-Disposition: form-data; name="body"; filename="\x00"\r\n\r\nx\r\n--a--'),
    ("multipart/form-data; boundary=a", b'--a\r\nContent-Disposition: form-data; name="email"\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n+AD\xff\r\n--a--'),
    ("application/x-www-form-urlencoded", b"\xff=\xfe&" * 50), ("application/x-www-form-urlencoded; charset=nonsense", b"email=a&body=b"),
    ("application/x-www-form-urlencoded", b"a=1&" * 600), ("text/plain", b"\x00" * 100), ("", b"email=a"), ("\xff/x", b"email=a"),
)  # fmt: skip


def test_bodies_that_are_no_form(cases: Cases, whole: bool) -> None:
    turns = cycle(BODIES)
    for rule in cases.both[0].app.url_map.iter_rules():
        if "POST" not in (rule.methods or ()):
            continue
        paths = tuple(address(side.app, rule, side.town) for side in cases.both)
        for who in ("visitor", "manager", "author"):
            for kind, body in BODIES if whole else islice(turns, 2):
                cases.ask(who, "POST", paths, (kind, body[:40]), data=body, headers={"Content-Type": kind})  # type: ignore[arg-type]
    cases.judge(500)


HEADERS = (
    ("Cookie", "livinglab=x; livinglab=y"), ("Cookie", "livinglab=" + "." * 4000), ("Cookie", "livinglab_draft=\xff"),
    ("Cookie", "livinglab_scheme=<script>"), ("Cookie", "=;;=" * 50), ("Accept-Language", "x" * 5000), ("Accept-Language", "*;q=nan"),
    ("If-None-Match", '"' * 99), ("If-Modified-Since", "yesterday"), ("Range", "bytes=9-1,-"), ("Range", "bytes=" + "0-1," * 999),
    ("Referer", "http://[::1"), ("Referer", "\xff\xfe"), ("HX-Request", "\xff"), ("HX-Target", "<x>"), ("HX-Current-URL", "http://[" * 20),
    ("Accept", "*/*;q=" + "9" * 400), ("Accept-Encoding", "gzip;q=nan"), ("Authorization", "Basic \xff"), ("X-Forwarded-For", "a,\xff,::"),
    ("X-HTTP-Method-Override", "DELETE"), ("Content-Length", "-1"), ("Transfer-Encoding", "x"), ("Expect", "y"), ("Upgrade", "h2c"),
)  # fmt: skip


def test_headers_of_requests(cases: Cases) -> None:
    shown = (
        "front.home",
        "ideas.index",
        "ideas.page",
        "accounts.sign_in",
        "ideas.write",
        "picture",
        "static",
    )
    places = [paths for rule, paths in _places(cases.both) if rule.endpoint in shown]
    for paths in [*places, ("/static/css/site.css",) * 2, ("/nowhere",) * 2]:
        for name, value in HEADERS:
            cases.ask("visitor", "GET", paths, (name, value), headers={name: value})
    cases.judge(150)


def test_every_parameter_the_program_reads_is_among_them() -> None:
    assert {"after", "lab", "q", "next", "lang", "page", "at", "idea", "comment", "title"} <= set(PARAMETERS)
