"""Two hands at once: of two proposals, two confirmations, or a confirmation and an edit, one wins."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import Database
from livinglab.core.errors import Refused
from livinglab.core.journal import Event
from livinglab.handoff.models import Handoff
from livinglab.ideas.models import Idea
from livinglab.pipeline.commands import confirm, edit_proposal, propose, withdraw_proposal
from livinglab.pipeline.models import DecisionOutcome, Door, GateDecision, Proposal, ProposalState, Review
from livinglab.pipeline.rules import Draft
from tests.make import NOON
from tests.pipeline.conftest import REASON, Place
from tests.races import ROUNDS

REWORK = Draft(DecisionOutcome.REWORK, REASON)


def _rows(database: Database, place: Place, *, proposals: bool) -> list[tuple[int, int]]:
    """Write as many ideas in review as there are rounds at once; return (review, proposal) of each."""
    first = place.idea()
    values = {c.name: getattr(first, c.name) for c in Idea.__table__.columns if c.name != "id"}  # type: ignore[attr-defined]
    with database.writing() as session:
        ideas = list(
            session.scalars(
                sa.insert(Idea).returning(col(Idea.id)),
                [values | {"activity": "review", "ring": n} for n in range(ROUNDS)],
            )
        )
        reviews = list(
            session.scalars(
                sa.insert(Review).returning(col(Review.id)),
                [
                    {
                        "idea_id": i,
                        "lab_id": place.lab.id,
                        "gate": 1,
                        "door": Door.PICK,
                        "opened_at": NOON,
                        "reason": "",
                    }
                    for i in ideas
                ],
            )
        )
        if not proposals:
            return [(review, 0) for review in reviews]
        made = list(
            session.scalars(
                sa.insert(Proposal).returning(col(Proposal.id)),
                [
                    {
                        "review_id": review, "version": 1, "state": ProposalState.OPEN, "written_at": NOON,
                        "outcome": DecisionOutcome.REWORK, "reason": REASON, "deviations": {},
                        "would_change": "",
                        "by_id": place.people["facilitator"].id, "return_note": "",
                    }
                    for review in reviews
                ],
            )
        )  # fmt: skip
        return list(zip(reviews, made, strict=True))


def _race(
    database: Database, rows: list[tuple[int, int]], *hands: Callable[[Session, int, int], Any]
) -> list[list[str]]:
    """Let each hand act on each row at the same moment; return the sorted answers of each round."""
    answers: list[list[str]] = [[] for _ in rows]
    barrier = threading.Barrier(len(hands))

    def run(hand: Callable[[Session, int, int], Any]) -> None:
        for n, (review, proposal) in enumerate(rows):
            barrier.wait(timeout=30)
            try:
                with database.writing() as session:
                    hand(session, review, proposal)
                answers[n].append("done")
            except Refused as problem:
                answers[n].append(problem.code)

    threads = [threading.Thread(target=run, args=(hand,)) for hand in hands]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return [sorted(found) for found in answers]


@pytest.fixture
def fast(database: Database) -> Database:
    """The test's database, without waiting for the disk: these tests are about locks, not power cuts."""
    if database.is_sqlite:
        sa.event.listen(database.engine, "connect", lambda c, _r: c.execute("PRAGMA synchronous=OFF"))
        database.close()
    return database


def test_of_two_proposals_at_once_one_stands(fast, stored):
    rows = _rows(fast, stored, proposals=False)
    people = [stored.viewer("facilitator"), stored.viewer("manager")]

    def by(person):
        return lambda session, review, _p: propose(
            session, review_id=review, draft=REWORK, person=person, now=NOON
        )

    answers = _race(fast, rows, *(by(person) for person in people))
    assert answers == [["done", "proposal-open"]] * ROUNDS
    with fast.reading() as session:
        assert session.scalar(select(sa.func.count()).select_from(Proposal)) == ROUNDS


def test_of_two_confirmations_at_once_one_counts(fast, stored):
    rows = _rows(fast, stored, proposals=True)
    people = [stored.viewer("lead"), stored.viewer("manager")]

    def by(person):
        return lambda session, _r, proposal: confirm(
            session, proposal_id=proposal, version=1, person=person, now=NOON
        )

    answers = _race(fast, rows, *(by(person) for person in people))
    assert all(found[0] == "done" and found[1] in ("wrong-state", "proposal-gone") for found in answers)
    with fast.reading() as session:
        assert session.scalar(select(sa.func.count()).select_from(GateDecision)) == ROUNDS
        kinds = select(sa.func.count()).select_from(Event).where(col(Event.kind) == "decision-made")
        assert session.scalar(kinds) == ROUNDS
        moved = select(sa.func.count()).select_from(Idea).where(col(Idea.move) == 1)
        assert session.scalar(moved) == ROUNDS


def test_an_edit_and_a_confirmation_at_once_never_both_win(fast, stored):
    rows = _rows(fast, stored, proposals=True)
    writer, second = stored.viewer("facilitator"), stored.viewer("manager")
    hold = Draft(DecisionOutcome.HOLD, "Not before the budget.", hold_until=NOON.date() + timedelta(days=9))

    def edit(session, _review, proposal):
        edit_proposal(session, proposal_id=proposal, version=1, draft=hold, person=writer, now=NOON)

    def agree(session, _review, proposal):
        confirm(session, proposal_id=proposal, version=1, person=second, now=NOON)

    answers = _race(fast, rows, edit, agree)
    assert all(len(found) == 2 and found.count("done") == 1 for found in answers)
    with fast.reading() as session:
        outcomes = set(session.scalars(select(GateDecision.outcome)))
        assert outcomes <= {DecisionOutcome.REWORK}  # nobody's hold was confirmed unseen
        decided = session.scalar(select(sa.func.count()).select_from(GateDecision))
        edited = session.scalar(
            select(sa.func.count()).select_from(Proposal).where(col(Proposal.version) == 2)
        )
        assert decided + edited == ROUNDS
        assert session.scalar(select(sa.func.count()).select_from(Handoff)) == 0


def test_a_withdrawal_and_a_confirmation_at_once_never_both_win(fast, stored):
    rows = _rows(fast, stored, proposals=True)
    writer, second = stored.viewer("facilitator"), stored.viewer("manager")

    def take_back(session, _review, proposal):
        withdraw_proposal(session, proposal_id=proposal, version=1, person=writer, now=NOON)

    def agree(session, _review, proposal):
        confirm(session, proposal_id=proposal, version=1, person=second, now=NOON)

    answers = _race(fast, rows, take_back, agree)
    assert all(len(found) == 2 and found.count("done") == 1 for found in answers)
    with fast.reading() as session:
        decided = session.scalar(select(sa.func.count()).select_from(GateDecision))
        by_state = dict(
            session.execute(sa.select(Proposal.state, sa.func.count()).group_by(Proposal.state)).all()
        )
        assert decided == by_state.get(ProposalState.CONFIRMED, 0)
        assert decided + by_state.get(ProposalState.WITHDRAWN, 0) == ROUNDS
        assert session.scalar(select(sa.func.count()).select_from(Idea).where(col(Idea.move) == 1)) == decided
