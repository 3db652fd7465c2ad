"""Every word that opens something: only its own door, only once, only in time, and never kept as it is.

Source: issue "Proof", part 5; rules P2, P2b, P5.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import SQLModel, col

from livinglab import jobs
from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from livinglab.core.mail import OutboxMail
from livinglab.labs.models import Invitation
from livinglab.labs.rules import VALID_FOR
from livinglab.people.commands import open_device
from livinglab.people.commands.links import make_link
from livinglab.people.models import Device, LinkPurpose, OneTimeLink, Person, RoleGrant
from livinglab.people.rules import DEVICE_LIFETIME, LIFETIME
from tests.security.ledger import Tried
from tests.security.test_writing import changed, everything
from tests.town import Town

pytestmark = pytest.mark.line("tokens")

Enter = Callable[[str], FlaskClient]
PASSWORD = "a good sentence 7"
DOORS: dict[str, tuple[str, dict[str, str]]] = {
    "confirm": ("/confirm/{}", {}),
    "sign-in": ("/sign-in/link/{}", {}),
    "reset": ("/reset/{}", {"password": PASSWORD}),
    "change-email": ("/settings/address/{}", {}),
    "invitation": ("/invitations/{}", {}),
    "suspension": ("/suspensions/{}", {"text": "I said no such thing."}),
    "mail_key": ("/mail/stop/{}", {}),
}
"""What a token is for, and the door it opens by POST."""


def _tokens(database: Database, town: Town, app: Flask) -> dict[str, str]:
    """Return one of every kind: what doors take, and what browsers keep."""
    with database.writing() as session:
        device = open_device(session, person_id=int(town.people["author"].id or 0), now=utc_now())
    draft = app.test_client()
    draft.post("/ideas/write?lab=fjellvik", data={"title": "A draft of nobody", "action": "keep"})
    cookie = draft.get_cookie("livinglab_draft")
    found = {kind: town.keys[kind] for kind in DOORS} | {"device": device}
    return found | ({"draft": cookie.value} if cookie else {})


def _spoiled(token: str) -> tuple[str, ...]:
    """Return what looks like a token and is none."""
    other = "A" if token[7] != "A" else "B"
    return (
        token[:-1],
        token + "A",
        token[:7] + other + token[8:],
        token.swapcase(),
        token[::-1],
        "%00" + token,
        token + "%20",
        " " + token,
    )


@pytest.mark.one_database("postgresql")  # the stricter of the two
def test_a_token_opens_its_own_door_and_no_other(
    app: Flask, database: Database, town: Town, browser: Enter, tried: Tried
) -> None:
    """Tokens of every kind at every door, by GET and POST, and spoiled ones; nothing is changed by any."""
    clients, tokens, cases = {"invitation": browser("resident")}, _tokens(database, town, app), 0
    assert len(tokens) == 9
    before = everything(database)
    for door, (path, data) in DOORS.items():
        client = clients.get(door) or app.test_client()
        strange = [token for kind, token in tokens.items() if kind != door]
        for token in (*strange, *_spoiled(tokens[door])):
            for answer in (client.get(path.format(token)), client.post(path.format(token), data=data)):
                # ending the daily mail says the same for every key: it tells nobody which ones there are
                assert answer.status_code == 404 or door == "mail_key", (door, token, answer.status_code)
                cases += 1
    assert not changed(before, database)
    tried(cases)


ONE_USE = ("confirm", "sign-in", "reset", "invitation", "change-email")


def test_a_token_opens_its_door_once(town: Town, browser: Enter, app: Flask, tried: Tried) -> None:
    for kind in ONE_USE:
        path, data = DOORS[kind]
        first, again = browser("resident"), browser("resident")
        assert first.post(path.format(town.keys[kind]), data=data).status_code == 303, kind
        second = again.post(path.format(town.keys[kind]), data=data)
        assert second.status_code in (404, 409), (kind, second.status_code)
    tried(len(ONE_USE))


@pytest.mark.one_database
def test_a_token_ends_at_its_instant(
    app: Flask, database: Database, town: Town, browser: Enter, tried: Tried
) -> None:
    """A second before it opens its door; at its instant it is worth nothing."""
    person, cases = town.people["author"], 0
    lives: dict[str, timedelta] = {kind.value: life for kind, life in LIFETIME.items()} | {
        "invitation": VALID_FOR
    }
    for kind, life in lives.items():
        path, data = DOORS[kind]
        for late, worth in ((timedelta(0), False), (-timedelta(seconds=2), True)):
            with database.writing() as session:
                now = utc_now()
                if kind == "invitation":
                    session.execute(sa.update(Invitation).values(expires_at=now + life))
                    token = town.keys[kind]
                else:
                    more = {"new_email": f"n{cases}@example.org"} if kind == "change-email" else {}
                    token = make_link(session, int(person.id or 0), LinkPurpose(kind), now=now, **more)
            with time_machine.travel(now + life + late, tick=False):
                client = browser("author") if kind == "invitation" else app.test_client()
                status = client.post(path.format(token), data=data).status_code
            assert (status == 303) is worth, (kind, late, status)
            cases += 1
    client = browser("author")
    for late, worth in ((-timedelta(seconds=60), True), (timedelta(seconds=1), False)):
        with time_machine.travel(utc_now() + DEVICE_LIFETIME + late, tick=False):
            assert (client.get("/settings").status_code == 200) is worth
        cases += 1
    tried(cases)


@pytest.mark.one_database
def test_a_token_is_its_persons_whoever_holds_it(
    app: Flask, database: Database, town: Town, browser: Enter, tried: Tried
) -> None:
    """Opened in the browser of somebody else, it does for its person what it does, and nothing for the other."""
    other = {kind: str(getattr(town.people["manager"], kind)) for kind in ("email", "password_hash", "trust")}
    for kind in ("confirm", "sign-in", "reset", "change-email"):
        path, data = DOORS[kind]
        client = browser("manager")
        assert client.post(path.format(town.keys[kind]), data=data).status_code == 303
        page = client.get("/settings").text
        assert (town.people["manager"].name in page) is (kind == "change-email"), kind  # the others sign in
    with database.reading() as session:
        manager = session.get_one(Person, town.people["manager"].id)
        assert {kind: str(getattr(manager, kind)) for kind in other} == other
        assert session.get_one(Person, town.people["resident"].id).email == "new@example.org"
        grants = (
            sa.select(sa.func.count())
            .select_from(RoleGrant)
            .where(col(RoleGrant.person_id) == town.people["resident"].id)
        )
        assert session.scalar(grants) == 0
    tried(4)


def test_no_token_is_kept_as_it_is(app: Flask, database: Database, town: Town, tried: Tried) -> None:
    """Before its mail has left, a token stands in the mail and nowhere else; afterwards nowhere at all.

    Two keys are kept as they are, because later mails carry them again: the one that ends the daily mail and
    does nothing else, and the one by which somebody suspended reads the letter and appeals.
    """
    tokens = _tokens(database, town, app)
    asked = app.test_client()
    asked.post(
        "/register",
        data={
            "email": "fresh@example.org",
            "name": "Fresh",
            "password": PASSWORD,
            "language": "en",
            "of_age": "y",
        },
    )
    for page in ("/reset", "/sign-in/link"):
        asked.post(page, data={"email": town.people["author"].email})
    with database.reading() as session:
        paths = [str(data.get("path", "")) for data in session.scalars(sa.select(col(OutboxMail.data)))]
    mailed = [
        word
        for path in paths
        if not path.startswith("/suspensions/")
        for word in re.findall(r"/([\w-]{43})(?:\?|$)", path)
    ]
    kept = {"mail_key", "suspension"}
    secrets = {*mailed, *(token for kind, token in tokens.items() if kind not in kept)}
    assert len(secrets) >= 10
    assert _where(database, secrets) <= {"outbox_mail.data"}
    with app.app_context():
        jobs.run_job(database, jobs.job_named("mails"), utc_now())
    assert _where(database, secrets) == set()
    assert _where(database, {tokens["mail_key"]}) == {"person.mail_key"}
    assert _where(database, {tokens["suspension"]}) == {"suspension.key"}
    hashes = re.compile(r"[0-9a-f]{64}")
    with database.reading() as session:
        assert all(hashes.fullmatch(one) for one in session.scalars(sa.select(col(OneTimeLink.token_hash))))
    tried(2 * len(secrets) + 2)


def _where(database: Database, secrets: set[str]) -> set[str]:
    """Return the columns in which one of these words stands, or its half."""
    pieces = [piece for word in secrets for piece in (word[:20], word[-20:])]
    found = set()
    with database.reading() as session:
        for table in SQLModel.metadata.sorted_tables:
            for row in session.execute(sa.select(table)).all():
                for column, value in zip(table.columns, row, strict=True):
                    if not isinstance(value, int | float | datetime) and any(
                        piece in str(value) for piece in pieces
                    ):
                        found.add(f"{table.name}.{column.name}")
    return found


@pytest.mark.one_database
def test_the_file_of_ones_own_data_holds_no_secret(
    app: Flask, database: Database, town: Town, browser: Enter, tried: Tried
) -> None:
    """Neither what opens something, nor what it is kept as: the file lies about on people's disks."""
    tokens, client = _tokens(database, town, app), browser("resident")
    with client.post("/settings/data") as answer:
        assert answer.mimetype == "application/zip"
        content = answer.data
    with zipfile.ZipFile(BytesIO(content)) as file:
        told = "".join(
            file.read(name).decode("utf-8", "replace")
            for name in file.namelist()
            if not name.endswith(".webp")
        )
    with database.reading() as session:
        hashes = [
            *session.scalars(sa.select(col(OneTimeLink.token_hash))),
            *session.scalars(sa.select(col(Device.token_hash))),
        ]
        mail_key = session.get_one(Person, town.people["resident"].id).mail_key
    secrets = (*tokens.values(), *hashes, mail_key)
    assert town.people["resident"].email in told
    assert not [one for one in secrets if one in told]
    tried(len(secrets))
