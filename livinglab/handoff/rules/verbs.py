"""Which verbs a person is offered for a handoff: the one next action first, then the rest."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Protocol

from livinglab.core.viewer import Viewer
from livinglab.handoff.models import AnswerKind
from livinglab.handoff.rules.answers import AnswerLike, why_not_answer, why_not_confirm, why_not_edit_answer
from livinglab.handoff.rules.moves import (
    HandoffLike,
    Step,
    why_not_return,
    why_not_route_again,
    why_not_step,
)
from livinglab.ideas.models import Stage


class Verb(StrEnum):
    """A link or button of this room."""

    ROUTE_AGAIN = "route_again"
    TAKE = "take"
    ASSIGN = "assign"
    ACKNOWLEDGE = "acknowledge"
    PRELIMINARY = "preliminary"
    FINAL = "final"
    READ_REPLIES = "read_replies"
    SIGN = "sign"
    REWRITE = "rewrite"
    RECEIPT = "receipt"
    BEGIN = "begin"
    WAIT = "wait"
    RESUME = "resume"
    EXTEND = "extend"
    RETURN = "return"
    REASSIGN = "reassign"
    OPEN = "open"


FIRST = (
    Verb.ROUTE_AGAIN,
    Verb.TAKE,
    Verb.ASSIGN,
    Verb.ACKNOWLEDGE,
    Verb.PRELIMINARY,
    Verb.FINAL,
    Verb.READ_REPLIES,
    Verb.SIGN,
    Verb.REWRITE,
)
"""What may stand as the one main action; anything else waits under "More"."""


def first_and_rest(verbs: tuple[Verb, ...]) -> tuple[Verb, tuple[Verb, ...]]:
    """Split verbs into the next action (``open`` where nothing is urgent) and the rest."""
    if verbs and verbs[0] in FIRST:
        return verbs[0], verbs[1:]
    return Verb.OPEN, verbs


class Facts(HandoffLike, Protocol):
    """What the choice of verbs asks of a handoff besides."""

    @property
    def assignee_id(self) -> int | None: ...


def verbs_for(
    handoff: Facts,
    viewer: Viewer,
    *,
    stage: Stage,
    lead_id: int | None,
    authors: Collection[int],
    pending: AnswerLike | None,
    has_receipt: bool,
    has_room: bool,
) -> tuple[Verb, ...]:
    """Return what the person can do, the next action first; every one of them is allowed by its own rule.

    Args:
        pending: An answer that is written and not published.
        has_room: Whether the unit is below its limit (rule H5).
    """
    about_pending = _about_pending(handoff, viewer, pending, lead_id=lead_id, authors=authors)
    urgent = pending is not None and (Verb.SIGN in about_pending or bool(pending.returned_note))
    found = [
        *(about_pending if urgent else ()),
        *_queue_verbs(handoff, viewer, has_room=has_room),
    ]
    answers = {
        kind
        for kind in (AnswerKind.RECEIPT, AnswerKind.PRELIMINARY, AnswerKind.FINAL)
        if not why_not_answer(
            kind, handoff, viewer, authors=authors, waiting=pending is not None, has_receipt=has_receipt
        )
    }
    if handoff.waits and not why_not_step(Step.RESUME, handoff, viewer):
        found += [Verb.READ_REPLIES, Verb.RESUME]
    if AnswerKind.PRELIMINARY in answers:
        found.append(Verb.PRELIMINARY)
    if AnswerKind.FINAL in answers:
        found.append(Verb.FINAL)
    if AnswerKind.RECEIPT in answers:
        found.append(Verb.RECEIPT)
    plain = {Step.BEGIN: Verb.BEGIN, Step.WAIT: Verb.WAIT, Step.EXTEND: Verb.EXTEND}
    found += [verb for step, verb in plain.items() if not why_not_step(step, handoff, viewer)]
    if handoff.assignee_id is not None and not why_not_step(Step.REASSIGN, handoff, viewer):
        found.append(Verb.REASSIGN)
    if not why_not_return(handoff, viewer, stage=stage):
        found.append(Verb.RETURN)
    return (*found, *(() if urgent else about_pending))


def _about_pending(
    handoff: Facts,
    viewer: Viewer,
    pending: AnswerLike | None,
    *,
    lead_id: int | None,
    authors: Collection[int],
) -> list[Verb]:
    if pending is None:
        return []
    if not why_not_confirm(pending, handoff, viewer, lead_id=lead_id, authors=authors):
        return [Verb.SIGN]
    if not why_not_edit_answer(pending, handoff, viewer):
        return [Verb.REWRITE]
    return []


def _queue_verbs(handoff: Facts, viewer: Viewer, *, has_room: bool) -> list[Verb]:
    found = []
    if not why_not_route_again(handoff, viewer):
        found.append(Verb.ROUTE_AGAIN)
    vacant = handoff.assignee_id is None and not why_not_step(Step.REASSIGN, handoff, viewer)
    if vacant or not why_not_step(Step.ASSIGN, handoff, viewer):
        is_member = handoff.unit_id in viewer.units
        if is_member:
            found.append(Verb.TAKE)
        if is_member or has_room or vacant:  # what is in hand already adds nothing to the load
            found.append(Verb.ASSIGN)
    if not why_not_step(Step.ACKNOWLEDGE, handoff, viewer):
        found.append(Verb.ACKNOWLEDGE)
    return found
