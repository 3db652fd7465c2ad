"""The app: what it is made of, in order. Reads as the table of contents."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from flask import Flask
from flask_wtf import CSRFProtect
from sqlalchemy.orm import Session
from werkzeug.middleware.proxy_fix import ProxyFix

from livinglab.config import Config, guard, load_config, with_secret
from livinglab.core.db import Database
from livinglab.core.log import set_up_log
from livinglab.core.viewer import Viewer
from livinglab.handoff import views as handoff
from livinglab.ideas import views as ideas
from livinglab.labs import queries as labs
from livinglab.labs.views import BLUEPRINTS as LABS
from livinglab.moderation import views as moderation
from livinglab.notices import views as notices
from livinglab.notices.queries import unread_count
from livinglab.people import views as people
from livinglab.pipeline import views as pipeline
from livinglab.pipeline.queries.work import work_count
from livinglab.voting import views as voting
from livinglab.web import (
    access,
    addresses,
    assets,
    database,
    errors,
    filters,
    forms,
    fragments,
    frame,
    gates,
    headers,
    kept,
    limits,
    locale,
    numbered,
    paging,
    phrases,
    templating,
)
from livinglab.web.views import health, pages

BLUEPRINTS = (
    health.bp,
    people.accounts,
    people.me,
    ideas.bp,
    voting.bp,
    moderation.bp,
    handoff.bp,
    notices.bp,
    pipeline.bp,
    pipeline.work_bp,
    *LABS,
    pages.bp,
)

PACKAGE = Path(__file__).parent
ASSETS = PACKAGE / "_assets" if (PACKAGE / "_assets").is_dir() else PACKAGE.parent


def create_app(config: Config | None = None) -> Flask:
    """Build the web app. It never starts the scheduler and never migrates."""
    config = with_secret(config or load_config())
    if not config.testing:
        guard(config)
        set_up_log(config.log_level)
    app = Flask(
        "livinglab",
        template_folder=str(ASSETS / "templates"),
        static_folder=str(ASSETS / "static"),
        instance_path=str(config.instance),
    )
    _configure(app, config)
    templating.install(app)
    app.url_map.converters.update(int=paging.RowNumber, default=paging.Word, string=paging.Word)
    database.install(app, Database(config.database), config)
    access.install(app, labs.load_viewer)
    forms.install(app)
    csrf = CSRFProtect(app)
    notices.exempt(csrf)
    locale.install(app)
    phrases.install(app)
    addresses.install(app)
    filters.install(app)
    fragments.install(app)
    frame.install(app, _counts)
    headers.install(app)
    assets.install(app)
    errors.install(app)
    limits.install(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.add_url_rule("/pictures/<key>-<size>.webp", "picture", ideas.picture)
    if config.keep_pages and not config.testing:
        kept.install(app, app.extensions["livinglab.database"])
    if not config.testing:
        gates.install(app)
    if config.trusted_proxies:
        hops = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    numbered.install(app, believes=config.trusted_proxies > 0)
    return app


def _configure(app: Flask, config: Config) -> None:
    app.config.update(
        SECRET_KEY=config.secret_key,
        TESTING=config.testing,
        DEBUG=config.debug,
        SESSION_COOKIE_NAME="livinglab",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.secure,
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(days=60),
        MAX_CONTENT_LENGTH=12_000_000,
        MAX_FORM_MEMORY_SIZE=2_000_000,
        MAX_FORM_PARTS=500,
        WTF_CSRF_TIME_LIMIT=None,
        TRUSTED_HOSTS=None if config.testing else _hosts(config),
        BABEL_DEFAULT_LOCALE=config.default_language,
        BABEL_TRANSLATION_DIRECTORIES=str(PACKAGE / "translations"),
        SEND_FILE_MAX_AGE_DEFAULT=31_536_000,
    )


def _hosts(config: Config) -> list[str]:
    loopback = config.host in ("127.0.0.1", "localhost", "::1")
    own = ["127.0.0.1", "localhost", "[::1]"] if loopback else [config.host]
    return [*own, *config.trusted_hosts]


def _counts(session: Session, person: Viewer, now: datetime) -> frame.Counts:
    """Return the two numbers in the header: unread notices, and for staff what waits for them."""
    return frame.Counts(
        unread=unread_count(session, person.known_id),
        work=work_count(session, person, now) if person.is_staff_anywhere else 0,
    )
