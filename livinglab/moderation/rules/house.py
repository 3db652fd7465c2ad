"""The house rules people write by, and how a decision cites them. Codes are stable; texts are translated."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import lazy_gettext as _l


@dataclass(frozen=True, slots=True)
class HouseRule:
    """One rule: its number on the page, a short name, and what it asks."""

    code: str
    number: int
    name: object
    text: object


def _rules(*rows: tuple[str, object, object]) -> dict[str, HouseRule]:
    return {code: HouseRule(code, number, name, text) for number, (code, name, text) in enumerate(rows, 1)}


HOUSE_RULES: dict[str, HouseRule] = _rules(
    (
        "respect",
        _l("Respect for people"),
        _l("Disagree with ideas, never attack people. No insults, threats or contempt for a group."),
    ),
    (
        "personal-data",
        _l("Other people’s private life"),
        _l("No names, addresses, numbers, health or pictures of people who have not agreed."),
    ),
    (
        "advertising",
        _l("No advertising"),
        _l("Firms and parties may take part. Selling, campaigning and gathering followers belong elsewhere."),
    ),
    (
        "off-topic",
        _l("Stay on the subject"),
        _l("An idea is about something the lab can try. A comment is about the idea it stands under."),
    ),
    (
        "unlawful",
        _l("Within the law"),
        _l("Nothing the law forbids to publish, and no call to break the law."),
    ),
    (
        "repeated",
        _l("Say it once"),
        _l("The same text again and again drowns the others. Build on the idea that is there."),
    ),
    (
        "unclear",
        _l("Understandable"),
        _l("Others must be able to see what is meant: what you want to change, and for whom."),
    ),
    (
        "not-yours",
        _l("Your own words and pictures"),
        _l("Use texts and pictures that you made or may share, and say where they come from."),
    ),
)


def rule_name(code: str | None) -> object:
    """Return the short name of a house rule; an empty text for none or one that no longer exists."""
    rule = HOUSE_RULES.get(code or "")
    return rule.name if rule else ""
