"""``python -m livinglab`` and the ``livinglab`` command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livinglab.cli import main as commands

if TYPE_CHECKING:
    from flask import Flask

    from livinglab.config import Config


def create_app(config: Config) -> Flask:
    """Build the app; imported only by commands that need it, as it takes a second or two."""
    from livinglab.app import create_app as build

    return build(config)


def main() -> None:
    """Run the command line with the app's factory at hand."""
    commands(obj=create_app, prog_name="livinglab")


if __name__ == "__main__":
    main()
