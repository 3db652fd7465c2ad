"""Forms of the people who set a lab up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from babel import Locale
from babel.core import get_global
from babel.dates import get_timezone_location
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs

from livinglab.core.text import LANGUAGES
from livinglab.core.viewer import Role
from livinglab.labs.forms.per_language import MarkedForm, Spoken, form_in
from livinglab.labs.models import (
    FIELD_MAX,
    INTRO_MAX,
    LAB_NAME_MAX,
    TAGLINE_MAX,
    THEMES,
    LabSettings,
    Moderation,
)
from livinglab.labs.rules import known_countries, known_timezones
from livinglab.labs.rules.numbers import ANSWERS, DECISIONS, THRESHOLDS, Setting
from livinglab.web.forms import Choice, Email, Figure, Form, Hidden, Line, Number, Radios, Text, Tick, Ticks
from livinglab.web.locale import NAMES

THEME_NAMES = {
    "fjord": _l("Fjord"),
    "heather": _l("Heather"),
    "spruce": _l("Spruce"),
    "cloudberry": _l("Cloudberry"),
    "rowan": _l("Rowan"),
    "slate": _l("Slate"),
}
ROLE_NAMES = {
    Role.FACILITATOR: _l("Facilitator"),
    Role.LEAD: _l("Project lead"),
    Role.MANAGER: _l("Lab manager"),
}
LAB_TEXTS = (
    Spoken(
        "tagline", _l("In one sentence"), TAGLINE_MAX, hint=_l("Stands beside the lab’s name everywhere.")
    ),
    Spoken(
        "intro",
        _l("What the lab is for"),
        INTRO_MAX,
        lines=6,
        hint=_l("Plain words. Whom does it concern, and what happens with ideas?"),
    ),
    Spoken(
        "promise",
        _l("What you promise"),
        INTRO_MAX,
        lines=3,
        hint=_l(
            "Until when does an idea get an answer, and from whom? "
            "The figures beside it are counted, not written."
        ),
    ),
)
UNIT_TEXTS = (
    Spoken("name", _l("Name of the unit"), LAB_NAME_MAX, required=True),
    Spoken("description", _l("What it looks after"), FIELD_MAX, lines=3),
)


ALIASES = {"UK"}
"""Countries whose holidays are known under a second code, too."""


def countries() -> list[tuple[str, str]]:
    """Return countries by name in the reader's language; the Nordic ones first."""
    names = (get_locale() or Locale("en")).territories
    first = ("NO", "SE", "FI", "DK", "IS")
    rest = sorted(
        ((c, names[c]) for c in known_countries() - ALIASES if c not in first), key=lambda pair: pair[1]
    )
    return [*((c, names.get(c, c)) for c in first), *rest]


NORDIC = ("NO", "SE", "FI", "DK", "IS", "FO", "GL", "AX", "SJ")
CONTINENTS = {
    "Europe": "150",
    "Africa": "002",
    "America": "019",
    "Asia": "142",
    "Australia": "009",
    "Pacific": "009",
}
"""First word of a zone's name → code of the region that names its group; all others are in "world"."""

NOWHERE = {"ZZ", "001"}
"""Zones of no country ("GMT+1"): no lab has its people there."""


def zones(country: str, held: Iterable[str] = ()) -> list[SelectChoice]:
    """Return time zones by the names of their cities, in groups: the Nordic countries, the lab's, the rest.

    Args:
        held: Zones the lab has, kept among the first even where only an old name knows them.
    """
    locale = get_locale() or Locale("en")
    named = _named_zones(str(locale))
    of = get_global("territory_zones")
    nordic = [zone for code in NORDIC for zone in of.get(code, ()) if zone in named]
    own = [zone for zone in (*of.get(country, ()), *held) if zone in known_timezones()]
    groups = ((str(_l("The Nordic countries")), nordic), (locale.territories.get(country, country), own))
    seen: set[str] = set()
    found = []
    for name, members in groups:
        for zone in dict.fromkeys(members):
            if zone not in seen:
                seen.add(zone)
                city = named[zone][1] if zone in named else zone.replace("_", " ")
                found.append(SelectChoice(zone, city, optgroup=name))
    rest = sorted((group, city, zone) for zone, (group, city) in named.items() if zone not in seen)
    return [*found, *(SelectChoice(zone, city, optgroup=group) for group, city, zone in rest)]


@lru_cache(maxsize=8)
def _named_zones(code: str) -> dict[str, tuple[str, str]]:
    """Return of each zone the name of its continent, and of its city and country, in a language."""
    locale = Locale.parse(code)
    names, countries = locale.territories, get_global("zone_territories")
    found = {}
    for zone in known_timezones() & countries.keys():
        if countries[zone] in NOWHERE:
            continue
        group = names[CONTINENTS.get(zone.split("/")[0], "001")]
        city = get_timezone_location(zone, locale=locale, return_city=True).rsplit("/", 1)[-1]
        found[zone] = (
            group[:1].upper() + group[1:],
            f"{city}, {names.get(countries[zone], '')}".rstrip(", "),
        )
    return found


class LookForm(MarkedForm):
    """Name, colour, languages, clock and country of a lab."""

    name = Line(_l("Name of the lab"), max_length=LAB_NAME_MAX)
    theme = Radios(_l("Colour"), [(theme, THEME_NAMES[theme]) for theme in THEMES])
    first_language = Choice(
        _l("First language"),
        [(code, NAMES[code]) for code in LANGUAGES],
        description=_l("The page opens in it, and texts missing in another language are shown in it."),
    )
    more_languages = Ticks(
        _l("All languages of the lab"),
        [(code, NAMES[code]) for code in LANGUAGES],
        description=_l("The first language is always one of them."),
    )
    timezone = Choice(_l("Time zone"), [], description=_l("Days and deadlines are counted on this clock."))
    second_timezone = Choice(
        _l("Second time zone, shown beside it"),
        [],
        required=False,
        description=_l("For a lab on both sides of a border."),
    )
    country = Choice(_l("Country"), [], description=_l("Its public holidays are no working days."))
    contact_email = Email(
        _l("E-mail address of the lab"), required=False, description=_l("Shown on the lab’s page.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        held = [zone for zone in (self.timezone.object_data, self.second_timezone.object_data) if zone]
        offered = zones(self.country.data or "", held)
        self.timezone.choices = offered
        self.second_timezone.choices = [SelectChoice("", str(_l("None"))), *offered]
        self.country.choices = countries()
        self.more_languages.data = self.languages()  # the first one stands ticked, too
        self.more_languages.flags.required = True  # there is always the first one

    def languages(self) -> list[str]:
        """Return the languages, first one first."""
        first = self.first_language.data
        return [first, *(code for code in self.more_languages.data or () if code != first)]

    def timezones(self) -> list[str]:
        """Return one or two time zones."""
        chosen = (self.timezone.data, self.second_timezone.data)
        return list(dict.fromkeys(zone for zone in chosen if zone))


class NewLabForm(LookForm):
    """A new lab."""

    slug = Line(
        _l("Word in the address"),
        max_length=40,
        description=_l("Small letters a–z, figures and hyphens. It stays for good: /labs/this-word"),
    )


def _number(setting: Setting) -> Any:
    if setting.name == "threshold_percent":
        return Figure(setting.label, least=setting.least, most=setting.most)
    return Number(setting.label, least=int(setting.least), most=int(setting.most))


def numbers_form() -> type[Form]:
    """Return the form of a lab's numbers: a field for each, its range from the rules."""
    fields: dict[str, Any] = {
        "moderation": Radios(
            _l("When does a facilitator look at new texts?"),
            [
                (Moderation.BEFORE.value, _l("Before they are published")),
                (Moderation.AFTER.value, _l("After they are published")),
            ],
        ),
        "second_person_on_final": Tick(_l("A final answer is published by a second person")),
        "steering_emails": Text(
            _l("Addresses of the steering list"),
            max_length=3000,
            required=False,
        ),
    }
    fields |= {setting.name: _number(setting) for setting in (*THRESHOLDS, *DECISIONS, *ANSWERS)}
    return type("NumbersForm", (MarkedForm,), fields)


def numbers_of(form: Form) -> dict[str, Any]:
    """Return what a sent form of numbers says, as columns of ``LabSettings``."""
    values = {
        name: form[name].data for name in LabSettings.model_fields if name in form and name != "csrf_token"
    }
    values["moderation"] = Moderation(values["moderation"])
    lines = (values["steering_emails"] or "").split("\n")
    values["steering_emails"] = [line.strip().lower() for line in lines if line.strip()]
    return values


class UnitForm(MarkedForm):
    """A receiving unit, besides its texts."""

    owner_id = Choice(
        _l("Owner"),
        [],
        required=False,
        description=_l("Answers for the unit; is told when it is a week late."),
    )
    deputy_id = Choice(_l("Deputy"), [], required=False, description=_l("Is told when an answer is late."))
    limit_in_progress = Number(
        _l("How many ideas at a time"),
        least=1,
        most=500,
        description=_l("Above this, the unit must agree before it is given another one."),
    )
    topics = Ticks(
        _l("Subjects it usually takes"),
        [],
        description=_l("The unit is pointed out when an idea on one of them is routed."),
    )


def unit_form(languages: Sequence[str]) -> type[Form]:
    """Return the form of a unit in the lab's languages."""
    return form_in(languages, UNIT_TEXTS, base=UnitForm, name="UnitInForm")


class InviteForm(Form):
    """An invitation by e-mail."""

    email = Email(_l("E-mail address"))
    offer = Choice(_l("Invite as"), [])


class HoursForm(Form):
    """Weekly hours of a role."""

    weekly_hours = Number(_l("Hours a week"), least=0, most=60, required=False)


class CategoryRowsForm(Form):
    """Base of the form of subjects: rows are added as fields."""


def categories_form(languages: Sequence[str], rows: int) -> type[Form]:
    """Return a form with a row for each subject: ``id0`` (which one), ``name0_nb`` …, ``retired0``."""
    spoken = [Spoken(f"name{n}", _l("Subject %(number)s", number=n + 1), 60) for n in range(rows)]
    ticks = {f"retired{n}": Tick(_l("No longer offered")) for n in range(rows)}
    ids = {f"id{n}": Hidden() for n in range(rows)}
    base = type("Rows", (CategoryRowsForm,), ticks | ids)
    return form_in(languages, spoken, base=base, name="CategoriesForm")
