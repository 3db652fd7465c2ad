"""The page of a gate: criteria with their evidence, open concerns, the proposal, and who decides."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.errors import NotFound
from livinglab.ideas.models import Idea
from livinglab.pipeline.models import (
    ProposalState,
)
from livinglab.pipeline.queries.places import EvidenceItem, evidence_of, facts_with, place_of
from livinglab.pipeline.queries.review.deciders import candidates_of
from livinglab.pipeline.queries.review.parts import benefits_of, must_hear
from livinglab.pipeline.queries.review.proposals import proposals_of, review_shown
from livinglab.pipeline.queries.review.receiver import handoff_line, suggestion_of
from livinglab.pipeline.queries.review.shapes import CriterionRow, GatePage
from livinglab.pipeline.queries.review.talk import concerns_of
from livinglab.pipeline.queries.standing import whereabouts
from livinglab.pipeline.rules import Facts, Hand, criteria_of


def gate_page(session: Session, idea_id: int, now: datetime) -> GatePage:
    """Return the page of the gate ahead of an idea.

    Raises:
        NotFound: ``no-such-idea``, ``no-gate``.
    """
    place = place_of(session, idea_id)
    where = whereabouts(session, idea_id, now)
    if place.gate is None or where is None:
        raise NotFound("no-gate", _l("A running service has no gate ahead."))
    idea: Any = session.execute(
        sa.select(col(Idea.title), col(Idea.summary), col(Idea.language)).where(col(Idea.id) == idea_id)
    ).one()
    given = evidence_of(session, idea_id, place.gate)
    facts = facts_with(session, place, given)
    proposals = proposals_of(session, place.review_id)
    handoff = handoff_line(session, idea_id)
    candidates = candidates_of(session, place)
    return GatePage(
        place=place,
        facts=facts,
        title=idea.title,
        summary=idea.summary,
        language=idea.language,
        where=where,
        criteria=_criteria(place.gate, facts, given),
        concerns=concerns_of(session, idea_id),
        review=review_shown(session, place.review_id),
        proposal=next((p for p in proposals if p.state is ProposalState.OPEN), None),
        past=tuple(p for p in proposals if p.state is not ProposalState.OPEN),
        candidates=candidates,
        handoff=handoff,
        suggestion=suggestion_of(session, handoff),
        must_hear=must_hear(session, idea_id) if place.gate == 2 else (),
        benefits=benefits_of(session, idea_id) if place.gate == 3 else (),
        lead=next((face for person_id, face, hand in candidates if hand is Hand.OWN_LEAD), None),
    )


def _criteria(
    gate: int, facts: Facts, given: dict[str, tuple[EvidenceItem, ...]]
) -> tuple[CriterionRow, ...]:
    def state(code: str, met: bool) -> str:  # noqa: FBT001  # two words, one answer
        return "yes" if met else "part" if given.get(code) else "no"

    return tuple(
        CriterionRow(
            code=criterion.code,
            title=criterion.title(facts),
            hint=criterion.hint,
            state=state(criterion.code, criterion.met(facts)),
            firm=criterion.firm(facts),
            wants=criterion.wants,
            told=criterion.sums(facts),
            evidence=given.get(criterion.code, ()),
        )
        for criterion in criteria_of(gate)
    )
