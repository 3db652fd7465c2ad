"""Short answers: back to a page with a message, or a fragment of one."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import flash, redirect, request
from werkzeug.wrappers import Response


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
