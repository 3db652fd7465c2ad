"""The queue of handoffs: what is mine, due and late."""

from livinglab.handoff.queries.queue.page import queue
from livinglab.handoff.queries.queue.shapes import (
    MOST_COUNTED,
    Choice,
    Counts,
    Lane,
    NextStep,
    Queue,
    QueueRow,
)

__all__ = ["MOST_COUNTED", "Choice", "Counts", "Lane", "NextStep", "Queue", "QueueRow", "queue"]
