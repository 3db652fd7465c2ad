"""An answer becomes public, or goes back to its writer: what the second person does (rule H4)."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.clock import local_day
from livinglab.core.db import known_id
from livinglab.core.errors import NotFound, refuse
from livinglab.core.journal import Reader
from livinglab.core.viewer import Viewer
from livinglab.handoff.commands._record import change, clean_note, idea_of, lock, log, turn
from livinglab.handoff.commands.deadlines import end_pause_on_the_way
from livinglab.handoff.commands.ending import start_delivery
from livinglab.handoff.models import POSITIVE, Answer, AnswerKind, Handoff, HandoffState
from livinglab.handoff.queries.facts import authors_of, lab_clock
from livinglab.handoff.rules.answers import (
    STEP_OF,
    answer_changed,
    is_announced,
    why_not_confirm,
)
from livinglab.handoff.rules.moves import may_see, no_such_handoff, why_not_now
from livinglab.ideas.commands import forget_next_step
from livinglab.ideas.models import Stage


def lock_answer(session: Session, answer_id: int, person: Viewer) -> tuple[Answer, Handoff]:
    """Return an answer and its handoff, the handoff locked first so that no two steps wait for each other."""
    missing = NotFound("no-such-answer", _l("There is no such answer."))
    found = session.get(Answer, answer_id, populate_existing=True)
    if found is None:
        raise missing
    handoff = lock(session, found.handoff_id, person)
    answer = session.get(Answer, answer_id, populate_existing=True)
    if answer is None:
        raise missing
    if not may_see(person, handoff):
        raise no_such_handoff()
    return answer, handoff


def set_answer(session: Session, answer: Answer, *, stamp: int | None, **values: object) -> None:
    """Change an answer nobody has published, where its stamp is still the one that was read."""
    changed = session.execute(
        sa.update(Answer)
        .where(
            col(Answer.id) == answer.id,
            col(Answer.stamp) == (answer.stamp if stamp is None else stamp),
            col(Answer.published_at).is_(None),
        )
        .values(**values, stamp=Answer.stamp + 1)
        .execution_options(synchronize_session=False)
    )
    if changed.rowcount == 0:  # type: ignore[attr-defined]  # a CursorResult
        raise answer_changed()
    session.refresh(answer)


def confirm_answer(session: Session, *, answer_id: int, person: Viewer, now: datetime, stamp: int) -> Answer:
    """Publish, as the second person, exactly the text that was read.

    Args:
        stamp: Of the answer as it was shown.

    Raises:
        NotFound: ``no-such-answer``, ``no-such-handoff``.
        Forbidden: ``not-a-second``, ``own-answer``, ``own-idea``.
        Refused: ``already-published``, ``was-returned``, ``answer-changed``, ``wrong-state``.

    Source: rule H4.
    """
    answer, handoff = lock_answer(session, answer_id, person)
    _refuse_confirming(session, answer, handoff, person, stamp)
    if answer.kind in STEP_OF:
        refuse(why_not_now(STEP_OF[answer.kind], handoff))
    publish(session, answer, handoff, person=person, now=now)
    return answer


def return_answer(
    session: Session, *, answer_id: int, note: str, person: Viewer, now: datetime, stamp: int
) -> Answer:
    """Send an answer back to its writer with a note, instead of publishing it.

    Raises:
        NotFound: ``no-such-answer``, ``no-such-handoff``.
        Forbidden: ``not-a-second``, ``own-answer``, ``own-idea``.
        Refused: ``already-published``, ``was-returned``, ``answer-changed``, ``note-missing``,
            ``note-too-long``.
    """
    answer, handoff = lock_answer(session, answer_id, person)
    _refuse_confirming(session, answer, handoff, person, stamp)
    text = clean_note(note, needed=True)
    set_answer(session, answer, stamp=stamp, returned_note=text)
    log_answer(
        session,
        handoff,
        answer,
        "answer-returned",
        now=now,
        person_id=person.known_id,
        public=False,
        note=text,
    )
    return answer


def _refuse_confirming(
    session: Session, answer: Answer, handoff: Handoff, person: Viewer, stamp: int
) -> None:
    idea = idea_of(session, handoff)
    authors = authors_of(session, handoff.idea_id)
    refuse(why_not_confirm(answer, handoff, person, lead_id=idea.lead_id, authors=authors, stamp=stamp))


def publish(
    session: Session,
    answer: Answer,
    handoff: Handoff,
    *,
    person: Viewer,
    now: datetime,
    stamp: int | None = None,
) -> None:
    """Make an answer public and move the handoff where the answer takes it."""
    second = person.known_id if person.known_id != answer.signer_id else None
    set_answer(session, answer, stamp=None, published_at=now, second_id=second)
    if answer.kind is AnswerKind.CORRECTION:
        log_answer(session, handoff, answer, "answer-corrected", now=now, person_id=person.known_id)
        return
    if answer.kind is AnswerKind.RECEIPT:
        change(session, handoff, now=now, stamp=stamp)
    else:
        _settle(session, handoff, answer, person=person, now=now, stamp=stamp)
    log_answer(session, handoff, answer, "answer-published", now=now, person_id=person.known_id)
    if answer.kind is AnswerKind.FINAL:
        _after_final(session, handoff, answer, person=person, now=now)
    if answer.kind is not AnswerKind.RECEIPT:
        if is_announced(idea_of(session, handoff).next_step, answer.kind):
            forget_next_step(session, idea_id=handoff.idea_id)
        turn(session, handoff, now=now)


def _settle(
    session: Session, handoff: Handoff, answer: Answer, *, person: Viewer, now: datetime, stamp: int | None
) -> None:
    """Set what a preliminary or final answer means for state and clock."""
    if end_pause_on_the_way(session, handoff, now=now, actor_id=person.known_id, stamp=stamp):
        stamp = None
    used = int((now - handoff.queued_at).total_seconds()) - handoff.waited_seconds
    first = handoff.answer_seconds if handoff.answer_seconds is not None else max(0, used)
    if answer.kind is AnswerKind.PRELIMINARY:
        change(
            session,
            handoff,
            now=now,
            stamp=stamp,
            state=HandoffState.PRELIMINARY,
            preliminary_at=now,
            answer_seconds=first,
        )
    else:
        change(
            session,
            handoff,
            now=now,
            stamp=stamp,
            state=HandoffState.DECIDED,
            decided_at=now,
            outcome=answer.outcome,
            answer_seconds=first,
        )


def _after_final(
    session: Session, handoff: Handoff, answer: Answer, *, person: Viewer, now: datetime
) -> None:
    """Pass a "no" on to the gate (rule H0); begin delivery where the prototype stands already."""
    if answer.outcome not in POSITIVE:
        log_answer(
            session,
            handoff,
            answer,
            "answer-final",
            now=now,
            person_id=person.known_id,
            public=False,
            readers=(Reader.PIPELINE,),
            reason=answer.title,
            text=answer.body,
        )
    elif idea_of(session, handoff).stage is Stage.PROTOTYPE:
        start_delivery(session, handoff, now=now, actor_id=person.known_id)


def log_answer(
    session: Session,
    handoff: Handoff,
    answer: Answer,
    kind: str,
    *,
    now: datetime,
    person_id: int,
    public: bool = True,
    note: str = "",
    readers: tuple[Reader, ...] = (Reader.NOTICES,),
    **data: object,
) -> None:
    """Record what happened to an answer, on the idea it is about."""
    zone = lab_clock(session, handoff.lab_id).zone
    log(
        session,
        handoff,
        kind,
        now=now,
        person_id=person_id,
        public=public,
        subject_id=known_id(answer.id),
        note=note,
        readers=readers,
        answer=answer.id,
        extra={"kind": answer.kind.value},
        outcome=answer.outcome.value if answer.outcome else None,
        title=answer.title,
        language=answer.language,
        signer_id=answer.signer_id,
        corrects=answer.corrects_id,
        days=(local_day(now, zone) - local_day(handoff.queued_at, zone)).days,
        **data,
    )
