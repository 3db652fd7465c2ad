"""What people, passwords, addresses and links must be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from livinglab.core.errors import Refused
from livinglab.core.viewer import Role, Viewer
from livinglab.people.rules import (
    FORMER,
    RESIDENT,
    address_key,
    delay_after,
    face_of,
    new_password,
    prove,
    why_not_address,
    why_not_end_role,
    why_not_enter,
    why_not_more_mail,
    why_not_password,
    why_not_try,
)

GOOD = "a quiet winter road"


@pytest.mark.parametrize(
    "address", ["a@b.no", "name.surname@sub.example.org", "o'hara+lab@example.co", "æ@ø.no"]
)
def test_addresses_people_have_are_taken(address: str):
    assert why_not_address(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "a@b",
        "a@@b.no",
        "a b@c.no",
        "a@b.no, c@d.no",
        "a@b.no\nBcc: c@d.no",
        "<a@b.no>",
        "a@" + "b" * 260 + ".no",
    ],
)
def test_what_is_no_address_is_refused(address: str):
    problem = why_not_address(address)
    assert problem is not None
    assert (problem.code, problem.field) == ("bad-address", "email")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "password-short"),
        ("x" * 257, "password-long"),
        ("aaaaaaaaaaaa", "password-guessable"),
        ("kari@example.org", "password-guessable"),
        ("Kari Nordmann", "password-guessable"),
        *(
            (easy, "password-guessable")
            for easy in (
                "1234567890", "9876543210", "password12", "P@ssw0rd2026", "qwertyuiop", "asdfghjkl123", "passordpassord",
                "kaffekoppkaffekopp", "abcabcabcabc", "abcdefghijkl", "velkommen2026!", "lösenord1234", "salasana99",
                "Kari.Nordmann85", "kari123456", "Rajalla2026!", "rajallarajalla", "sommersommer1",
            )
        ),
    ],
)  # fmt: skip
def test_weak_passwords_are_refused(password: str, code: str):
    problem = why_not_password(password, email="kari@example.org", name="Kari Nordmann", site="Rajalla")
    assert problem is not None
    assert problem.code == code


@pytest.mark.parametrize(
    "password",
    [
        "blåbærtur på fjellet", "another winter road", "kaffe sykkel regn tak", "x7Kq-92mvT!", "kesämökki saunan takana",
        "kari liker regnvær", "2026 blir et godt år", "correct horse battery staple",
    ],
)  # fmt: skip
def test_a_password_of_several_words_or_of_chance_is_good(password: str):
    assert why_not_password(password, email="kari@example.org", name="Kari Nordmann", site="Rajalla") is None


def test_a_new_password_cannot_be_made_around_the_rules():
    with pytest.raises(Refused, match="password-short"):
        new_password("short")


def test_a_password_proves_itself_and_another_does_not():
    stored = new_password(GOOD).hash
    assert prove(GOOD, stored).good
    assert not prove("another road entirely", stored).good


def test_a_password_is_the_same_however_its_letters_are_composed():
    stored = new_password("blåbærtur på fjellet").hash
    assert prove("bla\u030ab\u00e6rtur pa\u030a fjellet", stored).good


def test_a_hash_made_with_weaker_settings_is_renewed():
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(GOOD)
    proof = prove(GOOD, weak)
    assert proof.good
    assert proof.renewed is not None
    assert "m=19456,t=2,p=1" in proof.renewed


def test_nothing_proves_itself_where_there_is_no_password():
    assert not prove(GOOD, None).good
    assert not prove("", None).good


def test_an_unknown_address_costs_a_real_comparison(monkeypatch):
    compared: list[str] = []
    real = PasswordHasher.verify
    monkeypatch.setattr(
        PasswordHasher,
        "verify",
        lambda self, stored, typed: compared.append(stored) or real(self, stored, typed),
    )
    prove("whatever it may be", None)
    assert len(compared) == 1
    assert "m=19456,t=2,p=1" in compared[0]


def test_the_delay_grows_after_five_misses_up_to_an_hour():
    seconds = [delay_after(misses).total_seconds() for misses in (0, 4, 5, 6, 7, 11, 12, 500)]
    assert seconds == [0, 0, 30, 60, 120, 1920, 3600, 3600]


def test_an_address_rests_until_its_instant_and_no_longer(noon):
    assert why_not_try(noon + timedelta(seconds=1), noon).status == 429
    assert why_not_try(noon, noon) is None
    assert why_not_try(None, noon) is None


def test_the_key_of_an_address_does_not_hold_it():
    key = address_key("Kari@Example.org ")
    assert key == address_key("kari@example.org")
    assert "kari" not in key


def test_five_mails_an_hour_are_enough():
    assert why_not_more_mail(4) is None
    assert why_not_more_mail(5).status == 429


def test_suspended_and_erased_people_do_not_come_in():
    assert why_not_enter(suspended=True, erased=False).status == 403
    assert why_not_enter(suspended=False, erased=True).status == 403
    assert why_not_enter(suspended=False, erased=False) is None


def test_a_byline_hides_what_it_shall_hide():
    person = {"name": "Kari Nordmann", "pseudonym": "Elvekant", "photo": "k", "title": "Sjef"}
    shown = face_of(**person)
    assert (shown.name, shown.photo, shown.initials) == ("Kari Nordmann", "k", "KN")
    alias = face_of(**person, byline="pseudonym")
    assert (alias.name, alias.kind, alias.photo, alias.title) == ("Elvekant", "alias", None, "")
    assert face_of(**person, byline="resident") is RESIDENT
    assert face_of(**(person | {"pseudonym": None}), byline="pseudonym") is RESIDENT
    assert face_of(**person, erased=True) is FORMER
    assert RESIDENT.initials == ""


@pytest.mark.parametrize(
    ("by", "managers", "code"),
    [
        (Viewer(person_id=1, roles={1: frozenset({Role.MANAGER})}), 2, None),
        (Viewer(person_id=9, is_admin=True), 1, None),
        (Viewer(person_id=7), 2, None),
        (Viewer(person_id=7), 1, "last-manager"),
        (Viewer(person_id=1, roles={1: frozenset({Role.FACILITATOR, Role.LEAD})}), 2, "not-manager"),
        (Viewer(person_id=1, roles={2: frozenset({Role.MANAGER})}), 2, "not-manager"),
    ],
)
def test_a_role_is_ended_by_its_lab_or_by_oneself(by: Viewer, managers: int, code: str | None):
    problem = why_not_end_role(by, lab_id=1, person_id=7, role=Role.MANAGER, managers=managers)
    assert (problem.code if problem else None) == code
