"""A lab with something waiting at every desk, a browser for each of its people, and the same lab twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from livinglab.app import create_app
from livinglab.config import Config
from livinglab.core import schema
from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from livinglab.web.limits import limiter
from tests.architecture.test_matrix import _Matrix
from tests.conftest import SECRET, _pg, _pg_do
from tests.town import Town, build_town


@pytest.fixture
def town(database: Database, app: Flask, tmp_path: Path) -> Iterator[Town]:
    """A lab with something waiting at every desk; the doors count nobody."""
    limiter.enabled = False
    yield build_town(database, tmp_path / "instance", utc_now())
    limiter.enabled = True


@pytest.fixture
def browser(
    app: Flask, town: Town, sign_in: Callable[[FlaskClient, object], FlaskClient]
) -> Callable[[str], FlaskClient]:
    """``browser("manager")`` is the manager's, ``browser("visitor")`` nobody's."""
    return lambda name: (
        app.test_client() if name == "visitor" else sign_in(app.test_client(), town.people[name])
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a request got: two databases must agree on it."""

    status: int
    code: str


class Side:
    """The lab on one database. What a request writes is forgotten before the next one."""

    def __init__(self, app: Flask, town: Town) -> None:
        self.app, self.town = app, town
        self.matrix = _Matrix(app, town)

    def get(self, who: str, path: str, **more: Any) -> str:
        """Return a page."""
        client, headers = self.matrix.people[who]
        with client.get(path, headers=headers, **more) as answer:
            return answer.text if answer.mimetype == "text/html" else ""

    def ask(self, who: str, method: str, path: str, **more: Any) -> Verdict:
        """Return what somebody gets; what is raised is a 599."""
        client, headers = self.matrix.people[who]
        try:
            with client.open(
                path, method=method, headers=headers | more.pop("headers", {}), **more
            ) as answer:
                return Verdict(answer.status_code, answer.headers.get("X-Reason-Code", ""))
        except Exception as problem:  # the app of the tests lets them through
            return Verdict(599, f"{type(problem).__name__}: {str(problem)[:150]}")


Both = tuple[Side, Side]


@pytest.fixture(scope="session")
def both(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """The same lab, at the same moment, on SQLite and on PostgreSQL."""
    now, sides = utc_now(), []
    _pg_do(postgres_url, "DROP DATABASE IF EXISTS both_of_them WITH (FORCE)")
    _pg_do(postgres_url, "CREATE DATABASE both_of_them")
    folder = tmp_path_factory.mktemp("both")
    for url in (f"sqlite:///{folder / 'both.sqlite'}", _pg(postgres_url, "both_of_them")):
        config = Config(
            instance=folder, secret_key=SECRET, base_url="http://localhost", testing=True,
            database_url=sa.make_url(url).render_as_string(hide_password=False),
        )  # fmt: skip
        app = create_app(config)
        app.config["WTF_CSRF_ENABLED"] = False
        database: Database = app.extensions["livinglab.database"]
        schema.upgrade(database)
        sides.append(Side(app, build_town(database, folder, now)))
    yield sides[0], sides[1]
    for side in sides:
        side.app.extensions["livinglab.database"].close()
