"""The board: four columns with their true counts, each card with whom it waits for. Flat at 100 000 ideas."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import Texts
from livinglab.core.viewer import Role
from livinglab.handoff.models import Handoff
from livinglab.ideas.models import Activity, Idea, Publication, Stage
from livinglab.labs.models import Challenge, ChallengeState, Lab, ReceivingUnit
from livinglab.people.models import Person, RoleGrant
from livinglab.people.rules import Face
from livinglab.pipeline.models import Benefit, DecisionOutcome, GateDecision
from livinglab.pipeline.queries.standing import (
    Standing,
    lead_face,
    standing_columns,
    standing_from,
    with_standing,
)

ON_BOARD = (Activity.ACTIVE, Activity.REVIEW, Activity.HOLD)
SHOWS = {"late": ON_BOARD, "gate": (Activity.REVIEW,), "hold": (Activity.HOLD,)}
"""What a figure on top filters by; "late" asks the deadline besides."""
SMALL_COLUMN, LONG_COLUMN = 12, 60
MANY_LABS = 12
"""Above so many labs a column is sorted as one instead of being merged from its labs."""


@dataclass(frozen=True, slots=True)
class BoardFilter:
    """What the address asks for.

    Args:
        labs: The labs the person may see, narrowed to the one chosen.
        box: Only the idea box: no challenge.
        show: A key of ``SHOWS`` or empty.
    """

    labs: tuple[int, ...]
    challenge_id: int | None = None
    box: bool = False
    unit_id: int | None = None
    lead_id: int | None = None
    show: str = ""


@dataclass(frozen=True, slots=True)
class BenefitLine:
    """What a service changes, in one line."""

    label: str
    unit: str
    baseline: float
    target: float
    measured: float | None


@dataclass(frozen=True, slots=True)
class BoardCard:
    """One idea on the board."""

    standing: Standing
    title: str
    language: str
    lab_name: str
    lab_theme: str
    lead: Face | None
    benefit: BenefitLine | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One stage.

    Args:
        count: All ideas of the stage under the filter, not only the cards on this page.
        typical_days: Median stay of the ideas that went on from here; ``None`` while none did.
        after: Where the next page begins.
    """

    stage: Stage
    cards: tuple[BoardCard, ...]
    count: int
    late: int
    typical_days: int | None
    after: tuple[str, str, int] | None


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures on top, of everything under the filter."""

    late: int
    gate: int
    hold: int
    all: int


@dataclass(frozen=True, slots=True)
class Board:
    """The whole page."""

    columns: tuple[Column, ...]
    figures: Figures


@dataclass(frozen=True, slots=True)
class Tally:
    """Ideas of one stage by activity, and those overdue."""

    by_activity: dict[Activity, int]
    late: int
    late_by_activity: dict[Activity, int]

    def shown(self, show: str) -> int:
        """Return how many stand in the column under a figure's filter."""
        if show == "late":
            return self.late
        return sum(self.by_activity.get(activity, 0) for activity in SHOWS.get(show, ON_BOARD))

    def shown_late(self, show: str) -> int:
        """Return how many of them are overdue."""
        return sum(self.late_by_activity.get(activity, 0) for activity in SHOWS.get(show, ON_BOARD))


def board(
    session: Session,
    chosen: BoardFilter,
    now: datetime,
    *,
    stage: Stage | None = None,
    after: tuple[str, str, int] | None = None,
) -> Board:
    """Return the board: what is late first, then what has waited longest.

    Args:
        stage: One column as a long list; without it all four, each with its first cards.
        after: Place in that list to go on from.
    """
    if not chosen.labs:
        empty = tuple(Column(s, (), 0, 0, None, None) for s in Stage if stage in (None, s))
        return Board(empty, Figures(0, 0, 0, 0))
    tallies = _tallies(session, chosen, now)
    stages = [stage] if stage else list(Stage)
    size = LONG_COLUMN if stage else SMALL_COLUMN
    places = {s: _places(session, chosen, s, now, size=size + 1, after=after) for s in stages}
    cards = _cards(session, [place[2] for found in places.values() for place in found[:size]], now)
    typical = typical_days(session, chosen.labs)
    columns = tuple(
        Column(
            stage=s,
            cards=tuple(cards[place[2]] for place in places[s][:size] if place[2] in cards),
            count=tallies[s].shown(chosen.show),
            late=tallies[s].shown_late(chosen.show),
            typical_days=typical.get(s),
            after=places[s][size - 1] if len(places[s]) > size else None,
        )
        for s in stages
    )
    return Board(columns, _figures(tallies.values()))


def _figures(tallies: Iterable[Tally]) -> Figures:
    found = list(tallies)
    return Figures(
        late=sum(t.late for t in found),
        gate=sum(t.by_activity.get(Activity.REVIEW, 0) for t in found),
        hold=sum(t.by_activity.get(Activity.HOLD, 0) for t in found),
        all=sum(sum(t.by_activity.values()) for t in found),
    )


def _conditions(chosen: BoardFilter) -> list[Any]:
    """Return what narrows the board besides lab, stage and figure."""
    wanted: list[Any] = [col(Idea.publication) == Publication.PUBLISHED]
    if chosen.challenge_id is not None:
        wanted.append(col(Idea.challenge_id) == chosen.challenge_id)
    if chosen.box:
        wanted.append(col(Idea.challenge_id).is_(None))
    if chosen.lead_id is not None:
        wanted.append(col(Idea.lead_id) == chosen.lead_id)
    if chosen.unit_id is not None:
        wanted.append(
            sa.exists().where(
                col(Handoff.idea_id) == col(Idea.id),
                col(Handoff.closed_at).is_(None),
                col(Handoff.unit_id) == chosen.unit_id,
            )
        )
    return wanted


def _tallies(session: Session, chosen: BoardFilter, now: datetime) -> dict[Stage, Tally]:
    """Count by stage and activity, in one statement over an index."""
    overdue = sa.func.sum(sa.case((col(Idea.due_at) < now, 1), else_=0))
    rows: Any = session.execute(
        sa.select(col(Idea.stage), col(Idea.activity), sa.func.count(), overdue)
        .where(col(Idea.lab_id).in_(chosen.labs), col(Idea.activity).in_(ON_BOARD), *_conditions(chosen))
        .group_by(col(Idea.stage), col(Idea.activity))
    )
    counts: dict[Stage, dict[Activity, int]] = defaultdict(dict)
    late: dict[Stage, dict[Activity, int]] = defaultdict(dict)
    for stage, activity, count, overdue_count in rows:
        counts[stage][activity], late[stage][activity] = count, int(overdue_count or 0)
    return {s: Tally(counts[s], sum(late[s].values()), late[s]) for s in Stage}


Where = tuple[str, str, int]
"""A place in a column: one of ``PARTS``, the instant it is ordered by, the idea."""


PARTS = ("late", "gate", "rest")


def _places(
    session: Session, chosen: BoardFilter, stage: Stage, now: datetime, *, size: int, after: Where | None
) -> list[Where]:
    """Return the next places of a column: what is late, what stands at the gate, the rest."""
    found: list[Where] = []
    for part in PARTS[PARTS.index(after[0]) if after else 0 :]:
        wanted = {"late": "late", "gate": "gate"}.get(part, "hold" if chosen.show == "hold" else "")
        if len(found) >= size or (chosen.show and chosen.show != wanted and part != "late"):
            continue
        begin = after if after and after[0] == part else None
        found += _ordered(session, chosen, stage, now, part=part, size=size - len(found), after=begin)
    return found


def _ordered(
    session: Session,
    chosen: BoardFilter,
    stage: Stage,
    now: datetime,
    *,
    part: str,
    size: int,
    after: Where | None,
) -> list[Where]:
    key = col(Idea.due_at) if part == "late" else col(Idea.waits_since)
    wanted = [*_conditions(chosen), col(Idea.stage) == stage]
    activities = set(SHOWS.get(chosen.show, ON_BOARD))
    if part != "late":
        activities &= {Activity.REVIEW} if part == "gate" else {Activity.ACTIVE, Activity.HOLD}
    # written so that the index on the wait is walked, not one on the activity sorted
    known = sa.func.coalesce(sa.cast(col(Idea.activity), sa.String(24)), "")
    wanted.append(known.in_(sorted(activity.value for activity in activities)))
    overdue = col(Idea.due_at) < now
    wanted.append(overdue if part == "late" else sa.or_(col(Idea.due_at).is_(None), ~overdue))
    wanted.append(key.is_not(None))
    if after is not None:
        at = datetime.fromisoformat(after[1])
        wanted.append(sa.or_(key > at, sa.and_(key == at, col(Idea.id) > after[2])))
    labs: list[Any]
    if len(chosen.labs) > MANY_LABS:
        labs = [col(Idea.lab_id).in_(chosen.labs)]
    else:
        labs = [col(Idea.lab_id) == lab for lab in chosen.labs]
    parts = [
        sa.select(
            sa.select(key.label("at"), col(Idea.id).label("id"))
            .where(lab, *wanted)
            .order_by(key, col(Idea.id))
            .limit(size)
            .subquery()
        )
        for lab in labs
    ]
    rows: Any = session.execute(sa.union_all(*parts)) if len(parts) > 1 else session.execute(parts[0])
    ordered = sorted((row.at, row.id) for row in rows)[:size]
    return [(part, at.isoformat(), idea_id) for at, idea_id in ordered]


def _cards(session: Session, idea_ids: list[int], now: datetime) -> dict[int, BoardCard]:
    """Return what the cards show, in one statement; services get their benefit in a second."""
    if not idea_ids:
        return {}
    query = with_standing(
        sa.select(
            *standing_columns(),
            col(Idea.title),
            col(Idea.language),
            col(Lab.name).label("lab_name"),
            col(Lab.theme).label("lab_theme"),
        ).select_from(Idea)
    ).where(col(Idea.id).in_(idea_ids))
    cards = {
        row.idea_id: BoardCard(
            standing=standing_from(row, now),
            title=row.title,
            language=row.language,
            lab_name=row.lab_name,
            lab_theme=row.lab_theme,
            lead=lead_face(row),
        )
        for row in session.execute(query)
    }
    services = [key for key, card in cards.items() if card.standing.stage is Stage.SERVICE]
    for idea_id, line in _benefits(session, services).items():
        cards[idea_id] = replace(cards[idea_id], benefit=line)
    return cards


def _benefits(session: Session, idea_ids: list[int]) -> dict[int, BenefitLine]:
    if not idea_ids:
        return {}
    rows = session.scalars(
        sa.select(Benefit).where(col(Benefit.idea_id).in_(idea_ids)).order_by(col(Benefit.id).desc())
    )
    return {
        row.idea_id: BenefitLine(row.label, row.unit, row.baseline, row.target, row.measured) for row in rows
    }


def typical_days(session: Session, labs: tuple[int, ...], *, newest: int = 400) -> dict[Stage, int]:
    """Return the median stay in each stage of the ideas that went on from it, over the newest decisions."""
    later: Any = sa.alias(GateDecision.__table__, "later")  # type: ignore[attr-defined]
    before = (
        sa.select(sa.func.max(col(GateDecision.decided_at)))
        .where(
            col(GateDecision.idea_id) == later.c.idea_id,
            col(GateDecision.to_stage) == later.c.from_stage,
            col(GateDecision.from_stage) != later.c.from_stage,
            col(GateDecision.decided_at) < later.c.decided_at,
        )
        .correlate(later)
        .scalar_subquery()
    )
    rows: Any = session.execute(
        sa.select(later.c.from_stage, later.c.decided_at, before.label("entered"), col(Idea.published_at))
        .select_from(later)
        .join(Idea, col(Idea.id) == later.c.idea_id)
        .where(later.c.lab_id.in_(labs), later.c.outcome == DecisionOutcome.ADVANCE)
        .order_by(later.c.id.desc())
        .limit(newest)
    )
    stays: dict[Stage, list[int]] = defaultdict(list)
    for stage, decided, entered, published in rows:
        begun = entered or published
        if begun is not None:
            stays[stage].append(round((decided - begun) / timedelta(days=1)))
    return {stage: round(median(days)) for stage, days in stays.items()}


@dataclass(frozen=True, slots=True)
class Named:
    """Something to choose in a filter; ``texts`` where it is said in several languages."""

    id: int
    name: str = ""
    texts: Texts | None = None
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choices:
    """What the board can be narrowed by."""

    labs: tuple[Named, ...]
    challenges: tuple[Named, ...]
    units: tuple[Named, ...]
    leads: tuple[Named, ...]


def board_choices(session: Session, labs: tuple[int, ...]) -> Choices:
    """Return the labs, challenges, units and leads of the labs a person works in."""
    names: Any = session.execute(
        sa.select(col(Lab.id), col(Lab.name)).where(col(Lab.id).in_(labs)).order_by(col(Lab.name))
    )
    challenges: Any = session.execute(
        sa.select(col(Challenge.id), col(Challenge.title))
        .where(col(Challenge.lab_id).in_(labs), col(Challenge.state) != ChallengeState.DRAFT)
        .order_by(col(Challenge.id).desc())
        .limit(100)
    )
    units: Any = session.execute(
        sa.select(col(ReceivingUnit.id), col(ReceivingUnit.name))
        .where(col(ReceivingUnit.lab_id).in_(labs), col(ReceivingUnit.retired_at).is_(None))
        .order_by(col(ReceivingUnit.id))
        .limit(200)
    )
    leads: Any = session.execute(
        sa.select(col(Person.id), col(Person.name))
        .join(RoleGrant, col(RoleGrant.person_id) == col(Person.id))
        .where(
            col(RoleGrant.lab_id).in_(labs),
            col(RoleGrant.role) == Role.LEAD,
            col(RoleGrant.ended_at).is_(None),
            col(Person.erased_at).is_(None),
        )
        .distinct()
        .order_by(col(Person.name))
    )
    return Choices(
        labs=tuple(Named(row[0], row[1]) for row in names),
        challenges=tuple(Named(row[0], texts=dict(row[1])) for row in challenges),
        units=tuple(Named(row[0], texts=dict(row[1])) for row in units),
        leads=tuple(Named(row[0], row[1]) for row in leads),
    )
