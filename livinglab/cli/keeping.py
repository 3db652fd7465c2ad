"""What an operator does now and then: the first administrator, the schema, jobs by hand, a look around."""

from __future__ import annotations

import sys
from dataclasses import fields

import click

from livinglab.cli.ground import Factory, know_every_table, make_ready, open_database, pass_factory, settings
from livinglab.config import Config

SECRETS = ("secret_key", "smtp_url", "database_url")


@click.command("create-admin")
@click.option("--email", prompt="E-mail address", help="Where mails to the administrator go.")
@click.option("--name", prompt="Name", help="First name and last name.")
@click.option("--password", default=None, help="Asked for when left out, which keeps it out of the history.")
def create_admin(email: str, name: str, password: str | None) -> None:
    """Make the first administrator, or make an account one; the rest is done in the browser."""
    config = settings()
    make_ready(config)
    know_every_table()
    from livinglab.core.clock import utc_now
    from livinglab.core.errors import Refused
    from livinglab.people import commands

    secret = password or click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        with open_database(config) as database, database.writing() as session:
            commands.create_admin(
                session,
                email=email,
                name=name,
                password=secret,
                now=utc_now(),
                language=config.default_language,
            )
    except Refused as problem:
        raise click.ClickException(str(problem.reason)) from None
    click.echo(f"{name} may now sign in at {config.base_url}/sign-in")


@click.group("db")
def schema() -> None:
    """The schema of the database."""


@schema.command()
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Bring the schema up to date."""
    from livinglab.core import schema

    with open_database(settings()) as database:
        schema.upgrade(database, revision)
        click.echo(f"The schema is at {schema.standing(database)[0]}.")


@schema.command()
@click.argument("revision")
def downgrade(revision: str) -> None:
    """Take the schema back to a revision, or to "base" (which empties it)."""
    from livinglab.core import schema

    with open_database(settings()) as database:
        schema.downgrade(database, revision)
        click.echo(f"The schema is at {schema.standing(database)[0] or 'base'}.")


@schema.command()
def check() -> None:
    """Say whether the schema is the program's; exit 1 when not."""
    from livinglab.core import schema

    know_every_table()
    with open_database(settings()) as database:
        current, newest = schema.standing(database)
        found = schema.differences(database) if current == newest else []
    click.echo(f"Database at {current or 'base'}, program at {newest}, {len(found)} differences.")
    for difference in found:
        click.echo(f"  {difference}")
    sys.exit(0 if current == newest and not found else 1)


@click.group("jobs")
def jobs_() -> None:
    """What the worker does."""


@jobs_.command("list")
def list_jobs() -> None:
    """Show each job, how often it looks, and how it went last."""
    from livinglab import jobs

    with open_database(settings()) as database, database.reading() as session:
        runs = jobs.last_runs(session)
    for job in jobs.JOBS:
        run = runs.get(job.name)
        last = "never run" if run is None else f"{run.finished_at or run.started_at:%Y-%m-%d %H:%M:%S} UTC"
        trouble = f"  ERROR {run.error}" if run and run.error else ""
        click.echo(f"{job.name:13} every {job.every!s:8} {last:24} {job.about}{trouble}")


@jobs_.command("once")
@click.argument("name", default="")
@pass_factory
def run_once(create_app: Factory, name: str) -> None:
    """Run one job now, or each of them once; exit 1 when one failed."""
    from livinglab import jobs
    from livinglab.core.clock import utc_now

    try:
        chosen = (jobs.job_named(name),) if name else jobs.JOBS
    except LookupError:
        known = ", ".join(job.name for job in jobs.JOBS)
        raise click.ClickException(f"There is no job {name!r}. There are: {known}") from None
    app = create_app(settings())
    with app.app_context():
        database = app.extensions["livinglab.database"]
        went_well = [jobs.run_job(database, job, utc_now()) for job in chosen]
    sys.exit(0 if all(went_well) else 1)


@click.command("config")
def show_config() -> None:
    """Print the settings in force, secrets masked."""
    config = settings()
    for item in fields(Config):
        value = getattr(config, item.name)
        click.echo(f"{item.name} = {'***' if item.name in SECRETS and value else value}")
