"""The pages of the receiving queue."""

from livinglab.handoff.views import answers, queue, steps
from livinglab.handoff.views.room import bp

__all__ = ["answers", "bp", "queue", "steps"]
