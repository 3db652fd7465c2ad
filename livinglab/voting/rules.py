"""Who may support what. When numbers are shown stands in ``ideas.rules``, as cards ask it too."""

from __future__ import annotations

from typing import Protocol

from flask_babel import lazy_gettext as _l

from livinglab.core.errors import Forbidden, Refused, TooMany
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Activity, Publication, Stage
from livinglab.ideas.rules import NO_SUCH_IDEA

OPEN_STAGES = (Stage.IDEA, Stage.CONCEPT, Stage.PROTOTYPE)
OPEN_ACTIVITIES = (Activity.ACTIVE, Activity.REVIEW, Activity.HOLD, Activity.DECLINED)
PER_HOUR, PER_DAY = 30, 100


class Supportable(Protocol):
    """What the rule must know of an idea; a row and a page's dataclass both fit."""

    @property
    def publication(self) -> Publication: ...
    @property
    def stage(self) -> Stage: ...
    @property
    def activity(self) -> Activity: ...


def why_not_support(
    idea: Supportable, *, person: Viewer, needed: int = 1, last_hour: int = 0, last_day: int = 0
) -> Refused | None:
    """Say why this support is refused, or ``None``. Drawn on the button and raised by the command.

    Args:
        needed: Trust level that the challenge demands (rule P3).
        last_hour: Supports the person gave within the hour, withdrawn ones too (rule V8).
        last_day: The same within 24 hours.

    Source: rules V1, V8, P3.
    """
    if idea.publication is not Publication.PUBLISHED:
        return NO_SUCH_IDEA
    if idea.stage is Stage.SERVICE:
        return Refused("support-closed", _l("This idea has become a service. It no longer takes support."))
    if idea.activity not in OPEN_ACTIVITIES:
        return Refused("support-closed", _l("This idea no longer takes support."))
    if not person.signed_in:
        return Forbidden("sign-in-first", _l("Sign in to support this idea."))
    return _why_not_trusted(person.trust, needed) or _why_not_more(last_hour, last_day)


def _why_not_trusted(trust: int, needed: int) -> Refused | None:
    if trust >= needed:
        return None
    if trust < 1:
        reason = _l("Confirm your e-mail address first, then you can support ideas.")
    elif needed == 2:
        reason = _l("Supporters here must have met us in person: you get a code at a gathering of the lab.")
    else:
        reason = _l("Supporters here must sign in with an electronic identity.")
    return Forbidden("trust-too-low", reason)


def _why_not_more(last_hour: int, last_day: int) -> Refused | None:
    if last_hour >= PER_HOUR:
        return TooMany("too-many-this-hour", _l("You gave 30 supports this hour. Come back in a while."))
    if last_day >= PER_DAY:
        return TooMany("too-many-today", _l("You have given 100 supports today. Come back tomorrow."))
    return None
