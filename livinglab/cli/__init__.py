"""``livinglab …``: what an operator types.

Rooms are imported inside the commands that need them, so that a start does not wait for all of them.
"""

import click

from livinglab.cli.doctor import doctor
from livinglab.cli.ground import Commands
from livinglab.cli.keeping import create_admin, jobs_, schema, show_config
from livinglab.cli.serving import serve, worker
from livinglab.cli.story import demo


@click.group(cls=Commands)
@click.version_option(package_name="livinglab")
def main() -> None:
    """Livinglab: from a resident's idea to a running service."""


for command in (serve, worker, demo, create_admin, schema, jobs_, show_config, doctor):
    main.add_command(command)
