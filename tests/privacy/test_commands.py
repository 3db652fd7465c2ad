"""Erasing, joining and forgetting: what goes, what stays, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import func, select

from livinglab.core.files import StoredFile
from livinglab.core.journal import Event
from livinglab.core.mail import OutboxMail, queue_mail
from livinglab.core.tokens import token_hash
from livinglab.core.viewer import Role
from livinglab.ideas.models import (
    Activity,
    Comment,
    Follow,
    Idea,
    IdeaCount,
    IdeaTag,
    IdeaVersion,
    Publication,
    Stage,
)
from livinglab.ideas.queries.cards import cards_by_id
from livinglab.labs.models import ReceivingUnit, UnitMember
from livinglab.labs.queries import load_viewer
from livinglab.moderation.models import Case, Report, Source
from livinglab.notices.commands.deliver import deliver_notices
from livinglab.notices.models import DigestSent, Notice
from livinglab.people.commands import open_device, register_person
from livinglab.people.models import AddressGuard, Device, OneTimeLink, Person, RoleGrant
from livinglab.privacy.commands import (
    Published,
    erase_person,
    forget_account,
    forget_old,
    forget_pictures,
    join_accounts,
)
from livinglab.voting.commands import support_idea
from livinglab.voting.models import Support, SupportGiven
from livinglab.voting.queries import support_turn

DAY = timedelta(days=1)


def erase(session, person, now, published=Published.KEEP):
    return erase_person(session, person_id=person.id, published=published, now=now)


def count(session, table, *where):
    return session.scalar(select(func.count()).select_from(table).where(*where))


# ── the person ──


def test_an_erased_person_is_a_number_and_nothing_else(session, make, noon):
    person = make.person(
        "Kari", pseudonym="Elvekant", bio="Om meg", title="Sjef", password_hash="h", is_admin=True,
        demo_line={"nb": "x"}, claimed_email="b@example.org",
    )  # fmt: skip
    key = person.mail_key
    erase(session, person, noon)
    session.refresh(person)
    assert person.mail_key != key
    kept = {k: v for k, v in person.model_dump().items() if v not in (None, "", False, 0, {})}
    assert set(kept) == {"id", "language", "created_at", "erased_at", "mail_key"}


def test_an_erased_person_is_signed_out_and_cannot_come_back(session, make, noon):
    person = make.person(email="kari@example.org")
    device = open_device(session, person.id, noon)
    erase(session, person, noon)
    assert load_viewer(session, token_hash(device), noon) is None
    assert (count(session, Device), count(session, OneTimeLink)) == (0, 0)
    fresh = register_person(
        session, email="kari@example.org", name="Kari", password=None, language="nb", of_age=True, now=noon
    )
    assert fresh != person.id


def test_one_last_mail_goes_out_and_the_others_lose_the_address(session, make, noon):
    person = make.person(email="kari@example.org", language="sv")
    for key, sent in (("a", None), ("b", noon)):
        mail = queue_mail(
            session,
            "digest",
            address="kari@example.org",
            language="sv",
            person_id=person.id,
            now=noon,
            key=key,
        )
        mail.sent_at = sent
    session.flush()
    erase(session, person, noon, Published.BLANK)
    session.expire_all()
    left = session.scalars(select(OutboxMail).order_by(OutboxMail.id)).all()
    assert [(m.kind, m.address, m.person_id) for m in left] == [
        ("digest", "", person.id),
        ("account-deleted", "kari@example.org", None),
    ]
    assert (left[1].language, left[1].data) == ("sv", {"kept": False})


def test_the_photo_goes_with_its_files(session, make, noon):
    person = make.person()
    photo = StoredFile(key="abc", width=1, height=1, person_id=person.id, created_at=noon)
    session.add(photo)
    session.flush()
    person.photo_id = photo.id
    session.flush()
    assert erase(session, person, noon).pictures == ("abc",)
    assert count(session, StoredFile) == 0


def test_roles_and_seats_in_units_end(session, make, noon):
    lab = make.lab()
    person = make.facilitator(lab)
    unit = make.unit(lab, members=(person, make.person()))
    erase(session, person, noon)
    session.expire_all()
    assert count(session, RoleGrant, RoleGrant.ended_at.is_(None)) == 0
    assert count(session, UnitMember, UnitMember.person_id == person.id) == 0
    assert session.get(ReceivingUnit, unit.id).owner_id is None


def test_the_erasing_is_in_the_journal_without_a_name(session, make, noon):
    person = make.person("Kari")
    erase(session, person, noon)
    event = session.scalars(select(Event).where(Event.kind == "account-erased")).one()
    assert (event.subject_id, event.public, event.data) == (person.id, False, {"published": "keep"})


def test_notices_are_forgotten_once_the_journal_is_delivered(session, make, noon):
    person, other = make.person(), make.person()
    event = Event(at=noon, kind="idea-edited")
    session.add(event)
    session.flush()
    for reader in (person, other):
        session.add(Notice(person_id=reader.id, event_id=event.id, at=noon))
        session.add(DigestSent(person_id=reader.id, day=noon.date(), at=noon, items=1))
    session.flush()
    erase(session, person, noon)
    deliver_notices(session, now=noon)
    assert session.scalars(select(Notice.person_id)).all() == [other.id]
    assert session.scalars(select(DigestSent.person_id)).all() == [other.id]


# ── supports and follows ──


def test_supports_on_open_ideas_are_withdrawn_and_counts_stay_right(session, make, noon):
    person, idea = make.person(), make.idea()
    support_idea(session, idea_id=idea.id, person=make.viewer(person), now=noon)
    assert session.get(IdeaCount, idea.id, populate_existing=True).supports == 1
    erase(session, person, noon)
    assert session.get(IdeaCount, idea.id, populate_existing=True).supports == 0
    assert (count(session, Support), count(session, SupportGiven)) == (0, 0)


@pytest.mark.parametrize(
    "ended", [{"stage": Stage.SERVICE}, {"activity": Activity.WITHDRAWN}, {"activity": Activity.ARCHIVED}]
)
def test_supports_on_ideas_that_are_over_stay_as_they_were_counted(session, make, noon, ended):
    person, idea = make.person(), make.idea()
    support_idea(session, idea_id=idea.id, person=make.viewer(person), now=noon)
    for name, value in ended.items():
        setattr(idea, name, value)
    session.flush()
    erase(session, person, noon)
    assert session.get(IdeaCount, idea.id, populate_existing=True).supports == count(session, Support) == 1


def test_follows_go_and_followers_are_counted_right(session, make, noon):
    person = make.person()
    idea = make.idea(author=person)
    erase(session, person, noon)
    assert count(session, Follow, Follow.person_id == person.id) == 0
    assert session.get(IdeaCount, idea.id, populate_existing=True).followers == 0


# ── texts ──


def test_drafts_go_whole(session, make, noon):
    person = make.person()
    idea = make.idea(author=person, publication=Publication.DRAFT, published_at=None)
    session.add(IdeaTag(idea_id=idea.id, tag="x"))
    session.flush()
    erase(session, person, noon)
    assert count(session, Idea) == 0


def test_what_waits_for_a_facilitator_goes_with_its_case(session, make, noon):
    person = make.person()
    idea = make.idea(
        author=person, publication=Publication.PENDING, published_at=None, title="A secret title"
    )
    case = Case(lab_id=idea.lab_id, idea_id=idea.id, source=Source.NEW, opened_at=noon, due_at=noon + DAY)
    session.add_all([case, Event(at=noon, kind="idea-submitted", idea_id=idea.id)])
    session.flush()
    erase(session, person, noon)
    session.expire_all()
    row = session.get(Idea, idea.id)
    assert (row.title, row.body, row.summary, row.publication) == ("", "", "", Publication.REMOVED)
    assert session.get(Case, case.id).closed_at == noon


def test_kept_texts_are_signed_former_participant(session, make, noon):
    person = make.person("Kari")
    idea, comment = make.idea(author=person, title="A bench by the river"), None
    comment = make.comment(idea, author=person, body="I sat there")
    erase(session, person, noon, Published.KEEP)
    session.expire_all()
    (card,) = cards_by_id(session, [idea.id], noon)
    assert (card.title, str(card.author.name), card.author.kind) == (
        "A bench by the river", "Former participant", "former",
    )  # fmt: skip
    assert session.get(Comment, comment.id).body == "I sat there"


@pytest.mark.parametrize("reported", [False, True])
def test_an_edit_that_was_never_public_goes_though_the_texts_are_kept(session, make, noon, reported):
    person = make.person("Kari")
    idea = make.idea(author=person)
    session.add(
        IdeaVersion(
            idea_id=idea.id, number=7, publication=Publication.PENDING, title="Private words", written_at=noon
        )
    )
    case = Case(
        lab_id=idea.lab_id, idea_id=idea.id, version=7, source=Source.EDIT, opened_at=noon, due_at=noon
    )
    session.add(case)
    session.flush()
    if reported:
        session.add(Report(case_id=case.id, person_id=make.person().id, rule="off-topic", at=noon))
        session.flush()
    erase(session, person, noon, Published.KEEP)
    session.expire_all()
    assert session.get(IdeaVersion, (idea.id, 7)) is None
    assert (session.get(Case, case.id).closed_at is None) == reported


@pytest.mark.parametrize("stage", [Stage.CONCEPT, Stage.PROTOTYPE, Stage.SERVICE])
def test_blanked_texts_keep_title_and_story_where_a_gate_was_passed(session, make, noon, stage):
    person = make.person()
    idea = make.idea(
        author=person, stage=stage, title="A bench by the river", place="Here", link="https://x.no"
    )
    erase(session, person, noon, Published.BLANK)
    session.expire_all()
    row, version = session.get(Idea, idea.id), session.get(IdeaVersion, (idea.id, 1))
    assert (row.title, row.publication) == ("A bench by the river", Publication.PUBLISHED)
    for text in (row, version):
        assert (text.summary, text.body, text.gains, text.place, text.link) == ("", "", "", "", "")


def test_blanked_texts_take_an_idea_down_that_passed_no_gate(session, make, noon):
    person = make.person()
    idea = make.idea(author=person, title="A bench by the river")
    erase(session, person, noon, Published.BLANK)
    session.expire_all()
    row, version = session.get(Idea, idea.id), session.get(IdeaVersion, (idea.id, 1))
    assert (row.publication, row.title, row.body, version.title, version.body) == (
        Publication.REMOVED, "", "", "", "",
    )  # fmt: skip
    assert cards_by_id(session, [idea.id], noon) == ()
    assert "idea-removed" in session.scalars(select(Event.kind)).all()


def test_blanked_words_are_not_found_by_search(session, make, noon):
    from livinglab.ideas.commands import reindex_idea

    person = make.person()
    idea = make.idea(author=person, stage=Stage.CONCEPT, body="An unmistakable hippopotamus")
    reindex_idea(session, idea)
    found = sa.text(
        "SELECT count(*) FROM idea_search WHERE idea_search MATCH 'hippopotamus'"
        if session.get_bind().dialect.name == "sqlite"
        else "SELECT count(*) FROM idea_search WHERE words @@ to_tsquery('simple', 'hippopotamus')"
    )
    before = session.scalar(found)
    erase(session, person, noon, Published.BLANK)
    assert (before, session.scalar(found)) == (1, 0)


@pytest.mark.parametrize(("published", "body"), [(Published.KEEP, "A thought."), (Published.BLANK, "")])
def test_comments_follow_the_choice_and_counts_stay_right(session, make, noon, published, body):
    person, idea = make.person(), make.idea()
    comment = make.comment(idea, author=person)
    session.get(IdeaCount, idea.id).comments = 1
    session.flush()
    erase(session, person, noon, published)
    assert session.get(Comment, comment.id, populate_existing=True).body == body
    visible = 1 if body else 0
    assert session.get(IdeaCount, idea.id, populate_existing=True).comments == visible


def test_comments_that_were_never_public_go_in_any_case(session, make, noon):
    person = make.person()
    comment = make.comment(make.idea(), author=person, publication=Publication.PENDING, body="private")
    erase(session, person, noon, Published.KEEP)
    assert session.get(Comment, comment.id, populate_existing=True).body == ""


def test_the_texts_of_others_stay(session, make, noon):
    person, other = make.person(), make.person()
    idea = make.idea(author=other)
    comment = make.comment(idea, author=other)
    make.comment(idea, author=person)
    erase(session, person, noon, Published.BLANK)
    session.expire_all()
    assert (session.get(Idea, idea.id).body, session.get(Comment, comment.id).body) == (
        "A longer text.",
        "A thought.",
    )


# ── joining ──


def test_joining_brings_drafts_along_as_drafts_and_blanks_the_other(session, make, noon):
    owner = make.person()
    other = make.person(email=None, email_confirmed_at=None, trust=0, claimed_email=owner.email)
    draft = make.idea(author=other, publication=Publication.DRAFT, published_at=None, wants_publishing=True)
    device = open_device(session, other.id, noon)
    assert join_accounts(session, from_id=other.id, into_id=owner.id, now=noon) == 1
    session.expire_all()
    row = session.get(Idea, draft.id)
    assert (row.author_id, row.publication, row.wants_publishing) == (owner.id, Publication.DRAFT, False)
    assert session.get(Person, other.id).erased_at == noon
    assert load_viewer(session, token_hash(device), noon) is None
    assert count(session, OutboxMail) == 0


def test_joining_brings_roles_and_seats_along(session, make, noon):
    lab, owner, other = make.lab(), make.person(), make.person()
    make.facilitator(lab, other)
    one, two = make.unit(lab, members=(other, make.person())), make.unit(lab, members=(other, owner))
    join_accounts(session, from_id=other.id, into_id=owner.id, now=noon)
    session.expire_all()
    viewer = make.viewer(owner)
    assert viewer.has(lab.id, Role.FACILITATOR)
    assert set(viewer.units) == {one.id, two.id}


# ── forgetting ──


def test_the_night_forgets_what_is_no_longer_needed_and_nothing_else(session, make, noon):
    person = make.person()
    for expires in (noon, noon + DAY):
        session.add(
            Device(person_id=person.id, token_hash=str(expires), signed_in_at=noon - DAY, expires_at=expires)
        )
    for age in (1, 30):
        session.add(AddressGuard(key=str(age), touched_at=noon - timedelta(hours=age)))
        mail = queue_mail(session, "digest", address="a@b.no", language="nb", now=noon, key=str(age))
        mail.sent_at = noon - age * DAY
        lost = queue_mail(session, "digest", address="a@b.no", language="nb", now=noon, key=f"lost{age}")
        lost.given_up_at = noon - age * DAY
        session.add(SupportGiven(person_id=person.id, at=noon - timedelta(hours=age)))
    session.flush()
    assert forget_old(session, noon) == {
        "devices": 1, "links": 0, "guards": 1, "mails": 2, "supports given": 1, "drafts": 0,
    }  # fmt: skip
    assert set(forget_old(session, noon).values()) == {0}
    left = [count(session, table) for table in (Device, AddressGuard, OutboxMail, SupportGiven)]
    assert left == [1, 1, 2, 1]


def test_pictures_that_nothing_shows_any_more_are_forgotten_and_no_others(session, make, noon):
    old, young, shown, drawn = (
        StoredFile(key=key, width=1, height=1, created_at=at)
        for key, at in (("old", noon - DAY), ("young", noon), ("shown", noon - DAY), ("drawn", noon - DAY))
    )
    session.add_all([old, young, shown, drawn])
    session.flush()
    make.idea(image_id=shown.id, image_alt="x")
    make.person().photo_id = drawn.id
    session.flush()
    assert forget_pictures(session, noon) == ("old",)
    assert forget_pictures(session, noon) == ()
    assert set(session.scalars(select(StoredFile.key))) == {"young", "shown", "drawn"}


def test_the_limits_still_count_what_is_not_forgotten(session, make, noon):
    person = make.viewer(make.person())
    for _ in range(3):
        support_idea(session, idea_id=make.idea().id, person=person, now=noon)
    forget_old(session, noon + DAY - timedelta(seconds=1))
    turn = support_turn(session, make.idea().id, person, noon + DAY - timedelta(seconds=1))
    assert (turn.last_hour, turn.last_day) == (0, 3)
    forget_old(session, noon + DAY)
    assert count(session, SupportGiven) == 0
    assert count(session, Support) == 3


def test_accounts_never_confirmed_go_after_ninety_days(session, make, noon):
    values = {"name": "Kari", "password": None, "language": "nb", "of_age": True}
    old = register_person(session, email="a@b.no", now=noon - 91 * DAY, **values)
    young = register_person(session, email="c@d.no", now=noon - 89 * DAY, **values)
    nobody = make.person(email=None, email_confirmed_at=None, trust=0)
    assert forget_account(session, noon) is not None
    assert forget_account(session, noon) is None
    session.expire_all()
    assert session.get(Person, old).erased_at == noon
    assert session.get(Person, young).erased_at is None
    assert session.get(Person, nobody.id).erased_at is None
