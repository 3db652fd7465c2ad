"""Carrying an idea along between the gates: its lead, the next step, evidence, the benefit plan."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.clock import local_day
from livinglab.core.db import known_id
from livinglab.core.errors import NotFound, Refused, refuse
from livinglab.core.journal import record
from livinglab.core.text import clean, clean_line
from livinglab.core.viewer import Role, Viewer
from livinglab.handoff.commands import mark_followed_up
from livinglab.ideas.commands.following import add_follower, forget_next_step
from livinglab.ideas.models import NEXT_STEP_MAX, Idea
from livinglab.labs.queries import holders
from livinglab.pipeline.commands.moving import challenge_of_idea, pass_on
from livinglab.pipeline.models import EVIDENCE_MAX, Benefit, Evidence
from livinglab.pipeline.queries.places import place_of, zone_of
from livinglab.pipeline.queries.review.parts import named_step
from livinglab.pipeline.rules import Action, Given, criteria_of, why_not, why_not_evidence

WHO_MAX = 120
ALT_MAX = 200


def name_lead(session: Session, *, idea_id: int, lead_id: int, person: Viewer, now: datetime) -> None:
    """Name who carries the idea through its stages; naming the same one again changes nothing.

    Raises:
        NotFound: ``no-such-idea``. Forbidden: ``not-yours``.
        Refused: ``wrong-state``, ``not-a-lead``.

    Source: DOMAIN section 3, rule S3.
    """
    place = place_of(session, idea_id, lock=True)
    refuse(why_not(Action.NAME_LEAD, place, person))
    if lead_id not in holders(session, place.lab_id, Role.LEAD):
        raise Refused("not-a-lead", _l("Choose somebody who is a project lead in this lab."), field="lead_id")
    if place.lead_id == lead_id:
        return
    session.execute(sa.update(Idea).where(col(Idea.id) == idea_id).values(lead_id=lead_id))
    add_follower(session, idea_id, lead_id, now)
    record(
        session,
        "lead-named",
        at=now,
        actor_id=person.known_id,
        lab_id=place.lab_id,
        challenge_id=challenge_of_idea(session, idea_id),
        idea_id=idea_id,
        subject_id=lead_id,
        data={"lead_id": lead_id, "former_id": place.lead_id},
    )


def end_next_step(session: Session, *, idea_id: int, person: Viewer, now: datetime) -> None:
    """Say that the named step is done; the usual next step is shown from now on. None named: no change.

    Raises:
        NotFound: ``no-such-idea``. Forbidden: ``not-yours``. Refused: ``wrong-state``.

    Source: rule S7.
    """
    place = place_of(session, idea_id, lock=True)
    refuse(why_not(Action.SET_NEXT_STEP, place, person))
    step, _who, _by = named_step(session, idea_id)
    if not step:
        return
    forget_next_step(session, idea_id=idea_id)
    pass_on(session, place, now=now)
    record(
        session,
        "next-step-done",
        at=now,
        actor_id=person.known_id,
        lab_id=place.lab_id,
        challenge_id=challenge_of_idea(session, idea_id),
        idea_id=idea_id,
        data={"step": step, "stage": place.stage.value},
        readers=(),
    )


def set_next_step(
    session: Session, *, idea_id: int, step: str, who: str, by: date | None, person: Viewer, now: datetime
) -> None:
    """Say what comes next, who does it and by when; no date is allowed, and said.

    Raises:
        NotFound: ``no-such-idea``. Forbidden: ``not-yours``.
        Refused: ``wrong-state``, ``step-missing``, ``step-long``, ``date-passed``.

    Source: rule S7.
    """
    place = place_of(session, idea_id, lock=True)
    refuse(why_not(Action.SET_NEXT_STEP, place, person))
    step, who = clean_line(step), clean_line(who)
    if not step:
        raise Refused("step-missing", _l("Write the next step."), field="step")
    if len(step) > NEXT_STEP_MAX or len(who) > WHO_MAX:
        raise Refused(
            "step-long",
            _l("The next step may have at most %(num)d characters.", num=NEXT_STEP_MAX),
            field="step",
        )
    if by is not None and by < local_day(now, zone_of(session, place.lab_id)):
        raise Refused("date-passed", _l("Choose today or a day ahead."), field="by")
    session.execute(
        sa.update(Idea).where(col(Idea.id) == idea_id).values(next_step=step, next_who=who, next_by=by)
    )
    pass_on(session, place, now=now)
    record(
        session,
        "next-step-set",
        at=now,
        actor_id=person.known_id,
        lab_id=place.lab_id,
        challenge_id=challenge_of_idea(session, idea_id),
        idea_id=idea_id,
        data={"step": step, "by": by.isoformat() if by else None, "stage": place.stage.value},
    )


def add_evidence(
    session: Session,
    *,
    idea_id: int,
    criterion: str,
    person: Viewer,
    now: datetime,
    text: str = "",
    number: float | None = None,
    on_date: date | None = None,
    link: str = "",
    image_id: int | None = None,
    image_alt: str = "",
) -> Evidence:
    """Show that a criterion of the gate ahead is met: words, a number, a date, a link or a picture.

    Raises:
        NotFound: ``no-such-idea``, ``no-such-criterion``. Forbidden: ``not-yours``.
        Refused: ``wrong-state``, ``evidence-…``, ``alt-missing``.

    Source: rule S4.
    """
    place = place_of(session, idea_id, lock=True)
    text, link, image_alt = clean(text), clean_line(link), clean_line(image_alt)
    found = next((c for c in criteria_of(place.gate) if c.code == criterion), None) if place.gate else None
    refuse(why_not_evidence(place, person, found, Given(text, number, on_date, link, image_id is not None)))
    _check_parts(text, link, image_id, image_alt)
    row = Evidence(
        idea_id=idea_id,
        gate=place.gate or 0,
        criterion=criterion,
        text=text,
        number=number,
        on_date=on_date,
        link=link,
        image_id=image_id,
        image_alt=image_alt if image_id else "",
        person_id=person.known_id,
        at=now,
    )
    session.add(row)
    session.flush()
    record(
        session,
        "evidence-added",
        at=now,
        actor_id=person.known_id,
        lab_id=place.lab_id,
        idea_id=idea_id,
        subject_id=known_id(row.id),
        public=False,
        data={"criterion": criterion, "gate": place.gate},
        readers=(),
    )
    return row


def _check_parts(text: str, link: str, image_id: int | None, image_alt: str) -> None:
    if len(text) > EVIDENCE_MAX:
        raise Refused(
            "evidence-long",
            _l("Evidence may have at most %(num)d characters.", num=EVIDENCE_MAX),
            field="text",
        )
    if link and (not link.lower().startswith(("http://", "https://")) or len(link) > 500 or " " in link):
        raise Refused("evidence-link", _l("Write a web address that begins with https://"), field="link")
    if image_id is not None and not 0 < len(image_alt) <= ALT_MAX:
        raise Refused(
            "alt-missing", _l("Describe the picture for those who cannot see it."), field="image_alt"
        )


def withdraw_evidence(session: Session, *, evidence_id: int, person: Viewer, now: datetime) -> int:
    """Take a piece of evidence back; it stays in the database, without weight.

    Returns:
        The idea it belonged to.

    Raises:
        NotFound: ``no-such-idea``, ``no-such-evidence``. Forbidden: ``not-yours``, ``not-your-evidence``.
        Refused: ``wrong-state``.
    """
    row = session.get(Evidence, evidence_id)
    if row is None:
        raise NotFound("no-such-evidence", _l("There is no such evidence."))
    place = place_of(session, row.idea_id, lock=True)
    refuse(why_not(Action.WITHDRAW_EVIDENCE, place, person))
    if row.gate != place.gate:
        raise Refused("gate-passed", _l("This gate has been passed. Its evidence stands."))
    changed = session.execute(
        sa.update(Evidence)
        .where(col(Evidence.id) == evidence_id, col(Evidence.withdrawn_at).is_(None))
        .values(withdrawn_at=now)
    )
    if changed.rowcount:  # type: ignore[attr-defined]
        record(
            session,
            "evidence-withdrawn",
            at=now,
            actor_id=person.known_id,
            lab_id=place.lab_id,
            idea_id=place.idea_id,
            subject_id=evidence_id,
            public=False,
            data={"criterion": row.criterion, "gate": row.gate},
            readers=(),
        )
    return place.idea_id


def plan_benefit(
    session: Session,
    *,
    idea_id: int,
    label: str,
    unit: str,
    baseline: float,
    baseline_on: date,
    target: float,
    measure_next: date,
    person: Viewer,
    now: datetime,
) -> Benefit:
    """Say what the service is to change: from a baseline to a target, measured on a day.

    Raises:
        NotFound: ``no-such-idea``. Forbidden: ``not-yours``.
        Refused: ``wrong-state``, ``benefit-label``, ``benefit-target``, ``benefit-date``.

    Source: rule S4.
    """
    place = place_of(session, idea_id, lock=True)
    refuse(why_not(Action.PLAN_BENEFIT, place, person))
    label, unit = clean_line(label), clean_line(unit)
    today = local_day(now, zone_of(session, place.lab_id))
    if not label or len(label) > 120 or not unit or len(unit) > 40:
        raise Refused("benefit-label", _l("Say what is measured, and in which unit."), field="label")
    if baseline == target:
        raise Refused("benefit-target", _l("The target must differ from the baseline."), field="target")
    if baseline_on > today:
        raise Refused("benefit-date", _l("The baseline is something already measured."), field="baseline_on")
    if measure_next <= today:
        raise Refused("benefit-date", _l("Choose a day ahead."), field="measure_next")
    row = Benefit(
        idea_id=idea_id,
        label=label,
        unit=unit,
        baseline=baseline,
        baseline_on=baseline_on,
        target=target,
        measure_next=measure_next,
    )
    session.add(row)
    session.flush()
    record(
        session,
        "benefit-planned",
        at=now,
        actor_id=person.known_id,
        lab_id=place.lab_id,
        challenge_id=challenge_of_idea(session, idea_id),
        idea_id=idea_id,
        subject_id=known_id(row.id),
        data={"label": label, "unit": unit, "baseline": baseline, "target": target},
    )
    return row


def measure_benefit(
    session: Session,
    *,
    benefit_id: int,
    measured: float,
    measured_on: date,
    measure_next: date | None,
    person: Viewer,
    now: datetime,
) -> int:
    """Write down what was measured, and when it is measured again.

    The first measurement is the follow-up of what the unit delivered; its handoff closes once nothing of
    the service is to be measured any more.

    Returns:
        The idea it belongs to.

    Raises:
        NotFound: ``no-such-benefit``, ``no-such-idea``. Forbidden: ``not-yours``.
        Refused: ``wrong-state``, ``benefit-date``.

    Source: rules H1, S4.
    """
    about = session.scalar(sa.select(col(Benefit.idea_id)).where(col(Benefit.id) == benefit_id))
    place = place_of(session, about, lock=True) if about is not None else None
    row = session.get(Benefit, benefit_id, populate_existing=True)  # as it is under the lock
    if row is None or place is None:
        raise NotFound("no-such-benefit", _l("There is no such benefit."))
    refuse(why_not(Action.MEASURE_BENEFIT, place, person))
    today = local_day(now, zone_of(session, place.lab_id))
    if not row.baseline_on <= measured_on <= today:
        raise Refused("benefit-date", _l("Choose a day between the baseline and today."), field="measured_on")
    if measure_next is not None and measure_next <= today:
        raise Refused("benefit-date", _l("Choose a day ahead."), field="measure_next")
    row.measured, row.measured_on, row.measure_next = measured, measured_on, measure_next
    session.add(row)
    session.flush()
    record(
        session,
        "benefit-measured",
        at=now,
        actor_id=person.known_id,
        lab_id=place.lab_id,
        challenge_id=challenge_of_idea(session, row.idea_id),
        idea_id=row.idea_id,
        subject_id=benefit_id,
        data={
            "label": row.label,
            "unit": row.unit,
            "baseline": row.baseline,
            "target": row.target,
            "measured": measured,
        },
    )
    goes_on = sa.exists().where(col(Benefit.idea_id) == row.idea_id, col(Benefit.measure_next).is_not(None))
    last = not session.scalar(sa.select(goes_on))
    mark_followed_up(session, row.idea_id, now, last=last, actor_id=person.known_id)
    return row.idea_id
