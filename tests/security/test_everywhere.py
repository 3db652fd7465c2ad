"""Whoever signs out, changes the password or loses a role has lost it everywhere at the next request.

"Everywhere" is this process and another one: a second program on the same database, configured as it runs for
people. Each event is tried with a page, a part of a page and a form, in both. Source: rule P5.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from livinglab.config import Config
from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from livinglab.core.viewer import Role
from livinglab.labs.commands import remove_member
from livinglab.moderation.commands import lift_suspension, suspend
from livinglab.moderation.models import Case, Source
from livinglab.people import commands
from livinglab.people.commands.links import make_link
from livinglab.people.models import LinkPurpose, Person
from livinglab.people.rules import new_password
from livinglab.privacy.commands import Published, erase_person
from tests.make import Make
from tests.security.ledger import Tried
from tests.town import Town

pytestmark = pytest.mark.line("everywhere")

PASSWORD, ANOTHER = "a good sentence 7", "another winter road 9"
Ask = Callable[[str, str, str, dict[str, str]], int]


@pytest.fixture
def elsewhere(config: Config, town: Town) -> Iterator[Ask]:
    """Another process: ``elsewhere(method, path, cookie, headers)`` is the status of its answer."""
    line = [sys.executable, "-m", "tests.security.elsewhere", config.database, str(config.instance)]
    child = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin
    assert child.stdout

    def ask(method: str, path: str, cookie: str, headers: dict[str, str]) -> int:
        asked = {"method": method, "path": path, "headers": headers | {"Cookie": f"livinglab={cookie}"}}
        print(json.dumps(asked), file=child.stdin, flush=True)
        for said in child.stdout or ():
            if said.startswith("=>"):
                return int(said.split()[1])
        raise AssertionError("the other process has ended")

    yield ask
    child.stdin.close()
    child.wait(10)
    child.stdout.close()


@dataclass
class Here:
    """This process, the other one, and the browsers between them."""

    app: Flask
    elsewhere: Ask
    enter: Callable[[FlaskClient, object], FlaskClient]
    cases: int = 0

    def cookie(self, person: object) -> str:
        """Sign somebody in on a new browser; return its cookie."""
        found = self.enter(self.app.test_client(), person).get_cookie("livinglab")
        assert found is not None
        return str(found.value)

    def ask(self, method: str, path: str, cookie: str, headers: dict[str, str]) -> int:
        """Ask this process."""
        told = headers | {"Cookie": f"livinglab={cookie}"}
        with self.app.test_client(use_cookies=False).open(path, method=method, headers=told) as answer:
            return answer.status_code

    def meets(self, cookie: str, path: str, statuses: tuple[int, ...], post: str = "/notices/read") -> None:
        """Say what a page and its part, and a form, answer to a cookie in both processes."""
        for ask in (self.ask, self.elsewhere):
            for method, where, headers in (
                ("GET", path, {}), ("GET", path, {"HX-Request": "true"}), ("POST", post, {}),
            ):  # fmt: skip
                status = ask(method, where, cookie, headers)
                wanted = (*statuses, 303, 422, 409) if method == "POST" and 200 in statuses else statuses
                assert status in wanted, (method, where, status, ask)
                self.cases += 1


@pytest.fixture
def here(app: Flask, elsewhere: Ask, sign_in: Any) -> Here:
    """Both processes."""
    return Here(app, elsewhere, sign_in)


IN, OUT, NOT_MINE = (200,), (303, 401), (403,)


def test_whoever_is_out_is_out_everywhere(
    here: Here, database: Database, town: Town, make: Make, tried: Tried
) -> None:
    def one(**more: Any) -> tuple[Person, str, str]:
        person = make.person(**more)
        cookies = here.cookie(person), here.cookie(person)
        for cookie in cookies:
            here.meets(cookie, "/settings", IN)
        return person, *cookies

    hashed = new_password(PASSWORD).hash
    now = utc_now()

    _person, first, second = one()  # signing out here, with a copy of the cookie somewhere else
    assert here.ask("POST", "/sign-out", first, {}) == 303
    here.meets(first, "/settings", OUT)
    here.meets(second, "/settings", IN)
    assert here.elsewhere("POST", "/sign-out", second, {}) == 303  # and there
    here.meets(second, "/settings", OUT)

    _person, first, second = one()
    assert here.ask("POST", "/settings/devices/end", first, {}) == 303
    here.meets(second, "/settings", OUT)
    here.meets(first, "/settings", IN)

    person, first, second = one(password_hash=hashed)
    client = here.app.test_client()
    client.set_cookie("livinglab", first)
    assert (
        client.post("/settings/password", data={"current": PASSWORD, "password": ANOTHER}).status_code == 303
    )
    here.meets(second, "/settings", OUT)
    here.meets(first, "/settings", IN)

    person, first, second = one(password_hash=hashed)
    with database.writing() as session:
        token = make_link(session, int(person.id or 0), LinkPurpose.RESET, now=now)
    assert here.app.test_client().post(f"/reset/{token}", data={"password": ANOTHER}).status_code == 303
    for cookie in (first, second):
        here.meets(cookie, "/settings", OUT)

    person, first, second = one()
    with database.writing() as session:
        decision = _suspend(session, town, person)
    for cookie in (first, second):
        here.meets(cookie, "/settings", OUT)
    with database.writing() as session:
        lift_suspension(session, decision_id=decision, person=make.viewer(town.people["manager"]), now=now)
    here.meets(first, "/settings", OUT)  # to come in again is to sign in again

    person, first, second = one()
    with database.writing() as session:
        erase_person(session, person_id=int(person.id or 0), published=Published.KEEP, now=now)
    for cookie in (first, second):
        here.meets(cookie, "/settings", OUT)

    person, first, second = one()
    with database.writing() as session:
        commands.end_devices(session, int(person.id or 0))
    for forged in (first, second, first[:-2], "x", first.replace(".", "", 1)):
        here.meets(forged, "/settings", OUT)
    tried(here.cases)


def _suspend(session: Any, town: Town, person: Person) -> int:
    make = Make(session)
    from livinglab.ideas.models import Idea

    said = make.comment(session.get_one(Idea, town.ids["published"]), author=person)
    case = Case(
        lab_id=int(town.lab.id or 0), idea_id=town.ids["published"], comment_id=said.id, source=Source.REPORT,
        opened_at=utc_now(), due_at=utc_now(),
    )  # fmt: skip
    make.add(case)
    decision = suspend(
        session, case_id=int(case.id or 0), person=make.viewer(town.people["facilitator"]), days=7, rule="respect",
        facts="Threatened a neighbour here.", now=utc_now(),
    )  # fmt: skip
    return int(decision.id or 0)


@pytest.mark.one_database("postgresql")
def test_whoever_loses_a_role_has_lost_it_everywhere(
    here: Here, database: Database, town: Town, make: Make, tried: Tried
) -> None:
    ids, slug, now = town.ids, town.keys["slug"], utc_now()
    lab = int(town.lab.id or 0)
    admin = make.viewer(town.people["admin"])
    doors = {
        Role.FACILITATOR: (f"/moderation/cases/{ids['case_pending']}", f"/moderation/cases/{ids['case_pending']}/decide"),
        Role.LEAD: (f"/reviews/{ids['review_ready']}", f"/reviews/{ids['review_ready']}/propose"),
        Role.MANAGER: (f"/labs/{slug}/setup/numbers", f"/labs/{slug}/setup/numbers"),
    }  # fmt: skip
    for role, (page, form) in doors.items():
        person = make.role(town.lab, role)
        cookie = here.cookie(person)
        here.meets(cookie, page, IN, form)
        with database.writing() as session:
            commands.end_role(
                session, person_id=int(person.id or 0), lab_id=lab, role=role, by=admin, now=now
            )
        here.meets(cookie, page, NOT_MINE, form)
        with database.writing() as session:  # and a role that is given counts at once, too
            commands.grant_role(
                session, person_id=int(person.id or 0), lab_id=lab, role=role, by_id=None, now=now
            )
        here.meets(cookie, page, IN, form)
    member = town.people["member"]
    cookie, page = here.cookie(member), f"/handoffs/{ids['handoff_proposed']}"
    here.meets(cookie, page, IN, f"{page}/acknowledge")
    with database.writing() as session:
        remove_member(session, unit_id=ids["unit"], person_id=int(member.id or 0), person=admin, now=now)
    here.meets(cookie, page, NOT_MINE, f"{page}/acknowledge")
    boss = make.admin()
    cookie = here.cookie(boss)
    here.meets(cookie, "/admin", IN, "/admin/labs/new")
    with database.writing() as session:
        session.get_one(Person, boss.id).is_admin = False
    here.meets(cookie, "/admin", NOT_MINE, "/admin/labs/new")
    tried(here.cases)
