"""Reads of moderation: the queue, a case, decisions, appeals, figures."""

from livinglab.moderation.queries.appeals import appeals_waiting, uninvolved
from livinglab.moderation.queries.case import CasePage, Choice, case_page
from livinglab.moderation.queries.decisions import (
    AppealPage,
    DecisionPage,
    appeal_page,
    decision_page,
    why_returned,
)
from livinglab.moderation.queries.figures import Figures, figures
from livinglab.moderation.queries.queue import (
    Pile,
    Waiting,
    moderated_labs,
    next_case,
    pile,
)
from livinglab.moderation.queries.reporting import ReportTarget, report_target
from livinglab.moderation.queries.suspending import SuspendedRow, suspended, suspension_page

__all__ = [
    "AppealPage",
    "CasePage",
    "Choice",
    "DecisionPage",
    "Figures",
    "Pile",
    "ReportTarget",
    "SuspendedRow",
    "Waiting",
    "appeal_page",
    "appeals_waiting",
    "case_page",
    "decision_page",
    "figures",
    "moderated_labs",
    "next_case",
    "pile",
    "report_target",
    "suspended",
    "suspension_page",
    "uninvolved",
    "why_returned",
]
