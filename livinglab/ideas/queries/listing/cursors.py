"""Where a page goes on: a cursor is believed if it has the shape of its order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from livinglab.ideas.models import RING
from livinglab.ideas.queries.listing.shapes import Order

_SHAPES = {
    "f": "ifi",  # fair: seed, key, id
    "n": "ti",  # newest: microseconds, id
    "m": "ii",  # match: score, id
    "b": "tii",  # best supported, open: instant, supports, id
    "h": "tifi",  # best supported, hidden: instant, seed, key, id
}
"""By the first letter of a cursor: i is a column's integer, t a time as a whole number, f a key."""
_OF_ORDER = {Order.FAIR: "f", Order.NEWEST: "n", Order.MATCH: "m", Order.BEST: "bh"}


def place_in(order: Order, after: Sequence[Any] | None) -> tuple[Any, ...] | None:
    """Return the cursor if it belongs to this order and has its shape."""
    if not after or not isinstance(after[0], str) or len(after[0]) != 1 or after[0] not in _OF_ORDER[order]:
        return None
    shape = _SHAPES[after[0]]
    fits = len(after) == len(shape) + 1 and all(map(_fits, after[1:], shape))
    return tuple(after) if fits else None


def _fits(value: object, kind: str) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if kind == "f":
        return math.isfinite(value) and abs(value) < 2**20
    return isinstance(value, int) and abs(value) < (RING if kind == "i" else 2**53)
