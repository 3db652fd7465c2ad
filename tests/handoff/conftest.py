"""A lab with a unit, its people, and an idea whose first review is open."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import known_id
from livinglab.core.journal import Event
from livinglab.core.viewer import Viewer
from livinglab.handoff import commands
from livinglab.handoff.models import AnswerKind, Handoff, Outcome
from livinglab.ideas.models import Idea
from livinglab.labs.models import Lab, ReceivingUnit
from tests.make import Make


@dataclass
class Scene:
    """Everything a handoff needs, and short words for its steps."""

    session: Session
    make: Make
    noon: datetime
    lab: Lab
    unit: ReceivingUnit
    other_unit: ReceivingUnit
    idea: Idea
    kari: Viewer
    tone: Viewer
    facilitator: Viewer
    lead: Viewer
    manager: Viewer
    outsider: Viewer
    resident: Viewer
    extra: dict[str, Any] = field(default_factory=dict)

    def reviewed(self) -> Idea:
        idea = self.make.idea(self.lab, lead_id=self.lead.known_id)
        self.make.review(idea)
        return self.session.get_one(Idea, idea.id)

    def queued(self, now: datetime | None = None, idea: Idea | None = None) -> Handoff:
        return commands.route_idea(
            self.session,
            idea_id=known_id((idea or self.idea).id),
            unit_id=known_id(self.unit.id),
            person=self.facilitator,
            now=now or self.noon,
            note="Passer hos dere",
        )

    def assigned(self, now: datetime | None = None, **more: Any) -> Handoff:
        handoff = self.queued(now, **more)
        return commands.assign(
            self.session,
            handoff_id=known_id(handoff.id),
            assignee_id=self.kari.known_id,
            person=self.kari,
            now=now or self.noon,
        )

    def agreed(self, now: datetime | None = None, **more: Any) -> Handoff:
        handoff = self.assigned(now, **more)
        return commands.acknowledge(
            self.session, handoff_id=known_id(handoff.id), person=self.kari, now=now or self.noon
        )

    def answer(
        self, handoff: Handoff, kind: AnswerKind, now: datetime, person: Viewer | None = None, **more: Any
    ) -> Any:
        words = {"title": "Vi vil prøve dette", "body": "Vi ser på det og svarer igjen.", "language": "nb"}
        return commands.write_answer(
            self.session,
            handoff_id=known_id(handoff.id),
            kind=kind,
            person=person or self.kari,
            now=now,
            **(words | more),
        )

    def final(self, handoff: Handoff, now: datetime, outcome: Outcome = Outcome.ACCEPTED) -> Any:
        answer = self.answer(handoff, AnswerKind.FINAL, now, outcome=outcome)
        return commands.confirm_answer(
            self.session, answer_id=known_id(answer.id), person=self.tone, now=now, stamp=answer.stamp
        )

    def kinds(self) -> list[str]:
        return list(self.session.scalars(select(Event.kind).order_by(col(Event.id))))

    def events(self, kind: str) -> list[Event]:
        return list(
            self.session.scalars(select(Event).where(col(Event.kind) == kind).order_by(col(Event.id)))
        )

    def count(self, table: Any) -> int:
        return self.session.scalar(select(sa.func.count()).select_from(table)) or 0


def build(session: Session, make: Make, noon: datetime, **settings: Any) -> Scene:
    lab = make.lab(settings=settings)
    kari, tone = make.person("Kari Holm", title="Enhetsleder"), make.person("Tone Sand")
    unit = make.unit(lab, members=(kari, tone), owner=tone, deputy=tone)
    other = make.unit(lab)
    people = {
        "facilitator": make.facilitator(lab),
        "lead": make.lead(lab),
        "manager": make.manager(lab),
        "outsider": make.facilitator(make.lab()),
        "resident": make.resident(),
    }
    idea = make.idea(lab, lead_id=people["lead"].id)
    make.review(idea)
    return Scene(
        session=session,
        make=make,
        noon=noon,
        lab=lab,
        unit=unit,
        other_unit=other,
        idea=session.get_one(Idea, idea.id),
        kari=make.viewer(kari),
        tone=make.viewer(tone),
        **{name: make.viewer(person) for name, person in people.items()},
    )


@pytest.fixture
def scene(session: Session, make: Make, noon: datetime) -> Scene:
    return build(session, make, noon)


DAY = timedelta(days=1)
