"""What a list is narrowed to, its orders, and one page of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from livinglab.ideas.models import Activity, Stage
from livinglab.ideas.queries.cards import IdeaCard
from livinglab.ideas.queries.words import Hits

PAGE_SIZE = 24


class Order(StrEnum):
    """In which order a list runs."""

    FAIR = "fair"
    NEWEST = "newest"
    BEST = "best"
    MATCH = "match"
    """Only with search words."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has found in a place.

    Args:
        anywhere: At every stage,
        here: and at the one asked for.
    """

    anywhere: Hits
    here: Hits


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list is narrowed to.

    Args:
        box: Only ideas of the idea box, which belong to no challenge.
        late: Only those for which somebody is past a deadline (rule H3).
        author_id: Only those of this person ("mine").
        words: Only those that hold all of them,
        found: which have been looked up already.
    """

    lab_id: int | None = None
    challenge_id: int | None = None
    box: bool = False
    stage: Stage | None = None
    activity: Activity | None = None
    category_id: int | None = None
    language: str = ""
    author_id: int | None = None
    late: bool = False
    words: str = ""
    found: Found | None = None


@dataclass(frozen=True, slots=True)
class CardPage:
    """One page of cards.

    Args:
        after: Values of the cursor to the next page; ``None`` on the last one.
        hidden_from: Index of the first card whose count is hidden, in "best supported"; else ``None``.
    """

    cards: tuple[IdeaCard, ...]
    after: tuple[Any, ...] | None = None
    hidden_from: int | None = None


Conditions = list[sa.ColumnElement[bool]]
HiddenHours = dict[int, int]
"""Hours for which counts are hidden, by lab."""
