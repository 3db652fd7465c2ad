"""What an invitation may be, and when its link still opens the door."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from flask_babel import lazy_gettext as _l

from livinglab.core.errors import Forbidden, Refused
from livinglab.core.viewer import Role, Viewer

INVITATION_DAYS = 14
VALID_FOR = timedelta(days=INVITATION_DAYS)


class Offered(Protocol):
    """An invitation as far as its life goes."""

    @property
    def expires_at(self) -> datetime: ...
    @property
    def accepted_at(self) -> datetime | None: ...
    @property
    def withdrawn_at(self) -> datetime | None: ...


def state_of(invitation: Offered, now: datetime) -> str:
    """Return ``waiting``, ``accepted``, ``withdrawn`` or ``expired``."""
    if invitation.accepted_at is not None:
        return "accepted"
    if invitation.withdrawn_at is not None:
        return "withdrawn"
    return "expired" if invitation.expires_at <= now else "waiting"


def why_not_accept(person: Viewer, *, state: str) -> Refused | None:
    """Say why this person cannot accept. Source: rule P2b."""
    if state == "accepted":
        return Refused("invitation-used", _l("This invitation was accepted before. Each one works once."))
    if state == "withdrawn":
        return Refused("invitation-withdrawn", _l("This invitation was taken back."))
    if state == "expired":
        return Refused("invitation-expired", _l("This invitation is older than 14 days. Ask for a new one."))
    if not person.signed_in:
        return Forbidden("signed-out", _l("Sign in to accept."))
    if person.trust < 1:
        return Refused("unconfirmed", _l("Confirm your e-mail address first: open the link we sent you."))
    return None


def why_not_take(person: Viewer, *, lab_id: int, role: Role) -> Refused | None:
    """Say why this person cannot give themself a role.

    The administrator may become a lab's manager, and a manager may take the other roles.
    """
    if role is Role.MANAGER:
        if not person.is_admin:
            return Forbidden(
                "not-admin", _l("Only the administrator can become manager without an invitation.")
            )
        return None
    if not person.has(lab_id, Role.MANAGER):
        return Forbidden(
            "not-manager", _l("Only the lab’s manager can take this role without an invitation.")
        )
    return None
