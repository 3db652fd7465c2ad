"""Each kind of event can be told, and leads somewhere."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from flask import Flask

from livinglab.notices.rules.links import path_to
from livinglab.notices.rules.sentences import SENTENCES, Told, sentence
from livinglab.notices.rules.telling import SUBJECT_OF, TOLD, Circle, tellings

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
    "categories-",
    "challenge-drafted",
    "challenge-edited",
    "measure-",
)
"""Kinds about accounts and the set-up of a lab: the audit trail reads them, no story and no notice does."""


def _called(node: ast.AST) -> str:
    """Return the bare name of what is called, without leading underscores."""
    name = getattr(node, "id", None) or getattr(node, "attr", "")
    return str(name).lstrip("_")


def _recorders(trees: list[ast.Module]) -> set[str]:
    """Return ``record`` and every function that hands its own ``kind`` on to one of these."""
    found = {"record"}
    while True:
        more = {
            define.name.lstrip("_")
            for tree in trees
            for define in ast.walk(tree)
            if isinstance(define, ast.FunctionDef)
            for call in ast.walk(define)
            if isinstance(call, ast.Call)
            and _called(call.func) in found
            and any(isinstance(arg, ast.Name) and arg.id == "kind" for arg in call.args)
        }
        if more <= found:
            return found
        found |= more


def recorded_kinds() -> set[str]:
    """Return every kind that is written as a literal in a call that records an event."""
    trees = [ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")]
    recorders = _recorders(trees)
    return {
        part.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _called(node.func) in recorders
        for arg in node.args
        for part in ast.walk(arg)
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and "-" in part.value
    }


def test_every_recorded_kind_has_a_sentence() -> None:
    without = {k for k in recorded_kinds() if k not in SENTENCES and not k.startswith(SILENT_PREFIXES)}
    assert not without


def test_every_sentence_is_of_a_kind_that_is_recorded() -> None:
    """A kind that is built from parts (``idea-`` and what was decided) is recorded under a name of its parts."""
    written = "".join(
        path.read_text("utf-8") for path in PACKAGE.rglob("*.py") if "notices" not in path.parts
    )
    dead = {kind for kind in SENTENCES if f'"{kind}"' not in written}
    built = {f"{thing}-{done}" for thing in ("idea", "edit", "comment", "answer") for done in DONE}
    assert dead <= built


DONE = ("returned", "rejected", "hidden", "removed", "restored", "published", "final", "corrected", "written")


@pytest.mark.parametrize(
    "kind",
    sorted(k for k, who in TOLD.items() if {one.circle for one in who} & {Circle.FOLLOWERS, Circle.AUTHOR}),
)
def test_what_residents_are_told_leads_to_a_page_open_to_them(kind: str) -> None:
    data = {"handoff_id": 3, "review_id": 4, "decision_id": 5}
    path = path_to(kind, 1, 2, data)
    assert path.startswith(("/ideas/1", "/comments/2", "/gate-decisions/5", "/decisions/5", "/challenges/2"))
    assert "/lead" not in path


@pytest.mark.parametrize("kind", sorted(TOLD))
def test_whom_an_event_is_about_is_written_down_by_kind(kind: str) -> None:
    about = any(one.circle is Circle.SUBJECT for one in TOLD[kind])
    assert about == (kind in SUBJECT_OF)


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
    assert path_to("comment-published", 7, 3, {}) == "/comments/3"
    assert path_to("decision-proposed", 7, 3, {"review_id": 9}) == "/reviews/9"
    assert path_to("answer-published", 7, 4, {}) == "/ideas/7#answer-4"
    assert path_to("handoff-queued", 7, 4, {}) == "/ideas/7"


def test_a_mail_at_once_leads_staff_to_the_handoff_that_waits_for_them() -> None:
    for kind in ("handoff-queued", "handoff-returned", "handoff-late"):
        assert path_to(kind, 7, 4, {}, at_once=True) == "/handoffs/4"
    assert path_to("answer-published", 7, 4, {}, at_once=True) == "/ideas/7#answer-4"
