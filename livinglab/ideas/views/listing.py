"""The list of ideas with its filters, orders and search."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import make_response, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.core.db import MOST_COUNTED
from livinglab.core.errors import NotFound
from livinglab.core.text import LANGUAGES, clean_line
from livinglab.core.together import together
from livinglab.ideas.models import Activity, Stage
from livinglab.ideas.queries.listing import CardPage, Filter, Order, found_in, ideas_page
from livinglab.ideas.queries.places import PlaceChallenge, PlaceLab, Places, places
from livinglab.ideas.queries.search import did_you_mean
from livinglab.ideas.queries.tally import Tally, stage_counts_read, tally_of
from livinglab.ideas.views.blueprint import bp, enter
from livinglab.pipeline.queries import Standing, standing_read
from livinglab.web.access import ask_to_sign_in, public, viewer
from livinglab.web.database import db
from livinglab.web.paging import cursor_in, cursor_out, number_arg, one_of

FEW = 5
STAGES = tuple(stage.value for stage in Stage)
ACTIVITIES = tuple(activity.value for activity in Activity)
ORDERS = (Order.FAIR.value, Order.NEWEST.value, Order.BEST.value)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for."""

    filter: Filter
    order: Order
    lab: PlaceLab | None
    challenge: PlaceChallenge | None
    mine: bool

    @property
    def narrowed(self) -> bool:
        """Say whether anything but the place narrows the list."""
        bare = Filter(lab_id=self.filter.lab_id, challenge_id=self.filter.challenge_id, box=self.filter.box)
        return self.filter != bare


@bp.get("/ideas")
@public
def index() -> Response:
    """Show ideas: of all labs, of one, of a challenge or of the idea box."""
    if request.args.get("mine") and not viewer().signed_in:
        return ask_to_sign_in()
    now = utc_now()
    with db.reading() as session:
        everything = places(session)
        asked = _asked(everything)
        wanted = replace(asked.filter, found=found_in(session, asked.filter))
        hours = everything.hidden_hours
        page = ideas_page(session, wanted, asked.order, now, after=cursor_in(), hidden_hours=hours)
        where, tally = _beside(session, wanted, page, now)
        meant = _meant(session, asked, len(page.cards))
    if asked.lab is not None:
        enter(asked.lab.brief)
    total, sure = tally.of(asked.filter.stage), tally.sure(asked.filter.stage)
    if not sure and not page.after and not cursor_in():
        total, sure = len(page.cards), True  # all of them are on this page
    return make_response(
        render_template(
            "ideas/index.html",
            asked=asked,
            known=everything,
            page=page,
            next_url=_url(after=cursor_out(*page.after)) if page.after else None,
            first_url=_url(after=None) if request.args.get("after") else None,
            tally=tally,
            total=max(total, len(page.cards)),
            sure=sure,
            most=MOST_COUNTED,
            standings=where,
            meant=meant,
            orders=_orders(asked),
            url=_url,
            now=now,
        )
    )


def _beside(
    session: Session, wanted: Filter, page: CardPage, now: datetime
) -> tuple[dict[int, Standing], Tally]:
    """Return for whom the ideas of the page wait, and how many ideas the list has at each stage."""
    stands = standing_read([card.id for card in page.cards], now)
    if wanted.found is not None:
        return stands.alone(session), tally_of(wanted.found)
    where, counts = together(session, stands, stage_counts_read(wanted))
    return where, counts


def _asked(everything: Places) -> Asked:
    challenge_word = request.args.get("challenge", "")
    challenge = everything.challenge(number_arg("challenge"))
    lab = everything.lab_at(request.args.get("lab", "")) if request.args.get("lab") else None
    if request.args.get("lab") and lab is None:
        raise NotFound("no-such-lab", "")
    if challenge is not None:
        lab = everything.lab(challenge.lab_id)
    elif challenge_word not in ("", "box"):
        raise NotFound("no-such-challenge", "")
    words = clean_line(request.args.get("q"))[:100]
    stage, activity = one_of("stage", STAGES), one_of("activity", ACTIVITIES)
    mine = bool(request.args.get("mine"))
    wanted = Filter(
        lab_id=lab.id if lab and challenge is None else None,
        challenge_id=challenge.id if challenge else None,
        box=challenge_word == "box",
        stage=Stage(stage) if stage else None,
        activity=Activity(activity) if activity else None,
        category_id=number_arg("category"),
        language=one_of("language", LANGUAGES),
        author_id=viewer().person_id if mine else None,
        late=bool(request.args.get("late")),
        words=words,
    )
    chosen = Order(one_of("order", ORDERS, Order.FAIR.value))
    order = Order.MATCH if words and chosen is Order.FAIR else chosen
    return Asked(wanted, order, lab, challenge, mine)


def _orders(asked: Asked) -> tuple[Order, ...]:
    first = Order.MATCH if asked.filter.words else Order.FAIR
    return first, Order.NEWEST, Order.BEST


def _meant(session: Any, asked: Asked, found: int) -> tuple[Any, ...]:
    """Offer titles that look like what was typed, when little was found."""
    if not asked.filter.words or found >= FEW or cursor_in():
        return ()
    return did_you_mean(session, asked.filter.words, lab_id=asked.filter.lab_id)


_KEPT = (
    "lab", "challenge", "stage", "activity", "category", "language", "mine", "late", "q", "order", "after",
)  # fmt: skip


def _url(**changes: Any) -> str:
    """Return this list's address with some of its parameters changed; ``None`` takes one away."""
    asked = request.args
    values: dict[str, Any] = (
        {name: asked[name] for name in _KEPT if name in asked} | {"after": None} | changes
    )
    return url_for("ideas.index", **{name: value for name, value in values.items() if value})
