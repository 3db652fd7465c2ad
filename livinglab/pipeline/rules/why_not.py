"""Who may do what at a gate, and why not. Each answer draws a button and refuses a command."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from flask_babel import lazy_gettext as _l

from livinglab.core.errors import Forbidden, NotFound, Refused
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Activity, Publication, Stage
from livinglab.pipeline.models import (
    NOTE_MAX,
    DecisionOutcome,
)
from livinglab.pipeline.rules.criteria import Criterion, Facts, Given, Want
from livinglab.pipeline.rules.drafts import why_not_draft, why_not_reason
from livinglab.pipeline.rules.place import Draft, Place
from livinglab.pipeline.rules.stages import (
    FIRST_GATE,
    LATER_GATES,
    REOPEN_DAYS,
    Hand,
    find_move,
)


class Action(StrEnum):
    """What people do in the pipeline."""

    PICK = "pick"
    REQUEST = "request"
    REOPEN = "reopen"
    NAME_LEAD = "name_lead"
    SET_NEXT_STEP = "set_next_step"
    ADD_EVIDENCE = "add_evidence"
    WITHDRAW_EVIDENCE = "withdraw_evidence"
    PLAN_BENEFIT = "plan_benefit"
    MEASURE_BENEFIT = "measure_benefit"
    PROPOSE = "propose"
    EDIT_PROPOSAL = "edit_proposal"
    WITHDRAW_PROPOSAL = "withdraw_proposal"
    RETURN_PROPOSAL = "return_proposal"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class Right:
    """Who may do something, and where the idea must stand for it.

    Args:
        authors: Whether an author or co-author may do it, given one of the capacities.
        elsewhere: The sentence when the idea stands elsewhere.
    """

    hands: frozenset[Hand]
    stages: frozenset[Stage]
    activities: frozenset[Activity]
    elsewhere: object
    authors: bool = True


_GATED = frozenset({Stage.IDEA, Stage.CONCEPT, Stage.PROTOTYPE})
_ALIVE = frozenset({Activity.ACTIVE, Activity.REVIEW, Activity.HOLD})
_OPENERS = frozenset({Hand.FACILITATOR, Hand.OWN_LEAD, Hand.MANAGER})
_HELPERS = frozenset(Hand)
_IN_REVIEW = frozenset({Activity.REVIEW})
_NO_REVIEW = _l("No review of this idea is open.")
_DECIDE = Right(FIRST_GATE | LATER_GATES, _GATED, _IN_REVIEW, _NO_REVIEW, authors=False)

RIGHTS: dict[Action, Right] = {
    Action.PICK: Right(
        _OPENERS,
        frozenset({Stage.IDEA}),
        frozenset({Activity.ACTIVE}),
        _l("Only an active idea at the first stage can be picked for a review."),
        authors=False,
    ),
    Action.REQUEST: Right(
        _OPENERS,
        frozenset({Stage.CONCEPT, Stage.PROTOTYPE}),
        frozenset({Activity.ACTIVE}),
        _l("A review can be asked for only while a concept or prototype is active."),
    ),
    Action.REOPEN: Right(
        _OPENERS,
        _GATED,
        frozenset({Activity.DECLINED}),
        _l("Only a declined idea can be reopened."),
        authors=False,
    ),
    Action.NAME_LEAD: Right(
        frozenset({Hand.FACILITATOR, Hand.MANAGER}),
        frozenset(Stage),
        _ALIVE,
        _l("A lead is named only while the idea is active, in review or on hold."),
    ),
    Action.SET_NEXT_STEP: Right(
        _HELPERS,
        frozenset(Stage),
        _ALIVE,
        _l("A next step is named only while the idea is active, in review or on hold."),
    ),
    Action.ADD_EVIDENCE: Right(
        _HELPERS,
        _GATED,
        _ALIVE,
        _l("Evidence is gathered only while a gate lies ahead."),
    ),
    Action.WITHDRAW_EVIDENCE: Right(
        _HELPERS,
        _GATED,
        _ALIVE,
        _l("Evidence is gathered only while a gate lies ahead."),
    ),
    Action.PLAN_BENEFIT: Right(
        _HELPERS,
        frozenset({Stage.PROTOTYPE, Stage.SERVICE}),
        _ALIVE,
        _l("The benefit plan belongs to a prototype or a service."),
    ),
    Action.MEASURE_BENEFIT: Right(
        _HELPERS,
        frozenset({Stage.SERVICE}),
        frozenset({Activity.ACTIVE}),
        _l("A benefit is measured once the service runs."),
    ),
    Action.PROPOSE: _DECIDE,
    Action.EDIT_PROPOSAL: _DECIDE,
    Action.WITHDRAW_PROPOSAL: _DECIDE,
    Action.RETURN_PROPOSAL: _DECIDE,
    Action.CONFIRM: _DECIDE,
}
"""The whole answer to "who may do what where"; what is more than that is asked by the rules below."""

DECIDING = frozenset(action for action, right in RIGHTS.items() if right is _DECIDE)


def why_not(action: Action, place: Place, viewer: Viewer) -> Refused | None:
    """Say why this person may not do this here, by the table of rights. Source: DOMAIN section 3."""
    if place.publication is not Publication.PUBLISHED:
        return NotFound("no-such-idea", _l("There is no such idea."))
    right = RIGHTS[action]
    hands = right.hands
    if action in DECIDING:
        hands = _deciders_at(place.gate)
    held = place.hands(viewer)
    if not held & hands:
        return Forbidden("not-yours", _who_may(action, place.gate))
    if not right.authors and viewer.person_id in place.authors:
        return Forbidden("own-idea", _l("Authors do not decide about their own idea."))
    if place.stage not in right.stages or place.activity not in right.activities:
        return Refused("wrong-state", right.elsewhere)
    return None


def _deciders_at(gate: int | None) -> frozenset[Hand]:
    return FIRST_GATE if gate == 1 else LATER_GATES


def _who_may(action: Action, gate: int | None) -> object:
    if action in DECIDING and gate == 1:
        return _l("At this gate a facilitator, the idea’s project lead or the lab manager decides.")
    if action in DECIDING:
        return _l(
            "At this gate the idea’s project lead, a member of its receiving unit or the lab manager decides."
        )
    if action is Action.NAME_LEAD:
        return _l("A facilitator or the lab manager names the lead.")
    return _l("This is done by a facilitator, the idea’s project lead or the lab manager.")


def why_not_pick(place: Place, viewer: Viewer, *, picked: int, allowed: int, reason: str) -> Refused | None:
    """Say why an idea may not be picked for a review now.

    Args:
        picked: Picks in this lab in the present calendar month.

    Source: rule S2 (c).
    """
    if refused := why_not(Action.PICK, place, viewer):
        return refused
    if picked >= allowed:
        return Refused(
            "picks-used",
            _l(
                "All %(num)d picks of this month are used. The next ones come with the new month.",
                num=allowed,
            ),
        )
    return why_not_reason(reason, NOTE_MAX)


def why_not_request(place: Place, viewer: Viewer, *, reason: str) -> Refused | None:
    """Say why a review at gate 2 or 3 may not be asked for now. Source: rule S2."""
    return why_not(Action.REQUEST, place, viewer) or why_not_reason(reason, NOTE_MAX)


def why_not_reopen(
    place: Place, viewer: Viewer | None, *, reopened_on: date | None, today: date, reason: str
) -> Refused | None:
    """Say why a declined idea may not be reopened now.

    Args:
        viewer: ``None`` where 25 new supports reopen it.
        reopened_on: The day it was last reopened.

    Source: rule S5.
    """
    if viewer is not None and (refused := why_not(Action.REOPEN, place, viewer)):
        return refused
    if place.activity is not Activity.DECLINED:
        return Refused("wrong-state", RIGHTS[Action.REOPEN].elsewhere)
    if reopened_on is not None and today < reopened_on + timedelta(days=REOPEN_DAYS):
        return Refused("reopened-lately", _l("An idea can be reopened once in 180 days."))
    return why_not_reason(reason, NOTE_MAX) if viewer is not None else None


def why_not_propose(place: Place, viewer: Viewer) -> Refused | None:
    """Say why this person may not propose a decision now. Source: rules S3, S6."""
    if refused := why_not(Action.PROPOSE, place, viewer):
        return refused
    if place.review_id is None:
        return Refused("no-review", _NO_REVIEW)
    if place.proposal is not None:
        return Refused(
            "proposal-open", _l("Somebody has proposed a decision in the meantime. Read it before you go on.")
        )
    move = find_move(place.stage, DecisionOutcome.HOLD)
    if place.deciders == 1 and move and move.one_of and not place.hands(viewer) & move.one_of:
        return Forbidden("receiver-missing", _RECEIVER)
    return None


_RECEIVER = _l("At this gate one of the two deciders is a member of the receiving unit or the lab manager.")
_GONE = _l("This proposal is no longer open. Look at where the review stands now.")
_CHANGED = _l("The proposal was changed after you opened it. Read the new version before you confirm it.")


def why_not_touch_proposal(
    action: Action, place: Place, viewer: Viewer, *, proposal_id: int, version: int
) -> Refused | None:
    """Say why the open proposal may not be edited, withdrawn or returned by this person.

    Args:
        version: The version that the person has read.
    """
    if refused := why_not(action, place, viewer):
        return refused
    if place.proposal is None or place.proposal.id != proposal_id:
        return Refused("proposal-gone", _GONE)
    mine = place.proposal.by_id == viewer.person_id
    if action is Action.RETURN_PROPOSAL and mine:
        return Forbidden("own-proposal", _l("This is your own proposal. You can change or withdraw it."))
    if action in (Action.EDIT_PROPOSAL, Action.WITHDRAW_PROPOSAL) and not mine:
        return Forbidden("not-your-proposal", _l("Only the person who wrote the proposal can change it."))
    if place.proposal.version != version:
        return Refused("proposal-changed", _CHANGED)
    return None


def why_not_confirm(
    place: Place, viewer: Viewer, facts: Facts, *, proposal_id: int, version: int, today: date
) -> Refused | None:
    """Say why this person may not confirm the proposal.

    Two different persons, whatever roles they hold; the version that was read; both still deciders; and
    what the proposal promised must still hold. Source: rules S3, S4, S6.
    """
    if refused := why_not(Action.CONFIRM, place, viewer):
        return refused
    proposal = place.proposal
    if proposal is None or proposal.id != proposal_id:
        return Refused("proposal-gone", _GONE)
    if proposal.by_id == viewer.person_id:
        return Forbidden("own-proposal", _l("A second person confirms. You wrote this proposal."))
    if proposal.version != version:
        return Refused("proposal-changed", _CHANGED)
    move = find_move(place.stage, proposal.outcome, proposal.to_stage)
    if move is None:
        return Refused("no-such-move", _l("The idea cannot move there from where it stands."))
    if not proposal.hands & move.deciders or proposal.by_id in place.authors:
        return Refused(
            "proposer-gone",
            _l("The person who proposed this no longer decides here. Return it and write your own."),
        )
    if move.one_of and not (proposal.hands | place.hands(viewer)) & move.one_of:
        return Forbidden("receiver-missing", _RECEIVER)
    return why_not_draft(
        Draft(
            outcome=proposal.outcome,
            reason=proposal.reason,
            to_stage=proposal.to_stage,
            deviations=proposal.deviations,
            hold_until=proposal.hold_until,
            decline_code=proposal.decline_code,
            would_change=proposal.would_change,
        ),
        place,
        facts,
        today=today,
    )


def why_not_evidence(
    place: Place, viewer: Viewer, criterion: Criterion | None, given: Given
) -> Refused | None:
    """Say why this cannot be given as evidence. Source: rule S4."""
    if refused := why_not(Action.ADD_EVIDENCE, place, viewer):
        return refused
    if criterion is None or not criterion.wants:
        return NotFound("no-such-criterion", _l("This gate has no such criterion to give evidence for."))
    first = criterion.wants[0]
    if first is Want.NUMBER and given.number is None:
        return Refused("evidence-number", _l("Give the number."), field="number")
    if given.number is not None and not 0 <= given.number <= 1_000_000_000:
        return Refused("evidence-number", _l("Give a number between 0 and 1 000 000 000."), field="number")
    if first is Want.DATE and given.on_date is None:
        return Refused("evidence-date", _l("Choose the date."), field="on_date")
    if first is Want.LINK and not (given.link or given.picture):
        return Refused("evidence-shown", _l("Give a link or a picture."), field="link")
    if not given.shows and given.number is None and given.on_date is None:
        return Refused("evidence-empty", _l("Write something, or give a link or a picture."), field="text")
    return None
