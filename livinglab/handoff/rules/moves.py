"""The steps of a handoff as one table, and who may take them. Source: rules H0, H1, H5, DOMAIN section 3."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from flask_babel import lazy_gettext as _l

from livinglab.core.errors import Forbidden, NotFound, Refused
from livinglab.core.viewer import Role, Viewer
from livinglab.handoff.models import POSITIVE, HandoffState, Outcome
from livinglab.ideas.models import Activity, Publication, Stage

MOST_RETURNS = 2
"""After so many "wrong unit" the lab manager chooses, and that unit keeps it (rule H1)."""
S = HandoffState
IN_PROGRESS = (S.ASSIGNED, S.ACKNOWLEDGED, S.ASSESSING, S.PRELIMINARY, S.DELIVERY)
"""What counts towards a unit's work-in-progress limit (rule H5)."""
UNDECIDED = (S.QUEUED, S.ASSIGNED, S.ACKNOWLEDGED, S.ASSESSING, S.PRELIMINARY)
AGREED = (S.ACKNOWLEDGED, S.ASSESSING, S.PRELIMINARY)


class Clock(StrEnum):
    """The four deadlines of a handoff (rule H2)."""

    ASSIGN = "assign"
    ACKNOWLEDGE = "acknowledge"
    PRELIMINARY = "preliminary"
    DECISION = "decision"


class Who(StrEnum):
    """Which circle of people a step belongs to."""

    UNIT = "unit"
    """Members of the receiving unit, and the lab manager."""
    DESK = "desk"
    """The lab's facilitators, leads and managers: they route and reassign."""
    BOTH = "both"
    ROAD = "road"
    """No person: the move of the idea itself causes it."""


class Step(StrEnum):
    """What can be done with a handoff."""

    ROUTE_AGAIN = "route_again"
    ASSIGN = "assign"
    REASSIGN = "reassign"
    ACKNOWLEDGE = "acknowledge"
    RETURN = "return"
    BEGIN = "begin"
    RECEIPT = "receipt"
    PRELIMINARY = "preliminary"
    FINAL = "final"
    EXTEND = "extend"
    WAIT = "wait"
    RESUME = "resume"
    CASE = "case"
    DELIVERY = "delivery"
    DELIVERED = "delivered"
    FOLLOW_UP = "follow_up"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Move:
    """One row of the table.

    Args:
        to: ``None`` where the state stays as it is.
        stops: The deadlines that are met by it.
    """

    step: Step
    begins: tuple[HandoffState, ...]
    to: HandoffState | None
    who: Who
    stops: tuple[Clock, ...] = ()


MOVES = (
    Move(Step.ROUTE_AGAIN, (S.QUEUED,), S.QUEUED, Who.DESK),
    Move(Step.ASSIGN, (S.QUEUED,), S.ASSIGNED, Who.BOTH, (Clock.ASSIGN,)),
    Move(Step.REASSIGN, (*IN_PROGRESS, S.DECIDED), None, Who.BOTH),
    Move(Step.ACKNOWLEDGE, (S.ASSIGNED,), S.ACKNOWLEDGED, Who.UNIT, (Clock.ACKNOWLEDGE,)),
    Move(Step.RETURN, (S.QUEUED, S.ASSIGNED, S.ACKNOWLEDGED, S.ASSESSING), S.QUEUED, Who.UNIT),
    Move(Step.BEGIN, (S.ACKNOWLEDGED,), S.ASSESSING, Who.UNIT),
    Move(Step.RECEIPT, (S.ACKNOWLEDGED, S.ASSESSING), None, Who.UNIT),
    Move(Step.PRELIMINARY, (S.ACKNOWLEDGED, S.ASSESSING), S.PRELIMINARY, Who.UNIT, (Clock.PRELIMINARY,)),
    Move(Step.FINAL, AGREED, S.DECIDED, Who.UNIT, (Clock.PRELIMINARY, Clock.DECISION)),
    Move(Step.EXTEND, AGREED, None, Who.UNIT),
    Move(Step.WAIT, AGREED, None, Who.UNIT),
    Move(Step.RESUME, AGREED, None, Who.UNIT),
    Move(Step.CASE, (*IN_PROGRESS, S.DECIDED, S.DELIVERED, S.FOLLOWED_UP), None, Who.UNIT),
    Move(Step.DELIVERY, (S.DECIDED,), S.DELIVERY, Who.ROAD),
    Move(Step.DELIVERED, (S.DECIDED, S.DELIVERY), S.DELIVERED, Who.ROAD),
    Move(Step.FOLLOW_UP, (S.DELIVERED,), S.FOLLOWED_UP, Who.ROAD),
    Move(
        Step.CLOSE,
        tuple(state for state in S if state is not S.CLOSED),
        S.CLOSED,
        Who.ROAD,
        tuple(Clock),
    ),
)
TABLE = {move.step: move for move in MOVES}


class HandoffLike(Protocol):
    """What a rule asks of a handoff; its row and a page's dataclass both fit."""

    @property
    def lab_id(self) -> int: ...
    @property
    def unit_id(self) -> int | None: ...
    @property
    def state(self) -> HandoffState: ...
    @property
    def returns(self) -> int: ...
    @property
    def extended(self) -> bool: ...
    @property
    def waits(self) -> bool: ...


class IdeaLike(Protocol):
    """What a rule asks of an idea."""

    @property
    def lab_id(self) -> int: ...
    @property
    def lead_id(self) -> int | None: ...
    @property
    def stage(self) -> Stage: ...
    @property
    def activity(self) -> Activity: ...
    @property
    def publication(self) -> Publication: ...


DESK_ROLES = (Role.FACILITATOR, Role.LEAD, Role.MANAGER)


def at_the_desk(viewer: Viewer, lab_id: int) -> bool:
    """Say whether the person routes and reassigns in the lab."""
    return viewer.has(lab_id, *DESK_ROLES)


def works_for(viewer: Viewer, lab_id: int, unit_id: int | None) -> bool:
    """Say whether the person speaks for the unit: a member, or the lab manager."""
    return (unit_id is not None and unit_id in viewer.units) or viewer.has(lab_id, Role.MANAGER)


def may_see(viewer: Viewer, handoff: HandoffLike) -> bool:
    """Say whether the person may open the handoff's own page."""
    return at_the_desk(viewer, handoff.lab_id) or works_for(viewer, handoff.lab_id, handoff.unit_id)


def no_such_handoff() -> NotFound:
    """Return the answer to somebody who may not know of a handoff."""
    return NotFound("no-such-handoff", _l("There is no such handoff."))


def changed_meanwhile() -> Refused:
    """Return the answer to a step on an older stamp."""
    return Refused(
        "handoff-changed",
        _l("Somebody else has changed this handoff in the meantime. Look at it again before you go on."),
    )


def why_not_route(
    idea: IdeaLike, viewer: Viewer, *, open_outcome: Outcome | None, is_open: bool
) -> Refused | None:
    """Say why this idea cannot be handed to a unit now.

    Args:
        is_open: Whether the idea has an open handoff already.
        open_outcome: The final answer of that one; after a "no" another unit may be asked.

    Source: rule H0 (once a review of gate 1 is open; at most one open handoff), DOMAIN section 3 (lead: own).
    """
    if idea.publication is not Publication.PUBLISHED:
        return NotFound("no-such-idea", _l("There is no idea at this address, or it is not public."))
    own = idea.lead_id is not None and idea.lead_id == viewer.person_id
    if not viewer.has(idea.lab_id, Role.FACILITATOR, Role.MANAGER, *((Role.LEAD,) if own else ())):
        return Forbidden(
            "not-at-the-desk",
            _l("Only the lab’s facilitators and managers route ideas, and the lead of an idea their own."),
        )
    if is_open and (open_outcome is None or open_outcome in POSITIVE):
        return Refused("already-routed", _l("This idea is already with a receiving unit."))
    if idea.activity not in (Activity.ACTIVE, Activity.REVIEW) or idea.stage is Stage.SERVICE:
        return Refused(
            "idea-rests", _l("This idea is not on its way now, so no unit can be asked to assess it.")
        )
    if idea.stage is Stage.IDEA and idea.activity is not Activity.REVIEW:
        return Refused("no-review", _l("An idea is handed to a unit once its first review is open."))
    return None


_WHO_CAN = {
    Who.UNIT: _l("Only members of the receiving unit and the lab manager can do this."),
    Who.DESK: _l("Only the lab’s facilitators, project leads and managers can do this."),
    Who.BOTH: _l("Only the receiving unit and the lab’s own team can do this."),
    Who.ROAD: _l("This happens by itself when the idea moves on."),
}
_STANDS = {
    S.QUEUED: _l("The handoff is in the queue and nobody has taken it yet."),
    S.ASSIGNED: _l("The unit has not yet agreed to assess the idea."),
    S.ACKNOWLEDGED: _l("The unit has already agreed to assess the idea."),
    S.ASSESSING: _l("The unit is already assessing the idea."),
    S.PRELIMINARY: _l("The unit has already given a preliminary answer."),
    S.DECIDED: _l("The unit has already given its final answer."),
    S.DELIVERY: _l("The idea is already being delivered."),
    S.DELIVERED: _l("The idea has already been delivered."),
    S.FOLLOWED_UP: _l("The delivery has already been followed up."),
    S.CLOSED: _l("This handoff is closed."),
}


def _is_in(circle: Who, handoff: HandoffLike, viewer: Viewer) -> bool:
    unit, desk = works_for(viewer, handoff.lab_id, handoff.unit_id), at_the_desk(viewer, handoff.lab_id)
    return {Who.UNIT: unit, Who.DESK: desk, Who.BOTH: unit or desk, Who.ROAD: False}[circle]


def why_not_step(step: Step, handoff: HandoffLike, viewer: Viewer) -> Refused | None:
    """Say why a person cannot take a step: not known, not theirs, or not now. Source: the table above."""
    move = TABLE[step]
    if not may_see(viewer, handoff):
        return no_such_handoff()
    if not _is_in(move.who, handoff, viewer):
        return Forbidden("not-yours", _WHO_CAN[move.who])
    return why_not_now(step, handoff)


def why_not_now(step: Step, handoff: HandoffLike) -> Refused | None:
    """Say why a step does not fit where the handoff stands, whoever takes it."""
    if handoff.state not in TABLE[step].begins:
        return Refused("wrong-state", _STANDS[handoff.state])
    in_lab_queue = handoff.unit_id is None
    if in_lab_queue and step not in (Step.ROUTE_AGAIN, Step.CLOSE):
        return Refused("no-unit", _l("The handoff is back in the lab’s queue: it needs a unit first."))
    if step is Step.ROUTE_AGAIN and not in_lab_queue:
        return Refused("already-routed", _l("This idea is already with a receiving unit."))
    if step is Step.WAIT and handoff.waits:
        return Refused("already-waiting", _l("The clock already stands: you are waiting for the author."))
    if step is Step.RESUME and not handoff.waits:
        return Refused("not-waiting", _l("The clock is running: nobody is waiting for the author."))
    if step is Step.EXTEND and handoff.extended:
        return Refused(
            "extended-once", _l("The deadline has been moved once already. It cannot be moved again.")
        )
    return None


def why_not_route_again(handoff: HandoffLike, viewer: Viewer) -> Refused | None:
    """Say why a handoff that came back cannot be given to another unit by this person. Source: rule H1."""
    problem = why_not_step(Step.ROUTE_AGAIN, handoff, viewer)
    if problem is None and handoff.returns >= MOST_RETURNS and not viewer.has(handoff.lab_id, Role.MANAGER):
        return Forbidden(
            "manager-assigns",
            _l("It has come back twice as “wrong unit”. Now the lab manager chooses the unit."),
        )
    return problem


def why_not_return(handoff: HandoffLike, viewer: Viewer, *, stage: Stage) -> Refused | None:
    """Say why a unit cannot send the idea back as "wrong unit". Source: rules H0, H1.

    Args:
        stage: Of the idea. Gate 1 is passed on the unit's agreement, so it stands from there on.
    """
    problem = why_not_step(Step.RETURN, handoff, viewer)
    if problem is None and handoff.returns >= MOST_RETURNS:
        return Refused(
            "returned-twice",
            _l("It has come back twice already. The lab manager chose this unit, so it stays here."),
        )
    if problem is None and handoff.state in AGREED and stage is not Stage.IDEA:
        return Refused(
            "already-agreed",
            _l(
                "The unit agreed to assess the idea, and it moved on because of that. Give an answer instead."
            ),
        )
    return problem


def why_not_assign(
    handoff: HandoffLike,
    viewer: Viewer,
    *,
    is_member: bool,
    in_progress: int,
    limit: int,
    again: bool = False,
) -> Refused | None:
    """Say why a handoff cannot be given to somebody. Source: rule H5.

    Args:
        is_member: Whether the one who is to have it works for the unit.
        in_progress: What the unit has in hand; at or above ``limit`` only its own members may add to it.
        again: Whether somebody has it already; that changes nothing for the limit.
    """
    problem = why_not_step(Step.REASSIGN if again else Step.ASSIGN, handoff, viewer)
    if problem is not None:
        return problem
    if not is_member:
        return Refused(
            "not-a-member", _l("Choose somebody who works for the receiving unit."), field="assignee_id"
        )
    if not again and in_progress >= limit and handoff.unit_id not in viewer.units:
        return Refused(
            "unit-full",
            _l("The unit has as much in hand as it has agreed to. Only its own members can take on more."),
        )
    return None
