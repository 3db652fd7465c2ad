"""Many people at once: what was acknowledged is stored once, and the count is right. With a naive control."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import select

from livinglab.core.db import Database
from livinglab.core.errors import TooMany
from livinglab.core.journal import Event
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import IdeaCount
from livinglab.people.models import Person
from livinglab.voting.commands import support_idea, withdraw_support
from livinglab.voting.models import Support, SupportGiven, ThresholdReached
from livinglab.voting.rules import PER_HOUR
from tests.make import Make
from tests.races import ROUNDS, Act, meet

PEOPLE, TIMES = int(os.environ.get("LIVINGLAB_CROWD", "120")), 4
"""The promise is for a thousand people: ``LIVINGLAB_CROWD=1000``; the suite runs a short version."""


def crowd(database: Database, count: int, at: datetime) -> list[Viewer]:
    """Make many confirmed people in one statement."""
    with database.writing() as session:
        session.execute(
            sa.insert(Person),
            [
                {
                    "name": f"P{n}",
                    "email": f"crowd{n}@example.org",
                    "language": "nb",
                    "trust": 1,
                    "created_at": at,
                }
                for n in range(count)
            ],
        )
        ids = session.scalars(select(Person.id).where(Person.email.like("crowd%")).order_by(Person.id)).all()  # type: ignore[union-attr]
    return [Viewer(person_id=person_id, trust=1) for person_id in ids]


def at_once(jobs: list[Callable[[], object]], threads: int = 8) -> list[object]:
    with ThreadPoolExecutor(threads) as pool:
        return [future.result() for future in [pool.submit(job) for job in jobs]]


def test_a_crowd_four_times_each_is_one_support_a_person(
    database: Database, make: Make, noon: datetime
) -> None:
    lab = make.lab(box_threshold=PEOPLE // 2)
    idea_id = make.idea(lab).id
    people = crowd(database, PEOPLE, noon)

    def give(person: Viewer) -> bool:
        with database.writing() as session:
            support_idea(session, idea_id=idea_id, person=person, now=noon)
        return True

    acknowledged = at_once([lambda p=p: give(p) for p in people for _ in range(TIMES)])
    assert len(acknowledged) == PEOPLE * TIMES
    with database.reading() as session:
        stored = session.scalar(sa.select(sa.func.count()).select_from(Support))
        given = session.scalar(sa.select(sa.func.count()).select_from(SupportGiven))
        count = session.get_one(IdeaCount, idea_id)
        recorded = session.scalars(select(ThresholdReached)).all()
        events = session.scalars(select(Event).where(Event.kind == "threshold-reached")).all()
    assert (stored, given, count.supports, count.staff_supports) == (PEOPLE, PEOPLE, PEOPLE, 0)
    assert (len(recorded), len(events)) == (1, 1)


def test_the_naive_way_loses_supports_without_an_error(tmp_path: Path) -> None:
    """The control: driver defaults and read-modify-write. Were it right, the test above proved nothing."""
    file = tmp_path / "naive.sqlite"
    with sqlite3.connect(file) as setup:
        setup.executescript("PRAGMA journal_mode=WAL; CREATE TABLE c (n INTEGER); INSERT INTO c VALUES (0);")
    gate = threading.Barrier(2)

    def vote() -> None:
        with sqlite3.connect(file, timeout=30) as connection:
            (n,) = connection.execute("SELECT n FROM c").fetchone()
            gate.wait(10)
            connection.execute("UPDATE c SET n = ?", (n + 1,))

    at_once([vote for _ in range(20)], threads=2)
    with sqlite3.connect(file) as connection:
        (n,) = connection.execute("SELECT n FROM c").fetchone()
    assert n < 20


def test_giving_and_withdrawing_at_once_leave_a_right_count_after_every_round(
    database: Database, make: Make, noon: datetime
) -> None:
    """Eight people on one idea at the same instant, some of them in two browsers: one gives, one withdraws."""
    idea_id = make.idea().id or 0
    people = crowd(database, 8, noon)
    for round_ in range(ROUNDS):
        with database.writing() as session:  # the hour's limit is another test's
            session.execute(sa.delete(SupportGiven))
        acts: dict[str, Act] = {}
        for n, person in enumerate(people):
            if (n + round_) % 3:
                acts[f"{n} gives"] = lambda s, p=person: support_idea(s, idea_id=idea_id, person=p, now=noon)
            if (n + round_) % 3 != 1:
                acts[f"{n} withdraws"] = lambda s, p=person: withdraw_support(s, idea_id=idea_id, person=p)
        assert set(meet(database, acts).values()) == {"done"}
        with database.reading() as session:
            stored = session.scalar(sa.select(sa.func.count()).select_from(Support))
            count = session.get_one(IdeaCount, idea_id)
        assert (count.supports, count.staff_supports) == (stored, 0)


def test_the_limit_holds_when_one_person_knocks_from_many_windows(
    database: Database, make: Make, noon: datetime
) -> None:
    lab = make.lab()
    ideas = [make.idea(lab).id for _ in range(PER_HOUR + 10)]
    (person,) = crowd(database, 1, noon)

    def give(idea_id: int | None) -> bool:
        try:
            with database.writing() as session:
                support_idea(session, idea_id=idea_id or 0, person=person, now=noon)
        except TooMany:
            return False
        return True

    answers = at_once([lambda i=i: give(i) for i in ideas])
    assert answers.count(True) == PER_HOUR
    with database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Support)) == PER_HOUR
