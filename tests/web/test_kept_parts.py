"""No part of a page that was kept for one reader, or from before, is another than would be drawn now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import SQLModel

from livinglab.core.clock import utc_now
from livinglab.ideas.models import Activity, Byline, Comment, Idea, IdeaCount, Publication, Stage
from livinglab.labs.models import Category, ReceivingUnit
from livinglab.people.models import Person
from livinglab.web.fragments import Fragments
from tests.town import Town, build_town

PEOPLE = ("author", "resident", "facilitator", "lead", "member", "foreign_manager")
IDEAS = ("published", "proposed", "decided", "service", "declined", "edited", "hidden", "pending")
LISTS = ("/", "/ideas", "/ideas?lab=fjellvik", "/ideas?q=benk", "/labs/fjellvik", "/board")


@pytest.fixture
def found_again(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Draw each part that is known once more, and hold both against each other; return which were known."""
    known: list[str] = []
    part = Fragments.part

    def compared(fragments: Fragments, facts: str, draw: Callable[[], str]) -> Any:
        drawn: list[str] = []

        def noted() -> str:
            drawn.append(draw())
            return drawn[0]

        kept = part(fragments, facts, noted)
        if not drawn:
            known.append(facts)
            assert str(kept) == str(draw()), f"kept by too few facts: {facts}"
        return kept

    monkeypatch.setattr(Fragments, "part", compared)
    return known


@pytest.fixture
def town(app: Flask, config: Any) -> Town:
    return build_town(app.extensions["livinglab.database"], config.instance, utc_now())


@pytest.fixture
def readers(app: Flask, town: Town, sign_in: Callable[..., FlaskClient]) -> dict[str, FlaskClient]:
    signed_in = {name: sign_in(app.test_client(), town.people[name]) for name in PEOPLE}
    return {"visitor": app.test_client(), **signed_in}


@pytest.mark.one_database
def test_what_one_reader_left_is_what_the_next_would_be_drawn(
    readers: dict[str, FlaskClient], town: Town, found_again: list[str]
) -> None:
    addresses = [*LISTS, *(f"/ideas/{town.ids[name]}" for name in IDEAS)]
    for address in addresses:
        for name, client in readers.items():
            assert client.get(address).status_code < 500, (name, address)
    names = {facts.split(")('", 1)[-1].split("'")[0] for facts in found_again}
    assert names >= {
        "card",
        "job",
        "title",
        "text",
        "where",
        "story",
        "sides",
        "beside",
        "deeds",
        "say",
        "top",
    }


@pytest.mark.one_database
def test_after_any_change_no_part_is_the_old_one(
    app: Flask, readers: dict[str, FlaskClient], town: Town, found_again: list[str]
) -> None:
    """Each column of what an idea's page shows is changed by itself, and read by who sees most and least."""
    number, now = town.ids["published"], utc_now()
    comment, author = town.ids["comment_problem"], town.people["author"].id
    idea: tuple[tuple[type[SQLModel], int, dict[str, Any]], ...] = tuple(
        (Idea, number, change)
        for change in (
            {"title": "En annen benk"}, {"summary": "Noe annet."}, {"body": "Helt *nye* ord"}, {"gains": "Alle"},
            {"place": "Torget"}, {"link": "https://example.org/nytt"}, {"image_alt": "Et kart"}, {"image_id": None},
            {"language": "fi"}, {"byline": Byline.RESIDENT}, {"category_id": town.ids["category"]},
            {"challenge_id": town.ids["challenge"]}, {"lead_id": town.people["lead"].id},
            {"next_step": "Måle opp"}, {"next_who": "Tone"}, {"next_by": date(2031, 5, 4)},
            {"author_left_at": now}, {"stage": Stage.CONCEPT}, {"activity": Activity.DECLINED},
            {"decline_code": "too_costly"}, {"activity": Activity.ACTIVE}, {"version": 3},
            {"publication": Publication.HIDDEN}, {"publication": Publication.REMOVED},
            {"publication": Publication.PUBLISHED}, {"published_at": now - timedelta(days=40)},
        )
    )  # fmt: skip
    beside: tuple[tuple[type[SQLModel], int, dict[str, Any]], ...] = (
        (Comment, comment, {"publication": Publication.HIDDEN}),
        (Comment, comment, {"publication": Publication.PUBLISHED, "resolved_at": now, "resolution": "Målt"}),
        (Comment, comment, {"body": "Andre ord", "edited_at": now}),
        (Comment, comment, {"as_staff": True}),
        (Person, author or 0, {"name": "Kari Hansen"}),
        (Person, author or 0, {"title": "Lærer"}),
        (Category, town.ids["category"], {"name": {"nb": "Vei", "en": "Road"}}),
        (ReceivingUnit, town.ids["unit"], {"name": {"nb": "Park"}}),
        (IdeaCount, number, {"followers": 12}),
        (IdeaCount, number, {"supports": 31}),
    )
    for table, row, change in (*idea, *beside):
        key = next(iter(sa.inspect(table).primary_key))
        with app.extensions["livinglab.database"].writing() as session:
            session.execute(sa.update(table).where(key == row).values(**change))
        for name in ("visitor", "author", "facilitator"):
            answer = readers[name].get(f"/ideas/{number}")
            assert answer.status_code in (200, 404, 410), (name, change)
    assert len(found_again) > 100, "most parts are found again"
