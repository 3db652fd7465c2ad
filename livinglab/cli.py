"""``livinglab …``: what an operator types.

Rooms are imported inside the commands that need them, so that a start does not wait for all of them.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from livinglab.config import Config, UnsafeConfig, guard, load_config, with_secret
from livinglab.core.glance import Glance, look_at

if TYPE_CHECKING:
    from flask import Flask

    from livinglab.core.db import Database

Factory = Callable[[Config], "Flask"]
pass_factory = click.pass_obj
DEMO_PEOPLE = Path(__file__).parent / "demo" / "texts" / "people.json"
SECRETS = ("secret_key", "smtp_url", "database_url")


@click.group()
@click.version_option(package_name="livinglab")
def main() -> None:
    """Livinglab: from a resident's idea to a running service."""


def _config() -> Config:
    try:
        return with_secret(load_config())
    except UnsafeConfig as problem:
        raise click.ClickException(str(problem)) from None


def _database(config: Config) -> Database:
    from livinglab.core.db import Database

    if config.database.startswith("sqlite"):
        config.instance.mkdir(parents=True, exist_ok=True)
    return Database(config.database)


def _glance(config: Config) -> Glance:
    prefix = "sqlite:///"
    return (
        look_at(Path(config.database.removeprefix(prefix)))
        if config.database.startswith(prefix)
        else Glance()
    )


def _ready(config: Config) -> None:
    """Bring the schema up to date where that is ours to do; else say which command does it."""
    from sqlalchemy.exc import OperationalError

    from livinglab.core import schema

    database = _database(config)
    try:
        if database.is_sqlite or config.demo:
            schema.upgrade(database)
        elif not schema.is_current(database):
            raise click.ClickException("The database is not up to date. Run: livinglab db upgrade")
    except OperationalError as problem:
        raise click.ClickException(f"The database does not answer: {problem.orig}") from None
    finally:
        database.close()


# ── serving ─────────────────────────────────────────────────────────────────────────────────────


@main.command()
@click.option("--host", default=None, help="Address to listen on; 127.0.0.1 unless said.")
@click.option("--port", type=int, default=None, help="Port; PORT, else 8000.")
@click.option("--workers", type=int, default=None, help="Web processes; one on SQLite, else two.")
@click.option("--with-worker", is_flag=True, help="Start the worker beside it, too.")
@click.option("--prepared", is_flag=True, hidden=True, help="The parent has looked after schema and demo.")
@pass_factory
def serve(
    create_app: Factory,
    host: str | None,
    port: int | None,
    workers: int | None,
    with_worker: bool,
    prepared: bool,
) -> None:
    """Serve the site."""
    config = _config()
    host, port = host or "127.0.0.1", port or int(os.environ.get("PORT") or 8000)
    workers = workers or (1 if config.database.startswith("sqlite") else 2)
    _may_serve(config, host, port)
    there = Glance(current=True, has_labs=True) if prepared else _glance(config)
    if not there.current:
        _ready(config)
    if config.demo and not there.has_labs:
        _load_demo_once(create_app, config)
    if with_worker:
        _greet(config)
        sys.exit(_together(host, port, workers))
    _granian(host, port, workers)


def _may_serve(config: Config, host: str, port: int) -> None:
    try:
        guard(config)
        if config.demo and host not in ("127.0.0.1", "localhost", "::1"):
            raise UnsafeConfig("Demo mode only listens on this machine's own address.")
    except UnsafeConfig as problem:
        raise click.ClickException(str(problem)) from None
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise click.ClickException(
                f"Port {port} is taken. Choose another: PORT={port + 1} make run"
            ) from None


def _granian(host: str, port: int, workers: int) -> None:
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    Server(
        "livinglab.app:create_app",
        factory=True,
        address=host,
        port=port,
        workers=workers,
        interface=Interfaces.WSGI,
        blocking_threads=2,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
    ).serve()


def _together(host: str, port: int, workers: int) -> int:
    """Run web server and worker as two children; when one ends, so does the other.

    Returns:
        0 when somebody asked it to stop, else 1.
    """
    own = [sys.executable, "-m", "livinglab"]
    serving = [*own, "serve", "--prepared", "--host", host, "--port", str(port), "--workers", str(workers)]
    children = [subprocess.Popen(line, start_new_session=True) for line in (serving, [*own, "worker"])]
    asked = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        asked.set()

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, stop)
    while not asked.wait(0.2):
        if any(child.poll() is not None for child in children):
            break
    _end(children)
    return 0 if asked.is_set() else 1


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + 10
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@main.command()
@pass_factory
def worker(create_app: Factory) -> None:
    """Run the jobs: deliver, remind, keep the clocks."""
    from livinglab import jobs
    from livinglab.core.leader import leader_for

    config = _config()
    app = create_app(config)
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    jobs.work(app, leader_for(app.extensions["livinglab.database"], config.instance), stop)


# ── the demo ────────────────────────────────────────────────────────────────────────────────────


@main.command()
@click.option("--reset", is_flag=True, help="Empty the demo's database first.")
@pass_factory
def demo(create_app: Factory, reset: bool) -> None:
    """Fill an empty database with three labs, their people and a year of work."""
    config = _config()
    if not config.demo:
        raise click.ClickException("Only in demo mode (LIVINGLAB_DEMO=1): this is no place for real data.")
    from livinglab.core import schema

    database = _database(config)
    if reset:
        schema.downgrade(database, "base")
    schema.upgrade(database)
    database.close()
    _load_demo_once(create_app, config)


def _load_demo_once(create_app: Factory, config: Config) -> None:
    from livinglab.core.clock import utc_now
    from livinglab.demo import load

    if _has_labs(config):
        return
    app = create_app(config)
    database: Database = app.extensions["livinglab.database"]
    click.echo("Loading the demo: three labs and what happened in them …")
    with app.app_context():
        load(database, utc_now(), progress=_progress)
    database.close()
    click.echo("")


def _has_labs(config: Config) -> bool:
    import sqlalchemy as sa

    database = _database(config)
    with database.engine.connect() as connection:
        found = connection.execute(sa.text("SELECT id FROM lab LIMIT 1")).first() is not None
    database.close()
    return found


def _progress(done: int, total: int) -> None:
    click.echo(f"\r  {done * 100 // max(total, 1):3d} %", nl=False)


def _greet(config: Config) -> None:
    click.echo(f"\nLivinglab: {config.base_url}")
    if config.demo:
        click.echo(f"Sign in with one click at {config.base_url}/sign-in as one of:")
        for person in json.loads(DEMO_PEOPLE.read_text("utf-8")):
            if person["demo_login"]:
                click.echo(f"  {person['name']}" + (f", {person['title']}" if person["title"] else ""))
    click.echo("Ctrl-C ends it.\n")


# ── people, schema, jobs ────────────────────────────────────────────────────────────────────────


@main.command("create-admin")
@click.option("--email", prompt="E-mail address")
@click.option("--name", prompt="Name")
@click.option("--password", default=None, help="Asked for when left out.")
def create_admin_(email: str, name: str, password: str | None) -> None:
    """Make the first administrator; the rest is done in the browser."""
    config = _config()
    _ready(config)
    from livinglab.core.clock import utc_now
    from livinglab.core.errors import Refused
    from livinglab.people.commands import create_admin

    secret = password or click.prompt("Password", hide_input=True, confirmation_prompt=True)
    database = _database(config)
    try:
        with database.writing() as session:
            create_admin(session, email=email, name=name, password=secret, now=utc_now())
    except Refused as problem:
        raise click.ClickException(str(problem.reason)) from None
    finally:
        database.close()
    click.echo(f"{name} may now sign in at {config.base_url}/sign-in")


@main.group("db")
def db_() -> None:
    """The schema of the database."""


@db_.command()
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Bring the schema up to date."""
    from livinglab.core import schema

    database = _database(_config())
    schema.upgrade(database, revision)
    click.echo(f"The schema is at {schema.standing(database)[0]}.")


@db_.command()
@click.argument("revision")
def downgrade(revision: str) -> None:
    """Take the schema back to a revision, or to "base" (which empties it)."""
    from livinglab.core import schema

    database = _database(_config())
    schema.downgrade(database, revision)
    click.echo(f"The schema is at {schema.standing(database)[0] or 'base'}.")


@db_.command()
def check() -> None:
    """Say whether the schema is the program's; exit 1 when not."""
    from livinglab.core import schema

    database = _database(_config())
    current, newest = schema.standing(database)
    found = schema.differences(database) if current == newest else []
    click.echo(f"Database at {current or 'base'}, program at {newest}, {len(found)} differences.")
    for difference in found:
        click.echo(f"  {difference}")
    sys.exit(0 if current == newest and not found else 1)


@main.group("jobs")
def jobs_() -> None:
    """What the worker does."""


@jobs_.command("list")
def list_jobs() -> None:
    """Show each job, how often it looks, and how it went last."""
    from livinglab import jobs

    database = _database(_config())
    with database.reading() as session:
        runs = jobs.last_runs(session)
    for job in jobs.JOBS:
        run = runs.get(job.name)
        last = "never run" if run is None else f"{run.finished_at or run.started_at:%Y-%m-%d %H:%M:%S} UTC"
        trouble = f"  ERROR {run.error}" if run and run.error else ""
        click.echo(f"{job.name:18} every {job.every!s:16} {last}  {job.about}{trouble}")


@jobs_.command("once")
@click.argument("name")
@pass_factory
def run_once(create_app: Factory, name: str) -> None:
    """Run one job now, by hand."""
    from livinglab import jobs
    from livinglab.core.clock import utc_now

    try:
        job = jobs.job_named(name)
    except LookupError:
        known = ", ".join(job.name for job in jobs.JOBS)
        raise click.ClickException(f"There is no job {name!r}. There are: {known}") from None
    app = create_app(_config())
    with app.app_context():
        fine = jobs.run_job(app.extensions["livinglab.database"], job, utc_now())
    sys.exit(0 if fine else 1)


@main.command("config")
def show_config() -> None:
    """Print the settings in force, secrets masked."""
    config = _config()
    for item in fields(Config):
        value = getattr(config, item.name)
        click.echo(f"{item.name} = {'***' if item.name in SECRETS and value else value}")


@main.command()
def doctor() -> None:
    """Look for what would give trouble."""
    import sqlite3

    config = _config()
    found = []
    if config.database.startswith("sqlite") and sqlite3.sqlite_version_info < (3, 51, 3):
        found.append(
            f"SQLite {sqlite3.sqlite_version} may damage its log with several writers (fixed in 3.51.3). "
            "Fine for a demo; with more than one web process use PostgreSQL."
        )
    if not config.smtp_url:
        found.append(f"No mail server is set: mails are written to {config.instance / 'outbox'}.")
    if (
        not (Path(__file__).parent.parent / "static/vendor/.stamp").exists()
        and not (Path(__file__).parent / "_assets/static/vendor/.stamp").exists()
    ):
        found.append("The front-end files are missing. Run: make setup")
    try:
        guard(config)
    except UnsafeConfig as problem:
        found.append(str(problem))
    for line in found or ["Nothing found."]:
        click.echo(f"- {line}")
