"""Build from the command line."""

from __future__ import annotations

import sys
import time

from livinglab.core import schema
from livinglab.core.db import Database
from tests.bench.town import build


def main() -> None:
    """Build from the command line."""
    url, ideas = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    database = Database(url)
    schema.upgrade(database)
    began = time.monotonic()
    counts = build(database, ideas=ideas)
    rows = sum(counts.values())
    print(f"{rows:,} rows in {time.monotonic() - began:.1f} s: {counts}")
    database.close()


main()
