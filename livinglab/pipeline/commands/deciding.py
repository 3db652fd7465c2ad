"""Deciding at a gate: one person proposes, a second confirms exactly that. Source: rules S3, S6, H0."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.clock import local_day
from livinglab.core.db import known_id
from livinglab.core.errors import Refused, refuse
from livinglab.core.journal import record
from livinglab.core.text import clean
from livinglab.core.viewer import Viewer
from livinglab.handoff.commands.ending import begin_delivery, close_handoff, mark_delivered
from livinglab.ideas.models import Stage
from livinglab.pipeline.commands.moving import challenge_of_idea, move_idea, pass_on
from livinglab.pipeline.models import (
    NOTE_MAX,
    DecisionOutcome,
    GateDecision,
    Proposal,
    ProposalState,
    Review,
)
from livinglab.pipeline.queries.places import facts_of, idea_of_proposal, idea_of_review, place_of, zone_of
from livinglab.pipeline.rules import (
    Action,
    Draft,
    Facts,
    Move,
    Place,
    criteria_of,
    find_move,
    needed_deviations,
    why_not_confirm,
    why_not_draft,
    why_not_propose,
    why_not_touch_proposal,
)

_CHANGED = _l("Somebody was quicker. Look at where the review stands now.")


def propose(
    session: Session, *, review_id: int, draft: Draft, person: Viewer, now: datetime
) -> Proposal | GateDecision:
    """Write the first decider's decision. Where the lab lets one person decide, it is the decision.

    Raises:
        NotFound: ``no-such-review``, ``no-such-idea``. Forbidden: ``not-yours``, ``own-idea``,
            ``receiver-missing``. Refused: ``wrong-state``, ``proposal-open``, ``criterion-firm``,
            ``criterion-unmet``, ``reason-missing``, ``hold-date``, ``decline-code``, ``would-change``.

    Source: rules S3, S6.
    """
    place = place_of(session, idea_of_review(session, review_id), lock=True)
    refuse(why_not_propose(place, person))
    if place.review_id != review_id:
        raise Refused("review-closed", _l("This review is closed. Look at where the idea stands now."))
    facts = facts_of(session, place)
    draft = _cleaned(draft, place, facts)
    refuse(why_not_draft(draft, place, facts, today=local_day(now, zone_of(session, place.lab_id))))
    proposal = Proposal(review_id=review_id, by_id=person.known_id, written_at=now, **_values(draft))
    session.add(proposal)
    session.flush()
    if place.deciders == 1:
        _settle(session, known_id(proposal.id), 1, ProposalState.CONFIRMED, by_id=None, now=now)
        return _decide(
            session,
            place,
            draft,
            facts,
            proposal_id=known_id(proposal.id),
            proposed_by=person.known_id,
            confirmed_by=None,
            now=now,
        )
    pass_on(session, place, now=now)
    _told(session, "decision-proposed", place, proposal, person=person, now=now)
    return proposal


def edit_proposal(
    session: Session, *, proposal_id: int, version: int, draft: Draft, person: Viewer, now: datetime
) -> int:
    """Change one's own open proposal; it gets a new version, which nobody has read yet.

    Returns:
        The new version.

    Raises:
        As ``propose``; besides Forbidden: ``not-your-proposal``; Refused: ``proposal-gone``,
        ``proposal-changed``.

    Source: rule S6.
    """
    place = place_of(session, idea_of_proposal(session, proposal_id), lock=True)
    refuse(
        why_not_touch_proposal(Action.EDIT_PROPOSAL, place, person, proposal_id=proposal_id, version=version)
    )
    facts = facts_of(session, place)
    draft = _cleaned(draft, place, facts)
    refuse(why_not_draft(draft, place, facts, today=local_day(now, zone_of(session, place.lab_id))))
    _change(session, proposal_id, version, version=version + 1, written_at=now, **_values(draft))
    proposal = session.get(Proposal, proposal_id, populate_existing=True)
    if proposal is not None:
        _told(session, "decision-proposed", place, proposal, person=person, now=now)
    return version + 1


def withdraw_proposal(
    session: Session, *, proposal_id: int, version: int, person: Viewer, now: datetime
) -> None:
    """Take one's own open proposal back.

    Raises:
        Forbidden: ``not-yours``, ``not-your-proposal``. Refused: ``proposal-gone``, ``proposal-changed``.
    """
    place = place_of(session, idea_of_proposal(session, proposal_id), lock=True)
    refuse(
        why_not_touch_proposal(
            Action.WITHDRAW_PROPOSAL, place, person, proposal_id=proposal_id, version=version
        )
    )
    _settle(session, proposal_id, version, ProposalState.WITHDRAWN, by_id=person.known_id, now=now)
    pass_on(session, place, now=now)
    _settled_event(session, "proposal-withdrawn", place, proposal_id, person=person, now=now)


def return_proposal(
    session: Session, *, proposal_id: int, version: int, note: str, person: Viewer, now: datetime
) -> None:
    """Send a proposal back to its writer with a note.

    Raises:
        Forbidden: ``not-yours``, ``own-proposal``. Refused: ``proposal-gone``, ``proposal-changed``,
            ``note-missing``.

    Source: rule S3.
    """
    place = place_of(session, idea_of_proposal(session, proposal_id), lock=True)
    refuse(
        why_not_touch_proposal(
            Action.RETURN_PROPOSAL, place, person, proposal_id=proposal_id, version=version
        )
    )
    note = clean(note)
    if not 0 < len(note) <= NOTE_MAX:
        raise Refused("note-missing", _l("Write what should be different."), field="note")
    _settle(
        session,
        proposal_id,
        version,
        ProposalState.RETURNED,
        by_id=person.known_id,
        now=now,
        return_note=note,
    )
    pass_on(session, place, now=now)
    _settled_event(session, "proposal-returned", place, proposal_id, person=person, now=now, note=note)


def confirm(
    session: Session, *, proposal_id: int, version: int, person: Viewer, now: datetime
) -> GateDecision:
    """Agree, as the second decider, to exactly the version that was read. The idea moves.

    Raises:
        NotFound: ``no-such-proposal``, ``no-such-idea``. Forbidden: ``not-yours``, ``own-idea``,
            ``own-proposal``, ``receiver-missing``. Refused: ``wrong-state``, ``proposal-gone``,
            ``proposal-changed``, ``proposer-gone``, ``criterion-…``, ``hold-date``, ``moved-meanwhile``.

    Source: rules S3, S6, invariant I-6.
    """
    place = place_of(session, idea_of_proposal(session, proposal_id), lock=True)
    facts = facts_of(session, place)
    today = local_day(now, zone_of(session, place.lab_id))
    refuse(why_not_confirm(place, person, facts, proposal_id=proposal_id, version=version, today=today))
    _settle(session, proposal_id, version, ProposalState.CONFIRMED, by_id=person.known_id, now=now)
    proposal = place.proposal
    if proposal is None:
        raise Refused("proposal-gone", _CHANGED)
    draft = Draft(
        outcome=proposal.outcome,
        reason=proposal.reason,
        to_stage=proposal.to_stage,
        deviations=proposal.deviations,
        hold_until=proposal.hold_until,
        decline_code=proposal.decline_code,
        would_change=proposal.would_change,
    )
    return _decide(
        session,
        place,
        draft,
        facts,
        proposal_id=proposal_id,
        proposed_by=proposal.by_id,
        confirmed_by=person.known_id,
        now=now,
    )


def _cleaned(draft: Draft, place: Place, facts: Facts) -> Draft:
    """Return the draft with clean texts and without what its outcome does not carry."""
    outcome = draft.outcome
    deviations = {code: clean(text) for code, text in draft.deviations.items()}
    tidy = Draft(
        outcome=outcome,
        reason=clean(draft.reason),
        to_stage=draft.to_stage if outcome is DecisionOutcome.REWORK else None,
        deviations=deviations,
        hold_until=draft.hold_until if outcome is DecisionOutcome.HOLD else None,
        decline_code=draft.decline_code if outcome is DecisionOutcome.DECLINE else None,
        would_change=clean(draft.would_change) if outcome is DecisionOutcome.DECLINE else "",
    )
    return Draft(**(_values(tidy) | {"deviations": needed_deviations(tidy, place, facts)}))


def _values(draft: Draft) -> dict[str, Any]:
    return {
        "outcome": draft.outcome,
        "to_stage": draft.to_stage,
        "reason": draft.reason,
        "deviations": dict(draft.deviations),
        "hold_until": draft.hold_until,
        "decline_code": draft.decline_code,
        "would_change": draft.would_change,
    }


def _change(session: Session, proposal_id: int, read: int, **values: Any) -> None:
    """Compare and set: only an open proposal in the version that was read is changed (rule S6)."""
    done = session.execute(
        sa.update(Proposal)
        .where(
            col(Proposal.id) == proposal_id,
            col(Proposal.state) == ProposalState.OPEN,
            col(Proposal.version) == read,
        )
        .values(**values)
    )
    if done.rowcount != 1:  # type: ignore[attr-defined]
        raise Refused("proposal-changed", _CHANGED)


def _settle(
    session: Session,
    proposal_id: int,
    read: int,
    state: ProposalState,
    *,
    by_id: int | None,
    now: datetime,
    **more: Any,
) -> None:
    _change(session, proposal_id, read, state=state, settled_by=by_id, settled_at=now, **more)


def _decide(
    session: Session,
    place: Place,
    draft: Draft,
    facts: Facts,
    *,
    proposal_id: int,
    proposed_by: int,
    confirmed_by: int | None,
    now: datetime,
) -> GateDecision:
    """Move the idea, close the review, write the decision and its one entry in the story."""
    move = find_move(place.stage, draft.outcome, draft.to_stage)
    if move is None or place.review_id is None:
        raise Refused("no-such-move", _CHANGED)
    move_idea(
        session,
        place,
        stage=move.target,
        activity=move.activity,
        now=now,
        hold_until=draft.hold_until,
        decline_code=draft.decline_code.value if draft.decline_code else None,
        next_step="",
        next_who="",
        next_by=None,
    )
    session.execute(sa.update(Review).where(col(Review.id) == place.review_id).values(closed_at=now))
    decision = GateDecision(
        review_id=place.review_id,
        proposal_id=proposal_id,
        idea_id=place.idea_id,
        lab_id=place.lab_id,
        gate=move.gate,
        outcome=draft.outcome,
        from_stage=move.source,
        to_stage=move.target,
        reason=draft.reason,
        criteria=_as_they_stood(draft, move, facts),
        hold_until=draft.hold_until,
        decline_code=draft.decline_code,
        would_change=draft.would_change,
        proposed_by=proposed_by,
        confirmed_by=confirmed_by,
        decided_at=now,
    )
    session.add(decision)
    session.flush()
    _tell_the_unit(session, place, move, now, confirmed_by or proposed_by)
    pass_on(session, place, now=now)
    record(
        session,
        "decision-made",
        at=now,
        actor_id=confirmed_by or proposed_by,
        lab_id=place.lab_id,
        challenge_id=challenge_of_idea(session, place.idea_id),
        idea_id=place.idea_id,
        subject_id=known_id(decision.id),
        data={
            "decision_id": known_id(decision.id),
            "gate": move.gate,
            "outcome": draft.outcome.value,
            "from": move.source.value,
            "to": move.target.value,
            "deviations": len(draft.deviations),
            "hold_until": draft.hold_until.isoformat() if draft.hold_until else None,
            "decline_code": draft.decline_code.value if draft.decline_code else None,
            "by_one": confirmed_by is None,
            "proposed_by_id": proposed_by,
        },
    )
    return decision


def _as_they_stood(draft: Draft, move: Move, facts: Facts) -> list[dict[str, Any]]:
    needed = {"responses": facts.responses_needed, "testers": facts.testers_needed}
    return [
        {
            "code": criterion.code,
            "met": criterion.met(facts),
            "deviation": draft.deviations.get(criterion.code, ""),
            "needed": needed.get(criterion.code),
        }
        for criterion in criteria_of(move.gate)
    ]


def _tell_the_unit(session: Session, place: Place, move: Move, now: datetime, actor_id: int) -> None:
    """Let the handoff follow the idea (rule H0)."""
    if move.outcome is DecisionOutcome.DECLINE:
        close_handoff(session, place.idea_id, "declined", now, actor_id=actor_id)
    elif move.outcome is DecisionOutcome.ADVANCE and move.target is Stage.PROTOTYPE:
        begin_delivery(session, place.idea_id, now, actor_id=actor_id)
    elif move.outcome is DecisionOutcome.ADVANCE and move.target is Stage.SERVICE:
        mark_delivered(session, place.idea_id, now, actor_id=actor_id)


def _told(
    session: Session, kind: str, place: Place, proposal: Proposal, *, person: Viewer, now: datetime
) -> None:
    record(
        session,
        kind,
        at=now,
        actor_id=person.known_id,
        lab_id=place.lab_id,
        idea_id=place.idea_id,
        subject_id=known_id(proposal.id),
        public=False,
        data={
            "review_id": proposal.review_id,
            "gate": place.gate,
            "outcome": proposal.outcome.value,
            "version": proposal.version,
        },
    )


def _settled_event(
    session: Session,
    kind: str,
    place: Place,
    proposal_id: int,
    *,
    person: Viewer,
    now: datetime,
    **more: Any,
) -> None:
    writer = place.proposal.by_id if place.proposal else None
    record(
        session,
        kind,
        at=now,
        actor_id=person.known_id,
        lab_id=place.lab_id,
        idea_id=place.idea_id,
        subject_id=proposal_id,
        public=False,
        data={"review_id": place.review_id, "gate": place.gate, "writer_id": writer} | more,
    )
