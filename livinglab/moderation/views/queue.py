"""The queue: what waits and one case beside it, decided without leaving the page.

Looking changes nothing. Opening a case by name takes it in hand after two seconds (by script; there is a
button, too), working on it keeps it there, and deciding one takes the next.
"""

from __future__ import annotations

from flask import make_response, render_template, url_for
from flask_babel import force_locale, get_locale
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.core.db import MOST_COUNTED
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
from livinglab.moderation.rules import RENEW_AFTER, Verdict, letter, why_not_moderate, why_not_suspend
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
from livinglab.web.paging import as_number, number_arg
from livinglab.web.respond import back, fragment_wanted

moderating = staff(Role.FACILITATOR, Role.MANAGER, admin=True)
"""The administrator enters, too, and meets only what nobody in its lab may decide (rule M1)."""


@bp.get("/moderation")
@moderating
def queue() -> Response:
    """Show what waits, with the next case open. ``?after=`` skips one, ``?lab=`` keeps to one lab."""
    with db.reading() as session:
        case_id = next_case(session, viewer(), utc_now(), lab_id=number_arg("lab"), after=number_arg("after"))
        return _desk(session, case_id)


@bp.get("/moderation/cases/<int:case_id>")
@moderating
def case(case_id: int) -> Response:
    """Show one case beside the queue."""
    with db.reading() as session:
        return _desk(session, case_id, opened=True)


@bp.post("/moderation/cases/<int:case_id>/decide")
@moderating
def decide(case_id: int) -> Response:
    """Decide a case and take the next one in hand."""
    form = DecideForm()
    if not form.validate_on_submit():
        return _again(case_id, form)
    try:
        with db.writing() as session:
            made = decide_case(
                session,
                case_id=case_id,
                person=viewer(),
                verdict=Verdict(form.verdict.data),
                rule=form.rule.data or None,
                facts=form.facts.data or "",
                stamp=_stamp(form),
                now=utc_now(),
            )
            action = made.action
    except Refused as problem:
        if problem.status in (403, 404):
            raise
        form.refused = problem
        form.add_problem(problem)
        return _again(case_id, form)
    return _on_to(_take_next(case_id), action)


def _take_next(case_id: int) -> int | None:
    """Take the next case in hand, in a transaction of its own: a decision never waits for a second case."""
    with db.writing() as session:
        now = utc_now()
        follows = next_case(session, viewer(), now, lab_id=number_arg("lab"), after=case_id)
        if follows is not None:
            hold_case(session, case_id=follows, person=viewer(), now=now)
    return follows


@bp.post("/moderation/cases/<int:case_id>/letter")
@moderating
def preview(case_id: int) -> Response:
    """Show the letter as its author will read it, in the author's language. Nothing is decided.

    Whoever writes has the case in hand while they do.
    """
    form = DecideForm()
    with db.reading() as session:
        page = case_page(session, case_id, viewer(), utc_now())
    if _works_on(page):
        page = _hold(case_id)
    if not fragment_wanted():
        with db.reading() as session:
            form.validate_on_submit()  # what is wrong is said at its field
            return _desk(session, case_id, form=form)
    values = {
        "letter": _letter(page, form),
        "send": _send(page, form),
        "case": page,
        "lab_id": number_arg("lab"),
    }
    return make_response(render_template("moderation/_outcome.html", **values))


def _works_on(page: CasePage) -> bool:
    """Say whether writing about a case has to be noted: not when it was within this minute."""
    if page.closed_at is not None or page.holder is not None or why_not_moderate(page, viewer()):
        return False
    return page.held_at is None or utc_now() - page.held_at >= RENEW_AFTER


def _hold(case_id: int, *, take_over: bool = False) -> CasePage:
    with db.writing() as session:
        now = utc_now()
        hold_case(session, case_id=case_id, person=viewer(), now=now, take_over=take_over)
        return case_page(session, case_id, viewer(), now)


@bp.post("/moderation/cases/<int:case_id>/hold")
@moderating
def hold(case_id: int) -> Response:
    """Take a case in hand, so that colleagues are told."""
    ActionForm.require()
    return _in_hand(_hold(case_id))


@bp.post("/moderation/cases/<int:case_id>/take-over")
@moderating
def take_over(case_id: int) -> Response:
    """Take a case out of a colleague's hand; they are told when they go on with it."""
    ActionForm.require()
    return _in_hand(_hold(case_id, take_over=True))


def _in_hand(page: CasePage) -> Response:
    if not fragment_wanted():
        return back(url_for("moderation.case", case_id=page.id, lab=number_arg("lab")))
    values = {"case": page, "lab_id": number_arg("lab"), "said": True}
    return make_response(render_template("moderation/_held.html", **values))


def _stamp(form: DecideForm) -> int:
    stamp = as_number(form.stamp.data)
    return -1 if stamp is None else stamp


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
        return _desk(session, follows, said=message)


def _desk(
    session: Session,
    case_id: int | None,
    *,
    form: DecideForm | None = None,
    status: int = 200,
    said: str = "",
    opened: bool = False,
) -> Response:
    """Draw the queue with one case: the whole page, or its middle for htmx.

    Args:
        opened: Somebody asked for this very case; a page that only shows the next one holds nothing.
    """
    now, person, lab_id = utc_now(), viewer(), number_arg("lab")
    waits = pile(session, person, now, lab_id=lab_id)
    page = case_page(session, case_id, person, now) if case_id is not None else None
    own = moderated_labs(person)
    shown = own | {item.lab_id for item in waits.items} | ({page.lab_id} if page else set())
    labs = {lab: lab_brief(session, lab) for lab in sorted(shown)}
    if page is not None:
        enter(labs[page.lab_id])
    elif labs:
        enter(labs[lab_id] if lab_id in labs else next(iter(labs.values())))
    kept = figures(session, now, labs=own & {lab_id} if lab_id else own)
    values = _values(page, form, waits, labs, kept)
    template = "moderation/_desk.html" if fragment_wanted() else "moderation/queue.html"
    page_html = render_template(template, **values, said=said, opened=opened, now=now, lab_id=lab_id)
    return make_response(page_html, status)


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
        "most": MOST_COUNTED,
        "labs": labs,
        "kept": kept,
        "face": shown(page.by) if page else None,
        "why_not": why_not_moderate(page, viewer()) if page else None,
        "why_not_suspend": why_not_suspend_author(page) if page else None,
        "notes": {c.verdict.value: _note(c) for c in page.choices} if page else {},
        "icons": {verdict.value: icon for verdict, icon in ICONS.items()},
        "letter": _letter(page, form) if page else None,
        "send": _send(page, form) if page else "",
        "action_names": ACTION_NAMES,
    }


def why_not_suspend_author(page: CasePage) -> Refused | None:
    """Say why the author of a case may not be suspended: the same for the link and for the page."""
    author = page.author
    return why_not_suspend(
        page, viewer(), author_id=author.author_id, has_duties=author.has_duties, until=author.until
    )


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
    """Render the letter in the language its author reads, and the words around it in the moderator's."""
    chosen = _chosen(page, form)
    around = {
        "title": _("What the author will read"),
        "appeal": _("The author can appeal. Somebody who was not involved decides."),
        "keep": _("Nothing: the text stays as it is."),
        "told": _("Those who reported it are told that somebody looked."),
        "choose": _("Choose what happens to it. The letter is written here as you go."),
    }
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
            around=around,
        )
    return Markup(html)  # noqa: S704  # our own template
