"""Each kind of event can be told, and leads somewhere."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from flask import Flask

from livinglab.notices.rules.links import path_to
from livinglab.notices.rules.sentences import SENTENCES, Told, sentence
from livinglab.notices.rules.telling import TOLD, tellings

PACKAGE = Path(__file__).parents[2] / "livinglab"
SILENT_PREFIXES = (
    "person-",
    "address-",
    "password-",
    "role-",
    "invitation-",
    "unit-",
    "lab-",
    "settings-",
    "category-",
    "account-",
)
"""Kinds about accounts and the set-up of a lab: the audit trail reads them, no story and no notice does."""


def recorded_kinds() -> set[str]:
    """Return every kind that is written as a literal in a call of ``record``."""
    kinds = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = getattr(getattr(node, "func", None), "id", "") if isinstance(node, ast.Call) else ""
            if name.lstrip("_") == "record":
                kinds |= {
                    part.value
                    for arg in node.args
                    for part in ast.walk(arg)
                    if isinstance(part, ast.Constant) and isinstance(part.value, str) and "-" in part.value
                }
    return kinds


def test_every_recorded_kind_has_a_sentence() -> None:
    without = {k for k in recorded_kinds() if k not in SENTENCES and not k.startswith(SILENT_PREFIXES)}
    assert not without


def test_whoever_is_told_of_a_kind_can_be_told_it() -> None:
    assert set(TOLD) <= set(SENTENCES)


@pytest.mark.parametrize("kind", sorted(SENTENCES))
@pytest.mark.parametrize("language", ["nb", "sv", "fi", "en"])
def test_a_sentence_holds_no_code_word_and_no_gap(kind: str, language: str, plain_app: Flask) -> None:
    told = Told(
        actor="Kari",
        unit="Kultur",
        person="Ola",
        data={
            "threshold": 12,
            "clock": "preliminary",
            "title": "Benk",
            "outcome": "accepted",
            "kind": "final",
            "door": "pick",
            "to": "concept",
            "from": "idea",
            "until": "2026-04-01",
            "due": "2026-04-01",
            "hold_until": "2026-04-01",
            "note": "bredere",
            "number": 2,
            "version": 2,
            "step": "Prøv",
            "label": "Fall",
        },
    )
    from flask_babel import force_locale

    with plain_app.test_request_context(), force_locale(language):
        text = sentence(kind, told)
    assert text
    assert "%(" not in text
    assert "_" not in text
    assert "None" not in text


def test_late_is_told_to_more_people_the_later_it_is() -> None:
    circles = [
        {t.circle.value for t in tellings("handoff-escalated", {"step": s})}
        for s in ("late", "owner", "steering")
    ]
    assert "deputy" in circles[0]
    assert "owner" in circles[1]
    assert "managers" in circles[2]


def test_a_notice_leads_straight_to_the_thing() -> None:
    assert path_to("comment-published", 7, 3, {}) == "/ideas/7#comment-3"
    assert path_to("decision-proposed", 7, 3, {"review_id": 9}) == "/reviews/9"
    assert path_to("answer-published", 7, 4, {}) == "/ideas/7#answer-4"
    assert path_to("handoff-queued", 7, 4, {}) == "/ideas/7"


def test_a_mail_at_once_leads_staff_to_the_handoff_that_waits_for_them() -> None:
    for kind in ("handoff-queued", "handoff-returned", "handoff-late"):
        assert path_to(kind, 7, 4, {}, at_once=True) == "/handoffs/4"
    assert path_to("answer-published", 7, 4, {}, at_once=True) == "/ideas/7#answer-4"
