"""What each gate asks for: small pure functions over facts. Source: rule S4.

Where the facts come from rooms of the house they are counted; where no room keeps them yet, people
give evidence by hand. Numbers come from the lab's settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from flask_babel import lazy_gettext as _l


class Want(StrEnum):
    """What somebody may give as evidence."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    LINK = "link"
    PICTURE = "picture"


@dataclass(frozen=True, slots=True)
class Given:
    """One piece of evidence as the criteria see it."""

    text: str = ""
    number: float | None = None
    on_date: date | None = None
    link: str = ""
    picture: bool = False

    @property
    def shows(self) -> bool:
        """Say whether there is something to read or to look at."""
        return bool(self.text or self.link or self.picture)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the criteria ask about one idea, read at one moment.

    Args:
        unit_agreed: A receiving unit acknowledged the open handoff and has not said no since;
            acknowledging is agreeing to assess (H0).
        unit_accepted: Its final answer is "accepted" or "accepted with changes".
        must_audiences: How many groups the challenge must hear.
        benefits_planned: Rows of the benefit plan with baseline, target and a date to measure.
        given: Standing evidence by criterion.
    """

    gain_named: bool = False
    experiences: int = 0
    lead_named: bool = False
    unit_agreed: bool = False
    unit_accepted: bool = False
    problems: int = 0
    problems_open: int = 0
    must_audiences: int = 0
    responses_needed: int = 15
    testers_needed: int = 8
    benefits_planned: int = 0
    given: Mapping[str, tuple[Given, ...]] = field(default_factory=dict)

    def shown(self, code: str) -> bool:
        """Say whether words, a link or a picture were given for a criterion."""
        return any(piece.shows for piece in self.given.get(code, ()))

    def counted(self, code: str) -> float:
        """Return the sum of the numbers given for a criterion."""
        return sum(piece.number or 0 for piece in self.given.get(code, ()))

    def dated(self, code: str) -> bool:
        """Say whether a date was given for a criterion."""
        return any(piece.on_date for piece in self.given.get(code, ()))


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition of a gate.

    Args:
        title: The condition in words; reads the numbers from the facts.
        hint: What good evidence is; shown where it is missing.
        wants: What may be given by hand; empty where the system counts alone.
        firm: Whether it can never be passed as a deviation (rule S4).
        sums: What the system found by itself, in a sentence, or ``None``.
    """

    code: str
    title: Callable[[Facts], object]
    hint: object
    met: Callable[[Facts], bool]
    wants: tuple[Want, ...] = ()
    firm: Callable[[Facts], bool] = lambda _facts: False
    sums: Callable[[Facts], object] = lambda _facts: None


_SHOWN = (Want.TEXT, Want.LINK, Want.PICTURE)


def _always(_facts: Facts) -> bool:
    return True


def need_described(facts: Facts) -> bool:
    """Somebody tells of the need from experience, or a figure or source shows it."""
    return facts.experiences > 0 or facts.shown("need") or facts.counted("need") > 0


def responses_gathered(facts: Facts) -> bool:
    """Enough structured responses came in."""
    return facts.counted("responses") >= facts.responses_needed


def audiences_heard(facts: Facts) -> bool:
    """Every group that must be heard was heard; nothing to do where the challenge names none."""
    return facts.must_audiences == 0 or facts.shown("audiences")


def problems_answered(facts: Facts) -> bool:
    """No comment of the kind "problem found" is left without an answer."""
    return facts.problems_open == 0


def testers_enough(facts: Facts) -> bool:
    """Enough people tried it."""
    return facts.counted("testers") >= facts.testers_needed


def _told_experiences(facts: Facts) -> object:
    if facts.experiences == 0:
        return None
    if facts.experiences == 1:
        return _l("One resident tells of it from experience.")
    return _l("%(num)d residents tell of it from experience.", num=facts.experiences)


def _told_problems(facts: Facts) -> object:
    if facts.problems == 0:
        return _l("Nobody has found a problem so far.")
    answered = facts.problems - facts.problems_open
    return _l("%(done)d of %(all)d answered.", done=answered, all=facts.problems)


def _told_benefits(facts: Facts) -> object:
    if facts.benefits_planned == 0:
        return None
    if facts.benefits_planned == 1:
        return _l("One benefit has a baseline, a target and a date to be measured.")
    return _l(
        "%(num)d benefits have a baseline, a target and a date to be measured.", num=facts.benefits_planned
    )


def _so_far(code: str, needed: Callable[[Facts], int]) -> Callable[[Facts], object]:
    def told(facts: Facts) -> object:
        if not facts.given.get(code):
            return None
        return _l("%(num)d so far, %(all)d needed.", num=int(facts.counted(code)), all=needed(facts))

    return told


def _by_hand(code: str, title: object, hint: object) -> Criterion:
    return Criterion(code, lambda _f: title, hint, lambda f: f.shown(code), _SHOWN)


GATE_1 = (
    Criterion(
        "need",
        lambda _f: _l("The need is described"),
        _l("An experience somebody tells of, or a figure with its source."),
        need_described,
        (Want.TEXT, Want.NUMBER, Want.LINK, Want.PICTURE),
        sums=_told_experiences,
    ),
    Criterion(
        "gain",
        lambda _f: _l("It is said who gains"),
        _l("The author fills in “Who gains from it”. Ask for it in a comment."),
        lambda f: f.gain_named,
    ),
    _by_hand(
        "duplicates",
        _l("Similar ideas are settled"),
        _l("Say which similar ideas were looked at, and why this one stands by itself."),
    ),
    _by_hand(
        "mandate",
        _l("It lies within the mandate"),
        _l("Say which body may decide this, and on what ground."),
    ),
    Criterion(
        "lead_named",
        lambda _f: _l("A project lead is named"),
        _l("A facilitator or the lab manager names the lead."),
        lambda f: f.lead_named,
        firm=_always,
    ),
    Criterion(
        "unit_agreed",
        lambda _f: _l("A receiving unit has agreed to assess it"),
        _l("Route the idea to a unit. When the unit acknowledges it, it has agreed."),
        lambda f: f.unit_agreed,
        firm=_always,
    ),
)

GATE_2 = (
    _by_hand(
        "canvas",
        _l("A short canvas is written"),
        _l("Problem, users, value, how it works, cost, and the riskiest assumption."),
    ),
    Criterion(
        "problems",
        lambda _f: _l("Every problem found has an answer"),
        _l("Answer the comments of the kind “problem found” on the idea’s page."),
        problems_answered,
        sums=_told_problems,
    ),
    Criterion(
        "responses",
        lambda f: _l("At least %(num)d structured responses", num=f.responses_needed),
        _l("Give the number of responses and where they came from. Several entries are added up."),
        responses_gathered,
        (Want.NUMBER, Want.TEXT, Want.LINK, Want.PICTURE),
        sums=_so_far("responses", lambda f: f.responses_needed),
    ),
    Criterion(
        "audiences",
        lambda _f: _l("Every group that must be heard was heard"),
        _l("Name each group and how it was heard."),
        audiences_heard,
        _SHOWN,
        sums=lambda f: (
            _l("The challenge names no group that must be heard.") if not f.must_audiences else None
        ),
    ),
    _by_hand(
        "test_plan",
        _l("There is a test plan"),
        _l("Group, place, period, measure, target, and when to stop."),
    ),
    Criterion(
        "resources",
        lambda _f: _l("Hours and money are named"),
        _l("How many hours, whose, how much money and from which account."),
        lambda f: f.shown("resources"),
        _SHOWN,
    ),
    _by_hand("milestones", _l("Milestones are set"), _l("What is to be reached, and by which dates.")),
    Criterion(
        "unit_accepted",
        lambda _f: _l("The receiving unit has accepted it"),
        _l("The unit’s final answer must be “accepted” or “accepted with changes”."),
        lambda f: f.unit_accepted,
        firm=lambda f: not f.unit_agreed,
    ),
)

GATE_3 = (
    _by_hand(
        "round",
        _l("A test round is reported"),
        _l("What was tried, where, with whom, and what came out of it."),
    ),
    Criterion(
        "testers",
        lambda f: _l("At least %(num)d people tried it", num=f.testers_needed),
        _l("Give the number of testers. Several rounds are added up."),
        testers_enough,
        (Want.NUMBER, Want.TEXT, Want.LINK),
        sums=_so_far("testers", lambda f: f.testers_needed),
    ),
    _by_hand(
        "measure",
        _l("The measure was reached"),
        _l("Target and result. Where the target was missed, pass it as a deviation and explain."),
    ),
    _by_hand("owner", _l("Somebody owns the service"), _l("The unit and the role that keep it running.")),
    _by_hand("budget", _l("The running costs are covered"), _l("Yearly cost and the budget that bears it.")),
    _by_hand("support", _l("Users know where to get help"), _l("Telephone, e-mail, desk or page.")),
    Criterion(
        "benefit",
        lambda _f: _l("There is a benefit plan"),
        _l("What it is to change: baseline, target, and when it is measured again."),
        lambda f: f.benefits_planned > 0,
        sums=_told_benefits,
    ),
    Criterion(
        "start",
        lambda _f: _l("The start date is set"),
        _l("The day on which people can use it."),
        lambda f: f.dated("start"),
        (Want.DATE, Want.TEXT),
    ),
    Criterion(
        "shown",
        lambda _f: _l("People can see it"),
        _l("A link to the service, or a photo of it."),
        lambda f: any(piece.link or piece.picture for piece in f.given.get("shown", ())),
        (Want.LINK, Want.PICTURE, Want.TEXT),
    ),
)


def unmet_criteria(criteria: tuple[Criterion, ...], facts: Facts) -> tuple[Criterion, ...]:
    """Return the criteria that the facts do not meet, in their order."""
    return tuple(criterion for criterion in criteria if not criterion.met(facts))
