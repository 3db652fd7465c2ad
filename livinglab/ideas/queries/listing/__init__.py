"""The list of ideas in its orders: fair, newest, best supported, best match. Keyset paging throughout."""

from livinglab.ideas.queries.listing.best import open_counts
from livinglab.ideas.queries.listing.narrowing import (
    NARROWED,
    Shape,
    bound,
    conditions,
    found_in,
    shape_of,
    values_of,
)
from livinglab.ideas.queries.listing.page import ideas_page
from livinglab.ideas.queries.listing.shapes import PAGE_SIZE, CardPage, Filter, Order

__all__ = [
    "NARROWED",
    "PAGE_SIZE",
    "CardPage",
    "Filter",
    "Order",
    "Shape",
    "bound",
    "conditions",
    "found_in",
    "ideas_page",
    "open_counts",
    "shape_of",
    "values_of",
]
