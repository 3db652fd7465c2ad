"""Finds the browser for the journeys; installs Debian's where that is allowed, else says the command."""

import os
import shutil
import subprocess
import sys

COMMAND = "apt-get install -y chromium fonts-dejavu-core"


def main() -> int:
    """Return 0 when there is a browser."""
    if os.environ.get("LIVINGLAB_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser"):
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
