"""What templates may call: dates in the lab's zone, numbers, Markdown, pictures, hashed assets."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.numbers import format_decimal
from flask import Flask, current_app, has_request_context, request, url_for
from flask_babel import format_date, format_time, format_timedelta, get_locale
from flask_babel import gettext as _
from markupsafe import Markup

from livinglab.core.clock import utc_now
from livinglab.core.db import MOST_COUNTED
from livinglab.core.text import initials, to_html, to_plain
from livinglab.web.locale import said, time_zone


@lru_cache(maxsize=512)
def _fingerprint(file: Path, _modified: float) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:10]


def asset(path: str) -> str:
    """Return the address of a static file with the fingerprint of its content."""
    known: dict[tuple[str, str], str] = current_app.extensions.setdefault("livinglab.assets", {})
    asked = (request.script_root if has_request_context() else "", path)
    if asked not in known or current_app.debug:
        file = Path(str(current_app.static_folder)) / path
        mark = _fingerprint(file, file.stat().st_mtime) if file.is_file() else None
        known[asked] = url_for("static", filename=path, v=mark)
    return known[asked]


def picture(key: str, size: str = "large") -> str:
    """Return the address of a stored picture (``large``, ``card`` or ``face``)."""
    return url_for("picture", key=key, size=size)


def _local(value: datetime) -> datetime:
    return value.astimezone(ZoneInfo(time_zone()))


def day(value: date | datetime | None, form: str = "medium") -> str:
    """Write a day as the reader's language does; an instant is shown on the lab's calendar."""
    if value is None:
        return ""
    local = _local(value).date() if isinstance(value, datetime) else value
    return str(format_date(local, form, rebase=False))


def last_day(value: datetime | None, form: str = "medium") -> str:
    """Write the last day on which something is still in time: deadlines are the instant after it."""
    return day(value - timedelta(seconds=1), form) if value else ""


def when(value: datetime | None, form: str = "") -> str:
    """Write a day and the lab's clock time; with ``HH:mm`` only the time, as the reader's language does."""
    if value is None:
        return ""
    if form == "HH:mm":
        return str(format_time(value, "short"))
    return f"{day(value)} {format_time(value, 'short')}"


def time_there(value: datetime) -> str:
    """Write the clock time of an instant in the zone it carries."""
    return str(format_time(value, "short", rebase=False))


def key(value: object) -> str:
    """Return the plain value of an enum or a string, for an attribute or a look-up."""
    return str(value.value if isinstance(value, Enum) else value)


def iso(value: date | datetime) -> str:
    """Write a machine-readable instant or day for ``<time datetime>``."""
    return (
        value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if isinstance(value, datetime)
        else value.isoformat()
    )


def ago(value: datetime | None) -> str:
    """Write how long ago something was, in words."""
    if value is None:
        return ""
    passed = utc_now() - value
    if passed.total_seconds() < 60:
        return str(_("just now"))
    halves, rest = divmod(-(-passed // timedelta(seconds=1)), 30)
    return _ago(str(get_locale()), halves, min(rest, 1))


@lru_cache(maxsize=4096)
def _ago(_locale: str, halves: int, rest: int) -> str:
    """Write a time ago; its words change only at half minutes, where minutes are rounded to even ones."""
    passed = timedelta(seconds=30 * halves + rest)
    words = str(format_timedelta(-passed, granularity="minute", add_direction=True))
    # The locale data count Norwegian days as "døgn", which is said of 24 hours, not of "four days ago".
    return words.replace(" 1 døgn", " 1 dag").replace(" døgn", " dager")


def days_since(value: datetime | None) -> int:
    """Count the calendar days from an instant until today, in the lab's zone."""
    return (_local(utc_now()).date() - _local(value).date()).days if value else 0


def number(value: float | None) -> str:
    """Write a number as the reader's language does, without needless decimals."""
    if value is None:
        return "–"
    return _number(round(value, 2), str(get_locale()))


@lru_cache(maxsize=4096)
def _number(value: float, locale: str) -> str:
    return str(format_decimal(value, locale=locale))


def markdown(text: str) -> Markup:
    """Turn what people wrote into safe HTML."""
    return Markup(to_html(text))  # noqa: S704  # cleaned by nh3


def install(app: Flask) -> None:
    """Hand the functions to the templates."""
    app.jinja_env.filters.update(markdown=markdown, plain=to_plain, iso=iso, initials=initials)
    app.jinja_env.globals.update(
        most_counted=MOST_COUNTED,
        asset=asset,
        picture=picture,
        day=day,
        date=day,
        last_day=last_day,
        when=when,
        time_there=time_there,
        datetime=when,
        iso=iso,
        key=key,
        ago=ago,
        days_since=days_since,
        number=number,
        texts=said,
        utc_now=utc_now,
    )
