"""What became of the ideas: reviews, handoffs, open cases and the journal."""

from __future__ import annotations

from collections.abc import Iterator

from livinglab.core.journal import Event
from livinglab.core.viewer import Role
from livinglab.handoff.models import Answer, AnswerKind, Handoff, HandoffState, Outcome
from livinglab.ideas.models import (
    Activity,
    Publication,
    Stage,
)
from livinglab.moderation.models import Case, Source
from livinglab.pipeline.models import (
    DecisionOutcome,
    Door,
    GateDecision,
    Proposal,
    ProposalState,
    Review,
)
from tests.bench.bulk import Bulk
from tests.bench.town.plan import DAY, STAGES, Plan, Town, midnight


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


def write_reviews(write: Bulk, town: Town, plans: list[Plan]) -> None:
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


def write_handoffs(write: Bulk, town: Town, plans: list[Plan]) -> None:
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
        None if free else midnight(plan.queued + 7 * DAY),
        first,
        first if decided else None,
        Outcome.ACCEPTED if decided else None,
        midnight(plan.queued + 5 * DAY),
        midnight(plan.queued + 30 * DAY),
        midnight(plan.queued + 90 * DAY),
        plan.due,
        5 * 86_400 if first else None,
        plan.due if plan.due and plan.due < town.now else None,
        plan.queued + 60 * DAY if closed else None,
        plan.activity.value if closed else "",
    )


def write_cases(write: Bulk, town: Town, plans: list[Plan]) -> None:
    write.write(
        Case(lab_id=0, idea_id=0, source=Source.NEW, opened_at=town.now, due_at=town.now),
        ("lab_id", "idea_id", "opened_at", "due_at"),
        (
            (plan.lab, plan.id, plan.at, midnight(plan.at + 2 * DAY))
            for plan in plans
            if plan.publication is Publication.PENDING
        ),
    )


def write_journal(write: Bulk, town: Town, plans: list[Plan]) -> None:
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
