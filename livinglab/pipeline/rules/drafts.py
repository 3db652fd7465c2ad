"""What is wrong with a decision as it is written. Source: rules S3, S4."""

from __future__ import annotations

from datetime import date, timedelta

from flask_babel import lazy_gettext as _l

from livinglab.core.errors import Refused
from livinglab.pipeline.models import NOTE_MAX, REASON_MAX, DecisionOutcome
from livinglab.pipeline.rules.criteria import Facts, unmet_criteria
from livinglab.pipeline.rules.place import Draft, Place
from livinglab.pipeline.rules.stages import HOLD_DAYS, Move, criteria_of, find_move


def why_not_reason(reason: str, most: int) -> Refused | None:
    """Say what is wrong with a public reason."""
    if not reason:
        return Refused("reason-missing", _l("Write the reason. Everybody can read it."), field="reason")
    if len(reason) > most:
        return Refused(
            "reason-long", _l("The reason may have at most %(num)d characters.", num=most), field="reason"
        )
    return None


def why_not_draft(draft: Draft, place: Place, facts: Facts, *, today: date) -> Refused | None:
    """Say what is wrong with a decision as it is written. Source: rules S3, S4."""
    move = find_move(place.stage, draft.outcome, draft.to_stage)
    if move is None:
        return Refused(
            "no-such-move", _l("The idea cannot move there from where it stands."), field="to_stage"
        )
    if refused := why_not_reason(draft.reason, REASON_MAX):
        return refused
    if draft.outcome is DecisionOutcome.ADVANCE:
        return _why_not_advance(draft, move, facts)
    if draft.outcome is DecisionOutcome.HOLD:
        return _why_not_hold(draft.hold_until, today)
    if draft.outcome is DecisionOutcome.DECLINE:
        return _why_not_decline(draft)
    return None


def _why_not_advance(draft: Draft, move: Move, facts: Facts) -> Refused | None:
    for criterion in unmet_criteria(move.criteria, facts):
        if criterion.firm(facts):
            return Refused(
                "criterion-firm",
                _l(
                    "“%(criterion)s” is not met, and this criterion can never be passed over.",
                    criterion=criterion.title(facts),
                ),
                field="outcome",
            )
    for criterion in unmet_criteria(move.criteria, facts):
        told = draft.deviations.get(criterion.code, "")
        if not told:
            return Refused(
                "criterion-unmet",
                _l(
                    "“%(criterion)s” is not met. Say in public why it is passed over, or choose to rework.",
                    criterion=criterion.title(facts),
                ),
                field=f"deviation_{criterion.code}",
            )
        if len(told) > NOTE_MAX:
            return Refused(
                "deviation-long",
                _l("The reason may have at most %(num)d characters.", num=NOTE_MAX),
                field=f"deviation_{criterion.code}",
            )
    return None


def _why_not_hold(until: date | None, today: date) -> Refused | None:
    if until is None:
        return Refused(
            "hold-date", _l("Choose the day on which the idea is taken up again."), field="hold_until"
        )
    if not today < until <= today + timedelta(days=HOLD_DAYS):
        return Refused(
            "hold-date", _l("Choose a day within the next %(num)d days.", num=HOLD_DAYS), field="hold_until"
        )
    return None


def _why_not_decline(draft: Draft) -> Refused | None:
    if draft.decline_code is None:
        return Refused("decline-code", _l("Choose the reason that fits best."), field="decline_code")
    if not draft.would_change:
        return Refused("would-change", _l("Say what would change the decision."), field="would_change")
    if len(draft.would_change) > NOTE_MAX:
        return Refused(
            "would-change",
            _l("This may have at most %(num)d characters.", num=NOTE_MAX),
            field="would_change",
        )
    return None


def needed_deviations(draft: Draft, place: Place, facts: Facts) -> dict[str, str]:
    """Return the deviations that belong to a decision: those of criteria not met, on the way forward."""
    if draft.outcome is not DecisionOutcome.ADVANCE or place.gate is None:
        return {}
    unmet = unmet_criteria(criteria_of(place.gate), facts)
    return {c.code: draft.deviations[c.code] for c in unmet if draft.deviations.get(c.code)}
