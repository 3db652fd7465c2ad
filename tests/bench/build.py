"""A town of any size in an empty database, for measuring: quick, the same for the same seed.

``build(database, ideas=100_000)`` fills labs, people, challenges, units, ideas with their supports,
comments, credits, followers, reviews, proposals, decisions, handoffs, answers, open moderation cases,
journal and what search reads, so that counters equal a recount (I-3), stages follow the table of moves (I-6) and deadlines are
those of the rules. By hand: ``python -m tests.bench.build URL [IDEAS]``.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from rapidfuzz.utils import default_process

from livinglab.core import schema
from livinglab.core.db import Database
from livinglab.core.journal import Event
from livinglab.core.text import grams, stems, to_plain
from livinglab.core.viewer import Role
from livinglab.handoff.models import Answer, AnswerKind, Handoff, HandoffState, Outcome
from livinglab.ideas.models import (
    RING,
    Activity,
    Comment,
    CommentKind,
    Credit,
    CreditKind,
    Follow,
    Idea,
    IdeaCount,
    IdeaVersion,
    Publication,
    Stage,
)
from livinglab.labs.models import (
    Category,
    Challenge,
    ChallengeState,
    Lab,
    LabSettings,
    ReceivingUnit,
    UnitMember,
)
from livinglab.moderation.models import Case, Source
from livinglab.people.models import Person, RoleGrant
from livinglab.pipeline.models import (
    DecisionOutcome,
    DeclineCode,
    Door,
    GateDecision,
    Proposal,
    ProposalState,
    Review,
)
from livinglab.voting.models import Support
from tests.bench.bulk import Bar, Bulk, bulk

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


def build(
    database: Database, *, ideas: int = 100_000, seed: int = 1, now: datetime = NOW, progress: bool = True
) -> dict[str, int]:
    """Fill a migrated, empty database with a town.

    Args:
        ideas: How many ideas; residents are a fifth of them, at least 500.
        seed: The same seed gives the same town.
        now: The instant by which deadlines are in time or late.

    Returns:
        Rows by table.
    """
    town = Town(random.Random(seed), now)  # a town, not a secret
    bar = Bar(f"{ideas:,} ideas", 12) if progress else Bar("", 12, out=_Silent())
    with bulk(database) as write:
        bar.step("people")
        _people(write, town, max(500, ideas // 5))
        bar.step("plan")
        plans = [_plan(town, number) for number in range(1, ideas + 1)]
        for name, part in (
            ("ideas", _ideas),
            ("search", _search),
            ("supports", _supports),
            ("comments", _comments),
            ("circles", _circles),
            ("reviews", _reviews),
            ("handoffs", _handoffs),
            ("cases", _cases),
            ("journal", _journal),
        ):
            bar.step(name)
            part(write, town, plans)
        bar.step("statistics")
        counts = write.counts
    bar.end()
    return counts


class _Silent:
    def isatty(self) -> bool:
        return False


def _people(write: Bulk, town: Town, residents: int) -> None:
    """Write labs with their settings, units, staff, challenges and categories, and the residents."""
    crew = FACILITATORS + LEADS + MANAGERS + UNITS * 3
    staff_first = residents + 1
    town.residents = range(1, residents + 1)
    old = town.now - 900 * DAY
    everybody = residents + crew * len(LAB_SHARES)
    write.write(
        Person(name="", language="nb", trust=1, email_confirmed_at=old, created_at=old),
        ("id", "name", "email", "mail_key"),
        ((n, f"Person {n}", f"person{n}@bench.example", f"key{n}") for n in range(1, everybody + 1)),
    )
    grants: list[tuple[int, int, Role]] = []
    members: list[tuple[int, int]] = []
    for index in range(len(LAB_SHARES)):
        lab, at = index + 1, staff_first + index * crew
        town.labs.append(lab)
        town.staff[lab] = {}
        for role, many in (
            (Role.FACILITATOR, FACILITATORS),
            (Role.LEAD, LEADS),
            (Role.MANAGER, MANAGERS),
        ):
            town.staff[lab][role] = list(range(at, at + many))
            grants += [(person, lab, role) for person in town.staff[lab][role]]
            at += many
        town.units[lab] = [index * UNITS + n for n in range(1, UNITS + 1)]
        for unit in town.units[lab]:
            town.members[unit] = [at, at + 1, at + 2]
            members += [(unit, person) for person in town.members[unit]]
            at += 3
        town.challenges[lab] = [index * CHALLENGES + n for n in range(1, CHALLENGES + 1)]
        town.categories[lab] = [index * CATEGORIES + n for n in range(1, CATEGORIES + 1)]
    _labs(write, town, old)
    write.write(
        RoleGrant(person_id=0, lab_id=0, role=Role.LEAD, granted_at=old),
        ("person_id", "lab_id", "role"),
        grants,
    )
    write.write(UnitMember(unit_id=0, person_id=0, since=old), ("unit_id", "person_id"), members)


def _labs(write: Bulk, town: Town, old: datetime) -> None:
    write.write(
        Lab(slug="", name="", languages=[], timezones=["Europe/Oslo"], country="NO", created_at=old),
        ("id", "slug", "name", "languages"),
        ((lab, f"bench-{lab}", f"Lab {lab}", [LANGUAGES[lab - 1], "en"]) for lab in town.labs),
    )
    write.write(LabSettings(lab_id=0), ("lab_id",), ((lab,) for lab in town.labs))
    write.write(
        ReceivingUnit(lab_id=0, name={}, limit_in_progress=500),
        ("id", "lab_id", "name", "owner_id", "deputy_id"),
        (
            (unit, lab, {LANGUAGES[lab - 1]: f"Unit {unit}"}, town.members[unit][0], town.members[unit][1])
            for lab in town.labs
            for unit in town.units[lab]
        ),
    )
    write.write(
        Category(lab_id=0, slug="", name={}),
        ("id", "lab_id", "slug", "name"),
        (
            (number, lab, f"topic-{number}", {LANGUAGES[lab - 1]: f"Topic {number}"})
            for lab in town.labs
            for number in town.categories[lab]
        ),
    )
    write.write(
        Challenge(
            lab_id=0,
            state=ChallengeState.OPEN,
            title={},
            threshold=25,
            opens_at=old,
            opened_at=old,
            closes_at=town.now + 60 * DAY,
            counts_from=old,
            created_at=old,
        ),
        ("id", "lab_id", "title", "responsible_id", "deputy_id"),
        (
            (number, lab, {LANGUAGES[lab - 1]: f"Challenge {number}"}, *town.staff[lab][Role.MANAGER])
            for lab in town.labs
            for number in town.challenges[lab]
        ),
    )


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


def _plan(town: Town, number: int) -> Plan:
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
    due = _midnight(queued + timedelta(days=allowed)) if allowed else None
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
        next_by=_midnight(town.now + timedelta(days=rng.uniform(-6, 60))) if named else None,
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


def _midnight(at: datetime) -> datetime:
    """Return the end of a day in Oslo's winter."""
    return at.replace(hour=23, minute=0, second=0, microsecond=0)


def _title(number: int) -> str:
    pick = random.Random(number)
    return f"{' '.join(pick.choices(WORDS, k=3)).capitalize()} {_place(number)} {number}"


def _place(number: int) -> str:
    return STREETS[number * 7 % len(STREETS)]


_SUMMARY = "A small step that helps many."
_BODY = "We meet here every week and it is dark. A small step would help many. " * 3
_GAINS = "Everybody who lives nearby"


def _ideas(write: Bulk, town: Town, plans: list[Plan]) -> None:
    write.write(
        Idea(
            lab_id=0,
            language="",
            title="",
            summary=_SUMMARY,
            body=_BODY,
            gains=_GAINS,
            created_at=town.now,
            edited_at=town.now,
        ),
        (
            "id", "lab_id", "challenge_id", "category_id", "author_id", "lead_id", "language", "title",
            "place", "stage", "activity", "publication", "published_at", "created_at", "edited_at", "submitted_at",
            "stage_since", "waits_since", "due_at", "late_since", "next_step", "next_who", "next_by",
            "hold_until", "decline_code", "ring",
        ),
        (_idea(town, plan) for plan in plans),
    )  # fmt: skip
    write.write(
        IdeaVersion(
            idea_id=0, number=1, publication=Publication.PUBLISHED, title="", body=_BODY, written_at=town.now
        ),
        ("idea_id", "title", "person_id", "written_at"),
        ((plan.id, _title(plan.id), plan.author, plan.at) for plan in plans),
    )


def _idea(town: Town, plan: Plan) -> tuple[object, ...]:
    rng = town.rng
    public = plan.publication is Publication.PUBLISHED
    due = min((d for d in (plan.due, plan.next_by) if d), default=None)
    return (
        plan.id,
        plan.lab,
        plan.challenge,
        rng.choice(town.categories[plan.lab]),
        plan.author,
        plan.lead,
        plan.language,
        _title(plan.id),
        _place(plan.id),
        plan.stage,
        plan.activity,
        plan.publication,
        plan.at if public else None,
        plan.at,
        plan.at,
        plan.at,
        plan.waits,
        plan.waits if public else None,
        due,
        plan.due if plan.due and plan.due < town.now else None,
        "Try it on two evenings" if plan.next_by else "",
        "",
        plan.next_by.date() if plan.next_by else None,
        (town.now + 30 * DAY).date() if plan.activity is Activity.HOLD else None,
        DeclineCode.TOO_COSTLY.value if plan.activity is Activity.DECLINED else None,
        rng.randrange(RING),
    )


def _search(write: Bulk, town: Town, plans: list[Plan]) -> None:
    """Write what search and likeness hold of the public ideas, as ``reindex_idea`` would.

    Source: ``livinglab.ideas.commands.indexing``.
    """
    public = [plan for plan in plans if plan.publication is Publication.PUBLISHED]
    same = {
        code: " ".join(stems(" ".join((_SUMMARY, to_plain(_BODY), _GAINS)), code)) for code in set(LANGUAGES)
    }
    places = {(street, code): " ".join(stems(street, code)) for street in STREETS for code in same}
    write.search(
        (plan.id, " ".join(stems(_title(plan.id), plan.language)),
         f"{same[plan.language]} {places[_place(plan.id), plan.language]}")
        for plan in public
    )  # fmt: skip
    if write.sqlite:
        write.likeness((plan.id, default_process(_title(plan.id))) for plan in public)
    else:
        write.likeness((plan.id, grams(_title(plan.id))) for plan in public)


def _supports(write: Bulk, town: Town, plans: list[Plan]) -> None:
    """Give supports to distinct residents, never the author, so that counters equal a recount."""
    many = len(town.residents)

    def rows() -> Iterator[tuple[object, ...]]:
        for plan in plans:
            first, step = town.rng.randrange(many), 1 + 2 * town.rng.randrange(many // 2)
            seen: set[int] = {plan.author}
            person = first
            while len(seen) <= plan.supports:
                person = (person + step) % many
                if person + 1 not in seen:
                    seen.add(person + 1)
                    yield plan.id, person + 1, plan.at
                elif person == first:
                    step = 1

    write.write(Support(idea_id=0, person_id=0, given_at=town.now, counts=True, staff=False),
                ("idea_id", "person_id", "given_at"), rows())  # fmt: skip
    write.write(
        IdeaCount(idea_id=0, followers=1),
        ("idea_id", "supports", "comments"),
        ((plan.id, plan.supports, plan.comments) for plan in plans),
    )


def _comments(write: Bulk, town: Town, plans: list[Plan]) -> None:
    kinds = tuple(CommentKind)
    pick = town.rng.choice
    write.write(
        Comment(
            idea_id=0,
            kind=CommentKind.BUILD_ON,
            body="",
            language="nb",
            publication=Publication.PUBLISHED,
            created_at=town.now,
        ),
        ("idea_id", "author_id", "kind", "body", "created_at"),
        (
            (plan.id, pick(town.residents), pick(kinds), f"Yes, and bring {pick(WORDS)}.", plan.at + n * DAY)
            for plan in plans
            for n in range(plan.comments)
        ),
    )


def _circles(write: Bulk, town: Town, plans: list[Plan]) -> None:
    write.write(
        Credit(idea_id=0, person_id=0, kind=CreditKind.AUTHOR, given_at=town.now),
        ("idea_id", "person_id", "given_at"),
        ((plan.id, plan.author, plan.at) for plan in plans),
    )
    write.write(
        Follow(idea_id=0, person_id=0, since=town.now),
        ("idea_id", "person_id", "since"),
        ((plan.id, plan.author, plan.at) for plan in plans),
    )


def _gates(plan: Plan) -> Iterator[tuple[int, DecisionOutcome | None]]:
    """Yield the gates of an idea with their outcome: what was passed, then what is open or declined."""
    at = STAGES.index(plan.stage)
    for gate in range(1, at + 1):
        yield gate, DecisionOutcome.ADVANCE
    if plan.activity is Activity.REVIEW:
        yield at + 1, None
    elif plan.activity is Activity.HOLD:
        yield at + 1, DecisionOutcome.HOLD
    elif plan.activity is Activity.DECLINED:
        yield at + 1, DecisionOutcome.DECLINE


def _reviews(write: Bulk, town: Town, plans: list[Plan]) -> None:
    """Write each gate's review with its proposal, and its decision where there is one."""
    reviews, proposals, decisions = [], [], []
    number = 0
    for plan in plans:
        if plan.publication is not Publication.PUBLISHED:
            continue
        staff = town.staff[plan.lab]
        for gate, outcome in _gates(plan):
            number += 1
            opened = plan.at + (town.now - plan.at) * gate / 5
            closed = opened + DAY if outcome else None
            door = Door.THRESHOLD if gate == 1 else Door.REQUEST
            reviews.append((number, plan.id, plan.lab, gate, door, opened, closed))
            if outcome is None and town.rng.random() > 0.4:
                continue
            writer, second = staff[Role.MANAGER]
            settled = ProposalState.CONFIRMED if outcome else ProposalState.OPEN
            meant = outcome or DecisionOutcome.ADVANCE
            proposals.append((number, number, settled, meant, writer, opened))
            if outcome is not None:
                source = STAGES[gate - 1]
                target = STAGES[gate] if outcome is DecisionOutcome.ADVANCE else source
                decisions.append(
                    (number, number, plan.id, plan.lab, gate, outcome, source, target, writer, second, closed)
                )
    why = "The need is real and the unit wants to look at it."
    write.write(Review(idea_id=0, lab_id=0, gate=1, door=Door.THRESHOLD, opened_at=town.now),
                ("id", "idea_id", "lab_id", "gate", "door", "opened_at", "closed_at"), reviews)  # fmt: skip
    write.write(
        Proposal(review_id=0, outcome=DecisionOutcome.ADVANCE, reason=why, by_id=0, written_at=town.now),
        ("id", "review_id", "state", "outcome", "by_id", "written_at"),
        proposals,
    )
    write.write(
        GateDecision(
            review_id=0, proposal_id=0, idea_id=0, lab_id=0, gate=1, outcome=DecisionOutcome.ADVANCE,
            from_stage=Stage.IDEA, to_stage=Stage.CONCEPT, reason=why, proposed_by=0, decided_at=town.now,
        ),
        (
            "review_id", "proposal_id", "idea_id", "lab_id", "gate", "outcome", "from_stage", "to_stage",
            "proposed_by", "confirmed_by", "decided_at",
        ),
        decisions,
    )  # fmt: skip


_UNASSIGNED = (HandoffState.QUEUED,)
_ANSWERED = {HandoffState.PRELIMINARY: AnswerKind.PRELIMINARY, HandoffState.DECIDED: AnswerKind.FINAL}
_ACCEPTED = (
    HandoffState.DECIDED,
    HandoffState.DELIVERY,
    HandoffState.DELIVERED,
    HandoffState.FOLLOWED_UP,
    HandoffState.CLOSED,
)


def _handoffs(write: Bulk, town: Town, plans: list[Plan]) -> None:
    """Write open handoffs, and closed ones of what was declined or archived after gate 1."""
    rows: list[tuple[object, ...]] = []
    answers = []
    for plan in plans:
        state = plan.state
        if state is None and plan.stage is not Stage.IDEA:
            state = HandoffState.CLOSED
        if state is None:
            continue
        number = len(rows) + 1
        rows.append(_handoff(town, plan, number, state))
        if kind := _ANSWERED.get(state, AnswerKind.FINAL if state in _ACCEPTED else None):
            signer = town.members[plan.unit][0]
            outcome = Outcome.ACCEPTED if kind is AnswerKind.FINAL else None
            at = plan.queued + 5 * DAY
            answers.append((number, plan.id, kind, outcome, signer, at, min(at, town.now)))
    write.write(
        Handoff(
            idea_id=0,
            lab_id=0,
            queued_at=town.now,
            assign_due=town.now,
            preliminary_due=town.now,
            decision_due=town.now,
        ),
        (
            "id", "idea_id", "lab_id", "unit_id", "state", "queued_at", "assignee_id", "assigned_at",
            "acknowledged_at", "acknowledge_due", "preliminary_at", "decided_at", "outcome", "assign_due",
            "preliminary_due", "decision_due", "due_at", "answer_seconds", "late_since", "closed_at",
            "close_reason",
        ),
        rows,
    )  # fmt: skip
    write.write(
        Answer(
            handoff_id=0,
            idea_id=0,
            kind=AnswerKind.FINAL,
            language="nb",
            title="We will try it",
            body="We take it on and tell you how it goes.",
            signer_id=0,
            written_at=town.now,
        ),
        ("handoff_id", "idea_id", "kind", "outcome", "signer_id", "written_at", "published_at"),
        answers,
    )


def _handoff(town: Town, plan: Plan, number: int, state: HandoffState) -> tuple[object, ...]:
    free = state in _UNASSIGNED
    agreed = not free and state is not HandoffState.ASSIGNED
    decided = state in _ACCEPTED
    closed = state is HandoffState.CLOSED
    first = plan.queued + 5 * DAY if decided or state is HandoffState.PRELIMINARY else None
    return (
        number,
        plan.id,
        plan.lab,
        plan.unit,
        state,
        plan.queued,
        None if free else town.rng.choice(town.members[plan.unit]),
        None if free else plan.queued,
        plan.queued if agreed else None,
        None if free else _midnight(plan.queued + 7 * DAY),
        first,
        first if decided else None,
        Outcome.ACCEPTED if decided else None,
        _midnight(plan.queued + 5 * DAY),
        _midnight(plan.queued + 30 * DAY),
        _midnight(plan.queued + 90 * DAY),
        plan.due,
        5 * 86_400 if first else None,
        plan.due if plan.due and plan.due < town.now else None,
        plan.queued + 60 * DAY if closed else None,
        plan.activity.value if closed else "",
    )


def _cases(write: Bulk, town: Town, plans: list[Plan]) -> None:
    write.write(
        Case(lab_id=0, idea_id=0, source=Source.NEW, opened_at=town.now, due_at=town.now),
        ("lab_id", "idea_id", "opened_at", "due_at"),
        (
            (plan.lab, plan.id, plan.at, _midnight(plan.at + 2 * DAY))
            for plan in plans
            if plan.publication is Publication.PENDING
        ),
    )


def _journal(write: Bulk, town: Town, plans: list[Plan]) -> None:
    """Write the story: shared, reviewed, decided, handed over, answered, commented."""

    def rows() -> Iterator[tuple[object, ...]]:
        for plan in plans:
            if plan.publication is not Publication.PUBLISHED:
                continue
            where = (plan.lab, plan.challenge, plan.id)
            yield plan.at, "idea-published", *where, plan.author, True, {}
            for gate, outcome in _gates(plan):
                at = plan.at + (town.now - plan.at) * gate / 5
                yield at, "review-opened", *where, None, True, {"gate": gate, "door": "threshold"}
                if outcome is not None:
                    data = {"gate": gate, "outcome": outcome.value, "from": STAGES[gate - 1].value}
                    decider = town.staff[plan.lab][Role.MANAGER][1]
                    yield at + DAY, "decision-made", *where, decider, True, data
            if plan.state is not None:
                data = {"unit_id": plan.unit}
                yield plan.queued, "handoff-queued", *where, None, True, data
                if plan.state not in (HandoffState.QUEUED, HandoffState.ASSIGNED):
                    holder = town.members[plan.unit][0]
                    yield plan.queued, "handoff-acknowledged", *where, holder, True, data
            for n in range(plan.comments):
                author = town.rng.choice(town.residents)
                yield plan.at + n * DAY, "comment-published", *where, author, True, {"kind": "build_on"}

    write.write(
        Event(at=town.now, kind=""),
        ("at", "kind", "lab_id", "challenge_id", "idea_id", "actor_id", "public", "data"),
        rows(),
    )


def main() -> None:
    """Build from the command line."""
    url, ideas = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    database = Database(url)
    schema.upgrade(database)
    began = time.monotonic()
    counts = build(database, ideas=ideas)
    rows = sum(counts.values())
    print(f"{rows:,} rows in {time.monotonic() - began:.1f} s: {counts}")
    database.close()


if __name__ == "__main__":
    main()
