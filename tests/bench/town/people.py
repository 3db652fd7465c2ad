"""Labs with their settings, units, staff, challenges and categories, and the residents."""

from __future__ import annotations

from datetime import datetime

from livinglab.core.viewer import Role
from livinglab.labs.models import (
    Category,
    Challenge,
    ChallengeState,
    Lab,
    LabSettings,
    ReceivingUnit,
    UnitMember,
)
from livinglab.people.models import Person, RoleGrant
from tests.bench.bulk import Bulk
from tests.bench.town.plan import (
    CATEGORIES,
    CHALLENGES,
    DAY,
    FACILITATORS,
    LAB_SHARES,
    LANGUAGES,
    LEADS,
    MANAGERS,
    UNITS,
    Town,
)


def write_people(write: Bulk, town: Town, residents: int) -> None:
    """Write labs with their settings, units, staff, challenges and categories, and the residents."""
    crew = FACILITATORS + LEADS + MANAGERS + UNITS * 3
    staff_first = residents + 1
    town.residents = range(1, residents + 1)
    old = town.now - 900 * DAY
    everybody = residents + crew * len(LAB_SHARES)
    write.write(
        Person(name="", language="nb", trust=1, email_confirmed_at=old, created_at=old),
        ("id", "name", "email", "mail_key"),
        ((n, f"Person {n}", f"person{n}@bench.example", f"key{n}") for n in range(1, everybody + 1)),
    )
    grants: list[tuple[int, int, Role]] = []
    members: list[tuple[int, int]] = []
    for index in range(len(LAB_SHARES)):
        lab, at = index + 1, staff_first + index * crew
        town.labs.append(lab)
        town.staff[lab] = {}
        for role, many in (
            (Role.FACILITATOR, FACILITATORS),
            (Role.LEAD, LEADS),
            (Role.MANAGER, MANAGERS),
        ):
            town.staff[lab][role] = list(range(at, at + many))
            grants += [(person, lab, role) for person in town.staff[lab][role]]
            at += many
        town.units[lab] = [index * UNITS + n for n in range(1, UNITS + 1)]
        for unit in town.units[lab]:
            town.members[unit] = [at, at + 1, at + 2]
            members += [(unit, person) for person in town.members[unit]]
            at += 3
        town.challenges[lab] = [index * CHALLENGES + n for n in range(1, CHALLENGES + 1)]
        town.categories[lab] = [index * CATEGORIES + n for n in range(1, CATEGORIES + 1)]
    _labs(write, town, old)
    write.write(
        RoleGrant(person_id=0, lab_id=0, role=Role.LEAD, granted_at=old),
        ("person_id", "lab_id", "role"),
        grants,
    )
    write.write(UnitMember(unit_id=0, person_id=0, since=old), ("unit_id", "person_id"), members)


def _labs(write: Bulk, town: Town, old: datetime) -> None:
    write.write(
        Lab(slug="", name="", languages=[], timezones=["Europe/Oslo"], country="NO", created_at=old),
        ("id", "slug", "name", "languages"),
        ((lab, f"bench-{lab}", f"Lab {lab}", [LANGUAGES[lab - 1], "en"]) for lab in town.labs),
    )
    write.write(LabSettings(lab_id=0), ("lab_id",), ((lab,) for lab in town.labs))
    write.write(
        ReceivingUnit(lab_id=0, name={}, limit_in_progress=500),
        ("id", "lab_id", "name", "owner_id", "deputy_id"),
        (
            (unit, lab, {LANGUAGES[lab - 1]: f"Unit {unit}"}, town.members[unit][0], town.members[unit][1])
            for lab in town.labs
            for unit in town.units[lab]
        ),
    )
    write.write(
        Category(lab_id=0, slug="", name={}),
        ("id", "lab_id", "slug", "name"),
        (
            (number, lab, f"topic-{number}", {LANGUAGES[lab - 1]: f"Topic {number}"})
            for lab in town.labs
            for number in town.categories[lab]
        ),
    )
    write.write(
        Challenge(
            lab_id=0,
            state=ChallengeState.OPEN,
            title={},
            threshold=25,
            opens_at=old,
            opened_at=old,
            closes_at=town.now + 60 * DAY,
            counts_from=old,
            created_at=old,
        ),
        ("id", "lab_id", "title", "responsible_id", "deputy_id"),
        (
            (number, lab, {LANGUAGES[lab - 1]: f"Challenge {number}"}, *town.staff[lab][Role.MANAGER])
            for lab in town.labs
            for number in town.challenges[lab]
        ),
    )
