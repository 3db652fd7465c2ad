"""Addresses in templates are those that Flask builds, whatever page asked first."""

import pytest
from flask import render_template_string, url_for

ASKED = [
    ("ideas.page", {"idea_id": 1}),
    ("ideas.page", {"idea_id": 1, "_anchor": "talk"}),
    ("ideas.index", {"late": True}),
    ("ideas.index", {"late": 1, "q": "bålplass & mer"}),
    ("ideas.index", {"q": "x" * 500}),
    ("ideas.index", {"q": ["a", "b"]}),
    ("ideas.page", {"idea_id": 1, "lang": None}),
    ("ideas.page", {"idea_id": 1, "_external": True}),
]


@pytest.mark.parametrize("page", ["/", "/?lang=fi", "/?lang=xx", "/?lang=sv"])
def test_a_templates_address_is_the_one_flask_builds(app, page):
    for script in ("", "/labs-here"):
        with app.test_request_context(page, environ_overrides={"SCRIPT_NAME": script}):
            for endpoint, values in ASKED * 2:
                drawn = render_template_string("{{ url_for(e, **v)|safe }}", e=endpoint, v=values)
                assert drawn == url_for(endpoint, **values)


@pytest.mark.parametrize(
    ("asked", "clean"),
    [
        ("/ideas?q=&stage=&lab=x", "/ideas?lab=x"),
        ("/ideas?q=&lang=", "/ideas"),
        ("/ideas?q=b%C3%A5l+%26+mer&stage=&lang=fi", "/ideas?q=b%C3%A5l+%26+mer&lang=fi"),
        ("/ideas?q=&tag=a&tag=&tag=b", "/ideas?tag=a&tag=b"),
        ("/ideas/7/versions?x=&_external=1&endpoint=2", "/ideas/7/versions?_external=1&endpoint=2"),
    ],
)
def test_what_a_form_left_empty_does_not_stand_in_the_address(client, asked, clean):
    answer = client.get(asked)
    assert (answer.status_code, answer.location) == (302, clean)
    assert client.get(clean).status_code in (200, 404)


def test_only_a_page_that_is_there_is_led_to_and_a_fragment_is_answered_at_once(client):
    answer = client.get("/?q=", environ_overrides={"PATH_INFO": "//evil.example"})
    assert not (answer.location or "/").removeprefix("http://localhost").startswith("//")
    assert client.get("/nowhere?q=").status_code == 404
    assert client.get("/ideas?q=", headers={"HX-Request": "true"}).status_code == 200


def test_how_long_ago_says_the_same_words_as_without_memory(app):
    from datetime import UTC, datetime, timedelta

    import time_machine
    from flask_babel import format_timedelta, get_locale

    from livinglab.web.filters import ago

    now = datetime(2026, 4, 12, 10, 0, tzinfo=UTC)
    with time_machine.travel(now, tick=False), app.test_request_context("/?lang=fi"):
        assert str(get_locale()) == "fi"
        for seconds in (*range(60, 400, 7), 89, 90, 91, 150, 3059, 3060, 3061, 5400, 73439, 73440, 9_000_000):
            plain = format_timedelta(-timedelta(seconds=seconds), granularity="minute", add_direction=True)
            assert ago(now - timedelta(seconds=seconds)) == plain


def test_a_visitor_of_a_lab_keeps_its_language_on_the_way_to_pages_of_no_lab(client, make, sign_in):
    make.lab("fjellvik", languages=("fi", "en"))
    read = client.get("/labs/fjellvik").text
    for path in ("/sign-in?next=/labs/fjellvik&amp;lang=fi", "/ideas?lang=fi", "/how?lang=fi", "/?lang=fi"):
        assert f'href="{path}"' in read, path
    assert 'href="/ideas?lab=fjellvik"' in read
    assert 'href="/how?lang=en"' in client.get("/labs/fjellvik?lang=en").text
    assert 'href="/how"' in client.get("/labs").text
    signed_in = sign_in(client, make.person(language="fi")).get("/labs/fjellvik").text
    assert 'href="/how"' in signed_in
    assert 'href="/how?lang=fi"' not in signed_in
