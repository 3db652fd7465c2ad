"""One sentence for every kind of event: in the story of an idea, in notices and in mails.

The table is the whole of it: a kind that is recorded and has no line here fails a test. Sentences hold
no code words; the values they need are resolved to names before they are asked. Source: issue part 10.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask_babel import format_date
from flask_babel import lazy_gettext as _l


@dataclass(frozen=True, slots=True)
class Told:
    """What a sentence may know of an event.

    Args:
        actor: Name of who did it as the byline allows, or "" where the clock did.
        unit: Name of the receiving unit it is about.
        person: Name of the other person it is about: the assignee, the lead.
        data: The event's plain values.
    """

    actor: object = ""
    unit: object = ""
    person: object = ""
    data: Mapping[str, Any] = field(default_factory=dict)


Write = Callable[[Told], object]


@dataclass(frozen=True, slots=True)
class Sentence:
    """How one kind of event is told.

    Args:
        icon: Name in the icon sprite.
        story: Whether it stands in the public story of its idea.
    """

    write: Write
    icon: str = "info"
    story: bool = True


STAGE_INTO: dict[str, object] = {
    "idea": _l("back to idea"),
    "concept": _l("concept"),
    "prototype": _l("prototype"),
    "service": _l("service"),
}
OUTCOMES: dict[str, object] = {
    "accepted": _l("accepted"),
    "accepted_changed": _l("accepted with changes"),
    "exists": _l("it already exists"),
    "not_now": _l("not now"),
    "declined": _l("declined"),
}
CLOCKS: dict[str, object] = {
    "assign": _l("naming somebody who assesses"),
    "acknowledge": _l("agreeing to assess"),
    "preliminary": _l("the preliminary answer"),
    "decision": _l("the final answer"),
}


def _day(value: object) -> str:
    if not value:
        return ""
    return str(format_date(date.fromisoformat(str(value)[:10]), "medium", rebase=False))


def _fixed(text: object) -> Write:
    return lambda _told: text


def _opened(told: Told) -> object:
    return {
        "threshold": _l("A review opened: the idea has enough support"),
        "monthly": _l("A review opened: among the best supported of the month"),
        "pick": _l("A review opened: picked by %(actor)s", actor=told.actor),
        "request": _l("A review opened: asked for by %(actor)s", actor=told.actor),
        "unit_answer": _l("A review opened after the receiving unit’s answer"),
        "reopened": _l("A review opened again"),
    }.get(str(told.data.get("door")), _l("A review opened"))


def _decided(told: Told) -> object:
    to = str(told.data.get("to"))
    outcome = told.data.get("outcome")
    if outcome == "advance":
        return {
            "concept": _l("Decided: the idea becomes a concept"),
            "prototype": _l("Decided: the concept becomes a prototype"),
            "service": _l("Decided: the prototype becomes a running service"),
        }.get(to, _l("Decided: it goes on"))
    if outcome == "rework":
        if to != str(told.data.get("from")):
            return {
                "idea": _l("Decided: back to idea, to be worked on"),
                "concept": _l("Decided: back to concept, to be worked on"),
            }.get(to, _l("Decided: to be worked on again"))
        return _l("Decided: to be worked on before it goes on")
    if outcome == "hold":
        return _l("Decided: on hold until %(day)s", day=_day(told.data.get("hold_until")))
    return _l("Decided: declined, with reasons")


def _answered(told: Told) -> object:
    kind, outcome = told.data.get("kind"), str(told.data.get("outcome") or "")
    if kind == "receipt":
        return _l("%(unit)s has received it", unit=told.unit)
    if kind == "preliminary":
        return _l("Preliminary answer from %(unit)s", unit=told.unit)
    said = {
        "accepted": _l("Final answer from %(unit)s: accepted", unit=told.unit),
        "accepted_changed": _l("Final answer from %(unit)s: accepted with changes", unit=told.unit),
        "exists": _l("Final answer from %(unit)s: it already exists", unit=told.unit),
        "not_now": _l("Final answer from %(unit)s: not now", unit=told.unit),
        "declined": _l("Final answer from %(unit)s: declined", unit=told.unit),
    }
    return said.get(outcome, _l("Final answer from %(unit)s", unit=told.unit))


def _late(told: Told) -> object:
    return {
        "assign": _l("Late: nobody has been named to assess it"),
        "acknowledge": _l("Late: %(unit)s has not agreed to assess it", unit=told.unit),
        "preliminary": _l("Late: the preliminary answer is missing"),
        "decision": _l("Late: the final answer is missing"),
    }.get(str(told.data.get("clock")), _l("Late: an answer is missing"))


def _seat_free(told: Told) -> object:
    title = told.data.get("title") or ""
    if told.data.get("seat") == "deputy":
        return _l("A challenge has no deputy any more: %(title)s", title=title)
    return _l("A challenge has nobody responsible any more: %(title)s", title=title)


def _reminded(told: Told) -> object:
    return {
        "assign": _l("Soon due: name somebody who assesses"),
        "acknowledge": _l("Soon due: say whether you will assess it"),
        "preliminary": _l("Soon due: the preliminary answer"),
        "decision": _l("Soon due: the final answer"),
    }.get(str(told.data.get("clock")), _l("Soon due: an answer"))


def _commented(told: Told) -> object:
    if told.data.get("reply"):
        return _l("%(actor)s replied", actor=told.actor)
    return {
        "build_on": _l("%(actor)s built on the idea", actor=told.actor),
        "concern": _l("%(actor)s raised a concern", actor=told.actor),
        "question": _l("%(actor)s asked a question", actor=told.actor),
        "problem": _l("%(actor)s found a problem", actor=told.actor),
        "experience": _l("%(actor)s shared an experience", actor=told.actor),
    }.get(str(told.data.get("kind")), _l("%(actor)s commented", actor=told.actor))


SENTENCES: dict[str, Sentence] = {
    # the idea; what is decided about a text is told to nobody but its author
    "idea-submitted": Sentence(lambda t: _l("%(actor)s sent it in", actor=t.actor), "send", story=False),
    "idea-called-back": Sentence(
        lambda t: _l("%(actor)s took it back before anything was decided", actor=t.actor), "undo", story=False
    ),
    "idea-published": Sentence(lambda t: _l("%(actor)s shared the idea", actor=t.actor), "plus"),
    "idea-returned": Sentence(_fixed(_l("Your idea was sent back to you with a note")), "undo", story=False),
    "idea-rejected": Sentence(_fixed(_l("Your idea was not published")), "declined", story=False),
    "idea-hidden": Sentence(_fixed(_l("Hidden, with reasons")), "shield"),
    "idea-removed": Sentence(_fixed(_l("Removed, with reasons")), "shield"),
    "idea-restored": Sentence(_fixed(_l("Visible again")), "eye"),
    "idea-edited": Sentence(
        lambda t: _l(
            "Version %(number)s: %(note)s",
            number=t.data.get("version") or t.data.get("number") or "",
            note=t.data.get("note") or _l("the text was changed"),
        ),
        "pen",
    ),
    "edit-returned": Sentence(_fixed(_l("Your change was sent back to you")), "undo", story=False),
    "edit-rejected": Sentence(_fixed(_l("Your change was not published")), "declined", story=False),
    "idea-withdrawn": Sentence(_fixed(_l("Withdrawn by the author")), "withdrawn"),
    "author-left": Sentence(_fixed(_l("The author left the idea to others")), "withdrawn"),
    "idea-reopened": Sentence(_fixed(_l("Taken up again")), "undo"),
    # the conversation
    "comment-published": Sentence(_commented, "comment", story=False),
    "comment-returned": Sentence(_fixed(_l("Your comment was sent back to you")), "undo", story=False),
    "comment-rejected": Sentence(_fixed(_l("Your comment was not published")), "declined", story=False),
    "comment-hidden": Sentence(_fixed(_l("Your comment was hidden")), "shield", story=False),
    "comment-removed": Sentence(_fixed(_l("Your comment was removed")), "shield", story=False),
    "comment-restored": Sentence(_fixed(_l("Your comment is visible again")), "eye", story=False),
    "comment-deleted": Sentence(_fixed(_l("A comment was deleted by its author")), "trash", story=False),
    "problem-resolved": Sentence(_fixed(_l("A problem that was found has been answered")), "check"),
    # support and gates
    "threshold-reached": Sentence(_fixed(_l("Enough people want a review")), "support"),
    "review-opened": Sentence(_opened, "review"),
    "evidence-added": Sentence(
        lambda t: _l("%(actor)s added evidence for the review", actor=t.actor), "document", story=False
    ),
    "evidence-withdrawn": Sentence(
        lambda t: _l("%(actor)s took evidence back", actor=t.actor), "undo", story=False
    ),
    "decision-proposed": Sentence(
        lambda t: _l("%(actor)s has proposed a decision; a second decider reads it", actor=t.actor),
        "review",
        story=False,
    ),
    "proposal-returned": Sentence(
        lambda t: _l("%(actor)s sent the proposed decision back", actor=t.actor), "undo", story=False
    ),
    "proposal-withdrawn": Sentence(
        lambda t: _l("%(actor)s took the proposed decision back", actor=t.actor), "undo", story=False
    ),
    "proposal-vacated": Sentence(
        _fixed(_l("A proposed decision fell: its writer no longer decides here")), "undo", story=False
    ),
    "decision-made": Sentence(_decided, "gate"),
    "hold-returned": Sentence(_fixed(_l("The hold is over: the idea is active again")), "active"),
    "lead-named": Sentence(lambda t: _l("%(person)s leads it from now on", person=t.person), "person"),
    "lead-vacated": Sentence(_fixed(_l("The idea has no project lead for now")), "person"),
    "next-step-set": Sentence(
        lambda t: _l("Next step: %(step)s", step=t.data.get("step") or t.data.get("text") or ""), "arrow"
    ),
    "next-step-done": Sentence(lambda t: _l("Done: %(step)s", step=t.data.get("step") or ""), "check"),
    "benefit-planned": Sentence(_fixed(_l("It is settled what the service is to change")), "chart"),
    "benefit-measured": Sentence(
        lambda t: _l("Measured: %(label)s", label=t.data.get("label") or ""), "chart"
    ),
    # the receiving unit
    "handoff-queued": Sentence(lambda t: _l("Handed over to %(unit)s", unit=t.unit), "hand"),
    "handoff-assigned": Sentence(
        lambda t: _l("%(person)s at %(unit)s looks at it", person=t.person, unit=t.unit), "person"
    ),
    "handoff-acknowledged": Sentence(lambda t: _l("%(unit)s agreed to assess it", unit=t.unit), "check"),
    "handoff-returned": Sentence(
        lambda t: _l("%(unit)s says it belongs to somebody else", unit=t.unit), "undo"
    ),
    "handoff-assessing": Sentence(lambda t: _l("%(unit)s has begun to assess it", unit=t.unit), "eye"),
    "handoff-extended": Sentence(
        lambda t: _l(
            "%(unit)s needs more time, until %(day)s",
            unit=t.unit,
            day=_day(t.data.get("until") or t.data.get("due")),
        ),
        "clock",
    ),
    "handoff-waiting": Sentence(
        lambda t: _l(
            "%(unit)s waits for the author until %(day)s", unit=t.unit, day=_day(t.data.get("until"))
        ),
        "hold",
    ),
    "handoff-moved": Sentence(
        lambda t: _l(
            "The time it was hidden does not count: the next deadline is %(day)s",
            day=_day(t.data.get("until")),
        ),
        "clock",
    ),
    "handoff-resumed": Sentence(lambda t: _l("%(unit)s goes on", unit=t.unit), "active"),
    "handoff-reassigned": Sentence(
        lambda t: _l("%(person)s at %(unit)s takes it over", person=t.person, unit=t.unit),
        "person",
        story=False,
    ),
    "handoff-vacated": Sentence(
        lambda t: _l("%(unit)s looks for somebody new to take it", unit=t.unit), "person", story=False
    ),
    "handoff-reminded": Sentence(_reminded, "clock", story=False),
    "handoff-late": Sentence(_late, "late"),
    "handoff-escalated": Sentence(_late, "late", story=False),
    "handoff-delivery": Sentence(lambda t: _l("%(unit)s has begun to deliver it", unit=t.unit), "work"),
    "handoff-delivered": Sentence(lambda t: _l("%(unit)s has delivered it", unit=t.unit), "check"),
    "handoff-followed-up": Sentence(lambda t: _l("%(unit)s has followed it up", unit=t.unit), "check"),
    "handoff-closed": Sentence(
        lambda t: _l("The handoff to %(unit)s is closed", unit=t.unit), "lock", story=False
    ),
    "answer-written": Sentence(
        lambda t: _l("%(actor)s has written an answer; a second person reads it", actor=t.actor),
        "document",
        story=False,
    ),
    "answer-withdrawn": Sentence(
        lambda t: _l("%(actor)s took an answer back", actor=t.actor), "undo", story=False
    ),
    "handoff-numbered": Sentence(
        lambda t: _l("%(unit)s noted its case number", unit=t.unit), "tag", story=False
    ),
    "answer-returned": Sentence(
        lambda t: _l("%(actor)s sent the answer back", actor=t.actor), "undo", story=False
    ),
    "answer-published": Sentence(_answered, "document"),
    "answer-final": Sentence(_answered, "document"),
    "answer-corrected": Sentence(lambda t: _l("%(unit)s corrected its answer", unit=t.unit), "pen"),
    # moderation
    "case-opened": Sentence(_fixed(_l("Something waits to be looked at")), "shield", story=False),
    "case-settled": Sentence(_fixed(_l("A moderation case was decided")), "shield", story=False),
    "report-made": Sentence(_fixed(_l("Somebody reported something")), "flag", story=False),
    "report-settled": Sentence(_fixed(_l("A report was looked at")), "shield", story=False),
    "appeal-made": Sentence(
        _fixed(_l("An author asks for a decision to be looked at again")), "shield", story=False
    ),
    "appeal-decided": Sentence(_fixed(_l("Your appeal has been decided")), "shield", story=False),
    # labs and challenges
    "challenge-opened": Sentence(
        lambda t: _l("A challenge opened: %(title)s", title=t.data.get("title") or ""), "flag", story=False
    ),
    "challenge-vacated": Sentence(_seat_free, "person", story=False),
    "challenge-closed": Sentence(
        lambda t: _l("A challenge closed: %(title)s", title=t.data.get("title") or ""), "flag", story=False
    ),
    "challenge-concluded": Sentence(
        lambda t: _l("A challenge was concluded: %(title)s", title=t.data.get("title") or ""),
        "flag",
        story=False,
    ),
}


def sentence(kind: str, told: Told) -> str:
    """Tell an event in the reader's language.

    Raises:
        KeyError: A kind without a sentence; a test finds these before anybody else does.
    """
    return str(SENTENCES[kind].write(told))
