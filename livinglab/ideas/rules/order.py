"""When numbers are shown (rule V4), and how the fair order runs (rule V5)."""

from __future__ import annotations

import hashlib
import math
from datetime import datetime, timedelta

from livinglab.ideas.models import (
    RING,
)

GLANCES = 8
"""How many classes of b the fair order knows."""


def counts_open_at(
    published_at: datetime | None, hidden_hours: int, counts_from: datetime | None, closes_at: datetime | None
) -> datetime | None:
    """Return from when the idea's supports are shown as a number; ``None`` before it is published.

    Args:
        hidden_hours: Lab setting, 72 by default.
        counts_from: The challenge's own "counts shown from"; its closing where empty.

    Source: rule V4.
    """
    if published_at is None:
        return None
    return max(published_at + timedelta(hours=hidden_hours), counts_from or closes_at or published_at)


def counts_open(opens_at: datetime | None, now: datetime) -> bool:
    """Say whether the number may be shown now."""
    return opens_at is not None and opens_at <= now


def band_of(supports: int) -> int:
    """Return the band shown while the number is hidden: 1 is 0–9, 2 is 10–24, 3 is 25 and more."""
    return 1 if supports < 10 else 2 if supports < 25 else 3


def glance_of(viewers: int) -> int:
    """Return b, the class of an idea in the fair order, for the people who saw its card."""
    return min(GLANCES - 1, int(math.log2(viewers + 1)))


def seed_of_hour(now: datetime) -> int:
    """Return the seed that turns the ring during the hour of an instant."""
    hour = int(now.timestamp()) // 3600
    return int.from_bytes(hashlib.sha256(f"fair order {hour}".encode()).digest()[:8], "big") % RING


def fair_key(glance: int, ring: int, seed: int) -> float:
    """Return an idea's place in the fair order under a seed; smaller comes first.

    An exponential waiting time with mean 2^b: the chance to come first is in proportion to 1/2^b.
    Source: DESIGN section 1, the fair order.
    """
    turned = ((ring - seed) % RING) / RING
    return float(2**glance) * -math.log1p(-turned)


def ring_spans(glance: int, seed: int, after_key: float | None) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the two open intervals of the ring that hold what comes after a key, in order.

    They begin two steps early against rounding; the exact (key, id) sorts out the overlap.
    """
    passed = 0.0 if after_key is None else -math.expm1(-after_key / 2**glance)
    low = seed + max(int(passed * RING) - 2, -1)
    if low < RING:
        return (low, RING), (-1, seed)
    return (RING, RING), (low - RING, seed)
