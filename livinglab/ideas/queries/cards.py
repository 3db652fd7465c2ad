"""The card of an idea: what lists, the front page and search show, read in the list's own statement."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import Texts, another
from livinglab.core.files import StoredFile
from livinglab.ideas.models import Activity, Idea, IdeaCount, Publication, Stage
from livinglab.ideas.queries.visibility import listed
from livinglab.ideas.rules import band_of, counts_open, counts_open_at
from livinglab.labs.models import Category, Challenge, Lab, LabSettings
from livinglab.people.models import Person
from livinglab.people.rules import Face, face_of


@dataclass(frozen=True, slots=True)
class IdeaCard:
    """An idea in a list.

    Args:
        supports: The counted number; ``None`` while counts are hidden, then only ``band`` is known (V4).
        counts_from: When the number will be shown; ``None`` once it is.
    """

    id: int
    lab_id: int
    lab_name: str
    lab_slug: str
    challenge_id: int | None
    challenge: Texts | None
    category: Texts | None
    title: str
    language: str
    summary: str
    author: Face
    stage: Stage
    activity: Activity
    publication: Publication
    hold_until: date | None
    decline_code: str | None
    next_step: str
    next_who: str
    next_by: date | None
    waits_since: datetime | None
    due_at: datetime | None
    late_since: datetime | None
    published_at: datetime | None
    supports: int | None
    staff_supports: int
    band: int
    counts_from: datetime | None
    comments: int
    image: str | None
    image_alt: str


_Photo: Any = another(StoredFile)
_Image: Any = another(StoredFile)
_OF_IDEA = (
    "id", "lab_id", "challenge_id", "title", "language", "summary", "stage", "activity", "publication",
    "hold_until", "decline_code", "next_step", "next_who", "next_by", "waits_since", "due_at", "late_since",
    "published_at", "image_alt",
)  # fmt: skip
_of_idea = attrgetter(*_OF_IDEA)
COLUMNS: tuple[Any, ...] = (
    *(getattr(Idea, name) for name in _OF_IDEA),
    col(Idea.glance),
    col(Idea.ring),
    col(Idea.byline),
    col(Idea.author_left_at),
    col(Lab.name).label("lab_name"),
    col(Lab.slug).label("lab_slug"),
    sa.cast(col(Challenge.title), sa.Text).label("challenge"),
    col(Challenge.counts_from),
    col(Challenge.closes_at),
    sa.cast(col(Category.name), sa.Text).label("category"),
    sa.func.coalesce(col(LabSettings.counts_hidden_hours), 72).label("hidden_hours"),
    col(Person.name).label("author_name"),
    col(Person.pseudonym),
    col(Person.title).label("author_title"),
    col(Person.erased_at),
    _Photo.key.label("photo"),
    _Image.key.label("image"),
    sa.func.coalesce(col(IdeaCount.supports), 0).label("supports"),
    sa.func.coalesce(col(IdeaCount.staff_supports), 0).label("staff_supports"),
    sa.func.coalesce(col(IdeaCount.comments), 0).label("comments"),
)


def card_query(near: sa.Subquery | None = None) -> sa.Select[Any]:
    """Return the statement that reads cards, with everything a card needs joined; not yet narrowed.

    Args:
        near: A subquery with the ids to read. It stands first: a planner that keeps the order of many
            joins (PostgreSQL beyond eight) then begins with the few rows wanted.
    """
    start: Any = Idea if near is None else sa.join(near, Idea, near.c.id == col(Idea.id))
    return (
        sa.select(*COLUMNS)
        .select_from(start)
        .join(Lab, col(Lab.id) == col(Idea.lab_id))
        .outerjoin(LabSettings, col(LabSettings.lab_id) == col(Idea.lab_id))
        .outerjoin(Challenge, col(Challenge.id) == col(Idea.challenge_id))
        .outerjoin(Category, col(Category.id) == col(Idea.category_id))
        .outerjoin(IdeaCount, col(IdeaCount.idea_id) == col(Idea.id))
        .outerjoin(Person, col(Person.id) == col(Idea.author_id))
        .outerjoin(_Photo, _Photo.id == col(Person.photo_id))
        .outerjoin(_Image, _Image.id == col(Idea.image_id))
    )


def card_of(row: Any, now: datetime) -> IdeaCard:
    """Return the card of a row of ``card_query``; a number that is hidden does not leave this function."""
    opens = counts_open_at(row.published_at, row.hidden_hours, row.counts_from, row.closes_at)
    shown = counts_open(opens, now)
    return IdeaCard(
        **dict(zip(_OF_IDEA, _of_idea(row), strict=True)),
        lab_name=row.lab_name,
        lab_slug=row.lab_slug,
        challenge=_texts(row.challenge),
        category=_texts(row.category),
        author=author_of(row),
        supports=row.supports if shown else None,
        staff_supports=row.staff_supports if shown else 0,
        band=band_of(row.supports),
        counts_from=None if shown else opens,
        comments=row.comments,
        image=row.image,
    )


@lru_cache(maxsize=4096)
def _texts(written: str | None) -> Texts | None:
    """Return a name in its languages; a page shows the same few again and again."""
    return json.loads(written) if written else None


def author_of(row: Any) -> Face:
    """Return the author as the byline allows, from a row with the author's columns."""
    return face_of(
        name=row.author_name,
        pseudonym=row.pseudonym,
        byline=row.byline,
        photo=row.photo,
        title=row.author_title or "",
        erased=row.erased_at is not None,
    )


def cards_by_id(session: Session, ids: Iterable[int], now: datetime) -> tuple[IdeaCard, ...]:
    """Return the cards of public ideas, in the order of the ids; those not public are left out."""
    wanted = list(ids)
    if not wanted:
        return ()
    public = col(Idea.publication) == Publication.PUBLISHED
    rows = session.execute(card_query().where(col(Idea.id).in_(wanted), public))
    found = {row.id: card_of(row, now) for row in rows}
    return tuple(found[idea_id] for idea_id in wanted if idea_id in found)


def newest_cards(
    session: Session,
    now: datetime,
    *,
    limit: int = 6,
    lab_id: int | None = None,
    challenge_id: int | None = None,
    stage: Stage | None = None,
) -> tuple[IdeaCard, ...]:
    """Return the newest public ideas, of a lab, a challenge or a stage where said."""
    query = card_query().where(listed())
    if lab_id is not None:
        query = query.where(col(Idea.lab_id) == lab_id)
    if challenge_id is not None:
        query = query.where(col(Idea.challenge_id) == challenge_id)
    if stage is not None:
        query = query.where(col(Idea.stage) == stage)
    query = query.order_by(col(Idea.published_at).desc(), col(Idea.id).desc()).limit(limit)
    return tuple(card_of(row, now) for row in session.execute(query))


def own_cards(session: Session, person_id: int, now: datetime, *, limit: int = 100) -> tuple[IdeaCard, ...]:
    """Return everything a person wrote, drafts first, then the newest; for "my page"."""
    query = (
        card_query()
        .where(col(Idea.author_id) == person_id)
        .order_by(col(Idea.published_at).is_not(None), col(Idea.edited_at).desc(), col(Idea.id).desc())
        .limit(limit)
    )
    return tuple(card_of(row, now) for row in session.execute(query))
