"""A town of any size in an empty database, for measuring: quick, the same for the same seed.

``build(database, ideas=100_000)`` fills labs, people, challenges, units, ideas with their supports,
comments, credits, followers, reviews, proposals, decisions, handoffs, answers, open moderation cases,
journal and what search reads, so that counters equal a recount (I-3), stages follow the table of moves (I-6) and deadlines are
those of the rules. By hand: ``python -m tests.bench.town URL [IDEAS]``.
"""

from __future__ import annotations

import random
from datetime import datetime

from livinglab.core.db import Database
from tests.bench.bulk import Bar, bulk
from tests.bench.town.course import write_cases, write_handoffs, write_journal, write_reviews
from tests.bench.town.people import write_people
from tests.bench.town.plan import NOW, Town, plan_of
from tests.bench.town.records import write_circles, write_comments, write_ideas, write_search, write_supports


def build(
    database: Database, *, ideas: int = 100_000, seed: int = 1, now: datetime = NOW, progress: bool = True
) -> dict[str, int]:
    """Fill a migrated, empty database with a town.

    Args:
        ideas: How many ideas; residents are a fifth of them, at least 500.
        seed: The same seed gives the same town.
        now: The instant by which deadlines are in time or late.

    Returns:
        Rows by table.
    """
    town = Town(random.Random(seed), now)  # a town, not a secret
    bar = Bar(f"{ideas:,} ideas", 12) if progress else Bar("", 12, out=_Silent())
    with bulk(database) as write:
        bar.step("people")
        write_people(write, town, max(500, ideas // 5))
        bar.step("plan")
        plans = [plan_of(town, number) for number in range(1, ideas + 1)]
        for name, part in (
            ("ideas", write_ideas),
            ("search", write_search),
            ("supports", write_supports),
            ("comments", write_comments),
            ("circles", write_circles),
            ("reviews", write_reviews),
            ("handoffs", write_handoffs),
            ("cases", write_cases),
            ("journal", write_journal),
        ):
            bar.step(name)
            part(write, town, plans)
        bar.step("statistics")
        counts = write.counts
    bar.end()
    return counts


class _Silent:
    def isatty(self) -> bool:
        return False
