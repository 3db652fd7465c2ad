"""Where a notice leads: straight to the thing, as a path of this site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STAFF_HANDOFF = (
    "handoff-assigned",
    "handoff-reassigned",
    "handoff-reminded",
    "handoff-escalated",
    "answer-written",
    "answer-returned",
)
OWED_HANDOFF = ("handoff-queued", "handoff-returned", "handoff-late")
"""Public steps that wait for the staff who are written to at once: their mail leads to the handoff itself."""
REVIEW = ("decision-proposed", "proposal-edited", "proposal-returned", "proposal-withdrawn")


def path_to(
    kind: str, idea_id: int | None, subject_id: int | None, data: Mapping[str, Any], *, at_once: bool = False
) -> str:
    """Return the path of what an event is about; with ``at_once`` for those it waits for."""
    if kind in REVIEW and data.get("review_id"):
        return f"/reviews/{data['review_id']}"
    if kind in STAFF_HANDOFF or (at_once and kind in OWED_HANDOFF):
        handoff = data.get("handoff_id") or (subject_id if kind.startswith("handoff-") else None)
        if handoff:
            return f"/handoffs/{handoff}"
    if kind.startswith("challenge-") and subject_id:
        return f"/challenges/{subject_id}"
    if kind == "decision-made" and (data.get("decision_id") or subject_id):
        return f"/gate-decisions/{data.get('decision_id') or subject_id}"
    anchor = _anchor(kind, subject_id)
    return f"/ideas/{idea_id}{anchor}" if idea_id else "/notices"


def _anchor(kind: str, subject_id: int | None) -> str:
    if kind.startswith(("comment-", "problem-")) and subject_id:
        return f"#comment-{subject_id}"
    if kind.startswith("answer-") and subject_id:
        return f"#answer-{subject_id}"
    return ""
