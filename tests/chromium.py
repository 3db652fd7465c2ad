"""Finds the browser for the journeys; installs Debian's where that is allowed, else says the command.

The shell without a window is the same engine at half the cost of the whole browser.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

COMMAND = "apt-get install -y chromium-headless-shell fonts-dejavu-core"
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")


def find() -> str | None:
    """Return the path of the browser that the journeys use: the one that is named, or the lightest."""
    named = os.environ.get("LIVINGLAB_CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


def main() -> int:
    """Return 0 when there is a browser."""
    if find():
        return 0
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(f"The browser journeys need Chromium. Install it with: sudo {COMMAND}", file=sys.stderr)
        return 1
    print("Installing Chromium for the browser journeys …")
    quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    subprocess.run(["apt-get", "update"], check=True, **quiet)
    subprocess.run(COMMAND.split(), check=True, **quiet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
