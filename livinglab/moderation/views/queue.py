"""The queue: what waits and one case beside it, decided without leaving the page."""

from __future__ import annotations

from flask import make_response, render_template, url_for
from flask_babel import force_locale, get_locale
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.core.errors import Refused
from livinglab.core.text import LANGUAGES
from livinglab.core.viewer import Role
from livinglab.labs.queries import LabBrief, lab_brief
from livinglab.moderation.commands import decide_case, hold_case
from livinglab.moderation.forms import DecideForm
from livinglab.moderation.models import Action
from livinglab.moderation.queries import (
    CasePage,
    Choice,
    Figures,
    Pile,
    case_page,
    figures,
    moderated_labs,
    next_case,
    pile,
)
from livinglab.moderation.rules import Verdict, letter, why_not_moderate
from livinglab.moderation.views.blueprint import (
    ACTION_NAMES,
    ICONS,
    PUBLISH_NOTES,
    SEND_NAMES,
    VERDICT_NAMES,
    VERDICT_NOTES,
    bp,
    enter,
    shown,
)
from livinglab.web.access import staff, viewer
from livinglab.web.database import db
from livinglab.web.forms import ActionForm
from livinglab.web.paging import number_arg
from livinglab.web.respond import back, fragment_wanted

MODERATORS = (Role.FACILITATOR, Role.MANAGER)


@bp.get("/moderation")
@staff(*MODERATORS)
def queue() -> Response:
    """Show what waits, with the next case open. ``?after=`` skips one, ``?lab=`` keeps to one lab."""
    with db.reading() as session:
        case_id = next_case(session, viewer(), utc_now(), lab_id=number_arg("lab"), after=number_arg("after"))
        return _desk(session, case_id)


@bp.get("/moderation/cases/<int:case_id>")
@staff(*MODERATORS)
def case(case_id: int) -> Response:
    """Show one case beside the queue."""
    with db.reading() as session:
        return _desk(session, case_id)


@bp.post("/moderation/cases/<int:case_id>/decide")
@staff(*MODERATORS)
def decide(case_id: int) -> Response:
    """Decide a case and take the next one in hand."""
    form = DecideForm()
    if not form.validate_on_submit():
        return _again(case_id, form)
    follows: int | None = None
    try:
        with db.writing() as session:
            now, person = utc_now(), viewer()
            made = decide_case(
                session,
                case_id=case_id,
                person=person,
                verdict=Verdict(form.verdict.data),
                rule=form.rule.data or None,
                facts=form.facts.data or "",
                stamp=_stamp(form),
                now=now,
            )
            follows = next_case(session, person, now, lab_id=number_arg("lab"), after=case_id)
            if follows is not None:
                hold_case(session, case_id=follows, person=person, now=now)
            action = made.action
    except Refused as problem:
        if problem.status in (403, 404):
            raise
        form.refused = problem
        form.add_problem(problem)
        return _again(case_id, form)
    return _on_to(follows, action)


@bp.post("/moderation/cases/<int:case_id>/letter")
@staff(*MODERATORS)
def preview(case_id: int) -> Response:
    """Show the letter as its author will read it, in the author's language. Nothing is decided."""
    form = DecideForm()
    with db.reading() as session:
        page = case_page(session, case_id, viewer(), utc_now())
        if not fragment_wanted():
            form.errors.clear() if form.validate_on_submit() else None
            return _desk(session, case_id, form=form)
    return make_response(
        render_template("moderation/_outcome.html", letter=_letter(page, form), send=_send(page, form))
    )


@bp.post("/moderation/cases/<int:case_id>/hold")
@staff(*MODERATORS)
def hold(case_id: int) -> Response:
    """Take a case in hand, so that a colleague is told."""
    ActionForm.require()
    with db.writing() as session:
        now = utc_now()
        hold_case(session, case_id=case_id, person=viewer(), now=now)
        page = case_page(session, case_id, viewer(), now)
    if fragment_wanted():
        return make_response(render_template("moderation/_held.html", case=page, mine=page.holder is None))
    return back(url_for("moderation.case", case_id=case_id, lab=number_arg("lab")))


def _stamp(form: DecideForm) -> int:
    text = form.stamp.data or ""
    return int(text) if text.isdigit() and len(text) < 10 else -1


def _again(case_id: int, form: DecideForm) -> Response:
    with db.reading() as session:
        return _desk(session, case_id, form=form, status=form.refused.status if form.refused else 422)


def _on_to(follows: int | None, action: Action) -> Response:
    lab = number_arg("lab")
    url = (
        url_for("moderation.case", case_id=follows, lab=lab)
        if follows is not None
        else url_for("moderation.queue", lab=lab)
    )
    message = _("Done: %(action)s. Here is the next one.", action=str(ACTION_NAMES[action]).lower())
    if follows is None:
        message = _("Done: %(action)s. Nothing else waits for you.", action=str(ACTION_NAMES[action]).lower())
    if not fragment_wanted():
        return back(url, message)
    with db.reading() as session:
        response = _desk(session, follows, said=message)
    response.headers["HX-Push-Url"] = url
    return response


def _desk(
    session: Session,
    case_id: int | None,
    *,
    form: DecideForm | None = None,
    status: int = 200,
    said: str = "",
) -> Response:
    """Draw the queue with one case: the whole page, or its middle for htmx."""
    now, person, lab_id = utc_now(), viewer(), number_arg("lab")
    waits = pile(session, person, now, lab_id=lab_id)
    page = case_page(session, case_id, person, now) if case_id is not None else None
    labs = {lab: lab_brief(session, lab) for lab in sorted(moderated_labs(person))}
    if page is not None:
        enter(labs[page.lab_id])
    elif labs:
        enter(labs[lab_id] if lab_id in labs else next(iter(labs.values())))
    values = _values(page, form, waits, labs, figures(session, now, lab_id=lab_id))
    template = "moderation/_desk.html" if fragment_wanted() else "moderation/queue.html"
    return make_response(render_template(template, **values, said=said, now=now, lab_id=lab_id), status)


def _values(
    page: CasePage | None, form: DecideForm | None, waits: Pile, labs: dict[int, LabBrief], kept: Figures
) -> dict[str, object]:
    form = form or DecideForm(formdata=None)
    if page is not None:
        form.stamp.data = str(page.stamp)
        form.verdict.choices = [(c.verdict.value, str(VERDICT_NAMES[c.verdict])) for c in page.choices]
    return {
        "case": page,
        "form": form,
        "pile": waits,
        "labs": labs,
        "kept": kept,
        "face": shown(page.by) if page else None,
        "why_not": why_not_moderate(page, viewer()) if page else None,
        "notes": {c.verdict.value: _note(c) for c in page.choices} if page else {},
        "icons": {verdict.value: icon for verdict, icon in ICONS.items()},
        "letter": _letter(page, form) if page else None,
        "send": _send(page, form) if page else "",
        "action_names": ACTION_NAMES,
    }


def _note(choice: Choice) -> object:
    if choice.why_not is not None:
        return choice.why_not
    return (
        PUBLISH_NOTES[choice.action] if choice.verdict is Verdict.PUBLISH else VERDICT_NOTES[choice.verdict]
    )


def _chosen(page: CasePage, form: DecideForm) -> Choice | None:
    return next((c for c in page.choices if c.verdict.value == form.verdict.data), None)


def _send(page: CasePage, form: DecideForm) -> object:
    chosen = _chosen(page, form)
    return SEND_NAMES[chosen.action] if chosen else _("Decide")


def _letter(page: CasePage, form: DecideForm) -> Markup:
    """Render the letter in the language its author reads."""
    chosen = _chosen(page, form)
    language = page.author_language if page.author_language in LANGUAGES else str(get_locale())
    with force_locale(language):
        text = None
        if chosen is not None:
            text = letter(
                page.thing,
                chosen.action,
                rule=form.rule.data,
                facts=form.facts.data or "",
                after_reports=bool(page.reports),
            )
        html = render_template(
            "moderation/_letter.html",
            letter=text,
            choice=chosen,
            language=language,
            reports=len(page.reports),
        )
    return Markup(html)  # noqa: S704  # our own template
