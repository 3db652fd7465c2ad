"""The disk full, and the power cut: on a small disk of its own, a file mounted as a loop device."""

from __future__ import annotations

import io
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image

from livinglab.core import schema
from livinglab.core.db import Database
from tests.faults.conftest import Ground, ground_on
from tests.faults.harness import Browser, Outcome, Traffic, judge, send, settle, size
from tests.faults.report import Row, Table
from tests.faults.servers import Postgres
from tests.faults.test_database import AFTERWARDS_S, acknowledged, recovered

PEOPLE = size(6, 120)
WHY_NOT = "a disk of its own needs root and loop devices: disk full and power loss were not tried"


def loops() -> bool:
    """Whether this machine lets us mount a file as a disk."""
    return os.geteuid() == 0 and Path("/dev/loop-control").exists() and bool(shutil.which("mkfs.ext4"))


@contextmanager
def disk(image: Path, place: Path, megabytes: int = 0) -> Iterator[Path]:
    """Mount a file as a disk; a new one where a size is given."""
    if megabytes:
        with image.open("wb") as file:
            file.truncate(megabytes * 1_000_000)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", image], check=True)
    place.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-o", "loop", image, place], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no loop device here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def fill(place: Path) -> Path:
    """Leave no byte free."""
    full = place / "full"
    with full.open("wb", buffering=0) as file:
        for piece in (1_000_000, 4096, 512):
            while True:
                try:
                    if file.write(b"x" * piece) < piece:
                        break
                except OSError:
                    break
    return full


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's user can reach, too."""
    with tempfile.TemporaryDirectory(prefix="ll-disk-", dir="/tmp") as folder:
        yield Path(folder)


@pytest.mark.whole
def test_a_full_disk_says_come_back_and_keeps_what_it_had(
    engine_name: str, open_folder: Path, table: Table
) -> None:
    if not loops():
        table.not_here.append(WHY_NOT)
        pytest.skip(WHY_NOT)
    server: Postgres | None = None
    with disk(
        open_folder / "disk.img", open_folder / "disk", 60 if engine_name == "sqlite" else 120
    ) as place:
        try:
            if engine_name == "postgresql":
                (place / "data").mkdir()
                server = Postgres(place / "data")
                server.make()
            url = server.create("brimful") if server else f"sqlite:///{place / 'livinglab.sqlite'}"
            with ground_on(engine_name, url, place) as ground:
                _fill_and_free(ground, place, server, table)
        finally:
            if server is not None:
                server.end()


def _fill_and_free(ground: Ground, place: Path, server: Postgres | None, table: Table) -> None:
    town = settle(ground.database, people=PEOPLE)
    program, port = ground.serve()
    seconds, restarted = size(4, 15), False
    with Traffic(port, town, 8, think_s=0.1, visitor=True) as traffic:
        acknowledged(traffic, 20)
        full = fill(place)
        time.sleep(seconds)
        full.unlink()
        if server is not None and server.process.poll() is not None:
            restarted = True  # PostgreSQL ends itself where it cannot write its log
            server.start()
        wait = recovered(traffic, time.monotonic())
        traffic.wait(AFTERWARDS_S)
    ground.database.close()
    verdict = judge(ground.database, town, traffic.ledger)
    table.add(
        f"disk full for {seconds} s",
        ground.engine,
        verdict,
        traffic.ledger,
        recovery_s=wait,
        seen="PostgreSQL had to be started again" if restarted else "",
    )
    assert verdict.clean, verdict
    assert program.lives


# ── power ───────────────────────────────────────────────────────────────────────────────────────


def cut(image: Path, copy: Path, doomed: list[Any]) -> None:
    """Stop everybody in the midst of it, copy what has reached the disk, and kill them."""
    for one in doomed:
        send(one, signal.SIGSTOP)
    subprocess.run(["cp", "--sparse=always", image, copy], check=True)
    for one in doomed:
        send(one, signal.SIGKILL)


@pytest.mark.whole
def test_power_loss_on_sqlite_loses_nothing_acknowledged(tmp_path: Path, table: Table) -> None:
    if not loops():
        table.not_here.append(WHY_NOT)
        pytest.skip(WHY_NOT)
    times, acked, lost, drift = size(1, 5), 0, 0, 0
    for turn in range(times):
        image, copy = tmp_path / f"{turn}.img", tmp_path / f"{turn}-after.img"
        with disk(image, tmp_path / f"disk-{turn}", 100) as place:
            database = Database(f"sqlite:///{place / 'livinglab.sqlite'}")
            schema.upgrade(database)
            ground = Ground("sqlite", str(database.url), place, database, [])
            town = settle(database, people=PEOPLE)
            database.close()
            subprocess.run(["sync", "-f", place], check=True)
            try:
                program, port = ground.serve()
                with Traffic(port, town, 8) as traffic:
                    acknowledged(traffic, size(40, 300))
                    cut(image, copy, program.web_processes())
                    traffic.ledger.done_at.clear()
                    program.kill()
            finally:
                ground.end()
        with disk(copy, tmp_path / f"after-{turn}") as place:
            file = place / "livinglab.sqlite"
            after = Database(f"sqlite:///{file}")
            with after.engine.connect() as line:
                assert line.scalar(sa.text("PRAGMA integrity_check")) == "ok"
                assert not line.execute(sa.text("PRAGMA foreign_key_check")).all()
            verdict = judge(after, town, traffic.ledger)
            after.close()
        acked, lost, drift = acked + verdict.acknowledged, lost + verdict.lost, drift + verdict.drift
    table.rows.append(
        Row(
            f"power cut {times} times",
            "sqlite",
            acked,
            lost,
            0,
            drift,
            seen="copy of the disk at that instant, mounted anew: integrity check clean",
        )
    )
    assert (lost, drift) == (0, 0)


@pytest.mark.whole
def test_the_copy_of_the_disk_shows_what_a_careless_database_loses(tmp_path: Path, table: Table) -> None:
    if not loops():
        pytest.skip(WHY_NOT)
    with disk(tmp_path / "a.img", tmp_path / "a", 50) as place:
        line = sqlite3.connect(place / "careless.sqlite", isolation_level=None)
        line.execute("PRAGMA journal_mode=WAL")
        line.execute("PRAGMA synchronous=OFF")
        line.execute("CREATE TABLE support (id INTEGER PRIMARY KEY)")
        subprocess.run(["sync", "-f", place], check=True)
        for number in range(200):
            line.execute("INSERT INTO support VALUES (?)", (number,))
        cut(tmp_path / "a.img", tmp_path / "b.img", [])
        line.close()
    with disk(tmp_path / "b.img", tmp_path / "b") as place:
        line = sqlite3.connect(place / "careless.sqlite")
        kept = line.execute("SELECT count(*) FROM support").fetchone()[0]
        line.close()
    table.rows.append(Row("control: synchronous=OFF, power cut", "sqlite", 200, 200 - kept, control=True))
    assert kept < 200


@pytest.mark.whole
def test_a_photo_that_finds_no_room_is_to_be_sent_again(ground: Ground, tmp_path: Path, table: Table) -> None:
    """The database may have room where the folder of pictures has none."""
    if not loops():
        table.not_here.append(WHY_NOT)
        pytest.skip(WHY_NOT)
    [cookie] = settle(ground.database, people=1, ideas=30).cookies.values()
    with disk(tmp_path / "disk.img", tmp_path / "instance", 20) as place:
        program, port = ground.serve()
        browser = Browser(port, cookie)
        assert browser.get("/settings").status == 200
        full = fill(place)
        sorry = browser.send_file("/settings/photo", "image", photo())
        left_behind = [file.name for file in place.rglob("*.webp")]
        full.unlink()
        again = browser.send_file("/settings/photo", "image", photo())
        browser.close()
        program.kill()
    table.rows.append(
        Row(
            "no room for a photo",
            ground.engine,
            wrong=int(sorry.outcome is Outcome.WRONG),
            later=int(sorry.outcome is Outcome.LATER),
            seen=f"then {again.status}; {len(left_behind)} files left behind",
        )
    )
    assert sorry.outcome is Outcome.LATER, sorry
    assert (again.status, left_behind) == (303, [])


def photo() -> bytes:
    """Return a picture with something in it."""
    out = io.BytesIO()
    Image.effect_noise((800, 600), 80).save(out, "JPEG")
    return out.getvalue()
