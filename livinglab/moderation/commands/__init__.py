"""Writes of moderation: handing in, reporting, deciding, appealing."""

from livinglab.moderation.commands.cases import hold_case, let_go, open_case
from livinglab.moderation.commands.submitting import (
    submit_comment,
    submit_edit,
    submit_idea,
    submit_waiting_drafts,
)

__all__ = [
    "hold_case",
    "let_go",
    "open_case",
    "submit_comment",
    "submit_edit",
    "submit_idea",
    "submit_waiting_drafts",
]
