"""Events with the names their sentences need: of people as the byline allows, and of units."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import another
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


_comment, _version = another(Comment), another(IdeaVersion)
_other, _photo = another(Person), another(StoredFile)
_own_unit, _handoff_unit = another(ReceivingUnit), another(ReceivingUnit)


def told_events(
    session: Session,
    condition: sa.ColumnElement[bool],
    language: str,
    *,
    newest_first: bool = False,
    limit: int | None = None,
) -> list[ToldEvent]:
    """Return events with names resolved, in one statement whatever their number.

    Args:
        condition: On ``Event``.
        language: For names of units.
    """
    order = (col(Event.at).desc(), col(Event.id).desc()) if newest_first else (col(Event.at), col(Event.id))
    rows = session.execute(events_query().where(condition).order_by(*order).limit(limit))
    return [told_event(row, language) for row in rows]


@lru_cache(maxsize=1)
def events_query() -> Any:
    """Return the statement that reads events with the names their sentences need, made once; not narrowed."""
    return (
        sa.select(
            col(Event.id),
            col(Event.kind),
            col(Event.at),
            col(Event.subject_id),
            col(Event.data),
            col(Event.idea_id),
            col(Event.lab_id),
            col(Idea.author_id),
            col(Idea.byline),
            col(Idea.title),
            col(Idea.language),
            col(Idea.stage),
            col(Idea.activity),
            col(Idea.publication),
            col(Person.id).label("teller_id"),
            col(Person.name),
            col(Person.pseudonym),
            col(Person.title).label("teller_title"),
            col(Person.erased_at),
            col(_photo.key).label("photo"),
            col(_comment.byline).label("comment_byline"),
            sa.case((col(_other.erased_at).is_(None), col(_other.name))).label("other"),
            sa.func.coalesce(col(_own_unit.name), col(_handoff_unit.name)).label("unit"),
            col(_version.note),
            col(Lab.name).label("lab_name"),
            col(Lab.languages),
            col(Lab.timezones),
        )
        .select_from(Event)
        .outerjoin(Idea, col(Idea.id) == col(Event.idea_id))
        .outerjoin(Person, col(Person.id) == _teller())
        .outerjoin(_photo, col(_photo.id) == col(Person.photo_id))
        .outerjoin(_comment, sa.and_(col(_comment.id) == col(Event.subject_id), _of_kind("comment-")))
        .outerjoin(Lab, col(Lab.id) == col(Event.lab_id))
        .outerjoin(
            _version,
            sa.and_(
                col(Event.kind) == "idea-edited",
                col(_version.idea_id) == col(Event.idea_id),
                col(_version.number) == col(Event.subject_id),
            ),
        )
        .outerjoin(_other, col(_other.id) == sa.func.coalesce(*(_told(key) for key in _OTHER_PERSON)))
        .outerjoin(_own_unit, col(_own_unit.id) == _told("unit_id"))
        .outerjoin(Handoff, col(Handoff.id) == _handoff_told())
        .outerjoin(_handoff_unit, col(_handoff_unit.id) == col(Handoff.unit_id))
        .where(of_kinds(SENTENCES))
    )


def of_kinds(kinds: Iterable[str]) -> sa.ColumnElement[bool]:
    """Return the condition of events of these kinds.

    They are written into the statement: bound, a hundred values would be put into its text each time it runs.
    """
    return col(Event.kind).in_([sa.literal_column(f"'{kind}'") for kind in sorted(kinds)])


def _teller() -> sa.ColumnElement[Any]:
    """Who an event is told of: the author shared the idea, whoever let it through."""
    return sa.case((col(Event.kind) == "idea-published", col(Idea.author_id)), else_=col(Event.actor_id))


def _told(key: str) -> sa.ColumnElement[Any]:
    """Return a number that an event's data hold; NULL where they do not."""
    data: Any = col(Event.data)
    return data[key].as_integer()  # type: ignore[no-any-return]


def _handoff_told() -> sa.ColumnElement[Any]:
    """Return the handoff an event is about: its unit is told where the event names none."""
    return sa.func.coalesce(_told("handoff_id"), sa.case((_of_kind("handoff-"), col(Event.subject_id))))


def _of_kind(beginning: str) -> sa.ColumnElement[bool]:
    return col(Event.kind).startswith(beginning)


def told_event(row: Any, language: str) -> ToldEvent:
    """Return the event of a row of ``events_query``, told in a language."""
    actor = _actor(row)
    data = row.data
    return ToldEvent(
        id=row.id,
        kind=row.kind,
        at=row.at,
        subject_id=row.subject_id,
        data=data,
        actor=actor,
        told=Told(
            actor=actor.name if actor else "",
            unit=in_language(row.unit or {}, language, (row.languages or ["en"])[0])[0],
            person=row.other or "",
            data={**data, "note": row.note or "", **_title(data, language, row.languages)},
        ),
        idea_id=row.idea_id,
        title=row.title or "",
        language=row.language or "",
        stage=row.stage,
        activity=row.activity,
        visible=row.publication is Publication.PUBLISHED,
        lab_id=row.lab_id,
        lab_name=row.lab_name or "",
        zone=row.timezones[0] if row.timezones else "UTC",
    )


def _title(data: dict[str, Any], language: str, languages: Any) -> dict[str, str]:
    """Return the title of a challenge in the reader's language; others keep what the event holds."""
    title = data.get("title")
    return (
        {"title": in_language(title, language, (languages or ["en"])[0])[0]}
        if isinstance(title, dict)
        else {}
    )


def _actor(row: Any) -> Face | None:
    if row.teller_id is None:
        return None
    own = row.idea_id is not None and row.author_id == row.teller_id
    chosen = row.comment_byline or (row.byline if own else "name")
    return face_of(
        name=row.name,
        pseudonym=row.pseudonym,
        byline=str(chosen),
        photo=row.photo,
        title="" if own else row.teller_title,
        erased=row.erased_at is not None,
    )
