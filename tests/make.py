"""Factories: a row of each kind with everything it needs, and nothing a test does not care about."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy.orm import Session
from sqlmodel import SQLModel, select

from livinglab.core.db import Database, known_id
from livinglab.core.viewer import Role, Viewer
from livinglab.handoff.models import Handoff, HandoffState
from livinglab.ideas.models import (
    Activity,
    Byline,
    Comment,
    CommentKind,
    Credit,
    CreditKind,
    Follow,
    Idea,
    IdeaCount,
    IdeaVersion,
    Publication,
    Stage,
)
from livinglab.labs.models import (
    Audience,
    AudienceLevel,
    Category,
    Challenge,
    ChallengeState,
    Lab,
    LabSettings,
    Measure,
    ReceivingUnit,
    UnitMember,
)
from livinglab.people.models import Person, RoleGrant
from livinglab.pipeline.models import Door, Review

Row = TypeVar("Row", bound=SQLModel)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
_count = itertools.count(1)


class Make:
    """Makes rows on a session, or, given a database, in a transaction of their own."""

    def __init__(self, where: Session | Database) -> None:
        self.where = where

    @contextmanager
    def _session(self) -> Iterator[Session]:
        if isinstance(self.where, Database):
            with self.where.writing() as session:
                yield session
        else:
            yield self.where

    def add(self, *rows: Any) -> None:
        """Write rows."""
        with self._session() as session:
            for row in rows:
                session.add(row)
                session.flush()

    def _made(self, row: Row) -> Row:
        self.add(row)
        return row

    def person(self, name: str = "", **more: Any) -> Person:
        """Somebody with a confirmed account."""
        n = next(_count)
        values: dict[str, Any] = {
            "name": name or f"Person {n}",
            "email": f"person{n}@example.org",
            "language": "en",
            "trust": 1,
            "created_at": NOON - timedelta(days=400),
            "email_confirmed_at": NOON - timedelta(days=400),
        }
        return self._made(Person(**(values | more)))

    def lab(self, slug: str = "", settings: dict[str, Any] | None = None, **more: Any) -> Lab:
        """A Norwegian lab with its settings; ``settings`` overrides their defaults."""
        n = next(_count)
        values: dict[str, Any] = {
            "slug": slug or f"lab-{n}",
            "name": f"Lab {n}",
            "languages": ["nb", "en"],
            "timezones": ["Europe/Oslo"],
            "country": "NO",
            "created_at": NOON - timedelta(days=500),
            "tagline": {"nb": "Fra idé til virkelighet"},
        }
        lab = self._made(Lab(**(values | more)))
        self.add(LabSettings(lab_id=known_id(lab.id), **(settings or {})))
        return lab

    def role(self, lab: Lab, role: Role, person: Person | None = None, **more: Any) -> Person:
        """Somebody with a role in the lab."""
        person = person or self.person()
        self.add(
            RoleGrant(
                person_id=known_id(person.id),
                lab_id=known_id(lab.id),
                role=role,
                granted_at=NOON - timedelta(days=300),
                **more,
            )
        )
        return person

    def facilitator(self, lab: Lab, person: Person | None = None, **more: Any) -> Person:
        """A facilitator of the lab."""
        return self.role(lab, Role.FACILITATOR, person, **more)

    def lead(self, lab: Lab, person: Person | None = None, **more: Any) -> Person:
        """A project lead of the lab."""
        return self.role(lab, Role.LEAD, person, **more)

    def manager(self, lab: Lab, person: Person | None = None, **more: Any) -> Person:
        """A manager of the lab."""
        return self.role(lab, Role.MANAGER, person, **more)

    def resident(self, name: str = "", **more: Any) -> Person:
        """Somebody without a role."""
        return self.person(name, **more)

    def admin(self) -> Person:
        """The administrator."""
        return self.person(is_admin=True)

    def viewer(self, person: Person | None = None) -> Viewer:
        """The person as a rule sees them, with roles and units read from the database."""
        person = person or self.person()
        roles: dict[int, frozenset[Role]] = {}
        with self._session() as session:
            for grant in session.scalars(select(RoleGrant).where(RoleGrant.person_id == person.id)):
                if grant.ended_at is None:
                    roles[grant.lab_id] = roles.get(grant.lab_id, frozenset()) | {grant.role}
            member = select(UnitMember.unit_id, ReceivingUnit.lab_id).where(
                UnitMember.person_id == person.id, UnitMember.unit_id == ReceivingUnit.id
            )
            units = {row[0]: row[1] for row in session.execute(member)}
        return Viewer(
            person_id=known_id(person.id),
            name=person.name,
            language=person.language,
            trust=person.trust,
            is_admin=person.is_admin,
            roles=roles,
            units=units,
        )

    def unit(
        self,
        lab: Lab,
        *,
        members: tuple[Person, ...] = (),
        owner: Person | None = None,
        deputy: Person | None = None,
        **more: Any,
    ) -> ReceivingUnit:
        """A receiving unit with two members, owner and deputy."""
        people = members or (self.person(), self.person())
        values: dict[str, Any] = {
            "name": {"nb": f"Enhet {next(_count)}"},
            "owner_id": (owner or people[0]).id,
            "deputy_id": (deputy or people[-1]).id,
        }
        unit = self._made(ReceivingUnit(lab_id=known_id(lab.id), **(values | more)))
        self.add(
            *(UnitMember(unit_id=known_id(unit.id), person_id=known_id(p.id), since=NOON) for p in people)
        )
        return unit

    def category(self, lab: Lab, slug: str = "", **more: Any) -> Category:
        """A category of the lab."""
        slug = slug or f"category-{next(_count)}"
        return self._made(Category(lab_id=known_id(lab.id), slug=slug, name={"nb": slug.title()}, **more))

    def challenge(self, lab: Lab, *, complete: bool = True, **more: Any) -> Challenge:
        """An open challenge with a whole strategy card."""
        values: dict[str, Any] = {
            "title": {"nb": f"Utfordring {next(_count)}"},
            "goal": {"nb": "Mål"},
            "purpose": {"nb": "Hensikt"},
            "benefit": {"nb": "Nytte"},
            "state": ChallengeState.OPEN,
            "created_at": NOON - timedelta(days=60),
            "opens_at": NOON - timedelta(days=30),
            "opened_at": NOON - timedelta(days=30),
            "closes_at": NOON + timedelta(days=30),
            "threshold": 10,
        }
        if complete:
            values |= {"responsible_id": self.person().id, "deputy_id": self.person().id}
        challenge = self._made(Challenge(lab_id=known_id(lab.id), **(values | more)))
        if complete:
            challenge_id = known_id(challenge.id)
            self.add(
                Measure(
                    challenge_id=challenge_id,
                    label={"nb": "Fall"},
                    unit="fall",
                    baseline=40,
                    target=30,
                    target_on=NOON.date() + timedelta(days=300),
                ),
                *(
                    Audience(challenge_id=challenge_id, level=level, name={"nb": level.value})
                    for level in AudienceLevel
                ),
            )
        return challenge

    def idea(
        self,
        lab: Lab | None = None,
        *,
        author: Person | None = None,
        challenge: Challenge | None = None,
        supports: int = 0,
        **more: Any,
    ) -> Idea:
        """A published, active idea at stage idea, older than the hidden counts."""
        lab = lab or self.lab()
        author = author or self.person()
        at = more.pop("published_at", NOON - timedelta(days=10))
        values: dict[str, Any] = {
            "title": f"An idea number {next(_count)}",
            "summary": "One sentence about it.",
            "body": "A longer text.",
            "language": "nb",
            "publication": Publication.PUBLISHED,
            "stage": Stage.IDEA,
            "activity": Activity.ACTIVE,
            "created_at": at or NOON,
            "edited_at": at or NOON,
            "submitted_at": at,
            "published_at": at,
            "stage_since": at,
            "waits_since": at,
            "byline": Byline.NAME,
        }
        idea = Idea(
            lab_id=known_id(lab.id),
            challenge_id=challenge.id if challenge else None,
            author_id=known_id(author.id),
            **(values | more),
        )
        self.add(idea)
        idea_id, author_id = known_id(idea.id), known_id(author.id)
        self.add(IdeaCount(idea_id=idea_id, supports=supports, followers=1))
        if idea.publication is Publication.PUBLISHED:
            self.add(
                IdeaVersion(
                    idea_id=idea_id,
                    number=1,
                    publication=Publication.PUBLISHED,
                    title=idea.title,
                    summary=idea.summary,
                    body=idea.body,
                    person_id=author_id,
                    written_at=at or NOON,
                ),
                Credit(
                    idea_id=idea_id,
                    person_id=author_id,
                    kind=CreditKind.AUTHOR,
                    byline=idea.byline,
                    given_at=at or NOON,
                ),
                Follow(idea_id=idea_id, person_id=author_id, since=at or NOON),
            )
        return idea

    def comment(self, idea: Idea, *, author: Person | None = None, **more: Any) -> Comment:
        """A published comment."""
        values: dict[str, Any] = {
            "kind": CommentKind.BUILD_ON,
            "body": "A thought.",
            "language": "nb",
            "publication": Publication.PUBLISHED,
            "created_at": NOON,
            "byline": Byline.NAME,
        }
        author = author or self.person()
        return self._made(
            Comment(idea_id=known_id(idea.id), author_id=known_id(author.id), **(values | more))
        )

    def review(self, idea: Idea, *, gate: int = 1, **more: Any) -> Review:
        """An open review; the idea is set to "in review"."""
        with self._session() as session:
            row = session.merge(idea)
            row.activity = Activity.REVIEW
        idea.activity = Activity.REVIEW
        values: dict[str, Any] = {"door": Door.THRESHOLD, "opened_at": NOON - timedelta(days=3)}
        return self._made(Review(idea_id=known_id(idea.id), lab_id=idea.lab_id, gate=gate, **(values | more)))

    def handoff(self, idea: Idea, unit: ReceivingUnit, **more: Any) -> Handoff:
        """A handoff queued three days ago, with the default deadlines."""
        at = more.pop("queued_at", NOON - timedelta(days=3))
        values: dict[str, Any] = {
            "state": HandoffState.QUEUED,
            "queued_at": at,
            "assign_due": at + timedelta(days=5),
            "preliminary_due": at + timedelta(days=30),
            "decision_due": at + timedelta(days=90),
            "due_at": at + timedelta(days=5),
        }
        handoff = self._made(
            Handoff(
                idea_id=known_id(idea.id), lab_id=idea.lab_id, unit_id=known_id(unit.id), **(values | more)
            )
        )
        with self._session() as session:  # as every step of a handoff does: the idea is owed it by then
            row = session.get_one(Idea, idea.id)
            row.due_at = row.due_at or handoff.due_at
            session.flush()
        return handoff
