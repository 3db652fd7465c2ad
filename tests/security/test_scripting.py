"""Forty payloads in every text somebody can write, read in every place where it is shown: they stay words.

The payloads are put into the database past all checks of forms, so that what is tried is each place's own care.
Source: issue "Proof", part 5.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from email import message_from_bytes, policy
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import lazy_gettext as _l
from markupsafe import escape
from sqlmodel import AutoString, SQLModel

from livinglab import jobs
from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from livinglab.web.limits import limiter
from tests.architecture.test_matrix import ROLES, ROUTES, address_of
from tests.security.ledger import Tried
from tests.security.payloads import ALL, ON_A_LINE, PAYLOADS, became_more_than_words
from tests.town import Town, build_town
from tests.walk import Field, Form, forms_on

pytestmark = pytest.mark.line("scripting")

CODES = {
    "address_guard": "*", "device": "*", "escalation": "*", "event_todo": "*", "invitation": "*",
    "job_run": "*", "network_key": "*", "one_time_link": "*", "outbox_mail": "*", "rate_count": "*", "role_grant": "*",
    "stored_file": "*", "suspension": "*",
    "answer": "kind outcome language", "appeal": "outcome", "audience": "level", "category": "slug",
    "challenge": "state", "comment": "byline kind language publication", "credit": "kind byline", "event": "kind",
    "evidence": "criterion link", "gate_decision": "outcome from_stage to_stage decline_code criteria",
    "handoff": "state outcome close_reason", "idea": "claim_hash byline language publication stage activity decline_code link",
    "idea_version": "publication link", "lab": "slug theme languages timezones country contact_email",
    "lab_settings": "moderation steering_emails", "moderation_case": "source findings", "moderation_decision": "action rule was",
    "person": "email claimed_email language password_hash mail_key", "proposal": "state outcome to_stage decline_code",
    "report": "rule", "review": "door",
}  # fmt: skip
"""Columns that hold no words of people; every other text column is filled with payloads."""
LONG = ("body", "text", "reason", "reasons", "note", "intro", "facts", "would_change", "extension_reason")
"""Columns of several lines."""
READERS = {
    key: next(role for role in (*ROLES[1:], ROLES[0]) if row[role] == 200)
    for key, row in ROUTES.items()
    if key.startswith("GET ") and 200 in row.values() and key != "GET static"
}
AGAIN = [
    (key, role)
    for key in READERS
    for role in ("visitor", "facilitator")
    if ROUTES[key][role] == 200 and role != READERS[key]
]
"""The same pages as those see them who have more buttons on them, and fewer."""


def written_columns() -> list[sa.Column[Any]]:
    """Return every column that holds words of people."""
    found = []
    for table in SQLModel.metadata.sorted_tables:
        codes = CODES.get(table.name, "").split()
        for column in table.columns:
            words = isinstance(column.type, sa.JSON | AutoString)
            if words and codes != ["*"] and column.name not in codes:
                found.append(column)
    return found


def _filled(value: Any) -> Any:
    """Return the value with payloads for its words; codes and numbers inside of JSON stay."""
    if isinstance(value, dict):
        return {key: _filled(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one) for one in value]
    return ON_A_LINE if isinstance(value, str) and (" " in value or len(value) > 24) else value


def _fill(database: Database) -> int:
    """Put the payloads into all words; return how many values were filled."""
    filled = 0
    with database.writing() as session:
        guards = sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '%RAISE%'")
        for name in session.scalars(guards).all():
            session.execute(sa.text(f"DROP TRIGGER {name}"))
        session.execute(sa.text("PRAGMA ignore_check_constraints = ON"))
        for column in written_columns():
            table = column.table
            key = list(table.primary_key.columns)
            texts = isinstance(column.type, sa.JSON)
            for row in session.execute(sa.select(*key, column)).all():
                *at, value = row
                if not value:
                    continue
                if texts and column.name != "data" and isinstance(value, dict):
                    new: Any = {
                        name: ALL if isinstance(one, str) else _filled(one) for name, one in value.items()
                    }
                elif texts:
                    new = _filled(value)
                else:
                    new = ALL if column.name in LONG else ON_A_LINE
                where = [one == part for one, part in zip(key, at, strict=True)]
                if column in key or (column.table.name, column.name) == ("idea_tag", "tag"):
                    new = f"<img src=x onerror=pwn({filled})>"
                session.execute(sa.update(table).where(*where).values({column.name: new}))
                filled += 1
    return filled


@pytest.fixture
def town(database: Database, app: Flask, tmp_path: Path) -> Town:
    """A whole lab in which every word is an attack."""
    built = build_town(database, tmp_path / "instance", utc_now())
    assert _fill(database) > 150
    return built


@pytest.mark.one_database
def test_no_text_becomes_part_of_a_page(
    app: Flask, town: Town, sign_in: Callable[[FlaskClient, object], FlaskClient], tried: Tried
) -> None:
    clients = {role: app.test_client() for role in ROLES}
    for role in ROLES[1:]:
        sign_in(clients[role], town.people[role])
    found, met = [], 0
    for key, role in [*READERS.items(), *AGAIN]:
        answer = clients[role].get(address_of(app, town, key), follow_redirects=True)
        assert answer.status_code == 200, (key, role)
        if answer.mimetype == "text/html":
            more, words = became_more_than_words(answer.text)
            found += [f"{key} as {role}: {one}" for one in more]
            met += words
        answer.close()
    with clients["author"].post("/settings/data") as answer:  # one's own data, a page on one's own disk
        file = answer.data
    with zipfile.ZipFile(BytesIO(file)) as packed:
        more, words = became_more_than_words(packed.read("my-data.html").decode())
    found, met = found + more, met + words
    assert words > 10
    assert not found, "\n".join(found)
    assert met > 3000  # the payloads are there, as words
    tried(met)


@pytest.mark.one_database
def test_no_text_becomes_part_of_a_mail(
    app: Flask, database: Database, town: Town, config: Any, tried: Tried
) -> None:
    with app.app_context():
        for name in ("reviews", "notices", "digests", *["mails"] * 9):
            assert jobs.run_job(database, jobs.job_named(name), utc_now()), name
    mails = [
        message_from_bytes(file.read_bytes(), policy=policy.default)
        for file in (config.instance / "outbox").glob("*.eml")
    ]
    met = 0
    for mail in mails:
        html = mail.get_body(("html",))
        assert html is not None
        found, words = became_more_than_words(html.get_content())
        met += words
        assert not found, (mail["Subject"], found)
        assert "\n" not in str(mail["Subject"])
    tried(met)
    assert (len(mails) > 5, met > 50) == (True, True), (len(mails), met)


@pytest.mark.one_database
def test_what_is_typed_comes_back_as_words(
    app: Flask,
    database: Database,
    tmp_path: Path,
    sign_in: Callable[[FlaskClient, object], FlaskClient],
    tried: Tried,
) -> None:
    """In forms that are refused, in searches, in addresses that lead nowhere, in pages of errors."""
    plain = build_town(database, tmp_path / "instance", utc_now())
    limiter.enabled, found, met = False, [], 0
    for who in ("visitor", "author", "facilitator", "member", "manager"):
        client = app.test_client() if who == "visitor" else sign_in(app.test_client(), plain.people[who])
        answers = [
            client.get(f"{path}{quote(ON_A_LINE)}")
            for path in (
                "/ideas?q=",
                "/ideas?lab=",
                "/nowhere/",
                "/labs/",
                "/sign-in?next=/",
                "/ideas/write?title=",
            )
        ]
        for page in ("/sign-in", "/register", "/reset", "/settings", "/settings/sign-in", "/ideas/write?lab=fjellvik", f"/ideas/{plain.ids['ready']}/comment",
                     f"/ideas/{plain.ids['published']}/edit", f"/ideas/{plain.ids['published']}/report", f"/ideas/{plain.ids['ready']}/next-step",
                     f"/handoffs/{plain.ids['handoff_decided']}/answer", "/labs/fjellvik/setup/texts", "/labs/fjellvik/setup/units/new",
                     f"/moderation/cases/{plain.ids['case_pending']}/letter", f"/reviews/{plain.ids['review_ready']}/propose", "/ideas/preview"):  # fmt: skip
            for form in forms_on(client, page) or [
                Form(page, [Field("body", "", False), Field("facts", "", False)])
            ]:
                for text in (ALL, ON_A_LINE * 3):
                    answers.append(
                        client.post(
                            form.action,
                            data={one.name: one.value if one.hidden else text for one in form.fields},
                        )
                    )
        for answer in answers:
            if answer.mimetype == "text/html" and answer.status_code != 303:
                more, words = became_more_than_words(answer.text)
                found += [f"{answer.request.path} as {who}: {one}" for one in more]
                met += words
    limiter.enabled = True
    tried(met)
    assert not found, "\n".join(found)
    assert met > 300


def test_a_sentence_of_a_rule_is_made_safe_with_the_names_in_it(plain_app: Flask) -> None:
    with plain_app.test_request_context("/?lang=en"):
        said = escape(_l("You work for %(unit)s.", unit="<b>pwn</b>"))
    assert said == "You work for &lt;b&gt;pwn&lt;/b&gt;."


@pytest.mark.one_database
def test_every_column_of_words_is_attacked_or_named_as_a_code(database: Database) -> None:
    tables = SQLModel.metadata.tables
    stale = [
        f"{table}.{name}"
        for table, names in CODES.items()
        for name in names.split()
        if table not in tables or name not in ("*", *(column.name for column in tables[table].columns))
    ]
    assert not stale
    assert len(written_columns()) > 40


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_reader_of_pages_sees_a_payload_that_was_let_in(payload: str) -> None:
    """The control: written into a page as it is, each that a browser would run is found."""
    found, words = became_more_than_words(f"<p title=\"{payload}\">{payload}</p><p title='{payload}'>")
    harmless = payload.startswith(("[", "![", "{{"))  # Markdown and templates: nothing for a browser
    assert found or (harmless and words)
