"""The board: four columns with their counts, each card with whom it waits for. Flat at a million ideas."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from livinglab.core.together import together
from livinglab.ideas.models import Activity, Stage
from livinglab.pipeline.queries.board.cards import cards_of
from livinglab.pipeline.queries.board.choices import typical_read
from livinglab.pipeline.queries.board.counting import tallies_read
from livinglab.pipeline.queries.board.shapes import Amount, Board, BoardFilter, Column, Figures, Tally
from livinglab.pipeline.queries.board.walking import Walk

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
    stages = (stage,) if stage else tuple(Stage)
    if not chosen.labs:
        nothing = Amount()
        empty = tuple(Column(s, (), nothing, nothing, None, None) for s in stages)
        return Board(empty, Figures(nothing, nothing, nothing, nothing))
    size = LONG_COLUMN if stage else SMALL_COLUMN
    walk = Walk(chosen, stages, now, size=size + 1, after=after)
    late_read = walk.late_read()
    reads = (tallies_read(chosen, now), typical_read(chosen.labs), *((late_read,) if late_read else ()))
    tallies, typical, *late = together(session, *reads)
    places = walk.rest(session, late[0] if late else (), tallies)
    cards = cards_of(session, [place[2] for found in places.values() for place in found[:size]], now)
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

    def of(activity: Activity) -> Amount:
        return Amount.of(tally.by_activity.get(activity, 0) for tally in found)

    return Figures(
        late=Amount.of(number for tally in found for number in tally.late_by_activity.values()),
        gate=of(Activity.REVIEW),
        hold=of(Activity.HOLD),
        all=Amount.of(number for tally in found for number in tally.by_activity.values()),
    )
