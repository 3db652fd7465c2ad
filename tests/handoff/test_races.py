# ruff: noqa: E731
"""Two people at the same moment: two hundred rounds each, one winner each, nothing in between."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import SQLModel, col, select

from livinglab.core.db import Database, known_id
from livinglab.core.errors import Refused
from livinglab.core.journal import Event
from livinglab.handoff import commands
from livinglab.handoff.models import Answer, AnswerKind, Handoff, HandoffState, Outcome
from livinglab.ideas.models import Idea
from tests.handoff.conftest import Scene, build
from tests.make import Make
from tests.races import ROUNDS

Act = Callable[[Session, int], object]


def race(database: Database, rows: list[int], left: Act, right: Act) -> Counter[str]:
    """Let two threads act on each row at once; return how it ended for each."""
    ends: Counter[str] = Counter()
    start = threading.Barrier(2, timeout=60)

    def run(name: str, act: Act, row: int) -> str:
        start.wait()
        try:
            with database.writing() as session:
                act(session, row)
        except Refused as problem:
            return f"{name}:{problem.code}"
        return f"{name}:won"

    with ThreadPoolExecutor(2) as pool:
        for row in rows:
            pair = (pool.submit(run, "left", left, row), pool.submit(run, "right", right, row))
            results = [future.result() for future in pair]
            ends.update(results)
            assert sum(result.endswith(":won") for result in results) == 1, (row, results)
    return ends


def copies(session: Session, kind: type[SQLModel], row_id: int, changes: list[dict[str, int]]) -> list[int]:
    """Insert copies of a row, one for each change, and return their ids."""
    table = kind.__table__  # type: ignore[attr-defined]
    row = dict(session.execute(sa.select(table).where(table.c.id == row_id)).mappings().one())
    del row["id"]
    add = sa.insert(table).returning(table.c.id)
    return [session.execute(add.values(row | change)).scalar_one() for change in changes]


@pytest.fixture
def crowd(database, noon):
    """A committed scene with one row a round: the first made by commands, the rest its copies."""

    def prepare(what: str) -> tuple[Scene, list[int]]:
        with database.writing() as session:
            scene = build(session, Make(session), noon)
            scene.unit.limit_in_progress = 10_000
            idea_id = known_id(scene.idea.id)
            if what == "reviewed":
                ideas = copies(session, Idea, idea_id, [{}] * ROUNDS)
                return scene, ideas
            handoff = scene.assigned() if what == "assigned" else scene.agreed()
            handoff_id = known_id(handoff.id)
            answer = (
                scene.answer(handoff, AnswerKind.FINAL, noon, outcome=Outcome.ACCEPTED)
                if what == "signed"
                else None
            )
            session.flush()
            ideas = copies(session, Idea, idea_id, [{}] * (ROUNDS - 1))
            papers = copies(session, Handoff, handoff_id, [{"idea_id": idea} for idea in ideas])
            if answer is None:
                return scene, [handoff_id, *papers]
            pairs = [
                {"idea_id": idea, "handoff_id": paper} for idea, paper in zip(ideas, papers, strict=True)
            ]
            return scene, [known_id(answer.id), *copies(session, Answer, known_id(answer.id), pairs)]

    return prepare


def kinds(database: Database, *wanted: str) -> int:
    with database.reading() as session:
        return len(session.scalars(select(Event.id).where(col(Event.kind).in_(wanted))).all())


def test_acknowledging_against_sending_back_has_one_winner(database, crowd):
    scene, rows = crowd("assigned")
    with database.reading() as session:
        stamp = session.get_one(Handoff, rows[0]).stamp
    ends = race(
        database,
        rows,
        lambda s, row: commands.acknowledge(
            s, handoff_id=row, person=scene.kari, now=scene.noon, stamp=stamp
        ),
        lambda s, row: commands.return_wrong_unit(
            s, handoff_id=row, note="Ikke vårt", person=scene.tone, now=scene.noon, stamp=stamp
        ),
    )
    with database.reading() as session:
        states = Counter(session.scalars(select(Handoff.state)).all())
    assert states[HandoffState.ACKNOWLEDGED] == ends["left:won"]
    assert states[HandoffState.QUEUED] == ends["right:won"]
    assert kinds(database, "handoff-acknowledged", "handoff-returned") == ROUNDS
    # who came second read the page of before: either the stamp or the unit has changed under them
    assert set(ends) <= {
        "left:won",
        "right:won",
        "right:handoff-changed",
        "left:no-such-handoff",
        "left:wrong-state",
        "left:no-unit",
    }


def test_two_answers_at_once_publish_one(database, crowd):
    scene, rows = crowd("agreed")
    words = {"title": "Ja", "body": "Vi prøver.", "language": "nb", "now": scene.noon}
    act = lambda person: (
        lambda s, row: commands.write_answer(
            s, handoff_id=row, kind=AnswerKind.PRELIMINARY, person=person, **words
        )
    )
    ends = race(database, rows, act(scene.kari), act(scene.tone))
    assert kinds(database, "answer-published") == ROUNDS
    assert set(ends) <= {"left:won", "right:won", "left:wrong-state", "right:wrong-state"}
    with database.reading() as session:
        assert len(session.scalars(select(Answer.id)).all()) == ROUNDS


def test_publishing_against_changing_never_publishes_what_was_not_read(database, crowd):
    scene, rows = crowd("signed")
    ends = race(
        database,
        rows,
        lambda s, row: commands.confirm_answer(s, answer_id=row, person=scene.tone, now=scene.noon, stamp=0),
        lambda s, row: commands.edit_answer(
            s,
            answer_id=row,
            title="Nei",
            body="Likevel ikke.",
            language="nb",
            outcome=Outcome.DECLINED,
            person=scene.kari,
            now=scene.noon,
            stamp=0,
        ),
    )
    with database.reading() as session:
        published = session.scalars(select(Answer.title).where(col(Answer.published_at).is_not(None))).all()
        waiting = session.scalars(select(Answer.title).where(col(Answer.published_at).is_(None))).all()
    assert (set(published) | {"Vi vil prøve dette"}, set(waiting) | {"Nei"}) == (
        {"Vi vil prøve dette"},
        {"Nei"},
    )
    assert (len(published), len(waiting)) == (ends["left:won"], ends["right:won"])
    assert set(ends) <= {"left:won", "right:won", "left:answer-changed", "right:already-published"}


def test_two_second_persons_publish_once(database, crowd):
    scene, rows = crowd("signed")
    act = lambda person: (
        lambda s, row: commands.confirm_answer(s, answer_id=row, person=person, now=scene.noon, stamp=0)
    )
    ends = race(database, rows, act(scene.tone), act(scene.manager))
    assert kinds(database, "answer-published") == ROUNDS
    assert set(ends) <= {"left:won", "right:won", "left:already-published", "right:already-published"}


def test_publishing_against_taking_back_has_one_winner(database, crowd):
    scene, rows = crowd("signed")
    race(
        database,
        rows,
        lambda s, row: commands.confirm_answer(s, answer_id=row, person=scene.tone, now=scene.noon, stamp=0),
        lambda s, row: commands.withdraw_answer(s, answer_id=row, person=scene.kari, now=scene.noon, stamp=0),
    )
    with database.reading() as session:
        assert session.scalars(select(Answer.id).where(col(Answer.published_at).is_(None))).all() == []


def test_two_routings_at_once_make_one_handoff(database, crowd):
    scene, rows = crowd("reviewed")
    act = lambda unit: (
        lambda s, row: commands.route_idea(
            s, idea_id=row, unit_id=known_id(unit.id), person=scene.facilitator, now=scene.noon
        )
    )
    race(database, rows, act(scene.unit), act(scene.other_unit))
    with database.reading() as session:
        assert len(session.scalars(select(Handoff.id)).all()) == len(rows)


def test_two_givings_at_once_do_not_pass_the_limit(database, noon):
    with database.writing() as session:
        scene = build(session, Make(session), noon)
        scene.unit.limit_in_progress = 1
        session.flush()
        pairs = [known_id(scene.queued(idea=scene.reviewed()).id) for _ in range(2)]
    give = lambda row: (
        lambda s, _: commands.assign(
            s, handoff_id=row, assignee_id=scene.kari.known_id, person=scene.facilitator, now=noon
        )
    )
    ends = race(database, [0], give(pairs[0]), give(pairs[1]))
    assert sum(number for end, number in ends.items() if end.endswith(":unit-full")) == 1
