"""Reports by anybody, and hiding for now when three people say the same (rule M1)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import known_id
from livinglab.core.errors import Refused, refuse
from livinglab.core.journal import record
from livinglab.core.text import clean
from livinglab.core.viewer import Viewer
from livinglab.ideas.commands import set_comment_publication, set_publication
from livinglab.ideas.models import Comment, Idea, Publication
from livinglab.ideas.rules import NO_SUCH_COMMENT, NO_SUCH_IDEA, why_not_see
from livinglab.labs.queries import lab_brief
from livinglab.moderation.commands.cases import lock_comment, lock_idea, open_case
from livinglab.moderation.commands.telling import tell_author
from livinglab.moderation.models import Action, Case, Decision, Report, Source
from livinglab.moderation.queries.standing import authors_of
from livinglab.moderation.rules import ALREADY_LOOKED_AT, REPORTERS_TO_HIDE, Thing, why_not_report
from livinglab.people.models import Person


def report(
    session: Session,
    *,
    idea_id: int,
    person: Viewer,
    rule: str,
    text: str,
    now: datetime,
    comment_id: int | None = None,
) -> Report:
    """Say that something should not stand there. Reporting it again changes nothing.

    Who moderates may say so of what is hidden, too, and finds a case open then. The third signed-in person
    whose address is confirmed hides it until somebody has looked.

    Args:
        person: A visitor may report, too.
        rule: Code of the house rule it breaks.
        comment_id: The comment, where it is one; it belongs to the idea.

    Raises:
        NotFound: ``no-such-idea``, ``no-such-comment``.
        Refused: ``not-public``, ``own-content``, ``rule-missing``, ``report-too-long``,
            ``already-looked-at``.

    Source: rule M1.
    """
    comment = _reported(session, comment_id) if comment_id else None
    idea = session.get(Idea, idea_id) if comment else lock_idea(session, idea_id)
    if idea is None or why_not_see(idea, person) is not None:
        raise NO_SUCH_IDEA
    if comment is not None and comment.idea_id != idea_id:
        raise NO_SUCH_COMMENT
    text, thing = clean(text), comment or idea
    refuse(
        why_not_report(
            Publication.REMOVED if comment is not None and comment.deleted_at else thing.publication,
            lab_id=idea.lab_id,
            authors=authors_of(session, idea, comment),
            person=person,
            rule=rule,
            text=text,
        )
    )
    before = _reported_before(session, person, idea, comment)
    if before is not None:
        return before
    return _file(session, idea, comment, person, rule=rule, text=text, now=now)


def _reported(session: Session, comment_id: int) -> Comment:
    """Return the comment, locked; one that is not there is no case to whoever reports it."""
    if session.get(Comment, comment_id) is None:
        raise NO_SUCH_COMMENT
    return lock_comment(session, comment_id)


def _reported_before(session: Session, person: Viewer, idea: Idea, comment: Comment | None) -> Report | None:
    """Return the person's report of the open case; refuse one of what somebody has looked at since."""
    if not person.signed_in:
        return None
    about = col(Case.comment_id) == comment.id if comment else col(Case.comment_id).is_(None)
    row = session.execute(
        sa.select(Report, col(Case.closed_at))
        .join(Case, col(Case.id) == col(Report.case_id))
        .where(col(Case.idea_id) == idea.id, about, col(Report.person_id) == person.person_id)
        .order_by(col(Report.id).desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    earlier, closed_at = row
    if closed_at is not None and (comment or idea).publication is Publication.HIDDEN:
        return None  # who moderates wants more done about it than hiding it
    changed_at = comment.edited_at if comment else idea.edited_at
    if closed_at is not None and changed_at is not None and changed_at > closed_at:
        return None
    if closed_at is not None:
        raise Refused("already-looked-at", ALREADY_LOOKED_AT)
    return earlier if isinstance(earlier, Report) else None


def _file(
    session: Session,
    idea: Idea,
    comment: Comment | None,
    person: Viewer,
    *,
    rule: str,
    text: str,
    now: datetime,
) -> Report:
    lab = lab_brief(session, idea.lab_id)
    idea_id, comment_id = known_id(idea.id), comment.id if comment else None
    case = open_case(session, lab=lab, idea_id=idea_id, comment_id=comment_id, source=Source.REPORT, now=now)
    filed = Report(case_id=known_id(case.id), person_id=person.person_id, rule=rule, text=text, at=now)
    session.add(filed)
    session.flush()
    record(
        session,
        "report-made",
        at=now,
        actor_id=person.person_id,
        lab_id=idea.lab_id,
        idea_id=idea_id,
        subject_id=filed.id,
        public=False,
        data={"rule": rule, "comment_id": comment_id},
        readers=(),
    )
    _hide_for_now(session, case, idea, comment, now)
    return filed


def _hide_for_now(session: Session, case: Case, idea: Idea, comment: Comment | None, now: datetime) -> None:
    """Hide what three distinct confirmed people reported, tell the author, and leave it to a person."""
    rows = session.execute(
        sa.select(col(Report.person_id), col(Report.rule))
        .join(Person, col(Person.id) == col(Report.person_id))
        .where(col(Report.case_id) == case.id, col(Person.trust) >= 1)
    ).all()
    thing = comment or idea
    if len({row[0] for row in rows}) < REPORTERS_TO_HIDE or thing.publication is not Publication.PUBLISHED:
        return
    decision = Decision(
        case_id=known_id(case.id),
        lab_id=idea.lab_id,
        idea_id=known_id(idea.id),
        comment_id=case.comment_id,
        author_id=thing.author_id,
        action=Action.HIDE,
        rule=Counter(row[1] for row in rows).most_common(1)[0][0],
        automatic=True,
        at=now,
        was=thing.publication,
    )
    session.add(decision)
    session.flush()
    data = {"rule": decision.rule, "automatic": True, "decision_id": decision.id}
    hidden = Publication.HIDDEN
    if comment is not None:
        comment_id = known_id(comment.id)
        set_comment_publication(session, comment_id=comment_id, to=hidden, by_id=None, now=now, data=data)
    else:
        set_publication(session, idea_id=known_id(idea.id), to=hidden, by_id=None, now=now, data=data)
    told = Thing.COMMENT if comment else Thing.IDEA
    tell_author(session, decision, told, title=idea.title, now=now)
