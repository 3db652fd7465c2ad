"""The nightly copy: whole, taken while people write, checked, and not kept for ever."""

from __future__ import annotations

import sqlite3
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from livinglab import jobs
from livinglab.core.backup import Damaged, back_up, copies, copy_of

DAY = date(2026, 3, 2)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "backups"


def test_a_day_has_one_copy_with_everything_that_was_kept(database, folder, make):
    make.lab("fjellvik")
    copy = back_up(database, folder, DAY)
    if not database.is_sqlite:
        assert copy is None
        assert not folder.exists()
        return
    make.lab("rajalla")
    assert back_up(database, folder, DAY) is None
    with sqlite3.connect(copy) as kept:
        assert kept.execute("SELECT slug FROM lab").fetchall() == [("fjellvik",)]
    kept.close()
    assert (copy.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.one_database
def test_it_is_taken_while_somebody_writes(database, folder, make):
    make.lab("fjellvik")
    with database.writing() as session:
        session.execute(sa.text("UPDATE lab SET name = 'Not yet'"))
        copy = back_up(database, folder, DAY)
    with sqlite3.connect(copy) as kept:
        assert kept.execute("SELECT name FROM lab WHERE name = 'Not yet'").fetchall() == []
    kept.close()


@pytest.mark.one_database
def test_the_oldest_go(database, folder):
    for n in range(4):
        back_up(database, folder, DAY + timedelta(days=n), keep=3)
    assert copies(folder) == [copy_of(folder, DAY + timedelta(days=n)) for n in (3, 2, 1)]


@pytest.mark.one_database
def test_half_a_copy_of_a_night_before_does_not_stay(database, folder):
    """It would hold people who have been erased since, for ever and in no list of copies."""
    folder.mkdir()
    copy_of(folder, DAY).with_suffix(".part").write_bytes(b"half")
    copy = back_up(database, folder, DAY + timedelta(days=1))
    assert list(folder.iterdir()) == [copy]


@pytest.mark.one_database
def test_a_damaged_database_is_no_copy_and_leaves_the_old_ones(database, folder, make):
    make.category(make.lab("fjellvik"))
    first = back_up(database, folder, DAY, keep=1)
    with sqlite3.connect(str(database.url.database)) as raw:  # foreign keys are off here
        raw.execute("DELETE FROM lab")
    raw.close()
    with pytest.raises(Damaged, match="point nowhere"):
        back_up(database, folder, DAY + timedelta(days=1), keep=1)
    assert list(folder.iterdir()) == [first]


@pytest.mark.one_database
def test_the_worker_makes_the_first_at_once_and_the_others_at_night(app, database, config):
    def night(text):
        with app.app_context():
            assert jobs.run_job(database, jobs.job_named("backup"), datetime.fromisoformat(text))
        return [copy.stem[-10:] for copy in copies(config.instance / "backups")]

    assert night("2026-03-02T00:10:00+00:00") == ["2026-03-02"]
    assert night("2026-03-03T00:40:00+00:00") == ["2026-03-02"]
    assert night("2026-03-03T01:40:00+00:00") == ["2026-03-03", "2026-03-02"]
