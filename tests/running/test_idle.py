"""A worker at rest hardly writes, and what comes in is done at once all the same."""

from __future__ import annotations

from datetime import timedelta

import time_machine
from flask import Flask
from sqlmodel import select

from livinglab import jobs
from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from livinglab.core.mail import OutboxMail, queue_mail
from livinglab.core.runs import JobRun
from tests.make import NOON

FAST = [job for job in jobs.JOBS if job.waits is not None]


def look(app: Flask, database: Database, *, minutes: int) -> dict[str, int]:
    """Let the fast jobs look every ten seconds; return how often each was noted."""
    with app.app_context(), time_machine.travel(NOON, tick=False) as clock:
        for _ in range(minutes * 6):
            assert all(jobs.run_job(database, job, utc_now()) for job in FAST)
            clock.shift(timedelta(seconds=10))
    with database.reading() as session:
        return {row.name: row.runs for row in session.scalars(select(JobRun))}


def test_a_worker_with_nothing_to_do_notes_each_job_once_a_minute(app: Flask, database: Database) -> None:
    assert look(app, database, minutes=3) == {job.name: 3 for job in FAST}
    with database.reading() as session:
        rows = session.scalars(select(JobRun)).all()
        assert {row.finished_at for row in rows} == {NOON + timedelta(minutes=2)}


def test_what_comes_in_is_done_at_the_next_look_and_an_error_is_gone_with_the_next(
    app: Flask, database: Database
) -> None:
    look(app, database, minutes=1)
    with database.writing() as session:
        queue_mail(
            session, "password-changed", address="kari@example.org", language="nb", now=utc_now(), data={"path": "/reset"}
        )  # fmt: skip
    mails = jobs.job_named("mails")
    with app.app_context():
        assert jobs.run_job(database, mails, utc_now())
        with database.reading() as session:
            assert session.scalars(select(OutboxMail.sent_at)).one() is not None

        def fail(_now: object) -> None:
            raise OSError("no room on the disk")

        assert not jobs.run_job(database, jobs.Job(mails.name, mails.every, fail, mails.about), utc_now())
        assert jobs.run_job(database, mails, utc_now())
    with database.reading() as session:
        assert session.get_one(JobRun, "mails").error is None
