"""Forms of the people who write a challenge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l

from livinglab.labs.commands.challenges import REPORT_MAX
from livinglab.labs.forms.per_language import MarkedForm, Spoken, form_in
from livinglab.labs.models import FIELD_MAX, INTRO_MAX, TITLE_MAX, AudienceLevel
from livinglab.labs.rules import AUDIENCES_MAX, MEASURES_MAX, MeasureDraft
from livinglab.web.forms import Choice, Day, Figure, Form, Instant, Line, Radios

CARD = (
    Spoken("title", _l("Title"), TITLE_MAX, required=True, hint=_l("A call in few words.")),
    Spoken(
        "intro",
        _l("What you ask people"),
        INTRO_MAX,
        lines=5,
        hint=_l("Speak to the reader. What should they tell you?"),
    ),
    Spoken(
        "goal",
        _l("Goal"),
        FIELD_MAX,
        lines=2,
        hint=_l("What is to be reached? Say it so that one can see later whether it was."),
    ),
    Spoken("purpose", _l("Purpose"), FIELD_MAX, lines=2, hint=_l("What is it good for?")),
    Spoken("benefit", _l("Benefit"), FIELD_MAX, lines=2, hint=_l("What do those it concerns gain?")),
    Spoken("now_state", _l("How it is now"), FIELD_MAX, lines=2),
    Spoken("wanted_state", _l("How it should be"), FIELD_MAX, lines=2),
    Spoken("actions", _l("What you will do to get there"), FIELD_MAX, lines=2),
)
TITLE_ONLY = (
    Spoken(
        "title",
        _l("Title"),
        TITLE_MAX,
        required=True,
        hint=_l("You can change it until the challenge opens."),
    ),
)
REPORT = (
    Spoken(
        "report",
        _l("The lab’s report"),
        REPORT_MAX,
        lines=12,
        hint=_l("What came in, what happened to it, what changed, and what you learned. Markdown works."),
    ),
)


def card_form(languages: Sequence[str]) -> type[Form]:
    """Return the form of a strategy card's texts."""
    return form_in(languages, CARD, base=MarkedForm, name="CardForm")


def title_form(languages: Sequence[str]) -> type[Form]:
    """Return the form that begins a challenge."""
    return form_in(languages, TITLE_ONLY, name="TitleForm")


def report_form(languages: Sequence[str]) -> type[Form]:
    """Return the form that concludes a challenge."""
    return form_in(languages, REPORT, name="ReportForm")


class TimesForm(MarkedForm):
    """Who answers for a challenge, and its clock."""

    responsible_id = Choice(
        _l("Responsible"), [], required=False, description=_l("Stands on every page of the challenge.")
    )
    deputy_id = Choice(_l("Deputy"), [], required=False, description=_l("Steps in, and is somebody else."))
    closes_at = Instant(
        _l("Closes"),
        required=False,
        description=_l(
            "On the lab’s clock. From this minute on no new ideas come in. "
            "It cannot be moved once the challenge is open."
        ),
    )
    counts_from = Instant(
        _l("Show the number of supporters from"),
        required=False,
        description=_l("Empty: from closing. Until then everybody sees bands, staff as well."),
    )
    trust_needed = Radios(
        _l("Who may support ideas here?"),
        [
            ("1", _l("Everybody with a confirmed e-mail address")),
            ("2", _l("People met in person, or signed in with eID")),
            ("3", _l("People signed in with eID")),
        ],
    )


class MeasuredForm(Form):
    """A new figure of a measure."""

    value = Figure(_l("Figure"))
    on = Day(_l("Measured on"))


class CloseForm(Form):
    """Closing before time."""

    reason = Line(
        _l("Why does it close early?"), max_length=FIELD_MAX, description=_l("Everybody can read this.")
    )


class Rows(MarkedForm):
    """Base of forms with rows."""


def measures_form(languages: Sequence[str], rows: int) -> type[Form]:
    """Return a form with a row for each measure: ``label0_nb``, ``unit0``, ``baseline0`` …"""
    fields: dict[str, Any] = {}
    for n in range(min(rows, MEASURES_MAX)):
        fields |= {
            f"unit{n}": Line(
                _l("Unit"), max_length=40, required=False, description=_l("Such as: visits a month")
            ),
            f"baseline{n}": Figure(_l("Baseline"), required=False, description=_l("Today")),
            f"target{n}": Figure(_l("Target"), required=False),
            f"on{n}": Day(_l("To be reached by"), required=False),
        }
    spoken = [Spoken(f"label{n}", _l("What is measured"), 160) for n in range(min(rows, MEASURES_MAX))]
    return form_in(languages, spoken, base=type("MeasureRows", (Rows,), fields), name="MeasuresForm")


def measures_in(form: Form, languages: Sequence[str], rows: int) -> list[MeasureDraft]:
    """Return the measures of a sent form; an empty row is none. A half-filled row gets its errors.

    A row that was begun but is not whole makes ``form.errors`` non-empty.
    """
    drafts = []
    for n in range(min(rows, MEASURES_MAX)):
        label = {code: form[f"label{n}_{code}"].data or "" for code in languages}
        values = [form[f"{name}{n}"].data for name in ("unit", "baseline", "target", "on")]
        if not any(label.values()) and all(value in (None, "") for value in values):
            continue
        wanted = (f"label{n}_{languages[0]}", f"unit{n}", f"baseline{n}", f"target{n}", f"on{n}")
        missing = [name for name in wanted if form[name].data in (None, "")]
        for name in missing:
            if not form[name].errors:
                form[name].errors = [str(_l("Fill this in, or empty the whole row."))]
        if not missing:
            drafts.append(MeasureDraft(label, *values))
    return drafts


LEVELS = (
    ("", _l("Choose")),
    (AudienceLevel.MUST.value, _l("Must be heard")),
    (AudienceLevel.SHOULD.value, _l("Should be heard")),
    (AudienceLevel.CAN.value, _l("Can be heard")),
)


def audiences_form(languages: Sequence[str], rows: int) -> type[Form]:
    """Return a form with a row for each group: ``level0``, ``name0_nb`` …"""
    rows = min(rows, AUDIENCES_MAX)
    fields = {f"level{n}": Choice(_l("How much"), LEVELS, required=False) for n in range(rows)}
    spoken = [Spoken(f"name{n}", _l("Group"), 120) for n in range(rows)]
    return form_in(languages, spoken, base=type("AudienceRows", (Rows,), fields), name="AudiencesForm")


def audiences_in(
    form: Form, languages: Sequence[str], rows: int
) -> list[tuple[AudienceLevel, dict[str, str]]]:
    """Return the groups of a sent form; an empty row is none. A half-filled row gets its errors."""
    groups = []
    for n in range(min(rows, AUDIENCES_MAX)):
        names = {code: form[f"name{n}_{code}"].data or "" for code in languages}
        level = form[f"level{n}"].data
        if not any(names.values()):
            continue
        if not level:
            form[f"level{n}"].errors = [str(_l("Say how much this group must be heard."))]
        elif not names[languages[0]]:
            form[f"name{n}_{languages[0]}"].errors = [str(_l("Fill this in, or empty the whole row."))]
        else:
            groups.append((AudienceLevel(level), names))
    return groups
