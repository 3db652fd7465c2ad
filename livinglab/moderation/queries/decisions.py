"""A decision as its author reads it, and an appeal as somebody new reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import known_id
from livinglab.core.errors import Forbidden, NotFound, Refused
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Comment, Idea, IdeaVersion, Publication
from livinglab.moderation.models import Action, Appeal, AppealOutcome, Case, Decision, Report, Suspension
from livinglab.moderation.queries.standing import (
    author_face,
    involved_in,
    nobody_else,
    thing_of_decision,
)
from livinglab.moderation.rules import (
    APPEAL_FOR,
    NO_SUCH_APPEAL,
    NO_SUCH_DECISION,
    Thing,
    why_not_appeal,
    why_not_decide_appeal,
)
from livinglab.people.models import Person
from livinglab.people.rules import Face


@dataclass(frozen=True, slots=True)
class AppealView:
    """An appeal and what became of it."""

    id: int
    text: str
    at: datetime
    due_at: datetime
    outcome: AppealOutcome | None
    reasons: str
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """A decision with its letter.

    Args:
        text: The words it was about, as they stand now.
        can_resend: Whether the author may change it and send it in again.
        appeal_until: When the right to appeal ends.
        days: For how long the author is suspended by it, until ``until`` or until it was lifted.
    """

    id: int
    lab_id: int
    idea_id: int
    comment_id: int | None
    thing: Thing
    action: Action
    rule: str | None
    facts: str
    automatic: bool
    after_reports: bool
    at: datetime
    idea_title: str
    language: str
    text: str
    by: Face
    publication: Publication
    can_resend: bool
    is_author: bool
    appeal: AppealView | None
    appeal_until: datetime
    why_not_appeal: Refused | None
    days: int = 0
    until: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AppealPage:
    """An appeal before somebody who was not involved."""

    decision: DecisionPage
    appeal: AppealView
    decided_by: str
    why_not: Refused | None


def decision_page(session: Session, decision_id: int, viewer: Viewer, now: datetime) -> DecisionPage:
    """Return a decision to its author, and to those who moderate in the lab.

    Raises:
        NotFound: ``no-such-decision``.
    """
    decision = session.get(Decision, decision_id)
    if decision is None or not _may_read(decision, viewer):
        raise NotFound(NO_SUCH_DECISION.code, NO_SUCH_DECISION.reason)
    return page_of(session, decision, viewer, now)


def appeal_page(session: Session, appeal_id: int, viewer: Viewer, now: datetime) -> AppealPage:
    """Return an appeal to the lab's moderators, and to the administrator where nobody else may decide.

    Raises:
        NotFound: ``no-such-appeal``.
    """
    appeal = session.get(Appeal, appeal_id)
    decision = session.get(Decision, appeal.decision_id) if appeal else None
    if appeal is None or decision is None or not (viewer.moderates(appeal.lab_id) or viewer.is_admin):
        raise NotFound(NO_SUCH_APPEAL.code, NO_SUCH_APPEAL.reason)
    why_not = why_not_decide_appeal(
        viewer,
        lab_id=appeal.lab_id,
        author_id=appeal.person_id,
        involved=involved_in(session, decision),
        decided=appeal.outcome is not None,
        nobody_else=nobody_else(session, decision),
    )
    if isinstance(why_not, Forbidden) and not viewer.moderates(appeal.lab_id):
        raise NotFound(NO_SUCH_APPEAL.code, NO_SUCH_APPEAL.reason)
    first = session.get(Person, decision.by_id) if decision.by_id else None
    return AppealPage(
        decision=page_of(session, decision, viewer, now),
        appeal=_appeal(appeal),
        decided_by=first.name if first is not None and first.erased_at is None else "",
        why_not=why_not,
    )


def why_returned(session: Session, idea_id: int, comment_id: int | None = None) -> tuple[int, str] | None:
    """Return the last decision that sent an idea or a comment back, and what was seen, for its author."""
    about = col(Decision.comment_id).is_(None) if comment_id is None else Decision.comment_id == comment_id
    query = select(Decision.id, Decision.facts).where(
        Decision.idea_id == idea_id, about, Decision.action == Action.RETURN
    )
    row = session.execute(query.order_by(col(Decision.id).desc()).limit(1)).first()
    return (row.id, row.facts) if row else None


def _may_read(decision: Decision, viewer: Viewer) -> bool:
    return viewer.signed_in and (viewer.person_id == decision.author_id or viewer.moderates(decision.lab_id))


def page_of(session: Session, decision: Decision, viewer: Viewer, now: datetime) -> DecisionPage:
    """Return a decision as this person reads it; whether they may is asked before."""
    case = session.get_one(Case, decision.case_id)
    idea = session.get_one(Idea, decision.idea_id)
    comment = session.get(Comment, decision.comment_id) if decision.comment_id else None
    shown, appeal = comment or idea, session.scalar(select(Appeal).where(Appeal.decision_id == decision.id))
    author = session.get(Person, decision.author_id) if decision.author_id else None
    reports = session.scalar(select(sa.func.count()).where(col(Report.case_id) == case.id)) or 0
    thing = thing_of_decision(decision, case)
    kept_out = session.get(Suspension, decision.id) if decision.action is Action.SUSPEND else None
    return DecisionPage(
        id=known_id(decision.id),
        lab_id=decision.lab_id,
        idea_id=decision.idea_id,
        comment_id=decision.comment_id,
        thing=thing,
        action=decision.action,
        rule=decision.rule,
        facts=decision.facts,
        automatic=decision.automatic,
        after_reports=reports > 0,
        at=decision.at,
        idea_title=idea.title,
        language=shown.language,
        text=comment.body if comment else _decided_text(session, case, idea),
        by=author_face(author, shown.byline),
        publication=shown.publication,
        can_resend=_can_resend(decision, comment, idea),
        is_author=viewer.signed_in and viewer.person_id == decision.author_id,
        appeal=_appeal(appeal) if appeal else None,
        appeal_until=decision.at + APPEAL_FOR,
        why_not_appeal=why_not_appeal(
            decision.action,
            author_id=decision.author_id,
            person=viewer,
            at=decision.at,
            now=now,
            appealed=appeal is not None,
            looked_at=not decision.automatic or case.closed_at is not None,
        ),
        days=(kept_out.until - kept_out.since).days if kept_out else 0,
        until=kept_out.until if kept_out else None,
        ended_at=kept_out.ended_at if kept_out else None,
    )


def _decided_text(session: Session, case: Case, idea: Idea) -> str:
    """Return what was handed in, not what its author writes on meanwhile."""
    version = session.get(IdeaVersion, (idea.id, case.version or idea.version))
    return version.body if version else idea.body


def _can_resend(decision: Decision, comment: Comment | None, idea: Idea) -> bool:
    """Say whether the author may change it now: what came back, and an idea that was hidden."""
    if decision.action is Action.HIDE:
        return comment is None and idea.publication is Publication.HIDDEN
    return decision.action is Action.RETURN and not _gone(comment)


def _gone(comment: Comment | None) -> bool:
    """Say whether a comment is no longer with its author: sent in again, decided anew, or deleted."""
    if comment is None:
        return False
    return comment.publication is not Publication.RETURNED or comment.deleted_at is not None


def _appeal(row: Appeal) -> AppealView:
    return AppealView(
        id=known_id(row.id),
        text=row.text,
        at=row.at,
        due_at=row.due_at,
        outcome=row.outcome,
        reasons=row.reasons,
        decided_at=row.decided_at,
    )
