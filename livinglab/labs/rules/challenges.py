"""A challenge's clock, its threshold, and what it needs before it opens or is concluded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from flask_babel import lazy_gettext as _l

from livinglab.core.errors import Forbidden, Refused
from livinglab.core.viewer import Role, Viewer
from livinglab.labs.models import FIELD_MAX, AudienceLevel, ChallengeState

ACTIVE_DAYS = 90
"""A person is active in a lab who submitted, supported or commented there within so many days."""
MEASURES_MAX, AUDIENCES_MAX = 8, 12


def threshold_of(active: int, *, percent: float, least: int, most: int) -> int:
    """Return T = clamp(⌈share·A⌉, least, most).

    Args:
        active: A, people active in the lab within 90 days.
        percent: The share in per cent, such as 5.0.

    Source: rule L2.
    """
    wanted = math.ceil(round(percent * active / 100, 9))  # 5 % of 220 is 11, also in floating point
    return max(least, min(most, wanted))


class Dated(Protocol):
    """A challenge as far as its clock goes."""

    @property
    def state(self) -> ChallengeState: ...
    @property
    def closes_at(self) -> datetime | None: ...
    @property
    def counts_from(self) -> datetime | None: ...


def takes_ideas(challenge: Dated, now: datetime) -> bool:
    """Say whether new ideas may come in: open, and its instant has not passed. Source: rule L3.

    The clock's job runs each minute; the instant itself counts, not the job.
    """
    return challenge.state is ChallengeState.OPEN and (
        challenge.closes_at is None or now < challenge.closes_at
    )


def counts_shown_from(challenge: Dated) -> datetime | None:
    """Return from when support is counted in public: as set, else closing. Source: rule V4."""
    return challenge.counts_from or challenge.closes_at


def days_left(closes_at: datetime, now: datetime) -> int:
    """Return whole days until closing; 0 on the last day, never less."""
    return max(0, (closes_at - now) // timedelta(days=1))


class Card(Protocol):
    """A challenge's strategy card, as far as opening asks for it."""

    @property
    def title(self) -> Mapping[str, str]: ...
    @property
    def goal(self) -> Mapping[str, str]: ...
    @property
    def purpose(self) -> Mapping[str, str]: ...
    @property
    def benefit(self) -> Mapping[str, str]: ...
    @property
    def responsible_id(self) -> int | None: ...
    @property
    def deputy_id(self) -> int | None: ...
    @property
    def closes_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the opening checklist.

    Args:
        code: ``goal``, ``measure``, ``facilitator`` …; the page links it to where it can be set right.
        label: What is needed, in words.
    """

    code: str
    label: object
    done: bool


def opening_checklist(
    card: Card,
    *,
    measures: int,
    levels: Iterable[AudienceLevel],
    facilitators: int,
    units: int,
    now: datetime,
) -> tuple[Item, ...]:
    """Return what a challenge needs before it opens, each with whether it is there. Source: rule L1.

    Args:
        measures: Number of its measures; a measure cannot be saved unless it is whole.
        levels: Levels of its audiences.
        facilitators: Number of facilitators in the lab.
        units: Number of receiving units that take ideas.
    """
    held = set(levels)
    people = (
        card.responsible_id is not None
        and card.deputy_id is not None
        and card.responsible_id != card.deputy_id
    )
    return (
        Item("title", _l("A title"), any(card.title.values())),
        Item("goal", _l("A goal: what is to be reached"), any(card.goal.values())),
        Item("purpose", _l("A purpose: what it is good for"), any(card.purpose.values())),
        Item("benefit", _l("The benefit for those it concerns"), any(card.benefit.values())),
        Item("measure", _l("At least one measure with baseline, target and date"), measures > 0),
        Item("people", _l("Somebody responsible and a deputy, two different people"), people),
        Item("must", _l("Somebody who must be heard"), AudienceLevel.MUST in held),
        Item("should", _l("Somebody who should be heard"), AudienceLevel.SHOULD in held),
        Item("can", _l("Somebody who can be heard"), AudienceLevel.CAN in held),
        Item(
            "closes",
            _l("A closing time that lies ahead"),
            card.closes_at is not None and card.closes_at > now,
        ),
        Item("facilitator", _l("At least one facilitator in the lab"), facilitators > 0),
        Item("unit", _l("At least one receiving unit in the lab"), units > 0),
    )


def why_not_open(
    person: Viewer, *, lab_id: int, state: ChallengeState, checklist: Sequence[Item]
) -> Refused | None:
    """Say why this challenge cannot be opened by this person now. Source: rule L1."""
    if not person.has(lab_id, Role.MANAGER):
        return Forbidden("not-manager", _l("Only the lab’s manager opens a challenge."))
    if state is not ChallengeState.DRAFT:
        return Refused("not-a-draft", _l("This challenge was opened before."))
    missing = sum(not item.done for item in checklist)
    if missing:
        return Refused(
            "not-ready", _l("%(count)s things are still missing before it can open.", count=missing)
        )
    return None


def why_not_edit(person: Viewer, *, lab_id: int, state: ChallengeState) -> Refused | None:
    """Say why this person may not change the challenge's card now."""
    if not person.has(lab_id, Role.FACILITATOR, Role.LEAD, Role.MANAGER):
        return Forbidden("not-lab-staff", _l("Only the people who work in the lab write challenges."))
    if state is ChallengeState.DRAFT:
        return None
    if state is ChallengeState.OPEN:
        if not person.has(lab_id, Role.MANAGER):
            return Forbidden(
                "not-manager", _l("Once a challenge is open, only the lab’s manager changes its texts.")
            )
        return None
    return Refused("challenge-closed", _l("This challenge is closed. Its card stays as it was."))


def why_not_reshape(*, state: ChallengeState) -> Refused | None:
    """Say why measures, audiences, threshold and closing time are fixed now."""
    if state is not ChallengeState.DRAFT:
        return Refused(
            "card-frozen", _l("Measures, audiences and times stay as they were when the challenge opened.")
        )
    return None


def why_not_measure(person: Viewer, *, lab_id: int, state: ChallengeState) -> Refused | None:
    """Say why this person may not enter a new figure."""
    if not person.has(lab_id, Role.FACILITATOR, Role.LEAD, Role.MANAGER):
        return Forbidden("not-lab-staff", _l("Only the people who work in the lab enter figures."))
    if state is ChallengeState.DRAFT:
        return Refused("not-open", _l("Figures are entered once the challenge is open."))
    return None


def why_not_close(person: Viewer, *, lab_id: int, state: ChallengeState) -> Refused | None:
    """Say why this person may not close the challenge before its time."""
    if not person.has(lab_id, Role.MANAGER):
        return Forbidden("not-manager", _l("Only the lab’s manager closes a challenge early."))
    if state is not ChallengeState.OPEN:
        return Refused("not-open", _l("This challenge is not open."))
    return None


def why_not_conclude(
    person: Viewer, *, lab_id: int, state: ChallengeState, undecided: int, report: Mapping[str, str] | None
) -> Refused | None:
    """Say why this challenge cannot be concluded yet. Source: rule L3.

    Args:
        undecided: How many of its ideas have no outcome.
        report: The report to be published; ``None`` while only the button is drawn.
    """
    if not person.has(lab_id, Role.MANAGER):
        return Forbidden("not-manager", _l("Only the lab’s manager concludes a challenge."))
    if state is not ChallengeState.CLOSED:
        return Refused("not-closed", _l("Only a closed challenge can be concluded."))
    if undecided:
        return Refused(
            "ideas-undecided",
            _l("Each idea needs an outcome first. Still without one: %(count)s.", count=undecided),
        )
    if report is not None and not any(report.values()):
        return Refused("no-report", _l("Write the report: what came in, what happened to it, what changed."))
    return None


@dataclass(frozen=True, slots=True)
class MeasureDraft:
    """A measure as somebody writes it."""

    label: dict[str, str]
    unit: str
    baseline: float
    target: float
    target_on: date


def why_not_measures(drafts: Sequence[MeasureDraft], *, first_language: str) -> Refused | None:
    """Say why these measures cannot stand. Source: rule L1."""
    if len(drafts) > MEASURES_MAX:
        return Refused("too-many-measures", _l("At most 8 measures, please: fewer are read, and kept."))
    for draft in drafts:
        if not draft.label.get(first_language) or not draft.unit:
            return Refused(
                "measure-incomplete", _l("A measure needs a name, a unit, both figures and a date.")
            )
        if draft.baseline == draft.target:
            return Refused("measure-still", _l("Baseline and target are the same. A measure shows a change."))
    return None


def too_long(texts: Mapping[str, str], limit: int = FIELD_MAX) -> bool:
    """Say whether a text is longer than its field in any language."""
    return any(len(text) > limit for text in texts.values())
