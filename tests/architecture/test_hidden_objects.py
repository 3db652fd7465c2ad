"""What somebody may not know of answers exactly as a number that nothing has: same status, same words.

Every route of people, privacy, voting, labs and ideas whose address names something is asked twice: for a
thing that is hidden from who asks, and for one that does not exist. Source: invariant I-11.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask, url_for
from sqlmodel import select

from livinglab.core.clock import utc_now
from livinglab.core.db import Database, known_id
from livinglab.core.viewer import Role, Viewer
from livinglab.labs.commands import add_unit, draft_challenge, invite
from livinglab.labs.commands.challenges import CardTexts
from livinglab.people.models import RoleGrant
from tests.architecture.test_matrix import BODIES, _Matrix
from tests.security.ledger import Tried
from tests.town import SLUG, Town, build_town

ROOMS = ("accounts", "me", "labs", "challenges", "editing", "setup", "team", "admin", "invitations", "ideas",
         "voting", "front", "pages")  # fmt: skip
NOBODY = 999_999_999
READERS = {
    "draft": ("author",),
    "pending": ("author", "facilitator", "manager"),
    "rejected": ("author", "facilitator", "manager"),
    "hidden": ("author", "facilitator", "manager"),
}
STRANGERS = ("visitor", "facilitator", "lead", "foreign_manager")
TOLD_PLAINLY = {("GET", "ideas.page", "hidden")}
"""An idea that was public says that it was taken down, and no more: its address was known to everybody."""


@dataclass(frozen=True)
class Hidden:
    """One thing, and those from whom it is hidden.

    Args:
        about: Name of the argument in the address.
        case: What it is, for the report.
        more: Further parts of the address.
    """

    about: str
    case: str
    id: int
    askers: tuple[str, ...]
    more: tuple[tuple[str, object], ...] = ()


def hidden_things(database: Database, town: Town) -> list[Hidden]:
    """Return drafts, what waits or was taken down, and what belongs to the neighbour."""
    ideas = [
        Hidden("idea_id", case, town.ids[case], tuple(one for one in STRANGERS if one not in readers))
        for case, readers in READERS.items()
    ]
    own = ("resident", "foreign_facilitator", "foreign_manager")
    ours = Hidden("challenge_id", "draft of another lab", town.ids["draft_challenge"], own)
    foreign = town.ids["foreign_lab"]
    neighbour = town.people["foreign_manager"]
    chief = Viewer(
        person_id=known_id(neighbour.id), name="Liv", roles={foreign: frozenset({Role.MANAGER})}, trust=1
    )
    now = utc_now()
    with database.writing() as session:
        texts = CardTexts(title={"nb": "Deres kladd", "en": "Their draft"})
        draft = draft_challenge(session, lab_id=foreign, texts=texts, person=chief, now=now)
        unit = add_unit(session, lab_id=foreign, name={"nb": "Deres enhet"}, person=chief, now=now)
        offer = invite(
            session, lab_id=foreign, email="their@example.org", role=Role.LEAD, person=chief, now=now
        )
        grant = session.scalars(select(RoleGrant.id).where(RoleGrant.lab_id == foreign)).first()
        theirs = [
            Hidden("challenge_id", "draft of the neighbour", known_id(draft.id), ("facilitator", "manager")),
            Hidden("unit_id", "the neighbour's", known_id(unit.id), ("manager", "admin"), (("slug", SLUG),)),
            Hidden(
                "invitation_id",
                "the neighbour's",
                known_id(offer.id),
                ("manager", "admin"),
                (("slug", SLUG),),
            ),
            Hidden(
                "grant_id",
                "the neighbour's",
                known_id(grant),
                ("manager", "admin", "lead"),
                (("slug", SLUG),),
            ),
        ]
    mine = Hidden("grant_id", "a colleague's", town.ids["grant"], ("lead", "resident"), (("slug", SLUG),))
    return [*ideas, ours, *theirs, mine]


def requests(app: Flask, thing: Hidden) -> Iterator[tuple[str, str, str, str]]:
    """Return (method, endpoint, address of the thing, address of nothing) of each route that names such a thing."""
    usual = {"slug": SLUG, "measure_id": 1, "person_id": 1, "number": 1, "kind": "final", "role": "lead"}
    for rule in app.url_map.iter_rules():
        if thing.about not in rule.arguments or rule.endpoint.split(".")[0] not in ROOMS:
            continue
        values = {name: usual[name] for name in rule.arguments if name in usual} | dict(thing.more)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            with app.test_request_context():
                there = url_for(rule.endpoint, **values, **{thing.about: thing.id})
                nowhere = url_for(rule.endpoint, **values, **{thing.about: NOBODY})
            yield method, rule.endpoint, there, nowhere


def plain(text: str, number: int) -> str:
    """Return a page without the address it was asked at, and without the token that is new on each."""
    text = re.sub(r"[\w-]{40,}\.[\w-]{6}\.[\w-]{20,}", "TOKEN", text)
    return re.sub(rf"(/|%2F)(?:{number}|{NOBODY})(?!\d)", r"\1N", text)


@pytest.mark.line("absent")
def test_what_is_hidden_answers_as_what_does_not_exist(app: Flask, database: Database, tried: Tried) -> None:
    town = build_town(database, app.extensions["livinglab.config"].instance, utc_now())
    things = hidden_things(database, town)
    matrix = _Matrix(app, town)
    wrong: list[str] = []
    asked = 0
    for thing in things:
        for method, endpoint, there, nowhere in requests(app, thing):
            for role in thing.askers:
                for fragment in (False, True) if endpoint.startswith("voting") else (False,):
                    asked += 1
                    one, two = (
                        ask(matrix, method, endpoint, path, role, fragment) for path in (there, nowhere)
                    )
                    same = one[0] == two[0] and plain(one[1], thing.id) == plain(two[1], thing.id)
                    if not same and (method, endpoint, thing.case) not in TOLD_PLAINLY:
                        wrong.append(
                            f"{method} {there} ({thing.case}) for {role}: {one[0]}, nothing: {two[0]}"
                        )
    assert not wrong, "\n".join(wrong)
    assert asked > 300
    tried(asked)


def ask(matrix: _Matrix, method: str, endpoint: str, path: str, role: str, fragment: bool) -> tuple[int, str]:
    client, headers = matrix.people[role]
    sent = BODIES.get(endpoint) if method == "POST" else None
    answer = client.open(
        path, method=method, data=sent, headers=headers | ({"HX-Request": "true"} if fragment else {})
    )
    text = answer.get_data(as_text=True) + answer.headers.get("Location", "")
    answer.close()
    return answer.status_code, text
