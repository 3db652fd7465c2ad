"""What moderators, reporters and authors fill in."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from livinglab.moderation.models import APPEAL_MAX, FACTS_MAX, REPORT_MAX, AppealOutcome
from livinglab.moderation.rules import HOUSE_RULES, Verdict, rule_line
from livinglab.web.forms import Choice, Form, Hidden, Radios, Text

RULES = [(code, rule_line(code)) for code in HOUSE_RULES]


class DecideForm(Form):
    """One verdict on a case. What else is needed depends on it; the command says so at the field."""

    verdict = Radios(_l("What happens to it?"), [(verdict.value, verdict.value) for verdict in Verdict])
    rule = Choice(_l("Rule"), [("", _l("Choose the rule")), *RULES], required=False)
    facts = Text(
        _l("What you saw, in your own words"),
        max_length=FACTS_MAX,
        required=False,
        description=_l("The author reads exactly this. Say what would make it fit."),
    )
    stamp = Hidden()


class SuspendForm(Form):
    """For how long, by which rule, and why. The view gives ``days`` its choices in the reader's language."""

    days = Radios(_l("For how long?"), [])
    rule = Choice(_l("Rule"), [("", _l("Choose the rule")), *RULES])
    facts = Text(
        _l("What you saw, in your own words"),
        max_length=FACTS_MAX,
        description=_l("The author reads exactly this."),
    )


class ReportForm(Form):
    """Somebody says what is wrong."""

    rule = Radios(_l("What is wrong with it?"), [(code, rule.name) for code, rule in HOUSE_RULES.items()])
    text = Text(
        _l("Tell us more"),
        max_length=REPORT_MAX,
        required=False,
        description=_l("A sentence helps whoever looks at it. The author does not see who reported."),
    )


class AppealForm(Form):
    """The author says why a decision is wrong."""

    text = Text(
        _l("Why should it be decided differently?"),
        max_length=APPEAL_MAX,
        description=_l("Somebody who was not involved reads it together with your text."),
    )


class DecideAppealForm(Form):
    """Somebody who was not involved decides."""

    outcome = Radios(
        _l("What do you decide?"),
        [
            (AppealOutcome.UPHELD.value, _l("The decision stands")),
            (AppealOutcome.OVERTURNED.value, _l("The decision is overturned")),
        ],
    )
    text = Text(_l("Your reasons"), max_length=APPEAL_MAX, description=_l("The author reads exactly this."))
