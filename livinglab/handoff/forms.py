"""The forms of the receiving queue; limits come from the models."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from livinglab.handoff.models import BODY_MAX, NOTE_MAX, REASON_MAX, TITLE_MAX, Outcome
from livinglab.handoff.rules.words import CASE_MAX, SIGNER_TITLE_MAX
from livinglab.web.forms import Choice, Day, Form, Hidden, Line, Radios, Text
from livinglab.web.paging import as_number

OUTCOMES = (
    (Outcome.ACCEPTED.value, _l("Accepted")),
    (Outcome.ACCEPTED_CHANGED.value, _l("Accepted with changes")),
    (Outcome.EXISTS.value, _l("It already exists")),
    (Outcome.NOT_NOW.value, _l("Not now")),
    (Outcome.DECLINED.value, _l("Declined")),
)


class StepForm(Form):
    """A step on the handoff as the page showed it."""

    stamp = Hidden()

    @property
    def seen(self) -> int | None:
        """Return the stamp the person saw; none where it was typed by hand."""
        return as_number(self.stamp.data)


class RouteForm(StepForm):
    """Hand an idea to a unit."""

    unit_id = Radios(_l("Receiving unit"), (), coerce=int)
    note = Text(
        _l("A word to the unit"),
        max_length=NOTE_MAX,
        required=False,
        description=_l("Why them, and what they should know. Only staff can read it."),
    )


class AssignForm(StepForm):
    """Put a handoff into somebody's hands."""

    assignee_id = Radios(_l("Who takes it?"), (), coerce=int)
    note = Text(
        _l("A word to them"), max_length=NOTE_MAX, required=False, description=_l("Only staff can read it.")
    )


class ReturnForm(StepForm):
    """Send an idea back as "wrong unit"."""

    note = Text(
        _l("Why is it not yours, and whose could it be?"),
        max_length=NOTE_MAX,
        description=_l("The lab’s team reads this when they choose another unit. It is not public."),
    )


class ExtendForm(StepForm):
    """Move the decision once."""

    until = Day(_l("New last day for the final answer"))
    reason = Text(
        _l("Why do you need more time?"),
        max_length=REASON_MAX,
        description=_l("Everybody can read this in the idea’s story."),
    )


class WaitForm(StepForm):
    """Ask the author something while the clock stands."""

    question = Text(
        _l("What do you need to know?"),
        max_length=REASON_MAX,
        description=_l("The author is told at once, and everybody can read it."),
    )
    until = Day(_l("The clock stands until"))


class CaseForm(StepForm):
    """The unit's own case number."""

    external_case = Line(
        _l("Case number in your own archive"),
        max_length=CASE_MAX,
        required=False,
        description=_l("Only staff can see it."),
    )


class AnswerForm(StepForm):
    """An official answer."""

    outcome = Radios(_l("What has the unit decided?"), OUTCOMES, required=False)
    title = Line(
        _l("The answer in one sentence"),
        max_length=TITLE_MAX,
        description=_l("Say first what will happen. Example: “We will try it on two evenings in May.”"),
    )
    body = Text(
        _l("The reasons"),
        max_length=BODY_MAX,
        description=_l("Short sentences, everyday words. Say what happens next and when. Markdown works."),
    )
    language = Choice(_l("Language of the answer"), ())
    signer_title = Line(
        _l("As what do you sign?"),
        max_length=SIGNER_TITLE_MAX,
        description=_l("For example: head of unit, Outdoor Exercise. It stands beside your name."),
    )


class SendBackForm(StepForm):
    """Return an answer to its writer."""

    note = Text(
        _l("What should be different?"),
        max_length=NOTE_MAX,
        description=_l("Only you and your colleagues see this."),
    )
