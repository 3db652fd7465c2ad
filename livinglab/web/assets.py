"""Style sheets as one file, static text compressed: what a phone loads first stays small."""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, current_app, request, url_for

from livinglab.web.access import public

SHEETS = (
    "vendor/designsystemet",
    "vendor/theme",
    *(
        f"css/{name}"
        for name in (
            "fonts",
            "tokens",
            "base",
            "frame",
            "track",
            "marks",
            "cards",
            "forms",
            "front",
            "list",
            "idea",
            "work",
            "account",
            "print",
        )
    ),
)
"""In this order; each is one component."""


_TEXT = ("text/css", "text/javascript", "application/javascript", "image/svg+xml")


class AssetsMissing(Exception):
    """The front-end files have not been built; the message says which command does it."""


@lru_cache(maxsize=4)
def _joined(folder: Path, _changed: float) -> tuple[bytes, str]:
    text = b"\n".join((folder / f"{name}.css").read_bytes() for name in SHEETS)
    return text, hashlib.sha256(text).hexdigest()[:10]


def _sheet() -> tuple[bytes, str]:
    known: tuple[bytes, str] | None = current_app.extensions.get("livinglab.sheet")
    if known is None or current_app.debug:
        folder = Path(str(current_app.static_folder))
        known = _joined(folder, max((folder / f"{name}.css").stat().st_mtime for name in SHEETS))
        current_app.extensions["livinglab.sheet"] = known
    return known


def stylesheet() -> str:
    """Return the address of the style sheet, with the fingerprint of its content."""
    return url_for("stylesheet", v=_sheet()[1])


def _serve() -> Response:
    text, _mark = _sheet()
    return _packed(
        Response(text, mimetype="text/css", headers={"Cache-Control": "public, max-age=31536000, immutable"})
    )


@lru_cache(maxsize=64)
def _gzip(content: bytes) -> bytes:
    return gzip.compress(content, 9, mtime=0)


def _packed(response: Response) -> Response:
    """Compress an answer of text, once for each content, where the browser takes it."""
    response.vary.add("Accept-Encoding")
    if request.accept_encodings.quality("gzip") > 0 and request.range is None:
        response.direct_passthrough = False
        response.set_data(_gzip(response.get_data()))
        response.headers["Content-Encoding"] = "gzip"
        response.headers.pop("ETag", None)
    return response


def _pack_static(response: Response) -> Response:
    if request.endpoint == "static" and response.status_code == 200 and response.mimetype in _TEXT:
        return _packed(response)
    return response


def install(app: Flask) -> None:
    """Serve the style sheet beside the static files, whose folder its own addresses count from.

    Raises:
        AssetsMissing: ``static/vendor`` is not there.
    """
    if not (Path(str(app.static_folder)) / "vendor" / ".stamp").is_file():
        raise AssetsMissing("The front-end files are missing. Run: make setup")
    app.add_url_rule("/static/css/site.css", "stylesheet", public(_serve))
    app.jinja_env.globals["stylesheet"] = stylesheet
    app.after_request(_pack_static)
