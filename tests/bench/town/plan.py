"""What a town shall hold: who and what there is, and each idea as it shall stand."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from livinglab.core.viewer import Role
from livinglab.handoff.models import HandoffState
from livinglab.ideas.models import (
    Activity,
    Publication,
    Stage,
)

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
DAY = timedelta(days=1)
LAB_SHARES = (0.5, 0.3, 0.15, 0.05)
LANGUAGES = ("nb", "sv", "fi", "nb")
UNITS, LEADS, FACILITATORS, MANAGERS, CHALLENGES, CATEGORIES = 8, 12, 4, 2, 6, 8
"""Of each lab."""
STAGES = tuple(Stage)
_WORDS = (
    "bench lamp path bridge garden library school river bus stop market winter light snow playground "
    "swing bicycle shelter harbour square notice board kitchen lending tools map sign stairs ramp "
    "evening walk music choir dance repair café children elders neighbours youth visitors trail"
)
WORDS = _WORDS.split()
STREETS = tuple(
    f"{first}{second}{last}"
    for first in (
        "Stor",
        "Lille",
        "Nord",
        "Sør",
        "Øvre",
        "Nedre",
        "Gamle",
        "Nye",
        "Øst",
        "Vest",
        "Inner",
        "Ytter",
    )
    for second in ("bekk", "elve", "fjell", "berg", "myr", "skog", "vann", "nes", "vik", "holm", "dal", "li")
    for last in ("veien", "gata", "stien", "bakken", "svingen", "torget", "kaia", "allmenningen")
)
"""Words that few ideas share, as people look for them."""
DISCUSSED_EVERY, DISCUSSION = 50, 20
"""Every so manieth idea has exactly so many comments: the page that is measured."""


@dataclass
class Town:
    """Who and what there is, by number.

    Args:
        staff: Of each lab, by role; leads, facilitators, managers.
    """

    rng: random.Random
    now: datetime
    labs: list[int] = field(default_factory=list)
    residents: range = range(0)
    staff: dict[int, dict[Role, list[int]]] = field(default_factory=dict)
    units: dict[int, list[int]] = field(default_factory=dict)
    members: dict[int, list[int]] = field(default_factory=dict)
    challenges: dict[int, list[int]] = field(default_factory=dict)
    categories: dict[int, list[int]] = field(default_factory=dict)


@dataclass(slots=True)
class Plan:
    """One idea as it shall stand; every table reads its part of it."""

    id: int
    lab: int
    language: str
    challenge: int | None
    author: int
    lead: int | None
    unit: int
    stage: Stage
    activity: Activity
    publication: Publication
    at: datetime
    waits: datetime
    state: HandoffState | None
    queued: datetime
    due: datetime | None
    next_by: datetime | None
    supports: int
    comments: int


_STAGE_SHARES = (0.70, 0.16, 0.09, 0.05)
_ACTIVITIES = (
    Activity.ACTIVE,
    Activity.REVIEW,
    Activity.HOLD,
    Activity.DECLINED,
    Activity.ARCHIVED,
    Activity.WITHDRAWN,
)
_ACTIVITY_SHARES = (0.62, 0.06, 0.03, 0.20, 0.05, 0.04)
_HIDDEN = (Publication.DRAFT, Publication.PENDING, Publication.HIDDEN, Publication.REMOVED)
_IN_HAND = {
    Stage.IDEA: (HandoffState.QUEUED, HandoffState.ASSIGNED, HandoffState.ACKNOWLEDGED),
    Stage.CONCEPT: (HandoffState.ASSESSING, HandoffState.PRELIMINARY, HandoffState.DECIDED),
    Stage.PROTOTYPE: (HandoffState.DELIVERY,),
    Stage.SERVICE: (HandoffState.DELIVERED, HandoffState.FOLLOWED_UP, HandoffState.FOLLOWED_UP),
}
_CLOCK_DAYS = {
    HandoffState.QUEUED: 5,
    HandoffState.ASSIGNED: 7,
    HandoffState.ACKNOWLEDGED: 30,
    HandoffState.ASSESSING: 30,
    HandoffState.PRELIMINARY: 90,
}
"""From queuing to the deadline that counts; weekends of the working days included."""


def plan_of(town: Town, number: int) -> Plan:
    rng = town.rng
    lab = rng.choices(town.labs, LAB_SHARES)[0]
    stage = rng.choices(STAGES, _STAGE_SHARES)[0]
    public = rng.random() < 0.94
    if not public:
        stage = Stage.IDEA
    activity = rng.choices(_ACTIVITIES, _ACTIVITY_SHARES)[0] if public else Activity.ACTIVE
    if stage is Stage.SERVICE and activity is not Activity.ARCHIVED:
        activity = Activity.ACTIVE
    if stage is not Stage.IDEA and activity is Activity.WITHDRAWN:
        activity = Activity.ARCHIVED
    at = town.now - timedelta(minutes=rng.randrange(60, 900 * 24 * 60))
    state = _state(rng, stage, activity) if public else None
    allowed = _CLOCK_DAYS.get(state) if state else None
    age = max(1, (town.now - at).days)
    queued = town.now - timedelta(days=rng.uniform(0, min(age, (allowed or 120) * 1.15)))
    due = midnight(queued + timedelta(days=allowed)) if allowed else None
    alive = public and activity in (Activity.ACTIVE, Activity.REVIEW, Activity.HOLD)
    named = alive and stage in (Stage.CONCEPT, Stage.PROTOTYPE) and rng.random() < 0.4
    return Plan(
        id=number,
        lab=lab,
        language=LANGUAGES[lab - 1],
        challenge=rng.choice(town.challenges[lab]) if rng.random() < 0.6 else None,
        author=rng.choice(town.residents),
        lead=rng.choice(town.staff[lab][Role.LEAD]) if stage is not Stage.IDEA or state else None,
        unit=rng.choice(town.units[lab]),
        stage=stage,
        activity=activity,
        publication=Publication.PUBLISHED if public else rng.choice(_HIDDEN),
        at=at,
        waits=queued if state else at,
        state=state,
        queued=queued,
        due=due,
        next_by=midnight(town.now + timedelta(days=rng.uniform(-6, 60))) if named else None,
        supports=min(400, len(town.residents) - 1, int(rng.paretovariate(1.1) * 2)) if public else 0,
        comments=_comment_count(rng, number) if public else 0,
    )


def _comment_count(rng: random.Random, number: int) -> int:
    return DISCUSSION if number % DISCUSSED_EVERY == 0 else min(40, int(rng.expovariate(0.5)))


def _state(rng: random.Random, stage: Stage, activity: Activity) -> HandoffState | None:
    """Return how its handoff stands; ``None``: there is none, or it is closed."""
    if activity not in (Activity.ACTIVE, Activity.REVIEW, Activity.HOLD):
        return None
    if stage is Stage.IDEA and (activity is not Activity.REVIEW or rng.random() < 0.2):
        return None
    return rng.choice(_IN_HAND[stage])


def midnight(at: datetime) -> datetime:
    """Return the end of a day in Oslo's winter."""
    return at.replace(hour=23, minute=0, second=0, microsecond=0)


def title_of(number: int) -> str:
    pick = random.Random(number)
    return f"{' '.join(pick.choices(WORDS, k=3)).capitalize()} {place_of(number)} {number}"


def place_of(number: int) -> str:
    return STREETS[number * 7 % len(STREETS)]
