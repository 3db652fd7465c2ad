"""What is asked about handoffs."""

from livinglab.handoff.queries.answers import (
    AnswerShown,
    Correction,
    answer_by_id,
    answers_of,
    answers_read,
    waiting_answer,
)
from livinglab.handoff.queries.facts import HandoffPeople, LabClock, lab_clock, people_of
from livinglab.handoff.queries.figures import promise_kept
from livinglab.handoff.queries.handoffs import HandoffBrief, handoff_by_id, open_handoff, open_handoffs
from livinglab.handoff.queries.queue import Choice, Lane, Queue, QueueRow, queue
from livinglab.handoff.queries.sheet import Sheet, sheet

__all__ = [
    "AnswerShown",
    "Choice",
    "Correction",
    "HandoffBrief",
    "HandoffPeople",
    "LabClock",
    "Lane",
    "Queue",
    "QueueRow",
    "Sheet",
    "answer_by_id",
    "answers_of",
    "answers_read",
    "handoff_by_id",
    "lab_clock",
    "open_handoff",
    "open_handoffs",
    "people_of",
    "promise_kept",
    "queue",
    "sheet",
    "waiting_answer",
]
