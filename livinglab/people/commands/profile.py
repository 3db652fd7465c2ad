"""How one is shown and spoken to: name, pseudonym, language, a few words, the daily mail, a photo."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from livinglab.core.errors import Refused
from livinglab.core.files import StoredFile
from livinglab.core.text import LANGUAGES, clean, clean_line
from livinglab.people.commands.rows import person_row
from livinglab.people.models import BIO_MAX, NAME_MAX, TITLE_MAX


def change_profile(
    session: Session,
    *,
    person_id: int,
    name: str,
    pseudonym: str = "",
    language: str,
    bio: str = "",
    title: str | None = None,
) -> None:
    """Change how one is shown and spoken to.

    Args:
        title: Title at work; ``None`` leaves it. Only asked of people who hold a role or work in a unit.

    Raises:
        Refused: ``bad-name``, ``bad-pseudonym``, ``bad-language``, ``text-long``.
    """
    person = person_row(session, person_id)
    person.name = checked_name(name)
    person.pseudonym = _pseudonym(pseudonym, person.name)
    person.language = checked_language(language)
    person.bio = _short(clean(bio), BIO_MAX, "bio")
    if title is not None:
        person.title = _short(clean_line(title), TITLE_MAX, "title")
    session.add(person)
    session.flush()


def set_digest(session: Session, *, person_id: int, wanted: bool) -> None:
    """Say whether the daily mail is wanted (rule N2)."""
    person = person_row(session, person_id)
    person.digest = wanted
    session.add(person)
    session.flush()


def set_photo(session: Session, *, person_id: int, photo_id: int | None) -> str | None:
    """Show another photo, or initials again.

    Returns:
        Key of the picture that is no longer needed; remove its files after the commit.
    """
    person = person_row(session, person_id)
    old = session.get(StoredFile, person.photo_id) if person.photo_id else None
    person.photo_id = photo_id
    session.add(person)
    session.flush()
    if old is None:
        return None
    session.delete(old)
    session.flush()
    return old.key


def checked_name(name: str) -> str:
    """Return a name as it is kept.

    Raises:
        Refused: ``bad-name``.
    """
    name = clean_line(name)
    if not name or len(name) > NAME_MAX or not any(c.isalpha() for c in name):
        raise Refused("bad-name", _l("Write the name others shall see, at most 80 characters."), field="name")
    return name


def _pseudonym(pseudonym: str, name: str) -> str | None:
    pseudonym = clean_line(pseudonym)
    if len(pseudonym) > NAME_MAX or pseudonym.casefold() == name.casefold():
        raise Refused(
            "bad-pseudonym",
            _l("A pseudonym is another name than your own, at most 80 characters."),
            field="pseudonym",
        )
    return pseudonym or None


def checked_language(language: str) -> str:
    """Return a language that the product speaks.

    Raises:
        Refused: ``bad-language``.
    """
    if language not in LANGUAGES:
        raise Refused("bad-language", _l("Choose one of the languages."), field="language")
    return language


def _short(text: str, limit: int, field: str) -> str:
    if len(text) > limit:
        raise Refused("text-long", _l("This text is too long."), field=field)
    return text
