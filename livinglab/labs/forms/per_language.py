"""Fields that exist once per language of the lab, and rows that can be added without JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from livinglab.core.db import Texts
from livinglab.web.forms import Form, Hidden, Line, Text
from livinglab.web.locale import NAMES


class MarkedForm(Form):
    """A form that says what it was filled from, so that nobody writes over another unseen."""

    read = Hidden()


@dataclass(frozen=True, slots=True)
class Spoken:
    """A text that is written in each language of the lab.

    Args:
        lines: 1 makes one line, more a text area.
        required: Wanted in the lab's first language.
    """

    name: str
    label: object
    limit: int
    lines: int = 1
    required: bool = False
    hint: object = ""


def field_of(spoken: Spoken, code: str, *, several: bool, required: bool) -> Any:
    """Return the field of one text in one language."""
    label = spoken.label
    if several:
        label = _l("%(text)s (%(language)s)", text=spoken.label, language=NAMES[code])
    make: Callable[..., Any] = Line if spoken.lines == 1 else Text
    return make(
        label, max_length=spoken.limit, required=required, description=spoken.hint, render_kw={"lang": code}
    )


def form_in(
    languages: Sequence[str], spoken: Iterable[Spoken], *, base: type[Form] = Form, name: str = "SpokenForm"
) -> type[Form]:
    """Return a form class with a field for each text and language: ``title_nb``, ``title_fi`` …

    Args:
        languages: Those of the lab, first one first; only in it a required text is wanted.
    """
    fields = {
        f"{text.name}_{code}": field_of(
            text, code, several=len(languages) > 1, required=text.required and code == languages[0]
        )
        for text in spoken
        for code in languages
    }
    return type(name, (base,), fields)


def read(form: Form, name: str, languages: Iterable[str]) -> Texts:
    """Return one text of a sent form in all its languages."""
    return {code: form[f"{name}_{code}"].data or "" for code in languages}


def keep(texts: Texts, new: Texts) -> Texts:
    """Return new texts with those in languages the lab no longer has kept as they were."""
    return {**texts, **new}


def spread(**texts: Texts) -> dict[str, str]:
    """Return texts as the data of a form: ``title={"nb": "A"}`` → ``{"title_nb": "A"}``."""
    return {f"{name}_{code}": text for name, spoken in texts.items() for code, text in spoken.items()}
