"""Going on with what one wrote: versions that wait or came back, challenges that close meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import escape
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.clock import utc_now
from livinglab.core.db import Database
from livinglab.core.errors import Refused
from livinglab.core.files import StoredFile
from livinglab.core.viewer import VISITOR
from livinglab.ideas import commands as ideas
from livinglab.ideas.models import Activity, Comment, CommentKind, Idea, IdeaVersion, Publication
from livinglab.ideas.rules import IdeaTexts, claim_hash
from livinglab.moderation.commands import decide_case, submit_waiting_drafts
from livinglab.moderation.models import Case
from livinglab.moderation.rules import Verdict
from livinglab.people.commands.links import make_link
from livinglab.people.models import LinkPurpose, Person
from tests.make import Make

SignIn = Callable[[FlaskClient, object], FlaskClient]
WHOLE = IdeaTexts(
    title="Måking av trapp for eldre", summary="En avtale mellom ungdom og nabo.", body="Trappa er måkt.",
    language="nb",
)  # fmt: skip
CLOSED = "does not take ideas any more"


def of(app: Flask) -> Database:
    database: Database = app.extensions["livinglab.database"]
    return database


def as_shown(client: FlaskClient, page: str) -> dict[str, str]:
    """Return what stands in the form for an edit, as somebody who changes nothing would send it."""
    shown = client.get(page).text
    fields = {"byline": "name", "language": "nb", "action": "send"}
    for name in ("title", "note"):
        field = shown.split(f'name="{name}"', 1)[1].split(">", 1)[0]
        fields[name] = field.split('value="', 1)[1].split('"', 1)[0] if 'value="' in field else ""
    for name in ("summary", "body"):
        fields[name] = shown.split(f'name="{name}"', 1)[1].split(">", 1)[1].split("</textarea>", 1)[0].strip()
    return fields


def newest(app: Flask, idea: Idea) -> IdeaVersion:
    with of(app).reading() as session:
        rows = (
            select(IdeaVersion).where(IdeaVersion.idea_id == idea.id).order_by(col(IdeaVersion.number).desc())
        )
        return session.scalars(rows.limit(1)).one()


def test_two_edits_in_a_row_keep_both_changes(
    app: Flask, client: FlaskClient, make: Make, sign_in: SignIn
) -> None:
    author = make.resident()
    idea = make.idea(author=author, title="Benker langs elva", body="To benker.")
    page = f"/ideas/{idea.id}/edit"
    sign_in(client, author)
    first = as_shown(client, page) | {"title": "Benker og bord langs elva", "note": "Bord også"}
    assert client.post(page, data=first).status_code == 303
    second = as_shown(client, page)
    assert (second["title"], second["note"]) == ("Benker og bord langs elva", "Bord også")
    assert client.post(page, data=second | {"body": "To benker og et bord."}).status_code == 303
    waits = newest(app, idea)
    assert (waits.number, waits.title, waits.body) == (
        2,
        "Benker og bord langs elva",
        "To benker og et bord.",
    )
    with of(app).reading() as session:
        assert session.get_one(Idea, idea.id).title == "Benker langs elva"


def test_a_returned_version_is_in_the_form_with_its_note_and_why(
    app: Flask, client: FlaskClient, make: Make, sign_in: SignIn
) -> None:
    lab, author = make.lab(), make.resident()
    facilitator = make.viewer(make.facilitator(lab))
    idea = make.idea(lab, author=author, body="To benker.")
    page = f"/ideas/{idea.id}/edit?lang=en"
    sign_in(client, author)
    changed = as_shown(client, page) | {"body": "To benker ved Kari i Elvegata 4.", "note": "Hvor de står"}
    client.post(page, data=changed)
    with of(app).writing() as session:
        case = session.scalars(select(Case)).one()
        decide_case(
            session, case_id=case.id or 0, person=facilitator, verdict=Verdict.RETURN, stamp=case.stamp,
            rule="personal-data", facts="Uten navn og adresse, takk.", now=utc_now(),
        )  # fmt: skip
    shown = client.get(page).text
    assert "This is your version 2, which came back to you" in shown
    assert str(escape("Uten navn og adresse, takk.")) in shown
    again = as_shown(client, page)
    assert (again["body"], again["note"]) == ("To benker ved Kari i Elvegata 4.", "Hvor de står")
    assert client.post(page, data=again | {"body": "To benker ved elva."}).status_code == 303
    assert (newest(app, idea).number, newest(app, idea).body) == (3, "To benker ved elva.")


def draft_in(session: Session, make: Make, now: datetime, person: object = VISITOR, **more: object) -> Idea:
    lab = make.lab()
    challenge = make.challenge(lab, closes_at=now + timedelta(hours=1))
    return ideas.start_draft(
        session, lab_id=lab.id or 0, texts=replace(WHOLE, challenge_id=challenge.id), now=now,
        person=person, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_closed_challenge_takes_no_draft_of_a_visitor(session: Session, make: Make, noon: datetime) -> None:
    token, later = claim_hash("cookie"), noon + timedelta(hours=2)
    idea = draft_in(session, make, noon, token_hash=token)
    with pytest.raises(Refused, match="challenge-closed"):
        ideas.mark_for_sending(session, idea_id=idea.id or 0, token_hash=token, now=later)
    assert not idea.wants_publishing
    ideas.mark_for_sending(session, idea_id=idea.id or 0, token_hash=token, now=noon)
    author = make.person()
    ideas.claim_drafts(session, token_hash=token, person_id=author.id or 0, now=later)
    with pytest.raises(Refused, match="challenge-closed"):
        ideas.hand_in(session, idea_id=idea.id or 0, person=make.viewer(author), now=later)
    assert session.get_one(Idea, idea.id, populate_existing=True).publication is Publication.DRAFT


def test_who_confirms_after_the_closing_keeps_the_draft_and_may_choose_another_place(
    session: Session, make: Make, noon: datetime
) -> None:
    author, later = make.person(trust=0), noon + timedelta(hours=2)
    idea = draft_in(session, make, noon, person=make.viewer(author))
    ideas.hand_in(session, idea_id=idea.id or 0, person=make.viewer(author), now=noon)
    assert idea.wants_publishing
    author.trust = 1
    session.flush()
    assert submit_waiting_drafts(session, author.id or 0, later) == ()
    assert (idea.publication, idea.wants_publishing) == (Publication.DRAFT, False)
    person = make.viewer(author)
    ideas.save_draft(session, idea_id=idea.id or 0, texts=WHOLE, person=person, now=later)
    assert ideas.hand_in(session, idea_id=idea.id or 0, person=person, now=later).publication is (
        Publication.PENDING
    )


def test_an_unconfirmed_person_may_throw_away_what_waits_for_the_address(
    session: Session, make: Make, noon: datetime
) -> None:
    person = make.viewer(make.person(trust=0))
    idea = draft_in(session, make, noon, person=person)
    ideas.hand_in(session, idea_id=idea.id or 0, person=person, now=noon)
    ideas.drop_draft(session, idea_id=idea.id or 0, person=person)
    assert session.get(Idea, idea.id) is None


@pytest.mark.parametrize("signed", [True, False])
def test_an_idea_for_a_challenge_that_closed_while_it_was_written_says_so_at_its_field(
    app: Flask, client: FlaskClient, make: Make, sign_in: SignIn, signed: bool
) -> None:
    lab = make.lab("fjellvik")
    challenge = make.challenge(lab, closes_at=utc_now() - timedelta(minutes=1))
    if signed:
        sign_in(client, make.resident())
    typed = {
        "title": WHOLE.title, "summary": WHOLE.summary, "body": WHOLE.body, "byline": "name", "language": "nb",
    }  # fmt: skip
    page, there = "/ideas/write?lab=fjellvik&lang=en", {"challenge": str(challenge.id)}
    answer = client.post(page, data=typed | there | {"action": "send"})
    assert answer.status_code == 422
    assert CLOSED in answer.text
    assert WHOLE.body in answer.text
    with of(app).reading() as session:
        kept = session.scalars(select(Idea)).one()
        assert (kept.publication, kept.wants_publishing) == (Publication.DRAFT, False)
    box = client.post(f"/ideas/write?idea={kept.id}", data=typed | {"challenge": "", "action": "send"})
    assert box.status_code == 303


def test_the_confirmation_goes_through_whatever_became_of_what_was_written_before(
    app: Flask, client: FlaskClient, make: Make
) -> None:
    now, lab = utc_now(), make.lab(settings={"moderation": "after"})
    newcomer = make.person(trust=0, email_confirmed_at=None, created_at=now)
    deleted_on, ended, public = make.idea(lab), make.idea(lab), make.idea(lab)
    says = {"kind": CommentKind.CONCERN, "language": "nb", "now": now}
    person = make.viewer(newcomer)
    with of(app).writing() as session:
        written = [
            ideas.write_comment(session, idea_id=idea.id or 0, person=person, body=f"Tanke {idea.id}.", **says).id or 0  # type: ignore[arg-type]
            for idea in (deleted_on, ended, public)
        ]  # fmt: skip
        ideas.delete_comment(session, comment_id=written[0], person=person, now=now)
        session.get_one(Idea, ended.id).activity = Activity.WITHDRAWN
        token = make_link(session, newcomer.id or 0, LinkPurpose.CONFIRM, now=now)
    came = client.post(f"/confirm/{token}")
    assert came.status_code == 303
    with of(app).reading() as session:
        assert session.get_one(Person, newcomer.id).trust == 1
        how = [session.get_one(Comment, comment_id).publication for comment_id in written]
    assert how == [Publication.DRAFT, Publication.DRAFT, Publication.PUBLISHED]


def test_words_sent_after_the_session_has_ended_are_a_draft_of_this_browser(
    app: Flask, client: FlaskClient, make: Make, sign_in: SignIn
) -> None:
    lab, author = make.lab("fjellvik"), make.resident()
    begun = make.idea(
        lab, author=author, publication=Publication.DRAFT, published_at=None, title="Begynt her"
    )
    page = f"/ideas/write?lab=fjellvik&idea={begun.id}"
    sign_in(client, author)
    assert client.get(page).status_code == 200
    with client.session_transaction() as browser:
        browser.clear()
    assert client.get(page).status_code == 404
    typed = {"title": WHOLE.title, "summary": WHOLE.summary, "body": WHOLE.body, "idea": str(begun.id)}
    kept = client.post(page, data=typed | {"byline": "name", "language": "nb", "action": "keep"})
    assert kept.status_code == 200
    again = typed | {"idea": str(kept.json["id"]), "body": "Enda flere ord.", "action": "send"}
    sent = client.post(page, data=again | {"byline": "name", "language": "nb"})
    assert sent.headers["Location"].startswith("/register?next=")
    with of(app).reading() as session:
        old, new = session.scalars(select(Idea).order_by(col(Idea.id))).all()
    assert (old.title, new.title, new.body) == ("Begynt her", WHOLE.title, "Enda flere ord.")
    assert (new.author_id, new.claim_hash is not None, new.wants_publishing) == (None, True, True)


def test_the_list_of_versions_says_what_became_of_each_and_pictures_are_told_in_words(
    client: FlaskClient, make: Make, sign_in: SignIn
) -> None:
    author = make.resident()
    idea = make.idea(author=author)
    picture = StoredFile(key="ab" * 25, created_at=utc_now(), width=10, height=10)
    make.add(picture)
    for number, state in ((2, Publication.RETURNED), (3, Publication.REJECTED), (4, Publication.PENDING)):
        make.add(
            IdeaVersion(
                idea_id=idea.id or 0, number=number, publication=state, title=idea.title, written_at=utc_now(),
                image_id=picture.id if number == 2 else None, image_alt="En bratt trapp." if number == 2 else "",
            )
        )  # fmt: skip
    sign_in(client, author)
    page = client.get(f"/ideas/{idea.id}/versions?lang=en").text
    for words in ("Returned to you", "Not published", "Waits for a facilitator", "Shown now"):
        assert page.count(words) == 1, words
    assert 'alt="En bratt trapp."' in client.get(f"/ideas/{idea.id}/versions/compare?old=1&new=2").text
