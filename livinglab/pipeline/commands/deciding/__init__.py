"""Deciding at a gate: one person proposes, a second confirms exactly that. Source: rules S3, S6, H0."""

from livinglab.pipeline.commands.deciding.proposing import (
    confirm,
    edit_proposal,
    propose,
    return_proposal,
    withdraw_proposal,
)

__all__ = ["confirm", "edit_proposal", "propose", "return_proposal", "withdraw_proposal"]
