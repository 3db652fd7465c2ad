"""Light, dark, or as the device says: without JavaScript, and without a cookie for who does not choose."""

from __future__ import annotations

import pytest


def look_of(client, path="/"):
    """Return what a page says of its colours."""
    return client.get(path).text.partition('data-color-scheme="')[2].partition('"')[0]


@pytest.mark.parametrize("chosen", ["light", "dark"])
def test_what_this_browser_chose_is_drawn_on_every_page(app, client, chosen):
    assert look_of(client) == "auto"
    answer = client.post("/appearance", data={"scheme": chosen})
    assert answer.status_code == 303
    assert "livinglab_scheme=" in "".join(answer.headers.getlist("Set-Cookie"))
    assert {look_of(client, path) for path in ("/", "/ideas", "/sign-in", "/nowhere")} == {chosen}
    assert look_of(app.test_client()) == "auto"
    assert "public" not in client.get("/").headers["Cache-Control"]


def test_following_the_device_again_takes_the_cookie_away(client):
    client.post("/appearance", data={"scheme": "dark"})
    client.post("/appearance", data={"scheme": "auto"})
    assert client.get_cookie("livinglab_scheme") is None
    assert look_of(client) == "auto"


def test_who_only_reads_gets_no_cookie(client):
    assert not any("scheme" in one for one in client.get("/appearance").headers.getlist("Set-Cookie"))
    assert client.get("/").headers.getlist("Set-Cookie") == []


@pytest.mark.parametrize("typed", ["", "blue", "dark; x", "<b>"])
def test_another_word_is_refused_and_a_made_up_cookie_is_nothing(client, typed):
    assert client.post("/appearance", data={"scheme": typed}).status_code == 422
    client.set_cookie("livinglab_scheme", typed)
    assert look_of(client) == "auto"
