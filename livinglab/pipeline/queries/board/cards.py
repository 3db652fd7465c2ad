"""The cards of the board, each with whom it waits for; a service with its benefit."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

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

IDS: Any = sa.bindparam("ids", type_=sa.Integer, expanding=True)


def cards_of(session: Session, idea_ids: list[int], now: datetime) -> dict[int, BoardCard]:
    """Return what the cards show, in one statement; services get their benefit in a second."""
    if not idea_ids:
        return {}
    cards = {
        row.idea_id: BoardCard(
            standing=standing_from(row, now),
            title=row.title,
            language=row.idea_language,
            lab_name=row.lab_name,
            lab_theme=row.lab_theme,
            lead=lead_face(row),
        )
        for row in session.connection().execute(_cards(), {"ids": idea_ids})
    }
    services = [key for key, card in cards.items() if card.standing.stage is Stage.SERVICE]
    for idea_id, line in _benefits(session, services).items():
        cards[idea_id] = replace(cards[idea_id], benefit=line)
    return cards


@lru_cache(maxsize=1)
def _cards() -> Any:
    """Return the statement of the cards, made once: making it costs more than running it."""
    shown: Any = (col(Idea.title), col(Lab.name).label("lab_name"), col(Lab.theme).label("lab_theme"))
    query = sa.select(*standing_columns(), *shown).select_from(Idea)
    return with_standing(query).where(col(Idea.id).in_(IDS))


def _benefits(session: Session, idea_ids: list[int]) -> dict[int, BenefitLine]:
    if not idea_ids:
        return {}
    rows = session.connection().execute(_lines(), {"ids": idea_ids})
    return {idea_id: BenefitLine(*line) for idea_id, *line in rows}


@lru_cache(maxsize=1)
def _lines() -> Any:
    """Return the statement of the benefits, made once. Of several the first is shown: it comes last."""
    line = (Benefit.label, Benefit.unit, Benefit.baseline, Benefit.target, Benefit.measured)
    return (
        sa.select(col(Benefit.idea_id), *(col(column) for column in line))
        .where(col(Benefit.idea_id).in_(IDS))
        .order_by(col(Benefit.id).desc())
    )
