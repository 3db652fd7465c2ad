"""Writing an idea: the form, its draft, similar ideas beside it; changing a public one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import flash, jsonify, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.core.db import known_id
from livinglab.core.errors import NotFound, Refused
from livinglab.core.files import keep_image, prepare_image
from livinglab.core.tokens import new_token
from livinglab.ideas.commands import edit_idea, mark_for_sending, save_draft, start_draft
from livinglab.ideas.forms import EditForm, WriteForm
from livinglab.ideas.models import Publication
from livinglab.ideas.queries.drafts import Draft, Unfinished, drafts_of_token, own_draft, unfinished_version
from livinglab.ideas.queries.page import idea_page
from livinglab.ideas.queries.places import PlaceLab, Places, places
from livinglab.ideas.queries.search import Alike, alike
from livinglab.ideas.rules import (
    CHALLENGE_CLOSED,
    NO_SUCH_IDEA,
    IdeaTexts,
    claim_hash,
    text_problems,
    why_not_edit,
)
from livinglab.ideas.views.blueprint import (
    bp,
    byline_labels,
    draft_cookie,
    draft_hash,
    enter,
    fresh_draft_token,
    give_draft_cookie,
)
from livinglab.moderation.commands import look_at_choices, submit_edit, submit_idea
from livinglab.moderation.queries import why_returned
from livinglab.moderation.rules import DECIDE_WITHIN_DAYS
from livinglab.web.access import public, signed_in, viewer
from livinglab.web.database import db, settings
from livinglab.web.filters import when
from livinglab.web.limits import door
from livinglab.web.locale import language, said
from livinglab.web.paging import as_number, number_arg
from livinglab.web.respond import back

ACTIONS = ("keep", "save", "preview", "send")


@dataclass(frozen=True, slots=True)
class Desk:
    """What lies on the desk while somebody writes: the lab, everything to choose from, the draft so far."""

    lab: PlaceLab
    places: Places
    draft: Draft | None
    unfinished: Unfinished | None = None
    """The version of a public idea that its author goes on writing (rule I3)."""


@bp.route("/ideas/write", methods=["GET", "POST"])
@public
@door("draft", "120 per minute; 3000 per hour")
def write() -> Response:
    """Write an idea, with or without an account."""
    desk = _desk()
    if desk is None:
        return _choose_place()
    enter(desk.lab.brief)
    form = _choices(WriteForm(), desk)
    if request.method == "POST":
        return _take(form, desk)
    if desk.draft is not None:
        form.fill(desk.draft.texts)
        form.idea.data = str(desk.draft.id)
    else:
        chosen = number_arg("challenge")
        form.challenge.data = str(chosen) if chosen else ""
        form.language.data = _usual_language(desk.lab)
        form.once.data = new_token()
    return _show(form, desk, tried=False)


def _desk() -> Desk | None:
    """Find the draft and the lab from the address or the form; ``None`` where the lab is not known yet."""
    with db.reading() as session:
        everything = places(session)
        draft = _own(session, number_arg("idea"), as_number(request.form.get("idea")))
    challenge = everything.challenge(number_arg("challenge"))
    if draft is not None:
        lab = everything.lab(draft.lab_id)
    elif challenge is not None:
        lab = everything.lab(challenge.lab_id)
    elif request.args.get("lab"):
        lab = everything.lab_at(request.args["lab"])
        if lab is None:
            raise NotFound("no-such-lab", _("There is no lab at this address."))
    else:
        lab = everything.labs[0] if len(everything.labs) == 1 else None
    return Desk(lab, everything, draft) if lab else None


def _own(session: Session, asked: int | None, carried: int | None) -> Draft | None:
    """Return the draft somebody writes on.

    Where the session ended while they wrote, what they send begins a draft of this browser, which they
    find again when they sign in: nothing that was typed is lost.

    Args:
        asked: Its number in the address.
        carried: In the form, where it was begun after the page was opened.

    Raises:
        NotFound: ``no-such-idea``.
    """
    for idea_id in (asked, carried):
        with suppress(NotFound):
            if idea_id:
                return own_draft(session, idea_id, viewer(), token_hash=draft_hash())
    if (asked or carried) and (viewer().signed_in or request.method != "POST"):
        raise NO_SUCH_IDEA
    return None


def _choose_place() -> Response:
    """Ask where the idea belongs, where there are several labs."""
    now = utc_now()
    token = draft_hash()
    with db.reading() as session:
        everything = places(session)
        waiting = drafts_of_token(session, token) if token else ()
    return make_response(render_template("ideas/where.html", known=everything, now=now, drafts=waiting))


def _usual_language(lab: PlaceLab) -> str:
    return language() if language() in lab.brief.languages else lab.brief.first_language


def _choices(form: WriteForm, desk: Desk) -> Any:
    now = utc_now()
    kept = desk.draft.texts.challenge_id if desk.draft else None
    own = desk.places.challenges_of(desk.lab.id)
    form.challenge.choices = [("", _("The idea box, for everything else"))] + [
        (str(one.id), said(one.title).text) for one in own if one.open_at(now) or one.id == kept
    ]
    subjects = desk.places.categories_of(desk.lab.id)
    form.category.choices = [("", _("Not chosen"))] + [(str(one.id), said(one.name).text) for one in subjects]
    return form


def _take(form: Any, desk: Desk) -> Response:
    """Keep what was typed, whatever is wrong with it; then do what the button said."""
    action = request.form.get("action", "send")
    token = None if viewer().signed_in else draft_cookie() or fresh_draft_token()
    texts, idea_id = _keep(form, desk, token)
    if idea_id is None:  # it has been sent in meanwhile, in another window
        return back(url_for("ideas.sent", idea_id=desk.draft.id if desk.draft else 0))
    form.idea.data = str(idea_id)
    problems = _problems(texts, too_long_only=action != "send")
    if not form.place_known:
        problems.append(CHALLENGE_CLOSED)
    if action == "send" and not problems and not form.errors:
        response = _send(form, idea_id, token)
        if response is not None:
            return _with_cookie(response, token)
    elif action == "keep":
        kept = {"id": idea_id, "says": _("Draft kept %(time)s", time=when(utc_now(), "HH:mm"))}
        return _with_cookie(jsonify(kept), token)
    elif action == "save" and not problems and not form.errors:
        flash(_said_of_draft(), "success")
        return _with_cookie(redirect(url_for("ideas.write", idea=idea_id), 303), token)
    for problem in problems:
        form.add_problem(problem)
    fresh = replace(desk, draft=_again(idea_id, token))
    return _with_cookie(_show(form, fresh, tried=True, preview=texts if action == "preview" else None), token)


def _again(idea_id: int, token: str | None) -> Draft:
    with db.reading() as session:
        return own_draft(session, idea_id, viewer(), token_hash=claim_hash(token) if token else None)


def _said_of_draft() -> str:
    if viewer().signed_in:
        return str(_("Your draft is kept. You find it on your page whenever you want to go on."))
    return str(_("Your draft is kept in this browser for 90 days. Make an account to find it everywhere."))


def _problems(texts: IdeaTexts, *, too_long_only: bool) -> list[Refused]:
    found = text_problems(texts)
    return [one for one in found if one.code.endswith("-too-long")] if too_long_only else found


def _keep(form: Any, desk: Desk, token: str | None) -> tuple[IdeaTexts, int | None]:
    """Write the draft and the picture. A picture we cannot read is said at its field; the words are kept.

    Returns:
        The texts as typed, and the draft's number; no number where it is no draft any more.
    """
    now, person = utc_now(), viewer()
    image_id = _image(form, desk.draft.texts.image_id if desk.draft else None, now)
    texts = form.texts(image_id)
    owner: dict[str, Any] = {"person": person, "now": now, "token_hash": claim_hash(token) if token else None}
    try:
        with db.writing() as session:
            if desk.draft is None:
                once = (form.once.data or "")[:100]
                idea = start_draft(session, lab_id=desk.lab.id, texts=texts, once=once, **owner)
            else:
                idea = save_draft(session, idea_id=desk.draft.id, texts=texts, **owner)
            return texts, known_id(idea.id)
    except Refused as refused:
        if refused.code != "not-a-draft":
            raise
        return texts, None


def _image(form: Any, standing: int | None, now: datetime) -> int | None:
    """Store the picture that came along and return its number; else the one the draft has."""
    content = form.image.data.read() if form.image.data else b""
    if not content:
        return None if form.remove_image.data else standing
    try:
        ready = prepare_image(content)
        with db.writing() as session:
            stored = keep_image(session, _uploads(), ready, person_id=viewer().person_id, now=now)
            return known_id(stored.id)
    except Refused as refused:
        form.image.errors = [*form.image.errors, refused.reason]
        return standing


def _uploads() -> Path:
    return Path(settings().instance) / "uploads"


def _send(form: Any, idea_id: int, token: str | None) -> Response | None:
    """Hand the idea in, or lead to an account; ``None`` where the form has to say what is wrong."""
    if token is not None:
        with form.catching(), db.writing() as session:
            mark_for_sending(session, idea_id=idea_id, token_hash=claim_hash(token), now=utc_now())
        if form.refused:
            return None
        flash(_("Your idea is kept. Make an account or sign in, then it is sent in."), "info")
        target = url_for("ideas.send", idea_id=idea_id)
        return redirect(url_for("accounts.register", next=target), 303)
    with form.catching(), db.writing() as session:
        submit_idea(session, idea_id=idea_id, person=viewer(), now=utc_now())
    if form.refused and form.refused.code != "already-sent":  # a second click has nothing more to do
        return None
    return redirect(url_for("ideas.sent", idea_id=idea_id), 303)


def _with_cookie(response: Response, token: str | None) -> Response:
    return give_draft_cookie(response, token) if token else response


def _show(form: Any, desk: Desk, *, tried: bool, preview: IdeaTexts | None = None) -> Response:
    title = form.title.data or ""
    with db.reading() as session:
        near = _near(session, title, desk)
        bylines = byline_labels(session, viewer())
        written = desk.unfinished or desk.draft
        returned = written is not None and written.publication is Publication.RETURNED
        because = why_returned(session, desk.draft.id) if desk.draft and returned else None
    page = render_template(
        "ideas/write.html",
        form=form,
        lab=desk.lab,
        draft=desk.draft,
        challenge=desk.places.challenge(number_arg("challenge")),
        near=near,
        bylines=bylines,
        because=because,
        unfinished=desk.unfinished,
        preview=preview,
        days=DECIDE_WITHIN_DAYS,
        editing=isinstance(form, EditForm),
    )
    wrong = tried and preview is None
    status = 422 if wrong else 200
    if form.refused is not None:
        status = form.refused.status
    return make_response(page, status)


def _near(session: Session, title: str, desk: Desk) -> tuple[Alike, ...]:
    without = desk.draft.id if desk.draft else None
    return alike(session, title, lab_id=desk.lab.id, language=language(), without=without) if title else ()


@bp.get("/ideas/alike")
@public
def alike_titles() -> str:
    """Show ideas of the lab that resemble a title while it is being written (rule I4)."""
    lab_id, without = number_arg("lab"), number_arg("idea")
    title = request.args.get("title", "")[:200]
    with db.reading() as session:
        near = alike(session, title, lab_id=lab_id, language=language(), without=without)
    return render_template("ideas/_alike.html", near=near)


@bp.post("/ideas/preview")
@public
@door("draft", "120 per minute; 3000 per hour")
def preview() -> str:
    """Show how Markdown will look; for the button that swaps it in."""
    return render_template("ideas/_preview.html", body=request.form.get("body", "")[:20_000])


@bp.route("/ideas/<int:idea_id>/edit", methods=["GET", "POST"])
@signed_in
def edit(idea_id: int) -> Response:
    """Write a new version of one's public idea (rule I3)."""
    with db.reading() as session:
        shown = idea_page(session, idea_id, viewer())
        problem = why_not_edit(shown, viewer())
        if shown.publication in (Publication.DRAFT, Publication.RETURNED):
            return redirect(url_for("ideas.write", idea=idea_id), 303)
        if problem is not None:
            raise problem
        everything = places(session)
        lab = everything.lab(shown.lab.id)
        draft = own_draft(session, idea_id, viewer())
        unfinished = unfinished_version(session, draft)
    if lab is None:
        raise NotFound("no-such-lab", "")
    enter(lab.brief)
    if unfinished is not None:
        draft = replace(draft, texts=unfinished.texts, image=unfinished.image)
    desk = Desk(lab, everything, draft, unfinished)
    form = _choices(EditForm(), desk)
    if not form.is_submitted():
        form.fill(draft.texts)
        form.note.data = unfinished.note if unfinished else ""
        return _show(form, desk, tried=False)
    return _change(form, desk, draft)


def _change(form: Any, desk: Desk, draft: Draft) -> Response:
    texts = replace(
        form.texts(_image(form, draft.texts.image_id, utc_now())), challenge_id=draft.texts.challenge_id
    )
    if request.form.get("action") == "preview":
        return _show(form, desk, tried=True, preview=texts)
    problems = text_problems(texts)
    for problem in problems:
        form.add_problem(problem)
    if problems or form.errors:
        return _show(form, desk, tried=True)
    how = Publication.PUBLISHED
    with form.catching(), db.writing() as session:
        version = edit_idea(
            session, idea_id=draft.id, texts=texts, note=form.note.data or "", person=viewer(), now=utc_now()
        )
        if version is not None:
            how = submit_edit(
                session, idea_id=draft.id, number=version.number, person=viewer(), now=utc_now()
            )
        else:
            look_at_choices(session, idea_id=draft.id, person=viewer(), now=utc_now())
    if form.refused:
        return _show(form, desk, tried=True)
    message = (
        _("Your change is public.")
        if how is Publication.PUBLISHED
        else _("A facilitator reads your change first. The version that stands stays until then.")
    )
    return back(url_for("ideas.page", idea_id=draft.id), message)
