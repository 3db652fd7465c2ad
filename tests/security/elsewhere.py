"""Another web process on the same database, as it runs for people: asked line by line, it answers line by line.

``python -m tests.security.elsewhere <database> <instance>``; each line in is a request as JSON, each line out
that begins with ``=>`` its status.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from livinglab.app import create_app
from livinglab.config import Config
from tests.conftest import SECRET


def main(database_url: str, instance: str) -> None:
    """Answer until nobody asks any more."""
    config = Config(
        instance=Path(instance), database_url=database_url, secret_key=SECRET, base_url="http://localhost",
        log_level="ERROR",
    )  # fmt: skip
    app = create_app(config)
    app.config["WTF_CSRF_ENABLED"] = False  # the other tests try that; here it is about who asks
    client = app.test_client(use_cookies=False)
    for line in sys.stdin:
        asked = json.loads(line)
        with client.open(asked["path"], method=asked["method"], headers=asked["headers"]) as answer:
            print("=>", answer.status_code, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
