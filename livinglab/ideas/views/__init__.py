"""Pages of ideas: the list, the page of one idea, writing, versions, the conversation."""

from livinglab.ideas.views import listing, page, talk, versions, write
from livinglab.ideas.views.blueprint import bp

__all__ = ["bp", "listing", "page", "talk", "versions", "write"]
