"""Reads of the pipeline, shaped for pages."""

from livinglab.pipeline.queries.board import (
    Board,
    BoardCard,
    BoardFilter,
    Column,
    board,
    board_choices,
    typical_days,
)
from livinglab.pipeline.queries.decisions import (
    DecisionShown,
    decision_of_review,
    decision_shown,
    decisions_of,
    decisions_read,
)
from livinglab.pipeline.queries.places import (
    evidence_of,
    facts_of,
    place_of,
    zone_of,
)
from livinglab.pipeline.queries.review import (
    GatePage,
    benefits_of,
    gate_page,
    idea_behind,
    may_see_gate,
    must_hear,
    possible_leads,
    title_of,
)
from livinglab.pipeline.queries.standing import (
    Standing,
    Whereabouts,
    spans_of,
    stage_spans,
    standing,
    standing_read,
    whereabouts,
)
from livinglab.pipeline.queries.work import Task, WorkItem, next_deadline, work, work_count

__all__ = [
    "Board",
    "BoardCard",
    "BoardFilter",
    "Column",
    "DecisionShown",
    "GatePage",
    "Standing",
    "Task",
    "Whereabouts",
    "WorkItem",
    "benefits_of",
    "board",
    "board_choices",
    "decision_of_review",
    "decision_shown",
    "decisions_of",
    "decisions_read",
    "evidence_of",
    "facts_of",
    "gate_page",
    "idea_behind",
    "may_see_gate",
    "must_hear",
    "next_deadline",
    "place_of",
    "possible_leads",
    "spans_of",
    "stage_spans",
    "standing",
    "standing_read",
    "title_of",
    "typical_days",
    "whereabouts",
    "work",
    "work_count",
    "zone_of",
]
