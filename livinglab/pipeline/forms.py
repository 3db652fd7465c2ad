"""Forms of the gates. Which parts belong to which outcome is decided by the rules, not here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l

from livinglab.ideas.models import NEXT_STEP_MAX, Stage
from livinglab.pipeline.models import EVIDENCE_MAX, NOTE_MAX, REASON_MAX, DecisionOutcome, DeclineCode
from livinglab.pipeline.rules import MOVES, Draft, Want
from livinglab.web.forms import Choice, Day, Figure, Form, Hidden, Line, Link, Picture, Radios, Text

STAGE_NAMES: dict[Stage, object] = {
    Stage.IDEA: _l("Idea"),
    Stage.CONCEPT: _l("Concept"),
    Stage.PROTOTYPE: _l("Prototype"),
    Stage.SERVICE: _l("Service"),
}
GO_ON: dict[Stage, object] = {
    Stage.CONCEPT: _l("Go on to concept"),
    Stage.PROTOTYPE: _l("Go on to prototype"),
    Stage.SERVICE: _l("Go on to service"),
}
OUTCOME_NAMES: dict[DecisionOutcome, object] = {
    DecisionOutcome.ADVANCE: _l("Go on"),
    DecisionOutcome.REWORK: _l("Rework it"),
    DecisionOutcome.HOLD: _l("Put it on hold until a date"),
    DecisionOutcome.DECLINE: _l("Decline it"),
}
DECLINE_NAMES: dict[DeclineCode, object] = {
    DeclineCode.OUTSIDE_MANDATE: _l("Outside the mandate"),
    DeclineCode.EXISTS: _l("It already exists"),
    DeclineCode.UNLAWFUL: _l("It would be unlawful"),
    DeclineCode.TOO_COSTLY: _l("Too costly"),
    DeclineCode.NO_OWNER: _l("Nobody can take it on"),
    DeclineCode.WEAK_NEED: _l("The need is too weak"),
    DeclineCode.TESTED_NOT_WORKING: _l("Tested, and it did not work"),
    DeclineCode.SUPERSEDED: _l("Something else has taken its place"),
    DeclineCode.DUPLICATE: _l("The same as another idea"),
}


class DecideForm(Form):
    """What a decider writes; ``decide_form`` adds a reason for each criterion that is not met."""

    outcome = Radios(_l("What do you decide?"), [])
    to_stage = Choice(
        _l("Where does the work go on?"),
        [],
        required=False,
        description=_l("It can go back a stage. Nothing that was done is lost."),
    )
    hold_until = Day(
        _l("Until which day?"),
        required=False,
        description=_l("At most 180 days ahead. On that day it is taken up again by itself."),
    )
    decline_code = Choice(_l("The reason that fits best"), [], required=False)
    would_change = Text(
        _l("What would change the decision?"),
        max_length=NOTE_MAX,
        required=False,
        description=_l("Something the people behind the idea can do, or something that may happen."),
    )
    reason = Text(
        _l("The reason, in your own words"),
        max_length=REASON_MAX,
        description=_l("Everybody can read it in the story of the idea."),
    )
    version = Hidden()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Mark what its outcome needs as needed; the rules refuse it, not the browser."""
        super().__init__(*args, **kwargs)
        for name, field in self._fields.items():
            if name in ("to_stage", "hold_until", "decline_code", "would_change") or name.startswith(
                "deviation_"
            ):
                field.flags.required = True

    def draft(self) -> Draft:
        """Return what was written as the commands take it."""
        deviations = {
            name.removeprefix("deviation_"): field.data or ""
            for name, field in self._fields.items()
            if name.startswith("deviation_")
        }
        return Draft(
            outcome=DecisionOutcome(self.outcome.data),
            reason=self.reason.data or "",
            to_stage=Stage(self.to_stage.data) if self.to_stage.data else None,
            deviations=deviations,
            hold_until=self.hold_until.data,
            decline_code=DeclineCode(self.decline_code.data) if self.decline_code.data else None,
            would_change=self.would_change.data or "",
        )


def decide_form(stage: Stage, *, unmet: Iterable[tuple[str, object]], stopped: bool) -> type[DecideForm]:
    """Return the form for one gate, with a field for each criterion that is not met.

    Args:
        unmet: Code and title of the criteria that a deviation may pass.
        stopped: Whether one is not met that can never be passed over; then there is no way forward.
    """
    fields = {
        f"deviation_{code}": Text(
            title,
            max_length=NOTE_MAX,
            required=False,
            description=_l("Not met. Why do you go on all the same?"),
        )
        for code, title in unmet
    }
    moves = [move for move in MOVES if move.source is stage]
    outcomes = [outcome for outcome in DecisionOutcome if any(move.outcome is outcome for move in moves)]
    form: type[DecideForm] = type("GateForm", (DecideForm,), fields)
    ahead = next((move.target for move in moves if move.outcome is DecisionOutcome.ADVANCE), None)
    form.outcome = Radios(
        _l("What do you decide?"),
        [
            (o.value, GO_ON[ahead] if o is DecisionOutcome.ADVANCE and ahead else OUTCOME_NAMES[o])
            for o in outcomes
            if not (stopped and o is DecisionOutcome.ADVANCE)
        ],
    )
    back = [move.target for move in moves if move.outcome is DecisionOutcome.REWORK]
    form.to_stage = Choice(
        _l("Where does the work go on?"),
        [
            (target.value, STAGE_NAMES[target] if target is not stage else _l("It stays at this stage"))
            for target in back
        ],
        required=False,
        description=_l("It can go back a stage. Nothing that was done is lost."),
    )
    form.decline_code = Choice(
        _l("The reason that fits best"),
        [("", _l("Choose one")), *((code.value, name) for code, name in DECLINE_NAMES.items())],
        required=False,
    )
    for name in ("outcome", *fields, "to_stage", "decline_code"):  # what is wrong is told in the page's order
        stands = "outcome" if name == "outcome" else "decline_code" if name == "decline_code" else "to_stage"
        getattr(form, name).creation_counter = getattr(DecideForm, stands).creation_counter
    return form


class ReturnForm(Form):
    """Send a proposal back to its writer."""

    note = Text(
        _l("What should be different?"),
        max_length=NOTE_MAX,
        description=_l("Only the deciders of this review read it."),
    )
    version = Hidden()


class VersionForm(Form):
    """A button that says which version was read."""

    version = Hidden()


class OpenForm(Form):
    """Why a review is opened."""

    reason = Text(_l("Why now?"), max_length=NOTE_MAX, description=_l("Everybody can read it."))


class LeadForm(Form):
    """Who carries the idea."""

    lead_id = Radios(_l("Project lead"), [], coerce=int)


class NextStepForm(Form):
    """The one line under every idea."""

    step = Line(
        _l("Next step"),
        max_length=NEXT_STEP_MAX,
        description=_l("What happens next, in a few words. Everybody can read it."),
    )
    who = Line(
        _l("Who does it"), max_length=120, required=False, description=_l("A unit, a group or a person.")
    )
    by = Day(
        _l("By when"),
        required=False,
        description=_l("Leave it empty if there is no date. That is shown, too."),
    )


class EvidenceForm(Form):
    """All that can be given as evidence; ``evidence_form`` leaves out what the criterion does not ask for."""

    number = Figure(_l("Number"), least=0, most=1e9, required=False)
    on_date = Day(_l("Date"), required=False)
    text = Text(_l("In words"), max_length=EVIDENCE_MAX, required=False)
    link = Link(_l("Link"), description=_l("A web address that begins with https://"))
    image = Picture(_l("Picture"))
    image_alt = Line(
        _l("What the picture shows"),
        max_length=200,
        required=False,
        description=_l("For those who cannot see it. Needed when there is a picture."),
    )


_PARTS = {
    Want.NUMBER: ("number",),
    Want.DATE: ("on_date",),
    Want.TEXT: ("text",),
    Want.LINK: ("link",),
    Want.PICTURE: ("image", "image_alt"),
}


def trim(form: EvidenceForm, wants: tuple[Want, ...]) -> EvidenceForm:
    """Take away the fields that a criterion does not ask for."""
    for want, names in _PARTS.items():
        if want not in wants:
            for name in names:
                delattr(form, name)
    first = _PARTS[wants[0]][0]
    if wants[0] in (Want.NUMBER, Want.DATE):
        form[first].flags.required = True  # the rule refuses without it
    return form


class BenefitForm(Form):
    """One row of the benefit plan."""

    label = Line(
        _l("What is measured"),
        max_length=120,
        description=_l("For example: calls about letters nobody understood"),
    )
    unit = Line(_l("Unit"), max_length=40, description=_l("For example: calls a week"))
    baseline = Figure(_l("Baseline"), description=_l("How it was before."))
    baseline_on = Day(_l("Measured on"))
    target = Figure(_l("Target"))
    measure_next = Day(_l("Measured again on"))


class MeasureForm(Form):
    """What was measured."""

    measured = Figure(_l("Measured now"))
    measured_on = Day(_l("On which day"))
    measure_next = Day(
        _l("Measured again on"), required=False, description=_l("Leave it empty if this was the last time.")
    )
