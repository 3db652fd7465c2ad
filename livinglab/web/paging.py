"""Keyset paging: a page, and an opaque cursor to the next one. Never an OFFSET."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from math import isfinite
from typing import Any, Generic, TypeVar

from flask import request
from werkzeug.routing import IntegerConverter, UnicodeConverter

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some rows of a list.

    Args:
        after: Cursor of the next page; ``None`` on the last one.
    """

    items: tuple[Item, ...]
    after: str | None = None

    def __bool__(self) -> bool:
        return bool(self.items)


def cursor_out(*values: Any) -> str:
    """Pack the place in a list into a word for the address."""
    raw = json.dumps(values, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unpack(text: str | None) -> list[Any] | None:
    """Read a cursor; anything that is none (typed by hand, cut off) is the first page."""
    if not text or len(text) > 400:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    return values if isinstance(values, list) and all(map(_plain, values)) else None


def _plain(value: object) -> bool:
    """Say whether a cursor may hold a value: a truth is no number, and a number has an end."""
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return abs(value) < 2**62
    return value is None or isinstance(value, str) or (isinstance(value, float) and isfinite(value))


def cursor_in() -> list[Any] | None:
    """Return the values of ``?after=``, or ``None`` for the first page."""
    return unpack(request.args.get("after"))


def one_of(name: str, allowed: tuple[str, ...], default: str = "") -> str:
    """Return a query parameter if it is one of the allowed words, else the default."""
    value = request.args.get(name, default)
    return value if value in allowed else default


class RowNumber(IntegerConverter):
    """A row's number in an address: at most nine digits, so that every database can look for it.

    A longer one belongs to nothing. Asked for all the same, SQLite and PostgreSQL break in different ways.
    """

    regex = "[0-9]{1,9}"


class Word(UnicodeConverter):
    """A word in an address: a slug, a key, a token. None holds a NUL, for which PostgreSQL cannot look."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.regex = self.regex.replace("[^/]", "[^/\\x00]")


def number_arg(name: str) -> int | None:
    """Return a query parameter as a row id, or ``None``."""
    return as_number(request.args.get(name))


def as_number(text: object) -> int | None:
    """Read a number a page carried along; ``None`` for what was typed by hand ("²" is a digit, too)."""
    value = str(text or "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None
