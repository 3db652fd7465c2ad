"""For machines that watch the site: is the process alive, and can it do its work?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, jsonify
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlmodel import select
from werkzeug.wrappers import Response

from livinglab import jobs
from livinglab.core.clock import utc_now
from livinglab.core.glance import schema_is_newest
from livinglab.core.journal import lag_seconds
from livinglab.core.runs import JobRun
from livinglab.web.access import public
from livinglab.web.database import db

bp = Blueprint("health", __name__)
TOO_OLD = timedelta(minutes=2)
"""The fastest job runs every few seconds; nothing for so long means that no worker leads."""


@bp.get("/healthz")
@public
def alive() -> Response:
    """The process answers."""
    return _answer({"ok": True}, 200)


@bp.get("/readyz")
@public
def ready() -> Response:
    """Database, schema, worker and journal; 503 where something is missing."""
    try:
        with db.reading() as session:
            facts = _facts(session, utc_now())
            facts["schema"] = schema_is_newest(session)
    except SQLAlchemyError as problem:
        return _answer({"ok": False, "database": type(problem).__name__}, 503)
    facts["ok"] = bool(facts["schema"] and facts["worker"])
    return _answer(facts, 200 if facts["ok"] else 503)


def _facts(session: Session, now: datetime) -> dict[str, Any]:
    runs = {run.name: run for run in session.scalars(select(JobRun))}
    newest = max((run.finished_at for run in runs.values() if run.finished_at), default=None)
    return {
        "database": "ok",
        "worker": newest is not None and now - newest < TOO_OLD,
        "leader": max(runs.values(), key=lambda run: run.started_at).leader if runs else None,
        "journal_lag_seconds": round(lag_seconds(session, now), 1),
        "jobs": {job.name: _told(runs.get(job.name)) for job in jobs.JOBS},
    }


def _told(run: JobRun | None) -> dict[str, Any]:
    if run is None:
        return {"last": None, "runs": 0, "failed": False}
    last = run.finished_at or run.started_at
    return {"last": last.isoformat(timespec="seconds"), "runs": run.runs, "failed": run.error is not None}


def _answer(facts: dict[str, Any], status: int) -> Response:
    response = jsonify(facts)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response
