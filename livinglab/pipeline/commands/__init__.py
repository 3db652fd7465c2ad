"""Writes of the pipeline: opening a gate, carrying an idea, deciding, and what the clock does."""

from livinglab.pipeline.commands.carrying import (
    add_evidence,
    end_next_step,
    measure_benefit,
    name_lead,
    plan_benefit,
    set_next_step,
    withdraw_evidence,
)
from livinglab.pipeline.commands.clockwork import (
    monthly_door,
    open_reviews,
    reopen_by_support,
    return_from_hold,
)
from livinglab.pipeline.commands.deciding import (
    confirm,
    edit_proposal,
    propose,
    return_proposal,
    withdraw_proposal,
)
from livinglab.pipeline.commands.opening import (
    open_review,
    pick_for_review,
    picks_this_month,
    reopen_idea,
    request_review,
)

__all__ = [
    "add_evidence",
    "confirm",
    "edit_proposal",
    "end_next_step",
    "measure_benefit",
    "monthly_door",
    "name_lead",
    "open_review",
    "open_reviews",
    "pick_for_review",
    "picks_this_month",
    "plan_benefit",
    "propose",
    "reopen_by_support",
    "reopen_idea",
    "request_review",
    "return_from_hold",
    "return_proposal",
    "set_next_step",
    "withdraw_evidence",
    "withdraw_proposal",
]
