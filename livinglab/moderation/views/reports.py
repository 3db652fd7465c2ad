"""Reporting something, and the public figures."""

from __future__ import annotations

from flask import make_response, render_template, url_for
from werkzeug.wrappers import Response

from livinglab.core.clock import utc_now
from livinglab.core.db import MOST_COUNTED
from livinglab.core.errors import NotFound
from livinglab.labs.queries import all_labs, lab_brief
from livinglab.moderation.commands import report as file_report
from livinglab.moderation.forms import ReportForm
from livinglab.moderation.queries import figures as count_figures
from livinglab.moderation.queries import report_target
from livinglab.moderation.rules import APPEAL_WITHIN_DAYS, DECIDE_WITHIN_DAYS, HOUSE_RULES
from livinglab.moderation.views.blueprint import ACTION_NAMES, bp, enter, shown
from livinglab.web.access import public, viewer
from livinglab.web.database import db
from livinglab.web.limits import door
from livinglab.web.paging import number_arg
from livinglab.web.respond import back


@bp.route("/ideas/<int:idea_id>/report", methods=["GET", "POST"], defaults={"comment_id": None})
@bp.route("/ideas/<int:idea_id>/comments/<int:comment_id>/report", methods=["GET", "POST"])
@public
@door("report", "20 per hour; 60 per day")
def report(idea_id: int, comment_id: int | None) -> Response:
    """Say that something should not stand there; anybody may."""
    with db.reading() as session:
        target = report_target(session, viewer(), idea_id, comment_id)
        lab = enter(lab_brief(session, target.lab_id))
    form, now = ReportForm(), utc_now()
    if form.validate_on_submit():
        with form.catching(), db.writing() as session:
            filed = file_report(
                session,
                idea_id=idea_id,
                comment_id=comment_id,
                person=viewer(),
                rule=form.rule.data,
                text=form.text.data or "",
                now=now,
            )
            again = filed.at < now
        if not form.refused and target.hidden:  # whoever may report that decides, too
            return back(url_for("moderation.case", case_id=filed.case_id))
        if not form.refused:
            told = url_for(
                "moderation.reported", idea_id=idea_id, comment=comment_id, again=1 if again else None
            )
            return back(told)
    page = render_template(
        "moderation/report.html",
        form=form,
        target=target,
        face=shown(target.by),
        lab=lab,
        notes={code: rule.text for code, rule in HOUSE_RULES.items()},
        days=DECIDE_WITHIN_DAYS,
    )
    return make_response(page, 422 if form.failed else 200)


@bp.get("/ideas/<int:idea_id>/reported")
@public
def reported(idea_id: int) -> Response:
    """Thank whoever reported, or say that they did so before, and what happens next."""
    target = None
    with db.reading() as session:
        try:
            target = report_target(session, viewer(), idea_id, number_arg("comment"))
            enter(lab_brief(session, target.lab_id))
        except NotFound:
            target = None  # the third report has just hidden it
    return make_response(
        render_template(
            "moderation/reported.html",
            target=target,
            again=number_arg("again") is not None,
            idea_id=idea_id,
            days=DECIDE_WITHIN_DAYS,
        )
    )


@bp.get("/moderation/figures")
@public
def figures() -> Response:
    """Show what everybody may know about moderation (rule M4)."""
    lab_id = number_arg("lab")
    with db.reading() as session:
        labs = all_labs(session)
        lab = next((one for one in labs if one.id == lab_id), None)
        now = utc_now()
        counted = count_figures(session, now, lab_id=lab.id if lab else None)
    if lab is not None:
        enter(lab)
    page = render_template(
        "moderation/figures.html",
        figures=counted,
        counted_at=counted.at if counted.at < now else None,
        most=MOST_COUNTED,
        labs=labs,
        lab=lab,
        rules=HOUSE_RULES,
        action_names=ACTION_NAMES,
        days=DECIDE_WITHIN_DAYS,
        appeal_days=APPEAL_WITHIN_DAYS,
    )
    return make_response(page)
