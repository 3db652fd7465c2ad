"""The page of one idea: its text, where it stands, answers, conversation, story, people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import make_response, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.core.errors import NotFound, refuse
from livinglab.core.together import together
from livinglab.core.viewer import Viewer
from livinglab.handoff.queries import answers_read
from livinglab.ideas.commands import follow_idea, leave_idea, take_back_idea, unfollow_idea, withdraw_idea
from livinglab.ideas.forms import CommentForm
from livinglab.ideas.models import CommentKind, Publication
from livinglab.ideas.queries.counts import open_problems
from livinglab.ideas.queries.page import IdeaPage, TakenDown, credits_read, idea_page, once_public
from livinglab.ideas.queries.thread import SIDES, About, CommentShown, Thread, thread_read
from livinglab.ideas.queries.visibility import visible_idea
from livinglab.ideas.rules import (
    NO_SUCH_IDEA,
    WITHDRAW_BELOW,
    usual_byline,
    why_not_call_back,
    why_not_comment,
    why_not_edit,
    why_not_take_back,
)
from livinglab.ideas.views.blueprint import bp, bylines_with, enter
from livinglab.ideas.views.near import near_read
from livinglab.moderation.commands import call_back as call_back_unread
from livinglab.moderation.commands import take_off_queue
from livinglab.moderation.queries import why_returned
from livinglab.moderation.rules import may_report
from livinglab.notices.queries import story, told_read
from livinglab.people.queries import pseudonym_read
from livinglab.pipeline.queries import (
    DecisionShown,
    Standing,
    Whereabouts,
    decisions_read,
    spans_of,
    standing_read,
)
from livinglab.voting.queries import support_read, support_state
from livinglab.web.access import public, signed_in, viewer
from livinglab.web.database import db, settings
from livinglab.web.filters import ago, markdown
from livinglab.web.forms import ActionForm
from livinglab.web.locale import language
from livinglab.web.respond import back


@bp.get("/ideas/<int:idea_id>")
@public
def page(idea_id: int) -> Response:
    """Show one idea."""
    now, person = utc_now(), viewer()
    with db.reading() as session:
        try:
            idea = idea_page(session, idea_id, person)
        except NotFound:
            state = once_public(session, idea_id)
            if state is None:
                raise
            return _gone(state)
        enter(idea.lab)
        values = _chapters(session, idea, person, now)
        returned = idea.publication is Publication.RETURNED
        because = why_returned(session, idea.id) if returned else None
    deeds = _deeds(idea)
    return make_response(render_template("ideas/page.html", idea=idea, because=because, **values, **deeds))


def _chapters(session: Session, idea: IdeaPage, person: Viewer, now: datetime) -> dict[str, Any]:
    """Return what the page tells of an idea besides its own text, read in one statement."""
    about = About(idea.id, idea.lab.id, idea.author_id, idea.lead_id)
    thread, near, makers, standings, answers, told, decisions, support, pseudonym = together(
        session,
        thread_read(about, person, now, whole=_whole()),
        near_read(session, idea),
        credits_read(idea.id),
        standing_read([idea.id], now),
        answers_read(idea.id),
        told_read(idea.id, language()),
        decisions_read(idea.id),
        support_read(idea.id, person, now),
        pseudonym_read(person),
    )
    if thread.cut:
        thread = replace(thread, open_problems=open_problems(session, idea.id))
    public = idea.published_at is not None
    criteria = {one.code: str(one.title) for made in decisions for one in made.criteria}
    return {
        "thread": thread,
        "near": near,
        "credits": makers,
        "where": _whereabouts(idea, standings[idea.id], decisions),
        "standing": standings[idea.id],
        "answers": answers,
        "story": story(told, decisions) if public else (),
        "criteria": criteria,
        "criterion_name": criteria.get,
        "support": support if public else None,
        "bylines": bylines_with(person, pseudonym) if person.signed_in else {},
    }


def _whereabouts(idea: IdeaPage, standing: Standing, decisions: Sequence[DecisionShown]) -> Whereabouts:
    """Return the standing with the days the idea has been at each stage."""
    if idea.published_at is None:
        return Whereabouts(standing, {})
    moves = [(made.decided_at, made.from_stage) for made in decisions if made.from_stage != made.to_stage]
    return Whereabouts(standing, spans_of(idea.published_at, idea.stage, moves, idea.lab.timezones[0]))


def _whole() -> tuple[str, ...]:
    """Return the sides of the conversation that the address wants whole."""
    asked = request.args.get("talk", "")
    return SIDES if asked == "all" else (asked,)


def _deeds(idea: IdeaPage) -> dict[str, Any]:
    """Return what this person may do here, and the form for the conversation."""
    person = viewer()
    why_not_talk = why_not_comment(idea, person)
    form = (
        CommentForm(kind=CommentKind.BUILD_ON.value, byline=usual_byline(idea, person))
        if person.signed_in and why_not_talk is None
        else None
    )
    return {
        "form": form,
        "why_not_talk": why_not_talk,
        "may_edit": why_not_edit(idea, person) is None,
        "may_take_back": why_not_take_back(idea, person) is None,
        "may_call_back": _may_call_back(idea),
        "is_author": person.signed_in and idea.author_id == person.person_id,
        "moderates": person.moderates(idea.lab.id),
        "may_report": may_report(idea.publication, idea.lab_id, person),
        "gate_url": url_for("pipeline.gate", idea_id=idea.id) if person.is_staff(idea.lab_id) else None,
        "idea_id": idea.id,
        "drawn": drawn_for(idea),
        "drawn_by": _drawn_by(idea),
        "base_url": settings().base_url,
    }


_KIND_DRAWN = {CommentKind.BUILD_ON: "build"}


def _may_call_back(idea: IdeaPage) -> bool:
    """Say whether the person who asks wrote it and may take it back before anybody has decided about it."""
    return why_not_call_back(idea, viewer(), was_public=idea.published_at is not None) is None


def drawn_for(idea: IdeaPage) -> Callable[..., dict[str, Any]]:
    """Return the function that turns a comment into what ``thread.comment`` draws."""
    person = viewer()
    talks = why_not_comment(idea, person) is None or not person.signed_in

    def draw(one: CommentShown, replies: Sequence[Any] = ()) -> dict[str, Any]:
        public_one = one.publication is Publication.PUBLISHED and not one.gone
        shown = one.body is not None
        note = _("Answered: %(how)s", how=one.resolution) if one.resolution and shown else ""
        told = shown or one.publication in (Publication.HIDDEN, Publication.REMOVED)
        reply_to = url_for("ideas.comment", idea_id=idea.id, to=one.id)
        reports = not one.gone and may_report(one.publication, idea.lab_id, person)
        report = url_for("moderation.report", idea_id=idea.id, comment_id=one.id)
        return {
            "id": one.id,
            "face": one.face,
            "kind": _KIND_DRAWN.get(one.kind, one.kind.value),
            "when": one.created_at,
            "lang": one.language if one.language != language() else None,
            "body": markdown(one.body) if one.body is not None else None,
            "waits": not told,
            "state": one.publication if told else None,
            "gone": one.gone,
            "edited": one.edited_at is not None,
            "note": note,
            "official": one.as_staff,
            "replies": replies,
            "reply_url": reply_to if public_one and talks else None,
            "edit_url": url_for("ideas.change_comment", comment_id=one.id) if one.may_edit else None,
            "delete_url": url_for("ideas.drop_comment", comment_id=one.id) if one.may_delete else None,
            "resolve_url": url_for("ideas.resolve", comment_id=one.id) if one.may_resolve else None,
            "report_url": report if reports and one.author_id != person.person_id else None,
        }

    return draw


def _drawn_by(idea: IdeaPage) -> Callable[[Thread], tuple[Any, ...]]:
    """Return the function that tells what drawing a conversation depends on besides its own facts."""
    person = viewer()
    talks = why_not_comment(idea, person) is None or not person.signed_in

    def facts(thread: Thread) -> tuple[Any, ...]:
        tops = [one for column in thread.sides.values() for one in column.shown]
        said = [each for one in tops for each in (one, *one.replies)]
        return (
            talks,
            [ago(each.created_at) for each in said],
            [each.id for each in said if each.author_id == person.person_id],
        )

    return facts


def _gone(state: TakenDown) -> Response:
    """Say plainly that an idea was taken down; nothing of it is told."""
    removed = state.publication is Publication.REMOVED
    page = render_template("ideas/gone.html", removed=removed, erased=state.erased)
    return make_response(page, 410 if removed else 404)


@bp.post("/ideas/<int:idea_id>/follow")
@signed_in
def follow(idea_id: int) -> Response:
    """Be told of what happens to an idea."""
    ActionForm.require()
    with db.writing() as session:
        follow_idea(session, idea_id=idea_id, person=viewer(), now=utc_now())
    return back(
        url_for("ideas.page", idea_id=idea_id), _("You follow this idea. You get at most one mail a day.")
    )


@bp.post("/ideas/<int:idea_id>/unfollow")
@signed_in
def unfollow(idea_id: int) -> Response:
    """Not be told any more."""
    ActionForm.require()
    with db.writing() as session:
        had = unfollow_idea(session, idea_id=idea_id, person=viewer())
        seen = visible_idea(session, idea_id, viewer())
    if not seen and not had:
        raise NO_SUCH_IDEA
    target = url_for("ideas.page", idea_id=idea_id) if seen else url_for("me.following")
    return back(target, _("You no longer follow this idea."))


@bp.route("/ideas/<int:idea_id>/withdraw", methods=["GET", "POST"])
@signed_in
def withdraw(idea_id: int) -> Response:
    """Take one's idea back, or leave it where others stand behind it; after asking.

    While counts are hidden the page tells both ends and not which of them it will be (rule V4).
    """
    with db.reading() as session:
        idea = idea_page(session, idea_id, viewer())
        refuse(why_not_take_back(idea, viewer()))
        hidden = support_state(session, idea_id, viewer(), utc_now()).supports is None
    enter(idea.lab)
    end = "hidden" if hidden else "leave" if idea.supports >= WITHDRAW_BELOW else "withdraw"
    form = ActionForm()
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            taken = _TAKE_BACK[end](session, idea_id=idea_id, person=viewer(), now=utc_now())
            left = taken.author_left_at is not None
            if not left:  # a change of what is withdrawn waits for nobody
                take_off_queue(session, idea_id=idea_id, now=utc_now())
        if not form.refused:
            message = (
                _("You have left this idea.") if left else _("Your idea is withdrawn. Its page says so.")
            )
            return back(url_for("ideas.page", idea_id=idea_id), message)
    page = render_template("ideas/withdraw.html", idea=idea, end=end, form=form)
    return make_response(page, 409 if form.refused else 200)


_TAKE_BACK = {"hidden": take_back_idea, "leave": leave_idea, "withdraw": withdraw_idea}


@bp.route("/ideas/<int:idea_id>/call-back", methods=["GET", "POST"])
@signed_in
def call_back(idea_id: int) -> Response:
    """Have one's idea back that waits for its first look, to change or to keep it; after asking."""
    with db.reading() as session:
        idea = idea_page(session, idea_id, viewer())
    refuse(why_not_call_back(idea, viewer(), was_public=idea.published_at is not None))
    enter(idea.lab)
    form = ActionForm()
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            call_back_unread(session, idea_id=idea_id, person=viewer(), now=utc_now())
        if not form.refused:
            return back(url_for("ideas.write", idea=idea_id), _("Your idea is with you again."))
    page = render_template("ideas/withdraw.html", idea=idea, end="unread", form=form)
    return make_response(page, 409 if form.refused else 200)
