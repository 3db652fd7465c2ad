"""Challenges: written as a draft, opened, measured, closed at their instant, concluded."""

from livinglab.labs.commands.challenges.card import (
    CardTexts,
    CardTimes,
    draft_challenge,
    edit_card,
    set_audiences,
    set_measures,
    set_times,
)
from livinglab.labs.commands.challenges.running import (
    REPORT_MAX,
    CountUndecided,
    checklist_of,
    close_challenge,
    close_due_challenges,
    conclude_challenge,
    enter_measured,
    open_challenge,
)

__all__ = [
    "REPORT_MAX",
    "CardTexts",
    "CardTimes",
    "CountUndecided",
    "checklist_of",
    "close_challenge",
    "close_due_challenges",
    "conclude_challenge",
    "draft_challenge",
    "edit_card",
    "enter_measured",
    "open_challenge",
    "set_audiences",
    "set_measures",
    "set_times",
]
