"""The list of ideas in its orders: fair, newest, best supported, best match. Keyset paging throughout."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.ideas.models import RING, Activity, Idea, IdeaCount, Publication, Stage
from livinglab.ideas.queries.cards import IdeaCard, card_of, card_query
from livinglab.ideas.queries.search import hits
from livinglab.ideas.queries.visibility import listed
from livinglab.ideas.rules import GLANCES, fair_key, ring_spans, seed_of_hour
from livinglab.labs.models import Challenge

PAGE_SIZE = 24
OVERLAP = 8
"""Rows read beyond a page in each class: the span begins a little early against rounding."""


class Order(StrEnum):
    """In which order a list runs."""

    FAIR = "fair"
    NEWEST = "newest"
    BEST = "best"
    MATCH = "match"
    """Only with search words."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list is narrowed to.

    Args:
        box: Only ideas of the idea box, which belong to no challenge.
        late: Only those for which somebody is past a deadline (rule H3).
        author_id: Only those of this person ("mine").
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


def ideas_page(
    session: Session,
    wanted: Filter,
    order: Order,
    now: datetime,
    *,
    after: Sequence[Any] | None = None,
    hidden_hours: HiddenHours | None = None,
    size: int = PAGE_SIZE,
) -> CardPage:
    """Return one page of public ideas: one statement, two where open and hidden counts meet.

    Args:
        after: The cursor of the page before; one that does not fit is the first page.
        hidden_hours: By lab, for "best supported"; a lab that is missing keeps its counts hidden.

    Source: rules V5, V6.
    """
    place = _place(order, after)
    if order is Order.NEWEST:
        return _newest(session, wanted, now, place, size)
    if order is Order.MATCH and wanted.words:
        return _matching(session, wanted, now, place, size)
    if order is Order.BEST:
        return _best(session, wanted, now, place, size, hidden_hours=hidden_hours or {})
    return _fair(session, wanted, now, place, size)


def conditions(session: Session, wanted: Filter) -> Conditions:
    """Return what a list is narrowed to, as conditions on ``Idea``."""
    found = shaped(wanted, lambda _name, column, value: column == value)
    matching = hits(session, wanted.words, within(wanted))
    if matching is not None:
        found.append(col(Idea.id).in_(sa.select(matching.c.id)))
    return found


NARROWED: dict[str, Any] = {
    "lab_id": Idea.lab_id,
    "challenge_id": Idea.challenge_id,
    "stage": Idea.stage,
    "category_id": Idea.category_id,
    "language": Idea.language,
    "author_id": Idea.author_id,
}


def within(wanted: Filter) -> dict[str, object]:
    """Return what a search is narrowed to, by the column's name."""
    return {name: getattr(wanted, name) for name in NARROWED if getattr(wanted, name)}


def shaped(wanted: Filter, equal: Callable[[str, Any, Any], sa.ColumnElement[bool]]) -> Conditions:
    """Return the conditions of a list; ``equal`` compares a column with its value, or one bound later."""
    found: Conditions = [listed(wanted.activity) if wanted.activity else listed()]
    found += [
        equal(name, column, getattr(wanted, name))
        for name, column in NARROWED.items()
        if getattr(wanted, name)
    ]
    if wanted.box:  # the ring of a language leads, where there is one: few may be in it, or none
        challenge = col(Idea.challenge_id)
        found.append((challenge + 0 if wanted.language and wanted.lab_id else challenge).is_(None))
    if wanted.late:
        found.append(col(Idea.late_since).is_not(None))
    return found


# -- cursors --------------------------------------------------------------------------------------------

_SHAPES = {
    "f": "ifi",  # fair: seed, key, id
    "n": "ti",  # newest: microseconds, id
    "m": "ii",  # match: score, id
    "b": "tii",  # best supported, open: instant, supports, id
    "h": "tifi",  # best supported, hidden: instant, seed, key, id
}
"""By the first letter of a cursor: i is a column's integer, t a time as a whole number, f a key."""
_OF_ORDER = {Order.FAIR: "f", Order.NEWEST: "n", Order.MATCH: "m", Order.BEST: "bh"}


def _place(order: Order, after: Sequence[Any] | None) -> tuple[Any, ...] | None:
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


# -- fair -----------------------------------------------------------------------------------------------


def _fair(
    session: Session, wanted: Filter, now: datetime, place: tuple[Any, ...] | None, size: int
) -> CardPage:
    seed, start = (place[1] % RING, (place[2], place[3])) if place else (seed_of_hour(now), None)
    if wanted.words:
        query, values = _ring_query(conditions(session, wanted)), {}
    else:
        query, values = _known_ring(shape_of(wanted)), values_of(wanted)
    cards, last = _turn(session, query, values, now=now, seed=seed, start=start, size=size)
    return CardPage(cards, ("f", seed, *last) if last else None)


def _turn(
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
    values = {**values, "most": size + OVERLAP}
    for glance in range(GLANCES):
        for turn, (low, high) in enumerate(ring_spans(glance, seed, start[0] if start else None)):
            values[f"low{glance}{turn}"], values[f"high{glance}{turn}"] = low, high
    rows = session.connection().execute(query, values).all()
    keyed = sorted(((fair_key(row.glance, row.ring, seed), row.id), row) for row in rows)
    ahead = [(key, row) for key, row in keyed if start is None or key > start]
    cards = tuple(card_of(row, now) for _, row in ahead[:size])
    return cards, ahead[size - 1][0] if len(ahead) > size else None


def _ring_query(narrowed: Conditions) -> sa.Select[Any]:
    """Return the statement that reads cards off the ring; its spans are bound when it runs."""
    ring: Any = col(Idea.ring)
    classes: list[Any] = []
    for glance in range(GLANCES):
        parts = []
        for turn in range(2):
            low, high = (sa.bindparam(f"{end}{glance}{turn}", type_=sa.Integer) for end in ("low", "high"))
            part = (
                sa.select(col(Idea.id).label("id"), ring.label("ring"), sa.literal(turn).label("turn"))
                .where(*narrowed, col(Idea.glance) == glance, ring > low, ring < high)
                .order_by(ring, col(Idea.id))
                .limit(_MOST)
                .subquery()
            )
            parts.append(sa.select(part))
        both = sa.union_all(*parts).subquery()
        in_order = sa.select(both.c.id).order_by(both.c.turn, both.c.ring, both.c.id)
        classes.append(sa.select(in_order.limit(_MOST).subquery().c.id))
    near = sa.union_all(*classes).subquery("near")
    return card_query(near)


_MOST: sa.BindParameter[int] = sa.bindparam("most", type_=sa.Integer)
Shape = tuple[tuple[str, ...], Activity | None, bool, bool]


def shape_of(wanted: Filter) -> Shape:
    """Return which filters are set, without their values: lists of one shape share a statement."""
    return (
        tuple(name for name in NARROWED if getattr(wanted, name)),
        wanted.activity,
        wanted.box,
        wanted.late,
    )


def values_of(wanted: Filter) -> dict[str, Any]:
    """Return the values that a shape's statement is run with."""
    return {f"only_{name}": getattr(wanted, name) for name in NARROWED if getattr(wanted, name)}


@lru_cache(maxsize=512)
def _known_ring(shape: Shape) -> sa.Select[Any]:
    """Return the ring's statement for a combination of filters: building it costs more than running it."""
    return _ring_query(bound(shape))


def bound(shape: Shape) -> Conditions:
    """Return the conditions of a combination of filters; their values are bound when it runs."""
    names, activity, box, late = shape
    wanted = Filter(activity=activity, box=box, late=late, **dict.fromkeys(names, 1))  # type: ignore[arg-type]
    return shaped(wanted, lambda name, column, _v: column == sa.bindparam(f"only_{name}", type_=column.type))


FEW = 2000
"""Up to so many ideas of a narrow filter are gathered and sorted; more stand close enough among all."""


def _few(session: Session, wanted: Filter, narrowed: Conditions) -> sa.Subquery | None:
    """Return the ideas of a filter that an index leads to, where they are few; else ``None``.

    In the order of all ideas those few would be far apart.
    """
    if not (wanted.activity or wanted.late or wanted.category_id or wanted.author_id):
        return None
    some = sa.select(col(Idea.id).label("id")).where(*narrowed).limit(FEW + 1).subquery("near")
    number = session.scalar(sa.select(sa.func.count()).select_from(some)) or 0
    return some if number <= FEW else None


# -- newest and best match --------------------------------------------------------------------------------


def _newest(
    session: Session, wanted: Filter, now: datetime, place: tuple[Any, ...] | None, size: int
) -> CardPage:
    narrowed = conditions(session, wanted)
    few = _few(session, wanted, narrowed)
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


def _matching(
    session: Session, wanted: Filter, now: datetime, place: tuple[Any, ...] | None, size: int
) -> CardPage:
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


# -- best supported (V6) ----------------------------------------------------------------------------------


def _best(
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
        few = _few_open(session, [*narrowed, is_open], at, hidden_hours)
        cards, last = _open_part(session, [*narrowed, is_open], now, place, size, few=few)
        if last is not None:
            return CardPage(cards, ("b", int(at.timestamp()), *last))
    left = size - len(cards)
    seed, start = seed_of_hour(at), None
    if place and place[0] == "h":
        seed, start = place[2] % RING, (place[3], place[4])
    hidden = _ring_query([*narrowed, sa.not_(is_open)])
    rest, more = _turn(session, hidden, {}, now=now, seed=seed, start=start, size=max(left, 1))
    if left == 0:
        mark = ("h", int(at.timestamp()), seed, -1.0, 0) if rest else None
        return CardPage(cards, mark)
    return CardPage(
        cards + rest,
        ("h", int(at.timestamp()), seed, *more) if more else None,
        hidden_from=len(cards) if rest else None,
    )


FEW_OPEN = 5000
"""Up to so many ideas with open counts are gathered and sorted; more stand close enough in the index."""


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
    if (session.scalar(sa.select(sa.func.count()).select_from(some)) or 0) > FEW_OPEN:
        return None
    return sa.select(some.c.id).join(Idea, col(Idea.id) == some.c.id).where(*is_open).subquery("near")


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
    query = card_query(few) if few is not None else card_query(_most_supported(narrowed, place, size))
    query = query.where(number.is_not(None))
    if place is not None:
        query = query.where(sa.tuple_(supports, number) < sa.tuple_(place[2], place[3]))
    rows = session.execute(query.order_by(supports.desc(), number.desc()).limit(size + 1)).all()
    cards = tuple(card_of(row, now) for row in rows[:size])
    return cards, (rows[size - 1].supports, rows[size - 1].id) if len(rows) > size else None


def _most_supported(narrowed: Conditions, place: tuple[Any, ...] | None, size: int) -> sa.Subquery:
    """Return the best supported of the ideas narrowed to, walked down the index of supports.

    Each is asked whether it fits: SQLite would else gather and sort all that do.
    """
    supports: Any = col(IdeaCount.supports)
    number: Any = col(IdeaCount.idea_id)
    fits = sa.exists().where(col(Idea.id) == number, *narrowed).correlate(IdeaCount)
    query = sa.select(number.label("id")).where(fits)
    if place is not None:
        query = query.where(sa.tuple_(supports, number) < sa.tuple_(place[2], place[3]))
    return query.order_by(supports.desc(), number.desc()).limit(size + 1).subquery("near")


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
