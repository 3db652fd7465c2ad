"""What a mail at once says besides what happened: why it reached this person, what to do, which button.

Two tables, by circle and by kind of event. Everything in them is a whole sentence in everyday words.
Source: rule N2, issue part 10.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _l

from livinglab.notices.rules.telling import Circle

STAFF = frozenset(Circle) - {Circle.FOLLOWERS, Circle.AUTHOR, Circle.WRITER}
"""Who may read a note to colleagues."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """What the words of a letter may know.

    Args:
        circle: Through which the reader is told.
        unit, lab: Names in the reader's language.
    """

    kind: str
    circle: Circle
    unit: object = ""
    lab: object = ""
    data: Mapping[str, Any] = field(default_factory=dict)


Words = Callable[[Addressed], object]


def _fixed(text: object) -> Words:
    return lambda _to: text


def _as_subject(to: Addressed) -> object:
    """Say what the reader has to do with an event that is about themself."""
    return {
        "handoff-assigned": _l("You work for %(unit)s, and it was given to you.", unit=to.unit),
        "handoff-reassigned": _l("You work for %(unit)s, and it was given to you.", unit=to.unit),
        "answer-returned": _l("You signed the answer for %(unit)s.", unit=to.unit),
        "proposal-returned": _l("You wrote the proposal."),
        "lead-named": _l("You have been named its project lead."),
    }.get(to.kind, _l("It is about you."))


WHY: dict[Circle, Words] = {
    Circle.FOLLOWERS: _fixed(_l("You follow the idea.")),
    Circle.AUTHOR: _fixed(_l("It is your idea.")),
    Circle.SUBJECT: _as_subject,
    Circle.LEAD: _fixed(_l("You are its project lead.")),
    Circle.UNIT: lambda to: _l("You work for %(unit)s.", unit=to.unit),
    Circle.ASSIGNEE: lambda to: _l("You have it in hand for %(unit)s.", unit=to.unit),
    Circle.DEPUTY: lambda to: _l("You are the deputy of %(unit)s.", unit=to.unit),
    Circle.OWNER: lambda to: _l("You are responsible for %(unit)s.", unit=to.unit),
    Circle.DECIDERS: _fixed(_l("You are one of those who decide at this gate.")),
    Circle.FACILITATORS: lambda to: _l("You are a facilitator in %(lab)s.", lab=to.lab),
    Circle.MANAGERS: lambda to: _l("You manage %(lab)s.", lab=to.lab),
}

_TAKE = _l("Take it, give it to a colleague, or send it back if another unit should have it.")
_NOTHING = _l("You need not do anything.")
_REPLY = _l("You can reply in the conversation under the idea.")


def _agree(to: Addressed) -> object:
    return _l(
        "Say whether %(unit)s will assess it. Agreeing means that you look at it, nothing more.", unit=to.unit
    )


def _of_clock(to: Addressed) -> object:
    """Say what meets the deadline that runs out."""
    return {
        "assign": _TAKE,
        "acknowledge": _agree(to),
        "preliminary": _l("Write a preliminary answer. It may be short: what you think and what comes next."),
        "decision": _l("Give the final answer, or move the deadline once with a public reason."),
    }.get(str(to.data.get("clock")), _l("Give the answer."))


def _late(to: Addressed) -> object:
    if to.circle is Circle.ASSIGNEE:
        return _of_clock(to)
    return _l("Help those who have it, or do it yourself. Everybody can see that it is late.")


def _decided(to: Addressed) -> object:
    outcome = to.data.get("outcome")
    if outcome == "decline":
        return _l("With new evidence, or 25 new supporters, it can be taken up again.")
    if outcome == "hold":
        return _l("On that day it is taken up again by itself.")
    if outcome == "rework":
        return _l("Read what is missing. You can change the text and answer in the conversation.")
    return _NOTHING


def _vacated(to: Addressed) -> object:
    if to.circle is Circle.MANAGERS:
        return _l("Nobody is left in %(unit)s. Invite somebody, or answer for the unit.", unit=to.unit)
    return _l("Take it, or give it to a colleague. Its deadlines stay as they are.")


DO: dict[str, Words] = {
    "idea-restored": _fixed(_NOTHING),
    "threshold-reached": _fixed(
        _l("A review opens by itself. Ask a receiving unit to assess the idea, and name a project lead.")
    ),
    "review-opened": _fixed(_l("See what the gate asks for, and gather what is missing.")),
    "decision-proposed": _fixed(_l("Read it and confirm exactly this text, or return it with a note.")),
    "proposal-returned": _fixed(_l("Read the note, and write the proposal anew.")),
    "proposal-vacated": _fixed(_l("Write a new proposal. What was written before can still be read.")),
    "decision-made": _decided,
    "hold-returned": _fixed(_l("Say what the next step is, who takes it and by when.")),
    "lead-named": _fixed(_l("Say what the next step is, who takes it and by when.")),
    "lead-vacated": _fixed(_l("Name a new project lead.")),
    "handoff-queued": _fixed(_TAKE),
    "handoff-assigned": _agree,
    "handoff-reassigned": _fixed(_l("Go on where your colleague left off. The deadlines stay as they are.")),
    "handoff-vacated": _vacated,
    "handoff-returned": lambda to: (
        _l("It has come back twice. Now you choose the unit, and it stays there.")
        if to.data.get("to_manager")
        else _l("Choose another unit. The clock and the notes go with it.")
    ),
    "handoff-waiting": _fixed(
        _l("Answer in the conversation under the idea. Until then their clock stands.")
    ),
    "handoff-reminded": _of_clock,
    "handoff-late": _late,
    "handoff-escalated": _late,
    "answer-written": _fixed(
        _l("Read it and publish it with your name as the second, or send it back with a note.")
    ),
    "answer-returned": _fixed(_l("Read the note, and write the answer anew.")),
    "answer-published": lambda to: _NOTHING if to.data.get("kind") == "receipt" else _REPLY,
    "answer-final": _fixed(_REPLY),
    "answer-corrected": _fixed(_l("Read the new text. The old one stays visible, struck through.")),
    "challenge-vacated": _fixed(_l("Choose somebody who works in the lab.")),
}

BUTTON: dict[str, object] = {
    "idea-restored": _l("Open your idea"),
    "threshold-reached": _l("Open the idea"),
    "review-opened": _l("Open the review"),
    "decision-proposed": _l("Read the proposal"),
    "proposal-returned": _l("Open the review"),
    "proposal-vacated": _l("Open the review"),
    "decision-made": _l("Read the decision"),
    "hold-returned": _l("Open the idea"),
    "lead-named": _l("Open the idea"),
    "lead-vacated": _l("Name a project lead"),
    "handoff-queued": _l("Open the handoff"),
    "handoff-assigned": _l("Open the handoff"),
    "handoff-reassigned": _l("Open the handoff"),
    "handoff-vacated": _l("Open the handoff"),
    "handoff-returned": _l("Choose a unit"),
    "handoff-waiting": _l("Answer the question"),
    "handoff-reminded": _l("Open the handoff"),
    "handoff-late": _l("Open the handoff"),
    "handoff-escalated": _l("Open the handoff"),
    "answer-written": _l("Read and publish"),
    "answer-returned": _l("Change the answer"),
    "answer-published": _l("Read the answer"),
    "answer-final": _l("Read the answer"),
    "answer-corrected": _l("Read the answer"),
    "challenge-vacated": _l("Choose who is responsible"),
}
PROPOSED: dict[str, object] = {
    "advance": _l("Proposed: it goes on to the next stage"),
    "rework": _l("Proposed: it is worked on again"),
    "hold": _l("Proposed: it is put on hold"),
    "decline": _l("Proposed: it is declined"),
}
WOULD_CHANGE = _l("What would change this")
DEADLINE_OF_TASK = frozenset(DO) - {
    "idea-restored",
    "decision-made",
    "answer-published",
    "answer-final",
    "answer-corrected",
    "challenge-vacated",
    "hold-returned",
    "lead-named",
    "lead-vacated",
}
"""Kinds whose reader owes something: their letter says by when, or that there is no date."""


def why(to: Addressed) -> object:
    """Say why the mail reached this person."""
    return WHY[to.circle](to)


def what_to_do(to: Addressed) -> object:
    """Say what the reader does next.

    Raises:
        KeyError: A kind that is never mailed at once.
    """
    return DO[to.kind](to)
