"""The page of one idea: text, people behind it, conversation. Four statements for anybody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import Texts, another
from livinglab.core.files import StoredFile
from livinglab.core.together import Read, Rows
from livinglab.core.viewer import Role, Viewer
from livinglab.ideas.models import (
    Activity,
    Byline,
    Credit,
    CreditKind,
    Follow,
    Idea,
    IdeaCount,
    IdeaTag,
    IdeaVersion,
    Publication,
    Stage,
)
from livinglab.ideas.queries.cards import author_of
from livinglab.ideas.queries.visibility import NOBODY, visible_when
from livinglab.ideas.rules import NO_SUCH_IDEA
from livinglab.labs.models import Category, Challenge, Lab, LabSettings, Moderation
from livinglab.labs.queries import LabBrief
from livinglab.people.models import Person
from livinglab.people.rules import Face, face_of


@dataclass(frozen=True, slots=True)
class IdeaPage:
    """Everything the page tells of the idea itself.

    Args:
        supports: All supports, staff's too, for the rule on withdrawing; never shown (rule V4).
        waiting_version: Number of the version a facilitator still has to look at.
        image: Key of the picture; ``image_size`` is its width and height.
    """

    id: int
    lab: LabBrief
    looks_first: bool
    challenge_id: int | None
    challenge: Texts | None
    category_id: int | None
    category: Texts | None
    author_id: int | None
    author_left_at: datetime | None
    author: Face
    lead_id: int | None
    byline: Byline
    language: str
    title: str
    summary: str
    body: str
    gains: str
    place: str
    link: str
    image: str | None
    image_id: int | None
    image_alt: str
    image_size: tuple[int, int] | None
    version: int
    waiting_version: int | None
    publication: Publication
    wants_publishing: bool
    stage: Stage
    activity: Activity
    decline_code: str | None
    hold_until: date | None
    tags: tuple[str, ...]
    created_at: datetime
    edited_at: datetime
    submitted_at: datetime | None
    published_at: datetime | None
    supports: int
    comments: int
    followers: int
    following: bool

    @property
    def lab_id(self) -> int:
        """Return the lab's number, as the rules ask it."""
        return self.lab.id


@dataclass(frozen=True, slots=True)
class CreditShown:
    """Somebody who gave something to the idea."""

    face: Face
    kinds: tuple[CreditKind, ...]


_Photo: Any = another(StoredFile)
_Image: Any = another(StoredFile)
_OF_IDEA = (
    "id", "challenge_id", "category_id", "author_id", "author_left_at", "lead_id", "byline", "language",
    "title", "summary", "body", "gains", "place", "link", "image_id", "image_alt", "version", "publication",
    "wants_publishing", "stage", "activity", "decline_code", "hold_until", "created_at", "edited_at",
    "submitted_at", "published_at",
)  # fmt: skip
_OF_LAB = ("id", "slug", "name", "theme", "languages", "timezones", "country", "box_threshold")


def idea_page(session: Session, idea_id: int, viewer: Viewer) -> IdeaPage:
    """Return the idea as this person may see it: one statement.

    Raises:
        NotFound: ``no-such-idea``; also when hidden from this person.
    """
    labs = sorted(viewer.labs_as(Role.FACILITATOR, Role.MANAGER))
    query = _query_for(tuple(labs), signed_in=viewer.signed_in)
    values = {"idea_id": idea_id, "me": viewer.person_id or NOBODY}
    row = session.connection().execute(query, values).one_or_none()
    if row is None:
        raise NO_SUCH_IDEA
    lab = {name: getattr(row, f"lab_{name}") for name in _OF_LAB}
    lab |= {"languages": tuple(lab["languages"]), "timezones": tuple(lab["timezones"])}
    return IdeaPage(
        **{name: getattr(row, name) for name in _OF_IDEA},
        lab=LabBrief(**lab),
        looks_first=row.moderation is not Moderation.AFTER,
        challenge=row.challenge,
        category=row.category,
        author=author_of(row),
        image=row.image,
        image_size=(row.width, row.height) if row.image else None,
        waiting_version=row.waiting,
        tags=tuple(sorted(row.tags.split("\n"))) if row.tags else (),
        supports=(row.supports or 0) + (row.staff_supports or 0),
        comments=row.comments or 0,
        followers=row.followers or 0,
        following=row.following is not None,
    )


@lru_cache(maxsize=256)
def _query_for(moderated: tuple[int, ...], *, signed_in: bool) -> sa.Select[Any]:
    """Return the statement for those who moderate the same labs, made once; who it is, is bound."""
    return _query().where(visible_when(_ME if signed_in else None, moderated or None))


_ME = sa.bindparam("me", type_=sa.Integer)


@lru_cache(maxsize=1)
def _query() -> sa.Select[Any]:
    """Return the statement that reads an idea for its page, made once; whether it may be seen is added."""
    tags: Any = (
        sa.select(sa.func.aggregate_strings(col(IdeaTag.tag), "\n"))
        .where(col(IdeaTag.idea_id) == col(Idea.id))
        .correlate(Idea)
        .scalar_subquery()
    )
    waiting: Any = (
        sa.select(sa.func.max(col(IdeaVersion.number)))
        .where(col(IdeaVersion.idea_id) == col(Idea.id), col(IdeaVersion.publication) == Publication.PENDING)
        .correlate(Idea)
        .scalar_subquery()
    )
    mine = sa.and_(col(Follow.idea_id) == col(Idea.id), col(Follow.person_id) == _ME)
    return (
        sa.select(
            *(getattr(Idea, name) for name in _OF_IDEA),
            *(getattr(Lab, name).label(f"lab_{name}") for name in _OF_LAB),
            col(LabSettings.moderation),
            col(Challenge.title).label("challenge"),
            col(Category.name).label("category"),
            col(Person.name).label("author_name"),
            col(Person.pseudonym),
            col(Person.title).label("author_title"),
            col(Person.erased_at),
            _Photo.key.label("photo"),
            _Image.key.label("image"),
            _Image.width,
            _Image.height,
            col(IdeaCount.supports),
            col(IdeaCount.staff_supports),
            col(IdeaCount.comments),
            col(IdeaCount.followers),
            col(Follow.since).label("following"),
            tags.label("tags"),
            waiting.label("waiting"),
        )
        .select_from(Idea)
        .join(Lab, col(Lab.id) == col(Idea.lab_id))
        .outerjoin(LabSettings, col(LabSettings.lab_id) == col(Idea.lab_id))
        .outerjoin(Challenge, col(Challenge.id) == col(Idea.challenge_id))
        .outerjoin(Category, col(Category.id) == col(Idea.category_id))
        .outerjoin(IdeaCount, col(IdeaCount.idea_id) == col(Idea.id))
        .outerjoin(Person, col(Person.id) == col(Idea.author_id))
        .outerjoin(_Photo, _Photo.id == col(Person.photo_id))
        .outerjoin(_Image, _Image.id == col(Idea.image_id))
        .outerjoin(Follow, mine)
        .where(col(Idea.id) == sa.bindparam("idea_id", type_=sa.Integer))
    )


@dataclass(frozen=True, slots=True)
class TakenDown:
    """An idea that was public once and is not now; nothing else is told.

    Args:
        erased: Its author took the words back, with the account (rule P6).
    """

    publication: Publication
    erased: bool


def once_public(session: Session, idea_id: int) -> TakenDown | None:
    """Return how an idea stands that was public once and is not now; else ``None``."""
    taken_down = (Publication.HIDDEN, Publication.REMOVED)
    query = sa.select(col(Idea.publication), col(Idea.title)).where(
        col(Idea.id) == idea_id, col(Idea.published_at).is_not(None), col(Idea.publication).in_(taken_down)
    )
    row = session.execute(query).one_or_none()
    return TakenDown(row[0], erased=not row[1]) if row else None


def credits_read(idea_id: int) -> Read[tuple[CreditShown, ...]]:
    """Return how those are read who gave something to the idea (rule I6)."""
    return Read(_credits_query(), {"idea_id": idea_id}, _credits)


def credits_of(session: Session, idea_id: int) -> tuple[CreditShown, ...]:
    """Return who gave what to the idea, each person once, in the order they came (rule I6)."""
    return credits_read(idea_id).alone(session)


@lru_cache(maxsize=1)
def _credits_query() -> sa.Select[Any]:
    query: Any = (
        sa.select(
            col(Credit.person_id),
            col(Credit.kind),
            col(Credit.byline),
            col(Person.name),
            col(Person.pseudonym),
            col(Person.title),
            col(Person.erased_at),
            col(StoredFile.key).label("photo"),
        )
        .join(Person, col(Person.id) == col(Credit.person_id))
        .outerjoin(StoredFile, col(StoredFile.id) == col(Person.photo_id))
        .where(col(Credit.idea_id) == sa.bindparam("idea_id", type_=sa.Integer))
        .order_by(col(Credit.given_at), col(Credit.id))
    )
    return query  # type: ignore[no-any-return]


def _credits(rows: Rows) -> tuple[CreditShown, ...]:
    found: dict[tuple[int, Byline], tuple[Face, list[CreditKind]]] = {}
    for person_id, kind, byline, name, pseudonym, title, erased_at, photo in rows:
        face = face_of(
            name=name,
            pseudonym=pseudonym,
            byline=byline,
            photo=photo,
            title=title,
            erased=erased_at is not None,
        )
        # Two bylines of one person stay apart: to join them would tell who stands behind a pseudonym.
        found.setdefault((person_id, byline), (face, []))[1].append(kind)
    return tuple(CreditShown(face, tuple(kinds)) for face, kinds in found.values())
