"""Notices in the app, following, and ending the daily mail."""

from livinglab.notices.views.inbox import bp, exempt

__all__ = ["bp", "exempt"]
