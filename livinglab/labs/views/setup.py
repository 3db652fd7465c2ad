"""Setting a lab up: overview, texts, look, numbers, subjects."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.core.errors import refuse
from livinglab.core.viewer import Role
from livinglab.labs import commands, queries
from livinglab.labs.commands import CategoryDraft
from livinglab.labs.forms.labs import LAB_TEXTS, LookForm, categories_form, numbers_form, numbers_of
from livinglab.labs.forms.per_language import MarkedForm, form_in, keep, read, spread
from livinglab.labs.queries import LabBrief, parts
from livinglab.labs.queries.parts import mark_of
from livinglab.labs.rules import why_not_draft, why_not_invite, why_not_set_up
from livinglab.labs.rules.numbers import ANSWERS, DECISIONS, THRESHOLDS
from livinglab.labs.views import showing
from livinglab.labs.views.meeting import reading_anew, saved_alike, standing
from livinglab.web.access import staff, viewer
from livinglab.web.database import db
from livinglab.web.forms import ActionForm
from livinglab.web.respond import back

bp = Blueprint("setup", __name__, url_prefix="/labs/<slug>/setup")
MAKERS = (Role.FACILITATOR, Role.LEAD, Role.MANAGER)
Answer = str | Response | tuple[str, int]


def lab_to_set_up(session: Session, slug: str) -> LabBrief:
    """Return the lab where this person sets it up.

    Raises:
        NotFound: ``no-such-lab``. Forbidden: ``not-manager``.
    """
    lab = showing.lab_at(session, slug)
    refuse(why_not_set_up(viewer(), lab.id))
    return lab


def rights(lab_id: int) -> dict[str, bool]:
    """Return which parts of the set-up this person may change, for the side menu."""
    person = viewer()
    return {
        "lab_staff": person.has(lab_id, *MAKERS),  # who only invites sees no links to rooms that refuse
        "manages": why_not_set_up(person, lab_id) is None,
        "invites": why_not_invite(person, lab_id) is None,
    }


@bp.get("")
@staff(*MAKERS)
def home(slug: str) -> Answer:
    """What the lab has and what it still needs, one step after the other."""
    now = utc_now()
    with db.reading() as session:
        lab = showing.lab_at(session, slug)
        refuse(why_not_draft(viewer(), lab.id))
        values = {
            "told": queries.lab_texts(session, lab.id),
            "categories": queries.categories_of(session, lab.id),
            "units": queries.units_of(session, lab.id),
            "team": queries.team_of(session, lab.id),
            "challenges": queries.challenges_of(session, lab.id, drafts=True),
            "waiting": len(queries.invitations_of(session, lab.id, viewer_id=viewer().known_id, now=now)),
        }
    return render_template(
        "setup/home.html", lab=lab, here="home", showing=showing, **rights(lab.id), **values
    )


@bp.route("/texts", methods=["GET", "POST"])
@staff(Role.MANAGER)
@reading_anew
def texts(slug: str) -> Answer:
    """What the lab says about itself, in each of its languages."""
    with db.reading() as session:
        lab = lab_to_set_up(session, slug)
        told = queries.lab_texts(session, lab.id)
        mark = mark_of(session, parts.LAB_TEXTS, lab.id)
    data = {"read": mark} | spread(tagline=told.tagline, intro=told.intro, promise=told.promise)
    form = form_in(lab.languages, LAB_TEXTS, base=MarkedForm, name="LabTextsForm")(data=data)
    if form.validate_on_submit():
        new = {t.name: keep(getattr(told, t.name), read(form, t.name, lab.languages)) for t in LAB_TEXTS}
        with form.catching(), db.writing() as session:
            commands.edit_lab_texts(
                session, lab_id=lab.id, person=viewer(), now=utc_now(), read=form["read"].data, **new
            )
        if not form.refused or saved_alike(form, data):
            return back(url_for("setup.home", slug=slug), _("The texts are saved."))
    return _form_page(
        "setup/texts.html", form, lab, here="texts", spoken=LAB_TEXTS, stands=standing(form, data)
    )


@bp.route("/look", methods=["GET", "POST"])
@staff(Role.MANAGER)
@reading_anew
def look(slug: str) -> Answer:
    """Name, colour, languages, clock, country."""
    with db.reading() as session:
        lab = lab_to_set_up(session, slug)
        told = queries.lab_texts(session, lab.id)
        mark = mark_of(session, parts.LAB_LOOK, lab.id)
    data = {
        "name": lab.name, "theme": lab.theme, "first_language": lab.first_language,
        "more_languages": lab.languages[1:], "timezone": lab.timezone,
        "second_timezone": lab.timezones[1] if len(lab.timezones) > 1 else "",
        "country": lab.country, "contact_email": told.contact_email, "read": mark,
    }  # fmt: skip
    form = LookForm(data=data)
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            commands.edit_lab(
                session, lab_id=lab.id, name=form.name.data or "", theme=form.theme.data,
                languages=form.languages(),
                timezones=form.timezones(), country=form.country.data,
                contact_email=form.contact_email.data or "", person=viewer(), now=utc_now(),
                read=form["read"].data,
            )  # fmt: skip
        if not form.refused or saved_alike(form, data):
            return back(url_for("setup.home", slug=slug), _("The lab’s look and clock are saved."))
    return _form_page("setup/look.html", form, lab, here="look", stands=standing(form, data))


@bp.route("/numbers", methods=["GET", "POST"])
@staff(Role.MANAGER)
@reading_anew
def numbers(slug: str) -> Answer:
    """The numbers of the rules, each with what it does and its default."""
    with db.reading() as session:
        lab = lab_to_set_up(session, slug)
        settings = queries.lab_settings(session, lab.id)
        mark = mark_of(session, parts.NUMBERS, lab.id)
    percent = settings.threshold_percent
    data = settings.model_dump() | {
        "moderation": settings.moderation.value,
        "threshold_percent": percent if percent % 1 else int(percent),
        "steering_emails": "\n".join(settings.steering_emails),
        "read": mark,
    }
    form = numbers_form()(data=data)
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            commands.change_settings(
                session,
                lab_id=lab.id,
                numbers=numbers_of(form),
                person=viewer(),
                now=utc_now(),
                read=form["read"].data,
            )
        if not form.refused or saved_alike(form, data):
            return back(
                url_for("setup.numbers", slug=slug), _("The numbers are saved and count from now on.")
            )
    return _form_page(
        "setup/numbers.html", form, lab, here="numbers",
        thresholds=THRESHOLDS, decisions=DECISIONS, answers=ANSWERS, settings=settings,
        stands=standing(form, data),
    )  # fmt: skip


ROWS_MOST = 200


@bp.route("/subjects", methods=["GET", "POST"])
@staff(Role.MANAGER)
def categories(slug: str) -> Answer:
    """The subjects ideas are sorted by."""
    with db.reading() as session:
        lab = lab_to_set_up(session, slug)
        held = queries.categories_of(session, lab.id, retired=True)
    rows = min(sum(f"id{n}" in request.form for n in range(ROWS_MOST)), ROWS_MOST) or len(held) + 3
    by_id = {str(c.id): c for c in held}
    data = {f"retired{n}": c.retired for n, c in enumerate(held)} | {
        f"id{n}": c.id for n, c in enumerate(held)
    }
    names = {f"name{n}": c.name for n, c in enumerate(held)}
    form = categories_form(lab.languages, rows)(data=data | spread(**names))
    if form.validate_on_submit():
        drafts = []
        for n in range(rows):
            known = by_id.get(form[f"id{n}"].data or "")  # whatever stands in that row by now
            name = keep(known.name if known else {}, read(form, f"name{n}", lab.languages))
            if known or any(name.values()):
                drafts.append(
                    CategoryDraft(name, known.id if known else None, retired=form[f"retired{n}"].data)
                )
        with form.catching(), db.writing() as session:
            commands.set_categories(session, lab_id=lab.id, drafts=drafts, person=viewer(), now=utc_now())
        if not form.refused:
            return back(url_for("setup.categories", slug=slug), _("The subjects are saved."))
    return _form_page(
        "setup/categories.html", form, lab, here="categories", rows=rows, held=held, by_id=by_id
    )


@bp.post("/subjects/usual")
@staff(Role.MANAGER)
def usual_categories(slug: str) -> Response:
    """Give the lab the usual subjects."""
    ActionForm.require()
    with db.writing() as session:
        lab = lab_to_set_up(session, slug)
        commands.add_usual_categories(session, lab_id=lab.id, person=viewer(), now=utc_now())
    return back(
        url_for("setup.categories", slug=slug), _("The usual subjects are in place. Change them as you like.")
    )


def _form_page(template: str, form: object, lab: LabBrief, **values: object) -> tuple[str, int]:
    page = render_template(template, form=form, lab=lab, showing=showing, **rights(lab.id), **values)
    return page, 422 if request.method == "POST" else 200
