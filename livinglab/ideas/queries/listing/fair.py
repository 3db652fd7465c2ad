"""The fair order: a ring that every hour begins elsewhere (rule V5)."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.ideas.models import RING, Idea
from livinglab.ideas.queries.cards import IdeaCard, card_of, card_query
from livinglab.ideas.queries.listing.narrowing import Shape, bound, conditions, shape_of, values_of
from livinglab.ideas.queries.listing.shapes import CardPage, Conditions, Filter
from livinglab.ideas.rules import GLANCES, fair_key, ring_spans, seed_of_hour

OVERLAP = 8
"""Rows read beyond a page in each class: the span begins a little early against rounding."""


def fair_page(
    session: Session, wanted: Filter, now: datetime, place: tuple[Any, ...] | None, size: int
) -> CardPage:
    """Return a page in fair order; the seed of the first page is carried along."""
    seed, start = (place[1] % RING, (place[2], place[3])) if place else (seed_of_hour(now), None)
    if wanted.words:
        query, values = ring_query(conditions(session, wanted), size), {}
    else:
        query, values = _known_ring(shape_of(wanted), size), values_of(wanted)
    cards, last = next_on_ring(session, query, values, now=now, seed=seed, start=start, size=size)
    return CardPage(cards, ("f", seed, *last) if last else None)


def next_on_ring(
    session: Session,
    query: sa.Select[Any],
    values: dict[str, Any],
    *,
    now: datetime,
    seed: int,
    start: tuple[float, int] | None,
    size: int,
) -> tuple[tuple[IdeaCard, ...], tuple[float, int] | None]:
    """Return the next cards on the ring, and the place of the last one where more follow.

    For each class b the ring is read from where the key stands, in two spans around its end; the
    classes are merged by key. Each span is a range of the index (…, glance, ring, id).
    """
    values = {**values}
    for glance in range(GLANCES):
        for turn, (low, high) in enumerate(ring_spans(glance, seed, start[0] if start else None)):
            values[f"low{glance}{turn}"], values[f"high{glance}{turn}"] = low, high
    rows = session.connection().execute(query, values).all()
    keyed = sorted(((fair_key(row.glance, row.ring, seed), row.id), row) for row in rows)
    ahead = [(key, row) for key, row in keyed if start is None or key > start]
    cards = tuple(card_of(row, now) for _, row in ahead[:size])
    return cards, ahead[size - 1][0] if len(ahead) > size else None


def ring_query(narrowed: Conditions, size: int) -> sa.Select[Any]:
    """Return the statement that reads a page of cards off the ring; its spans are bound when it runs.

    Where PostgreSQL plans for any values it must see that few rows are wanted of many, or it sorts all of
    them instead of walking the index. So their number stands in the statement, and where a span ends is
    asked of the rows that were read: between two ends that it does not know it expects hardly anything.
    """
    ring: Any = col(Idea.ring)
    most = size + OVERLAP
    classes: list[Any] = []
    for glance in range(GLANCES):
        parts = []
        for turn in range(2):
            low, high = (sa.bindparam(f"{end}{glance}{turn}", type_=sa.Integer) for end in ("low", "high"))
            onward = (
                sa.select(col(Idea.id).label("id"), ring.label("ring"), sa.literal(turn).label("turn"))
                .where(*narrowed, col(Idea.glance) == glance, ring > low)
                .order_by(ring, col(Idea.id))
                .limit(most)
                .subquery()
            )
            parts.append(sa.select(onward).where(onward.c.ring < high))
        both = sa.union_all(*parts).subquery()
        in_order = sa.select(both.c.id).order_by(both.c.turn, both.c.ring, both.c.id)
        classes.append(sa.select(in_order.limit(most).subquery().c.id))
    near = sa.union_all(*classes).subquery("near")
    return card_query(near)


@lru_cache(maxsize=512)
def _known_ring(shape: Shape, size: int) -> sa.Select[Any]:
    """Return the ring's statement for a combination of filters: building it costs more than running it."""
    return ring_query(bound(shape), size)
