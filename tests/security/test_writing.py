"""Who may write, and what: nothing on GET, nothing without the form's token, nothing beside a form's own fields.

Source: issue "Proof", part 5.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import SQLModel, col

from livinglab import jobs
from livinglab.config import Config
from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from livinglab.core.viewer import Role
from livinglab.ideas.models import Idea, Stage
from livinglab.people.models import Person, RoleGrant
from tests.architecture.test_matrix import BODIES, ROUTES, address_of
from tests.security.ledger import Tried
from tests.town import Town
from tests.walk import Form, address, forms_on, pages

Enter = Callable[[str], FlaskClient]
SEEN = {"device": ("seen_at", "last_seen_at", "expires_at"), "rate_count": "*", "network_key": "*"}
"""What reading may leave behind: that a device was used, and how often a network has knocked."""
MANY = ("visitor", "author", "facilitator", "member", "manager")
"""Between them they open every door but the administrator's."""
NO_TOKEN = {"notices.stop_now": "a mail program's one click (RFC 8058); the key in the address is the right"}
"""Writes that need no form's token, and why."""


def everything(database: Database) -> dict[str, Counter[tuple[Any, ...]]]:
    """Return all rows of all tables, without what reading may leave behind."""
    found = {}
    with database.reading() as session:
        for table in SQLModel.metadata.sorted_tables:
            left_out = SEEN.get(table.name, ())
            if left_out != "*":
                columns = [column for column in table.columns if column.name not in left_out]
                rows = session.execute(sa.select(*columns)).all()
                found[table.name] = Counter(tuple(map(repr, row)) for row in rows)
    return found


def changed(before: dict[str, Counter[tuple[Any, ...]]], database: Database) -> dict[str, object]:
    """Return the tables that differ, with the rows that are new."""
    after = everything(database)
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


@pytest.mark.line("csrf")
@pytest.mark.one_database
def test_reading_writes_nothing(
    app: Flask, database: Database, town: Town, browser: Enter, tried: Tried
) -> None:
    """Not by any page for anybody, and not by opening a mailed link of any purpose."""
    clients = {role: browser(role) for role in MANY}
    before, read = everything(database), 0
    for key, row in ROUTES.items():
        if key.startswith("GET ") and key != "GET static":
            for role in MANY:
                if row[role] == 200:
                    answer = clients[role].get(address_of(app, town, key))
                    read += answer.status_code == 200
                    answer.close()
    assert read > 150
    assert not changed(before, database)
    tried(read)


@pytest.mark.line("csrf")
@pytest.mark.one_database
def test_no_write_without_the_forms_token(
    app: Flask, database: Database, town: Town, browser: Enter, tried: Tried
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    clients = {role: browser(role) for role in ("visitor", "author", "manager")}
    shown = app.test_client().get("/sign-in").text
    strangers = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', shown)[0]
    before, refused = everything(database), 0
    for key in ROUTES:
        method, endpoint = key.split()[:2]
        if method == "GET" or endpoint in NO_TOKEN:
            continue
        for role, client in clients.items():
            for token in (None, "x", strangers):
                sent = {"body": "Words."} | ({"csrf_token": token} if token else {})
                answer = client.open(address_of(app, town, key), method=method, data=sent)
                assert answer.status_code in (400, 303, 404), (key, role, answer.status_code)
                refused += answer.status_code == 400
    assert refused > 400
    assert not changed(before, database)
    tried(refused)


MARK, NUMBER, DAY = "mass-mark", 987_654_321, "2031-07-09T03:07"
_GONE = re.compile(r"/sign-out|/settings/(delete|devices|sessions)|/not-me")


def _stuffing(form: Form) -> list[tuple[str, str]]:
    """Return every column of the program that is no field of the form, with a value that is known again."""
    own = {field.name for field in form.fields}
    stuffing = {}
    for table in SQLModel.metadata.sorted_tables:
        for column in table.columns:
            if column.name in own or column.name in ("csrf_token", "stamp", "next"):
                continue
            kind = str(column.type).upper()
            value = NUMBER if "INT" in kind else DAY if "DATE" in kind or "TIME" in kind else MARK
            stuffing[column.name] = str(value)
    telling = {
        "role": "manager",
        "is_admin": "1",
        "publication": "published",
        "stage": "service",
        "trust": "9",
        "supports": "999",
    }
    return [*stuffing.items(), *telling.items()]


@pytest.mark.one_database
@pytest.mark.line("stuffing")
def test_a_form_takes_its_own_fields_and_nothing_else(
    app: Flask, database: Database, town: Town, browser: Enter, tried: Tried
) -> None:
    """Every form is sent as it is meant, stuffed with every column there is; no column takes what was stuffed."""
    forms: dict[tuple[str, ...], tuple[str, Form]] = {}
    for who in MANY:
        client = browser(who)
        for page in [address(app, rule, town) for rule in pages(app)]:
            for form in forms_on(client, page):
                forms.setdefault(form.key, (who, form))
    standing, stuffed, taken, sent_to = _standing(database), 0, 0, set()
    for who, form in forms.values():
        if not _GONE.search(form.action):
            sent = [(field.name, field.value) for field in form.fields]
            own = {name for name, _ in sent}
            sent += [(name, value) for name, value in _stuffing(form) if name not in own]
            stuffed += len(sent) - len(own)
            answer = browser(who).post(
                form.action, data=urlencode(sent), content_type="application/x-www-form-urlencoded"
            )
            taken += answer.status_code in (200, 303)
            sent_to.add(_endpoint_of(app, form.action))
    assert (len(forms) > 60, taken > 35) == (True, True), (len(forms), taken)
    for key, row in ROUTES.items():  # and where these five see no form: straight to the address
        endpoint = key.split()[1]
        if key.startswith("POST ") and endpoint not in sent_to | {"admin.manage"}:  # whose purpose is a role
            role = next(
                (one for one in row if row[one] in (200, 303, 409, 422) and one != "visitor"), "author"
            )
            if role in ("resident", "author"):  # some of these end an account: each has one of its own
                role, town.people["fresh"] = "fresh", town.make.resident()
            body = {name: value for name, value in _stuffing(Form("", [])) if name != "note"} | {
                name: str(one) for name, one in BODIES.get(endpoint, {}).items()
            }
            browser(role).post(address_of(app, town, key), data=body)
            stuffed += len(body)
    tried(stuffed)
    told = f"{MARK}|\\b{NUMBER}\\b|2031-07-09|2031, 7, 9, 3, 7"
    for name, rows in everything(database).items():
        assert not [row for row in rows if any(re.search(told, one) for one in row)], name
    assert _standing(database) == standing


def _endpoint_of(app: Flask, action: str) -> str:
    return str(app.url_map.bind("localhost").match(action.partition("?")[0], method="POST")[0])


def _standing(database: Database) -> tuple[int, set[int], set[int]]:
    """Return how many ideas are services, who manages a lab, and who is trusted beyond what can be earned."""
    with database.reading() as session:
        services = sa.select(sa.func.count()).select_from(Idea).where(col(Idea.stage) == Stage.SERVICE)
        managers = sa.select(col(RoleGrant.person_id)).where(col(RoleGrant.role) == Role.MANAGER)
        trusted = sa.select(col(Person.id)).where(col(Person.trust) > 2)
        return session.scalar(services) or 0, set(session.scalars(managers)), set(session.scalars(trusted))


def _links(app: Flask, database: Database, config: Config) -> list[str]:
    """Send what waits; return every link of every mail."""
    with app.app_context():
        for _ in range(9):
            jobs.run_job(database, jobs.job_named("mails"), utc_now())
    return [
        link
        for file in (config.instance / "outbox").glob("*.eml")
        for part in message_from_bytes(file.read_bytes(), policy=policy.default).walk()
        if part.get_content_maintype() == "text"
        for link in re.findall(r"https?://[^\s\"<>]+", part.get_content())
    ]


@pytest.mark.line("csrf")
@pytest.mark.one_database
def test_following_every_link_of_every_mail_changes_nothing(
    app: Flask, database: Database, config: Config, town: Town, browser: Enter, tried: Tried
) -> None:
    """As a mail program does that looks at links beforehand, whoever is signed in there."""
    with app.app_context():
        for name in ("reviews", "notices", "digests"):
            jobs.run_job(database, jobs.job_named(name), utc_now())
    paths = {link.removeprefix("http://localhost") for link in _links(app, database, config)}
    before, read = everything(database), 0
    for who in ("visitor", "resident", "author", "facilitator"):
        client = browser(who)
        before = before if who == "visitor" else everything(database)  # signing in is no reading
        for path in sorted(paths):
            for method in ("GET", "HEAD"):
                client.open(path, method=method, headers={"X-HTTP-Method-Override": "POST"}).close()
                read += 1
        assert not changed(before, database), who
    assert read > 60
    tried(read)


NAMING = (
    "Host",
    "X-Forwarded-Host",
    "X-Host",
    "X-Forwarded-Server",
    "X-Original-Host",
    "Forwarded",
    "X-Original-URL",
    "X-Rewrite-URL",
    "Origin",
    "Referer",
)
"""Headers by which a request can name another host."""


@pytest.mark.line("links")
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "localhost@evil.example", "localhost.evil.example"]
)
@pytest.mark.one_database
def test_mailed_links_begin_with_the_configured_address(
    app: Flask, database: Database, config: Config, town: Town, browser: Enter, host: str, tried: Tried
) -> None:
    """Whatever host a request names, in whatever header (the site refuses foreign hosts besides)."""
    manager, asked = browser("manager"), 0
    for number, name in enumerate(NAMING):
        told = {
            "Forwarded": f"host={host};proto=https",
            "Origin": f"https://{host}",
            "Referer": f"https://{host}/",
        }.get(name, host)
        sign_up = {"name": "Nina", "password": "a good sentence 7", "language": "en", "of_age": "y"}
        for client, page, data in (
            (app.test_client(), "/reset", {"email": town.people["author"].email}), (app.test_client(), "/sign-in/link", {"email": "nobody@example.org"}),
            (app.test_client(), "/register", sign_up | {"email": f"n{number}@example.org"}),
            (manager, "/labs/fjellvik/setup/people/invite", {"email": f"m{number}@example.org", "offer": "role:lead"}),
        ):  # fmt: skip
            client.post(page, data=data, headers={name: told})
            asked += 1
    links = _links(app, database, config)
    assert len(links) > 60
    assert not [link for link in links if not link.startswith("http://localhost/")]
    tried(asked)
