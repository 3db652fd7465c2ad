"""Labs, their settings and categories."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import Texts, known_id
from livinglab.core.errors import NotFound
from livinglab.labs.models import Category, Challenge, ChallengeState, Lab, LabSettings


@dataclass(frozen=True, slots=True)
class LabBrief:
    """A lab as other rooms need it.

    Args:
        languages: First one first; texts fall back to it (L5).
        timezones: The first one computes days and deadlines (L4).
        country: ISO code, whose public holidays are no working days (H2).
    """

    id: int
    slug: str
    name: str
    theme: str
    languages: tuple[str, ...]
    timezones: tuple[str, ...]
    country: str
    box_threshold: int = 10

    @property
    def first_language(self) -> str:
        """Return the language everything falls back to."""
        return self.languages[0]

    @property
    def timezone(self) -> str:
        """Return the zone in which the lab's days begin."""
        return self.timezones[0]

    @property
    def seal(self) -> str:
        """Return the letter drawn on the lab's colour."""
        return self.name[:1].upper()


_BRIEF: tuple[Any, ...] = (
    col(Lab.id),
    col(Lab.slug),
    col(Lab.name),
    col(Lab.theme),
    col(Lab.languages),
    col(Lab.timezones),
    col(Lab.country),
    col(Lab.box_threshold),
)


def brief_of(lab: Lab) -> LabBrief:
    """Return the brief of a row."""
    return _brief([getattr(lab, column.key) for column in _BRIEF])


def _brief(row: Any) -> LabBrief:
    lab_id, slug, name, theme, languages, timezones, country, threshold = row
    return LabBrief(lab_id, slug, name, theme, tuple(languages), tuple(timezones), country, threshold)


def lab_brief(session: Session, lab_id: int) -> LabBrief:
    """Return a lab.

    Raises:
        NotFound: ``no-such-lab``.
    """
    row = session.execute(sa.select(*_BRIEF).where(col(Lab.id) == lab_id)).one_or_none()
    if row is None:
        raise NotFound("no-such-lab", "")
    return _brief(row)


def lab_by_slug(session: Session, slug: str) -> LabBrief:
    """Return the lab at an address.

    Raises:
        NotFound: ``no-such-lab``.
    """
    row = session.execute(sa.select(*_BRIEF).where(col(Lab.slug) == slug)).one_or_none()
    if row is None:
        raise NotFound("no-such-lab", "")
    return _brief(row)


def all_labs(session: Session) -> tuple[LabBrief, ...]:
    """Return every lab by name."""
    return tuple(_brief(row) for row in session.execute(sa.select(*_BRIEF).order_by(col(Lab.name))))


def lab_contacts(session: Session) -> tuple[tuple[LabBrief, str], ...]:
    """Return every lab by name with its address for mail; empty where it has none."""
    query = sa.select(*_BRIEF, col(Lab.contact_email)).order_by(col(Lab.name))
    return tuple((_brief(row[:-1]), row[-1]) for row in session.execute(query))


def lab_settings(session: Session, lab_id: int) -> LabSettings:
    """Return the numbers of a lab's rules.

    Raises:
        NotFound: ``no-such-lab``.
    """
    settings = session.get(LabSettings, lab_id)
    if settings is None:
        raise NotFound("no-such-lab", "")
    return settings


@dataclass(frozen=True, slots=True)
class LabTexts:
    """What a lab says about itself, in its languages."""

    tagline: Texts
    intro: Texts
    promise: Texts
    contact_email: str


def lab_texts(session: Session, lab_id: int) -> LabTexts:
    """Return a lab's own words.

    Raises:
        NotFound: ``no-such-lab``.
    """
    lab = session.get(Lab, lab_id)
    if lab is None:
        raise NotFound("no-such-lab", "")
    return LabTexts(dict(lab.tagline), dict(lab.intro), dict(lab.promise), lab.contact_email)


@dataclass(frozen=True, slots=True)
class LabCard:
    """A lab in a list."""

    lab: LabBrief
    tagline: Texts
    challenges: int
    """Open now."""
    made_at: datetime


def lab_cards(session: Session, now: datetime) -> tuple[LabCard, ...]:
    """Return every lab by name, with how many challenges are open."""
    open_now = (
        sa.select(sa.func.count())
        .select_from(Challenge)
        .where(
            col(Challenge.lab_id) == col(Lab.id),
            col(Challenge.state) == ChallengeState.OPEN,
            sa.or_(col(Challenge.closes_at).is_(None), col(Challenge.closes_at) > now),
        )
        .scalar_subquery()
    )
    rows = session.execute(sa.select(Lab, open_now).order_by(col(Lab.name)))
    return tuple(LabCard(brief_of(lab), dict(lab.tagline), count, lab.created_at) for lab, count in rows)


@dataclass(frozen=True, slots=True)
class CategoryBrief:
    """A subject of a lab's ideas."""

    id: int
    slug: str
    name: Texts
    position: int
    retired: bool


def categories_of(session: Session, lab_id: int, *, retired: bool = False) -> tuple[CategoryBrief, ...]:
    """Return a lab's categories in its order.

    Args:
        retired: Also those no longer offered for new ideas.
    """
    query = (
        select(Category).where(Category.lab_id == lab_id).order_by(col(Category.position), col(Category.id))
    )
    if not retired:
        query = query.where(col(Category.retired_at).is_(None))
    return tuple(
        CategoryBrief(known_id(c.id), c.slug, dict(c.name), c.position, c.retired_at is not None)
        for c in session.scalars(query)
    )
