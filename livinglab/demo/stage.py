"""What every scene of the demo can reach: the session, the day of loading, and who is who."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zlib import crc32

from sqlalchemy.orm import Session

from livinglab.core.viewer import Role, Viewer


@dataclass
class Cast:
    """Ids by the texts' own short names, and what each person may do."""

    labs: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    roles: dict[str, dict[int, set[Role]]] = field(default_factory=dict)
    member_of: dict[str, dict[int, int]] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)
    categories: dict[tuple[str, str], int] = field(default_factory=dict)
    challenges: dict[int, int] = field(default_factory=dict)
    ideas: dict[str, int] = field(default_factory=dict)
    comments: dict[str, int] = field(default_factory=dict)
    admin: str = ""


@dataclass(frozen=True)
class Scene:
    """One thing that happens at an instant."""

    at: datetime
    act: Callable[..., None]
    given: tuple[Any, ...]

    def play(self, session: Session) -> None:
        """Let it happen."""
        self.act(session, *self.given, self.at)


class Stage:
    """Where scenes are set.

    Args:
        today: The instant of loading; days in the texts count back from it.
    """

    def __init__(self, today: datetime) -> None:
        self.today = today
        self.cast = Cast()
        self.scenes: list[Scene] = []

    def at(self, days_ago: float, name: str, step: int = 0) -> datetime:
        """Return an instant on a day, at an hour of waking life that is the same at each loading.

        Args:
            name: What happens; decides the hour.
            step: Place within a thread of events: later steps of a day come later.
        """
        hour = 7 + crc32(name.encode()) % 8
        minute = crc32(name[::-1].encode()) % 50
        day = (self.today - timedelta(days=days_ago)).astimezone(UTC).date()
        at = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) + timedelta(minutes=3 * step)
        return min(at, self.today - timedelta(minutes=20) + timedelta(seconds=step))

    def day(self, days_ahead: int) -> date:
        """Return a calendar day counted from the day of loading."""
        return (self.today + timedelta(days=days_ahead)).date()

    def plan(self, at: datetime, act: Callable[..., None], *given: Any) -> None:
        """Set a scene: ``act(session, *given, at)`` is called at its instant."""
        self.scenes.append(Scene(at, act, given))

    def viewer(self, slug: str) -> Viewer:
        """Return a person as the rules see them."""
        return Viewer(
            person_id=self.cast.people[slug],
            name=self.cast.names[slug],
            trust=1,
            is_admin=slug == self.cast.admin,
            roles={lab: frozenset(held) for lab, held in self.cast.roles.get(slug, {}).items()},
            units=self.cast.member_of.get(slug, {}),
        )
