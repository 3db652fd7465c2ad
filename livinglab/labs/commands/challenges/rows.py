"""The row of a challenge under lock, and its line in the journal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from livinglab.core.db import known_id
from livinglab.core.journal import record
from livinglab.core.viewer import Viewer
from livinglab.labs.models import Challenge, Lab
from livinglab.labs.rules import NO_SUCH_CHALLENGE


def challenge_row(session: Session, challenge_id: int, *, lock: bool = True) -> tuple[Challenge, Lab]:
    """Return a challenge with its lab.

    Args:
        lock: For a change: a draft that is opened at this moment is not rewritten as well.

    Raises:
        NotFound: ``no-such-challenge``.
    """
    options: dict[str, Any] = {"with_for_update": {"key_share": True}, "populate_existing": True}
    challenge = session.get(Challenge, challenge_id, **(options if lock else {}))
    if challenge is None:
        raise NO_SUCH_CHALLENGE
    return challenge, session.get_one(Lab, challenge.lab_id)


def note(
    session: Session, kind: str, challenge: Challenge, person: Viewer | None, now: datetime, **data: Any
) -> None:
    """Record what happened to a challenge; it is part of the public story unless ``public`` says no."""
    more = {name: data.pop(name) for name in ("public", "readers") if name in data}
    record(
        session, kind, at=now, actor_id=person.person_id if person else None, lab_id=challenge.lab_id,
        challenge_id=known_id(challenge.id), data={"title": dict(challenge.title), **data}, **more,
    )  # fmt: skip
