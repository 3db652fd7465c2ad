"""Pages of moderation: the queue, reports, decisions and appeals, public figures."""

from livinglab.moderation.views import appeals, queue, reports, suspending
from livinglab.moderation.views.blueprint import bp

__all__ = ["appeals", "bp", "queue", "reports", "suspending"]
