"""``demo``: three labs, their people and a year of work; and the greeting at the terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from livinglab.cli.ground import Factory, open_database, pass_factory, settings
from livinglab.config import Config

PEOPLE = Path(__file__).parent.parent / "demo" / "texts" / "people.json"
ROLES = {
    "resident": "Resident",
    "facilitator": "Facilitator",
    "lead": "Project lead",
    "unit_member": "Receiving unit",
    "manager": "Lab manager",
    "admin": "Administrator",
}


@click.command()
@click.option("--reset", is_flag=True, help="Empty the demo's database first.")
@pass_factory
def demo(create_app: Factory, reset: bool) -> None:
    """Fill an empty database with three labs, their people and a year of work."""
    config = settings()
    if not config.demo:
        raise click.ClickException("Only in demo mode (LIVINGLAB_DEMO=1): this is no place for real data.")
    from livinglab.core import schema

    with open_database(config) as database:
        if reset:
            schema.downgrade(database, "base")
        schema.upgrade(database)
    if not load_once(create_app, config):
        click.echo("There are labs already. To start the story anew: livinglab demo --reset")


def load_once(create_app: Factory, config: Config) -> bool:
    """Tell the demo's story to a database that holds no lab yet.

    Returns:
        Whether it was told.
    """
    if _has_labs(config):
        return False
    from livinglab.core.clock import utc_now
    from livinglab.demo import load

    app = create_app(config)
    click.echo("Loading the demo: three labs and what happened in them …")
    with app.app_context():
        load(app.extensions["livinglab.database"], utc_now(), progress=_progress)
    app.extensions["livinglab.database"].close()
    _progress(1, 1)
    click.echo("")
    return True


def _has_labs(config: Config) -> bool:
    import sqlalchemy as sa

    with open_database(config) as database, database.engine.connect() as connection:
        return connection.execute(sa.text("SELECT id FROM lab LIMIT 1")).first() is not None


def _progress(done: int, total: int) -> None:
    if not sys.stdout.isatty():
        return
    click.echo(f"\r  {done * 100 // max(total, 1):3d} %", nl=False)


def greet(config: Config) -> None:
    """Print where the site is, and in the demo whom one may sign in as."""
    click.echo(f"\nLivinglab is at {config.base_url}")
    if config.demo:
        click.echo(f"Sign in with one click at {config.base_url}/sign-in?lang=en as one of these:\n")
        people = [person for person in json.loads(PEOPLE.read_text("utf-8")) if person["demo_login"]]
        for role, title in ROLES.items():
            names = ", ".join(person["name"] for person in people if person["role"] == role)
            click.echo(f"  {title:15} {names}")
    click.echo("\nCtrl-C ends it.\n")
