"""Making a lab and setting it up."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import Texts, known_id
from livinglab.core.errors import Refused, refuse
from livinglab.core.journal import record
from livinglab.core.text import clean, clean_line
from livinglab.core.viewer import Viewer
from livinglab.labs.models import Lab, LabSettings
from livinglab.labs.rules import why_not_lab, why_not_make_labs, why_not_theme


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
            ``bad-timezone``, ``bad-theme``.
    """
    refuse(why_not_make_labs(person))
    name, languages, timezones = clean_line(name), list(languages), list(timezones)
    refuse(why_not_lab(slug=slug, name=name, languages=languages, timezones=timezones))
    refuse(why_not_theme(theme))
    if session.scalar(select(Lab.id).where(col(Lab.slug) == slug)) is not None:
        raise Refused("slug-taken", _l("Another lab has this address. Choose another one."), field="slug")
    lab = Lab(
        slug=slug,
        name=name,
        theme=theme,
        languages=languages,
        timezones=timezones,
        country=country.upper(),
        tagline=cleaned(tagline),
        intro=cleaned(intro),
        promise=cleaned(promise),
        contact_email=contact_email.strip(),
        created_at=now,
    )
    session.add(lab)
    session.flush()
    lab_id = known_id(lab.id)
    session.add(LabSettings(lab_id=lab_id))
    record(
        session,
        "lab-created",
        at=now,
        actor_id=person.person_id,
        lab_id=lab_id,
        data={"name": name},
        readers=(),
    )
    return lab


def cleaned(texts: Texts | None) -> Texts:
    """Return texts per language, cleaned, without the empty ones."""
    pairs = ((code, clean(text)) for code, text in (texts or {}).items())
    return {code: text for code, text in pairs if text}
