"""Rules of the labs room."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from livinglab.core.viewer import VISITOR, Role, Viewer
from livinglab.labs.models import AudienceLevel, ChallengeState, LabSettings
from livinglab.labs.queries import ChallengeBrief
from livinglab.labs.rules import (
    MeasureDraft,
    counts_shown_from,
    days_left,
    opening_checklist,
    takes_ideas,
    threshold_of,
    why_not_accept,
    why_not_conclude,
    why_not_edit,
    why_not_invite,
    why_not_lab,
    why_not_measures,
    why_not_numbers,
    why_not_open,
    why_not_set_up,
    why_not_take,
)
from livinglab.labs.rules.numbers import ALL

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RULES = {"percent": 5.0, "least": 10, "most": 100}
NUMBERS: dict[str, Any] = LabSettings(lab_id=1).model_dump(exclude={"lab_id"})


def person(*roles: Role, admin: bool = False) -> Viewer:
    """Somebody with roles in lab 1."""
    return Viewer(person_id=1, trust=1, is_admin=admin, roles={1: frozenset(roles)} if roles else {})


def brief(**more: Any) -> ChallengeBrief:
    """A challenge with everything but measures, audiences and people of the lab."""
    values: dict[str, Any] = {
        "id": 1, "lab_id": 1, "state": ChallengeState.DRAFT, "title": {"nb": "T"}, "goal": {"nb": "G"},
        "opens_at": None, "closes_at": NOON + timedelta(days=9), "counts_from": None, "threshold": None,
        "trust_needed": 1, "responsible_id": 1, "deputy_id": 2,
    }  # fmt: skip
    return ChallengeBrief(**(values | more))


class Card:
    """A strategy card that can lack one thing."""

    def __init__(self, **more: Any) -> None:
        whole: dict[str, Any] = {
            "title": {"nb": "T"}, "goal": {"nb": "G"}, "purpose": {"nb": "P"}, "benefit": {"nb": "B"},
            "responsible_id": 1, "deputy_id": 2, "closes_at": NOON + timedelta(days=9),
        }  # fmt: skip
        self.__dict__.update(whole | more)


def missing(card: Any = None, **more: Any) -> set[str]:
    """Return the codes of what the checklist still wants."""
    lab: dict[str, Any] = {
        "measures": 1,
        "levels": list(AudienceLevel),
        "facilitators": 1,
        "units": 1,
        "now": NOON,
    }
    return {item.code for item in opening_checklist(card or Card(), **(lab | more)) if not item.done}


@pytest.mark.parametrize(
    ("active", "wanted"),
    [
        (0, 10),
        (1, 10),
        (199, 10),
        (200, 10),
        (201, 11),
        (220, 11),
        (221, 12),
        (1999, 100),
        (2000, 100),
        (9999, 100),
    ],
)
def test_the_threshold_is_the_share_of_active_people_rounded_up_within_its_bounds(
    active: int, wanted: int
) -> None:
    assert threshold_of(active, **RULES) == wanted


def test_a_threshold_of_five_can_be_set_by_its_bounds() -> None:
    assert threshold_of(3, percent=5.0, least=5, most=5) == 5


def test_a_whole_card_in_a_staffed_lab_lacks_nothing() -> None:
    assert missing() == set()


@pytest.mark.parametrize(
    ("lacks", "code"),
    [
        ({"title": {}}, "title"), ({"goal": {}}, "goal"), ({"goal": {"nb": ""}}, "goal"),
        ({"purpose": {}}, "purpose"),
        ({"benefit": {}}, "benefit"), ({"responsible_id": None}, "people"), ({"deputy_id": None}, "people"),
        ({"deputy_id": 1}, "people"), ({"closes_at": None}, "closes"), ({"closes_at": NOON}, "closes"),
    ],
)  # fmt: skip
def test_a_card_that_lacks_one_thing_is_not_ready(lacks: dict[str, Any], code: str) -> None:
    assert missing(Card(**lacks)) == {code}


@pytest.mark.parametrize(
    ("lacks", "code"),
    [
        ({"measures": 0}, "measure"), ({"facilitators": 0}, "facilitator"), ({"units": 0}, "unit"),
        ({"levels": [AudienceLevel.SHOULD, AudienceLevel.CAN]}, "must"),
        ({"levels": [AudienceLevel.MUST, AudienceLevel.CAN]}, "should"),
        ({"levels": [AudienceLevel.MUST, AudienceLevel.SHOULD]}, "can"),
    ],
)  # fmt: skip
def test_a_lab_that_lacks_one_thing_cannot_open_a_challenge(lacks: dict[str, Any], code: str) -> None:
    assert missing(**lacks) == {code}


@pytest.mark.parametrize("role", [Role.FACILITATOR, Role.LEAD])
def test_only_a_manager_opens_a_challenge(role: Role) -> None:
    done = opening_checklist(
        Card(),
        measures=1,
        levels=list(AudienceLevel),
        facilitators=1,
        units=1,
        now=NOON,  # type: ignore[arg-type]
    )
    refused = why_not_open(person(role), lab_id=1, state=ChallengeState.DRAFT, checklist=done)
    assert refused is not None
    assert refused.code == "not-manager"
    assert why_not_open(person(Role.MANAGER), lab_id=1, state=ChallengeState.DRAFT, checklist=done) is None


@pytest.mark.parametrize("state", [ChallengeState.OPEN, ChallengeState.CLOSED, ChallengeState.CONCLUDED])
def test_a_challenge_opens_once(state: ChallengeState) -> None:
    refused = why_not_open(person(Role.MANAGER), lab_id=1, state=state, checklist=())
    assert refused is not None
    assert refused.code == "not-a-draft"


def test_new_ideas_come_in_until_the_instant_itself() -> None:
    open_one = brief(state=ChallengeState.OPEN, closes_at=NOON)
    assert takes_ideas(open_one, NOON - timedelta(seconds=1))
    assert not takes_ideas(open_one, NOON)
    assert not takes_ideas(brief(state=ChallengeState.DRAFT), NOON)


def test_counts_are_shown_from_closing_unless_said_otherwise() -> None:
    early = NOON - timedelta(days=3)
    assert counts_shown_from(brief(closes_at=NOON)) == NOON
    assert counts_shown_from(brief(closes_at=NOON, counts_from=early)) == early


def test_the_last_day_has_no_days_left() -> None:
    assert [days_left(NOON + timedelta(hours=h), NOON) for h in (-5, 5, 24, 47, 48)] == [0, 0, 1, 1, 2]


@pytest.mark.parametrize(
    ("roles", "state", "code"),
    [
        ((Role.FACILITATOR,), ChallengeState.DRAFT, None), ((Role.LEAD,), ChallengeState.DRAFT, None),
        ((), ChallengeState.DRAFT, "not-lab-staff"), ((Role.LEAD,), ChallengeState.OPEN, "not-manager"),
        ((Role.MANAGER,), ChallengeState.OPEN, None), ((Role.MANAGER,), ChallengeState.CLOSED,
        "challenge-closed"),
        ((Role.MANAGER,), ChallengeState.CONCLUDED, "challenge-closed"),
    ],
)  # fmt: skip
def test_who_may_change_a_card(roles: tuple[Role, ...], state: ChallengeState, code: str | None) -> None:
    refused = why_not_edit(person(*roles), lab_id=1, state=state)
    assert (refused.code if refused else None) == code


@pytest.mark.parametrize(
    ("state", "undecided", "report", "code"),
    [
        (ChallengeState.OPEN, 0, {"nb": "R"}, "not-closed"), (ChallengeState.CLOSED, 1, {"nb": "R"},
        "ideas-undecided"),
        (ChallengeState.CLOSED, 0, {}, "no-report"), (ChallengeState.CLOSED, 0, None, None),
        (ChallengeState.CLOSED, 0, {"nb": "R"}, None), (ChallengeState.CONCLUDED, 0, {"nb": "R"},
        "not-closed"),
    ],
)  # fmt: skip
def test_when_a_challenge_can_be_concluded(
    state: ChallengeState, undecided: int, report: dict[str, str] | None, code: str | None
) -> None:
    refused = why_not_conclude(
        person(Role.MANAGER), lab_id=1, state=state, undecided=undecided, report=report
    )
    assert (refused.code if refused else None) == code


def test_a_measure_shows_a_change() -> None:
    whole = MeasureDraft({"nb": "Fall"}, "fall", 40, 30, date(2027, 1, 1))
    assert why_not_measures([whole], first_language="nb") is None
    still = MeasureDraft({"nb": "Fall"}, "fall", 40, 40, date(2027, 1, 1))
    unnamed = MeasureDraft({"en": "Falls"}, "fall", 40, 30, date(2027, 1, 1))
    codes = [
        p.code for d in ([still], [unnamed], [whole] * 9) if (p := why_not_measures(d, first_language="nb"))
    ]
    assert codes == ["measure-still", "measure-incomplete", "too-many-measures"]


@pytest.mark.parametrize("setting", ALL, ids=lambda s: s.name)
def test_each_number_has_its_default_within_its_range_and_is_refused_outside(setting: Any) -> None:
    assert setting.least <= setting.default <= setting.most
    for wrong in (setting.least - 1, setting.most + 1):
        refused = why_not_numbers(NUMBERS | {setting.name: wrong})
        assert refused is not None
        assert (refused.code, refused.field) == ("out-of-range", setting.name)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"threshold_least": 50, "threshold_most": 40}, "least-over-most"),
        ({"preliminary_days": 100}, "preliminary-after-decision"), ({"extended_days": 80},
        "extended-too-short"),
        ({"steering_emails": ["nobody"]}, "bad-address"),
        ({"steering_emails": [f"a{n}@example.org" for n in range(21)]}, "bad-address"),
    ],
)  # fmt: skip
def test_numbers_agree_with_each_other(change: dict[str, Any], code: str) -> None:
    refused = why_not_numbers(NUMBERS | change)
    assert refused is not None
    assert refused.code == code


def test_the_defaults_stand() -> None:
    assert why_not_numbers(NUMBERS) is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"slug": "Fjell vik"}, "bad-slug"), ({"slug": "-a"}, "bad-slug"), ({"slug": "a" * 41}, "bad-slug"),
        ({"slug": ""}, "bad-slug"), ({"slug": "new"}, "slug-reserved"), ({"name": ""}, "bad-name"),
        ({"name": "x" * 81}, "bad-name"), ({"languages": []}, "bad-languages"), ({"languages": ["de"]},
        "bad-languages"),
        ({"languages": ["nb", "nb"]}, "bad-languages"), ({"timezones": []}, "bad-timezone"),
        ({"timezones": ["Europe/Nowhere"]}, "bad-timezone"), ({"country": "ZZ"}, "bad-country"),
    ],
)  # fmt: skip
def test_what_a_lab_cannot_be(change: dict[str, Any], code: str) -> None:
    fine: dict[str, Any] = {
        "slug": "fjellvik", "name": "Fjellvik", "languages": ["nb"], "timezones": ["Europe/Oslo"],
        "country": "no"
    }  # fmt: skip
    assert why_not_lab(**fine) is None
    refused = why_not_lab(**(fine | change))
    assert refused is not None
    assert refused.code == code


def test_rights_are_those_of_the_own_lab() -> None:
    elsewhere = Viewer(person_id=1, roles={2: frozenset({Role.MANAGER})})
    assert why_not_set_up(person(Role.MANAGER), 1) is None
    assert all(why_not_set_up(p, 1) for p in (elsewhere, person(Role.LEAD), person(admin=True), VISITOR))
    assert why_not_invite(person(admin=True), 1) is None
    assert why_not_invite(person(Role.FACILITATOR), 1) is not None


@pytest.mark.parametrize(
    ("who", "role", "allowed"),
    [
        (person(admin=True), Role.MANAGER, True), (person(admin=True), Role.FACILITATOR, False),
        (person(Role.MANAGER), Role.FACILITATOR, True), (person(Role.MANAGER), Role.LEAD, True),
        (person(Role.MANAGER), Role.MANAGER, False), (person(Role.FACILITATOR), Role.LEAD, False),
        (person(), Role.FACILITATOR, False),
    ],
)  # fmt: skip
def test_who_may_take_which_role_without_an_invitation(who: Viewer, role: Role, allowed: bool) -> None:
    assert (why_not_take(who, lab_id=1, role=role) is None) is allowed


@pytest.mark.parametrize(
    ("who", "state", "code"),
    [
        (VISITOR, "waiting", "signed-out"), (Viewer(person_id=1, trust=0), "waiting", "unconfirmed"),
        (person(), "waiting", None), (person(), "accepted", "invitation-used"),
        (person(), "withdrawn", "invitation-withdrawn"), (person(), "expired", "invitation-expired"),
    ],
)  # fmt: skip
def test_when_an_invitation_can_be_accepted(who: Viewer, state: str, code: str | None) -> None:
    refused = why_not_accept(who, state=state)
    assert (refused.code if refused else None) == code
