"""The newest first; and for a search the best matches first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.ideas.models import Idea
from livinglab.ideas.queries.cards import card_of, card_query, cards_by_id
from livinglab.ideas.queries.listing.narrowing import conditions, few_of, found_in
from livinglab.ideas.queries.listing.shapes import CardPage, Filter


def newest_page(
    session: Session, wanted: Filter, now: datetime, place: tuple[Any, ...] | None, size: int
) -> CardPage:
    """Return a page of the newest."""
    narrowed = conditions(session, wanted)
    few = few_of(session, wanted, narrowed)
    query = card_query(few).where(*(narrowed if few is None else ()))
    at: Any = col(Idea.published_at)
    if place is not None:
        instant = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=max(0, place[1]))
        query = query.where(sa.tuple_(at, col(Idea.id)) < sa.tuple_(sa.literal(instant, at.type), place[2]))
    rows = session.execute(query.order_by(at.desc(), col(Idea.id).desc()).limit(size + 1)).all()
    cards = tuple(card_of(row, now) for row in rows[:size])
    if len(rows) <= size:
        return CardPage(cards)
    last = cards[-1]
    since = (last.published_at or now) - datetime.fromtimestamp(0, UTC)
    return CardPage(cards, ("n", since // timedelta(microseconds=1), last.id))


def matching_page(
    session: Session, wanted: Filter, now: datetime, place: tuple[Any, ...] | None, size: int
) -> CardPage:
    """Return a page of what a search has found."""
    found = found_in(session, wanted)
    left = list(found.here.best) if found else []
    if place is not None:
        left = [one for one in left if (one.score, one.id) < (place[1], place[2])]
    cards = cards_by_id(session, [one.id for one in left[:size]], now)
    return CardPage(cards, ("m", left[size - 1].score, left[size - 1].id) if len(left) > size else None)
