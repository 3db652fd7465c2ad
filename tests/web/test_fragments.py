"""A part of a page is drawn once for its facts, and anew as soon as one of them differs."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from livinglab.web.fragments import Fragments, KeptPart
from livinglab.web.locale import enter_lab

SOURCE = "{% kept 'card', fact %}{{ count() }}:{{ fact }}{% endkept %}"


@pytest.fixture
def draw(plain_app: Flask) -> Any:
    """Draw the part in a request; each drawing of its body counts up."""
    drawn: list[int] = []

    def count() -> int:
        drawn.append(1)
        return len(drawn)

    template = plain_app.jinja_env.from_string(SOURCE)

    def act(fact: object, address: str = "/", lab: str | None = None) -> str:
        with plain_app.test_request_context(address):
            if lab:
                enter_lab((lab,), ("Europe/Helsinki",))
            return template.render(fact=fact, count=count)

    return act


def test_the_same_facts_are_drawn_once(draw: Any) -> None:
    assert [draw("a1"), draw("a1"), draw("b1"), draw("a1")] == ["1:a1", "1:a1", "2:b1", "1:a1"]


def test_a_word_is_made_safe_and_told_from_its_look_alike(draw: Any) -> None:
    assert draw("<b>") == "1:&lt;b&gt;"
    assert draw(7) == "2:7"
    assert draw("7") == "3:7"


@pytest.mark.parametrize(("address", "lab"), [("/?lang=fi", None), ("/?lang=sv", None), ("/", "fi")])
def test_another_language_or_lab_is_another_part(draw: Any, address: str, lab: str | None) -> None:
    fact = f"{address} {lab}"  # the app of the tests has drawn the others already
    assert (draw(fact), draw(fact, address, lab), draw(fact)) == (f"1:{fact}", f"2:{fact}", f"1:{fact}")


def test_facts_are_read_anew_after_the_lab_is_entered(plain_app: Flask, draw: Any) -> None:
    template = plain_app.jinja_env.from_string("{% kept 'p', 1 %}{{ frame_lab() }}{% endkept %}")
    with plain_app.test_request_context("/"):
        before = template.render(frame_lab=lambda: g.get("lab_zone"))
        enter_lab(("fi",), ("Europe/Helsinki",))
        assert (before, template.render(frame_lab=lambda: g.get("lab_zone"))) == ("None", "Europe/Helsinki")


def test_what_was_used_longest_ago_goes_first() -> None:
    parts, drawn = Fragments(most=202), []  # two of one letter

    def ask(key: str) -> None:
        parts.part(key, lambda: drawn.append(key) or key)  # type: ignore[func-returns-value]

    for key in ("a", "b", "a", "c", "a", "b"):
        ask(key)
    assert drawn == ["a", "b", "c", "b"]


def test_long_addresses_do_not_fill_the_memory(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Fragments(most=100_000)
    monkeypatch.setattr(app.jinja_env.extensions[KeptPart.identifier], "fragments", kept)
    for n in range(5):
        assert client.get(f"/rules?q{n}={'x' * 5000}").status_code == 200
    assert 0 < sum(len(part) for part in kept._drawn.values()) < kept._drawn.currsize <= 100_000
