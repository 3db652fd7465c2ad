"""The front page of the instance, and the list of late answers it links to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, render_template
from sqlalchemy.orm import Session

from livinglab.core.clock import utc_now
from livinglab.handoff.queries.figures import promise_kept
from livinglab.handoff.queries.late import late_answers
from livinglab.ideas.queries.cards import cards_by_id
from livinglab.ideas.queries.counts import (
    happening,
    ideas_by_challenge,
    ideas_by_lab,
    quiet_cards,
    stages_of,
)
from livinglab.labs import queries
from livinglab.labs.views import showing
from livinglab.moderation.queries.figures import figures
from livinglab.pipeline.queries.services import services
from livinglab.pipeline.queries.standing import standing
from livinglab.web.access import public
from livinglab.web.database import db

bp = Blueprint("front", __name__)
SHOWN = 3


@bp.get("/")
@public
def home() -> str:
    """What this is, what is going on, what is promised and how it is kept."""
    now = utc_now()
    with db.reading() as session:
        labs = queries.lab_cards(session, now)
        values = _asks(session, now, labs) | _ideas(session, now)
        values |= {
            "ideas": ideas_by_lab(session),
            "stages": stages_of(session),
            "services": services(session, limit=SHOWN),
            "kept": promise_kept(session, [card.lab.id for card in labs], now),
            "moderated": figures(session, now, days=365),
        }
    return render_template("front/home.html", labs=labs, showing=showing, **values)


def _asks(session: Session, now: datetime, labs: tuple[queries.LabCard, ...]) -> dict[str, Any]:
    by_id = {card.lab.id: card.lab for card in labs}
    found = queries.open_challenges(session, now)
    counts = ideas_by_challenge(session, [c.id for c in found[:SHOWN]])
    cards = [showing.challenge_card(c, by_id[c.lab_id], counts.get(c.id, 0)) for c in found[:SHOWN]]
    return {"asks": cards, "asks_count": len(found)}


def _ideas(session: Session, now: datetime) -> dict[str, Any]:
    quiet = quiet_cards(session, now, limit=SHOWN)
    live_id = happening(session)
    live = cards_by_id(session, [live_id] if live_id else [], now)
    stands = standing(session, [card.id for card in (*quiet, *live)], now)
    return {"quiet": quiet, "live": live[0] if live else None, "stands": stands}


@bp.get("/late")
@public
def late() -> str:
    """Answers that have not come by their day, and who owes them."""
    now = utc_now()
    with db.reading() as session:
        found = late_answers(session, now)
    return render_template("front/late.html", late=found, showing=showing)
