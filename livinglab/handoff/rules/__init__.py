"""The rules of the receiving apparatus: the table of steps, its clock, its answers, its figures."""

from livinglab.handoff.rules.answers import (
    LIX_HARD,
    is_hard,
    lix,
    needs_second,
    why_not_answer,
    why_not_confirm,
    why_not_correct,
    why_not_edit_answer,
    why_not_outcome,
)
from livinglab.handoff.rules.clock import (
    ClockFace,
    Told,
    clock_face,
    is_overdue,
    next_clock,
    running_clocks,
    steps_due,
)
from livinglab.handoff.rules.figures import Promise, nearest_rank, promise
from livinglab.handoff.rules.moves import (
    IN_PROGRESS,
    MOST_RETURNS,
    MOVES,
    TABLE,
    UNDECIDED,
    Clock,
    Step,
    Who,
    at_the_desk,
    may_see,
    why_not_assign,
    why_not_return,
    why_not_route,
    why_not_route_again,
    why_not_step,
    works_for,
)

__all__ = [
    "IN_PROGRESS", "LIX_HARD", "MOST_RETURNS", "MOVES", "TABLE", "UNDECIDED", "Clock", "ClockFace", "Promise",
    "Step", "Told", "Who", "at_the_desk", "clock_face", "is_hard", "is_overdue", "lix", "may_see", "nearest_rank",
    "needs_second", "next_clock", "promise", "running_clocks", "steps_due", "why_not_answer", "why_not_assign",
    "why_not_confirm", "why_not_correct", "why_not_edit_answer", "why_not_outcome", "why_not_return",
    "why_not_route", "why_not_route_again", "why_not_step", "works_for",
]
