"""Who may be suspended, for how long, and who may lift it."""

from __future__ import annotations

from datetime import datetime

from flask_babel import lazy_gettext as _l

from livinglab.core.errors import Forbidden, Refused
from livinglab.core.viewer import Viewer
from livinglab.moderation.rules.deciding import NO_SUCH_DECISION, OpenCase, why_not_moderate

SUSPEND_DAYS = (7, 30, 90)
"""How long; it ends by itself."""


def why_not_suspend(
    case: OpenCase, person: Viewer, *, author_id: int | None, has_duties: bool, until: datetime | None
) -> Refused | None:
    """Say why the author of what a case is about may not be suspended.

    Who works for a lab or a unit, and the administrator, are no matter of moderation: their role is ended
    first, by those who may (rule P2b). So nobody moderates away who decides beside them.

    Args:
        author_id: ``None`` where the author has left.
        has_duties: Holds a role in some lab, sits in a receiving unit, or is the administrator.
        until: When a standing suspension ends.

    Source: rules M1, M2; docs/decisions/0016-suspending-somebody.md.
    """
    problem = why_not_moderate(case, person)
    if problem is not None:
        return problem
    if author_id is None:
        return Refused("no-author", _l("Whoever wrote this has left."))
    if has_duties:
        reason = _l("The author works for a lab or a receiving unit. A manager ends that role first.")
        return Forbidden("has-duties", reason)
    if until is not None:
        return Refused("already-suspended", _l("The author is suspended already."))
    return None


def why_not_days(days: int) -> Refused | None:
    """Say why this is no time for which somebody is suspended."""
    if days not in SUSPEND_DAYS:
        return Refused("days-missing", _l("Choose for how long."), field="days")
    return None


def why_not_lift(person: Viewer, *, lab_id: int, ended: bool) -> Refused | None:
    """Say why somebody may not lift a suspension: its lab's moderators may, and the administrator."""
    if not person.moderates(lab_id) and not person.is_admin:
        return NO_SUCH_DECISION
    if ended:
        return Refused("suspension-ended", _l("This suspension has ended already."))
    return None
