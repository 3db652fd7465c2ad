"""Two people at one form: whoever comes second sees what stands now beside what they wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import wraps
from typing import Any, TypeVar

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from flask import g
from flask_babel import get_locale
from flask_babel import gettext as _
from wtforms.fields.choices import SelectFieldBase

from livinglab.web.forms import Form

View = TypeVar("View", bound=Callable[..., Any])


class _ReadBefore(Exception):
    """What the page was to show had been read before the colleague saved."""


def reading_anew(view: View) -> View:
    """Run a form's view once more where a colleague saved between its reading and its writing.

    What stands now, and its mark, are only known to whoever reads after the refusal.
    """

    @wraps(view)
    def run(*args: Any, **named: Any) -> Any:
        try:
            return view(*args, **named)
        except _ReadBefore:
            g.read_anew = True
            return view(*args, **named)

    return run  # type: ignore[return-value]


def _met(form: Form) -> bool:
    """Say whether the form was refused because somebody else saved, and what they saved has been read."""
    if form.refused is None or form.refused.code != "changed-meanwhile":
        return False
    if "read_anew" not in g:
        raise _ReadBefore
    return True


def standing(form: Form, data: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return label and present value of each field in which somebody else saved something different.

    Empty unless the form was refused because of that. It can then be sent again, having been told. The
    view is marked ``reading_anew``.

    Args:
        data: What the form would be filled with now, with its mark as ``read``.
    """
    if not _met(form):
        return ()
    now = type(form)(formdata=None, data=data)
    for field in form:
        if isinstance(field, SelectFieldBase):
            now[field.name].choices = field.choices  # type: ignore[attr-defined]  # each kind of it has them
    form["read"].data = data["read"]
    return tuple(
        (str(field.label.text), _shown(now[field.name]) or _("Nothing"))
        for field in form
        if field.name not in ("csrf_token", "read") and _shown(field) != _shown(now[field.name])
    )


def saved_alike(form: Form, data: Mapping[str, Any]) -> bool:
    """Say whether what was refused stands already, word for word: a button pressed twice."""
    return _met(form) and not standing(form, data)


def _shown(field: Any) -> str:
    """Return the value of a field as a reader sees it."""
    value = field.data
    if isinstance(field, SelectFieldBase):
        names = {str(choice[0]): str(choice[1]) for choice in field.iter_choices()}
        chosen = value if isinstance(value, list) else [value]
        return ", ".join(names.get(str(code), "") for code in chosen if code not in (None, ""))
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(value, datetime):
        return str(format_datetime(value, "short", locale=get_locale()))
    if isinstance(value, date):
        return str(format_date(value, "medium", locale=get_locale()))
    if isinstance(value, int | float):
        return str(format_decimal(value, locale=get_locale()))
    return str(value or "").replace("\r\n", "\n").strip()
