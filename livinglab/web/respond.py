"""Short answers: back to a page with a message, or a fragment of one."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import flash, redirect, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

WORDS_FROM = 12
"""A sent value with a space in it and at least so many characters is somebody's words, not a code."""


def fragment_wanted() -> bool:
    """Say whether a part of the page is asked for in place of the whole (htmx)."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def back(url: str, message: str | None = None, *, tone: str = "success") -> Response:
    """Go to a page after something was done, and say what.

    Args:
        tone: ``success``, ``info`` or ``warning``.
    """
    if message:
        flash(message, tone)
    return redirect(url, 303)


def safe_path(target: str | None) -> str | None:
    """Return a path within this site, or ``None``: a link from outside may not lead people away."""
    if not target or not target.startswith("/") or target[:2] in ("//", "/\\") or "\\" in target:
        return None
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or any(ord(c) < 32 for c in target):
        return None
    return target


def typed() -> tuple[str, ...]:
    """Return the words somebody sent with this request, so that an error page can give them back.

    Passwords and tokens are never among them.
    """
    if request.method != "POST":
        return ()
    try:
        sent = [(name, value.strip()) for name, value in request.form.items(multi=True)]
    except HTTPException:  # the body itself is what went wrong
        return ()
    return tuple(
        value
        for name, value in sent
        if len(value) >= WORDS_FROM and len(value.split()) > 1 and "password" not in name
    )


def came_from() -> str | None:
    """Return the path of our page from which a form was sent."""
    try:
        parts = urlsplit(request.referrer or "")
    except ValueError:  # "http://[::1" and other addresses that are none
        return None
    if parts.netloc != request.host:
        return None
    return safe_path(f"{parts.path}?{parts.query}" if parts.query else parts.path)
