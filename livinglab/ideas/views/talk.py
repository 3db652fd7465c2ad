"""The conversation: writing, answering, changing, deleting, marking a problem as answered."""

from __future__ import annotations

from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.core.db import known_id
from livinglab.core.errors import NotFound, Refused, refuse
from livinglab.core.text import LANGUAGES
from livinglab.ideas.commands import delete_comment, edit_comment, write_comment
from livinglab.ideas.forms import ChangeCommentForm, CommentForm, ReplyForm, ResolveForm
from livinglab.ideas.models import Byline, CommentKind, Publication
from livinglab.ideas.queries.conversation import conversation as talk_page
from livinglab.ideas.queries.conversation import spot_of
from livinglab.ideas.queries.page import IdeaPage, idea_page
from livinglab.ideas.queries.thread import About, OneComment, one_comment
from livinglab.ideas.rules import (
    NO_SUCH_COMMENT,
    usual_byline,
    why_not_comment,
    why_not_delete_comment,
    why_not_edit_comment,
    why_not_resolve,
)
from livinglab.ideas.views.blueprint import bp, byline_labels, enter
from livinglab.ideas.views.page import drawn_for
from livinglab.moderation.commands import answer_problem, let_go, submit_comment
from livinglab.moderation.queries import why_returned
from livinglab.web.access import public, signed_in, viewer
from livinglab.web.database import db
from livinglab.web.forms import ActionForm, Form
from livinglab.web.locale import language
from livinglab.web.paging import cursor_in, cursor_out, number_arg, one_of

KINDS = tuple(kind.value for kind in CommentKind)


@bp.route("/ideas/<int:idea_id>/comment", methods=["GET", "POST"])
@signed_in
def comment(idea_id: int) -> Response:
    """Write in the conversation, or answer somebody (``?to=``)."""
    parent_id = number_arg("to")
    with db.reading() as session:
        idea = idea_page(session, idea_id, viewer())
        parent = one_comment(session, parent_id, viewer(), utc_now()) if parent_id else None
        bylines = byline_labels(session, viewer())
    if parent is not None and (parent.idea_id != idea_id or parent.shown.gone):
        raise NotFound("no-such-comment", "")
    enter(idea.lab)
    _ask_first(why_not_comment(idea, viewer()))
    kind, byline = one_of("kind", KINDS, CommentKind.BUILD_ON.value), usual_byline(idea, viewer())
    form: Any = ReplyForm(byline=byline) if parent else CommentForm(kind=kind, byline=byline)
    if form.validate_on_submit():
        answer = _say(form, idea, parent)
        if answer is not None:
            return answer
    page = render_template("ideas/comment.html", idea=idea, parent=parent, form=form, bylines=bylines)
    return make_response(page, _status(form))


def _ask_first(problem: Refused | None) -> None:
    """Refuse to show a form that could not be sent; what was sent is refused with its words in the form."""
    if problem is not None and (request.method != "POST" or problem.status in (403, 404)):
        raise problem


def _status(form: Form) -> int:
    if form.refused is not None:
        return form.refused.status
    return 422 if form.is_submitted() else 200


def _say(form: Any, idea: IdeaPage, parent: OneComment | None) -> Response | None:
    now, spoken = utc_now(), language() if language() in LANGUAGES else idea.language
    kind = CommentKind.BUILD_ON if parent else CommentKind(form.kind.data)
    with form.catching(), db.writing() as session:
        written = write_comment(
            session,
            idea_id=idea.id,
            person=viewer(),
            kind=kind,
            body=form.body.data or "",
            language=spoken,
            byline=Byline(form.byline.data),
            parent_id=parent.id if parent else None,
            now=now,
        )
        comment_id = known_id(written.id)
        how = submit_comment(session, comment_id=comment_id, person=viewer(), now=now)
        place = comment_address(session, comment_id)
    if form.refused:
        return None
    flash(_told(how), "success" if how is Publication.PUBLISHED else "info")
    return redirect(place, 303)


def _told(how: Publication) -> str:
    if how is Publication.PUBLISHED:
        return str(_("Thank you. Your words stand in the conversation."))
    if how is Publication.DRAFT:
        return str(
            _("Your words are kept. Confirm your e-mail address, then they are sent in by themselves.")
        )
    return str(_("Thank you. A facilitator reads it first. Until then only you see it."))


def _to_comment(comment_id: int, code: int = 303) -> Response:
    with db.reading() as session:
        return redirect(comment_address(session, comment_id), code)


def comment_address(session: Session, comment_id: int) -> str:
    """Return the address under which a comment stands unfolded: on the idea's page, or far down on its own.

    Raises:
        NotFound: ``no-such-comment``.
    """
    spot = spot_of(session, comment_id, viewer())
    anchor = f"comment-{comment_id}"
    if spot.on_idea_page:
        return url_for("ideas.page", idea_id=spot.idea_id, talk="all", _anchor=anchor)
    return url_for("ideas.conversation", idea_id=spot.idea_id, at=comment_id, _anchor=anchor)


@bp.get("/comments/<int:comment_id>")
@public
def find_comment(comment_id: int) -> Response:
    """Lead to a comment, wherever it stands by now: the one address that notices and letters give."""
    return _to_comment(comment_id, 302)


@bp.get("/ideas/<int:idea_id>/talk")
@public
def conversation(idea_id: int) -> Response:
    """Show the whole conversation, a page at a time; ``?at=`` begins at one comment."""
    now, place = utc_now(), cursor_in()
    after = (place[0], place[1]) if place and [type(one) for one in place] == [int, int] else None
    with db.reading() as session:
        idea = idea_page(session, idea_id, viewer())
        at = number_arg("at")
        if at is not None and after is None:
            spot = spot_of(session, at, viewer())
            after = (spot.thread, at - 1) if spot.idea_id == idea_id else None
        about = About(idea.id, idea.lab.id, idea.author_id, idea.lead_id)
        found = talk_page(session, about, viewer(), now, after=after)
    enter(idea.lab)
    page = render_template(
        "ideas/talk.html",
        idea=idea,
        threads=found.threads,
        begins=after is None,
        after=cursor_out(*found.after) if found.after else None,
        drawn=drawn_for(idea),
    )
    return make_response(page)


def _found(comment_id: int) -> tuple[OneComment, IdeaPage]:
    with db.reading() as session:
        found = one_comment(session, comment_id, viewer(), utc_now())
        try:
            idea = idea_page(session, found.idea_id, viewer())
        except NotFound:
            raise NO_SUCH_COMMENT from None  # what hangs on a hidden idea is not there either
    enter(idea.lab)
    return found, idea


@bp.route("/comments/<int:comment_id>/edit", methods=["GET", "POST"])
@signed_in
def change_comment(comment_id: int) -> Response:
    """Change one's comment within 15 minutes, or send it in again when it came back."""
    (found, idea), now = _found(comment_id), utc_now()
    _ask_first(why_not_edit_comment(found.shown, viewer(), now))
    returned = found.shown.publication is Publication.RETURNED
    with db.reading() as session:
        because = why_returned(session, idea.id, comment_id) if returned else None
    form = ChangeCommentForm(body=found.shown.body)
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            edit_comment(session, comment_id=comment_id, body=form.body.data or "", person=viewer(), now=now)
            how = submit_comment(session, comment_id=comment_id, person=viewer(), now=now)
        if not form.refused:
            flash(_told(how), "success" if how is Publication.PUBLISHED else "info")
            return _to_comment(comment_id)
    values = {"idea": idea, "found": found, "form": form, "returned": returned, "because": because}
    page = render_template("ideas/comment_edit.html", **values)
    return make_response(page, _status(form))


@bp.route("/comments/<int:comment_id>/delete", methods=["GET", "POST"])
@signed_in
def drop_comment(comment_id: int) -> Response:
    """Delete one's comment, after asking."""
    found, idea = _found(comment_id)
    refuse(why_not_delete_comment(found.shown, viewer()))
    form = ActionForm()
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            now = utc_now()
            delete_comment(session, comment_id=comment_id, person=viewer(), now=now)
            let_go(session, idea_id=idea.id, comment_id=comment_id, now=now)
        if not form.refused:
            flash(_("Your comment is deleted."), "success")
            place = url_for("ideas.page", idea_id=idea.id, _anchor="talk")
            return redirect(place, 303)
    page = render_template("ideas/comment_delete.html", idea=idea, found=found, form=form)
    return make_response(page, _status(form))


@bp.route("/comments/<int:comment_id>/resolve", methods=["GET", "POST"])
@signed_in
def resolve(comment_id: int) -> Response:
    """Mark a problem found as answered, and say how."""
    found, idea = _found(comment_id)
    _ask_first(
        why_not_resolve(
            found.shown, viewer(), lab_id=idea.lab.id, lead_id=idea.lead_id, idea_author_id=idea.author_id
        )
    )
    form = ResolveForm()
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            how = answer_problem(
                session,
                comment_id=comment_id,
                note=form.resolution.data or "",
                person=viewer(),
                now=utc_now(),
            )
        if not form.refused:
            message = _("The problem is marked as answered. Whoever found it is credited on the idea.")
            if how is not Publication.PUBLISHED:
                message = _("The problem is marked as answered. A facilitator reads your words first.")
            flash(message, "success")
            return _to_comment(comment_id)
    page = render_template("ideas/resolve.html", idea=idea, found=found, form=form)
    return make_response(page, _status(form))
