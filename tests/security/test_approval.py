"""What somebody approved is what stands there: nothing slips in after the look, and nothing between look and click.

Source: issue "Proof", part 5; rules I1, I3, S3, S6, H4.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlmodel import select

from livinglab.core.db import Database
from livinglab.handoff.models import Answer
from livinglab.ideas.models import Comment, Idea, IdeaVersion, Publication
from livinglab.moderation.models import Case
from livinglab.pipeline.models import GateDecision, Proposal
from livinglab.web.limits import limiter
from tests.security.ledger import Tried
from tests.town import Town

pytestmark = pytest.mark.line("approval")

Enter = Callable[[str], FlaskClient]
TEXTS = {
    "title": "Lys langs skoleveien", "summary": "En benk der gamle venter på bussen.", "body": "Vi har sett på den.", "gains": "Alle.",
    "place": "Skolen", "link": "", "language": "nb", "byline": "name", "tags": "", "note": "Rettet", "image_alt": "",
}  # fmt: skip
SLIPPED = "slipped-in"
CHANGES: tuple[dict[str, str], ...] = (
    {"title": f"Lys og {SLIPPED}"}, {"body": f"Noe helt annet: {SLIPPED}"}, {"link": f"https://{SLIPPED}.example/"}, {"place": SLIPPED},
    {"title": f"Alt {SLIPPED}", "body": SLIPPED, "link": f"https://{SLIPPED}.example/", "place": SLIPPED}, {"image_alt": SLIPPED},
)  # fmt: skip


def _case(database: Database, **about: object) -> Case:
    with database.reading() as session:
        query = select(Case).where(
            *(getattr(Case, name) == value for name, value in about.items()), Case.closed_at.is_(None)
        )  # type: ignore[union-attr]
        return session.scalars(query).one()


def _picture() -> io.BytesIO:
    out = io.BytesIO()
    Image.new("RGB", (50, 40), "red").save(out, "PNG")
    out.seek(0)
    return out


@pytest.mark.one_database
def test_an_edit_after_approval_is_seen_by_nobody_before_a_second_look(
    app: Flask, database: Database, town: Town, browser: Enter, tried: Tried
) -> None:
    """Each field that is looked at again, everywhere the idea is shown; then a case that was read is old."""
    limiter.enabled, cases = False, 0
    author, idea = browser("author"), town.ids["ready"]
    readers = {who: browser(who) for who in ("visitor", "resident", "lead", "foreign_facilitator")}
    pages = (
        f"/ideas/{idea}",
        "/ideas?order=newest",
        "/ideas?q=slipped",
        f"/ideas/{idea}/versions",
        f"/ideas/{idea}/talk",
        "/labs/fjellvik",
        "/",
        "/sitemap-1.xml",
    )
    stamps = []
    for number, change in enumerate(CHANGES):
        sent: dict[str, object] = {**TEXTS, **change, "note": f"Rettet {number}"}
        if "image_alt" in change:
            sent["image"] = (_picture(), "a.png")
        answer = author.post(f"/ideas/{idea}/edit", data=sent)
        assert answer.status_code == 303, (change, answer.status_code)
        stamps.append(_case(database, idea_id=idea).stamp)
        with database.reading() as session:
            newest = session.scalars(
                select(IdeaVersion).where(IdeaVersion.idea_id == idea).order_by(IdeaVersion.number.desc())
            ).first()  # type: ignore[attr-defined]
            assert newest is not None
            assert newest.publication is Publication.PENDING, change
        for who, client in readers.items():
            for page in pages:
                assert SLIPPED not in client.get(page).text.replace(f"q={SLIPPED}", "").replace(
                    f'value="{SLIPPED}"', ""
                ), (who, page, change)
                cases += 1
            assert client.get(f"/ideas/{idea}/versions/{newest.number}").status_code == 404, who
            cases += 1
    assert stamps == sorted(set(stamps))  # each edit makes the case anew, so what was read is old
    case = _case(database, idea_id=idea)
    with database.reading() as session:
        before = session.get_one(Idea, idea).body
    for stamp in (*stamps[:-1], -1, 2**31, ""):
        sent_on = browser("facilitator").post(
            f"/moderation/cases/{case.id}/decide", data={"verdict": "publish", "stamp": stamp}
        )
        with database.reading() as session:
            assert session.get_one(Idea, idea).body == before, (stamp, sent_on.status_code)
        cases += 1
    browser("facilitator").post(
        f"/moderation/cases/{case.id}/decide", data={"verdict": "publish", "stamp": stamps[-1]}
    )
    with database.reading() as session:
        assert session.get_one(Idea, idea).image_alt == SLIPPED  # what was read, and nothing else, stands
    tried(cases + 1)


def test_a_comment_changed_after_approval_waits_again(
    app: Flask, database: Database, town: Town, browser: Enter, tried: Tried
) -> None:
    idea, author = town.ids["queued"], browser("author")
    author.post(
        f"/ideas/{idea}/comment", data={"kind": "question", "body": "Hvem rydder den?", "byline": "name"}
    )
    with database.reading() as session:
        comment = (
            session.scalars(
                select(Comment).where(Comment.idea_id == idea, Comment.body == "Hvem rydder den?")
            )
            .one()
            .id
        )
    case = _case(database, comment_id=comment)
    facilitator = browser("facilitator")
    author.post(f"/comments/{comment}/edit", data={"body": f"Jeg mener {SLIPPED}"})  # between look and click
    facilitator.post(f"/moderation/cases/{case.id}/decide", data={"verdict": "publish", "stamp": case.stamp})
    assert SLIPPED not in browser("visitor").get(f"/ideas/{idea}/talk").text
    case = _case(database, comment_id=comment)
    author.post(f"/comments/{comment}/edit", data={"body": "Hvem rydder den om vinteren?"})
    case = _case(database, comment_id=comment)
    facilitator.post(f"/moderation/cases/{case.id}/decide", data={"verdict": "publish", "stamp": case.stamp})
    assert "Hvem rydder den om vinteren" in browser("visitor").get(f"/ideas/{idea}/talk").text
    assert (
        author.post(f"/comments/{comment}/edit", data={"body": f"Nå {SLIPPED}"}).status_code == 303
    )  # after it
    for who in ("visitor", "resident", "lead"):
        for page in (f"/ideas/{idea}/talk", f"/ideas/{idea}?talk=all"):
            assert SLIPPED not in browser(who).get(page).text, (who, page)
    tried(8)


def test_a_proposal_and_an_answer_are_signed_as_they_were_read(
    app: Flask, database: Database, town: Town, browser: Enter, tried: Tried
) -> None:
    """Edited meanwhile, neither can be signed by whoever read the older text, with any number made up."""
    proposal, answer, cases = town.ids["proposal"], town.ids["answer_waiting"], 0
    reason = f"We looked again, and this is {SLIPPED}, as all can see."
    edited = browser("lead").post(
        f"/proposals/{proposal}/edit", data={"outcome": "rework", "reason": reason, "version": 1}
    )
    assert edited.status_code == 303
    for version in ("1", "0", "-1", "3", "9" * 30, "", "²"):
        browser("facilitator").post(f"/proposals/{proposal}/confirm", data={"version": version})
        with database.reading() as session:
            assert not session.scalars(
                select(GateDecision).where(GateDecision.proposal_id == proposal)
            ).all(), version
        cases += 1
    with database.reading() as session:
        assert session.get_one(Proposal, proposal).version == 2
        seen = session.get_one(Answer, answer).stamp
    words = {
        "title": "Det er plass til en benk",
        "body": f"Vi har målt, og {SLIPPED}.",
        "language": "nb",
        "outcome": "accepted",
        "signer_title": "Engineer",
        "stamp": seen,
    }
    assert browser("member").post(f"/answers/{answer}/edit", data=words).status_code == 303
    for stamp in (seen, -1, seen + 7, "", "²"):
        browser("manager").post(f"/answers/{answer}/publish", data={"stamp": stamp})
        with database.reading() as session:
            assert session.get_one(Answer, answer).published_at is None, stamp
        assert SLIPPED not in browser("visitor").get(f"/ideas/{town.ids['proposed']}").text
        cases += 1
    browser("manager").post(f"/answers/{answer}/publish", data={"stamp": seen + 1})
    with database.reading() as session:
        assert session.get_one(Answer, answer).published_at is not None
    tried(cases + 1)
