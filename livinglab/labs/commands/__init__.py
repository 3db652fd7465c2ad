"""Writes of the labs room: labs, challenges, units, people and invitations."""

from livinglab.labs.commands.labs import cleaned, create_lab

__all__ = ["cleaned", "create_lab"]
