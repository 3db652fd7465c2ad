"""A ground for each database that may be hurt, and the table of what came of it."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from livinglab.core import schema
from livinglab.core.db import Database
from tests.faults.harness import FULL, Program, free_port, serving, wait_for
from tests.faults.report import Table
from tests.faults.servers import Postgres

_names = itertools.count(1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark every test here, and keep them in one process: they measure. The short run leaves most out."""
    here = Path(__file__).parent
    long: list[pytest.Item] = []
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.fault)
            item.add_marker(pytest.mark.xdist_group("faults"))
            if not FULL and item.get_closest_marker("whole"):
                long.append(item)
    if long and not config.getoption("--whole"):
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session")
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    """What is found; shown at the end, and kept by a full run."""
    table = Table()
    yield table
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\n\n{table.text()}")
    if FULL:
        table.keep()


@pytest.fixture(scope="session")
def own_postgres() -> Iterator[Postgres]:
    """A PostgreSQL of our own."""
    folder = Path(tempfile.mkdtemp(prefix="ll-faults-", dir="/tmp"))
    (folder / "data").mkdir()
    server = Postgres(folder / "data")
    server.make()
    yield server
    server.end()
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(server.sockets, ignore_errors=True)


@dataclass
class Ground:
    """An own database with the schema, and a way to start the program on it."""

    engine: str
    url: str
    folder: Path
    database: Database
    programs: list[Program]

    def start(self, *arguments: str, module: str = "livinglab", **settings: str) -> Program:
        """Start ``livinglab …`` on this database."""
        told = {
            "LIVINGLAB_DATABASE_URL": self.url,
            "LIVINGLAB_INSTANCE": str(self.folder / "instance"),
            **settings,
        }
        log = self.folder / f"program-{len(self.programs)}.log"
        self.programs.append(Program(*arguments, log=log, module=module, **told))
        return self.programs[-1]

    def serve(self, *arguments: str, **more: str) -> tuple[Program, int]:
        """Start the site as an operator does; return it and its port once it answers."""
        port = free_port()
        program = self.start("serve", "--port", str(port), *arguments, **more)
        wait_for(lambda: serving(port) or not program.lives, "it does not serve")
        assert program.lives, program.said
        return program, port

    def end(self) -> None:
        """Leave nothing behind."""
        for program in self.programs:
            program.kill()
        self.database.close()


@contextmanager
def ground_on(engine: str, url: str, folder: Path) -> Iterator[Ground]:
    """Lay the schema into an empty database."""
    database = Database(url)
    schema.upgrade(database)
    ground = Ground(engine, url, folder, database, [])
    try:
        yield ground
    finally:
        ground.end()


@pytest.fixture
def ground(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Ground]:
    """A fresh database on each engine in turn."""
    if engine_name == "sqlite":
        url = f"sqlite:///{tmp_path / 'faults.sqlite'}"
    else:
        url = request.getfixturevalue("own_postgres").create(f"faults_{next(_names)}")
    with ground_on(engine_name, url, tmp_path) as ground:
        yield ground


@pytest.fixture
def postgres_ground(own_postgres: Postgres, tmp_path: Path) -> Iterator[Ground]:
    """A fresh database on PostgreSQL, for what only happens there."""
    with ground_on("postgresql", own_postgres.create(f"faults_{next(_names)}"), tmp_path) as ground:
        yield ground
