"""What can be done with a handoff, one verb each."""

from livinglab.handoff.commands.answers import correct_answer, edit_answer, withdraw_answer, write_answer
from livinglab.handoff.commands.clock import look_at_clocks, run_clock
from livinglab.handoff.commands.deadlines import (
    extend_decision,
    leave_out_hidden,
    stop_waiting,
    wait_for_author,
)
from livinglab.handoff.commands.ending import begin_delivery, close_handoff, mark_delivered, mark_followed_up
from livinglab.handoff.commands.leaving import release_handoffs
from livinglab.handoff.commands.publishing import confirm_answer, return_answer
from livinglab.handoff.commands.routing import (
    acknowledge,
    assign,
    begin_assessing,
    reassign,
    return_wrong_unit,
    route_again,
    route_idea,
    set_case_number,
    take,
)

__all__ = [
    "acknowledge",
    "assign",
    "begin_assessing",
    "begin_delivery",
    "close_handoff",
    "confirm_answer",
    "correct_answer",
    "edit_answer",
    "extend_decision",
    "leave_out_hidden",
    "look_at_clocks",
    "mark_delivered",
    "mark_followed_up",
    "reassign",
    "release_handoffs",
    "return_answer",
    "return_wrong_unit",
    "route_again",
    "route_idea",
    "run_clock",
    "set_case_number",
    "stop_waiting",
    "take",
    "wait_for_author",
    "withdraw_answer",
    "write_answer",
]
