"""Receiving units, people and invitations of a lab."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.core.errors import NotFound, refuse
from livinglab.core.viewer import Role
from livinglab.handoff.queries.facts import in_progress
from livinglab.labs import commands, queries
from livinglab.labs.forms.labs import ROLE_NAMES, UNIT_TEXTS, HoursForm, InviteForm, unit_form
from livinglab.labs.forms.per_language import keep, read, spread
from livinglab.labs.queries import LabBrief, UnitBrief, parts
from livinglab.labs.queries.parts import mark_of
from livinglab.labs.rules import NO_SUCH_UNIT, why_not_invite
from livinglab.labs.views import showing
from livinglab.labs.views.meeting import reading_anew, saved_alike, standing
from livinglab.labs.views.setup import Answer, lab_to_set_up, rights
from livinglab.people.commands import end_role
from livinglab.web.access import signed_in, staff, viewer
from livinglab.web.database import db
from livinglab.web.forms import ActionForm, Form
from livinglab.web.respond import back

bp = Blueprint("team", __name__, url_prefix="/labs/<slug>/setup")


def _lab_to_invite(session: Session, slug: str) -> LabBrief:
    lab = showing.lab_at(session, slug)
    refuse(why_not_invite(viewer(), lab.id))
    return lab


def _unit_in(session: Session, lab: LabBrief, unit_id: int) -> UnitBrief:
    unit = queries.unit_brief(session, unit_id)
    if unit.lab_id != lab.id:
        raise NO_SUCH_UNIT
    return unit


@bp.get("/units")
@staff(Role.MANAGER)
def units(slug: str) -> Answer:
    """The lab's receiving units."""
    with db.reading() as session:
        lab = lab_to_set_up(session, slug)
        found = queries.units_of(session, lab.id, retired=True)
    return render_template(
        "setup/units.html", lab=lab, units=found, here="units", showing=showing, **rights(lab.id)
    )


def _unit_data(session: Session, unit: UnitBrief) -> dict[str, Any]:
    return {
        "owner_id": str(unit.owner_id or ""),
        "deputy_id": str(unit.deputy_id or ""),
        "limit_in_progress": unit.limit_in_progress,
        "topics": list(unit.topics),
        "read": mark_of(session, parts.UNIT, unit.id),
        **spread(name=unit.name, description=unit.description),
    }


def _unit_form(session: Session, lab: LabBrief, data: dict[str, Any]) -> Form:
    team = queries.team_of(session, lab.id, units=True)
    form = unit_form(lab.languages)(data=data)
    form["owner_id"].choices = form["deputy_id"].choices = showing.choices(m.person for m in team)
    form["topics"].choices = [
        (c.slug, showing.spoken(c.name, lab).text) for c in queries.categories_of(session, lab.id)
    ]
    return form


def _unit_values(form: Form, lab: LabBrief, unit: UnitBrief | None) -> dict[str, Any]:
    name = read(form, "name", lab.languages)
    description = read(form, "description", lab.languages)
    return {
        "name": keep(unit.name, name) if unit else name,
        "description": keep(unit.description, description) if unit else description,
        "owner_id": int(form["owner_id"].data) if form["owner_id"].data else None,
        "deputy_id": int(form["deputy_id"].data) if form["deputy_id"].data else None,
        "limit_in_progress": form["limit_in_progress"].data,
        "topics": form["topics"].data or [],
        "person": viewer(),
        "now": utc_now(),
    }


@bp.route("/units/new", methods=["GET", "POST"])
@staff(Role.MANAGER)
def new_unit(slug: str) -> Answer:
    """Add a receiving unit."""
    with db.reading() as session:
        lab = lab_to_set_up(session, slug)
        form = _unit_form(session, lab, {"limit_in_progress": 10})
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            made = commands.add_unit(session, lab_id=lab.id, **_unit_values(form, lab, None))
        if not form.refused:
            return back(
                url_for("team.unit", slug=slug, unit_id=made.id),
                _("The unit is there. Now invite its people."),
            )
    return _unit_page(form, lab, None)


@bp.route("/units/<int:unit_id>", methods=["GET", "POST"])
@staff(Role.MANAGER)
@reading_anew
def unit(slug: str, unit_id: int) -> Answer:
    """A receiving unit: its texts, owner, deputy, limit, subjects and members."""
    with db.reading() as session:
        lab = lab_to_set_up(session, slug)
        known = _unit_in(session, lab, unit_id)
        members = queries.members_of(session, unit_id)
        busy = in_progress(session, unit_id)
        data = _unit_data(session, known)
        form = _unit_form(session, lab, data)
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            values = _unit_values(form, lab, known)
            commands.edit_unit(session, unit_id=unit_id, read=form["read"].data, **values)
        if not form.refused or saved_alike(form, data):
            return back(url_for("team.unit", slug=slug, unit_id=unit_id), _("The unit is saved."))
    return _unit_page(form, lab, known, members=members, busy=busy, stands=standing(form, data))


def _unit_page(form: Form, lab: LabBrief, known: UnitBrief | None, **values: object) -> tuple[str, int]:
    page = render_template(
        "setup/unit.html", form=form, lab=lab, unit=known, here="units", showing=showing, spoken=UNIT_TEXTS,
        **rights(lab.id), **values,
    )  # fmt: skip
    return page, 422 if request.method == "POST" else 200


@bp.post("/units/<int:unit_id>/retire")
@staff(Role.MANAGER)
def retire_unit(slug: str, unit_id: int) -> Response:
    """Let a unit take nothing new."""
    ActionForm.require()
    with db.writing() as session:
        lab = lab_to_set_up(session, slug)
        _unit_in(session, lab, unit_id)
        busy = in_progress(session, unit_id)
        commands.retire_unit(session, unit_id=unit_id, open_handoffs=busy, person=viewer(), now=utc_now())
    return back(url_for("team.units", slug=slug), _("The unit takes nothing new from now on."))


@bp.post("/units/<int:unit_id>/back")
@staff(Role.MANAGER)
def bring_unit_back(slug: str, unit_id: int) -> Response:
    """Let a retired unit take ideas again."""
    ActionForm.require()
    with db.writing() as session:
        lab = lab_to_set_up(session, slug)
        _unit_in(session, lab, unit_id)
        commands.bring_unit_back(session, unit_id=unit_id, person=viewer(), now=utc_now())
    return back(url_for("team.unit", slug=slug, unit_id=unit_id), _("The unit takes ideas again."))


@bp.post("/units/<int:unit_id>/join")
@staff(Role.MANAGER)
def join_unit(slug: str, unit_id: int) -> Response:
    """Let the manager become a member of the unit."""
    ActionForm.require()
    with db.writing() as session:
        lab = lab_to_set_up(session, slug)
        _unit_in(session, lab, unit_id)
        commands.join_unit(session, unit_id=unit_id, person=viewer(), now=utc_now())
    return back(url_for("team.unit", slug=slug, unit_id=unit_id), _("You are a member of the unit now."))


@bp.post("/units/<int:unit_id>/members/<int:person_id>/end")
@signed_in
def end_membership(slug: str, unit_id: int, person_id: int) -> Response:
    """End somebody's membership of a unit."""
    ActionForm.require()
    with db.writing() as session:
        lab = _lab_to_invite(session, slug)
        _unit_in(session, lab, unit_id)
        commands.remove_member(session, unit_id=unit_id, person_id=person_id, person=viewer(), now=utc_now())
    return back(url_for("team.people", slug=slug), _("The membership has ended."))


@bp.get("/people")
@signed_in
def people(slug: str) -> Answer:
    """Who works in the lab, as what, and who is invited."""
    with db.reading() as session:
        lab = _lab_to_invite(session, slug)
        form = _invite_form(session, lab)
    return _people_page(form, lab)


def _invite_form(session: Session, lab: LabBrief) -> InviteForm:
    form = InviteForm()
    roles: list[Any] = [(f"role:{role.value}", ROLE_NAMES[role]) for role in ROLE_NAMES]
    found = [
        (f"unit:{u.id}", _("Member of %(unit)s", unit=showing.spoken(u.name, lab).text))
        for u in queries.units_of(session, lab.id)
    ]
    offers = [("", _("Choose")), *roles, *found]
    form.offer.choices = offers
    if request.method == "GET" and request.args.get("as") in dict(offers):
        form.offer.data = request.args["as"]
    return form


def _people_page(form: InviteForm, lab: LabBrief) -> tuple[str, int]:
    person = viewer()
    with db.reading() as session:
        team = queries.team_of(session, lab.id, units=True)
        waiting = queries.invitations_of(session, lab.id, viewer_id=person.known_id, now=utc_now())
    mine = person.roles.get(lab.id, frozenset())
    takes = [
        r
        for r in ROLE_NAMES
        if r not in mine and (person.is_admin if r is Role.MANAGER else Role.MANAGER in mine)
    ]
    page = render_template(
        "setup/people.html", form=form, lab=lab, team=team, waiting=waiting, takes=takes, here="people",
        role_names=ROLE_NAMES, showing=showing, me=person.person_id, hours=sum(m.weekly_hours for m in team),
        **rights(lab.id),
    )  # fmt: skip
    return page, 422 if request.method == "POST" else 200


@bp.post("/people/invite")
@signed_in
def invite(slug: str) -> Answer:
    """Invite somebody by e-mail into a role or a unit."""
    with db.reading() as session:
        lab = _lab_to_invite(session, slug)
        form = _invite_form(session, lab)
    if form.validate_on_submit():
        kind, _colon, value = form.offer.data.partition(":")
        with form.catching(), db.writing() as session:
            commands.invite(
                session, lab_id=lab.id, email=form.email.data or "", person=viewer(), now=utc_now(),
                role=Role(value) if kind == "role" else None, unit_id=int(value) if kind == "unit" else None,
            )  # fmt: skip
        if not form.refused:
            return back(
                url_for("team.people", slug=slug),
                _("The invitation is on its way to %(email)s.", email=form.email.data),
            )
    return _people_page(form, lab)


@bp.post("/people/invitations/<int:invitation_id>/resend")
@signed_in
def resend(slug: str, invitation_id: int) -> Response:
    """Send an invitation again, with a new link."""
    ActionForm.require()
    with db.writing() as session:
        lab = showing.lab_at(session, slug)
        commands.resend_invitation(
            session, lab_id=lab.id, invitation_id=invitation_id, person=viewer(), now=utc_now()
        )
    return back(
        url_for("team.people", slug=slug), _("A new link is on its way. The old one does not work any more.")
    )


@bp.post("/people/invitations/<int:invitation_id>/withdraw")
@signed_in
def withdraw(slug: str, invitation_id: int) -> Response:
    """Take an invitation back."""
    ActionForm.require()
    with db.writing() as session:
        lab = showing.lab_at(session, slug)
        commands.withdraw_invitation(
            session, lab_id=lab.id, invitation_id=invitation_id, person=viewer(), now=utc_now()
        )
    return back(url_for("team.people", slug=slug), _("The invitation is taken back."))


@bp.post("/people/take/<role>")
@signed_in
def take(slug: str, role: str) -> Response:
    """Give oneself a role: the administrator becomes manager, a manager takes the others."""
    ActionForm.require()
    wanted = next((r for r in Role if r.value == role), None)
    if wanted is None:
        raise NotFound("no-such-role", _("There is no such role."))
    with db.writing() as session:
        lab = showing.lab_at(session, slug)
        commands.take_role(session, lab_id=lab.id, role=wanted, person=viewer(), now=utc_now())
    return back(
        url_for("team.people", slug=slug), _("You are %(role)s now.", role=str(ROLE_NAMES[wanted]).lower())
    )


@bp.post("/people/<int:person_id>/<role>/end")
@signed_in
def end(slug: str, person_id: int, role: str) -> Response:
    """End a role; it counts with the person's next request."""
    ActionForm.require()
    wanted = next((r for r in Role if r.value == role), None)
    if wanted is None:
        raise NotFound("no-such-role", _("There is no such role."))
    with db.writing() as session:
        lab = showing.lab_at(session, slug)
        end_role(session, person_id=person_id, lab_id=lab.id, role=wanted, by=viewer(), now=utc_now())
    if person_id == viewer().person_id and wanted is Role.MANAGER:
        return back(url_for("labs.page", slug=slug), _("You have given up the role."))
    return back(
        url_for("team.people", slug=slug), _("The role has ended. It counts at once, on every device.")
    )


@bp.post("/people/hours/<int:grant_id>")
@signed_in
def hours(slug: str, grant_id: int) -> Response:
    """Say how many hours a week somebody gives to a role."""
    form = HoursForm()
    if not form.validate_on_submit():
        return back(
            url_for("team.people", slug=slug),
            _("Write a whole number of hours from 0 to 60."),
            tone="warning",
        )
    with db.writing() as session:
        lab = showing.lab_at(session, slug)
        commands.set_weekly_hours(
            session, lab_id=lab.id, grant_id=grant_id, weekly_hours=form.weekly_hours.data,
            person=viewer(), now=utc_now(),
        )  # fmt: skip
    return back(url_for("team.people", slug=slug), _("The hours are saved."))
