"""The best supported first, where counts are open; the others follow in fair order (rule V6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.ideas.models import RING, Idea, IdeaCount, Publication
from livinglab.ideas.queries.cards import IdeaCard, card_of, card_query
from livinglab.ideas.queries.listing.fair import next_on_ring, ring_query
from livinglab.ideas.queries.listing.narrowing import NARROWED, conditions
from livinglab.ideas.queries.listing.shapes import CardPage, Conditions, Filter, HiddenHours
from livinglab.ideas.rules import seed_of_hour
from livinglab.labs.models import Challenge


def best_page(
    session: Session,
    wanted: Filter,
    now: datetime,
    place: tuple[Any, ...] | None,
    size: int,
    *,
    hidden_hours: HiddenHours,
) -> CardPage:
    """Return open counts in order; where they end, the hidden ones follow in fair order.

    The instant of the first page is carried along, so that both parts keep their members while one
    walks; an instant ahead of now is not believed: it would open what is hidden.
    """
    at = now.replace(microsecond=0)
    if place and 0 <= place[1] < at.timestamp():
        at = datetime.fromtimestamp(place[1], UTC)
    narrowed = conditions(session, wanted)
    is_open = open_counts(at, hidden_hours)
    cards: tuple[IdeaCard, ...] = ()
    if place is None or place[0] == "b":
        few = _few_here(session, wanted, [*narrowed, is_open])
        few = _few_open(session, [*narrowed, is_open], at, hidden_hours) if few is None else few
        cards, last = _open_part(session, [*narrowed, is_open], now, place, size, few=few)
        if last is not None:
            return CardPage(cards, ("b", int(at.timestamp()), *last))
    left = size - len(cards)
    seed, start = seed_of_hour(at), None
    if place and place[0] == "h":
        seed, start = place[2] % RING, (place[3], place[4])
    hidden = ring_query([*narrowed, sa.not_(is_open)], size)
    rest, more = next_on_ring(session, hidden, {}, now=now, seed=seed, start=start, size=max(left, 1))
    if left == 0:
        mark = ("h", int(at.timestamp()), seed, -1.0, 0) if rest else None
        return CardPage(cards, mark)
    return CardPage(
        cards + rest,
        ("h", int(at.timestamp()), seed, *more) if more else None,
        hidden_from=len(cards) if rest else None,
    )


FEW_HERE = 1000
"""Up to so many ideas of a place are gathered: in a town of a hundred thousand a page of more of them is
walked to as soon, and in one of a million in some hundredths of a second."""
FEW_OPEN = 5000
"""Up to so many ideas with open counts are gathered and sorted; more stand close enough in the index."""


_LED = ("challenge_id", "category_id", "author_id", "lab_id")
"""What an index leads to the ideas of, the narrowest first."""


def _few_here(session: Session, wanted: Filter, is_open: Conditions) -> sa.Subquery | None:
    """Return the ideas with open counts of a search, or of a place, category or author with few of them.

    Down the index of supports those few would be far apart.
    """
    if wanted.found is not None:
        return sa.select(col(Idea.id).label("id")).where(*is_open).subquery("near")
    led = next((name for name in _LED if getattr(wanted, name)), None)
    if led is None:
        return None
    here = (NARROWED[led] == getattr(wanted, led), col(Idea.publication) == Publication.PUBLISHED)
    some = sa.select(col(Idea.id).label("id")).where(*here).limit(FEW_HERE + 1).subquery()
    return _if_few(session, some, is_open, FEW_HERE)


def _if_few(session: Session, some: sa.Subquery, is_open: Conditions, most: int) -> sa.Subquery | None:
    if (session.scalar(sa.select(sa.func.count()).select_from(some)) or 0) > most:
        return None
    return sa.select(some.c.id).join(Idea, col(Idea.id) == some.c.id).where(*is_open).subquery("near")


def _few_open(
    session: Session, is_open: Conditions, at: datetime, hidden_hours: HiddenHours
) -> sa.Subquery | None:
    """Return the ideas with open counts where they are few, else ``None``.

    While nearly all counts are hidden, walking the index of supports would read nearly all ideas to fill a
    page. The few are reached from the other side: the idea box, and the challenges that show their counts.
    Their numbers are read first: by number the planner knows how few ideas they hold, in a join it guesses.
    """
    since = col(Challenge.counts_from), col(Challenge.closes_at)
    shows = session.scalars(sa.select(col(Challenge.id)).where(sa.func.coalesce(*since, at) <= at)).all()
    old_enough: Any = col(Idea.published_at) <= at - timedelta(hours=min(hidden_hours.values(), default=0))
    public = col(Idea.publication) == Publication.PUBLISHED
    sources = (col(Idea.challenge_id).is_(None), col(Idea.challenge_id).in_(shows))
    parts: list[Any] = [
        sa.select(col(Idea.id).label("id")).where(public, old_enough, source) for source in sources
    ]
    both = sa.union_all(*parts).subquery()
    some = (
        sa.select(both.c.id).limit(FEW_OPEN + 1).subquery()
    )  # the limit also keeps the planner to its index
    return _if_few(session, some, is_open, FEW_OPEN)


def _open_part(
    session: Session,
    narrowed: Conditions,
    now: datetime,
    place: tuple[Any, ...] | None,
    size: int,
    *,
    few: sa.Subquery | None,
) -> tuple[tuple[IdeaCard, ...], tuple[int, int] | None]:
    supports: Any = col(IdeaCount.supports)
    number: Any = col(IdeaCount.idea_id)
    if few is None:
        fitting, first = _walked(narrowed), supports.desc()
    else:  # the sum keeps the planner from walking all supports to find those few
        fitting, first = sa.select(number.label("id")).join(few, few.c.id == number), (supports + 0).desc()
    if place is not None:
        fitting = fitting.where(sa.tuple_(supports, number) < sa.tuple_(place[2], place[3]))
    near = fitting.order_by(first, number.desc()).limit(size + 1).subquery("near")
    cards_of = card_query(near).where(number.is_not(None))
    rows = session.execute(cards_of.order_by(supports.desc(), number.desc())).all()
    cards = tuple(card_of(row, now) for row in rows[:size])
    return cards, (rows[size - 1].supports, rows[size - 1].id) if len(rows) > size else None


def _walked(narrowed: Conditions) -> sa.Select[Any]:
    """Return the ideas narrowed to, down the index of supports.

    Each is asked whether it fits, as a value: either database would else gather and sort all that do.
    """
    number: Any = col(IdeaCount.idea_id)
    it = sa.select(sa.literal(1)).where(col(Idea.id) == number, *narrowed).correlate(IdeaCount)
    return sa.select(number.label("id")).where(it.scalar_subquery() == 1)


def open_counts(now: datetime, hidden_hours: HiddenHours) -> sa.ColumnElement[bool]:
    """Return the condition of ideas whose counts are shown: ``rules.counts_open_at`` in SQL (rule V4)."""
    by_hours: dict[int, list[int]] = {}
    for lab_id, hours in hidden_hours.items():
        by_hours.setdefault(hours, []).append(lab_id)
    old_enough = [
        sa.and_(col(Idea.lab_id).in_(labs), col(Idea.published_at) <= now - timedelta(hours=hours))
        for hours, labs in sorted(by_hours.items())
    ]
    counted_from = sa.func.coalesce(col(Challenge.counts_from), col(Challenge.closes_at))
    hidden_still = sa.select(col(Challenge.id)).where(counted_from > now)
    return sa.and_(
        sa.or_(sa.false(), *old_enough),
        sa.or_(col(Idea.challenge_id).is_(None), col(Idea.challenge_id).not_in(hidden_still)),
    )
