"""From the lab to a unit and into somebody's hands: route, assign, acknowledge, send back."""

from __future__ import annotations

from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.errors import NotFound, Refused, refuse
from livinglab.core.text import clean_line
from livinglab.core.viewer import Viewer
from livinglab.handoff.commands._record import change, clean_note, idea_of, lock, log, stamped, turn
from livinglab.handoff.commands.deadlines import end_pause_on_the_way
from livinglab.handoff.commands.ending import discard_waiting_answer, end
from livinglab.handoff.models import Handoff, HandoffState
from livinglab.handoff.queries.facts import in_progress, is_member, lab_clock
from livinglab.handoff.rules.clock import acknowledge_deadline, first_deadlines
from livinglab.handoff.rules.moves import (
    MOST_RETURNS,
    Step,
    why_not_assign,
    why_not_return,
    why_not_route,
    why_not_route_again,
    why_not_step,
)
from livinglab.handoff.rules.words import why_not_case
from livinglab.ideas.models import Idea
from livinglab.labs.models import ReceivingUnit


def _unit_of_lab(session: Session, unit_id: int, lab_id: int, *, locked: bool = False) -> ReceivingUnit:
    lock = {"key_share": True} if locked else None
    unit = session.get(ReceivingUnit, unit_id, with_for_update=lock, populate_existing=True)
    if unit is None or unit.lab_id != lab_id or unit.retired_at is not None:
        raise Refused("no-such-unit", _l("Choose one of the lab’s receiving units."), field="unit_id")
    return unit


def route_idea(
    session: Session, *, idea_id: int, unit_id: int, person: Viewer, now: datetime, note: str = ""
) -> Handoff:
    """Hand an idea to a receiving unit; its clock starts.

    Where the last unit has answered "no" and the idea went on all the same, that handoff is closed first.

    Args:
        note: To the unit's people, not public.

    Raises:
        NotFound: ``no-such-idea``. Forbidden: ``not-at-the-desk``.
        Refused: ``already-routed``, ``idea-rests``, ``no-review``, ``no-such-unit``.

    Source: rules H0, H2.
    """
    idea = session.get(Idea, idea_id, with_for_update={"key_share": True}, populate_existing=True)
    if idea is None:
        raise NotFound("no-such-idea", _l("There is no idea at this address, or it is not public."))
    present = session.scalar(
        select(Handoff)
        .where(col(Handoff.idea_id) == idea_id, col(Handoff.closed_at).is_(None))
        .with_for_update(key_share=True)
    )
    outcome = present.outcome if present else None
    refuse(why_not_route(idea, person, is_open=present is not None, open_outcome=outcome))
    text = clean_note(note)
    _unit_of_lab(session, unit_id, idea.lab_id)
    if present is not None:
        end(session, present, reason="another-unit", now=now, actor_id=person.known_id)
    clock = lab_clock(session, idea.lab_id)
    due = first_deadlines(now, clock.settings, zone=clock.zone, country=clock.country)
    handoff = Handoff(
        idea_id=idea_id,
        lab_id=idea.lab_id,
        unit_id=unit_id,
        queued_at=now,
        routed_by=person.known_id,
        note=text,
        assign_due=due.assign,
        preliminary_due=due.preliminary,
        decision_due=due.decision,
        due_at=due.assign,
    )
    session.add(handoff)
    session.flush()
    log(
        session,
        handoff,
        "handoff-queued",
        now=now,
        person_id=person.known_id,
        note=text,
        due=stamped(due.assign),
        answer_due=stamped(due.preliminary),
        again=False,
    )
    turn(session, handoff, now=now)
    return handoff


def route_again(
    session: Session,
    *,
    handoff_id: int,
    unit_id: int,
    person: Viewer,
    now: datetime,
    note: str = "",
    stamp: int | None = None,
) -> Handoff:
    """Give a handoff that came back as "wrong unit" to another unit, with its clock and notes.

    Raises:
        NotFound: ``no-such-handoff``. Forbidden: ``not-yours``, ``manager-assigns``.
        Refused: ``wrong-state``, ``already-routed``, ``no-such-unit``, ``handoff-changed``.

    Source: rule H1.
    """
    handoff = lock(session, handoff_id, person)
    refuse(why_not_route_again(handoff, person))
    text = clean_note(note)
    _unit_of_lab(session, unit_id, handoff.lab_id)
    change(
        session,
        handoff,
        now=now,
        stamp=stamp,
        unit_id=unit_id,
        routed_by=person.known_id,
        note=text or handoff.note,
    )
    log(
        session,
        handoff,
        "handoff-queued",
        now=now,
        person_id=person.known_id,
        note=text,
        due=stamped(handoff.assign_due),
        answer_due=stamped(handoff.preliminary_due),
        again=True,
        by_manager=handoff.returns >= MOST_RETURNS,
    )
    turn(session, handoff, now=now)
    return handoff


def assign(
    session: Session,
    *,
    handoff_id: int,
    assignee_id: int,
    person: Viewer,
    now: datetime,
    note: str = "",
    stamp: int | None = None,
) -> Handoff:
    """Put a queued handoff into somebody's hands; members of the unit may take it themselves.

    Raises:
        NotFound: ``no-such-handoff``. Forbidden: ``not-yours``.
        Refused: ``wrong-state``, ``no-unit``, ``not-a-member``, ``unit-full``, ``handoff-changed``.

    Source: rules H1, H2, H5.
    """
    handoff = lock(session, handoff_id, person)
    refuse(why_not_step(Step.ASSIGN, handoff, person))
    unit = _unit_of_lab(session, handoff.unit_id or 0, handoff.lab_id, locked=True)
    refuse(
        why_not_assign(
            handoff,
            person,
            is_member=is_member(session, unit.id, assignee_id),
            in_progress=in_progress(session, unit.id),
            limit=unit.limit_in_progress,
        )
    )
    text = clean_note(note)
    clock = lab_clock(session, handoff.lab_id)
    change(
        session,
        handoff,
        now=now,
        stamp=stamp,
        state=HandoffState.ASSIGNED,
        assignee_id=assignee_id,
        assigned_at=now,
        acknowledge_due=acknowledge_deadline(now, clock.settings, zone=clock.zone, country=clock.country),
    )
    log(
        session,
        handoff,
        "handoff-assigned",
        now=now,
        person_id=person.known_id,
        note=text,
        assignee_id=assignee_id,
        taken=assignee_id == person.known_id,
        due=stamped(handoff.due_at or now),
    )
    turn(session, handoff, now=now)
    return handoff


def take(
    session: Session, *, handoff_id: int, person: Viewer, now: datetime, stamp: int | None = None
) -> Handoff:
    """Take a handoff oneself: out of the queue, or one whose holder has left.

    Raises:
        As ``assign`` and ``reassign``.
    """
    act = assign if lock(session, handoff_id, person).state is HandoffState.QUEUED else reassign
    return act(
        session, handoff_id=handoff_id, assignee_id=person.known_id, person=person, now=now, stamp=stamp
    )


def reassign(
    session: Session,
    *,
    handoff_id: int,
    assignee_id: int,
    person: Viewer,
    now: datetime,
    note: str = "",
    stamp: int | None = None,
) -> Handoff:
    """Give a handoff to a colleague; state and clock stay as they are. Repeating it changes nothing.

    Raises:
        NotFound: ``no-such-handoff``. Forbidden: ``not-yours``.
        Refused: ``wrong-state``, ``not-a-member``, ``handoff-changed``.
    """
    handoff = lock(session, handoff_id, person)
    member = is_member(session, handoff.unit_id, assignee_id)
    refuse(why_not_assign(handoff, person, is_member=member, in_progress=0, limit=1, again=True))
    text = clean_note(note)
    if assignee_id == handoff.assignee_id:
        return handoff
    change(session, handoff, now=now, stamp=stamp, assignee_id=assignee_id)
    log(
        session,
        handoff,
        "handoff-reassigned",
        now=now,
        person_id=person.known_id,
        public=False,
        note=text,
        assignee_id=assignee_id,
    )
    return handoff


def acknowledge(
    session: Session,
    *,
    handoff_id: int,
    person: Viewer,
    now: datetime,
    note: str = "",
    stamp: int | None = None,
) -> Handoff:
    """Say for the unit that it will assess the idea: acknowledging is agreeing.

    Raises:
        NotFound: ``no-such-handoff``. Forbidden: ``not-yours``.
        Refused: ``wrong-state``, ``no-unit``, ``handoff-changed``.

    Source: rules H0, H1.
    """
    handoff = lock(session, handoff_id, person)
    refuse(why_not_step(Step.ACKNOWLEDGE, handoff, person))
    text = clean_note(note)
    change(session, handoff, now=now, stamp=stamp, state=HandoffState.ACKNOWLEDGED, acknowledged_at=now)
    log(
        session,
        handoff,
        "handoff-acknowledged",
        now=now,
        person_id=person.known_id,
        note=text,
        due=stamped(handoff.due_at or now),
    )
    turn(session, handoff, now=now)
    return handoff


def return_wrong_unit(
    session: Session, *, handoff_id: int, note: str, person: Viewer, now: datetime, stamp: int | None = None
) -> Handoff:
    """Send an idea back to the lab's queue with its clock and notes.

    Args:
        note: Why it is the wrong unit and who might be the right one; for the lab's people.

    Raises:
        NotFound: ``no-such-handoff``. Forbidden: ``not-yours``.
        Refused: ``wrong-state``, ``returned-twice``, ``already-agreed``, ``note-missing``,
            ``handoff-changed``.

    Source: rule H1.
    """
    handoff = lock(session, handoff_id, person)
    refuse(why_not_return(handoff, person, stage=idea_of(session, handoff).stage))
    text = clean_note(note, needed=True)
    returns = handoff.returns + 1
    if end_pause_on_the_way(session, handoff, now=now, actor_id=person.known_id, stamp=stamp):
        stamp = None
    log(
        session,
        handoff,
        "handoff-returned",
        now=now,
        person_id=person.known_id,
        note=text,
        returns=returns,
        to_manager=returns >= MOST_RETURNS,
    )
    discard_waiting_answer(session, handoff)
    change(
        session,
        handoff,
        now=now,
        stamp=stamp,
        state=HandoffState.QUEUED,
        unit_id=None,
        assignee_id=None,
        assigned_at=None,
        acknowledged_at=None,
        acknowledge_due=None,
        returns=returns,
    )
    turn(session, handoff, now=now)
    return handoff


def begin_assessing(
    session: Session, *, handoff_id: int, person: Viewer, now: datetime, stamp: int | None = None
) -> Handoff:
    """Say that the unit has begun to assess the idea.

    Raises:
        NotFound: ``no-such-handoff``. Forbidden: ``not-yours``.
        Refused: ``wrong-state``, ``handoff-changed``.
    """
    handoff = lock(session, handoff_id, person)
    refuse(why_not_step(Step.BEGIN, handoff, person))
    change(session, handoff, now=now, stamp=stamp, state=HandoffState.ASSESSING)
    log(session, handoff, "handoff-assessing", now=now, person_id=person.known_id)
    return handoff


def set_case_number(
    session: Session, *, handoff_id: int, number: str, person: Viewer, now: datetime, stamp: int | None = None
) -> Handoff:
    """Note under which number the unit keeps the case in its own archive.

    Raises:
        NotFound: ``no-such-handoff``. Forbidden: ``not-yours``.
        Refused: ``wrong-state``, ``external_case-too-long``, ``handoff-changed``.
    """
    handoff = lock(session, handoff_id, person)
    refuse(why_not_step(Step.CASE, handoff, person))
    text = clean_line(number)
    refuse(why_not_case(text))
    if text != handoff.external_case:
        change(session, handoff, now=now, stamp=stamp, external_case=text)
        log(
            session,
            handoff,
            "handoff-numbered",
            now=now,
            person_id=person.known_id,
            public=False,
            number=text,
        )
    return handoff
