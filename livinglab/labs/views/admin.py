"""The administrator's pages: labs of the instance, a new one, and what is running."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.core.viewer import Role
from livinglab.ideas.queries.counts import ideas_by_lab
from livinglab.labs import commands, queries
from livinglab.labs.forms.labs import NewLabForm
from livinglab.labs.views import showing
from livinglab.web.access import admin_only, viewer
from livinglab.web.database import db, settings
from livinglab.web.forms import ActionForm
from livinglab.web.respond import back

bp = Blueprint("admin", __name__, url_prefix="/admin")


@bp.get("")
@admin_only
def home() -> str:
    """All labs with who manages them, and how the instance is set."""
    with db.reading() as session:
        labs = queries.lab_cards(session, utc_now())
        values = {
            "ideas": ideas_by_lab(session),
            "managers": queries.count_holders(session, Role.MANAGER),
            "people": queries.count_accounts(session),
        }
    mine = viewer().labs_as(Role.MANAGER)
    return render_template(
        "setup/admin.html", labs=labs, mine=mine, config=settings(), showing=showing, **values
    )


@bp.route("/labs/new", methods=["GET", "POST"])
@admin_only
def new_lab() -> str | Response | tuple[str, int]:
    """Make a lab."""
    form = NewLabForm(data={"theme": "fjord", "first_language": settings().default_language, "country": "NO",
                            "timezone": "Europe/Oslo"})  # fmt: skip
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            lab = commands.create_lab(
                session, slug=form.slug.data or "", name=form.name.data or "", theme=form.theme.data,
                languages=form.languages(), timezones=form.timezones(), country=form.country.data,
                contact_email=form.contact_email.data or "", person=viewer(), now=utc_now(),
            )  # fmt: skip
        if not form.refused:
            return back(
                url_for("team.people", slug=lab.slug),
                _("The lab is there. Now invite its manager, or become manager yourself."),
            )
    page = render_template("setup/new_lab.html", form=form, showing=showing)
    return page, 422 if request.method == "POST" else 200


@bp.post("/labs/<slug>/manage")
@admin_only
def manage(slug: str) -> Response:
    """Become manager of a lab."""
    ActionForm.require()
    with db.writing() as session:
        lab = queries.lab_by_slug(session, slug)
        commands.take_role(session, lab_id=lab.id, role=Role.MANAGER, person=viewer(), now=utc_now())
    return back(url_for("setup.home", slug=slug), _("You are manager of this lab now."))
