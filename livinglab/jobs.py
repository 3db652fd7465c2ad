"""The whole schedule in one table. Every job is idempotent, safe to run twice, and callable by hand.

A job asks the database what is due, so one that was missed is made good at the next run. Source: DOMAIN 5.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from flask import Flask
from flask_babel import force_locale
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.backup import back_up, copies
from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from livinglab.core.files import remove_image
from livinglab.core.journal import EventTodo, Reader
from livinglab.core.leader import Leader, worker_name
from livinglab.core.mail import (
    MailServerAway,
    OutboxMail,
    Transport,
    claim_mails,
    settle_mail,
    transport_for,
)
from livinglab.core.runs import JobRun
from livinglab.handoff.commands import look_at_clocks
from livinglab.ideas.models import Idea
from livinglab.labs.commands import close_due_challenges, forget_old_invitations, renew_box_thresholds
from livinglab.labs.models import Challenge, ChallengeState
from livinglab.moderation.commands import end_suspensions
from livinglab.moderation.models import Suspension
from livinglab.notices.commands import deliver_notices, send_digests
from livinglab.notices.queries import mail_content
from livinglab.notices.rules.telling import Circle
from livinglab.pipeline.commands import monthly_door, open_reviews, reopen_by_support, return_from_hold
from livinglab.privacy.commands import forget_account, forget_old, forget_pictures
from livinglab.voting.commands import recount
from livinglab.voting.queries import active_people
from livinglab.web.database import database, db, settings
from livinglab.web.limits import forget_counts
from livinglab.web.locale import written_as
from livinglab.web.mailing import render_mail

log = structlog.get_logger()
LEASE_CHECK_S = 2.0
MOST_MAILS = 60
"""Mails that one run hands over; the next comes five seconds later."""
MOST_REFUSED = 5
"""After so many refusals in a row the server itself is ill: the rest waits, untried, for the next run."""
NIGHT_FROM = 1
"""Hour (UTC) from which the copy of a day is made."""
RECOUNTED = 500
"""Ideas whose numbers are counted anew in one transaction."""
MOST_ACCOUNTS = 200
"""Accounts never confirmed that one run erases; the rest goes with the next."""


@dataclass(frozen=True, slots=True)
class Job:
    """One line of the schedule.

    Args:
        every: How often it looks for what is due.
        run: Does what is due at an instant, inside an app context; opens its own transactions.
        about: What it does, for ``livinglab jobs list``.
        waits: Says whether anything waits for it. A worker with nothing to do only reads; one that is
            asked nothing looks for itself.
    """

    name: str
    every: timedelta
    run: Callable[[datetime], object]
    about: str
    waits: Callable[[Session, datetime], bool] | None = None


def _found(session: Session, *conditions: Any) -> bool:
    return bool(session.scalar(sa.select(sa.exists().where(*conditions))))


def _for_reader(reader: Reader) -> Callable[[Session, datetime], bool]:
    return lambda session, _now: _found(session, EventTodo.reader == reader)


def _mail_waits(session: Session, now: datetime) -> bool:
    unsent = (col(OutboxMail.sent_at).is_(None), col(OutboxMail.given_up_at).is_(None))
    return _found(session, *unsent, col(OutboxMail.next_try_at) <= max(now, utc_now()))


def _challenge_waits(session: Session, now: datetime) -> bool:
    return _found(session, Challenge.state == ChallengeState.OPEN, col(Challenge.closes_at) <= now)


def _suspension_waits(session: Session, now: datetime) -> bool:
    return _found(session, col(Suspension.ended_at).is_(None), col(Suspension.until) <= now)


def in_one_transaction(command: Callable[..., object]) -> Callable[[datetime], object]:
    """Make a job of a command that takes a session and ``now``."""

    def run(now: datetime) -> object:
        with db.writing() as session:
            return command(session, now=now)

    return run


def deliver_mails(now: datetime, *, transport: Transport | None = None, most: int = MOST_MAILS) -> int:
    """Hand the mails that are due to the mail server (or to files), each claimed and settled on its own.

    So a worker that is killed leaves one mail unsettled, not a batch; and where the mail server itself
    is away, or refuses whatever it is given, the rest waits for the next run untouched.
    """
    refused = 0
    way = transport or transport_for(settings().smtp_url, settings().instance)
    for tried in range(most):
        with db.writing() as session:
            mail = next(iter(claim_mails(session, now=_later(now, transport), limit=1)), None)
        if mail is None:
            return tried
        error, away = None, False
        try:
            _send(mail, way, now)
        except Exception as problem:
            error, away = f"{type(problem).__name__}: {problem}", isinstance(problem, MailServerAway)
            log.warning("mail not delivered", kind=mail.kind, error=type(problem).__name__)
        with db.writing() as session:
            settle_mail(session, mail.id or 0, now=_later(now, transport), error=error, away=away)
        refused = refused + 1 if error else 0
        if away or refused >= MOST_REFUSED:
            return tried + 1
    return most


def _later(now: datetime, transport: Transport | None) -> datetime:
    """Return the present: a run may last, and a lease begins when it is given. With a transport, ``now``."""
    return max(now, utc_now()) if transport is None else now


def _send(mail: OutboxMail, way: Transport, now: datetime) -> None:
    """Send one mail; what it tells is read now, so that what was hidden meanwhile is not told."""
    if "event_ids" not in mail.data:
        way.send(render_mail(mail))
        return
    with db.reading() as session, force_locale(written_as(mail.language)):
        circle = Circle(mail.data.get("circle", "followers")) if mail.kind == "event" else None
        content = mail_content(session, mail.data["event_ids"], mail.language, now, circle=circle)
    if content.ideas:
        with force_locale(written_as(mail.language)):
            message = render_mail(mail, content)
        way.send(message)


def in_steps(command: Callable[..., int], *, most: int, steps: int = 20) -> Callable[[datetime], object]:
    """Make a job of a command that may have much to do: a transaction for each ``most``, others between.

    Args:
        command: Takes a session, ``now`` and ``most``; returns how many it did.
        steps: After so many the rest waits for the next run.
    """

    def run(now: datetime) -> object:
        for _ in range(steps):
            with db.writing() as session:
                did = command(session, now=now, most=most)
            if did < most:
                break
        return None

    return run


def _renew_box_thresholds(now: datetime) -> None:
    with db.writing() as session:
        renew_box_thresholds(session, now, count_active=active_people)


def _forget(now: datetime) -> None:
    """Forget what is old; accounts one by one, then the files of pictures whose rows are gone."""
    with db.writing() as session:
        forget_old(session, now)
        forget_old_invitations(session, now)
        forget_counts(session, now)
    pictures: list[str] = []
    for _ in range(MOST_ACCOUNTS):
        with db.writing() as session:
            erased = forget_account(session, now)
        if erased is None:
            break
        pictures += erased.pictures
    with db.writing() as session:
        pictures += forget_pictures(session, now)
    for key in pictures:
        remove_image(settings().instance / "uploads", key)


def _recount(now: datetime) -> None:
    """Count the numbers of a 24th of all ideas anew: in a day each has had its turn, and no hour is long."""
    with db.reading() as session:
        most = (session.scalar(sa.select(sa.func.max(col(Idea.id)))) or 0) + 1
    first, beyond = (most * hour // 24 for hour in (now.hour, now.hour + 1))
    for start in range(first, beyond, RECOUNTED):
        with db.writing() as session:
            recount(session, first=start, beyond=min(start + RECOUNTED, beyond))


def _back_up(now: datetime) -> None:
    """Copy a SQLite database once a day, at night where there is a copy already. The demo is told anew."""
    folder = settings().instance / "backups"
    if not settings().demo and (now.hour >= NIGHT_FROM or not copies(folder)):
        back_up(database(), folder, now.date())


JOBS: tuple[Job, ...] = (
    Job(
        "reviews",
        timedelta(seconds=10),
        in_one_transaction(open_reviews),
        "Open reviews where enough people want one.",
        _for_reader(Reader.PIPELINE),
    ),
    Job(
        "notices",
        timedelta(seconds=10),
        in_steps(deliver_notices, most=20),
        "Tell people what the journal holds.",
        _for_reader(Reader.NOTICES),
    ),
    Job("mails", timedelta(seconds=5), deliver_mails, "Deliver the mails that wait.", _mail_waits),
    Job(
        "challenges",
        timedelta(minutes=1),
        in_one_transaction(close_due_challenges),
        "Close challenges at their instant.",
        _challenge_waits,
    ),
    Job(
        "suspensions",
        timedelta(minutes=5),
        in_steps(end_suspensions, most=20),
        "Let those come in again whose suspension is over.",
        _suspension_waits,
    ),
    Job(
        "handoffs",
        timedelta(hours=1),
        in_steps(look_at_clocks, most=100, steps=500),
        "Remind, mark as late and escalate.",
    ),
    Job(
        "digests",
        timedelta(minutes=15),
        in_steps(send_digests, most=100),
        "One mail a person and day, at 07:30 of the lab.",
    ),
    Job(
        "reopening",
        timedelta(hours=1),
        in_one_transaction(reopen_by_support),
        "Reopen what was declined and has new support.",
    ),
    Job(
        "monthly door",
        timedelta(hours=1),
        in_one_transaction(monthly_door),
        "Last weekday of the month: the best not yet reviewed.",
    ),
    Job(
        "thresholds",
        timedelta(hours=1),
        _renew_box_thresholds,
        "Renew the idea boxes' thresholds each month.",
    ),
    Job(
        "holds",
        timedelta(hours=1),
        in_one_transaction(return_from_hold),
        "Bring back what was on hold until today.",
    ),
    Job("retention", timedelta(hours=6), _forget, "Forget what is no longer needed."),
    Job("recount", timedelta(hours=1), _recount, "Count each idea’s numbers anew, once a day."),
    Job("backup", timedelta(hours=1), _back_up, "Each night a checked copy of a SQLite database."),
)


def job_named(name: str) -> Job:
    """Return a job of the table.

    Raises:
        LookupError: No such job.
    """
    for job in JOBS:
        if job.name == name:
            return job
    raise LookupError(name)


def run_job(database: Database, job: Job, now: datetime) -> bool:
    """Run a job and note how it went; an error is logged and never stops the worker.

    Where nothing waits for it that is noted once a minute, so that a site at rest writes hardly anything.

    Returns:
        Whether it ran without an error.
    """
    error: str | None = None
    try:
        if job.waits is not None and not _anything(database, job, now):
            _note_idle(database, job)
            return True
        _note(database, job, started_at=utc_now())
        job.run(now)
    except Exception as problem:
        error = f"{type(problem).__name__}: {problem}"[:500]
        log.exception("job failed", job=job.name)
    _idle_since.setdefault(database, {}).pop(job.name, None)
    try:
        _note(database, job, finished_at=utc_now(), error=error)
    except Exception:
        log.exception("job could not be noted", job=job.name)
    return error is None


NOTE_IDLE_EVERY = timedelta(seconds=55)
"""A job that looks once a minute is noted each time; ``/readyz`` tells of two silent minutes."""
_idle_since: WeakKeyDictionary[Database, dict[str, datetime]] = WeakKeyDictionary()
"""When this process last noted that a job had nothing to do."""


def _anything(database: Database, job: Job, now: datetime) -> bool:
    with database.reading() as session:
        return job.waits is None or job.waits(session, now)


def _note_idle(database: Database, job: Job) -> None:
    now, noted = utc_now(), _idle_since.setdefault(database, {})
    last = noted.get(job.name)
    if last is None or not timedelta() <= now - last < NOTE_IDLE_EVERY:
        _note(database, job, started_at=now, finished_at=now)
        noted[job.name] = now


def _note(
    database: Database,
    job: Job,
    *,
    started_at: datetime | None = None,
    finished_at: datetime | None = None,
    error: str | None = None,
) -> None:
    with database.writing() as session:
        row = session.get(JobRun, job.name) or JobRun(name=job.name, started_at=utc_now(), leader="")
        row.leader = worker_name()
        if started_at:
            row.started_at, row.finished_at = started_at, None
        if finished_at:
            row.finished_at, row.error, row.runs = finished_at, error, row.runs + 1
        session.add(row)


def last_runs(session: Session) -> dict[str, JobRun]:
    """Return the last run of each job, by name."""
    return {row.name: row for row in session.scalars(select(JobRun))}


def work(app: Flask, leader: Leader, stop: threading.Event) -> None:
    """Run the schedule while this process leads, until it is told to stop."""
    scheduler = BackgroundScheduler(
        timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 60}
    )
    for job in JOBS:
        scheduler.add_job(
            _run_in_app, IntervalTrigger(seconds=job.every.total_seconds()), args=[app, job], id=job.name
        )
    scheduler.start(paused=True)
    leads: bool | None = None
    while not stop.is_set():
        if (held := leader.held()) is not leads:
            leads = held
            log.info("worker leads" if leads else "worker waits", worker=worker_name())
            if leads:
                _begin(scheduler)
            else:
                scheduler.pause()
        stop.wait(LEASE_CHECK_S)
    scheduler.shutdown(wait=True)
    leader.release()


def _begin(scheduler: BackgroundScheduler) -> None:
    for job in JOBS:
        scheduler.modify_job(job.name, next_run_time=utc_now() + timedelta(seconds=1))
    scheduler.resume()


def _run_in_app(app: Flask, job: Job) -> None:
    with app.app_context():
        run_job(app.extensions["livinglab.database"], job, utc_now())
