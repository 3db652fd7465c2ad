"""Events with the names their sentences need: of people as the byline allows, and of units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased
from sqlmodel import col

from livinglab.core.files import StoredFile
from livinglab.core.journal import Event
from livinglab.core.text import in_language
from livinglab.handoff.models import Handoff
from livinglab.ideas.models import Activity, Comment, Idea, IdeaVersion, Publication, Stage
from livinglab.labs.models import Lab, ReceivingUnit
from livinglab.notices.rules.sentences import SENTENCES, Told, sentence
from livinglab.people.models import Person
from livinglab.people.rules import Face, face_of

_OTHER_PERSON = ("person_id", "assignee_id", "lead_id", "signer_id")


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """An event ready to be told: everything its sentence and its link need.

    Args:
        actor: Who did it as the byline allows; ``None`` where the clock did.
        visible: Whether the idea is published just now.
    """

    id: int
    kind: str
    at: Any
    subject_id: int | None
    data: dict[str, Any]
    actor: Face | None
    told: Told
    idea_id: int | None
    title: str
    language: str
    stage: Stage | None
    activity: Activity | None
    visible: bool
    lab_id: int | None
    lab_name: str
    zone: str

    @property
    def text(self) -> str:
        """Return its sentence in the reader's language."""
        return sentence(self.kind, self.told)

    @property
    def icon(self) -> str:
        """Return the name of its icon."""
        return SENTENCES[self.kind].icon


def told_events(
    session: Session,
    condition: sa.ColumnElement[bool],
    language: str,
    *,
    newest_first: bool = False,
    limit: int | None = None,
) -> list[ToldEvent]:
    """Return events with names resolved, in two statements whatever their number.

    Args:
        condition: On ``Event``.
        language: For names of units.
    """
    comment = aliased(Comment)
    photo = aliased(StoredFile)
    order = (col(Event.at).desc(), col(Event.id).desc()) if newest_first else (col(Event.at), col(Event.id))
    columns: tuple[Any, ...] = (
        Event,
        Idea,
        Person,
        comment.byline,
        photo.key,
        Lab.languages,
        IdeaVersion.note,
        Lab.name,
        Lab.timezones,
    )
    query = (
        sa.select(*columns)
        .outerjoin(Idea, col(Idea.id) == col(Event.idea_id))
        .outerjoin(Person, col(Person.id) == _teller())
        .outerjoin(photo, col(photo.id) == col(Person.photo_id))
        .outerjoin(
            comment, sa.and_(col(comment.id) == col(Event.subject_id), col(Event.kind).startswith("comment-"))
        )
        .outerjoin(Lab, col(Lab.id) == col(Event.lab_id))
        .outerjoin(
            IdeaVersion,
            sa.and_(
                col(Event.kind) == "idea-edited",
                col(IdeaVersion.idea_id) == col(Event.idea_id),
                col(IdeaVersion.number) == col(Event.subject_id),
            ),
        )
        .where(condition, col(Event.kind).in_(SENTENCES))
        .order_by(*order)
        .limit(limit)
    )
    rows = session.execute(query).all()
    names = _names(session, [row[0] for row in rows])
    return [_ready(row, names, language) for row in rows]


def _teller() -> sa.ColumnElement[Any]:
    """Who an event is told of: the author shared the idea, whoever let it through."""
    return sa.case((col(Event.kind) == "idea-published", col(Idea.author_id)), else_=col(Event.actor_id))


@dataclass(frozen=True, slots=True)
class _Names:
    people: dict[int, str]
    units: dict[int, dict[str, str]]
    unit_of_handoff: dict[int, int]


def _names(session: Session, events: Sequence[Event]) -> _Names:
    """Read the names of the other people and the units of some events in one statement."""
    people = {int(e.data[key]) for e in events for key in _OTHER_PERSON if e.data.get(key)}
    ideas = {e.idea_id for e in events if e.idea_id and e.kind.startswith(("handoff-", "answer-"))}
    units = {int(e.data["unit_id"]) for e in events if e.data.get("unit_id")}
    if not (people or ideas or units):
        return _Names({}, {}, {})
    no_json = sa.cast(sa.null(), sa.JSON)
    query = sa.union_all(
        sa.select(
            sa.literal("person"),
            col(Person.id),
            sa.func.coalesce(sa.case((col(Person.erased_at).is_(None), col(Person.name))), ""),
            no_json,
        ).where(col(Person.id).in_(people)),
        sa.select(sa.literal("unit"), col(ReceivingUnit.id), sa.literal(""), col(ReceivingUnit.name)).where(
            col(ReceivingUnit.id).in_(units)
        ),
        sa.select(
            sa.literal("handoff"),
            col(Handoff.id),
            sa.cast(col(ReceivingUnit.id), sa.String),
            col(ReceivingUnit.name),
        )
        .join(ReceivingUnit, col(ReceivingUnit.id) == col(Handoff.unit_id))
        .where(col(Handoff.idea_id).in_(ideas)),
    )
    found: _Names = _Names({}, {}, {})
    for kind, row_id, name, texts in session.execute(query):
        if kind == "person":
            found.people[row_id] = name
        elif kind == "unit":
            found.units[row_id] = texts
        else:
            found.unit_of_handoff[row_id] = int(name)
            found.units[int(name)] = texts
    return found


def _ready(row: Any, names: _Names, language: str) -> ToldEvent:
    event, idea, person, byline, photo, languages, note, lab_name, zones = row
    actor = _actor(idea, person, byline, photo)
    unit_id = event.data.get("unit_id") or names.unit_of_handoff.get(
        event.data.get("handoff_id") or (event.subject_id if event.kind.startswith("handoff-") else 0)
    )
    if unit_id is None and event.kind.startswith("answer-") and len(set(names.unit_of_handoff.values())) == 1:
        unit_id = next(iter(names.unit_of_handoff.values()))
    unit = in_language(names.units.get(unit_id or 0, {}), language, (languages or ["en"])[0])[0]
    other = next(
        (names.people.get(int(event.data[key]), "") for key in _OTHER_PERSON if event.data.get(key)), ""
    )
    return ToldEvent(
        id=event.id,
        kind=event.kind,
        at=event.at,
        subject_id=event.subject_id,
        data=event.data,
        actor=actor,
        told=Told(
            actor=actor.name if actor else "",
            unit=unit,
            person=other,
            data={**event.data, "note": note or "", **_title(event, language, languages)},
        ),
        idea_id=event.idea_id,
        title=idea.title if idea else "",
        language=idea.language if idea else "",
        stage=idea.stage if idea else None,
        activity=idea.activity if idea else None,
        visible=bool(idea and idea.publication is Publication.PUBLISHED),
        lab_id=event.lab_id,
        lab_name=lab_name or "",
        zone=zones[0] if zones else "UTC",
    )


def _title(event: Event, language: str, languages: Any) -> dict[str, str]:
    """Return the title of a challenge in the reader's language; others keep what the event holds."""
    title = event.data.get("title")
    return (
        {"title": in_language(title, language, (languages or ["en"])[0])[0]}
        if isinstance(title, dict)
        else {}
    )


def _actor(idea: Idea | None, person: Person | None, byline: Any, photo: str | None) -> Face | None:
    if person is None:
        return None
    own = idea is not None and idea.author_id == person.id
    chosen = byline or (idea.byline if own and idea else "name")
    return face_of(
        name=person.name,
        pseudonym=person.pseudonym,
        byline=str(chosen),
        photo=photo,
        title="" if own else person.title,
        erased=person.erased_at is not None,
    )
