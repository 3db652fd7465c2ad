"""A lab with something waiting at every desk, and a browser for each of its people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from livinglab.web.limits import limiter
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
