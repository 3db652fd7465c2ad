"""The rows of the table: what is asked for, by whom, and what it is compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle

from tests.bench.client import Request
from tests.bench.people import Cast, Reader
from tests.bench.serving import Site

Requests = Callable[[Cast, Site], Iterator[Request]]
LISTS = ("/ideas", "/ideas?lab=bench-1", "/ideas?lab=bench-2")
SEARCHES = (
    "/ideas?q=storbekkveien",
    "/ideas?q=bench+lamp",
    "/ideas?q=%C3%B8vrefjell",
    "/ideas?q=garden+nordmyrgata",
    "/ideas?q=library+school+river",
    "/ideas?lab=bench-2&q=playground",
)
FILTERS = (
    "/ideas?stage=concept",
    "/ideas?lab=bench-1&order=newest",
    "/ideas?challenge=3&order=best",
    "/ideas?lab=bench-2&challenge=box&language=sv",
    "/ideas?category=5&activity=declined",
    "/ideas?lab=bench-1&late=1",
)
BOARDS = ("/board", "/board?lab=bench-1", "/board?challenge=1")


@dataclass(frozen=True)
class Row:
    """One row.

    Args:
        kept: Asked of the site as it is in production, which keeps visitors' pages; else of one that
            draws every page anew.
        direct: Compared with the same rows committed directly (C), not with a bare page (F).
        served: The control's page has as many bytes as this path's, where the answers have none.
        lives: Measured for as long as a kept page lives, so that drawing it once is in the figure.
    """

    key: str
    title: str
    requests: Requests
    kept: bool = True
    direct: bool = False
    served: Callable[[Cast], str] | None = None
    lives: bool = False


def pages(*paths: str) -> Requests:
    """Ask for pages in turns, as a visitor."""
    return lambda _cast, _site: cycle([Request(path) for path in paths])


def _ideas(cast: Cast) -> list[str]:
    return [f"/ideas/{idea}" for idea in cast.discussed]


def _idea_pages(cast: Cast, _site: Site) -> Iterator[Request]:
    return cycle([Request(path) for path in _ideas(cast)])


def _revalidated(paths: Callable[[Cast], Sequence[str]]) -> Requests:
    """Ask whether pages that the browser holds are still so."""

    def requests(cast: Cast, site: Site) -> Iterator[Request]:
        held = [(path, site.ask(Request(path)).header("etag")) for path in paths(cast)]
        return cycle([Request(path, headers=(("If-None-Match", etag),), wanted=304) for path, etag in held])

    return requests


def _in_turns(paths: Callable[[Cast], Sequence[str]]) -> Requests:
    """Let all readers ask, each for the next page."""

    def requests(cast: Cast, _site: Site) -> Iterator[Request]:
        asked = [
            replace(Request(path), headers=reader.headers)
            for n, reader in enumerate(cast.residents)
            for path in paths(cast)[n % 3 :: 3]
        ]
        return cycle(asked)

    return requests


def _as(who: Callable[[Cast], Reader], *paths: str) -> Requests:
    """Ask for pages as somebody of the staff."""
    return lambda cast, _site: cycle([Request(path, headers=who(cast).headers) for path in paths])


def _lists(_cast: Cast) -> Sequence[str]:
    return LISTS


ROWS = (
    Row("list", "list page, visitor, drawn", pages(*LISTS), kept=False),
    Row("idea", "idea page with 20 comments, visitor, drawn", _idea_pages, kept=False),
    Row("list-kept", "list page, visitor, kept", pages(*LISTS), lives=True),
    Row(
        "list-revalidated",
        "list page, visitor, revalidated",
        _revalidated(_lists),
        served=lambda _cast: LISTS[0],
        lives=True,
    ),
    Row("idea-kept", "idea page, visitor, kept", _idea_pages, lives=True),
    Row(
        "idea-revalidated",
        "idea page, visitor, revalidated",
        _revalidated(_ideas),
        served=lambda cast: _ideas(cast)[0],
        lives=True,
    ),
    Row("list-signed-in", "list page, signed in", _in_turns(_lists)),
    Row("idea-signed-in", "idea page with 20 comments, signed in", _in_turns(_ideas)),
    Row("support", "giving support", lambda cast, _site: cast.supports(), direct=True),
    Row("search", "search", pages(*SEARCHES), kept=False),
    Row("filters", "filters and orders", pages(*FILTERS), kept=False),
    Row("board", "board, facilitator", _as(lambda cast: cast.facilitator, *BOARDS)),
    Row("queue", "queue of a receiving unit", _as(lambda cast: cast.unit_member, "/handoffs")),
    Row("moderation", "moderation queue", _as(lambda cast: cast.facilitator, "/moderation")),
    Row("work", "my work, lead", _as(lambda cast: cast.lead, "/work")),
)
