"""Where ideas live: labs, their challenges and categories, for filters and for the form. One statement."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import Texts
from livinglab.labs.models import Category, Challenge, ChallengeState, Lab, LabSettings, Moderation
from livinglab.labs.queries import LabBrief
from livinglab.labs.rules import takes_ideas


@dataclass(frozen=True, slots=True)
class PlaceLab:
    """A lab with what the list and the form must know of its settings."""

    brief: LabBrief
    hidden_hours: int
    looks_first: bool

    @property
    def id(self) -> int:
        """Return the lab's number."""
        return self.brief.id


@dataclass(frozen=True, slots=True)
class PlaceChallenge:
    """A challenge that was opened."""

    id: int
    lab_id: int
    title: Texts
    state: ChallengeState
    closes_at: datetime | None
    counts_from: datetime | None = None

    def open_at(self, now: datetime) -> bool:
        """Say whether it takes ideas (rule L3)."""
        return takes_ideas(self, now)


@dataclass(frozen=True, slots=True)
class PlaceCategory:
    """A subject of a lab's ideas."""

    id: int
    lab_id: int
    slug: str
    name: Texts


@dataclass(frozen=True, slots=True)
class Places:
    """Everything an idea can be filed under.

    Args:
        mark: Another one for other contents; it stands for them where a part of a page is known by its facts.
    """

    labs: tuple[PlaceLab, ...] = field(repr=False)
    challenges: tuple[PlaceChallenge, ...] = field(repr=False)
    categories: tuple[PlaceCategory, ...] = field(repr=False)
    mark: str

    def lab(self, lab_id: int | None) -> PlaceLab | None:
        """Return a lab by number."""
        return next((lab for lab in self.labs if lab.id == lab_id), None)

    def lab_at(self, slug: str) -> PlaceLab | None:
        """Return a lab by its address."""
        return next((lab for lab in self.labs if lab.brief.slug == slug), None)

    def challenge(self, challenge_id: int | None) -> PlaceChallenge | None:
        """Return a challenge by number."""
        return next((one for one in self.challenges if one.id == challenge_id), None)

    def challenges_of(self, lab_id: int) -> tuple[PlaceChallenge, ...]:
        """Return a lab's challenges: open ones first, then the newest."""
        own = (one for one in self.challenges if one.lab_id == lab_id)
        return tuple(sorted(own, key=lambda one: (one.state is not ChallengeState.OPEN, -one.id)))

    def categories_of(self, lab_id: int) -> tuple[PlaceCategory, ...]:
        """Return a lab's subjects in their order."""
        return tuple(one for one in self.categories if one.lab_id == lab_id)

    @property
    def hidden_hours(self) -> dict[int, int]:
        """Return by lab for how many hours counts are hidden."""
        return {lab.id: lab.hidden_hours for lab in self.labs}


def places(session: Session) -> Places:
    """Read every lab with its challenges (not drafts) and categories (not retired), in one statement."""
    query = _places_query(session.get_bind().dialect.name)
    return _places_of(tuple(map(tuple, session.connection().execute(query).all())))


@lru_cache(maxsize=4)
def _places_of(read: tuple[tuple[Any, ...], ...]) -> Places:
    """Make what was read into places; the same rows, read again, are the same places."""
    rows = [_Row._make(values) for values in read]
    subjects = sorted((row for row in rows if row.kind == "category"), key=lambda row: (row.figure, row.id))
    return Places(
        labs=tuple(sorted((_lab(row) for row in rows if row.kind == "lab"), key=lambda lab: lab.brief.name)),
        challenges=tuple(_challenge(row) for row in rows if row.kind == "challenge"),
        categories=tuple(PlaceCategory(r.id, r.parent, r.word, json.loads(r.texts)) for r in subjects),
        mark=hashlib.sha256(repr(read).encode()).hexdigest(),
    )


class _Row(NamedTuple):
    kind: str
    id: int
    parent: int
    word: str
    name: str
    texts: str
    zones: str
    theme: str
    country: str
    state: str
    figure: int
    closes: float | None


@lru_cache(maxsize=2)
def _places_query(dialect: str) -> Any:
    """Return the statement, made once: making it costs more than running it."""
    none = sa.null()
    text = sa.Text()
    labs: Any = sa.select(
        sa.literal("lab").label("kind"),
        col(Lab.id).label("id"),
        sa.func.coalesce(col(LabSettings.counts_hidden_hours), 72).label("parent"),
        col(Lab.slug).label("word"),
        col(Lab.name).label("name"),
        sa.cast(col(Lab.languages), text).label("texts"),
        sa.cast(col(Lab.timezones), text).label("zones"),
        col(Lab.theme).label("theme"),
        col(Lab.country).label("country"),
        sa.cast(col(LabSettings.moderation), sa.String(24)).label("state"),
        col(Lab.box_threshold).label("figure"),
        sa.cast(none, sa.Float).label("closes"),
    ).outerjoin(LabSettings, col(LabSettings.lab_id) == col(Lab.id))
    epoch = sa.func.unixepoch if dialect == "sqlite" else _epoch
    challenges = sa.select(
        sa.literal("challenge"), col(Challenge.id), col(Challenge.lab_id), sa.literal(""), sa.literal(""),
        sa.cast(col(Challenge.title), text), sa.literal(""), sa.literal(""), sa.literal(""),
        sa.cast(col(Challenge.state), sa.String(24)), sa.literal(0),
        sa.cast(epoch(col(Challenge.closes_at)), sa.Float),
    ).where(col(Challenge.state) != ChallengeState.DRAFT)  # fmt: skip
    categories = sa.select(
        sa.literal("category"), col(Category.id), col(Category.lab_id), col(Category.slug), sa.literal(""),
        sa.cast(col(Category.name), text), sa.literal(""), sa.literal(""), sa.literal(""), sa.literal(""),
        col(Category.position), sa.cast(none, sa.Float),
    ).where(col(Category.retired_at).is_(None))  # fmt: skip
    return sa.union_all(labs, challenges, categories)


def _epoch(at: Any) -> Any:
    return sa.extract("epoch", at)


def _lab(row: _Row) -> PlaceLab:
    brief = LabBrief(
        id=row.id,
        slug=row.word,
        name=row.name,
        theme=row.theme,
        languages=tuple(json.loads(row.texts)),
        timezones=tuple(json.loads(row.zones)),
        country=row.country,
        box_threshold=row.figure,
    )
    return PlaceLab(brief, row.parent, row.state != Moderation.AFTER.value)


def _challenge(row: _Row) -> PlaceChallenge:
    closes_at = None if row.closes is None else datetime.fromtimestamp(row.closes, UTC)
    return PlaceChallenge(row.id, row.parent, json.loads(row.texts), ChallengeState(row.state), closes_at)
