"""A proposal: written, changed, withdrawn, returned, confirmed. Source: rules S3, S6."""

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
from livinglab.pipeline.commands.deciding.settling import CHANGED, decide, values_of
from livinglab.pipeline.commands.moving import pass_on
from livinglab.pipeline.models import (
    NOTE_MAX,
    DecisionOutcome,
    GateDecision,
    Proposal,
    ProposalState,
)
from livinglab.pipeline.queries.places import facts_of, idea_of_proposal, idea_of_review, place_of, zone_of
from livinglab.pipeline.rules import (
    Action,
    Draft,
    Facts,
    Place,
    needed_deviations,
    why_not_confirm,
    why_not_draft,
    why_not_propose,
    why_not_touch_proposal,
)


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
    proposal = Proposal(review_id=review_id, by_id=person.known_id, written_at=now, **values_of(draft))
    session.add(proposal)
    session.flush()
    if place.deciders == 1:
        _settle(session, known_id(proposal.id), 1, ProposalState.CONFIRMED, by_id=None, now=now)
        return decide(
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
    _change(session, proposal_id, version, version=version + 1, written_at=now, **values_of(draft))
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
        raise Refused("proposal-gone", CHANGED)
    draft = Draft(
        outcome=proposal.outcome,
        reason=proposal.reason,
        to_stage=proposal.to_stage,
        deviations=proposal.deviations,
        hold_until=proposal.hold_until,
        decline_code=proposal.decline_code,
        would_change=proposal.would_change,
    )
    return decide(
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
    return Draft(**(values_of(tidy) | {"deviations": needed_deviations(tidy, place, facts)}))


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
        raise Refused("proposal-changed", CHANGED)


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
