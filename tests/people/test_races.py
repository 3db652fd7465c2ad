"""One account, many hands at the same instant: nobody waits for ever, and what has ended stays ended."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlmodel import col, func, select

from livinglab.core.db import Database, known_id
from livinglab.people import commands
from livinglab.people.commands.links import make_link
from livinglab.people.models import AddressGuard, Device, LinkPurpose, OneTimeLink, Person
from livinglab.people.queries import Credentials
from livinglab.people.rules import NewPassword, Proof
from tests.make import Make
from tests.races import ROUNDS, Act, meet

OLD, RESET, CHANGED = (NewPassword(name) for name in ("old", "reset", "changed"))
MISS = Proof(good=False, against="old")


def link(database: Database, person: Person, purpose: LinkPurpose, now: datetime, email: str = "") -> str:
    with database.writing() as session:
        return make_link(session, known_id(person.id), purpose, now=now, new_email=email or None)


def password_acts(database: Database, person: Person, now: datetime) -> dict[str, Act]:
    """Return everything that touches the password of a person or the tries of their address."""
    person_id, email = known_id(person.id), person.email or ""
    known = Credentials(email, person_id, "old")
    token = link(database, person, LinkPurpose.RESET, now)
    way_in = link(database, person, LinkPurpose.SIGN_IN, now)
    proof = Proof(good=True, against="old")

    def arrive(session: Session) -> None:
        came = commands.use_sign_in_link(session, token=way_in, now=now)
        commands.open_device(session, came.person_id, now)

    return {
        "sign in": lambda s: commands.sign_in(s, credentials=known, proof=proof, now=now),
        "miss": lambda s: commands.sign_in(s, credentials=known, proof=MISS, now=now),
        "reset": lambda s: commands.reset_password(s, token=token, password=RESET, now=now),
        "change": lambda s: commands.change_password(
            s, person_id=person_id, current=proof, password=CHANGED, now=now
        ),
        "ask": lambda s: commands.request_link(
            s, email=email, purpose=LinkPurpose.RESET, language="nb", now=now
        ),
        "arrive": arrive,
    }


def test_sign_in_reset_and_change_of_password_never_wait_for_each_other_in_a_circle(
    database: Database, make: Make, noon: datetime
) -> None:
    """They did: a sign-in held the tries and wanted the person, a reset the other way round."""
    for round_ in range(ROUNDS):
        person = make.person(email=f"round{round_}@example.org", password_hash="old")
        acts = password_acts(database, person, noon)
        ends = meet(database, acts)
        assert {ends[name] for name in ("sign in", "miss", "ask")} == {"done"}
        assert ends["reset"] in ("done", "link-void")  # a change that came first has ended the link
        assert ends["change"] in ("done", "wrong-password")
        assert "done" in (ends["reset"], ends["change"])
        with database.reading() as session:
            now_is = session.get_one(Person, person.id).password_hash
            links = session.scalars(
                select(OneTimeLink).where(
                    OneTimeLink.person_id == person.id,
                    OneTimeLink.purpose == LinkPurpose.SIGN_IN,
                    col(OneTimeLink.used_at).is_(None),
                    OneTimeLink.expires_at > noon,
                )
            ).all()
        assert now_is == ("reset" if ends["reset"] == "done" else "changed")
        assert links == []  # a link from before is worth nothing after a new password


def test_no_device_opened_with_the_old_password_outlives_the_new_one(
    database: Database, make: Make, noon: datetime
) -> None:
    """Whichever comes first: the sign-in is refused, or its device is ended (rule P5)."""
    for round_ in range(ROUNDS):
        person = make.person(email=f"round{round_}@example.org", password_hash="old")
        acts = password_acts(database, person, noon)
        meet(database, {name: acts[name] for name in ("sign in", "reset")} | {"again": acts["sign in"]})
        with database.reading() as session:
            devices = session.scalar(
                select(func.count()).select_from(Device).where(Device.person_id == person.id)
            )
        assert devices == 0


def test_every_miss_is_counted_when_many_knock_at_once(
    database: Database, make: Make, noon: datetime
) -> None:
    person = make.person(email="kari@example.org", password_hash="old")
    acts = password_acts(database, person, noon)
    ends = meet(database, {f"miss {n}": acts["miss"] for n in range(8)})
    with database.reading() as session:
        guard = session.scalars(select(AddressGuard)).one()
    assert list(ends.values()).count("done") == 5 == guard.failures  # after five the address rests
    assert list(ends.values()).count("try-later") == 3


def test_the_old_order_of_locks_would_have_deadlocked(database: Database, make: Make) -> None:
    """The control: two transactions in opposite orders. Were it fine, the tests above proved nothing."""
    if database.is_sqlite:
        pytest.skip("SQLite has one writer: there is nothing to wait for crosswise")
    person = make.person()
    with database.writing() as session:
        session.add(AddressGuard(key="k", touched_at=person.created_at))
    both_hold = threading.Barrier(2, timeout=30)
    count = sa.select(col(AddressGuard.key)).where(col(AddressGuard.key) == "k").with_for_update()
    row = sa.select(col(Person.id)).where(col(Person.id) == person.id).with_for_update()

    def hold(first: sa.Select[tuple[object]], second: sa.Select[tuple[object]]) -> bool:
        try:
            with database.writing() as session:
                session.execute(first)
                both_hold.wait()
                session.execute(second)
        except OperationalError as problem:
            return "deadlock detected" not in str(problem)
        return True

    with ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(hold, count, row), pool.submit(hold, row, count)]
        assert sorted(end.result() for end in ends) == [False, True]


def test_one_address_ends_with_one_person_when_a_change_meets_a_confirmation(
    database: Database, make: Make, noon: datetime
) -> None:
    """Two accounts want an address at the same instant: one gets it, the other is told or joined."""
    for round_ in range(ROUNDS):
        wanted = f"wanted{round_}@example.org"
        mover, rival = (
            make.person(email=f"m{round_}@example.org"),
            make.person(email=f"r{round_}@example.org"),
        )
        fresh = make.person(email=None, email_confirmed_at=None, trust=0, claimed_email=wanted)
        change = link(database, mover, LinkPurpose.CHANGE_EMAIL, noon, wanted)
        other = link(database, rival, LinkPurpose.CHANGE_EMAIL, noon, wanted)
        confirm = link(database, fresh, LinkPurpose.CONFIRM, noon)
        came: list[commands.Arrived] = []
        ends = meet(
            database,
            {
                "change": lambda s, t=change: commands.confirm_email_change(s, token=t, now=noon),
                "other": lambda s, t=other: commands.confirm_email_change(s, token=t, now=noon),
                "confirm": lambda s, t=confirm: came.append(commands.confirm_address(s, token=t, now=noon)),
                "again": lambda s, t=confirm: commands.confirm_address(s, token=t, now=noon),
                "ask": lambda s, e=wanted: commands.request_link(
                    s, email=e, purpose=LinkPurpose.SIGN_IN, language="nb", now=noon
                ),
            },
        )
        with database.reading() as session:
            (owner,) = session.scalars(select(Person.id).where(Person.email == wanted)).all()
        won = {"change": mover.id, "other": rival.id}
        assert [name for name in won if ends[name] == "done"] == [n for n in won if won[n] == owner]
        assert all(ends[name] in ("done", "address-taken") for name in won)
        assert sorted((ends["confirm"], ends["again"])) == ["done", "link-void"]
        if owner != fresh.id and came:
            assert (came[0].person_id, came[0].joined_from) == (owner, fresh.id)


def test_a_change_asked_for_twice_and_confirmed_meanwhile_is_one_change(
    database: Database, make: Make, noon: datetime
) -> None:
    """Asking for another address ends the link of the one before; confirmed or ended, never both."""
    for round_ in range(ROUNDS):
        person = make.person(email=f"me{round_}@example.org")
        first, second = f"one{round_}@example.org", f"two{round_}@example.org"
        token = link(database, person, LinkPurpose.CHANGE_EMAIL, noon, first)
        none = Proof(good=False, against=None, fresh=True)
        ends = meet(
            database,
            {
                "confirm": lambda s, t=token: commands.confirm_email_change(s, token=t, now=noon),
                "ask": lambda s, p=person, e=second: commands.request_email_change(
                    s, person_id=known_id(p.id), email=e, current=none, now=noon
                ),
            },
        )
        assert ends["ask"] == "done"
        with database.reading() as session:
            email = session.get_one(Person, person.id).email
        assert (ends["confirm"], email) in (("done", first), ("link-void", person.email))
