"""Support from the idea's page: with and without JavaScript, for visitors without a cookie."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from flask.testing import FlaskClient

from livinglab.core.db import Database
from livinglab.ideas.models import IdeaCount, Stage
from livinglab.voting.models import Support, SupportGiven
from livinglab.voting.rules import PER_HOUR
from tests.make import Make

SignIn = Callable[[FlaskClient, object], FlaskClient]
HTMX = {"HX-Request": "true"}
LONG_AGO = datetime.now(UTC) - timedelta(days=10)


def supports(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Support)) or 0


def test_giving_and_withdrawing_without_javascript(
    client: FlaskClient, sign_in: SignIn, database: Database, make: Make
) -> None:
    idea = make.idea(published_at=LONG_AGO)
    sign_in(client, make.person())
    given = client.post(f"/ideas/{idea.id}/support")
    assert (given.status_code, given.location, supports(database)) == (303, f"/ideas/{idea.id}", 1)
    page = client.get(given.location).text
    assert "Take your support back" in page
    assert f'action="/ideas/{idea.id}/follow"' in page
    back = client.post(f"/ideas/{idea.id}/support/withdraw")
    assert (back.status_code, supports(database)) == (303, 0)
    with database.reading() as session:
        assert session.get_one(IdeaCount, idea.id).supports == 0


def test_htmx_swaps_the_act_alone(client: FlaskClient, sign_in: SignIn, make: Make) -> None:
    idea = make.idea(published_at=LONG_AGO)
    sign_in(client, make.person())
    part = client.post(f"/ideas/{idea.id}/support", headers=HTMX)
    assert part.status_code == 200
    assert part.text.lstrip().startswith('<div class="act"')
    assert "Take your support back" in part.text
    assert '<b class="num">1</b>' in part.text
    assert (
        "You have taken your support back."
        in client.post(f"/ideas/{idea.id}/support/withdraw", headers=HTMX).text
    )


def test_a_refusal_says_why_on_the_button(
    client: FlaskClient, sign_in: SignIn, database: Database, make: Make
) -> None:
    ended, idea, person = make.idea(stage=Stage.SERVICE), make.idea(published_at=LONG_AGO), make.person()
    sign_in(client, person)
    part = client.post(f"/ideas/{ended.id}/support", headers=HTMX)
    assert part.status_code == 409
    assert "This idea has become a service." in part.text
    assert client.post(f"/ideas/{ended.id}/support").status_code == 409
    now = datetime.now(UTC)
    make.add(*(SupportGiven(person_id=person.id or 0, at=now) for _ in range(PER_HOUR)))
    assert client.post(f"/ideas/{idea.id}/support").status_code == 429
    assert "You gave 30 supports this hour." in client.get(f"/ideas/{idea.id}").text
    assert client.post("/ideas/999999/support").status_code == 404
    assert supports(database) == 0


def test_a_visitor_gets_a_link_that_comes_back_and_no_cookie(
    client: FlaskClient, database: Database, make: Make
) -> None:
    idea = make.idea(published_at=LONG_AGO)
    page = client.get(f"/ideas/{idea.id}")
    assert page.status_code == 200
    assert "Set-Cookie" not in page.headers
    assert f'href="/sign-in?next=/ideas/{idea.id}&amp;lang=nb"' in page.text  # of a lab that speaks Norwegian
    assert f'action="/ideas/{idea.id}/support"' not in page.text
    asked = client.post(f"/ideas/{idea.id}/support")
    assert (asked.status_code, supports(database)) == (303, 0)
    assert "/sign-in" in asked.location
    assert client.get(f"/ideas/{idea.id}/support").status_code == 405


def test_a_young_idea_shows_a_band_in_place_of_the_number(client: FlaskClient, make: Make) -> None:
    idea = make.idea(published_at=datetime.now(UTC) - timedelta(hours=1), supports=12)
    page = client.get(f"/ideas/{idea.id}?lang=en").text
    assert "10–24 support" in page
    assert '<b class="num">12</b>' not in page
