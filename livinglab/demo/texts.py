"""The demo's texts, as they lie in the package."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "texts"


@lru_cache(maxsize=8)
def read(name: str) -> Any:
    """Return the content of ``texts/<name>.json``; ``texts/README.md`` says what its fields mean."""
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
