"""What a mail about events says: items grouped by idea, each with its stage and its link."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.journal import Event
from livinglab.ideas.models import Activity, Stage
from livinglab.notices.queries.letters import Letter, letter
from livinglab.notices.queries.telling import ToldEvent, told_events
from livinglab.notices.rules.links import path_to
from livinglab.notices.rules.telling import Circle
from livinglab.pipeline.queries.standing import Standing, standing


@dataclass(frozen=True, slots=True)
class DigestLine:
    """One thing that happened."""

    text: str
    path: str


@dataclass(frozen=True, slots=True)
class DigestIdea:
    """An idea in a mail with what happened to it."""

    title: str
    language: str
    path: str
    stage: Stage | None
    activity: Activity | None
    lines: tuple[DigestLine, ...]
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class MailContent:
    """What a digest or a mail about one event holds.

    Args:
        letter: The whole of a mail about one event.
    """

    ideas: tuple[DigestIdea, ...]
    letter: Letter | None = None


def mail_content(
    session: Session, event_ids: list[int], language: str, now: datetime, *, circle: Circle | None = None
) -> MailContent:
    """Return the content of a mail, in the order of the events given; hidden ideas are left out.

    Args:
        circle: Through which the reader of a mail at once is told of its one event; ``None``: a digest.

    Source: rule N2, invariant I-11.
    """
    found = {e.id: e for e in told_events(session, col(Event.id).in_(event_ids), language)}
    grouped: dict[int | None, list[ToldEvent]] = {}
    for event_id in event_ids:
        event = found.get(event_id)
        if event is not None and (event.idea_id is None or event.visible):
            grouped.setdefault(event.idea_id, []).append(event)
    standings = standing(session, [idea_id for idea_id in grouped if idea_id], now)
    ideas = tuple(_group(idea_id, events, standings) for idea_id, events in grouped.items())
    if circle is None or not grouped:
        return MailContent(ideas)
    event = next(iter(grouped.values()))[0]
    return MailContent(ideas, letter(session, event, circle, standings.get(event.idea_id or 0), now))


def _group(idea_id: int | None, events: list[ToldEvent], standings: dict[int, Standing]) -> DigestIdea:
    first = events[0]
    return DigestIdea(
        title=first.title or str(first.told.data.get("title") or ""),
        language=first.language,
        path=f"/ideas/{idea_id}" if idea_id else path_to(first.kind, None, first.subject_id, first.data),
        stage=first.stage,
        activity=first.activity,
        standing=standings.get(idea_id or 0),
        lines=tuple(DigestLine(e.text, path_to(e.kind, e.idea_id, e.subject_id, e.data)) for e in events),
    )
