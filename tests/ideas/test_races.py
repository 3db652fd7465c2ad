"""The same form many times at once: one idea, and everybody who pressed the button arrives."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import func, select

from livinglab.core.clock import utc_now
from livinglab.core.journal import Event
from livinglab.ideas.models import Idea, Publication
from livinglab.people.commands import open_device

TIMES = 20
TYPED = {
    "title": "A bench by the river",
    "summary": "Somewhere to rest.",
    "body": "My mother cannot walk all the way.",
    "language": "en",
    "byline": "name",
    "action": "send",
}


@pytest.mark.parametrize("begun", [False, True], ids=["a new form", "a draft"])
def test_one_form_sent_twenty_times_at_once_is_one_idea(app, database, make, begun):
    lab, person = make.lab(settings={"moderation": "before"}), make.resident()
    with database.writing() as session:
        token = open_device(session, person_id=person.id, now=utc_now())
    signer = app.session_interface.get_signing_serializer(app)
    cookie = {"Cookie": f"livinglab={signer.dumps({'_user_id': token, '_fresh': True})}"}
    address = f"/ideas/write?lab={lab.slug}"
    form = app.test_client(use_cookies=False).get(address, headers=cookie).text
    once = re.search(r'name="once"[^>]*value="([^"]+)"', form)[1]
    sent = TYPED | {"once": once}
    if begun:
        kept = app.test_client(use_cookies=False).post(
            address, data=sent | {"action": "keep"}, headers=cookie
        )
        sent |= {"idea": str(kept.json["id"])}
    start = threading.Barrier(TIMES, timeout=60)

    def press():
        start.wait()
        return app.test_client(use_cookies=False).post(address, data=sent, headers=cookie)

    with ThreadPoolExecutor(TIMES) as pool:
        answers = [future.result() for future in [pool.submit(press) for _ in range(TIMES)]]
    with database.reading() as session:
        (idea,) = session.scalars(select(Idea)).all()
        told = session.scalar(select(func.count()).select_from(Event).where(Event.kind == "idea-submitted"))
    assert (idea.publication, told) == (Publication.PENDING, 1)
    assert {(one.status_code, one.headers.get("Location")) for one in answers} == {
        (303, f"/ideas/{idea.id}/sent")
    }


def test_two_forms_are_two_ideas_and_what_a_form_carried_opens_nothing_for_others(app, client, make, sign_in):
    lab, person, other = make.lab(settings={"moderation": "before"}), make.resident(), make.resident()
    address = f"/ideas/write?lab={lab.slug}"
    for who, once in ((person, "one"), (person, "two"), (other, "one")):
        assert sign_in(client, who).post(address, data=TYPED | {"once": once}).status_code == 303
    with app.extensions["livinglab.database"].reading() as session:
        authors = session.scalars(select(Idea.author_id).order_by(Idea.id)).all()
    assert authors == [person.id, person.id, other.id]
