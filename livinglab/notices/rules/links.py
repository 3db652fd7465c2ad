"""Where a notice leads: straight to the thing, as a path of this site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STAFF_HANDOFF = (
    "handoff-reassigned",
    "handoff-vacated",
    "handoff-reminded",
    "handoff-escalated",
    "answer-written",
    "answer-returned",
)
OWED_HANDOFF = ("handoff-queued", "handoff-assigned", "handoff-returned", "handoff-late")
"""Public steps that wait for the staff who are written to at once: their mail leads to the handoff itself."""
TAKEN = ("returned", "rejected", "hidden", "removed")
LETTERS = ("appeal-decided", *(f"{thing}-{done}" for thing in ("idea", "edit", "comment") for done in TAKEN))
"""Decisions on somebody's text: their notice leads to the statement of reasons."""
REVIEW = (
    "decision-proposed",
    "proposal-returned",
    "proposal-withdrawn",
    "proposal-vacated",
)


def path_to(
    kind: str, idea_id: int | None, subject_id: int | None, data: Mapping[str, Any], *, at_once: bool = False
) -> str:
    """Return the path of what an event is about; with ``at_once`` for those it waits for."""
    if kind in REVIEW and data.get("review_id"):
        return f"/reviews/{data['review_id']}"
    if kind in ("review-opened", "idea-reopened") and at_once and subject_id:
        return f"/reviews/{subject_id}"
    if kind in STAFF_HANDOFF or (at_once and kind in OWED_HANDOFF):
        handoff = data.get("handoff_id") or (subject_id if kind.startswith("handoff-") else None)
        if handoff:
            return f"/handoffs/{handoff}"
    if kind == "lead-vacated" and at_once and idea_id:
        return f"/ideas/{idea_id}/lead"
    if kind == "challenge-vacated" and subject_id:
        return f"/challenges/{subject_id}/edit/times"
    if kind.startswith("challenge-") and subject_id:
        return f"/challenges/{subject_id}"
    if kind == "decision-made" and (data.get("decision_id") or subject_id):
        return f"/gate-decisions/{data.get('decision_id') or subject_id}"
    if kind == "appeal-made" and subject_id:
        return f"/moderation/appeals/{subject_id}"
    if kind == "case-opened" and subject_id:
        return f"/moderation/cases/{subject_id}"
    if kind in LETTERS and data.get("decision_id"):
        return f"/decisions/{data['decision_id']}"
    if kind.startswith(("comment-", "problem-")) and subject_id:
        return f"/comments/{subject_id}"
    anchor = _anchor(kind, subject_id)
    return f"/ideas/{idea_id}{anchor}" if idea_id else "/notices"


def _anchor(kind: str, subject_id: int | None) -> str:
    if kind.startswith("answer-") and subject_id:
        return f"#answer-{subject_id}"
    if kind == "handoff-waiting":
        return "#talk"  # the author answers in the conversation
    return ""
