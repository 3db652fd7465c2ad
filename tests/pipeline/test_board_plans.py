"""The board costs what it shows: numbers stop at a most, and each part of a column begins an index."""

import re
from datetime import timedelta
from importlib import import_module

import sqlalchemy as sa

from livinglab.ideas.models import Activity, Stage
from livinglab.pipeline.queries import board
from livinglab.pipeline.queries.board import Amount, BoardFilter
from tests.ideas.test_plans import plans_of


def test_a_column_is_counted_up_to_a_most_and_then_says_at_least(session, place, noon, monkeypatch):
    for name in ("counting", "shapes"):
        monkeypatch.setattr(import_module(f"livinglab.pipeline.queries.board.{name}"), "MOST_COUNTED", 2)
    for hours in (1, 2, 3, 4, 5, -1):
        place.idea(waits_since=noon, due_at=noon - timedelta(hours=hours))
    place.idea(activity=Activity.HOLD)
    found = board(session, BoardFilter((place.lab.id,)), noon)
    column, figures = found.columns[0], found.figures
    assert (column.count, column.late) == (Amount(4, sure=False), Amount(2, sure=False))  # in whole twos
    assert (figures.all, figures.hold, figures.gate) == (Amount(4, sure=False), Amount(1), Amount(0))
    assert len(column.cards) == 7


def test_few_are_sorted_and_of_many_the_wait_is_walked_and_both_say_the_same(
    session, place, noon, monkeypatch
):
    challenge = place.make.challenge(place.lab)
    for n in range(9):
        waits = {"waits_since": noon - timedelta(hours=n % 4), "challenge": challenge if n % 2 else None}
        place.idea(due_at=noon + timedelta(hours=n - 2) if n % 3 else None, **waits)
        place.idea(activity=Activity.HOLD, **waits)
        place.idea(activity=Activity.REVIEW, **waits)
    lab = (place.lab.id,)
    boards = [
        BoardFilter(lab, challenge_id=of, box=box, show=show)
        for of, box in ((None, False), (challenge.id, False), (None, True))
        for show in ("", "gate", "hold")
    ]

    def shown():
        return [
            [card.standing.idea_id for card in board(session, one, noon, stage=Stage.IDEA).columns[0].cards]
            for one in boards
        ]

    few = shown()
    monkeypatch.setattr(import_module("livinglab.pipeline.queries.board.shapes"), "MOST_COUNTED", 1)
    assert shown() == few
    assert len(few[0]) == 27


def test_the_board_reads_beginnings_of_indexes_however_much_is_late(session, place, noon):
    place.idea(due_at=noon - timedelta(hours=1))
    if session.get_bind().dialect.name == "postgresql":  # of few rows it would read the table
        for way in ("seqscan", "bitmapscan"):
            session.execute(sa.text(f"SET LOCAL enable_{way} = off"))
    challenge = place.make.challenge(place.lab)
    for chosen in (BoardFilter((place.lab.id,)), BoardFilter((place.lab.id,), challenge_id=challenge.id)):
        plan, *_ = plans_of(session, lambda chosen=chosen: board(session, chosen, noon))
        index = "ix_idea_challenge" if chosen.challenge_id else "ix_idea_(board|box)"
        assert not re.search(r"SCAN idea\b|Seq Scan on idea\b", plan), plan
        if (
            session.get_bind().dialect.name == "sqlite"
        ):  # of each activity all, those late, and the first late
            assert len(re.findall(f"{index} .*activity=", plan)) == 36, plan
