"""Pages of ideas: the list, the page of one idea, writing, versions, the conversation, pictures."""

from livinglab.ideas.views import listing, page, sending, talk, versions, write
from livinglab.ideas.views.blueprint import bp
from livinglab.ideas.views.pictures import picture

__all__ = ["bp", "listing", "page", "picture", "sending", "talk", "versions", "write"]
