"""Looking after a challenge: its card, people, clock and measures; opening, closing, concluding."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from livinglab.core.clock import local_day, utc_now
from livinglab.core.errors import refuse
from livinglab.core.viewer import Role
from livinglab.ideas.queries.counts import ideas_by_challenge, undecided_in
from livinglab.labs import commands, queries
from livinglab.labs.commands import CardTexts, CardTimes
from livinglab.labs.forms import challenges as forms
from livinglab.labs.forms.per_language import keep, read, spread
from livinglab.labs.queries import ChallengePage, parts
from livinglab.labs.queries.parts import mark_of
from livinglab.labs.rules import (
    AUDIENCES_MAX,
    MEASURES_MAX,
    why_not_close,
    why_not_conclude,
    why_not_draft,
    why_not_edit,
    why_not_measure,
    why_not_open,
    why_not_reshape,
    why_not_tend,
)
from livinglab.labs.views import showing
from livinglab.labs.views.meeting import reading_anew, saved_alike, standing
from livinglab.labs.views.setup import Answer, rights
from livinglab.voting.queries import active_people
from livinglab.web.access import staff, viewer
from livinglab.web.database import db
from livinglab.web.forms import ActionForm, Form, as_instant, as_local
from livinglab.web.respond import back

bp = Blueprint("editing", __name__)
WRITERS = (Role.FACILITATOR, Role.LEAD, Role.MANAGER)
AT = "/challenges/<int:challenge_id>/edit"


def _challenge(session: Session, challenge_id: int) -> ChallengePage:
    """Return a challenge where this person works in its lab.

    Raises:
        NotFound: ``no-such-challenge``; also when they do not.
    """
    found = queries.challenge_page(session, challenge_id)
    refuse(why_not_tend(viewer(), found.lab.id))
    showing.enter(found.lab)
    return found


def _page(template: str, form: Form, found: ChallengePage, here: str, **values: object) -> tuple[str, int]:
    state = found.brief.state
    page = render_template(
        template, form=form, c=found, lab=found.lab, here=here, showing=showing,
        frozen=why_not_reshape(state=state),
        closed_to_me=why_not_edit(viewer(), lab_id=found.lab.id, state=state),
        **rights(found.lab.id), **values,
    )  # fmt: skip
    return page, 422 if request.method == "POST" else 200


def _done(challenge_id: int, text: str) -> Response:
    return back(url_for("editing.home", challenge_id=challenge_id), text)


@bp.get("/labs/<slug>/setup/challenges")
@staff(*WRITERS)
def index(slug: str) -> Answer:
    """All challenges of the lab, drafts among them."""
    with db.reading() as session:
        lab = showing.lab_at(session, slug)
        refuse(why_not_draft(viewer(), lab.id))
        found = queries.challenges_of(session, lab.id, drafts=True)
        counts = ideas_by_challenge(session, [c.id for c in found])
    return render_template(
        "setup/challenges.html", lab=lab, challenges=found, counts=counts, here="challenges", showing=showing,
        **rights(lab.id),
    )  # fmt: skip


@bp.route("/labs/<slug>/setup/challenges/new", methods=["GET", "POST"])
@staff(*WRITERS)
def new(slug: str) -> Answer:
    """Begin a challenge."""
    with db.reading() as session:
        lab = showing.lab_at(session, slug)
        refuse(why_not_draft(viewer(), lab.id))
    form = forms.title_form(lab.languages)()
    if form.validate_on_submit():
        texts = CardTexts(title=read(form, "title", lab.languages))
        with form.catching(), db.writing() as session:
            made = commands.draft_challenge(
                session, lab_id=lab.id, texts=texts, person=viewer(), now=utc_now()
            )
        if not form.refused:
            return _done(made.id or 0, _("The draft is there. The list shows what it still needs."))
    page = render_template(
        "setup/challenge_new.html", form=form, lab=lab, here="challenges", showing=showing, **rights(lab.id)
    )
    return page, 422 if request.method == "POST" else 200


@bp.get(AT)
@staff(*WRITERS)
def home(challenge_id: int) -> Answer:
    """What the challenge has and needs, and what can be done with it now."""
    now, person = utc_now(), viewer()
    with db.reading() as session:
        found = _challenge(session, challenge_id)
        checklist = commands.checklist_of(session, challenge_id, now)
        undecided = undecided_in(session, challenge_id)
        active = active_people(session, found.lab.id, now)
        settings = queries.lab_settings(session, found.lab.id)
        ideas = ideas_by_challenge(session, [challenge_id]).get(challenge_id, 0)
    about: dict[str, Any] = {"lab_id": found.lab.id, "state": found.brief.state}
    return _page(
        "setup/challenge.html", ActionForm(), found, "home", checklist=checklist, undecided=undecided,
        ideas=ideas, active=active, threshold=commands.threshold_now(active, settings), settings=settings,
        not_open=why_not_open(person, checklist=checklist, **about),
        not_close=why_not_close(person, **about),
        not_conclude=why_not_conclude(person, undecided=undecided, report=None, **about),
        not_measure=why_not_measure(person, **about),
    )  # fmt: skip


@bp.route(AT + "/card", methods=["GET", "POST"])
@staff(*WRITERS)
@reading_anew
def card(challenge_id: int) -> Answer:
    """The words of the strategy card, in each language of the lab."""
    with db.reading() as session:
        found = _challenge(session, challenge_id)
        mark = mark_of(session, parts.CARD, challenge_id)
    before = {t.name: getattr(found, t.name) for t in forms.CARD}
    data = {"read": mark} | spread(**before)
    form = forms.card_form(found.lab.languages)(data=data)
    if form.validate_on_submit():
        new = {t.name: keep(before[t.name], read(form, t.name, found.lab.languages)) for t in forms.CARD}
        with form.catching(), db.writing() as session:
            commands.edit_card(
                session, challenge_id=challenge_id, texts=CardTexts(**new), person=viewer(), now=utc_now(),
                read=form["read"].data,
            )  # fmt: skip
        if not form.refused or saved_alike(form, data):
            return _done(challenge_id, _("The card is saved."))
    return _page(
        "setup/challenge_card.html", form, found, "card", spoken=forms.CARD, stands=standing(form, data)
    )


@bp.route(AT + "/times", methods=["GET", "POST"])
@staff(*WRITERS)
@reading_anew
def times(challenge_id: int) -> Answer:
    """Who answers for the challenge, and its clock."""
    with db.reading() as session:
        found = _challenge(session, challenge_id)
        team = [m.person for m in queries.team_of(session, found.lab.id, units=True)]
        mark = mark_of(session, parts.TIMES, challenge_id)
    brief = found.brief
    data = {
        "responsible_id": str(brief.responsible_id or ""), "deputy_id": str(brief.deputy_id or ""),
        "closes_at": as_local(brief.closes_at), "counts_from": as_local(brief.counts_from),
        "trust_needed": str(brief.trust_needed), "read": mark,
    }  # fmt: skip
    form = forms.TimesForm(data=data)
    known = {p.id: p for p in (*team, *(p for p in (found.responsible, found.deputy) if p))}
    everybody: Any = showing.choices(known.values())
    form.responsible_id.choices = form.deputy_id.choices = everybody
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            commands.set_times(
                session, challenge_id=challenge_id, times=_times(form, brief.closes_at, brief.counts_from),
                person=viewer(), now=utc_now(), read=form["read"].data,
            )  # fmt: skip
        if not form.refused or saved_alike(form, data):
            return _done(challenge_id, _("People and times are saved."))
    return _page("setup/challenge_times.html", form, found, "times", stands=standing(form, data))


def _times(form: Form, closes_at: datetime | None, counts_from: datetime | None) -> CardTimes:
    """Return what a sent form says; a time shown to the minute and left as it was stays exact."""

    def exact(typed: datetime | None, before: datetime | None) -> datetime | None:
        shown = as_local(before)
        return before if shown and typed == shown.replace(second=0, microsecond=0) else as_instant(typed)

    return CardTimes(
        responsible_id=int(form["responsible_id"].data or 0) or None,
        deputy_id=int(form["deputy_id"].data or 0) or None,
        closes_at=exact(form["closes_at"].data, closes_at),
        counts_from=exact(form["counts_from"].data, counts_from),
        trust_needed=int(form["trust_needed"].data),
    )


@bp.route(AT + "/measures", methods=["GET", "POST"])
@staff(*WRITERS)
@reading_anew
def measures(challenge_id: int) -> Answer:
    """The measures, a row each; two rows are spare, and saving gives new ones."""
    with db.reading() as session:
        found = _challenge(session, challenge_id)
        mark = mark_of(session, parts.MEASURES, challenge_id)
    languages, rows = found.lab.languages, min(len(found.measures) + 2, MEASURES_MAX)
    data: dict[str, object] = {"read": mark}
    data |= spread(**{f"label{n}": m.label for n, m in enumerate(found.measures)})
    for n, m in enumerate(found.measures):
        data |= {
            f"unit{n}": m.unit,
            f"baseline{n}": m.baseline,
            f"target{n}": m.target,
            f"on{n}": m.target_on,
        }
    form = forms.measures_form(languages, rows)(data=data)
    if form.validate_on_submit():
        drafts = forms.measures_in(form, languages, rows)
        if not form.errors:
            with form.catching(), db.writing() as session:
                commands.set_measures(
                    session, challenge_id=challenge_id, measures=drafts, person=viewer(), now=utc_now(),
                    read=form["read"].data,
                )  # fmt: skip
            if not form.refused or saved_alike(form, data):
                more = "more" in request.form
                target = url_for("editing.measures" if more else "editing.home", challenge_id=challenge_id)
                return back(target, _("The measures are saved."))
    return _page(
        "setup/challenge_measures.html", form, found, "measures", rows=rows, stands=standing(form, data)
    )


@bp.route(AT + "/audiences", methods=["GET", "POST"])
@staff(*WRITERS)
@reading_anew
def audiences(challenge_id: int) -> Answer:
    """Whom the challenge must, should and can hear; three rows are spare."""
    with db.reading() as session:
        found = _challenge(session, challenge_id)
        mark = mark_of(session, parts.AUDIENCES, challenge_id)
    languages, rows = found.lab.languages, min(len(found.audiences) + 3, AUDIENCES_MAX)
    data = {"read": mark} | spread(**{f"name{n}": a.name for n, a in enumerate(found.audiences)})
    data |= {f"level{n}": a.level.value for n, a in enumerate(found.audiences)}
    form = forms.audiences_form(languages, rows)(data=data)
    if form.validate_on_submit():
        groups = forms.audiences_in(form, languages, rows)
        if not form.errors:
            with form.catching(), db.writing() as session:
                commands.set_audiences(
                    session, challenge_id=challenge_id, audiences=groups, person=viewer(), now=utc_now(),
                    read=form["read"].data,
                )  # fmt: skip
            if not form.refused or saved_alike(form, data):
                more = "more" in request.form
                target = url_for("editing.audiences" if more else "editing.home", challenge_id=challenge_id)
                return back(target, _("The groups are saved."))
    return _page(
        "setup/challenge_audiences.html", form, found, "audiences", rows=rows, stands=standing(form, data)
    )


@bp.post(AT + "/open")
@staff(Role.MANAGER)
def open_it(challenge_id: int) -> Response:
    """Open the challenge."""
    ActionForm.require()
    with db.writing() as session:
        _challenge(session, challenge_id)
        opened = commands.open_challenge(
            session, challenge_id=challenge_id, person=viewer(), now=utc_now(), count_active=active_people
        )
    text = _(
        "The challenge is open. An idea is reviewed once %(count)s people support it.", count=opened.threshold
    )
    return back(url_for("challenges.page", challenge_id=challenge_id), text)


@bp.route(AT + "/measures/<int:measure_id>", methods=["GET", "POST"])
@staff(*WRITERS)
def measured(challenge_id: int, measure_id: int) -> Answer:
    """Enter what was measured."""
    with db.reading() as session:
        found = _challenge(session, challenge_id)
        measure = queries.measure_in(found, measure_id)
    refuse(why_not_measure(viewer(), lab_id=found.lab.id, state=found.brief.state))
    today = local_day(utc_now(), found.lab.timezone)
    form = forms.MeasuredForm(data={"value": measure.current, "on": measure.current_on or today})
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            commands.enter_measured(
                session,
                measure_id=measure_id,
                value=form["value"].data,
                on=form["on"].data,
                person=viewer(),
                now=utc_now(),
            )
        if not form.refused:
            return _done(challenge_id, _("The figure is public now."))
    return _page("setup/challenge_measured.html", form, found, "home", measure=measure)


@bp.route(AT + "/close", methods=["GET", "POST"])
@staff(Role.MANAGER)
def close(challenge_id: int) -> Answer:
    """Close the challenge before its time."""
    with db.reading() as session:
        found = _challenge(session, challenge_id)
    refuse(why_not_close(viewer(), lab_id=found.lab.id, state=found.brief.state))
    form = forms.CloseForm()
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            commands.close_challenge(
                session,
                challenge_id=challenge_id,
                reason=form.reason.data or "",
                person=viewer(),
                now=utc_now(),
            )
        if not form.refused:
            return _done(challenge_id, _("The challenge is closed. It takes no new ideas."))
    return _page("setup/challenge_close.html", form, found, "home")


@bp.route(AT + "/conclude", methods=["GET", "POST"])
@staff(Role.MANAGER)
def conclude(challenge_id: int) -> Answer:
    """Conclude the challenge and publish its report."""
    with db.reading() as session:
        found = _challenge(session, challenge_id)
        undecided = undecided_in(session, challenge_id)
    refuse(
        why_not_conclude(
            viewer(), lab_id=found.lab.id, state=found.brief.state, undecided=undecided, report=None
        )
    )
    form = forms.report_form(found.lab.languages)()
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            commands.conclude_challenge(
                session, challenge_id=challenge_id, report=read(form, "report", found.lab.languages),
                person=viewer(), now=utc_now(), count_undecided=undecided_in,
            )  # fmt: skip
        if not form.refused:
            url = url_for("challenges.page", challenge_id=challenge_id)
            return back(url, _("The challenge is concluded and its report is public."))
    return _page("setup/challenge_conclude.html", form, found, "home", spoken=forms.REPORT)
