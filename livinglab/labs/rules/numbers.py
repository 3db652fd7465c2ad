"""The numbers of a lab: what each does, its rule, its default and between what it may lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from livinglab.core.errors import Refused
from livinglab.labs.models import LabSettings
from livinglab.people.rules import why_not_address


@dataclass(frozen=True, slots=True)
class Setting:
    """One number of the rules.

    Args:
        name: Column of ``LabSettings``.
        unit: Word behind the number.
        why: What it does, in a sentence.
        rule: Number of the rule in ``docs/rules.md``.
    """

    name: str
    label: object
    unit: object
    why: object
    rule: str
    least: float
    most: float

    @property
    def default(self) -> float:
        """Return the rules' own number."""
        return float(LabSettings.model_fields[self.name].default)


_DAYS = _l("days")
_WORKING_DAYS = _l("working days")
_PEOPLE = _l("people")

THRESHOLDS = (
    Setting(
        "threshold_percent",
        _l("Share of active people whose support opens a review"),
        _l("per cent"),
        _l(
            "An idea is reviewed once this share of the people active in the lab supports it. "
            "It is worked out when a "
            "challenge opens and does not change afterwards; the idea box is renewed each month."
        ),
        "L2",
        0.1,
        100,
    ),
    Setting(
        "threshold_least",
        _l("Never fewer supporters than"),
        _PEOPLE,
        _l("Keeps a small lab from reviewing everything."),
        "L2",
        1,
        10_000,
    ),
    Setting(
        "threshold_most",
        _l("Never more supporters than"),
        _PEOPLE,
        _l("Keeps the goal within reach in a large lab."),
        "L2",
        1,
        100_000,
    ),
    Setting(
        "counts_hidden_hours",
        _l("Hide the number of supporters of a new idea for"),
        _l("hours"),
        _l("Everybody makes up their own mind first. Bands are shown meanwhile, to staff as well."),
        "V4",
        0,
        720,
    ),
)
DECISIONS = (
    Setting(
        "deciders",
        _l("People who decide at a gate"),
        _PEOPLE,
        _l(
            "With two, one proposes and another confirms exactly that text. "
            "With one, the story says that one person decided."
        ),
        "S3",
        1,
        2,
    ),
    Setting(
        "picks_per_month",
        _l("Ideas a facilitator may pick for review in a month"),
        _l("ideas"),
        _l("Good ideas without a crowd get their chance, with a public reason."),
        "S2",
        0,
        30,
    ),
    Setting(
        "responses_needed",
        _l("Structured responses before a prototype"),
        _l("responses"),
        _l("A concept is heard by this many people, every group that must be heard among them."),
        "S4",
        0,
        1_000,
    ),
    Setting(
        "testers_needed",
        _l("Testers before a service"),
        _l("testers"),
        _l("A prototype is tried by this many people before it becomes a service."),
        "S4",
        0,
        1_000,
    ),
)
ANSWERS = (
    Setting(
        "assign_working_days",
        _l("Name the person who looks after a handoff within"),
        _WORKING_DAYS,
        _l("Counted from the moment it is queued. Public holidays of the lab’s country do not count."),
        "H2",
        1,
        60,
    ),
    Setting(
        "acknowledge_working_days",
        _l("Acknowledge within"),
        _WORKING_DAYS,
        _l("Counted from the assignment. Acknowledging is agreeing to assess."),
        "H2",
        1,
        60,
    ),
    Setting(
        "preliminary_days",
        _l("Preliminary answer within"),
        _DAYS,
        _l("Counted from the moment it is queued. This is the promise on the lab’s page."),
        "H2",
        1,
        365,
    ),
    Setting(
        "decision_days",
        _l("Final answer within"),
        _DAYS,
        _l("Counted from the moment it is queued. Once past, the idea bears a public “late” mark."),
        "H2",
        1,
        730,
    ),
    Setting(
        "extended_days",
        _l("Final answer when extended, within"),
        _DAYS,
        _l("A unit may extend once, with a public reason."),
        "H2",
        1,
        1_095,
    ),
    Setting(
        "waiting_days",
        _l("Longest wait for the author"),
        _DAYS,
        _l("Only while a unit waits for the author does the clock stand still, and never longer than this."),
        "H2",
        1,
        60,
    ),
)
ALL = (*THRESHOLDS, *DECISIONS, *ANSWERS)


def why_not_numbers(numbers: Mapping[str, Any]) -> Refused | None:
    """Say why these numbers cannot be a lab's: out of range, or at odds with each other.

    Args:
        numbers: All of ``LabSettings`` that is to stand afterwards.
    """
    for setting in ALL:
        if not setting.least <= numbers[setting.name] <= setting.most:
            return Refused("out-of-range", _l("This number is out of range."), field=setting.name)
    if numbers["threshold_least"] > numbers["threshold_most"]:
        return Refused(
            "least-over-most",
            _l("The least number may not be larger than the most."),
            field="threshold_least",
        )
    if numbers["preliminary_days"] > numbers["decision_days"]:
        return Refused(
            "preliminary-after-decision",
            _l("The preliminary answer comes before the final one."),
            field="preliminary_days",
        )
    if numbers["decision_days"] > numbers["extended_days"]:
        return Refused(
            "extended-too-short",
            _l("An extension cannot be shorter than the first deadline."),
            field="extended_days",
        )
    if (
        any(why_not_address(email) for email in numbers["steering_emails"])
        or len(numbers["steering_emails"]) > 20
    ):
        return Refused(
            "bad-address", _l("Write one e-mail address on each line, at most 20."), field="steering_emails"
        )
    return None
