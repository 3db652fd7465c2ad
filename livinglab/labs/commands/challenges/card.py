"""Writing a challenge: the words of its strategy card, people and clock, measures, audiences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import Texts
from livinglab.core.errors import NotFound, Refused, refuse
from livinglab.core.text import clean_line
from livinglab.core.viewer import Viewer
from livinglab.labs.commands.challenges.rows import challenge_row, note
from livinglab.labs.commands.labs import cleaned
from livinglab.labs.commands.units import works_here
from livinglab.labs.models import (
    FIELD_MAX,
    INTRO_MAX,
    TITLE_MAX,
    Audience,
    AudienceLevel,
    Challenge,
    ChallengeState,
    Lab,
    Measure,
)
from livinglab.labs.queries.parts import AUDIENCES, CARD, MEASURES, TIMES, Part, refuse_stale
from livinglab.labs.rules import (
    AUDIENCES_MAX,
    MeasureDraft,
    why_not_draft,
    why_not_edit,
    why_not_measures,
    why_not_reshape,
)


@dataclass(frozen=True, slots=True)
class CardTexts:
    """The words of a strategy card, per language. What is left out is empty."""

    title: Texts
    intro: Texts | None = None
    goal: Texts | None = None
    purpose: Texts | None = None
    benefit: Texts | None = None
    now_state: Texts | None = None
    wanted_state: Texts | None = None
    actions: Texts | None = None


@dataclass(frozen=True, slots=True)
class CardTimes:
    """Who answers for a challenge, and its clock.

    Args:
        counts_from: ``None``: counts are shown from closing (V4).
        trust_needed: Level of trust a support needs: 1, 2 or 3 (P3).
    """

    responsible_id: int | None = None
    deputy_id: int | None = None
    closes_at: datetime | None = None
    counts_from: datetime | None = None
    trust_needed: int = 1


def draft_challenge(
    session: Session, *, lab_id: int, texts: CardTexts, person: Viewer, now: datetime
) -> Challenge:
    """Begin a challenge. Nobody outside the lab's staff sees it before it opens.

    Raises:
        NotFound: ``no-such-lab``. Forbidden: ``not-lab-staff``. Refused: ``untitled``, ``text-too-long``.
    """
    lab = session.get(Lab, lab_id)
    if lab is None:
        raise NotFound("no-such-lab", "")
    refuse(why_not_draft(person, lab_id))
    challenge = Challenge(lab_id=lab_id, title={}, created_by=person.person_id, created_at=now)
    _write(challenge, texts, lab)
    session.add(challenge)
    session.flush()
    note(session, "challenge-drafted", challenge, person, now, public=False, readers=())
    return challenge


def _to_write(
    session: Session, challenge_id: int, part: Part, person: Viewer, read: str | None
) -> tuple[Challenge, Lab]:
    """Return a challenge under lock, for somebody who may write it and has read what stands in this part."""
    challenge, lab = challenge_row(session, challenge_id)
    refuse(why_not_edit(person, lab_id=challenge.lab_id, state=challenge.state))
    refuse_stale(session, part, challenge_id, read)
    return challenge, lab


def edit_card(
    session: Session,
    *,
    challenge_id: int,
    texts: CardTexts,
    person: Viewer,
    now: datetime,
    read: str | None = None,
) -> Challenge:
    """Change the words of a challenge: by the lab's staff while a draft, by the manager while open.

    Args:
        read: The mark of what the form was filled from (``mark_of``).

    Raises:
        NotFound: ``no-such-challenge``. Forbidden: ``not-lab-staff``, ``not-manager``.
        Refused: ``challenge-closed``, ``untitled``, ``text-too-long``,
            ``changed-meanwhile``.
    """
    challenge, lab = _to_write(session, challenge_id, CARD, person, read)
    _write(challenge, texts, lab)
    session.add(challenge)
    note(
        session, "challenge-edited", challenge, person, now,
        public=challenge.state is ChallengeState.OPEN, readers=(),
    )  # fmt: skip
    return challenge


def _write(challenge: Challenge, texts: CardTexts, lab: Lab) -> None:
    challenge.title = {code: clean_line(t) for code, t in cleaned(texts.title, TITLE_MAX).items()}
    if not challenge.title.get(lab.languages[0]):
        raise Refused(
            "untitled", _l("Give it a title in the lab’s first language."), field=f"title_{lab.languages[0]}"
        )
    challenge.intro = cleaned(texts.intro, INTRO_MAX)
    for name in ("goal", "purpose", "benefit", "now_state", "wanted_state", "actions"):
        setattr(challenge, name, cleaned(getattr(texts, name), FIELD_MAX))


def set_times(
    session: Session,
    *,
    challenge_id: int,
    times: CardTimes,
    person: Viewer,
    now: datetime,
    read: str | None = None,
) -> Challenge:
    """Say who answers for a challenge and when it closes. Once open, only the two people can change.

    Args:
        read: The mark of what the form was filled from (``mark_of``).

    Raises:
        NotFound: ``no-such-challenge``. Forbidden: ``not-lab-staff``, ``not-manager``.
        Refused: ``challenge-closed``, ``card-frozen``, ``closes-in-past``, ``counts-after-closing``,
            ``same-person``, ``not-in-lab``, ``bad-trust``,
            ``changed-meanwhile``.
    """
    challenge, _lab = _to_write(session, challenge_id, TIMES, person, read)
    _name_people(session, challenge, times)
    clock = (times.closes_at, times.counts_from, times.trust_needed)
    if clock != (challenge.closes_at, challenge.counts_from, challenge.trust_needed):
        refuse(why_not_reshape(state=challenge.state))
        _set_clock(challenge, times, now)
    session.add(challenge)
    note(session, "challenge-edited", challenge, person, now, public=False, readers=())
    return challenge


def _name_people(session: Session, challenge: Challenge, times: CardTimes) -> None:
    if times.responsible_id is not None and times.responsible_id == times.deputy_id:
        raise Refused(
            "same-person",
            _l("The responsible person and the deputy are two different people."),
            field="deputy_id",
        )
    for field in ("responsible_id", "deputy_id"):
        person_id = getattr(times, field)
        if person_id not in (None, getattr(challenge, field)) and not works_here(
            session, challenge.lab_id, person_id
        ):
            raise Refused("not-in-lab", _l("Choose somebody who works in the lab."), field=field)
    challenge.responsible_id, challenge.deputy_id = times.responsible_id, times.deputy_id


def _set_clock(challenge: Challenge, times: CardTimes, now: datetime) -> None:
    if times.closes_at is not None and times.closes_at <= now:
        raise Refused("closes-in-past", _l("Choose a closing time that lies ahead."), field="closes_at")
    if times.counts_from and times.closes_at and times.counts_from > times.closes_at:
        raise Refused(
            "counts-after-closing", _l("Counts are shown at closing at the latest."), field="counts_from"
        )
    if times.trust_needed not in (1, 2, 3):
        raise Refused("bad-trust", _l("Choose one of the three levels."), field="trust_needed")
    challenge.closes_at, challenge.counts_from = times.closes_at, times.counts_from
    challenge.trust_needed = times.trust_needed


def set_measures(
    session: Session,
    *,
    challenge_id: int,
    measures: Sequence[MeasureDraft],
    person: Viewer,
    now: datetime,
    read: str | None = None,
) -> None:
    """Write the measures of a draft, in the given order, in place of those before.

    Args:
        read: The mark of what the form was filled from (``mark_of``).

    Raises:
        NotFound: ``no-such-challenge``. Forbidden: ``not-lab-staff``.
        Refused: ``card-frozen``, ``challenge-closed``, ``too-many-measures``, ``measure-incomplete``,
            ``measure-still``, ``text-too-long``,
            ``changed-meanwhile``.

    Source: rule L1.
    """
    challenge, lab = _to_write(session, challenge_id, MEASURES, person, read)
    refuse(why_not_reshape(state=challenge.state))
    refuse(why_not_measures(measures, first_language=lab.languages[0]))
    session.execute(sa.delete(Measure).where(col(Measure.challenge_id) == challenge_id))
    session.add_all(
        Measure(
            challenge_id=challenge_id,
            label=cleaned(m.label, 160),
            unit=clean_line(m.unit)[:40],
            baseline=m.baseline,
            target=m.target,
            target_on=m.target_on,
            position=position,
        )
        for position, m in enumerate(measures)
    )
    session.flush()
    note(session, "challenge-edited", challenge, person, now, public=False, readers=())


def set_audiences(
    session: Session,
    *,
    challenge_id: int,
    audiences: Sequence[tuple[AudienceLevel, Texts]],
    person: Viewer,
    now: datetime,
    read: str | None = None,
) -> None:
    """Write whom a draft must, should and can hear, in place of those before.

    Args:
        read: The mark of what the form was filled from (``mark_of``).

    Raises:
        NotFound: ``no-such-challenge``. Forbidden: ``not-lab-staff``.
        Refused: ``card-frozen``, ``challenge-closed``, ``too-many-audiences``, ``audience-unnamed``,
            ``text-too-long``,
            ``changed-meanwhile``.

    Source: rule L1.
    """
    challenge, lab = _to_write(session, challenge_id, AUDIENCES, person, read)
    refuse(why_not_reshape(state=challenge.state))
    if len(audiences) > AUDIENCES_MAX:
        raise Refused("too-many-audiences", _l("At most 12 groups, please."))
    if any(not names.get(lab.languages[0]) for _level, names in audiences):
        raise Refused("audience-unnamed", _l("Name each group in the lab’s first language."))
    session.execute(sa.delete(Audience).where(col(Audience.challenge_id) == challenge_id))
    session.add_all(
        Audience(challenge_id=challenge_id, level=level, name=cleaned(names, 120), position=position)
        for position, (level, names) in enumerate(audiences)
    )
    session.flush()
    note(session, "challenge-edited", challenge, person, now, public=False, readers=())
