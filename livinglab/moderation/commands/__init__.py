"""Writes of moderation: handing in, reporting, deciding, appealing."""

from livinglab.moderation.commands.appealing import appeal, decide_appeal
from livinglab.moderation.commands.cases import call_back, let_go, open_case, take_off_queue
from livinglab.moderation.commands.deciding import decide_case
from livinglab.moderation.commands.holding import hold_case
from livinglab.moderation.commands.reporting import report
from livinglab.moderation.commands.submitting import (
    answer_problem,
    look_at_choices,
    submit_comment,
    submit_edit,
    submit_idea,
    submit_waiting_drafts,
)
from livinglab.moderation.commands.suspending import end_suspensions, lift_suspension, suspend

__all__ = [
    "answer_problem",
    "appeal",
    "call_back",
    "decide_appeal",
    "decide_case",
    "end_suspensions",
    "hold_case",
    "let_go",
    "lift_suspension",
    "look_at_choices",
    "open_case",
    "report",
    "submit_comment",
    "submit_edit",
    "submit_idea",
    "submit_waiting_drafts",
    "suspend",
    "take_off_queue",
]
