"""``python -m livinglab`` and the ``livinglab`` command."""

from livinglab.app import create_app
from livinglab.cli import main as commands


def main() -> None:
    """Run the command line with the app's factory at hand."""
    commands(obj=create_app, prog_name="livinglab")


if __name__ == "__main__":
    main()
