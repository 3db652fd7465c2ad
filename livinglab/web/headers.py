"""What every answer carries: a strict content policy, and for visitors a cacheable page."""

from __future__ import annotations

from flask import Flask, request, session
from werkzeug.wrappers import Response

from livinglab.web.database import settings

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


def _protect(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=(), browsing-topics=()")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if settings().secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    return response


def _cache(response: Response) -> Response:
    """A visitor's page is the same for all visitors; everything else stays in the browser that asked."""
    if request.endpoint in ("static", "stylesheet", "picture") or "Cache-Control" in response.headers:
        return response
    response.vary.add("Cookie")
    response.vary.add("HX-Request")
    shared = (
        request.method in ("GET", "HEAD")
        and response.status_code == 200
        and not session.modified
        and not request.cookies
        and "Set-Cookie" not in response.headers
    )
    if not shared:
        response.headers["Cache-Control"] = "no-store" if session else "private, no-cache"
        return response
    response.headers["Cache-Control"] = "public, max-age=0, s-maxage=2"
    response.add_etag()
    return response.make_conditional(request)


def install(app: Flask) -> None:
    """Put the headers on every answer."""
    app.after_request(_cache)
    app.after_request(_protect)
