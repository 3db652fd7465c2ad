"""The automatic checks, and what each verdict means."""

from __future__ import annotations

import time

import pytest

from livinglab.ideas.models import Publication
from livinglab.moderation.models import Action
from livinglab.moderation.rules import (
    BECOMES,
    HOUSE_RULES,
    NEEDS_REASONS,
    Check,
    Thing,
    Verdict,
    action_of,
    checks,
    letter,
    marked,
    masked,
    why_not_reasons,
    why_not_verdict,
)
from livinglab.moderation.rules.letters import WHAT


def found(text: str, **more: object) -> list[tuple[str, str]]:
    return [(f.check.value, f.excerpt) for f in checks(text, **more)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "number",
    [
        "01019010046",
        "010190 10046",
        "41019010110",
        "811228-9874",
        "19811228-9874",
        "8112289874",
        "131052-308T",
        "131052A308T",
    ],
)
def test_national_identity_numbers_are_found_by_their_check_digits(number: str) -> None:
    assert found(f"Jeg heter Kari, {number}, og bor her.") == [("national-id", number)]


@pytest.mark.parametrize(
    "text",
    ["01019010047", "32019010046", "811228-9875", "811328-9874", "131052-308U", "311299-9999", "12345678901"],
)
def test_a_wrong_check_digit_or_date_is_no_identity_number(text: str) -> None:
    assert ("national-id", text) not in found(f"Tallet er {text} her")


@pytest.mark.parametrize(
    "number",
    [
        "912 34 567",
        "91234567",
        "22 33 44 55",
        "+47 912 34 567",
        "0047 91 23 45 67",
        "070-123 45 67",
        "0701234567",
        "08-123 456 78",
        "040 123 4567",
        "050-1234567",
        "+358 40 123 4567",
        "+46 70 123 45 67",
    ],
)
def test_phone_numbers_are_found(number: str) -> None:
    assert found(f"Ring {number} i kveld") == [("phone", number)]


@pytest.mark.parametrize(
    "text",
    [
        "Det koster 12 000 000 kr",
        "Åpent 08.00-16.00 den 01.02.2026",
        "fra 2024 til 2026",
        "2026-11-22",
        "Gate 12, 9712 Lakselv",
        "Konto 1234.56.78903",
        "4 av 10, eller 40 %",
        "90 000 000 kr",
        "1 500 m²",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert found(text) == []


def test_links_are_looked_at_for_new_accounts_only() -> None:
    text = "Se https://example.org/x og www.example.no eller kjop.shop nå"
    assert found(text) == []
    assert [excerpt for _, excerpt in found(text, new_account=True)] == [
        "https://example.org/x",
        "www.example.no",
        "kjop.shop",
    ]


def test_repeated_text_is_found_with_small_changes_but_not_short_words() -> None:
    text = "Stem på min idé om gratis buss til alle i hele byen!"
    assert found(text, earlier=["Stem på min ide om gratis buss til alle i hele byen"]) == [("repeated", "")]
    assert found("Enig!", earlier=["Enig!"]) == []
    assert found(text, earlier=["Bussen bør gå oftere om kvelden, særlig i helgene."]) == []


def test_an_identity_number_is_not_kept_in_the_findings() -> None:
    kept = masked(checks("Fnr 01019010046")[0])
    assert kept == {"check": Check.NATIONAL_ID.value, "excerpt": "010190•••••"}


def test_what_was_found_is_marked_in_the_text() -> None:
    assert marked("Ring 912 34 567 nå", links=False) == (
        ("same", "Ring "),
        ("mark", "912 34 567"),
        ("same", " nå"),
    )


def test_no_text_keeps_the_checks_busy() -> None:
    start = time.process_time()
    for text in ("-a" * 4000, "a-" * 4000, "a." * 4000, "1 " * 4000, "www." * 2000):
        checks(text, new_account=True)
    assert time.process_time() - start < 1


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("publication", list(Publication))
def test_every_verdict_is_settled_for_every_state(verdict: Verdict, publication: Publication) -> None:
    allowed = {Publication.PENDING, Publication.PUBLISHED, Publication.HIDDEN}
    problem = why_not_verdict(verdict, publication)
    if publication not in allowed:
        assert problem is not None
        assert problem.code == "nothing-to-decide"
        return
    assert (problem is None) != (
        verdict in (Verdict.HIDE, Verdict.REMOVE) and publication is Publication.PENDING
    )
    action = action_of(verdict, publication, version_waits=False)
    publish = {
        Publication.PENDING: Action.PUBLISH,
        Publication.PUBLISHED: Action.KEEP,
        Publication.HIDDEN: Action.RESTORE,
    }
    assert action is (publish[publication] if verdict is Verdict.PUBLISH else Action(verdict.value))
    assert action in BECOMES


def test_taking_something_away_needs_a_rule_and_facts() -> None:
    for action in NEEDS_REASONS:
        assert why_not_reasons(action, None, "x" * 20).code == "rule-missing"  # type: ignore[union-attr]
        assert why_not_reasons(action, "made-up", "x" * 20).code == "rule-missing"  # type: ignore[union-attr]
        assert why_not_reasons(action, "unlawful", "kort").code == "facts-missing"  # type: ignore[union-attr]
        assert why_not_reasons(action, "unlawful", "x" * 601).code == "facts-too-long"  # type: ignore[union-attr]
        assert why_not_reasons(action, "unlawful", "x" * 20) is None
    for action in set(Action) - NEEDS_REASONS:
        assert why_not_reasons(action, None, "") is None


def test_every_taking_away_has_its_words_for_each_thing() -> None:
    for thing in (Thing.IDEA, Thing.COMMENT):
        for action in set(Action) - {Action.KEEP}:
            assert (thing, action) in WHAT
    told = letter(Thing.COMMENT, Action.HIDE, rule="respect", facts="", automatic=True)
    assert str(told.facts)
    assert str(told.then).startswith("It is hidden for now")


def test_the_house_rules_keep_their_codes() -> None:
    assert list(HOUSE_RULES) == [
        "respect",
        "personal-data",
        "advertising",
        "off-topic",
        "unlawful",
        "repeated",
        "unclear",
        "not-yours",
    ]
    assert [rule.number for rule in HOUSE_RULES.values()] == list(range(1, 9))
