"""The demo's people, grouped by role for the sign-in page, and the demo's mails."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flask import abort, render_template
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from livinglab.core.db import Texts
from livinglab.core.mail import mails_waiting
from livinglab.core.viewer import Role
from livinglab.labs.queries import LabBrief, all_labs, members_of, units_of
from livinglab.people.queries import DemoPerson, demo_people
from livinglab.people.rules import Face
from livinglab.people.views.blueprint import accounts
from livinglab.web.access import public
from livinglab.web.database import db, settings
from livinglab.web.outbox import letter_in, letters_in

RANK = (Role.MANAGER, Role.FACILITATOR, Role.LEAD)


@dataclass(frozen=True, slots=True)
class Seat:
    """A receiving unit somebody works for."""

    unit: Texts
    lab: str


@dataclass(frozen=True, slots=True)
class DemoCard:
    """One demo person as the page offers them.

    Args:
        unit: Name of the receiving unit; the page shows it in its language.
        today: What they have to do today.
    """

    id: int
    face: Face
    language: str
    place: str
    unit: Texts
    today: Texts


@dataclass(frozen=True, slots=True)
class DemoGroup:
    """The demo people of one role."""

    key: str
    title: str
    people: tuple[DemoCard, ...]


def demo_groups() -> tuple[DemoGroup, ...]:
    """Return the demo people by role, those with most to decide first."""
    with db.reading() as session:
        people = demo_people(session)
        labs = {lab.id: lab for lab in all_labs(session)}
        seats = _seats(session)
    shown = [person for person in people if person.today] or people
    titles = {
        "resident": _("Residents"),
        "facilitator": _("Facilitators"),
        "lead": _("Project leads"),
        "unit": _("Receiving units"),
        "manager": _("Lab managers"),
        "admin": _("Administrator"),
    }
    by_key: dict[str, list[DemoCard]] = {key: [] for key in titles}
    for person in shown:
        by_key[_key(person, seats)].append(_card(person, labs, seats.get(person.id)))
    return tuple(DemoGroup(key, titles[key], tuple(cards)) for key, cards in by_key.items() if cards)


def _seats(session: Session) -> dict[int, Seat]:
    return {
        member.id: Seat(unit.name, lab.name)
        for lab in all_labs(session)
        for unit in units_of(session, lab.id)
        for member in members_of(session, unit.id)
    }


def _key(person: DemoPerson, seats: dict[int, Seat]) -> str:
    if person.is_admin:
        return "admin"
    held = frozenset[Role]().union(*person.roles.values()) if person.roles else frozenset()
    for role in RANK:
        if role in held:
            return role.value
    return "unit" if person.id in seats else "resident"


def _card(person: DemoPerson, labs: dict[int, LabBrief], seat: Seat | None) -> DemoCard:
    names = [labs[lab_id].name for lab_id in person.roles if lab_id in labs]
    return DemoCard(
        id=person.id,
        face=person.face,
        language=person.language,
        place=", ".join(names) or (seat.lab if seat else ""),
        unit=seat.unit if seat and not person.roles else {},
        today=person.today,
    )


def is_demo_person(session: Session, person_id: int) -> bool:
    """Say whether the demo offers this person."""
    return any(person.id == person_id for person in demo_people(session))


@accounts.get("/demo/mail")
@public
def demo_mail() -> str:
    """Show the mails of the demo, which go nowhere else."""
    letters = letters_in(_outbox())
    with db.reading() as session:
        waiting = mails_waiting(session)
    return render_template("people/demo_mail.html", letters=letters, waiting=waiting)


@accounts.get("/demo/mail/<name>")
@public
def demo_letter(name: str) -> str:
    """Show one mail of the demo; its links work."""
    letter = letter_in(_outbox(), name)
    if letter is None:
        abort(404)
    return render_template("people/demo_letter.html", letter=letter, base_url=settings().base_url)


def _outbox() -> Path:
    """Return the folder of mails; outside the demo there is no such page."""
    if not settings().demo:
        abort(404)
    return Path(settings().instance) / "outbox"
