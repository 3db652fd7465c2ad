"""A lab with everybody who has a say, and an idea that stands wherever a test wants it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from livinglab.core.db import Database, known_id
from livinglab.core.viewer import Viewer
from livinglab.handoff.models import Handoff, HandoffState, Outcome
from livinglab.ideas.models import CommentKind, Idea, Stage
from livinglab.labs.models import Lab, ReceivingUnit
from livinglab.people.models import Person
from livinglab.pipeline.models import Benefit, DecisionOutcome, Evidence, Review
from livinglab.pipeline.rules import Draft, Want, criteria_of, gate_of
from tests.make import NOON, Make

REASON = "The need is real, and the unit wants to look at it."
OPEN_GATE = {
    Stage.IDEA: HandoffState.ACKNOWLEDGED,
    Stage.CONCEPT: HandoffState.DECIDED,
    Stage.PROTOTYPE: HandoffState.DELIVERY,
    Stage.SERVICE: HandoffState.DELIVERED,
}


@dataclass
class Place:
    """Who there is, and what can be set up around them."""

    make: Make
    lab: Lab
    unit: ReceivingUnit
    author: Person
    people: dict[str, Person]

    def viewer(self, name: str) -> Viewer:
        """Somebody as the rules see them."""
        return self.make.viewer(self.people[name])

    def idea(self, stage: Stage = Stage.IDEA, *, lead: str | None = "lead", **more: Any) -> Idea:
        """An idea of the lab with a lead."""
        lead_id = self.people[lead].id if lead else None
        return self.make.idea(
            self.lab,
            author=self.author,
            stage=stage,
            lead_id=lead_id,
            gains="Everybody who waits here",
            **more,
        )

    def handoff(self, idea: Idea, **more: Any) -> Handoff:
        """The handoff as it usually stands at this stage."""
        values: dict[str, Any] = {
            "state": OPEN_GATE[idea.stage],
            "assignee_id": self.people["member"].id,
            "acknowledged_at": NOON - timedelta(days=2),
        }
        if idea.stage is not Stage.IDEA:
            values |= {"outcome": Outcome.ACCEPTED, "decided_at": NOON - timedelta(days=1), "due_at": None}
        return self.make.handoff(idea, self.unit, **(values | more))

    def evidence(self, idea: Idea) -> None:
        """Give everything by hand that the gate ahead asks for."""
        gate = gate_of(idea.stage) or 0
        for criterion in criteria_of(gate):
            if not criterion.wants:
                continue
            values: dict[str, Any] = {"text": f"Shown: {criterion.code}", "link": "https://example.org/shown"}
            if Want.NUMBER in criterion.wants:
                values["number"] = 40
            if Want.DATE in criterion.wants:
                values["on_date"] = NOON.date() + timedelta(days=20)
            self.make.add(
                Evidence(
                    idea_id=known_id(idea.id),
                    gate=gate,
                    criterion=criterion.code,
                    at=NOON,
                    person_id=self.people["lead"].id,
                    **values,
                )
            )
        if idea.stage is Stage.PROTOTYPE:
            self.make.add(
                Benefit(
                    idea_id=known_id(idea.id),
                    label="Calls a week",
                    unit="calls",
                    baseline=31,
                    target=18,
                    baseline_on=NOON.date() - timedelta(days=30),
                    measure_next=NOON.date() + timedelta(days=90),
                )
            )
        if idea.stage is Stage.IDEA:
            self.make.comment(idea, kind=CommentKind.EXPERIENCE)

    def ready(self, stage: Stage = Stage.IDEA, **more: Any) -> tuple[Idea, Review]:
        """An idea in review with every criterion met."""
        idea = self.idea(stage, **more)
        self.handoff(idea)
        self.evidence(idea)
        return idea, self.make.review(idea, gate=gate_of(stage))


def advance(**more: Any) -> Draft:
    """Decide to go on."""
    return Draft(DecisionOutcome.ADVANCE, REASON, **more)


def set_up(make: Make, **settings: Any) -> Place:
    """Fill a lab with one person of each kind."""
    lab = make.lab(settings=settings)
    people = {
        "facilitator": make.facilitator(lab),
        "other_facilitator": make.facilitator(lab),
        "lead": make.lead(lab),
        "other_lead": make.lead(lab),
        "manager": make.manager(lab),
        "member": make.person(),
        "other_member": make.person(),
        "stranger": make.person(),
        "resident": make.resident(),
    }
    unit = make.unit(lab, members=(people["member"], people["other_member"]), name={"nb": "Hjemmetjenesten"})
    make.unit(lab, members=(people["stranger"], make.person()))
    author = make.person("Author")
    people["author"] = author
    return Place(make, lab, unit, author, people)


@pytest.fixture
def place(session: Session, make: Make) -> Place:
    """A lab with people, on the session of the test."""
    return set_up(make)


@pytest.fixture
def stored(database: Database) -> Place:
    """The same, committed, for tests with several connections."""
    return set_up(Make(database))


@pytest.fixture
def later(noon: datetime) -> datetime:
    """The day after noon."""
    return noon + timedelta(days=1)
