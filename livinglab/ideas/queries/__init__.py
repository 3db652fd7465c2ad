"""Reads of ideas, shaped for pages. ``visible_to`` is the one condition of who may see what."""

from livinglab.ideas.queries.visibility import listed, visible_to

__all__ = ["listed", "visible_to"]
