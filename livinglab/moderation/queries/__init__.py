"""Reads of moderation: the queue, a case, decisions, appeals, figures."""

from livinglab.moderation.queries.case import CasePage, Choice, case_page
from livinglab.moderation.queries.decisions import (
    AppealPage,
    DecisionPage,
    appeal_page,
    decision_page,
    decisions_of,
    why_returned,
)
from livinglab.moderation.queries.figures import Figures, figures
from livinglab.moderation.queries.queue import (
    Pile,
    Waiting,
    appeals_waiting,
    moderated_labs,
    next_case,
    pile,
    waiting_count,
)
from livinglab.moderation.queries.reporting import ReportTarget, report_target

__all__ = [
    "AppealPage",
    "CasePage",
    "Choice",
    "DecisionPage",
    "Figures",
    "Pile",
    "ReportTarget",
    "Waiting",
    "appeal_page",
    "appeals_waiting",
    "case_page",
    "decision_page",
    "decisions_of",
    "figures",
    "moderated_labs",
    "next_case",
    "pile",
    "report_target",
    "waiting_count",
    "why_returned",
]
