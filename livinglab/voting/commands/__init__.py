"""Support given and taken back, and its numbers counted anew."""

from livinglab.voting.commands.recounting import Drift, recount
from livinglab.voting.commands.supporting import support_idea, withdraw_support

__all__ = ["Drift", "recount", "support_idea", "withdraw_support"]
