"""Limits hold whichever worker is asked, and whoever pretends to be somebody else's address.

Two workers are two apps on one database. A proxy is believed only where the settings name it, and then only as
many hops as they name. Source: issue "Proof", part 5; rules P2, V8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import col

from livinglab.app import create_app
from livinglab.config import Config
from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from livinglab.ideas.models import Idea, Publication
from livinglab.people.rules import new_password
from livinglab.voting.models import Support
from livinglab.web.limits import RateCount, network
from tests.make import Make
from tests.security.ledger import Tried

pytestmark = pytest.mark.line("limits")

PASSWORD = "a good sentence 7"


@pytest.fixture
def workers(config: Config) -> Iterator[Callable[..., list[Flask]]]:
    """``workers(trusted_proxies=1)`` are two workers on one database."""
    made: list[Flask] = []

    def make_two(**more: Any) -> list[Flask]:
        two = [create_app(replace(config, **more)) for _ in range(2)]
        for app in two:
            app.config["WTF_CSRF_ENABLED"] = False
        made.extend(two)
        return two

    yield make_two
    for app in made:
        app.extensions["livinglab.database"].close()


SPOOFS: tuple[dict[str, str], ...] = (
    {"X-Forwarded-For": "198.51.100.{n}"}, {"X-Forwarded-For": "198.51.100.{n}, 203.0.113.{n}"}, {"X-Real-IP": "198.51.100.{n}"},
    {"Forwarded": "for=198.51.100.{n}"}, {"X-Client-IP": "198.51.100.{n}"}, {"True-Client-IP": "198.51.100.{n}"}, {"CF-Connecting-IP": "198.51.100.{n}"},
    {"X-Forwarded-For": "2001:db8::{n}"}, {"Via": "1.1 proxy{n}"}, {"X-Originating-IP": "198.51.100.{n}"}, {"X-Forwarded-For": ""},
)  # fmt: skip


def _spoofs() -> Iterator[dict[str, str]]:
    """Return headers that claim another address each time."""
    for number, spoof in enumerate(cycle(SPOOFS)):
        yield {name: value.format(n=number % 250 + 1) for name, value in spoof.items()}


DOORS: tuple[tuple[str, str, dict[str, str], int], ...] = (
    ("sign-in", "/sign-in", {"email": "n{n}@example.org"}, 30), ("link", "/sign-in/link", {"email": "n{n}@example.org"}, 20),
    ("link", "/reset", {"email": "n{n}@example.org"}, 20), ("register", "/register", {"email": "n{n}@example.org"}, 100),
    ("token", "/confirm/x", {}, 60), ("token", "/confirm/x/not-me", {}, 60), ("token", "/sign-in/link/x", {}, 60), ("token", "/reset/x", {}, 60),
    ("token", "/settings/address/x", {}, 60), ("suspension", "/suspensions/x", {}, 60), ("report", "/ideas/1/report", {}, 20),
    ("draft", "/ideas/write", {}, 120), ("draft", "/ideas/preview", {"body": "x"}, 120),
)  # fmt: skip
"""Each door that stands open to anybody, and how often a network may knock at it within its shortest window."""


def test_no_door_counts_less_because_another_worker_answers_or_an_address_is_claimed(
    workers: Callable[..., list[Flask]], database: Database, make: Make, tried: Tried
) -> None:
    """All but the last two knocks are put on the count; the last allowed one goes to one worker, the next to the other."""
    make.idea(make.lab())
    one, two = (app.test_client() for app in workers())
    spoofs, cases = _spoofs(), 0
    for name, path, data, most in DOORS:
        with time_machine.travel(utc_now().replace(second=1), tick=False):

            def knock(client: FlaskClient) -> int:
                sent = {key: value.format(n=next(numbers)) for key, value in data.items()}
                return client.post(path, data=sent, headers=next(spoofs)).status_code

            numbers = iter(range(10**6))
            with database.writing() as session:
                session.execute(sa.delete(RateCount))
            assert knock(one) != 429, path
            with database.writing() as session:
                keys = session.scalars(sa.select(col(RateCount.key))).all()
                assert len({key.rsplit("/", 3)[0] for key in keys}) == 1, (
                    keys
                )  # one network, whatever was claimed
                session.execute(sa.update(RateCount).values(count=most - 2))
            answers = [knock(client) for client in (two, one, two, one)]
            assert [status == 429 for status in answers] == [False, False, True, True], (name, path, answers)
            cases += len(answers) + 1
    tried(cases)


def test_an_address_rests_whichever_worker_is_asked(
    workers: Callable[..., list[Flask]], make: Make, tried: Tried
) -> None:
    make.person(email="kari@example.org", password_hash=new_password(PASSWORD).hash)
    two, spoofs, cases = workers(), _spoofs(), 0
    for email in ("kari@example.org", "nobody@example.org"):
        tries = [
            app.test_client()
            .post("/sign-in", data={"email": email, "password": "not this one"}, headers=next(spoofs))
            .status_code
            for app in (two * 4)[:7]
        ]
        assert tries == [409] * 5 + [429] * 2, (email, tries)
        cases += len(tries)
    for app in two:
        right = app.test_client().post("/sign-in", data={"email": "Kari@Example.org ", "password": PASSWORD})
        assert right.status_code == 429  # also for who knows it, and however it is written
        cases += 1
    with time_machine.travel(utc_now().timestamp() + 31, tick=False):
        assert (
            two[1]
            .test_client()
            .post("/sign-in", data={"email": "kari@example.org", "password": PASSWORD})
            .status_code
            == 303
        )
    tried(cases + 1)


def test_mails_to_an_address_and_sign_ups_of_a_network_are_counted_together(
    workers: Callable[..., list[Flask]], database: Database, make: Make, tried: Tried
) -> None:
    from livinglab.core.mail import OutboxMail

    make.person(email="kari@example.org")
    two, spoofs = workers(sign_ups_per_hour=3), _spoofs()
    for number in range(8):
        page = ("/reset", "/sign-in/link")[number % 2]
        two[number // 2 % 2].test_client().post(
            page, data={"email": "kari@example.org"}, headers=next(spoofs)
        )
    with database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(OutboxMail)) == 5
    places = []
    for number in range(5):
        sign_up = {
            "email": f"n{number}@example.org",
            "name": "Nina",
            "password": PASSWORD,
            "language": "en",
            "of_age": "y",
        }
        answer = two[number % 2].test_client().post("/register", data=sign_up, headers=next(spoofs))
        places.append(answer.headers["Location"])
    assert places == ["/me"] * 3 + ["/sign-in/sent/confirm"] * 2
    tried(13)


def test_a_persons_own_limits_hold_across_workers(
    workers: Callable[..., list[Flask]], database: Database, make: Make, sign_in: Any, tried: Tried
) -> None:
    """Thirty supports an hour, withdrawn ones too; three ideas a day."""
    lab, person = make.lab("fjellvik"), make.person()
    now = utc_now()
    ideas = [make.idea(lab, published_at=now.replace(hour=0)).id for _ in range(33)]
    clients = [sign_in(app.test_client(), person) for app in workers()]
    for turn, number in enumerate(ideas):
        clients[turn % 2].post(f"/ideas/{number}/support")
    with database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Support)) == 30
    written = [
        make.idea(lab, author=person, publication=Publication.DRAFT, published_at=None) for _ in range(5)
    ]
    for number, idea in enumerate(written):
        clients[number % 2].post(f"/ideas/{idea.id}/send", data={"byline": "name"})
    with database.reading() as session:
        drafts = sa.select(sa.func.count()).where(
            col(Idea.author_id) == person.id, col(Idea.publication) == Publication.DRAFT
        )
        assert session.scalar(drafts) == 2
    tried(len(ideas) + len(written))


HOPS: tuple[tuple[int, str, str, str], ...] = (
    (0, "10.0.0.1", "198.51.100.1", "10.0.0.1"), (0, "10.0.0.1", "198.51.100.1, 203.0.113.1", "10.0.0.1"), (0, "10.0.0.1", "", "10.0.0.1"),
    (1, "10.0.0.1", "203.0.113.1", "203.0.113.1"), (1, "10.0.0.1", "198.51.100.1, 203.0.113.1", "203.0.113.1"),
    (1, "10.0.0.1", "127.0.0.1, 198.51.100.9, 203.0.113.1", "203.0.113.1"), (1, "10.0.0.1", "", "10.0.0.1"), (1, "10.0.0.1", "evil, 203.0.113.1", "203.0.113.1"),
    (2, "10.0.0.1", "203.0.113.1, 10.0.0.2", "203.0.113.1"), (2, "10.0.0.1", "198.51.100.1, 203.0.113.1, 10.0.0.2", "203.0.113.1"),
    (2, "10.0.0.1", "203.0.113.1", "10.0.0.1"), (1, "10.0.0.1", "2001:db8:1:2::9", "2001:db8:1:2::1"),
)  # fmt: skip
"""Trusted proxies, who connects, what is claimed, and whose network it is."""


@pytest.mark.one_database
def test_the_right_hop_is_taken(workers: Callable[..., list[Flask]], tried: Tried) -> None:
    apps = {hops: workers(trusted_proxies=hops)[0] for hops in (0, 1, 2)}
    for hops, peer, claimed, whose in HOPS:
        app, seen = apps[hops], []
        app.before_request_funcs.setdefault(None, []).append(lambda seen=seen: seen.append(network()))
        app.test_client().get(
            "/how",
            headers={"X-Forwarded-For": claimed} if claimed else {},
            environ_base={"REMOTE_ADDR": peer},
        )
        with app.test_request_context(environ_base={"REMOTE_ADDR": whose}):
            assert seen[0] == network(), (hops, claimed)
        app.before_request_funcs[None].pop()
    tried(len(HOPS))
