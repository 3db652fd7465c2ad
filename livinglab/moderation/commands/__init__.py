"""Writes of moderation: handing in, reporting, deciding, appealing."""

from livinglab.moderation.commands.appealing import appeal, decide_appeal
from livinglab.moderation.commands.cases import open_case
from livinglab.moderation.commands.deciding import decide_case
from livinglab.moderation.commands.holding import hold_case
from livinglab.moderation.commands.reporting import report
from livinglab.moderation.commands.submitting import (
    submit_comment,
    submit_edit,
    submit_idea,
    submit_waiting_drafts,
)

__all__ = [
    "appeal",
    "decide_appeal",
    "decide_case",
    "hold_case",
    "open_case",
    "report",
    "submit_comment",
    "submit_edit",
    "submit_idea",
    "submit_waiting_drafts",
]
