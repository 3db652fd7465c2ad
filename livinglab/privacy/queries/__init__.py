"""Reads: a person's own lists, and everything that is kept about them."""

from livinglab.privacy.queries.own import (
    AGAINST,
    PAGE_SIZE,
    OwnDecision,
    OwnList,
    decisions_about,
    followed_by,
    supported_by,
)
from livinglab.privacy.queries.taking_along import OwnData, OwnPart, own_data

__all__ = [
    "AGAINST",
    "PAGE_SIZE",
    "OwnData",
    "OwnDecision",
    "OwnList",
    "OwnPart",
    "decisions_about",
    "followed_by",
    "own_data",
    "supported_by",
]
