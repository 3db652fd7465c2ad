"""What the pages of the pipeline share: the blueprint, its doors, and how a gate is shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from flask import Blueprint, g, render_template, url_for
from flask.blueprints import BlueprintSetupState
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from livinglab.core.clock import local_day, utc_now
from livinglab.core.errors import Forbidden, NotFound, Refused
from livinglab.core.viewer import Role
from livinglab.ideas.models import Publication
from livinglab.labs.queries import LabBrief, lab_brief
from livinglab.pipeline import queries
from livinglab.pipeline.forms import (
    DECLINE_NAMES,
    GO_ON,
    OUTCOME_NAMES,
    STAGE_NAMES,
    DecideForm,
    ReturnForm,
    decide_form,
)
from livinglab.pipeline.models import ProposalState
from livinglab.pipeline.queries import GatePage
from livinglab.pipeline.queries.review.shapes import ProposalShown
from livinglab.pipeline.rules import (
    HOLD_DAYS,
    Action,
    Place,
    why_not,
    why_not_confirm,
    why_not_propose,
    why_not_touch_proposal,
)
from livinglab.voting.queries import support_state
from livinglab.web.access import staff, viewer
from livinglab.web.database import db
from livinglab.web.locale import enter_lab, time_zone
from livinglab.web.respond import back

bp = Blueprint("pipeline", __name__)
desk = staff(Role.FACILITATOR, Role.LEAD, Role.MANAGER)
work = staff(Role.FACILITATOR, Role.LEAD, Role.MANAGER, units=True)
Answer = str | Response | tuple[str, int]


def near_day(value: date | datetime | None) -> str:
    """Write a day as briefly as it can be understood: without the year while it is this year."""
    if value is None:
        return ""
    zone = ZoneInfo(time_zone())
    local = value.astimezone(zone).date() if isinstance(value, datetime) else value
    skeleton = "MMMd" if local.year == utc_now().astimezone(zone).year else "yMMMd"
    return str(format_skeleton(skeleton, local, locale=get_locale()))


@bp.record_once
def give_words(state: BlueprintSetupState) -> None:
    """Give the parts of this room that other pages show their words."""
    state.app.jinja_env.globals["near_day"] = near_day
    state.app.jinja_env.globals["gate_words"] = {
        "outcome": {outcome.value: name for outcome, name in OUTCOME_NAMES.items()},
        "decline": {code.value: name for code, name in DECLINE_NAMES.items()},
        "stage": {stage.value: name for stage, name in STAGE_NAMES.items()},
        "go_on": {stage.value: name for stage, name in GO_ON.items()},
    }


def enter(lab: LabBrief) -> LabBrief:
    """Say that the page is about this lab: its language, its clock, its colour."""
    enter_lab(lab.languages, lab.timezones)
    g.lab = lab
    return lab


def place_for_staff(session: Session, idea_id: int) -> Place:
    """Return where an idea stands, for somebody who works in its lab; enter the lab.

    Raises:
        NotFound: ``no-such-idea``, also when it is not public, whoever asks. Forbidden: ``no-access``.
    """
    place = queries.place_of(session, idea_id)
    if not queries.may_see_gate(place, viewer()):
        if place.publication is Publication.PUBLISHED:
            raise Forbidden("no-access", _l("This page belongs to the people who work in the idea’s lab."))
        raise NotFound("no-such-idea", _l("There is no such idea."))
    enter(lab_brief(session, place.lab_id))
    return place


def decide_form_of(page: GatePage, **kwargs: Any) -> DecideForm:
    """Return the form of a gate, filled with what a unit's negative answer proposes."""
    kind = decide_form(
        page.place.stage,
        unmet=[(row.code, row.title) for row in page.unmet if not row.firm],
        stopped=bool(page.firm),
    )
    return kind(**kwargs)


def suggested(page: GatePage) -> dict[str, Any]:
    """Return the values that a unit's "no" puts into the empty form (rule H0)."""
    if page.suggestion is None:
        return {}
    return {
        "outcome": page.suggestion.outcome.value,
        "decline_code": page.suggestion.decline_code.value if page.suggestion.decline_code else "",
        "reason": page.suggestion.reason,
    }


def written(standing: ProposalShown | None) -> dict[str, Any]:
    """Return a proposal as the fields of its form."""
    if standing is None:
        return {}
    return {
        "outcome": standing.outcome.value,
        "to_stage": standing.to_stage.value if standing.to_stage else None,
        "hold_until": standing.hold_until,
        "reason": standing.reason,
        "would_change": standing.would_change,
        "decline_code": standing.decline_code.value if standing.decline_code else "",
        "version": standing.version,
        **{f"deviation_{code}": text for code, text in standing.deviations.items()},
    }


def came_back(page: GatePage) -> ProposalShown | None:
    """Return the reader's own proposal where it was the last one and came back with a note."""
    last = page.past[0] if page.past and page.proposal is None else None
    if last is None or last.by_id != viewer().person_id or last.state is not ProposalState.RETURNED:
        return None
    return last


def show_gate(
    idea_id: int,
    *,
    form: DecideForm | None = None,
    back_form: ReturnForm | None = None,
    problem: Refused | None = None,
) -> tuple[str, int]:
    """Draw the page of a gate.

    Args:
        form: The decision as it was sent and refused; its words stay on the page, whatever came between.
        problem: What went wrong with a button.
    """
    now, person = utc_now(), viewer()
    with db.reading() as session:
        place_for_staff(session, idea_id)
        page = queries.gate_page(session, idea_id, now)
        lab = lab_brief(session, page.place.lab_id)
        support = support_state(session, idea_id, person, now)
    place = page.place
    may_propose = why_not_propose(place, person)
    mended = came_back(page)
    if form is None and may_propose is None:
        form = decide_form_of(page, formdata=None, **(written(mended) if mended else suggested(page)))
    today = local_day(now, lab.timezones[0])
    html = render_template(
        "pipeline/gate.html",
        page=page,
        lab=lab,
        support=support,
        form=form if may_propose is None else None,
        kept=form if may_propose is not None else None,
        mended=mended,
        back_form=back_form or ReturnForm(formdata=None),
        problem=problem,
        why_not_propose=may_propose,
        why_not_confirm=_why_not_confirm(page, today),
        why_not_return=_why_not_return(page),
        mine=page.proposal is not None and page.proposal.by_id == person.person_id,
        may={action.value: why_not(action, place, person) is None for action in Action},
        opening=_opening(place),
        today=today,
        hold_span=timedelta(days=HOLD_DAYS),
        me=person.person_id,
    )
    failed = (form is not None and form.failed) or (back_form is not None and back_form.failed)
    return html, problem.status if problem else 422 if failed else 200


def _why_not_confirm(page: GatePage, today: date) -> Refused | None:
    """Say why the person who looks cannot confirm the proposal that is shown, as the command would."""
    if page.proposal is None:
        return None
    return why_not_confirm(
        page.place,
        viewer(),
        page.facts,
        proposal_id=page.proposal.id,
        version=page.proposal.version,
        today=today,
    )


def _why_not_return(page: GatePage) -> Refused | None:
    """Say why the person who looks cannot send the proposal that is shown back to its writer."""
    if page.proposal is None:
        return None
    return why_not_touch_proposal(
        Action.RETURN_PROPOSAL,
        page.place,
        viewer(),
        proposal_id=page.proposal.id,
        version=page.proposal.version,
    )


def _opening(place: Place) -> Refused | None:
    """Say why the person who looks cannot open a review now; ``None`` where they can."""
    return why_not(Action.PICK if place.gate == 1 else Action.REQUEST, place, viewer())


def act(idea_id: int, do: Callable[[Session], Any], *, done: object, to: str | None = None) -> Answer:
    """Do what a button asks, then go back to the gate; a refusal is shown there.

    Args:
        done: What is said when it worked.
        to: Where to go instead of the gate.
    """
    try:
        with db.writing() as session:
            do(session)
    except Refused as problem:
        if problem.status in (403, 404):
            raise
        return show_gate(idea_id, problem=problem)
    return back(to or gate_url(idea_id), str(done))


def gate_url(idea_id: int) -> str:
    """Return the address of the gate ahead of an idea; it leads on to the open review."""
    return url_for("pipeline.gate", idea_id=idea_id)


__all__ = ["Answer", "act", "bp", "desk", "enter", "gate_url", "show_gate", "work", "written"]
