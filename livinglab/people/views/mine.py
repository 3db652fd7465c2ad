"""My page: what I write, where it stands, what I support and follow, what was decided about my texts."""

from __future__ import annotations

from flask import Blueprint, render_template

from livinglab.core.clock import utc_now
from livinglab.ideas.models import Publication
from livinglab.ideas.queries.cards import own_cards
from livinglab.people.queries import account_of
from livinglab.pipeline.queries.standing import standing
from livinglab.privacy.queries import OwnList, decisions_about, followed_by, supported_by
from livinglab.web.access import signed_in, viewer
from livinglab.web.database import db
from livinglab.web.paging import cursor_in, cursor_out

UNFINISHED = (Publication.DRAFT, Publication.RETURNED)
FEW = 5

me = Blueprint("me", __name__)


@me.get("/me")
@signed_in
def home() -> str:
    """Show what is mine."""
    person_id, now = viewer().known_id, utc_now()
    with db.reading() as session:
        account = account_of(session, person_id, now)
        cards = own_cards(session, person_id, now)
        decisions = decisions_about(session, person_id)
        supports = supported_by(session, person_id, now, size=FEW)
        following = followed_by(session, person_id, now, size=FEW)
        shown = [card.id for card in (*cards, *supports.cards, *following.cards)]
        where = standing(session, shown, now)
    return render_template(
        "people/home.html",
        account=account,
        unfinished=[card for card in cards if card.publication in UNFINISHED],
        mine=[card for card in cards if card.publication not in UNFINISHED],
        decisions=decisions,
        supports=supports,
        following=following,
        where=where,
    )


@me.get("/me/supports")
@signed_in
def supports() -> str:
    """Show every idea I support."""
    with db.reading() as session:
        found = supported_by(session, viewer().known_id, utc_now(), after=cursor_in())
        where = standing(session, [card.id for card in found.cards], utc_now())
    return render_template("people/supports.html", found=found, where=where, after=_after(found))


@me.get("/me/following")
@signed_in
def following() -> str:
    """Show every idea I follow."""
    with db.reading() as session:
        found = followed_by(session, viewer().known_id, utc_now(), after=cursor_in())
        where = standing(session, [card.id for card in found.cards], utc_now())
    return render_template("people/following.html", found=found, where=where, after=_after(found))


def _after(found: OwnList) -> str | None:
    return cursor_out(*found.after) if found.after else None
