"""Addresses in templates, built once: a page holds some seventy, and the same ones stand on all pages."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Flask, redirect, request, url_for
from werkzeug.wrappers import Response

from livinglab.web.locale import carried

MOST = 8192
LONGEST = 200
"""So many addresses are kept in a process, and none that carries a longer text."""
_PLAIN = (str, int, type(None))


def install(app: Flask) -> None:
    """Take the place of Flask's function in templates; Python code keeps it.

    A relative address is a function of its endpoint and values, of the languages the page's links carry,
    and of where the site is mounted; anything else is built anew.
    """

    @lru_cache(maxsize=MOST)
    def known(endpoint: str, values: tuple[Any, ...], _page: tuple[Any, ...]) -> str:
        return app.url_for(endpoint, **{name: value for name, _, value in values})

    def url_for(endpoint: str, **values: Any) -> str:
        if endpoint.startswith(".") or "_external" in values or "_scheme" in values or not request:
            return app.url_for(endpoint, **values)
        asked = tuple((name, type(value), value) for name, value in values.items())
        if any(kind not in _PLAIN or (kind is str and len(value) > LONGEST) for _, kind, value in asked):
            return app.url_for(endpoint, **values)
        return known(endpoint, asked, (*carried(), request.script_root))

    app.jinja_env.globals["url_for"] = url_for
    app.before_request(_without_empty_ones)


NO_PAGES = ("ideas.alike_titles",)
"""What a script asks for while somebody types; nobody reads its address."""


def _without_empty_ones() -> Response | None:
    """Lead a filter's form to the address that somebody would pass on: a browser sends empty fields, too."""
    plain = request.method in ("GET", "HEAD") and "HX-Request" not in request.headers
    leads = plain and request.endpoint is not None and request.endpoint not in NO_PAGES
    asked = list(request.args.items(multi=True)) if leads else []
    said = [(name, value) for name, value in asked if value]
    if len(said) == len(asked):
        return None
    path = urlsplit(url_for(str(request.endpoint), **(request.view_args or {}))).path
    return redirect(f"{path}?{urlencode(said)}" if said else path)
