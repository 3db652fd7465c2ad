"""The board: four columns with their true counts, each card with whom it waits for. Flat at 100 000 ideas."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from livinglab.ideas.models import Activity, Stage
from livinglab.pipeline.queries.board.cards import cards_of
from livinglab.pipeline.queries.board.choices import typical_days
from livinglab.pipeline.queries.board.counting import tallies_of
from livinglab.pipeline.queries.board.shapes import Board, BoardFilter, Column, Figures, Tally
from livinglab.pipeline.queries.board.walking import places_of

SMALL_COLUMN, LONG_COLUMN = 12, 60


def board(
    session: Session,
    chosen: BoardFilter,
    now: datetime,
    *,
    stage: Stage | None = None,
    after: tuple[str, str, int] | None = None,
) -> Board:
    """Return the board: what is late first, then what has waited longest.

    Args:
        stage: One column as a long list; without it all four, each with its first cards.
        after: Place in that list to go on from.
    """
    if not chosen.labs:
        empty = tuple(Column(s, (), 0, 0, None, None) for s in Stage if stage in (None, s))
        return Board(empty, Figures(0, 0, 0, 0))
    tallies = tallies_of(session, chosen, now)
    stages = (stage,) if stage else tuple(Stage)
    size = LONG_COLUMN if stage else SMALL_COLUMN
    places = places_of(session, chosen, stages, now, size=size + 1, after=after)
    cards = cards_of(session, [place[2] for found in places.values() for place in found[:size]], now)
    typical = typical_days(session, chosen.labs)
    columns = tuple(
        Column(
            stage=s,
            cards=tuple(cards[place[2]] for place in places[s][:size] if place[2] in cards),
            count=tallies[s].shown(chosen.show),
            late=tallies[s].shown_late(chosen.show),
            typical_days=typical.get(s),
            after=places[s][size - 1] if len(places[s]) > size else None,
        )
        for s in stages
    )
    return Board(columns, _figures(tallies.values()))


def _figures(tallies: Iterable[Tally]) -> Figures:
    found = list(tallies)
    return Figures(
        late=sum(t.late for t in found),
        gate=sum(t.by_activity.get(Activity.REVIEW, 0) for t in found),
        hold=sum(t.by_activity.get(Activity.HOLD, 0) for t in found),
        all=sum(sum(t.by_activity.values()) for t in found),
    )
