"""Pages of accounts and of one's own things."""

from livinglab.people.views import links, settings, signing, taking_along
from livinglab.people.views.blueprint import accounts
from livinglab.people.views.mine import me

__all__ = ["accounts", "links", "me", "settings", "signing", "taking_along"]
