"""What a form was filled from, as a mark: two people who write at one thing are told of each other."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlmodel import SQLModel, col

from livinglab.core.errors import Refused
from livinglab.labs.models import Audience, Challenge, Lab, LabSettings, Measure, ReceivingUnit


@dataclass(frozen=True, slots=True)
class Part:
    """Something that is written in one form.

    Args:
        key: Column that says whose it is. columns: What the form fills in.
    """

    table: type[SQLModel]
    key: str
    columns: tuple[str, ...]


LAB_TEXTS = Part(Lab, "id", ("tagline", "intro", "promise"))
LAB_LOOK = Part(Lab, "id", ("name", "theme", "languages", "timezones", "country", "contact_email"))
NUMBERS = Part(LabSettings, "lab_id", tuple(name for name in LabSettings.model_fields if name != "lab_id"))
UNIT = Part(
    ReceivingUnit, "id", ("name", "description", "owner_id", "deputy_id", "limit_in_progress", "topics")
)
CARD = Part(
    Challenge,
    "id",
    ("title", "intro", "goal", "purpose", "benefit", "now_state", "wanted_state", "actions"),
)
TIMES = Part(Challenge, "id", ("responsible_id", "deputy_id", "closes_at", "counts_from", "trust_needed"))
MEASURES = Part(Measure, "challenge_id", ("position", "label", "unit", "baseline", "target", "target_on"))
AUDIENCES = Part(Audience, "challenge_id", ("position", "level", "name"))


def mark_of(session: Session, part: Part, row_id: int) -> str:
    """Return a short mark of what stands; it differs when anything the form fills in does."""
    table: Any = part.table
    query = sa.select(*(col(getattr(table, name)) for name in part.columns))
    query = query.where(col(getattr(table, part.key)) == row_id)
    if "position" in part.columns:
        query = query.order_by(col(table.position))
    told = json.dumps([list(row) for row in session.execute(query)], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:20]


def refuse_stale(session: Session, part: Part, row_id: int, read: str | None) -> None:
    """Refuse to write over what somebody else has written; the row it belongs to is locked by now.

    Args:
        read: The mark of what the form was filled from; ``None`` where no form lies between.

    Raises:
        Refused: ``changed-meanwhile``.
    """
    if read and read != mark_of(session, part, row_id):
        raise Refused("changed-meanwhile", CHANGED)


CHANGED = _l(
    "Somebody else has saved this in the meantime. What you wrote is still here. "
    "Look at what stands now, and save again if yours is to count."
)
