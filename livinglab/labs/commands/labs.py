"""Making a lab and setting it up: its texts, look, numbers and subjects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import Texts, known_id
from livinglab.core.errors import NotFound, Refused, refuse
from livinglab.core.journal import record
from livinglab.core.text import clean, clean_line
from livinglab.core.text import slug as slugged
from livinglab.core.viewer import Viewer
from livinglab.labs.models import INTRO_MAX, TAGLINE_MAX, Category, Lab, LabSettings, Moderation
from livinglab.labs.queries.parts import LAB_LOOK, LAB_TEXTS, NUMBERS, refuse_stale
from livinglab.labs.rules import (
    USUAL_CATEGORIES,
    threshold_of,
    too_long,
    why_not_contact,
    why_not_lab,
    why_not_make_labs,
    why_not_numbers,
    why_not_set_up,
    why_not_theme,
)

CountActive = Callable[[Session, int, datetime], int]
"""(session, lab id, now) → people active in the lab within 90 days; ``voting.queries.active_people``."""


def create_lab(
    session: Session,
    *,
    slug: str,
    name: str,
    languages: Iterable[str],
    timezones: Iterable[str],
    country: str,
    person: Viewer,
    now: datetime,
    theme: str = "fjord",
    tagline: Texts | None = None,
    intro: Texts | None = None,
    promise: Texts | None = None,
    contact_email: str = "",
) -> Lab:
    """Make a lab with the rules' own numbers.

    Raises:
        Forbidden: ``not-admin``.
        Refused: ``bad-slug``, ``slug-reserved``, ``slug-taken``, ``bad-name``, ``bad-languages``,
            ``bad-timezone``, ``bad-country``, ``bad-theme``, ``bad-address``, ``text-too-long``.
    """
    refuse(why_not_make_labs(person))
    name, languages, timezones = clean_line(name), list(languages), list(timezones)
    refuse(why_not_lab(slug=slug, name=name, languages=languages, timezones=timezones, country=country))
    refuse(why_not_theme(theme))
    refuse(why_not_contact(contact_email))
    if session.scalar(select(Lab.id).where(col(Lab.slug) == slug)) is not None:
        raise Refused("slug-taken", _l("Another lab has this address. Choose another one."), field="slug")
    lab = Lab(
        slug=slug,
        name=name,
        theme=theme,
        languages=languages,
        timezones=timezones,
        country=country.upper(),
        tagline=cleaned(tagline, TAGLINE_MAX),
        intro=cleaned(intro, INTRO_MAX),
        promise=cleaned(promise, INTRO_MAX),
        contact_email=contact_email,
        created_at=now,
    )
    session.add(lab)
    session.flush()
    lab_id = known_id(lab.id)
    session.add(LabSettings(lab_id=lab_id))
    _note(session, "lab-created", lab_id, person, now, name=name)
    return lab


def edit_lab(
    session: Session,
    *,
    lab_id: int,
    name: str,
    theme: str,
    languages: Sequence[str],
    timezones: Sequence[str],
    country: str,
    contact_email: str,
    person: Viewer,
    now: datetime,
    read: str | None = None,
) -> Lab:
    """Change a lab's name, look, languages, clock and country. Its address stays.

    Args:
        read: The mark of what the form was filled from (``mark_of``).

    Raises:
        NotFound: ``no-such-lab``. Forbidden: ``not-manager``.
        Refused: as ``create_lab``; ``changed-meanwhile``.
    """
    lab = _lab(session, lab_id, lock=True)
    refuse(why_not_set_up(person, lab_id))
    refuse_stale(session, LAB_LOOK, lab_id, read)
    name = clean_line(name)
    refuse(why_not_lab(slug=lab.slug, name=name, languages=languages, timezones=timezones, country=country))
    refuse(why_not_theme(theme))
    refuse(why_not_contact(contact_email))
    lab.name, lab.theme, lab.contact_email = name, theme, contact_email
    lab.languages, lab.timezones, lab.country = list(languages), list(timezones), country.upper()
    session.add(lab)
    _note(session, "lab-edited", lab_id, person, now, name=name)
    return lab


def edit_lab_texts(
    session: Session,
    *,
    lab_id: int,
    tagline: Texts,
    intro: Texts,
    promise: Texts,
    person: Viewer,
    now: datetime,
    read: str | None = None,
) -> Lab:
    """Change what a lab says about itself, per language.

    Args:
        read: The mark of what the form was filled from (``mark_of``).

    Raises:
        NotFound: ``no-such-lab``. Forbidden: ``not-manager``.
        Refused: ``text-too-long``, ``changed-meanwhile``.
    """
    lab = _lab(session, lab_id, lock=True)
    refuse(why_not_set_up(person, lab_id))
    refuse_stale(session, LAB_TEXTS, lab_id, read)
    lab.tagline, lab.intro = cleaned(tagline, TAGLINE_MAX), cleaned(intro, INTRO_MAX)
    lab.promise = cleaned(promise, INTRO_MAX)
    session.add(lab)
    _note(session, "lab-edited", lab_id, person, now, name=lab.name)
    return lab


def change_settings(
    session: Session,
    *,
    lab_id: int,
    numbers: Mapping[str, Any],
    person: Viewer,
    now: datetime,
    read: str | None = None,
) -> LabSettings:
    """Change the numbers of a lab's rules.

    Args:
        numbers: Columns of ``LabSettings`` by name; those left out stay.
        read: The mark of what the form was filled from (``mark_of``).

    Raises:
        NotFound: ``no-such-lab``. Forbidden: ``not-manager``.
        Refused: ``out-of-range``, ``least-over-most``, ``preliminary-after-decision``,
            ``extended-too-short``, ``bad-address``, ``changed-meanwhile``.

    Source: rules L2, V4, S2–S4, H2, H4, I1.
    """
    settings = session.get(LabSettings, lab_id, with_for_update={"key_share": True}, populate_existing=True)
    if settings is None:
        raise NotFound("no-such-lab", "")
    refuse(why_not_set_up(person, lab_id))
    refuse_stale(session, NUMBERS, lab_id, read)
    before = settings.model_dump(exclude={"lab_id"})
    after = before | {name: value for name, value in numbers.items() if name in before}
    refuse(why_not_numbers(after))
    changed = {name: value for name, value in after.items() if value != before[name]}
    for name, value in changed.items():
        setattr(settings, name, value)
    session.add(settings)
    if changed:
        _note(
            session,
            "settings-changed",
            lab_id,
            person,
            now,
            changed={k: _plain(v) for k, v in changed.items()},
        )
    return settings


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return len(value)  # addresses are nobody's business in the journal
    return value.value if isinstance(value, Moderation) else value


def renew_box_thresholds(session: Session, now: datetime, *, count_active: CountActive) -> int:
    """Work out the idea box's threshold anew in each lab that has not been renewed for a month.

    Returns:
        How many labs were renewed. Safe to run at any time: a second run changes nothing.

    Source: rule L2.
    """
    due = select(Lab).where(
        (col(Lab.box_threshold_at).is_(None)) | (col(Lab.box_threshold_at) <= now - timedelta(days=28))
    )
    labs = [
        lab for lab in session.scalars(due.order_by(col(Lab.id))) if _new_month(lab.box_threshold_at, now)
    ]
    for lab in labs:
        settings = session.get(LabSettings, lab.id)
        if settings is None:
            continue
        lab.box_threshold = threshold_now(count_active(session, known_id(lab.id), now), settings)
        lab.box_threshold_at = now
        session.add(lab)
    session.flush()
    return len(labs)


def threshold_now(active: int, settings: LabSettings) -> int:
    """Return the threshold that would stand with a lab's settings and so many active people (rule L2)."""
    return threshold_of(
        active,
        percent=settings.threshold_percent,
        least=settings.threshold_least,
        most=settings.threshold_most,
    )


def _new_month(last: datetime | None, now: datetime) -> bool:
    return last is None or (last.year, last.month) != (now.year, now.month)


@dataclass(frozen=True, slots=True)
class CategoryDraft:
    """A subject as somebody writes it; ``id`` is ``None`` for a new one."""

    name: Texts
    id: int | None = None
    retired: bool = False


def set_categories(
    session: Session, *, lab_id: int, drafts: Sequence[CategoryDraft], person: Viewer, now: datetime
) -> None:
    """Write a lab's subjects in the given order. One that is left out is not touched; none is deleted.

    Raises:
        NotFound: ``no-such-lab``. Forbidden: ``not-manager``.
        Refused: ``category-unnamed``, ``too-many-categories``, ``text-too-long``.
    """
    lab = _lab(session, lab_id)
    refuse(why_not_set_up(person, lab_id))
    if len(drafts) > 60:
        raise Refused("too-many-categories", _l("At most 60 subjects, please."))
    rows = {known_id(c.id): c for c in session.scalars(select(Category).where(Category.lab_id == lab_id))}
    taken = {row.slug for row in rows.values()}
    for position, draft in enumerate(drafts):
        name = cleaned(draft.name, 60)
        if not name.get(lab.languages[0]):
            raise Refused("category-unnamed", _l("Name each subject in the lab’s first language."))
        row = rows.get(draft.id or 0) or Category(lab_id=lab_id, slug=_free_slug(name, lab, taken), name=name)
        row.name, row.position = name, position
        row.retired_at = (row.retired_at or now) if draft.retired else None
        taken.add(row.slug)
        session.add(row)
    session.flush()
    _note(session, "categories-changed", lab_id, person, now, count=len(drafts))


def add_usual_categories(session: Session, *, lab_id: int, person: Viewer, now: datetime) -> int:
    """Give a lab the usual subjects, in its languages, where it does not have them yet.

    Raises:
        NotFound: ``no-such-lab``. Forbidden: ``not-manager``.
    """
    lab = _lab(session, lab_id)
    refuse(why_not_set_up(person, lab_id))
    held = set(session.scalars(select(Category.slug).where(Category.lab_id == lab_id)))
    new = [(slug, names) for slug, names in USUAL_CATEGORIES if slug not in held]
    for position, (slug, names) in enumerate(new, start=len(held)):
        name = {code: names[code] for code in lab.languages if code in names}
        session.add(Category(lab_id=lab_id, slug=slug, name=name, position=position))
    session.flush()
    _note(session, "categories-changed", lab_id, person, now, count=len(held) + len(new))
    return len(new)


def _free_slug(name: Texts, lab: Lab, taken: set[str]) -> str:
    base = slugged(name.get("en") or name[lab.languages[0]], "subject")[:36]
    return base if base not in taken else next(s for n in range(2, 99) if (s := f"{base}-{n}") not in taken)


def cleaned(texts: Texts | None, limit: int) -> Texts:
    """Return texts per language, cleaned, without the empty ones.

    Raises:
        Refused: ``text-too-long``.
    """
    pairs = ((code, clean(text)) for code, text in (texts or {}).items())
    kept = {code: text for code, text in pairs if text}
    if too_long(kept, limit):
        raise Refused("text-too-long", _l("A text is too long: at most %(limit)s characters.", limit=limit))
    return kept


def _lab(session: Session, lab_id: int, *, lock: bool = False) -> Lab:
    options: dict[str, Any] = {"with_for_update": {"key_share": True}, "populate_existing": True}
    lab = session.get(Lab, lab_id, **(options if lock else {}))
    if lab is None:
        raise NotFound("no-such-lab", "")
    return lab


def _note(session: Session, kind: str, lab_id: int, person: Viewer, now: datetime, **data: Any) -> None:
    """Record what was set up: in the journal for whoever looks after the lab, not in the public story."""
    record(
        session, kind, at=now, actor_id=person.person_id, lab_id=lab_id, public=False, data=data, readers=()
    )
