"""Appeals: the author asks, somebody who was not involved decides (rule M3)."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.clock import due_in_working_days
from livinglab.core.db import known_id
from livinglab.core.errors import refuse
from livinglab.core.journal import record
from livinglab.core.text import clean
from livinglab.core.viewer import Viewer
from livinglab.ideas.commands import approve_version, put_back, set_comment_publication, set_publication
from livinglab.ideas.models import Idea, IdeaVersion, Publication
from livinglab.labs.queries import lab_brief
from livinglab.moderation.commands.cases import lock_comment, lock_idea, open_case
from livinglab.moderation.commands.suspending import end_suspension, lock_suspended
from livinglab.moderation.commands.telling import tell_administrators, tell_outcome, tell_uninvolved
from livinglab.moderation.models import Action, Appeal, AppealOutcome, Case, Decision, Source, Suspension
from livinglab.moderation.queries.standing import (
    involved_in,
    nobody_else,
    thing_of_decision,
    uninvolved_in,
)
from livinglab.moderation.rules import (
    APPEAL_WITHIN_DAYS,
    BECOMES,
    NO_SUCH_APPEAL,
    NO_SUCH_DECISION,
    Thing,
    why_not_appeal,
    why_not_appeal_text,
    why_not_decide_appeal,
)


def appeal(session: Session, *, decision_id: int, person: Viewer, text: str, now: datetime) -> Appeal:
    """Ask that somebody who was not involved looks again. Where there is nobody, the administrator is told.

    Raises:
        NotFound: ``no-such-decision``; Forbidden: ``not-the-author``.
        Refused: ``nothing-to-appeal``, ``already-appealed``, ``appeal-too-late``, ``being-looked-at``,
            ``text-missing``, ``text-too-long``.

    Source: rule M3.
    """
    decision = session.get(Decision, decision_id, populate_existing=True, with_for_update=True)
    if decision is None or decision.author_id != person.person_id:
        raise NO_SUCH_DECISION
    case = session.get_one(Case, decision.case_id)
    standing = session.scalar(select(Appeal.id).where(Appeal.decision_id == decision_id))
    refuse(
        why_not_appeal(
            decision.action,
            author_id=decision.author_id,
            person=person,
            at=decision.at,
            now=now,
            appealed=standing is not None,
            looked_at=not decision.automatic or case.closed_at is not None,
        )
    )
    text = clean(text)
    refuse(why_not_appeal_text(text))
    lab = lab_brief(session, decision.lab_id)
    due = due_in_working_days(now, APPEAL_WITHIN_DAYS, lab.timezone, lab.country)
    filed = Appeal(
        decision_id=decision_id, lab_id=lab.id, person_id=person.known_id, text=text, at=now, due_at=due
    )
    session.add(filed)
    session.flush()
    may_decide = uninvolved_in(session, decision)
    told: dict[str, object] = {"needs_admin": not may_decide, "decider_ids": sorted(may_decide)}
    _record(session, "appeal-made", filed, decision, actor_id=person.person_id, now=now, data=told)
    letter = {
        "title": session.get_one(Idea, decision.idea_id).title,
        "path": f"/moderation/appeals/{filed.id}",
        "key": f"appeal-{filed.id}",
    }
    if may_decide:
        tell_uninvolved(session, may_decide, now=now, **letter)
    else:
        tell_administrators(session, "nobody-else", now=now, **letter)
    return filed


def decide_appeal(
    session: Session, *, appeal_id: int, person: Viewer, outcome: AppealOutcome, reasons: str, now: datetime
) -> Appeal:
    """Let the decision stand, or overturn it: then what it took away comes back.

    Raises:
        NotFound: ``no-such-appeal``; Forbidden: ``not-a-moderator``, ``own-content``, ``was-involved``.
        Refused: ``appeal-closed``, ``text-missing``, ``text-too-long``.

    Source: rule M3.
    """
    _lock_thing(session, appeal_id)
    row = session.get(Appeal, appeal_id, populate_existing=True, with_for_update=True)
    if row is None:
        raise NO_SUCH_APPEAL
    decision = session.get_one(Decision, row.decision_id)
    refuse(
        why_not_decide_appeal(
            person,
            lab_id=row.lab_id,
            author_id=row.person_id,
            involved=involved_in(session, decision),
            decided=row.outcome is not None,
            nobody_else=nobody_else(session, decision),
        )
    )
    reasons = clean(reasons)
    refuse(why_not_appeal_text(reasons))
    row.outcome, row.reasons = outcome, reasons
    row.decided_by, row.decided_at = person.known_id, now
    session.flush()
    case = session.get_one(Case, decision.case_id)
    thing = thing_of_decision(decision, case)
    if outcome is AppealOutcome.OVERTURNED:
        _restore(session, decision, case, thing, by_id=person.known_id, now=now)
    data: dict[str, object] = {"outcome": outcome.value, "action": decision.action.value}
    _record(session, "appeal-decided", row, decision, actor_id=person.person_id, now=now, data=data)
    idea = session.get_one(Idea, decision.idea_id)
    tell_outcome(session, row, decision, thing, title=idea.title, now=now)
    return row


def _lock_thing(session: Session, appeal_id: int) -> None:
    """Lock what an appeal is about before the appeal itself: everybody who decides comes that way."""
    about = session.execute(
        select(Decision.idea_id, Decision.comment_id, Decision.id, Decision.action)
        .join(Appeal, col(Appeal.decision_id) == col(Decision.id))
        .where(Appeal.id == appeal_id)
    ).one_or_none()
    if about is not None and about[3] is Action.SUSPEND:
        lock_suspended(session, known_id(about[2]))
    elif about is not None:
        lock_comment(session, about[1]) if about[1] else lock_idea(session, about[0])


def _restore(
    session: Session, decision: Decision, case: Case, thing: Thing, *, by_id: int, now: datetime
) -> None:
    """Give back what the decision took, unless the text has moved on since.

    What its author has written since nobody has read: that waits in the queue, as every new text does.

    Source: rules I1, M3.
    """
    if decision.action is Action.SUSPEND:
        row = session.get_one(Suspension, decision.id, populate_existing=True)
        end_suspension(session, row, by_id=by_id, now=now)
        return
    took, data = BECOMES[decision.action], {"automatic": False, "appeal": True, "decision_id": decision.id}
    if thing is Thing.COMMENT and decision.comment_id is not None:
        comment = lock_comment(session, decision.comment_id)
        moved_on = comment.edited_at is not None and comment.edited_at > decision.at
        if comment.publication is took and comment.deleted_at is None and not moved_on:
            set_comment_publication(
                session,
                comment_id=decision.comment_id,
                to=Publication.PUBLISHED,
                by_id=by_id,
                now=now,
                data=data,
            )
        return
    idea = lock_idea(session, decision.idea_id)
    if idea.published_at is None and idea.edited_at > decision.at:
        if idea.publication is took and put_back(session, idea_id=decision.idea_id, now=now) is not None:
            lab = lab_brief(session, idea.lab_id)
            open_case(session, lab=lab, idea_id=decision.idea_id, source=Source.NEW, now=now)
    elif idea.publication is took:
        set_publication(
            session, idea_id=decision.idea_id, to=Publication.PUBLISHED, by_id=by_id, now=now, data=data
        )
    if thing is Thing.EDIT and case.version is not None:
        _restore_version(session, decision.idea_id, case.version, by_id, now)


def _restore_version(session: Session, idea_id: int, number: int, by_id: int, now: datetime) -> None:
    """Let a refused version stand after all, unless its author has written a newer one."""
    newest = session.scalar(
        select(sa.func.max(IdeaVersion.number)).where(col(IdeaVersion.idea_id) == idea_id)
    )
    version = session.get(IdeaVersion, (idea_id, number), populate_existing=True)
    refused = (Publication.RETURNED, Publication.REJECTED)
    if version is None or newest != number or version.publication not in refused:
        return
    version.publication = Publication.PENDING
    session.flush()
    approve_version(session, idea_id=idea_id, number=number, by_id=by_id, now=now)


def _record(
    session: Session,
    kind: str,
    row: Appeal,
    decision: Decision,
    *,
    actor_id: int | None,
    now: datetime,
    data: dict[str, object],
) -> None:
    record(
        session,
        kind,
        at=now,
        actor_id=actor_id,
        lab_id=row.lab_id,
        idea_id=decision.idea_id,
        subject_id=known_id(row.id),
        public=False,
        data={
            **data,
            "decision_id": decision.id,
            "comment_id": decision.comment_id,
            "person_id": row.person_id,
        },
    )
