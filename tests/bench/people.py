"""Who asks, and for what: found in a town once, before anything is measured."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from livinglab.core.viewer import Role
from livinglab.ideas.models import Activity, Idea, IdeaCount, Publication, Stage
from livinglab.labs.models import UnitMember
from livinglab.people.commands import open_device
from livinglab.people.models import Person, RoleGrant
from livinglab.voting.models import Support
from livinglab.voting.rules import PER_HOUR
from tests.bench.client import Request
from tests.bench.direct import Pair
from tests.bench.serving import Site
from tests.bench.town.plan import DISCUSSION
from tests.conftest import SECRET
from tests.faults.harness import TOKEN

READ, READERS = 10, 10
"""Ideas whose page is read, and people who read it."""


@dataclass(frozen=True)
class Reader:
    """Somebody with a session and the token of a form."""

    id: int
    cookie: str
    token: str = ""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What the browser sends along."""
        return (("Cookie", f"livinglab={self.cookie}"),)

    def support(self, idea: int) -> Request:
        """Return the press of the button."""
        body = urlencode({"csrf_token": self.token}).encode()
        return Request(f"/ideas/{idea}/support", "POST", self.headers, body, 303)


@dataclass
class Cast:
    """Who and what a town is measured with.

    Args:
        discussed: Ideas with twenty comments.
        errands: Supports nobody has given yet, of the product and of the control.
    """

    discussed: list[int]
    residents: list[Reader]
    facilitator: Reader
    lead: Reader
    unit_member: Reader
    givers: list[Reader]
    errands: Iterator[Pair]
    direct_errands: Iterator[Pair]

    def supports(self) -> Iterator[Request]:
        """Yield supports, each of another person than the one before, for another idea."""
        people = {person.id: person for person in self.givers}
        for idea, person in self.errands:
            yield people[person].support(idea)


DIRECT = 400
"""So many other people's supports are written directly: it is quick, and must not run out of them."""


def cast(database: Database, site: Site, givers: int) -> Cast:
    """Find people and ideas, sign the people in, and let each read a page, which gives the token of its forms.

    Args:
        givers: How many people give support; each at most as many as rule V8 lets.
    """
    with database.writing() as session:
        residents = _residents(session)
        ours, readers = residents[:givers], residents[-READERS:]
        direct = residents[givers:-READERS][:DIRECT]
        staff = [_first(session, role) for role in (Role.FACILITATOR, Role.LEAD)]
        staff.append(session.scalars(sa.select(sa.func.min(col(UnitMember.person_id)))).one())
        cookies = _signed_in(session, [*ours, *readers, *staff])
        discussed = _discussed(session)
        errands, others = _errands(session, ours, PER_HOUR - 2), _errands(session, direct, 100)
    known = {id_: _with_token(site, id_, cookie, discussed[0]) for id_, cookie in cookies.items()}
    return Cast(
        discussed=discussed,
        residents=[known[person] for person in readers],
        facilitator=known[staff[0]],
        lead=known[staff[1]],
        unit_member=known[staff[2]],
        givers=[known[person] for person in ours],
        errands=iter(errands),
        direct_errands=iter(others),
    )


def _discussed(session: Session) -> list[int]:
    return _numbers(
        session,
        sa.select(col(Idea.id))
        .join(IdeaCount, col(IdeaCount.idea_id) == col(Idea.id))
        .where(col(IdeaCount.comments) == DISCUSSION, col(Idea.activity) == Activity.ACTIVE)
        .order_by(col(Idea.id).desc())
        .limit(READ),
    )


def _residents(session: Session) -> list[int]:
    staff = sa.union(sa.select(col(RoleGrant.person_id)), sa.select(col(UnitMember.person_id)))
    return _numbers(
        session,
        sa.select(col(Person.id)).where(col(Person.id).not_in(staff)).order_by(col(Person.id)),
    )


def _first(session: Session, role: Role) -> int:
    return session.scalars(
        sa.select(sa.func.min(col(RoleGrant.person_id))).where(col(RoleGrant.role) == role)
    ).one()


def _errands(session: Session, people: list[int], each: int) -> list[Pair]:
    """Return supports that nobody has given: person after person, an idea each, in turns."""
    ideas = _numbers(
        session,
        sa.select(col(Idea.id))
        .where(
            col(Idea.publication) == Publication.PUBLISHED,
            col(Idea.activity) == Activity.ACTIVE,
            col(Idea.stage) == Stage.IDEA,
        )
        .order_by(col(Idea.id).desc())
        .limit(2000),
    )
    mine = sa.select(col(Support.idea_id), col(Support.person_id)).where(col(Support.person_id).in_(people))
    taken = {(row[0], row[1]) for row in session.execute(mine)}
    chance = random.Random(7)
    wanted = {person: chance.sample(ideas, min(each, len(ideas))) for person in people}
    turns = ((wanted[person][n], person) for n in range(min(each, len(ideas))) for person in people)
    return [pair for pair in turns if pair not in taken]


def _numbers(session: Session, query: sa.Select[int | None]) -> list[int]:
    return [number for number in session.scalars(query) if number is not None]


def _signed_in(session: Session, people: list[int]) -> dict[int, str]:
    """Sign people in, each on one browser; return their cookies."""
    app = Flask("cookies")
    app.secret_key = SECRET
    sign = SecureCookieSessionInterface().get_signing_serializer(app)
    assert sign is not None
    now = utc_now()
    return {
        person: str(sign.dumps({"_user_id": open_device(session, person_id=person, now=now), "_fresh": True}))
        for person in people
    }


def _with_token(site: Site, person: int, cookie: str, idea: int) -> Reader:
    """Let somebody read a page, and keep what their browser would: the cookie and the form's token."""
    reply = site.ask(Request(f"/ideas/{idea}", headers=(("Cookie", f"livinglab={cookie}"),)))
    found = TOKEN.search(reply.body)
    assert found is not None, reply.status
    told = reply.header("set-cookie").partition("livinglab=")[2].partition(";")[0]
    return Reader(person, told or cookie, found[1].decode())
