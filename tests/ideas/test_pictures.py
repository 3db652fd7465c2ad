"""A picture is seen by those who see what it belongs to."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from livinglab.app import create_app
from livinglab.config import Config
from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from livinglab.core.files import store_image
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Idea, Publication
from livinglab.web.database import settings
from tests.make import Make

SignIn = Callable[[FlaskClient, object], FlaskClient]


def drawn() -> bytes:
    """Return a picture as somebody sends it."""
    content = io.BytesIO()
    Image.new("RGB", (40, 30), "navy").save(content, "PNG")
    return content.getvalue()


@pytest.fixture
def picture(app: Flask, database: Database) -> tuple[int, str]:
    """Store a picture that belongs to nothing; return its number and address."""
    with app.app_context(), database.writing() as session:
        folder = settings().instance / "uploads"
        row = store_image(session, folder, drawn(), person_id=None, now=utc_now())
        assert row.id is not None
        return row.id, f"/pictures/{row.key}-card.webp"


def asked(client: FlaskClient, path: str) -> tuple[int, str]:
    """Ask for a picture; return the status and how long it may be kept."""
    with client.get(path) as answer:
        return answer.status_code, answer.headers.get("Cache-Control", "")


def statuses(app: Flask, sign_in: SignIn, path: str, *people: Viewer | None) -> list[int]:
    answers = []
    for person in people:
        client = app.test_client()
        if person is not None:
            sign_in(client, person)
        answers.append(asked(client, path)[0])
    return answers


@pytest.mark.parametrize(
    ("publication", "seen"),
    [
        (Publication.PUBLISHED, [200, 200, 200, 200, 200]),
        (Publication.PENDING, [404, 404, 200, 200, 404]),
        (Publication.HIDDEN, [404, 404, 200, 200, 404]),
        (Publication.DRAFT, [404, 404, 200, 404, 404]),
    ],
)
def test_the_picture_of_an_idea_is_seen_by_those_who_see_the_idea(
    app: Flask,
    make: Make,
    sign_in: SignIn,
    picture: tuple[int, str],
    publication: Publication,
    seen: list[int],
) -> None:
    lab = make.lab()
    author = make.resident()
    make.idea(lab, author=author, publication=publication, image_id=picture[0], image_alt="A bench")
    people = (None, make.resident(), author, make.facilitator(lab), make.facilitator(make.lab()))
    assert statuses(app, sign_in, picture[1], *people) == seen


def test_a_public_picture_may_be_kept_for_minutes_and_no_other_at_all(
    app: Flask, make: Make, database: Database, sign_in: SignIn, picture: tuple[int, str]
) -> None:
    author = make.resident()
    idea = make.idea(make.lab(), author=author, image_id=picture[0], image_alt="A bench")
    client = sign_in(app.test_client(), author)
    assert "max-age=300" in asked(client, picture[1])[1]
    with database.writing() as session:
        session.get_one(Idea, idea.id).publication = Publication.HIDDEN
    assert asked(client, picture[1])[1] == "private, no-store"


def test_a_picture_that_belongs_to_nothing_is_not_served(
    client: FlaskClient, picture: tuple[int, str]
) -> None:
    assert asked(client, picture[1])[0] == 404


def test_the_folder_may_be_named_from_where_the_program_was_started(
    config: Config, make: Make, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config.instance.parent)
    app = create_app(replace(config, instance=Path(config.instance.name)))
    with app.app_context(), database.writing() as session:
        row = store_image(session, settings().instance / "uploads", drawn(), person_id=None, now=utc_now())
        row_id, path = row.id, f"/pictures/{row.key}-card.webp"
    make.idea(make.lab(), image_id=row_id, image_alt="A bench")
    assert asked(app.test_client(), path)[0] == 200
    app.extensions["livinglab.database"].close()


def test_a_picture_whose_file_is_gone_is_no_page_and_no_fault(
    app: Flask, make: Make, picture: tuple[int, str]
) -> None:
    make.idea(make.lab(), image_id=picture[0], image_alt="A bench")
    client = app.test_client()
    assert asked(client, picture[1])[0] == 200
    with app.app_context():
        for file in (settings().instance / "uploads").rglob("*.webp"):
            file.unlink()
    assert asked(client, picture[1])[0] == 404
