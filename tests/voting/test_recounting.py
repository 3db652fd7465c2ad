"""A number that has drifted from its rows is found, said and put right; a right one is left alone."""

from __future__ import annotations

from datetime import datetime

import pytest
import sqlalchemy as sa
import structlog
from flask import Flask
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from livinglab.ideas.commands import follow_idea
from livinglab.ideas.models import Idea, IdeaCount, Publication
from livinglab.jobs import job_named, run_job
from livinglab.voting.commands import Drift, recount, support_idea
from tests.make import Make


def _numbers(session: Session, idea: Idea) -> tuple[int, int, int, int]:
    row = session.get_one(IdeaCount, idea.id, populate_existing=True)
    return row.supports, row.staff_supports, row.comments, row.followers


def _busy(session: Session, make: Make, noon: datetime) -> Idea:
    """An idea with each kind of row that counts, and one of each that does not."""
    lab = make.lab()
    author = make.person()
    idea = make.idea(lab, author=author)
    for person in (make.viewer(), make.viewer(), make.viewer(make.facilitator(lab)), make.viewer(author)):
        support_idea(session, idea_id=idea.id or 0, person=person, now=noon)
    follow_idea(session, idea_id=idea.id or 0, person=make.viewer(), now=noon)
    make.comment(idea)
    make.comment(idea, publication=Publication.HIDDEN)
    make.comment(idea, deleted_at=noon)
    session.get_one(IdeaCount, idea.id, populate_existing=True).comments = 1
    session.flush()
    return idea


def test_numbers_that_are_right_are_left_alone(session: Session, make: Make, noon: datetime) -> None:
    idea = _busy(session, make, noon)
    before = _numbers(session, idea)
    assert before[:3] == (2, 1, 1)
    assert recount(session, first=idea.id or 0, beyond=(idea.id or 0) + 1) == ()
    assert _numbers(session, idea) == before


@pytest.mark.parametrize("number", ["supports", "staff_supports", "comments", "followers"])
def test_a_number_that_drifted_is_said_and_put_right(
    session: Session, make: Make, noon: datetime, number: str
) -> None:
    idea = _busy(session, make, noon)
    before = _numbers(session, idea)
    row = session.get_one(IdeaCount, idea.id)
    right = getattr(row, number)
    setattr(row, number, right + 3)
    session.flush()
    with structlog.testing.capture_logs() as lines:
        found = recount(session, first=idea.id or 0, beyond=(idea.id or 0) + 1)
    assert found == (Drift(idea.id or 0, number, right + 3, right),)
    assert [(line["log_level"], line["idea"], line["number"]) for line in lines] == [
        ("error", idea.id, number)
    ]
    assert _numbers(session, idea) == before


def test_an_idea_that_lost_its_row_of_numbers_gets_it_back(
    session: Session, make: Make, noon: datetime
) -> None:
    idea = _busy(session, make, noon)
    before = _numbers(session, idea)
    session.expunge(session.get_one(IdeaCount, idea.id))
    session.execute(sa.delete(IdeaCount).where(col(IdeaCount.idea_id) == idea.id))
    recount(session, first=idea.id or 0, beyond=(idea.id or 0) + 1)
    assert _numbers(session, idea) == before


def test_in_a_day_each_idea_has_its_turn_by_the_job(app: Flask, database: Database, make: Make) -> None:
    lab = make.lab()
    ideas = [make.idea(lab) for _ in range(30)]
    with database.writing() as session:
        session.execute(sa.update(IdeaCount).values(supports=7))
    left = []
    with app.app_context():
        for hour in range(24):
            at = utc_now().replace(hour=hour)
            assert run_job(database, job_named("recount"), at)
            with database.reading() as session:
                left.append(session.scalar(sa.select(sa.func.sum(IdeaCount.supports))))
    assert left[-1] == 0
    assert sorted(left, reverse=True) == left
    assert left[0] > 0, "not all in one go"
    assert len(ideas) == 30
