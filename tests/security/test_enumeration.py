"""Nobody finds out who has an account, or what is hidden: not by status, text, length, or time.

Each question is asked of something known and of something unknown; the answers must be the same letter by
letter, once the address that was typed and the form's token are taken out. Time is judged by the password
comparisons, by the statements, and by processor time in interleaved rounds. Source: rule P2, invariant I-11.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from statistics import median
from time import process_time
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from livinglab.people import rules
from livinglab.people.rules import new_password
from livinglab.web.limits import limiter
from tests.make import Make
from tests.security.ledger import Tried
from tests.town import Town

pytestmark = pytest.mark.line("enumeration")

PASSWORD = "a good sentence 7"
KNOWN = ("known", "unconfirmed", "suspended", "without-password")
"""Four kinds of addresses that somebody has."""
_numbers = count(1000)


@pytest.fixture
def addresses(make: Make) -> Callable[[str], str]:
    """``addresses("known")`` is an address of that kind, each time another one, all equally long."""
    hashed, now = new_password(PASSWORD).hash, utc_now()
    kinds: dict[str, dict[str, Any]] = {
        "known": {"password_hash": hashed}, "without-password": {},
        "suspended": {"password_hash": hashed, "suspended_at": now - timedelta(days=1)},
        "unconfirmed": {"password_hash": hashed, "email_confirmed_at": None, "trust": 0},
    }  # fmt: skip

    def one(kind: str) -> str:
        email = f"p{next(_numbers)}@example.org"
        if kind in kinds:
            claimed = {"email": None, "claimed_email": email} if kind == "unconfirmed" else {"email": email}
            make.person("Kari", **kinds[kind] | claimed)
        return email

    return one


def _asked(kind: str) -> tuple[str, dict[str, str]]:
    return {
        "sign in": ("/sign-in", {"password": "not this one at all"}),
        "sign up": ("/register", {"name": "Nina", "password": PASSWORD, "language": "en", "of_age": "y"}),
        "sign up badly": (
            "/register",
            {"name": "Nina", "password": "short", "language": "en", "of_age": "y"},
        ),
        "reset": ("/reset", {}),
        "a link": ("/sign-in/link", {}),
        "invite": ("/labs/fjellvik/setup/people/invite", {"offer": "role:lead"}),
        "another address": ("/settings/address", {"current": PASSWORD}),
    }[kind]


QUESTIONS = ("sign in", "sign up", "sign up badly", "reset", "a link", "invite", "another address")


def _plain(answer: Any, email: str) -> tuple[int, int, str, tuple[tuple[str, str], ...]]:
    """Return status, length, words and headers of an answer, without what differs for everybody."""
    text = re.sub(r"[\w-]{40,}\.[\w-]{6}\.[\w-]{20,}", "TOKEN", answer.text.replace(email, "ADDRESS"))
    text = re.sub(r"person\d+@", "person@", text)  # who asks, not who is asked about
    kept = tuple(
        sorted(
            (name, value)
            for name, value in answer.headers.items()
            if name not in ("Set-Cookie", "Content-Length", "X-Request-ID")
        )
    )
    return answer.status_code, len(text), text, kept


@contextmanager
def _statements(database: Database) -> Iterator[list[str]]:
    said: list[str] = []

    def hear(_c: object, _u: object, statement: str, *_rest: object) -> None:
        said.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", hear)
    yield said
    sa.event.remove(database.engine, "before_cursor_execute", hear)


@pytest.fixture
def asker(app: Flask, make: Make, sign_in: Any) -> Iterator[Callable[[str], FlaskClient]]:
    """A browser that may ask a question; the doors count nobody."""
    limiter.enabled = False
    manager = make.manager(make.lab("fjellvik", name="Fjellvik"))
    hashed = new_password(PASSWORD).hash

    def enter(question: str) -> FlaskClient:
        client = app.test_client()
        who = manager if question == "invite" else None
        if question == "another address":
            who = make.person("Kari", password_hash=hashed)
        return sign_in(client, who) if who else client

    yield enter
    limiter.enabled = True


def test_an_address_somebody_has_is_answered_as_one_that_nobody_has(
    app: Flask,
    addresses: Callable[[str], str],
    asker: Callable[[str], FlaskClient],
    monkeypatch: pytest.MonkeyPatch,
    tried: Tried,
) -> None:
    """Also what stands on the page behind the answer, and how often a password is compared."""
    compared: list[str] = []
    prove, make_hash = rules._HASHER.verify, rules._HASHER.hash

    class Counting:
        check_needs_rehash = rules._HASHER.check_needs_rehash

        def verify(self, *told: str) -> bool:
            compared.append("verify")
            return prove(*told)

        def hash(self, *told: str) -> str:
            compared.append("hash")
            return make_hash(*told)

    rules._dummy()
    monkeypatch.setattr(rules, "_HASHER", Counting())
    cases = 0
    for question in QUESTIONS:
        path, data = _asked(question)
        found = {}
        for kind in ("unknown", *KNOWN):
            client, email = asker(question), addresses(kind)
            compared.clear()
            answer = client.post(f"{path}?lang=en", data=data | {"email": email})
            behind = (
                client.get(answer.headers["Location"])
                if "Location" in answer.headers and question not in ("sign up", "invite")
                else answer
            )
            found[kind] = (_plain(answer, email), _plain(behind, email)[:3], tuple(compared))
            cases += 1
        for kind in KNOWN:
            for one, other in zip(found[kind][0], found["unknown"][0], strict=True):
                assert one == other, (question, kind)
            for one, other in zip(
                str(found[kind][1][2]).splitlines(), str(found["unknown"][1][2]).splitlines(), strict=False
            ):
                assert one == other, (question, kind)
            assert found[kind] == found["unknown"], (question, kind)
    tried(4 * cases)


@pytest.mark.one_database
def test_an_address_somebody_has_is_answered_as_fast(
    app: Flask,
    database: Database,
    addresses: Callable[[str], str],
    asker: Callable[[str], FlaskClient],
    tried: Tried,
) -> None:
    """Interleaved; the median of seven ratios. What is written differs by a row and no more."""
    rounds, told = 7, []
    for question in ("sign in", "reset", "a link", "sign up badly"):
        path, data = _asked(question)
        for kind in KNOWN:
            client, ratios, most = asker(question), [], 0
            for turn in range(rounds):
                took = {}
                for which in (kind, "unknown") if turn % 2 else ("unknown", kind):
                    email = addresses(which)
                    with _statements(database) as said:
                        began = process_time()
                        client.post(path, data=data | {"email": email})
                        took[which] = (process_time() - began, len(said))
                ratios.append(took[kind][0] / took["unknown"][0])
                most = max(most, abs(took[kind][1] - took["unknown"][1]))
            told.append((round(median(ratios), 2), most, question, kind))
    tried(len(told) * rounds)
    assert not [one for one in told if not 0.7 < one[0] < 1.4 or one[1] > 3], told


def _told(answer: Any, path: str) -> str:
    """Return a page without the address it was asked at."""
    key = path.split("/")[2]
    text = _plain(answer, "nothing-typed")[2] if key.isdecimal() else _plain(answer, key)[2]
    return re.sub(r"\d+", "N", re.sub(r"data-request=\S+|[0-9a-f]{12}", "", text))


HIDDEN = ("draft", "pending", "rejected", "hidden")


@pytest.mark.one_database
def test_what_is_hidden_is_answered_as_what_is_not_there(
    app: Flask,
    database: Database,
    town: Town,
    make: Make,
    browser: Callable[[str], FlaskClient],
    tried: Tried,
) -> None:
    """Comments, letters, pictures, versions, sitemap, counts: by address nothing tells that there is something."""
    from livinglab.ideas.models import Idea

    with database.reading() as session:
        ideas = {name: session.get_one(Idea, town.ids[name]) for name in (*HIDDEN, "foreign_idea")}
    said = {
        name: make.comment(idea, author=town.people["author"]).id
        for name, idea in ideas.items()
        if name != "foreign_idea"
    }
    cases = 0
    for who in ("visitor", "resident", "foreign_manager", "member"):
        client = browser(who)
        pairs = [(f"/comments/{number}", "/comments/999999") for number in said.values()]
        pairs += [
            (f"/comments/{number}/{act}", f"/comments/999999/{act}")
            for number in said.values()
            for act in ("edit", "delete", "resolve")
        ]
        pairs += [(f"/ideas/{town.ids[name]}/talk", "/ideas/999999/talk") for name in HIDDEN]
        pairs += [(f"/ideas/{town.ids[name]}/versions/1", "/ideas/999999/versions/1") for name in HIDDEN]
        pairs += [
            (f"/suspensions/{town.keys['suspension'][:-1]}", "/suspensions/nothing-there"),
            ("/invitations/nothing-here", "/invitations/nothing-there"),
        ]
        pairs += [
            (
                f"/ideas/{town.ids[name]}/comments/{said[name]}/report",
                f"/ideas/999999/comments/{said[name]}/report",
            )
            for name in HIDDEN
        ]
        pairs += [
            (f"/decisions/{town.ids['letter']}", "/decisions/999999"),
            ("/notices/1", "/notices/999999"),
        ]
        for there, nowhere in pairs:
            one, two = client.get(there), client.get(nowhere)
            words = [_told(answer, path) for answer, path in ((one, there), (two, nowhere))]
            differ = [
                pair
                for pair in zip(*(text.splitlines() for text in words), strict=False)
                if pair[0] != pair[1]
            ]
            assert (one.status_code, differ) == (two.status_code, []), (who, there)
            assert one.status_code in (303, 404), (who, there, one.status_code)
            cases += 1
        lists = "".join(
            client.get(page).text
            for page in (
                "/",
                "/ideas",
                "/ideas?order=newest",
                "/labs/fjellvik",
                "/sitemap-1.xml",
                "/ideas?q=Ruter",
            )
        )
        for name in HIDDEN:
            assert ideas[name].title not in lists, (who, name)
            assert f"/ideas/{town.ids[name]}<" not in lists, (who, name)
            cases += 1
    tried(cases)
