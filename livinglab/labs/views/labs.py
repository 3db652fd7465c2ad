"""The labs: all of them, and the page of each."""

from __future__ import annotations

from flask import Blueprint, render_template

from livinglab.core.clock import utc_now
from livinglab.core.viewer import Role
from livinglab.handoff.queries.figures import promise_kept
from livinglab.ideas.queries.cards import newest_cards
from livinglab.ideas.queries.counts import ideas_by_challenge, ideas_by_lab, ideas_in_box, stages_of
from livinglab.labs import queries
from livinglab.labs.views import showing
from livinglab.moderation.queries.figures import figures
from livinglab.pipeline.queries.services import services
from livinglab.web.access import public, viewer
from livinglab.web.database import db

bp = Blueprint("labs", __name__, url_prefix="/labs")


@bp.get("")
@public
def index() -> str:
    """All labs."""
    with db.reading() as session:
        labs, ideas = queries.lab_cards(session, utc_now()), ideas_by_lab(session)
    return render_template("labs/index.html", labs=labs, ideas=ideas, showing=showing)


@bp.get("/<slug>")
@public
def page(slug: str) -> str:
    """A lab: what it is for, who works there, what it promises, what is going on."""
    now = utc_now()
    with db.reading() as session:
        lab = showing.lab_at(session, slug)
        team = queries.team_of(session, lab.id)
        asks = queries.challenges_of(session, lab.id)
        values = {
            "texts_of": queries.lab_texts(session, lab.id),
            "settings": queries.lab_settings(session, lab.id),
            "units": queries.units_of(session, lab.id),
            "kept": promise_kept(session, [lab.id], now),
            "moderated": figures(session, now, lab_id=lab.id, days=365),
            "counts": ideas_by_challenge(session, [c.id for c in asks]),
            "stages": stages_of(session, lab.id),
            "in_box": ideas_in_box(session, lab.id),
            "newest": newest_cards(session, now, lab_id=lab.id, limit=3),
            "services": services(session, lab_id=lab.id),
        }
    return render_template(
        "labs/page.html",
        lab=lab,
        team=showing.crew(team),
        hours=sum(m.weekly_hours for m in team),
        facilitated=any(held.role is Role.FACILITATOR for m in team for held in m.roles),
        asks=asks,
        manages=viewer().has(lab.id, *Role),
        showing=showing,
        **values,
    )
