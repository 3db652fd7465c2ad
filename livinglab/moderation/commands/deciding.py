"""Deciding a case: one of five verdicts, with a statement of reasons where something is taken away."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session
from sqlmodel import select

from livinglab.core.db import known_id
from livinglab.core.errors import Refused, refuse
from livinglab.core.journal import record
from livinglab.core.text import clean
from livinglab.core.viewer import Viewer
from livinglab.ideas.commands import (
    approve_version,
    publish_idea,
    refuse_version,
    set_comment_publication,
    set_publication,
)
from livinglab.ideas.models import IdeaVersion, Publication
from livinglab.moderation.commands.cases import Matter, close_case, go_on_with_reports, matter_of
from livinglab.moderation.commands.telling import tell_author
from livinglab.moderation.models import Action, Decision, Report
from livinglab.moderation.rules import (
    BECOMES,
    NEEDS_REASONS,
    Thing,
    Verdict,
    action_of,
    why_not_in_hand,
    why_not_moderate,
    why_not_now,
    why_not_reasons,
    why_not_verdict,
)
from livinglab.people.models import Person


def decide_case(
    session: Session,
    *,
    case_id: int,
    person: Viewer,
    verdict: Verdict,
    stamp: int,
    now: datetime,
    rule: str | None = None,
    facts: str = "",
) -> Decision:
    """Publish, return, reject, hide or remove what a case is about, and tell its author why.

    A version that is refused settles nothing about the words that stand: what was reported of them goes on
    as a case of its own.

    Args:
        stamp: Of the case as it was read; on an older one nothing is decided.
        rule: Code of the house rule; needed unless it is published or left as it is.
        facts: What was seen, in the moderator's own words.

    Raises:
        NotFound: ``no-such-case``; Forbidden: ``own-content``.
        Refused: ``case-closed``, ``case-changed``, ``in-other-hands``, ``nothing-to-decide``,
            ``not-public-yet``, ``on-record``, ``rule-missing``, ``not-unlawful``, ``facts-missing``,
            ``facts-too-long``.

    Source: rules M1, M2.
    """
    matter = matter_of(session, case_id, person)
    refuse(why_not_moderate(matter, person))
    refuse(why_not_now(matter, stamp))
    refuse(_why_not_in_hand(session, matter, person, now))
    if matter.comment is not None and matter.comment.deleted_at is not None:
        refuse(why_not_verdict(verdict, Publication.REMOVED))
    version = _waiting_version(session, matter)
    refuse(why_not_verdict(verdict, matter.publication, on_record=_on_record(matter, version)))
    action = action_of(verdict, matter.publication, version_waits=version is not None)
    facts = clean(facts)
    refuse(why_not_reasons(action, rule, facts))
    decision = write_decision(session, matter, action, person, now, rule=rule, facts=facts)
    _carry_out(session, matter, decision, version, now)
    close_case(session, matter.case, now)
    if version is not None and action in (Action.RETURN, Action.REJECT):
        go_on_with_reports(session, matter.case)
    _tell(session, matter, decision, version, now)
    return decision


def _why_not_in_hand(session: Session, matter: Matter, person: Viewer, now: datetime) -> Refused | None:
    case = matter.case
    holder = session.get(Person, case.held_by) if case.held_by else None
    name = holder.name if holder is not None and holder.erased_at is None else ""
    return why_not_in_hand(case.held_by, case.held_at, name, person, now)


def _on_record(matter: Matter, version: IdeaVersion | None) -> bool:
    """Say whether the case is about words of an idea that everybody could read."""
    return matter.comment is None and version is None and matter.idea.published_at is not None


def thing_of(matter: Matter, *, version_waits: bool) -> Thing:
    """Say what a case is about."""
    if matter.comment is not None:
        return Thing.COMMENT
    return Thing.EDIT if version_waits else Thing.IDEA


def _waiting_version(session: Session, matter: Matter) -> IdeaVersion | None:
    number = matter.case.version
    if matter.comment is not None or number is None:
        return None
    version = session.get(IdeaVersion, (matter.case.idea_id, number), populate_existing=True)
    waits = version is not None and version.publication is Publication.PENDING
    return version if waits else None


def write_decision(
    session: Session,
    matter: Matter,
    action: Action,
    person: Viewer,
    now: datetime,
    *,
    rule: str | None,
    facts: str,
) -> Decision:
    """Write down what somebody decided about a case; its reasons only where something is taken away."""
    needs = action in NEEDS_REASONS
    decision = Decision(
        case_id=known_id(matter.case.id),
        lab_id=matter.lab_id,
        idea_id=matter.case.idea_id,
        comment_id=matter.case.comment_id,
        author_id=matter.author_id,
        action=action,
        rule=rule if needs else None,
        facts=facts if needs else "",
        by_id=person.known_id,
        at=now,
        was=matter.publication,
    )
    session.add(decision)
    session.flush()
    return decision


def _carry_out(
    session: Session, matter: Matter, decision: Decision, version: IdeaVersion | None, now: datetime
) -> None:
    """Let the ideas room do what was decided; it records the event."""
    action, by_id, to = decision.action, decision.by_id, BECOMES[decision.action]
    data: dict[str, object] = {"rule": decision.rule, "automatic": False, "decision_id": decision.id}
    if action is Action.KEEP or matter.publication is to:
        record(
            session,
            "case-settled",
            at=now,
            actor_id=by_id,
            lab_id=matter.lab_id,
            idea_id=matter.case.idea_id,
            subject_id=decision.id,
            public=False,
            data={"action": action.value, "rule": decision.rule, "comment_id": matter.case.comment_id},
            readers=(),
        )
    if matter.comment is not None:
        comment_id = known_id(matter.comment.id)
        set_comment_publication(session, comment_id=comment_id, to=to, by_id=by_id, now=now, data=data)
        return
    if version is not None and _settle_version(session, version, action, by_id=by_id, now=now, data=data):
        return
    idea_id = matter.case.idea_id
    if action is Action.PUBLISH:
        publish_idea(session, idea_id=idea_id, by_id=by_id, now=now)
    elif action is not Action.KEEP:
        set_publication(session, idea_id=idea_id, to=to, by_id=by_id, now=now, data=data)


def _settle_version(
    session: Session,
    version: IdeaVersion,
    action: Action,
    *,
    by_id: int | None,
    now: datetime,
    data: dict[str, object],
) -> bool:
    """Decide a waiting version; say whether that is all, or the idea itself is next."""
    if action is Action.PUBLISH:
        approve_version(session, idea_id=version.idea_id, number=version.number, by_id=by_id, now=now)
        return True
    to = Publication.REJECTED if action in (Action.REJECT, Action.REMOVE) else Publication.RETURNED
    if action is Action.RESTORE:
        approve_version(session, idea_id=version.idea_id, number=version.number, by_id=by_id, now=now)
        return False
    refuse_version(
        session, idea_id=version.idea_id, number=version.number, to=to, by_id=by_id, now=now, data=data
    )
    return action not in (Action.HIDE, Action.REMOVE)


def _tell(
    session: Session, matter: Matter, decision: Decision, version: IdeaVersion | None, now: datetime
) -> None:
    """Write to the author, and let those who reported know that somebody looked."""
    if decision.action is not Action.KEEP:
        thing = thing_of(matter, version_waits=version is not None)
        tell_author(session, decision, thing, title=matter.idea.title, now=now)
    reporters = session.scalars(
        select(Report.person_id).where(Report.case_id == matter.case.id).distinct()
    ).all()
    for reporter_id in sorted(person_id for person_id in reporters if person_id is not None):
        data = {"action": decision.action.value, "comment_id": decision.comment_id, "person_id": reporter_id}
        record(
            session,
            "report-settled",
            at=now,
            actor_id=decision.by_id,
            lab_id=matter.lab_id,
            idea_id=matter.case.idea_id,
            subject_id=decision.id,
            public=False,
            data=data,
        )
