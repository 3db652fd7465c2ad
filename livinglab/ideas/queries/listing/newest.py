"""The newest first; and for a search the best matches first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.ideas.models import Idea
from livinglab.ideas.queries.cards import card_of, card_query
from livinglab.ideas.queries.listing.narrowing import conditions, few_of, within
from livinglab.ideas.queries.listing.shapes import CardPage, Filter
from livinglab.ideas.queries.search import hits


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
    found = hits(session, wanted.words, within(wanted))
    if found is None:
        return CardPage(())
    narrowed = conditions(session, replace(wanted, words=""))
    query = card_query(found).add_columns(found.c.score).where(*narrowed)
    if place is not None:
        query = query.where(sa.tuple_(found.c.score, col(Idea.id)) < sa.tuple_(place[1], place[2]))
    rows = session.execute(query.order_by(found.c.score.desc(), col(Idea.id).desc()).limit(size + 1)).all()
    cards = tuple(card_of(row, now) for row in rows[:size])
    return CardPage(cards, ("m", rows[size - 1].score, rows[size - 1].id) if len(rows) > size else None)
