"""What waits in the journal is dealt with, and one failure holds nothing up."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlmodel import select

from livinglab.core.journal import Event, Reader, attend, record, waiting
from livinglab.labs.models import Lab
from tests.make import Make


def three_events(session: Session, noon: datetime) -> list[int]:
    return [record(session, f"idea-{n}", at=noon, actor_id=None).id or 0 for n in ("a", "b", "c")]


def test_an_event_that_fails_waits_and_those_behind_it_go_on(session: Session, noon: datetime) -> None:
    three_events(session, noon)
    seen: list[str] = []

    def act(event: Event) -> None:
        if event.kind == "idea-b":
            raise LookupError("no such person")
        seen.append(event.kind)

    assert attend(session, Reader.NOTICES, act, now=noon) == 2
    assert seen == ["idea-a", "idea-c"]
    assert attend(session, Reader.NOTICES, act, now=noon) == 0
    assert [event.kind for event in waiting(session, Reader.NOTICES)] == ["idea-b"]


def test_what_a_failure_wrote_is_undone_alone(session: Session, noon: datetime, make: Make) -> None:
    lab = make.lab(slug="before")
    three_events(session, noon)

    def act(event: Event) -> None:
        session.get_one(Lab, lab.id).slug = event.kind
        session.flush()
        if event.kind == "idea-c":
            raise LookupError

    attend(session, Reader.NOTICES, act, now=noon)
    assert session.scalar(select(Lab.slug)) == "idea-b"


def test_a_failed_event_is_tried_again_after_a_minute_then_two(session: Session, noon: datetime) -> None:
    record(session, "idea-a", at=noon, actor_id=None)
    tries: list[datetime] = []

    def at(now: datetime) -> None:
        def act(_event: Event) -> None:
            tries.append(now)
            raise LookupError

        attend(session, Reader.NOTICES, act, now=now)

    for minutes in range(8):
        at(noon + timedelta(minutes=minutes))
    assert [(one - noon).total_seconds() / 60 for one in tries] == [0, 1, 3, 7]


def test_an_outage_is_not_blamed_on_the_event(session: Session, noon: datetime) -> None:
    three_events(session, noon)

    def act(_event: Event) -> None:
        raise OperationalError("select 1", {}, Exception("gone"))

    with pytest.raises(OperationalError):
        attend(session, Reader.NOTICES, act, now=noon)
    assert len(waiting(session, Reader.NOTICES, now=noon)) == 3
