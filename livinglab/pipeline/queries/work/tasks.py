"""What waits for somebody, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from livinglab.core.db import Texts
from livinglab.handoff.rules import Owed
from livinglab.ideas.models import Activity, Stage


class Task(StrEnum):
    """What waits for somebody."""

    MODERATE = "moderate"
    LOOK_INTO = "look_into"
    APPEAL = "appeal"
    ROUTE = "route"
    NAME_LEAD = "name_lead"
    PROPOSE = "propose"
    CONFIRM = "confirm"
    TAKE = "take"
    ACKNOWLEDGE = "acknowledge"
    ANSWER = "answer"
    PUBLISH_ANSWER = "publish_answer"
    REWRITE_ANSWER = "rewrite_answer"
    NEXT_STEP = "next_step"
    MEASURE = "measure"
    NAME_RESPONSIBLE = "name_responsible"


MINUTES = {
    Task.MODERATE: 2,
    Task.LOOK_INTO: 5,
    Task.APPEAL: 10,
    Task.ROUTE: 5,
    Task.NAME_LEAD: 2,
    Task.PROPOSE: 15,
    Task.CONFIRM: 5,
    Task.TAKE: 2,
    Task.ACKNOWLEDGE: 3,
    Task.ANSWER: 20,
    Task.PUBLISH_ANSWER: 5,
    Task.REWRITE_ANSWER: 10,
    Task.NEXT_STEP: 2,
    Task.MEASURE: 5,
    Task.NAME_RESPONSIBLE: 2,
}
"""About how long each takes somebody who does it for the first time in a week."""


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One thing to do.

    Args:
        ref: Id of the case, appeal, review, handoff, answer or challenge it is about; of the idea otherwise.
        texts: The title of a challenge, which is not about one idea: such an item has no idea and no stage.
        due: By when it is done in time: the task's own deadline, or by when the idea is owed something
            first: the unit's deadline or the day of the named step.
        step: The named step, where it is what is due on that day; step_who: who does it.
    """

    task: Task
    ref: int
    idea_id: int | None
    title: str
    texts: Texts | None
    language: str
    lab_id: int
    lab_name: str
    zone: str
    stage: Stage | None
    activity: Activity | None
    gate: int | None
    since: datetime | None
    due: Owed | None
    step: str
    step_who: str
    as_lead: bool

    @property
    def late_days(self) -> int:
        """Return how many days it is late; 0 while in time."""
        return self.due.days_late if self.due else 0

    @property
    def minutes(self) -> int:
        """Return about how long it takes."""
        return MINUTES[self.task]
