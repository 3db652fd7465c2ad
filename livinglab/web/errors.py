"""Errors in the product's face: a refusal says why, an outage says when to come back."""

from __future__ import annotations

import errno

import structlog
from flask import Flask, current_app, g, make_response, render_template, request
from flask.globals import request_ctx
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from livinglab.core.errors import Refused
from livinglab.core.viewer import VISITOR
from livinglab.web.locale import language
from livinglab.web.respond import came_from, typed

RETRY_AFTER_S = 10
OWN_PAGES = (400, 401, 403, 404, 409, 413, 429, 500, 503)
log = structlog.get_logger()


def _page(status: int, *, reason: object = None) -> Response:
    template = f"errors/{status if status in OWN_PAGES else 404 if status < 500 else 500}.html"
    html = render_template(
        template, reason=reason, status=status, typed=typed(), back_url=came_from(), lang=language()
    )
    return make_response(html, status)


def refused(problem: Refused) -> Response:
    """Show why something may not happen."""
    response = _page(problem.status, reason=problem.reason)
    response.headers["X-Reason-Code"] = problem.code
    return response


def unavailable(problem: Exception) -> Response:
    """Say that the database cannot be reached: nothing was saved, or nobody knows just now."""
    log.error("database unavailable", path=request.path, exc_info=problem)
    g.viewer = VISITOR  # who asks cannot be looked up just now
    sent = request.method == "POST"
    html = render_template(
        "errors/503.html",
        lang=language(),
        typed=typed(),
        back_url=came_from() if sent else None,
        sent=sent,
        in_doubt=sent and g.get("in_doubt", False),
    )
    response = make_response(html, 503)
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def http_error(problem: HTTPException) -> Response:
    """Show an HTTP error on a page of ours, with the headers it needs."""
    if problem.response is not None:
        return problem.response  # type: ignore[return-value]
    status = problem.code or 500
    if status < 400:
        return problem.get_response()
    if request_ctx.url_adapter is None:  # a foreign host: nothing of ours can be linked to
        return Response(f"{status} {problem.name}", status, mimetype="text/plain")
    response = _page(status)
    response.status_code = status
    for name, value in problem.get_headers():
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response


def unfit(problem: Exception) -> Response:
    """Answer a value that the database cannot hold: an address like that leads nowhere, a form is refused."""
    log.error("value unfit for the database", path=request.path, method=request.method, exc_info=problem)
    return _page(404 if request.method in ("GET", "HEAD") else 400)


def no_room(problem: OSError) -> Response:
    """Say the same where a disk is full; any other trouble with a file is ours."""
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return unavailable(problem)
    if current_app.testing:
        raise problem
    return crashed(problem)


def crashed(problem: Exception) -> Response:
    """Show that something is broken on our side; the log knows what."""
    log.exception("unhandled", path=request.path, exc_info=problem)
    return _page(500)


def install(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(Refused, refused)
    app.register_error_handler(CSRFError, lambda _e: _page(400))
    app.register_error_handler(HTTPException, http_error)
    for kind in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(kind, unavailable)
    app.register_error_handler(DataError, unfit)
    app.register_error_handler(OSError, no_room)
    if not app.testing:
        app.register_error_handler(Exception, crashed)
