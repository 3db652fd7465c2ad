"""Pages everybody expects: how it works, privacy, accessibility, rules, contact; and what robots read."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import cast

from flask import Blueprint, Response, abort, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from livinglab.core.clock import utc_now
from livinglab.core.text import LANGUAGES
from livinglab.ideas.queries.counts import listed_ids, newest_id
from livinglab.labs import queries as labs
from livinglab.moderation.rules import HOUSE_RULES
from livinglab.web.access import public
from livinglab.web.database import db, settings
from livinglab.web.filters import asset
from livinglab.web.forms import Form, Radios
from livinglab.web.frame import SCHEME_COOKIE, VERSION, color_scheme
from livinglab.web.respond import back

bp = Blueprint("pages", __name__)
ASSESSED_ON = date(2026, 11, 22)
"""When accessibility was assessed last; the page says what was tried."""
IDEAS_A_PART = 10_000
"""Numbers of ideas in one part of the site map; the protocol allows 50 000 addresses and 50 MB."""
NOT_FOR_ROBOTS = ("/admin", "/invitations", "/me", "/notices", "/work", "/settings", "/sign-in", "/register")


@bp.get("/how")
@public
def how() -> str:
    """How an idea becomes a service."""
    return render_template("pages/how.html")


@bp.get("/privacy")
@public
def privacy() -> str:
    """What is stored, why and how long, and what one can ask for."""
    return render_template("pages/privacy.html", config=settings())


@bp.get("/accessibility")
@public
def accessibility() -> str:
    """The accessibility statement, after the model of the European Union."""
    return render_template(
        "pages/accessibility.html", config=settings(), assessed_on=ASSESSED_ON, version=VERSION
    )


@bp.get("/rules")
@public
def rules() -> str:
    """The house rules that moderation cites."""
    return render_template("pages/rules.html", rules=HOUSE_RULES.values())


@bp.get("/contact")
@public
def contact() -> str:
    """Whom to write to: the site, and each lab."""
    with db.reading() as session:
        told = labs.lab_contacts(session)
    return render_template("pages/contact.html", config=settings(), labs=told)


class AppearanceForm(Form):
    """Light, dark, or as the device says."""

    scheme = Radios(
        _l("How shall pages look?"),
        (("auto", _l("As my device says")), ("light", _l("Light")), ("dark", _l("Dark"))),
    )


@bp.route("/appearance", methods=["GET", "POST"])
@public
def appearance() -> Response | tuple[str, int]:
    """Choose light or dark for this browser; only who chooses gets a cookie (rule P1)."""
    form = AppearanceForm(data={"scheme": color_scheme()})
    if form.validate_on_submit():
        response = back(url_for("pages.appearance"), _("Saved."))
        if form.scheme.data == "auto":
            response.delete_cookie(SCHEME_COOKIE)
        else:
            response.set_cookie(
                SCHEME_COOKIE,
                form.scheme.data,
                max_age=timedelta(days=365),
                httponly=True,
                samesite="Lax",
                secure=settings().secure,
            )
        return cast(Response, response)
    return render_template("pages/appearance.html", form=form), 422 if form.is_submitted() else 200


@bp.get("/robots.txt")
@public
def robots() -> Response:
    """What robots may read."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in NOT_FOR_ROBOTS)]
    return _plain([*lines, "", f"Sitemap: {settings().base_url}/sitemap.xml"])


@bp.get("/.well-known/security.txt")
@public
def security() -> Response:
    """Where to report a weakness (RFC 9116); only where there is somebody to write to."""
    config = settings()
    if not config.contact_email:
        abort(404)
    until = (utc_now() + timedelta(days=180)).replace(hour=0, minute=0, second=0, microsecond=0)
    return _plain(
        [
            f"Contact: mailto:{config.contact_email}",
            f"Expires: {until:%Y-%m-%dT%H:%M:%SZ}",
            f"Preferred-Languages: {', '.join(LANGUAGES)}",
            f"Canonical: {config.base_url}/.well-known/security.txt",
        ]
    )


@bp.get("/sitemap.xml")
@public
def sitemap() -> Response:
    """The parts of the site map: the standing pages, then ideas by spans of their numbers."""
    with db.reading() as session:
        parts = -(-newest_id(session) // IDEAS_A_PART)
    paths = [url_for("pages.sitemap_part", part=part) for part in range(parts + 1)]
    return _xml("pages/sitemap_index.xml", paths)


@bp.get("/sitemap-<int:part>.xml")
@public
def sitemap_part(part: int) -> Response:
    """Addresses of what is public: part 0 the standing pages, every other one a span of ideas."""
    with db.reading() as session:
        if part == 0:
            return _xml("pages/sitemap.xml", _standing_paths(session))
        above = (part - 1) * IDEAS_A_PART
        if above >= newest_id(session):
            abort(404)
        found = listed_ids(session, above=above, most=IDEAS_A_PART)
    return _xml("pages/sitemap.xml", [url_for("ideas.page", idea_id=number) for number in found])


def _standing_paths(session: Session) -> list[str]:
    names = ("front.home", "labs.index", "challenges.index", "ideas.index", "pages.how")
    return [
        *(url_for(name) for name in names),
        *(url_for("labs.page", slug=lab.slug) for lab in labs.all_labs(session)),
        *(url_for("challenges.page", challenge_id=c.id) for c, _lab in labs.public_challenges(session)),
    ]


def _xml(template: str, paths: list[str]) -> Response:
    page = render_template(template, base=settings().base_url, paths=paths)
    return Response(page, mimetype="application/xml")


@bp.get("/site.webmanifest")
@public
def manifest() -> Response:
    """Name and icons for a phone's home screen."""
    icons = [
        ("img/icon-192.png", "192x192", "any"),
        ("img/icon-512.png", "512x512", "any"),
        ("img/icon-maskable-512.png", "512x512", "maskable"),
    ]
    told = {
        "name": settings().site_name,
        "short_name": settings().site_name[:12],
        "lang": settings().default_language,
        "start_url": url_for("front.home"),
        "scope": "/",
        "display": "browser",
        "background_color": "#ffffff",
        "theme_color": "#ffffff",
        "icons": [
            {"src": asset(path), "sizes": sizes, "type": "image/png", "purpose": purpose}
            for path, sizes, purpose in icons
        ],
    }
    return Response(json.dumps(told, ensure_ascii=False), mimetype="application/manifest+json")


@bp.get("/favicon.ico")
@public
def favicon() -> Response:
    """The cairn, for those who ask for it by its old name."""
    return redirect(asset("img/mark.svg"), 302)  # type: ignore[return-value]


def _plain(lines: list[str]) -> Response:
    return Response("\n".join(lines) + "\n", mimetype="text/plain")
