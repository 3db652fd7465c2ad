"""Accounts, links, devices and roles: each rule, limit and refusal, on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import func, select

from livinglab.core.errors import Forbidden, NotFound, Refused, TooMany
from livinglab.core.journal import Event
from livinglab.core.mail import OutboxMail
from livinglab.core.tokens import token_hash
from livinglab.core.viewer import Role, Viewer
from livinglab.labs.queries import load_viewer
from livinglab.people import commands
from livinglab.people.commands import links
from livinglab.people.models import AddressGuard, Device, LinkPurpose, OneTimeLink, Person
from livinglab.people.queries import Credentials, account_of, credentials_of, link_facts
from livinglab.people.rules import LIFETIME, Proof, new_password, prove

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NONE = Proof(good=False, against=None, fresh=True)


@pytest.fixture(scope="module")
def password():
    """One hash for all tests: it takes a while."""
    return new_password("a quiet winter road")


def register(session, now, email="kari@example.org", **more):
    values = {"name": "Kari", "password": None, "language": "nb", "of_age": True} | more
    return commands.register_person(session, email=email, now=now, **values)


def mails(session, kind=None):
    query = select(OutboxMail).order_by(OutboxMail.id)
    return [mail for mail in session.scalars(query) if kind in (None, mail.kind)]


def token_of(mail) -> str:
    return mail.data["path"].rsplit("/", 1)[1].partition("?")[0]


def kinds(session):
    return list(session.scalars(select(Event.kind).order_by(Event.id)))


# ── signing up ──


def test_signing_up_mails_a_link_and_waits_for_it(session, noon):
    person = session.get(Person, register(session, noon, email=" Kari@Example.ORG "))
    assert (person.email, person.claimed_email, person.trust) == (None, "kari@example.org", 0)
    (mail,) = mails(session)
    assert (mail.kind, mail.address, mail.language) == ("confirm", "kari@example.org", "nb")
    assert mail.data["path"].endswith("?lang=nb")
    assert kinds(session) == ["person-registered"]


def test_no_word_a_stranger_typed_is_mailed_to_an_address(session, noon):
    register(session, noon, name="Win a prize at example")
    assert "prize" not in str(mails(session)[0].data)


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"of_age": False}, "too-young", "of_age"),
        ({"name": " \u200b "}, "bad-name", "name"),
        ({"name": "x" * 81}, "bad-name", "name"),
        ({"email": "nobody"}, "bad-address", "email"),
        ({"language": "xx"}, "bad-language", "language"),
    ],
)
def test_a_bad_sign_up_is_refused_and_leaves_nothing(session, noon, change, code, field):
    with pytest.raises(Refused, match=code) as problem:
        register(session, noon, **change)
    assert problem.value.field == field
    assert session.scalar(select(func.count()).select_from(Person)) == 0
    assert mails(session) == []


def test_a_known_address_signs_up_like_an_unknown_one(session, make, noon):
    make.person(email="kari@example.org")
    new, other = register(session, noon), register(session, noon, email="ola@example.org")
    one, two = session.get(Person, new), session.get(Person, other)
    assert (one.email, one.trust, one.claimed_email) == (None, 0, "kari@example.org")
    assert (two.email, two.trust, two.claimed_email) == (None, 0, "ola@example.org")
    assert [mail.kind for mail in mails(session)] == ["account-known", "confirm"]


# ── confirming ──


def test_the_mailed_link_confirms_the_address_once(session, noon):
    person_id = register(session, noon, next_path="/ideas/7")
    token = token_of(mails(session)[0])
    came = commands.confirm_address(session, token=token, now=noon + MINUTE)
    person = session.get(Person, person_id)
    assert came == commands.Arrived(person_id, None, True, "/ideas/7")
    assert (person.email, person.claimed_email, person.trust) == ("kari@example.org", None, 1)
    assert person.email_confirmed_at == noon + MINUTE
    assert kinds(session) == ["person-registered", "address-confirmed"]
    with pytest.raises(NotFound, match="link-void"):
        commands.confirm_address(session, token=token, now=noon + MINUTE)


def test_confirming_an_address_that_has_an_account_leads_into_that_account(session, make, noon):
    owner = make.person(email="kari@example.org")
    person_id = register(session, noon)
    came = commands.confirm_address(session, token=token_of(mails(session)[0]), now=noon)
    assert (came.person_id, came.joined_from, came.confirmed_now) == (owner.id, person_id, False)
    assert session.get(Person, person_id).email is None


def test_of_two_who_claim_an_address_the_second_joins_the_first(session, noon):
    first, second = register(session, noon), register(session, noon)
    one, two = (token_of(mail) for mail in mails(session, "confirm"))
    assert commands.confirm_address(session, token=one, now=noon).person_id == first
    assert commands.confirm_address(session, token=two, now=noon) == commands.Arrived(
        first, second, False, None
    )


def test_somebody_suspended_meanwhile_cannot_confirm(session, noon):
    person = session.get(Person, register(session, noon))
    person.suspended_at = noon
    with pytest.raises(Forbidden, match="account-closed"):
        commands.confirm_address(session, token=token_of(mails(session)[0]), now=noon)


def test_this_was_not_me_names_the_account_only_while_it_is_unconfirmed(session, noon):
    person_id = register(session, noon)
    assert commands.disown(session, token=token_of(mails(session)[0]), now=noon) == person_id
    register(session, noon, email="ola@example.org")
    commands.send_confirmation_again(session, person_id=person_id + 1, now=noon)
    one, two = (token_of(mail) for mail in mails(session, "confirm")[-2:])
    commands.confirm_address(session, token=one, now=noon)
    with pytest.raises(Refused, match="already-confirmed"):
        commands.disown(session, token=two, now=noon)


def test_the_link_can_be_sent_again_five_times_an_hour(session, noon):
    person_id = register(session, noon)
    for n in range(4):
        commands.send_confirmation_again(session, person_id=person_id, now=noon + n * MINUTE)
    assert len(mails(session, "confirm")) == 5
    with pytest.raises(TooMany, match="mail-later"):
        commands.send_confirmation_again(session, person_id=person_id, now=noon + 5 * MINUTE)
    commands.send_confirmation_again(session, person_id=person_id, now=noon + 2 * HOUR)
    assert len(mails(session, "confirm")) == 6


def test_who_has_confirmed_needs_no_further_link(session, make, noon):
    with pytest.raises(Refused, match="already-confirmed"):
        commands.send_confirmation_again(session, person_id=make.person().id, now=noon)


# ── one-time links ──


@pytest.mark.parametrize("purpose", list(LinkPurpose))
def test_a_link_ends_at_its_instant(session, make, noon, purpose):
    token = links.make_link(session, make.person().id, purpose, now=noon)
    end = noon + LIFETIME[purpose]
    with pytest.raises(NotFound, match="link-void"):
        links.take_link(session, token, purpose, end)
    assert links.take_link(session, token, purpose, end - timedelta(seconds=1)).used_at is not None


def test_links_live_as_long_as_they_promise():
    assert {
        LinkPurpose.CONFIRM: timedelta(days=7),
        LinkPurpose.SIGN_IN: timedelta(minutes=30),
        LinkPurpose.RESET: timedelta(minutes=60),
        LinkPurpose.CHANGE_EMAIL: timedelta(hours=24),
    } == LIFETIME


@pytest.mark.parametrize("purpose", list(LinkPurpose))
def test_a_link_is_worth_nothing_for_another_purpose(session, make, noon, purpose):
    token = links.make_link(session, make.person().id, purpose, now=noon)
    for other in set(LinkPurpose) - {purpose}:
        with pytest.raises(NotFound, match="link-void"):
            links.take_link(session, token, other, noon)
        assert link_facts(session, token, (other,), noon) is None
    assert link_facts(session, token, (purpose,), noon) is not None


def test_the_database_holds_no_token(session, make, noon):
    token = links.make_link(session, make.person().id, LinkPurpose.RESET, now=noon)
    link = session.scalars(select(OneTimeLink)).one()
    assert link.token_hash == token_hash(token)
    assert token not in str(link.model_dump())
    assert len(token) >= 43


def test_a_made_up_link_is_void(session, noon):
    for token in ("", "x" * 43, "\ud800", "ø" * 300):
        with pytest.raises(NotFound, match="link-void"):
            commands.use_sign_in_link(session, token=token, now=noon)


# ── asking for links ──


def ask(session, now, email, purpose=LinkPurpose.SIGN_IN):
    commands.request_link(session, email=email, purpose=purpose, language="fi", now=now, next_path="/ideas/3")


def test_a_sign_in_link_goes_to_the_persons_address_in_their_language(session, make, noon):
    person = make.person(email="kari@example.org", language="sv")
    ask(session, noon, "KARI@example.org")
    (mail,) = mails(session)
    assert (mail.kind, mail.address, mail.language) == ("sign-in-link", "kari@example.org", "sv")
    came = commands.use_sign_in_link(session, token=token_of(mail), now=noon + 29 * MINUTE)
    assert (came.person_id, came.next_path) == (person.id, "/ideas/3")


def test_an_unknown_address_is_mailed_too_and_nothing_else_tells_them_apart(session, make, noon):
    make.person(email="kari@example.org")
    ask(session, noon, "kari@example.org")
    ask(session, noon, "nobody@example.org")
    ask(session, noon, "nobody@example.org", LinkPurpose.RESET)
    assert [mail.kind for mail in mails(session)] == ["sign-in-link", "no-account", "no-account"]
    assert mails(session)[1].language == "fi"


def test_a_suspended_person_gets_word_but_no_link(session, make, noon):
    make.person(email="kari@example.org", suspended_at=noon)
    ask(session, noon, "kari@example.org")
    assert [mail.kind for mail in mails(session)] == ["account-closed"]
    assert session.scalars(select(OneTimeLink)).all() == []


@pytest.mark.parametrize("known", [True, False])
def test_an_address_gets_five_mails_an_hour_and_then_silence(session, make, noon, known):
    if known:
        make.person(email="kari@example.org")
    for n in range(8):
        ask(session, noon + n * MINUTE, "kari@example.org")
    assert len(mails(session)) == 5
    ask(session, noon + 2 * HOUR, "kari@example.org")
    assert len(mails(session)) == 6


def test_a_sign_in_link_also_confirms_an_address(session, noon):
    person_id = register(session, noon)
    ask(session, noon, "kari@example.org")
    came = commands.use_sign_in_link(session, token=token_of(mails(session, "sign-in-link")[0]), now=noon)
    assert (came.person_id, came.confirmed_now) == (person_id, True)
    assert session.get(Person, person_id).email == "kari@example.org"


def test_who_typed_somebodys_address_at_sign_up_loses_every_way_into_it(session, noon):
    """A stranger signs up with Kari's address and waits; Kari asks for a link and is alone in the account."""
    person_id = register(session, noon)
    stranger = commands.open_device(session, person_id, noon)
    ask(session, noon, "kari@example.org")
    commands.use_sign_in_link(session, token=token_of(mails(session, "sign-in-link")[0]), now=noon)
    assert load_viewer(session, token_hash(stranger), noon) is None
    assert session.get(Person, person_id).password_hash is None
    with pytest.raises(NotFound, match="link-void"):
        commands.confirm_address(session, token=token_of(mails(session, "confirm")[0]), now=noon)


# ── passwords ──


def try_password(session, email, typed, now):
    known = credentials_of(session, email, now)
    return commands.sign_in(session, credentials=known, proof=prove(typed, known.password_hash), now=now)


def test_the_right_password_opens_a_device(session, make, noon, password):
    person = make.person(email="kari@example.org", password_hash=password.hash)
    token = try_password(session, "KARI@example.org", "a quiet winter road", noon)
    assert load_viewer(session, token_hash(token), noon).person_id == person.id


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(session, make, noon, password):
    make.person(email="kari@example.org", password_hash=password.hash)
    make.person(email="linus@example.org")
    assert try_password(session, "kari@example.org", "a wrong winter road", noon) is None
    assert try_password(session, "nobody@example.org", "a wrong winter road", noon) is None
    assert try_password(session, "linus@example.org", "", noon) is None


def test_an_unconfirmed_address_does_not_sign_in_with_a_password(session, noon, password):
    register(session, noon, password=password)
    assert try_password(session, "kari@example.org", "a quiet winter road", noon) is None


@pytest.mark.parametrize("known", [True, False])
def test_after_five_misses_an_address_rests_known_or_not(session, make, noon, password, known):
    if known:
        make.person(email="kari@example.org", password_hash=password.hash)
    miss = Proof(good=False, against=password.hash if known else None)
    for _ in range(5):
        person = credentials_of(session, "kari@example.org", noon)
        assert commands.sign_in(session, credentials=person, proof=miss, now=noon) is None
    barred = credentials_of(session, "kari@example.org", noon)
    assert barred.barred_until == noon + timedelta(seconds=30)
    with pytest.raises(TooMany, match="try-later"):
        commands.sign_in(session, credentials=barred, proof=miss, now=noon + timedelta(seconds=29))
    commands.sign_in(session, credentials=barred, proof=miss, now=noon + timedelta(seconds=30))
    later = credentials_of(session, "kari@example.org", noon)
    assert later.barred_until == noon + timedelta(seconds=90)


def test_even_the_right_password_waits_while_the_address_rests(session, make, noon, password):
    make.person(email="kari@example.org", password_hash=password.hash)
    for _ in range(5):
        try_password(session, "kari@example.org", "a wrong winter road", noon)
    with pytest.raises(TooMany, match="try-later"):
        try_password(session, "kari@example.org", "a quiet winter road", noon)
    assert try_password(session, "kari@example.org", "a quiet winter road", noon + MINUTE)
    assert credentials_of(session, "kari@example.org", noon + MINUTE).barred_until is None


def test_misses_are_forgotten_after_a_day(session, noon):
    miss = Proof(good=False, against=None)
    for n in range(4):
        commands.sign_in(
            session, credentials=Credentials("kari@example.org"), proof=miss, now=noon + n * MINUTE
        )
    commands.sign_in(session, credentials=Credentials("kari@example.org"), proof=miss, now=noon + 25 * HOUR)
    assert session.scalars(select(AddressGuard)).one().failures == 1


def test_a_password_that_was_changed_meanwhile_does_not_count(session, make, noon, password):
    person = make.person(email="kari@example.org", password_hash=password.hash)
    known = credentials_of(session, "kari@example.org", noon)
    person.password_hash = "changed"
    session.flush()
    proof = Proof(good=True, against=password.hash)
    assert commands.sign_in(session, credentials=known, proof=proof, now=noon) is None


def test_a_weaker_hash_is_replaced_at_sign_in(session, make, noon, password):
    person = make.person(email="kari@example.org", password_hash=password.hash)
    proof = Proof(good=True, against=password.hash, renewed="stronger")
    assert commands.sign_in(
        session, credentials=credentials_of(session, "kari@example.org", noon), proof=proof, now=noon
    )
    assert person.password_hash == "stronger"


@pytest.mark.parametrize("column", ["suspended_at", "erased_at"])
def test_a_closed_account_opens_no_device(session, make, noon, column):
    person = make.person(**{column: noon})
    with pytest.raises((Forbidden, NotFound)):
        commands.open_device(session, person.id, noon)
    assert session.scalars(select(Device)).all() == []


def test_resetting_ends_every_device_and_every_link(session, make, noon, password):
    person = make.person(email="kari@example.org")
    device = commands.open_device(session, person.id, noon)
    ask(session, noon, "kari@example.org")
    ask(session, noon, "kari@example.org", LinkPurpose.RESET)
    token = token_of(mails(session, "reset")[0])
    assert commands.reset_password(session, token=token, password=password, now=noon).person_id == person.id
    assert load_viewer(session, token_hash(device), noon) is None
    assert person.password_hash == password.hash
    with pytest.raises(NotFound, match="link-void"):
        commands.use_sign_in_link(session, token=token_of(mails(session, "sign-in-link")[0]), now=noon)
    assert [mail.kind for mail in mails(session)][-1] == "password-changed"
    assert "password-changed" in kinds(session)


def test_resetting_lets_an_address_that_rests_in_again(session, make, noon, password):
    make.person(email="kari@example.org", password_hash="unknown")
    for _ in range(6):
        known = credentials_of(session, "kari@example.org", noon)
        if known.barred_until is None:
            commands.sign_in(session, credentials=known, proof=NONE, now=noon)
    ask(session, noon, "kari@example.org", LinkPurpose.RESET)
    commands.reset_password(session, token=token_of(mails(session, "reset")[0]), password=password, now=noon)
    assert try_password(session, "kari@example.org", "a quiet winter road", noon)


def test_changing_the_password_ends_every_other_device(session, make, noon, password):
    person = make.person(password_hash=password.hash)
    here, there = (commands.open_device(session, person.id, noon) for _ in range(2))
    commands.change_password(
        session, person_id=person.id, current=Proof(good=True, against=password.hash),
        password=new_password("another good road"), keep=here, now=noon,
    )  # fmt: skip
    assert load_viewer(session, token_hash(here), noon) is not None
    assert load_viewer(session, token_hash(there), noon) is None


@pytest.mark.parametrize("proof", [NONE, Proof(good=False, against="h"), Proof(good=True, against="older")])
def test_the_password_is_not_changed_without_the_present_one(session, make, noon, password, proof):
    person = make.person(password_hash="h")
    with pytest.raises(Refused, match="wrong-password") as problem:
        commands.change_password(session, person_id=person.id, current=proof, password=password, now=noon)
    assert problem.value.field == "current"
    assert (person.password_hash, mails(session)) == ("h", [])


def test_who_has_no_password_yet_chooses_one(session, make, noon, password):
    person = make.person()
    commands.change_password(session, person_id=person.id, current=NONE, password=password, now=noon)
    assert person.password_hash == password.hash


# ── devices ──


def test_signing_out_makes_a_copied_cookie_worthless(session, make, noon):
    token = commands.open_device(session, make.person().id, noon)
    commands.close_device(session, token=token)
    assert load_viewer(session, token_hash(token), noon) is None


def test_a_device_ends_after_sixty_days(session, make, noon):
    token = commands.open_device(session, make.person().id, noon)
    assert load_viewer(session, token_hash(token), noon + timedelta(days=59)) is not None
    assert load_viewer(session, token_hash(token), noon + timedelta(days=60)) is None


def test_the_database_holds_no_cookie(session, make, noon):
    token = commands.open_device(session, make.person().id, noon)
    assert token not in str(session.scalars(select(Device)).one().model_dump())


# ── address ──


def change_to(session, person, email, now, proof=NONE):
    commands.request_email_change(session, person_id=person.id, email=email, current=proof, now=now)


def test_a_new_address_counts_once_it_is_confirmed_and_the_old_one_is_told(session, make, noon):
    person = make.person(email="old@example.org")
    change_to(session, person, "New@example.org", noon)
    assert person.email == "old@example.org"
    assert account_of(session, person.id, noon).waiting_email == "new@example.org"
    (mail,) = mails(session)
    assert (mail.kind, mail.address) == ("address-change", "new@example.org")
    commands.confirm_email_change(session, token=token_of(mail), now=noon + 23 * HOUR)
    assert person.email == "new@example.org"
    assert [(m.kind, m.address) for m in mails(session)][1:] == [("address-changed", "old@example.org")]
    assert "address-changed" in kinds(session)


def test_changing_to_an_address_with_an_account_tells_nobody_but_its_mailbox(session, make, noon):
    person, other = make.person(), make.person(email="taken@example.org")
    change_to(session, person, "taken@example.org", noon)
    (mail,) = mails(session)
    assert (mail.kind, mail.address) == ("address-taken", "taken@example.org")
    assert account_of(session, person.id, noon).waiting_email == "taken@example.org"
    assert other.email == "taken@example.org"


def test_an_address_taken_meanwhile_is_refused(session, make, noon):
    person = make.person()
    change_to(session, person, "new@example.org", noon)
    make.person(email="new@example.org")
    with pytest.raises(Refused, match="address-taken"):
        commands.confirm_email_change(session, token=token_of(mails(session)[0]), now=noon)


def test_only_the_last_asked_for_address_can_be_confirmed(session, make, noon):
    person = make.person()
    change_to(session, person, "one@example.org", noon)
    change_to(session, person, "two@example.org", noon)
    one, two = (token_of(mail) for mail in mails(session))
    with pytest.raises(NotFound, match="link-void"):
        commands.confirm_email_change(session, token=one, now=noon)
    commands.confirm_email_change(session, token=two, now=noon)
    assert person.email == "two@example.org"


@pytest.mark.parametrize(
    ("email", "proof", "code"),
    [
        ("nonsense", Proof(good=True, against="h"), "bad-address"),
        ("old@example.org", Proof(good=True, against="h"), "same-address"),
        ("new@example.org", NONE, "wrong-password"),
    ],
)
def test_a_bad_change_of_address_is_refused(session, make, noon, email, proof, code):
    person = make.person(email="old@example.org", password_hash="h")
    with pytest.raises(Refused, match=code):
        change_to(session, person, email, noon, proof)
    assert mails(session) == []


def test_an_unconfirmed_address_with_a_slip_is_simply_replaced(session, noon):
    person = session.get(Person, register(session, noon, email="kari@exmaple.org"))
    old = token_of(mails(session)[0])
    change_to(session, person, "kari@example.org", noon)
    assert (person.claimed_email, mails(session)[-1].address) == ("kari@example.org", "kari@example.org")
    with pytest.raises(NotFound, match="link-void"):
        commands.confirm_address(session, token=old, now=noon)


# ── profile ──


def test_a_profile_is_cleaned_and_kept(session, make, noon):
    person = make.person()
    commands.change_profile(
        session,
        person_id=person.id,
        name="  Kari \u202e Nordmann ",
        pseudonym="Elvekant",
        language="fi",
        bio="Hei",
    )
    commands.set_digest(session, person_id=person.id, wanted=False)
    account = account_of(session, person.id, noon)
    assert (account.name, account.pseudonym, account.language) == ("Kari Nordmann", "Elvekant", "fi")
    assert (account.bio, account.digest) == ("Hei", False)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name": ""}, "bad-name"),
        ({"pseudonym": "kari"}, "bad-pseudonym"),
        ({"pseudonym": "x" * 81}, "bad-pseudonym"),
        ({"language": "de"}, "bad-language"),
        ({"bio": "x" * 281}, "text-long"),
        ({"title": "x" * 81}, "text-long"),
    ],
)
def test_a_bad_profile_is_refused(session, make, change, code):
    values = {"name": "Kari", "language": "nb"} | change
    with pytest.raises(Refused, match=code):
        commands.change_profile(session, person_id=make.person().id, **values)


# ── made by the house ──


def test_the_first_administrator_is_made_and_a_second_time_promoted(session, noon):
    secret = "a quiet winter road"
    admin = commands.create_admin(session, email="Nina@example.org", name="Nina", password=secret, now=noon)
    assert (admin.is_admin, admin.email, admin.trust) == (True, "nina@example.org", 1)
    assert try_password(session, "nina@example.org", secret, noon)
    person = commands.add_person(session, email="ola@example.org", name="Ola", language="nb", now=noon)
    device = commands.open_device(session, person.id, noon)
    again = commands.create_admin(session, email="ola@example.org", name="Ignored", password=secret, now=noon)
    assert (again.id, again.is_admin, again.name) == (person.id, True, "Ola")
    assert load_viewer(session, token_hash(device), noon) is None


def test_an_administrator_does_not_get_a_weak_password(session, noon):
    with pytest.raises(Refused, match="password-short"):
        commands.create_admin(session, email="nina@example.org", name="Nina", password="short", now=noon)
    assert session.scalars(select(Person)).all() == []


def test_an_address_has_one_account(session, make, noon):
    make.person(email="ola@example.org")
    with pytest.raises(Refused, match="address-taken"):
        commands.add_person(session, email="OLA@example.org", name="Ola", language="nb", now=noon)


# ── roles ──


def grant(session, person, lab, now, role=Role.FACILITATOR, by_id=None):
    return commands.grant_role(session, person_id=person.id, lab_id=lab.id, role=role, by_id=by_id, now=now)


def test_a_role_is_granted_once_and_recorded(session, make, noon):
    lab, person = make.lab(), make.person()
    first, again = grant(session, person, lab, noon), grant(session, person, lab, noon + HOUR)
    assert (again.id, again.granted_at) == (first.id, noon)
    event = session.scalars(select(Event).where(Event.kind == "role-granted")).one()
    assert (event.lab_id, event.subject_id, event.data, event.public) == (
        lab.id, person.id, {"role": "facilitator"}, False,
    )  # fmt: skip


def test_losing_a_role_counts_at_the_next_request(session, make, noon):
    lab = make.lab()
    manager, person = make.manager(lab), make.facilitator(lab)
    device = token_hash(commands.open_device(session, person.id, noon))
    assert load_viewer(session, device, noon).has(lab.id, Role.FACILITATOR)
    commands.end_role(
        session, person_id=person.id, lab_id=lab.id, role=Role.FACILITATOR, by=make.viewer(manager), now=noon
    )
    assert not load_viewer(session, device, noon).has(lab.id, Role.FACILITATOR)
    assert kinds(session)[-1] == "role-ended"


def test_a_role_can_be_given_anew_after_it_ended(session, make, noon):
    lab, person = make.lab(), make.person()
    grant(session, person, lab, noon)
    me = make.viewer(person)
    commands.end_role(session, person_id=person.id, lab_id=lab.id, role=Role.FACILITATOR, by=me, now=noon)
    assert grant(session, person, lab, noon + HOUR).granted_at == noon + HOUR


def test_ending_a_role_is_refused_in_every_wrong_way(session, make, noon):
    lab = make.lab()
    manager, facilitator = make.manager(lab), make.facilitator(lab)
    by = make.viewer(facilitator)
    with pytest.raises(Forbidden, match="not-manager"):
        commands.end_role(session, person_id=manager.id, lab_id=lab.id, role=Role.MANAGER, by=by, now=noon)
    me = make.viewer(manager)
    with pytest.raises(Refused, match="last-manager"):
        commands.end_role(session, person_id=manager.id, lab_id=lab.id, role=Role.MANAGER, by=me, now=noon)
    with pytest.raises(NotFound, match="no-such-role"):
        commands.end_role(session, person_id=facilitator.id, lab_id=lab.id, role=Role.LEAD, by=me, now=noon)
    assert kinds(session) == []


def test_two_managers_who_end_each_others_role_leave_one(database, make, noon):
    start = threading.Barrier(2, timeout=60)

    def end(by: Viewer, person_id: int, lab_id: int) -> str:
        start.wait()
        try:
            with database.writing() as session:
                commands.end_role(
                    session, person_id=person_id, lab_id=lab_id, role=Role.MANAGER, by=by, now=noon
                )
        except Refused as problem:
            return problem.code
        return "ended"

    with ThreadPoolExecutor(2) as pool:
        for _round in range(20):
            lab = make.lab()
            one, other = make.manager(lab), make.manager(lab)
            tries = [(make.viewer(one), other.id, lab.id), (make.viewer(other), one.id, lab.id)]
            ends = [pool.submit(end, *given) for given in tries]
            assert sorted(end.result() for end in ends) == ["ended", "last-manager"]
