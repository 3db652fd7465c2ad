"""Official answers: who may sign, who publishes, and whether they can be read. Source: rule H4."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Protocol

from flask_babel import lazy_gettext as _l

from livinglab.core.errors import Forbidden, Refused
from livinglab.core.text import to_plain
from livinglab.core.viewer import Role, Viewer
from livinglab.handoff.models import AnswerKind, Outcome
from livinglab.handoff.rules.moves import (
    HandoffLike,
    Step,
    changed_meanwhile,
    may_see,
    no_such_handoff,
    why_not_step,
    works_for,
)

LIX_HARD, JUDGED_FROM = 50, 20
STEP_OF = {
    AnswerKind.RECEIPT: Step.RECEIPT,
    AnswerKind.PRELIMINARY: Step.PRELIMINARY,
    AnswerKind.FINAL: Step.FINAL,
}


class AnswerLike(Protocol):
    """What a rule asks of an answer."""

    @property
    def kind(self) -> AnswerKind: ...
    @property
    def signer_id(self) -> int: ...
    @property
    def stamp(self) -> int: ...
    @property
    def is_published(self) -> bool: ...
    @property
    def returned_note(self) -> str: ...


def _own_idea(viewer: Viewer, authors: Collection[int]) -> Refused | None:
    if viewer.person_id in authors:
        return Forbidden("own-idea", _l("This is your own idea, so a colleague gives the official answer."))
    return None


def why_not_answer(
    kind: AnswerKind,
    handoff: HandoffLike,
    viewer: Viewer,
    *,
    authors: Collection[int],
    waiting: bool,
    has_receipt: bool = False,
) -> Refused | None:
    """Say why this person cannot write this answer now.

    Args:
        authors: Ids of the idea's authors; nobody answers officially to themselves.
        waiting: Whether another answer of the handoff still waits for its second person.
    """
    problem = why_not_step(STEP_OF[kind], handoff, viewer) or _own_idea(viewer, authors)
    if problem is not None:
        return problem
    if waiting:
        return answer_already_waits()
    if kind is AnswerKind.RECEIPT and has_receipt:
        return Refused(
            "receipt-given", _l("A receipt has been given already. Give a preliminary or a final answer.")
        )
    return None


def answer_already_waits() -> Refused:
    """Return the answer to a second answer beside one that is not published yet."""
    return Refused(
        "answer-waits",
        _l("An answer of this handoff is not published yet. Publish it, change it or take it back first."),
    )


def why_not_outcome(kind: AnswerKind, outcome: Outcome | None) -> Refused | None:
    """Say why kind and outcome do not go together: a final answer names one, no other does."""
    if kind is AnswerKind.FINAL and outcome is None:
        return Refused("no-outcome", _l("Choose what the unit has decided."), field="outcome")
    if kind is not AnswerKind.FINAL and outcome is not None:
        return Refused("outcome-too-soon", _l("Only a final answer carries a decision."), field="outcome")
    return None


def why_not_correct(
    answer: AnswerLike, handoff: HandoffLike, viewer: Viewer, *, authors: Collection[int], waiting: bool
) -> Refused | None:
    """Say why this person cannot correct a published answer."""
    if not may_see(viewer, handoff):
        return no_such_handoff()
    if not works_for(viewer, handoff.lab_id, handoff.unit_id):
        return Forbidden(
            "not-yours", _l("Only members of the receiving unit and the lab manager can do this.")
        )
    if not answer.is_published:
        return Refused(
            "not-published", _l("This answer is not published yet: change it instead of correcting it.")
        )
    if answer.kind is AnswerKind.CORRECTION:
        return Refused(
            "corrects-correction", _l("Correct the answer itself; its newest text is the one that counts.")
        )
    return _own_idea(viewer, authors) or (answer_already_waits() if waiting else None)


def needs_second(kind: AnswerKind, *, corrects: AnswerKind | None, lab_wants_it: bool) -> bool:
    """Say whether a second person publishes this answer: a final one, or the correction of one."""
    return lab_wants_it and AnswerKind.FINAL in (kind, corrects)


def _is_second(handoff: HandoffLike, viewer: Viewer, lead_id: int | None) -> bool:
    """Say whether the person is of the circle that publishes: the unit, the idea's lead, the manager."""
    is_lead = viewer.person_id is not None and viewer.person_id == lead_id
    return (is_lead and viewer.has(handoff.lab_id, Role.LEAD)) or works_for(
        viewer, handoff.lab_id, handoff.unit_id
    )


def why_not_confirm(
    answer: AnswerLike,
    handoff: HandoffLike,
    viewer: Viewer,
    *,
    lead_id: int | None,
    authors: Collection[int],
    stamp: int | None = None,
) -> Refused | None:
    """Say why this person cannot publish, or return, an answer somebody else has written. Source: rule H4.

    Args:
        stamp: Of the answer as the person read it; ``None`` where only the button is drawn.
    """
    if not may_see(viewer, handoff):
        return no_such_handoff()
    if answer.is_published:
        return Refused("already-published", _l("This answer is published already."))
    if not _is_second(handoff, viewer, lead_id):
        return Forbidden(
            "not-a-second",
            _l("A second person of the unit, the idea’s project lead or the lab manager publishes it."),
        )
    if viewer.person_id == answer.signer_id:
        return Forbidden("own-answer", _l("You have written this answer, so somebody else publishes it."))
    if answer.returned_note:
        return Refused("was-returned", _l("This answer went back to its writer and waits for a new text."))
    if stamp is not None and stamp != answer.stamp:
        return answer_changed()
    return _own_idea(viewer, authors)


ANNOUNCED = {
    AnswerKind.PRELIMINARY: ("preliminary answer", "foreløpig svar", "preliminärt svar", "alustava vastaus"),
    AnswerKind.FINAL: ("final answer", "endelig svar", "slutligt svar", "lopullinen vastaus"),
}
"""How the languages of the interface call the answers."""


def is_announced(step: str, kind: AnswerKind) -> bool:
    """Say whether a named step is the answer that has come now; a final answer ends the earlier one, too."""
    over = (AnswerKind.PRELIMINARY, AnswerKind.FINAL) if kind is AnswerKind.FINAL else (kind,)
    words = tuple(word for one in over for word in ANNOUNCED.get(one, ()))
    return bool(words) and step.strip().casefold().startswith(words)


def answer_changed() -> Refused:
    """Return the answer to somebody who read an older text."""
    return Refused(
        "answer-changed", _l("The text has been changed since you opened it. Read it again first.")
    )


def why_not_edit_answer(answer: AnswerLike, handoff: HandoffLike, viewer: Viewer) -> Refused | None:
    """Say why this person cannot change or take back an answer that is not published yet."""
    if not may_see(viewer, handoff):
        return no_such_handoff()
    if answer.is_published:
        return Refused(
            "already-published",
            _l("This answer is published. Correct it instead: the old text stays visible."),
        )
    if viewer.person_id != answer.signer_id or not works_for(viewer, handoff.lab_id, handoff.unit_id):
        return Forbidden("not-yours", _l("Only the person who signs the answer can change it."))
    return None


def why_not_stamp(mine: int | None, theirs: int) -> Refused | None:
    """Say why a step on an older stamp is refused."""
    return None if mine is None or mine == theirs else changed_meanwhile()


def lix(text: str) -> int:
    """Return how hard a text is to read: words a sentence, plus the share of words over six letters.

    Below 30 very easy, 40 easy, 50 middling (newspapers), 60 hard (official prose); 0 for no words.

    Source: C. H. Björnsson, Läsbarhet, Liber 1968.
    """
    plain = re.sub(r"\b\d{1,2}\.(?=\s*\w)", " ", to_plain(text))
    found = re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", plain)
    if not found:
        return 0
    sentences = max(1, len(re.findall(r"[.!?:]+(?:\s|$)", plain)))
    long = sum(len(word) > 6 for word in found)
    return round(len(found) / sentences + 100 * long / len(found))


def can_be_judged(text: str) -> bool:
    """Say whether a text is long enough for its LIX to mean something."""
    return len(text.split()) >= JUDGED_FROM


def is_hard(text: str) -> bool:
    """Say whether a text is long enough to be judged and harder than it should be."""
    return can_be_judged(text) and lix(text) > LIX_HARD
