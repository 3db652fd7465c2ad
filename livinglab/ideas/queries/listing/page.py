"""One page of the list, in any of its orders."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from livinglab.ideas.queries.listing.best import best_page
from livinglab.ideas.queries.listing.cursors import place_in
from livinglab.ideas.queries.listing.fair import fair_page
from livinglab.ideas.queries.listing.newest import matching_page, newest_page
from livinglab.ideas.queries.listing.shapes import PAGE_SIZE, CardPage, Filter, HiddenHours, Order


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
    place = place_in(order, after)
    if order is Order.NEWEST:
        return newest_page(session, wanted, now, place, size)
    if order is Order.MATCH and wanted.words:
        return matching_page(session, wanted, now, place, size)
    if order is Order.BEST:
        return best_page(session, wanted, now, place, size, hidden_hours=hidden_hours or {})
    return fair_page(session, wanted, now, place, size)
