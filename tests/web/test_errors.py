"""Errors that come before a page can be drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import DBAPIError, OperationalError

from livinglab.app import create_app
from livinglab.config import Config
from livinglab.ideas.models import Activity
from livinglab.web.database import db
from tests.make import Make


def test_a_foreign_host_is_refused_in_a_line(tmp_path: Path) -> None:
    config = Config(
        instance=tmp_path,
        secret_key="x" * 40,
        base_url="https://ideas.example.org",
        trusted_hosts=("ideas.example.org",),
        database_url=f"sqlite:///{tmp_path}/none.sqlite",
    )
    answer = create_app(config).test_client().get("/", base_url="https://evil.example")
    assert (answer.status_code, answer.text) == (400, "400 Bad Request")


WORDS = "A bench by the river, with a back to lean on."


def test_a_form_without_a_session_gives_the_words_back(client: FlaskClient) -> None:
    answer = client.post("/ideas/1/comment?lang=en", data={"body": WORDS, "password": "my pass words here"})
    assert answer.status_code == 401
    assert WORDS in answer.text
    assert "my pass words here" not in answer.text
    assert "/sign-in" in answer.text


def test_a_button_without_a_session_leads_to_sign_in(client: FlaskClient) -> None:
    answer = client.post("/ideas/1/follow")
    assert (answer.status_code, "/sign-in" in answer.headers["Location"]) == (303, True)


def test_a_refusal_gives_the_words_back(
    app: Flask, client: FlaskClient, make: Make, sign_in: Callable[..., FlaskClient]
) -> None:
    sign_in(client, make.resident())
    idea = make.idea(make.lab(), activity=Activity.WITHDRAWN)
    path = f"/ideas/{idea.id}/comment?lang=en"
    answer = client.post(
        path, data={"body": WORDS, "kind": "question"}, headers={"Referer": f"http://localhost{path}"}
    )
    assert answer.status_code in (409, 422)
    assert WORDS in answer.text


def test_a_stale_form_gives_the_words_back(
    app: Flask, client: FlaskClient, make: Make, sign_in: Callable[..., FlaskClient]
) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    sign_in(client, make.resident())
    answer = client.post("/ideas/1/comment?lang=en", data={"body": WORDS, "csrf_token": "old"})
    assert answer.status_code == 400
    assert WORDS in answer.text


def test_after_a_read_that_broke_the_page_that_says_so_can_be_read(app: Flask) -> None:
    """PostgreSQL answers nothing more in a broken transaction, and a request has one session for its reads."""
    with app.test_request_context():
        with pytest.raises(DBAPIError), db.reading() as session:
            session.execute(sa.text("SELECT nothing FROM nowhere"))
        with db.reading() as session:
            assert session.scalar(sa.text("SELECT 1")) == 1


def test_where_the_commit_broke_nobody_is_told_that_nothing_was_saved(
    app: Flask, client: FlaskClient, make: Make, sign_in: Callable[..., FlaskClient]
) -> None:
    """A server that was silent may have committed; SQLite, in the process itself, has not (invariant I-5)."""
    idea = make.idea(make.lab())
    sign_in(client, make.resident())
    database = app.extensions["livinglab.database"]

    def break_off(_connection: object) -> None:
        raise OperationalError("COMMIT", {}, Exception("the database does not answer in time"))

    sa.event.listen(database.engine, "commit", break_off)
    try:
        answer = client.post(
            f"/ideas/{idea.id}/comment?lang=en",
            data={"body": WORDS, "kind": "question", "byline": "name"},
            headers={"Referer": f"http://localhost/ideas/{idea.id}?lang=en"},
        )
    finally:
        sa.event.remove(database.engine, "commit", break_off)
    assert answer.status_code == 503
    assert WORDS in answer.text
    assert f'href="/ideas/{idea.id}?lang=en"' in answer.text, "a way back to where the words belong"
    said = (
        "Nothing was saved" in answer.text,
        "It was not saved" in answer.text,
        "look in a few minutes" in answer.text,
    )
    assert said == ((True, True, False) if database.is_sqlite else (False, False, True))
