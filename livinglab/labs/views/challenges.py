"""Challenges as everybody sees them."""

from __future__ import annotations

from flask import Blueprint, render_template

from livinglab.core.clock import utc_now
from livinglab.core.errors import refuse
from livinglab.core.viewer import Role
from livinglab.ideas.queries.cards import newest_cards
from livinglab.ideas.queries.counts import ideas_by_challenge, undecided_in
from livinglab.labs import queries
from livinglab.labs.rules import days_left, takes_ideas, why_not_see_challenge
from livinglab.labs.views import showing
from livinglab.web.access import public, viewer
from livinglab.web.database import db
from livinglab.web.paging import one_of

bp = Blueprint("challenges", __name__, url_prefix="/challenges")


@bp.get("")
@public
def index() -> str:
    """Challenges of all labs: those that take ideas first, the one that closes soonest on top."""
    now = utc_now()
    with db.reading() as session:
        labs = queries.all_labs(session)
        wanted = one_of("lab", tuple(lab.slug for lab in labs))
        found = [(c, lab) for c, lab in queries.public_challenges(session) if wanted in ("", lab.slug)]
        counts = ideas_by_challenge(session, [c.id for c, _lab in found])
    cards = [showing.challenge_card(c, lab, counts.get(c.id, 0)) for c, lab in found]
    running = [card for card in cards if not card["closed"] and not card["concluded"]]
    return render_template(
        "challenges/index.html",
        open_now=sorted(running, key=lambda card: (card["days_left"] is None, card["days_left"] or 0)),
        ended=[card for card in cards if card["closed"] or card["concluded"]],
        labs=labs,
        wanted=wanted,
        now=now,
    )


@bp.get("/<int:challenge_id>")
@public
def page(challenge_id: int) -> str:
    """A challenge with its strategy card, its clock, its ideas, and its report once concluded."""
    now = utc_now()
    with db.reading() as session:
        challenge = queries.challenge_page(session, challenge_id)
        refuse(why_not_see_challenge(viewer(), lab_id=challenge.lab.id, state=challenge.brief.state))
        lab = showing.enter(challenge.lab)
        values = {
            "ideas": newest_cards(session, now, challenge_id=challenge_id, limit=6),
            "count": ideas_by_challenge(session, [challenge_id]).get(challenge_id, 0),
            "undecided": undecided_in(session, challenge_id),
        }
    brief = challenge.brief
    return render_template(
        "challenges/page.html",
        c=challenge,
        lab=lab,
        takes=takes_ideas(brief, now),
        left=days_left(brief.closes_at, now) if brief.closes_at else None,
        works_here=viewer().has(lab.id, *Role),
        now=now,
        showing=showing,
        **values,
    )
