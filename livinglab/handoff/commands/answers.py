"""Official answers: written, changed, taken back and corrected in the open by the one who signs."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import known_id
from livinglab.core.errors import refuse
from livinglab.core.text import clean, clean_line
from livinglab.core.viewer import Viewer
from livinglab.handoff.commands._record import change, lock
from livinglab.handoff.commands.publishing import lock_answer, log_answer, publish, set_answer
from livinglab.handoff.models import Answer, AnswerKind, Handoff, Outcome
from livinglab.handoff.queries.facts import answer_waits, authors_of, has_receipt, lab_clock
from livinglab.handoff.rules.answers import (
    answer_changed,
    needs_second,
    why_not_answer,
    why_not_correct,
    why_not_edit_answer,
    why_not_outcome,
)
from livinglab.handoff.rules.words import why_not_answer_text


def write_answer(
    session: Session,
    *,
    handoff_id: int,
    kind: AnswerKind,
    title: str,
    body: str,
    language: str,
    person: Viewer,
    now: datetime,
    outcome: Outcome | None = None,
    signer_title: str = "",
    stamp: int | None = None,
) -> Answer:
    """Write a receipt, a preliminary or a final answer and sign it.

    It is public at once, except a final one in a lab that wants a second person: that waits for them.

    Args:
        title: The answer in one sentence.
        signer_title: As what the person signs, kept as it is now.

    Raises:
        NotFound: ``no-such-handoff``. Forbidden: ``not-yours``, ``own-idea``.
        Refused: ``wrong-state``, ``answer-waits``, ``receipt-given``, ``no-outcome``, ``outcome-too-soon``,
            ``title-missing``, ``body-missing``, ``…-too-long``, ``handoff-changed``.

    Source: rules H1, H4.
    """
    handoff = lock(session, handoff_id, person)
    refuse(
        why_not_answer(
            kind,
            handoff,
            person,
            authors=authors_of(session, handoff.idea_id),
            waiting=answer_waits(session, handoff_id),
            has_receipt=has_receipt(session, handoff_id),
        )
    )
    refuse(why_not_outcome(kind, outcome))
    answer = _new_answer(
        handoff,
        kind=kind,
        outcome=outcome,
        title=title,
        body=body,
        language=language,
        person=person,
        signer_title=signer_title,
        now=now,
    )
    lab_wants_it = lab_clock(session, handoff.lab_id).settings.second_person_on_final
    session.add(answer)
    session.flush()
    if needs_second(kind, corrects=None, lab_wants_it=lab_wants_it):
        change(session, handoff, now=now, stamp=stamp)
        log_answer(
            session, handoff, answer, "answer-written", now=now, person_id=person.known_id, public=False
        )
    else:
        publish(session, answer, handoff, person=person, now=now, stamp=stamp)
    return answer


def correct_answer(
    session: Session,
    *,
    answer_id: int,
    title: str,
    body: str,
    language: str,
    person: Viewer,
    now: datetime,
    signer_title: str = "",
) -> Answer:
    """Correct a published answer; the old text stays visible, struck through.

    Raises:
        NotFound: ``no-such-answer``, ``no-such-handoff``. Forbidden: ``not-yours``, ``own-idea``.
        Refused: ``not-published``, ``corrects-correction``, ``answer-waits``, ``title-missing``,
            ``body-missing``, ``…-too-long``.

    Source: rule H4.
    """
    wrong, handoff = lock_answer(session, answer_id, person)
    refuse(
        why_not_correct(
            wrong,
            handoff,
            person,
            authors=authors_of(session, handoff.idea_id),
            waiting=answer_waits(session, handoff.id or 0),
        )
    )
    answer = _new_answer(
        handoff,
        kind=AnswerKind.CORRECTION,
        outcome=None,
        title=title,
        body=body,
        language=language,
        person=person,
        signer_title=signer_title,
        now=now,
    )
    answer.corrects_id = wrong.id
    session.add(answer)
    session.flush()
    lab_wants_it = lab_clock(session, handoff.lab_id).settings.second_person_on_final
    if needs_second(AnswerKind.CORRECTION, corrects=wrong.kind, lab_wants_it=lab_wants_it):
        log_answer(
            session, handoff, answer, "answer-written", now=now, person_id=person.known_id, public=False
        )
    else:
        publish(session, answer, handoff, person=person, now=now)
    return answer


def _new_answer(
    handoff: Handoff,
    *,
    kind: AnswerKind,
    outcome: Outcome | None,
    title: str,
    body: str,
    language: str,
    person: Viewer,
    signer_title: str,
    now: datetime,
) -> Answer:
    line, text, post = clean_line(title), clean(body), clean_line(signer_title)
    refuse(why_not_answer_text(line, text, post))
    return Answer(
        handoff_id=known_id(handoff.id),
        idea_id=handoff.idea_id,
        kind=kind,
        outcome=outcome,
        language=language,
        title=line,
        body=text,
        signer_id=person.known_id,
        signer_title=post,
        written_at=now,
    )


def edit_answer(
    session: Session,
    *,
    answer_id: int,
    title: str,
    body: str,
    language: str,
    person: Viewer,
    now: datetime,
    stamp: int,
    outcome: Outcome | None = None,
    signer_title: str = "",
) -> Answer:
    """Change an answer that is not published yet; what the second person may have read no longer counts.

    Raises:
        NotFound: ``no-such-answer``, ``no-such-handoff``. Forbidden: ``not-yours``.
        Refused: ``already-published``, ``no-outcome``, ``outcome-too-soon``, ``title-missing``,
            ``body-missing``, ``…-too-long``, ``answer-changed``.

    Source: rule H4.
    """
    answer, handoff = lock_answer(session, answer_id, person)
    refuse(why_not_edit_answer(answer, handoff, person))
    refuse(why_not_outcome(answer.kind, outcome))
    line, text, post = clean_line(title), clean(body), clean_line(signer_title)
    refuse(why_not_answer_text(line, text, post))
    was_returned = bool(answer.returned_note)
    set_answer(
        session,
        answer,
        stamp=stamp,
        title=line,
        body=text,
        language=language,
        outcome=outcome,
        signer_title=post,
        returned_note="",
        written_at=now,
    )
    log_answer(
        session,
        handoff,
        answer,
        "answer-written",
        now=now,
        person_id=person.known_id,
        public=False,
        again=True,
        was_returned=was_returned,
    )
    return answer


def withdraw_answer(session: Session, *, answer_id: int, person: Viewer, now: datetime, stamp: int) -> None:
    """Take back an answer that is not published yet.

    Raises:
        NotFound: ``no-such-answer``, ``no-such-handoff``. Forbidden: ``not-yours``.
        Refused: ``already-published``, ``answer-changed``.
    """
    answer, handoff = lock_answer(session, answer_id, person)
    refuse(why_not_edit_answer(answer, handoff, person))
    gone = session.execute(
        sa.delete(Answer)
        .where(col(Answer.id) == answer_id, col(Answer.stamp) == stamp, col(Answer.published_at).is_(None))
        .execution_options(synchronize_session=False)
    )
    if gone.rowcount == 0:  # type: ignore[attr-defined]  # a CursorResult
        raise answer_changed()
    session.expunge(answer)
    log_answer(session, handoff, answer, "answer-withdrawn", now=now, person_id=person.known_id, public=False)
