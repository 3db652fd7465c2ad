"""The cards of the board, each with whom it waits for; a service with its benefit."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.ideas.models import Idea, Stage
from livinglab.labs.models import Lab
from livinglab.pipeline.models import Benefit
from livinglab.pipeline.queries.board.shapes import BenefitLine, BoardCard
from livinglab.pipeline.queries.standing import (
    lead_face,
    standing_columns,
    standing_from,
    with_standing,
)


def cards_of(session: Session, idea_ids: list[int], now: datetime) -> dict[int, BoardCard]:
    """Return what the cards show, in one statement; services get their benefit in a second."""
    if not idea_ids:
        return {}
    query = with_standing(
        sa.select(
            *standing_columns(),
            col(Idea.title),
            col(Idea.language),
            col(Lab.name).label("lab_name"),
            col(Lab.theme).label("lab_theme"),
        ).select_from(Idea)
    ).where(col(Idea.id).in_(idea_ids))
    cards = {
        row.idea_id: BoardCard(
            standing=standing_from(row, now),
            title=row.title,
            language=row.language,
            lab_name=row.lab_name,
            lab_theme=row.lab_theme,
            lead=lead_face(row),
        )
        for row in session.execute(query)
    }
    services = [key for key, card in cards.items() if card.standing.stage is Stage.SERVICE]
    for idea_id, line in _benefits(session, services).items():
        cards[idea_id] = replace(cards[idea_id], benefit=line)
    return cards


def _benefits(session: Session, idea_ids: list[int]) -> dict[int, BenefitLine]:
    if not idea_ids:
        return {}
    rows = session.scalars(
        sa.select(Benefit).where(col(Benefit.idea_id).in_(idea_ids)).order_by(col(Benefit.id).desc())
    )
    return {
        row.idea_id: BenefitLine(row.label, row.unit, row.baseline, row.target, row.measured) for row in rows
    }
