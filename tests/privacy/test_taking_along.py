"""A person takes all of their data along, and nothing that is somebody else's (rule P6)."""

from __future__ import annotations

import io
import json
import os
import random
import tracemalloc
import zipfile

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlmodel import SQLModel

from livinglab.core.clock import utc_now
from livinglab.core.db import patience, waits_until
from livinglab.core.files import store_image
from livinglab.core.journal import record
from livinglab.ideas.commands import follow_idea
from livinglab.ideas.models import Byline, Comment, CommentKind, Idea, Publication
from livinglab.migrations import models
from livinglab.moderation.commands import report
from livinglab.people.commands import person_row
from livinglab.people.commands.given import new_password
from livinglab.people.models import Person
from livinglab.people.views import taking_along
from livinglab.privacy.queries import own_data
from livinglab.privacy.queries.taking_along import columns_of, is_secret, points_at_a_person
from livinglab.privacy.rules import LEFT_OUT, PARTS
from livinglab.voting.commands import support_idea
from livinglab.web.database import settings

assert models.TABLES_OF, "every table is known"


def _parts(data):
    return {part.name: list(part.rows) for part in data.parts}


def test_every_column_that_points_at_a_person_is_a_way_into_the_file_or_left_out_with_a_reason():
    tables = SQLModel.metadata.tables
    pointing = {(t.name, c.name) for t in tables.values() for c in t.columns if points_at_a_person(c)}
    ways = {(part.table, name) for part in PARTS for name in part.by}
    assert pointing - ways == set(LEFT_OUT)
    assert not ways & set(LEFT_OUT)


def test_no_part_gives_a_secret_and_each_names_columns_that_exist():
    assert len({part.name for part in PARTS}) == len(PARTS)
    for part in PARTS:
        known = set(SQLModel.metadata.tables[part.table].columns.keys())
        assert {*part.by, *part.only, *part.without} <= known, part.name
        assert not [column.name for column in columns_of(part) if is_secret(column)], part.name


def test_what_somebody_wrote_backs_follows_and_reported_is_theirs_and_nobody_elses(session, make, noon):
    lab = make.lab()
    me, other = make.person("Grete Lunde"), make.person("Ola Nes")
    mine, theirs = make.idea(lab, author=me, title="Benker langs elva"), make.idea(lab, author=other)
    make.comment(theirs, author=me, body="Min egen tanke", kind=CommentKind.BUILD_ON)
    make.comment(theirs, author=other, body="En annens tanke")
    viewer = make.viewer(me)
    support_idea(session, idea_id=theirs.id, person=viewer, now=noon)
    follow_idea(session, idea_id=theirs.id, person=viewer, now=noon)
    report(session, idea_id=theirs.id, person=viewer, rule="respect", text="Se på dette", now=noon)
    found = _parts(own_data(session, me.id))
    assert found["account"][0]["email"] == me.email
    assert [row["title"] for row in found["ideas"]] == ["Benker langs elva"]
    assert [row["body"] for row in found["comments"]] == ["Min egen tanke"]
    assert [row["idea_id"] for row in found["supports"]] == [theirs.id]
    assert theirs.id in [row["idea_id"] for row in found["follows"]]
    assert [(row["text"], row["person_id"]) for row in found["reports"]] == [("Se på dette", "you")]
    assert "report-made" in [row["kind"] for row in found["journal"]]
    assert mine.id in [row["id"] for row in found["ideas"]]
    others = json.dumps(_parts(own_data(session, other.id)))
    for private in ("Se på dette", "Min egen tanke", me.email):
        assert private not in others


def test_whoever_only_acted_on_something_gets_the_act_and_not_the_others_words(session, make, noon):
    lab = make.lab()
    ida, author = make.facilitator(lab), make.person()
    idea = make.idea(lab, author=author, lead_id=ida.id, body="Forfatterens egne ord")
    problem = make.comment(idea, author=author, kind=CommentKind.PROBLEM, body="Noe om naboen")
    problem.resolved_by, problem.resolved_at, problem.resolution = ida.id, noon, "Løst i mai"
    session.flush()
    found = own_data(session, ida.id)
    parts = _parts(found)
    assert [row["resolution"] for row in parts["comments_answered"]] == ["Løst i mai"]
    assert [row["title"] for row in parts["ideas_led"]] == [idea.title]
    told = json.dumps(parts)
    assert "Forfatterens egne ord" not in told
    assert "Noe om naboen" not in told


def test_who_may_decide_an_appeal_is_not_told_by_the_journal_of_whoever_made_it(session, make, noon):
    lab, me = make.lab(), make.person("Grete Lunde")
    told = {"needs_admin": False, "decider_ids": [make.facilitator(lab).id]}
    record(session, "appeal-made", at=noon, actor_id=me.id, lab_id=lab.id, public=False, data=told)
    (row,) = _parts(own_data(session, me.id))["journal"]
    assert row["data"] == {"needs_admin": False}


def test_the_title_of_what_was_hidden_since_is_not_told(session, make, noon):
    idea, me = make.idea(title="Noe som ble skjult"), make.person()
    support_idea(session, idea_id=idea.id, person=make.viewer(me), now=noon)
    assert dict(own_data(session, me.id).ideas()) == {idea.id: "Noe som ble skjult"}
    session.get_one(Idea, idea.id).publication = Publication.HIDDEN
    session.flush()
    found = own_data(session, me.id)
    assert (dict(found.ideas()), len(_parts(found)["supports"])) == ({}, 1)


@pytest.fixture
def with_password(database, make):
    person = make.person("Grete Lunde", language="en")
    with database.writing() as session:
        row = person_row(session, person.id)
        row.password_hash = new_password("langs-elva-2026", email=row.email, name=row.name, site="x").hash
    return person


def test_the_file_is_for_whoever_knows_the_password_and_holds_a_page_the_data_and_the_pictures(
    app, database, client: FlaskClient, make, sign_in, with_password
):
    make.idea(make.lab(), author=with_password, title="Benker <b>langs</b> elva")
    with app.app_context(), database.writing() as session:
        folder = settings().instance / "uploads"
        store_image(session, folder, _picture(), person_id=with_password.id, now=utc_now())
    for file in folder.rglob("*.webp"):
        os.utime(file, (0, 0))  # as some copies put it back
    assert client.get("/settings/data").status_code == 303
    sign_in(client, with_password)
    page = client.get("/settings/data?lang=en")
    assert 'href="/settings/data' in client.get("/settings?lang=en").text
    assert (page.status_code, "Download my data" in page.text) == (200, True)
    refused = client.post("/settings/data?lang=en", data={"current": "something else"})
    assert (refused.status_code, "This is not your present password." in refused.text) == (409, True)
    answer = client.post("/settings/data?lang=en", data={"current": "langs-elva-2026"})
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["Cache-Control"] == "no-store"
    content = answer.data
    answer.close()
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        names = packed.namelist()
        data = json.loads(packed.read("my-data.json"))
        words = packed.read("my-data.html").decode()
        assert packed.read(names[-1]).startswith(b"RIFF")
    assert names[:2] == ["my-data.html", "my-data.json"]
    assert names[2].startswith("pictures/")
    assert data["parts"]["ideas"][0]["title"] == "Benker <b>langs</b> elva"
    assert '<h2 id="ideas">Your ideas</h2>' in words
    assert data["made_at"][:16] in words, "times are in UTC, as it says"
    assert "Benker &lt;b&gt;langs&lt;/b&gt; elva" in words
    with database.reading() as session:
        row = session.get_one(Person, with_password.id)
    for secret in (row.password_hash, row.mail_key):
        assert secret not in json.dumps(data)


def test_however_much_somebody_wrote_little_of_it_is_in_memory_at_once(
    app, database, client: FlaskClient, make, sign_in, with_password, monkeypatch
):
    monkeypatch.setattr(taking_along, "IN_MEMORY", 100_000)
    monkeypatch.setattr("livinglab.privacy.queries.taking_along.BATCH", 20)
    idea, number, length = make.idea(make.lab(), title="Benker langs elva"), 1500, 2000
    words = random.Random(7).choices("abcdefghijklmnopqrstuvwxyzæøå ", k=length + number)
    said = {
        "idea_id": idea.id, "author_id": with_password.id, "byline": Byline.NAME, "kind": CommentKind.CONCERN,
        "language": "nb", "publication": Publication.PUBLISHED, "created_at": utc_now(), "as_staff": False,
        "resolution": "",
    }  # fmt: skip
    with database.writing() as session:
        bodies = ("".join(words[n : n + length]) for n in range(number))
        session.execute(sa.insert(Comment), [said | {"body": body} for body in bodies])
    sign_in(client, with_password)
    client.get("/settings/data?lang=en")
    tracemalloc.start()
    answer = client.post("/settings/data?lang=en", data={"current": "langs-elva-2026"}, buffered=False)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    with zipfile.ZipFile(io.BytesIO(answer.data)) as packed:
        data, page = json.loads(packed.read("my-data.json")), packed.read("my-data.html").decode()
    answer.close()
    assert [row["body"][-1] for row in data["parts"]["comments"]] == words[length - 1 : -1]
    assert data["ideas"] == {str(idea.id): "Benker langs elva"}
    assert page.count("Benker langs elva</a>") == number
    assert most < number * length, f"{most:,} bytes"


def test_however_long_the_file_takes_each_step_may_wait_as_long_as_the_first(
    session, make, noon, monkeypatch
):
    """A page waits eight seconds in all; years of somebody's words take longer to be written down."""
    clock, left = [0.0], []
    for module in ("core.db", "privacy.queries.taking_along"):
        monkeypatch.setattr(f"livinglab.{module}.monotonic", lambda: clock[0])
    monkeypatch.setattr("livinglab.privacy.queries.taking_along.BATCH", 2)
    me = make.person()
    for idea in [make.idea() for _ in range(5)]:
        follow_idea(session, idea_id=idea.id, person=make.viewer(me), now=noon)
    session.flush()

    def note(*_told):
        left.append(waits_until() - clock[0])

    sa.event.listen(session.get_bind(), "before_cursor_execute", note)
    with patience(8):
        found = own_data(session, me.id)
        for part in found.parts:
            for _ in part.batches():
                clock[0] += 5
        assert len(dict(found.ideas())) == 5
    sa.event.remove(session.get_bind(), "before_cursor_execute", note)
    assert clock[0] > 8
    assert set(left) == {8}


def _picture() -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(out, "PNG")
    return out.getvalue()
