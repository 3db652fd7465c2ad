"""Writes of the privacy room."""

from livinglab.privacy.commands.erasing import Erased, Published, erase_person
from livinglab.privacy.commands.forgetting import forget_account, forget_old, forget_pictures
from livinglab.privacy.commands.joining import join_accounts

__all__ = [
    "Erased",
    "Published",
    "erase_person",
    "forget_account",
    "forget_old",
    "forget_pictures",
    "join_accounts",
]
