"""A long conversation is read to its end, page by page, and each comment has an address that shows it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from livinglab.core.db import Database, known_id
from livinglab.core.errors import NotFound
from livinglab.core.viewer import VISITOR
from livinglab.ideas.models import Comment, CommentKind, Idea, Publication
from livinglab.ideas.queries.conversation import PAGE, conversation, spot_of
from livinglab.ideas.queries.thread import MOST, About
from tests.make import NOON, Make

SignIn = Callable[[FlaskClient, object], FlaskClient]


def fill(session: Session, idea: Idea, author_id: int, count: int, parent_id: int | None = None) -> None:
    row = {
        "idea_id": idea.id, "author_id": author_id, "parent_id": parent_id, "kind": CommentKind.CONCERN, "body": "Nei.",
        "language": "nb", "publication": Publication.PUBLISHED, "created_at": NOON, "as_staff": False,
        "resolution": "", "byline": "name",
    }  # fmt: skip
    session.execute(sa.insert(Comment), [row] * count)
    session.flush()


def walk(session: Session, idea: Idea, make: Make) -> list[tuple[int, tuple[int, ...]]]:
    """Read every page; each costs the same few statements."""
    about, after, seen = About(known_id(idea.id), idea.lab_id, idea.author_id, None), None, []
    viewer = make.viewer()
    asked: list[str] = []
    sa.event.listen(session.get_bind(), "before_cursor_execute", lambda *a: asked.append(a[2]))
    while True:
        asked.clear()
        page = conversation(session, about, viewer, NOON, after=after)
        assert len(asked) <= 2
        assert sum(1 + len(one.replies) for one in page.threads) <= PAGE + 1
        seen += [(one.id, tuple(reply.id for reply in one.replies)) for one in page.threads]
        after = page.after
        if after is None:
            return seen


def test_every_comment_of_a_long_conversation_is_shown_once_and_in_its_thread(
    session: Session, make: Make
) -> None:
    idea, author = make.idea(), make.person()
    fill(session, idea, known_id(author.id), 150)
    top = make.comment(idea, author=author)
    fill(session, idea, known_id(author.id), PAGE + 60, parent_id=top.id)
    hidden = make.comment(idea, author=author, publication=Publication.PENDING)
    deleted = make.comment(idea, author=author, deleted_at=NOON, body="")
    last = make.comment(idea, author=author)
    seen = walk(session, idea, make)
    replies = [reply for one, more in seen for reply in more if one == top.id]
    assert len(replies) == len(set(replies)) == PAGE + 60
    tops = [one for one, _ in seen]
    assert len(set(tops)) == 152
    assert set(tops).isdisjoint({hidden.id, deleted.id})
    assert tops[-1] == last.id
    assert tops == sorted(tops)


def test_a_comment_is_found_on_the_page_where_it_stands(
    client: FlaskClient, make: Make, database: Database
) -> None:
    idea = make.idea()
    first = make.comment(idea, body="Den aller første.")
    with database.writing() as session:
        fill(session, idea, known_id(first.author_id), MOST)
    late = make.comment(idea, body="Den aller siste.", kind=CommentKind.PROBLEM)
    for said, part in ((first, "talk=all"), (late, "/talk?")):
        found = client.get(f"/comments/{said.id}")
        address = found.headers["Location"]
        assert (found.status_code, part in address) == (302, True), address
        assert address.endswith(f"#comment-{said.id}")
        page = client.get(address).text
        assert f'id="comment-{said.id}"' in page
        assert said.body in page
    whole = client.get(f"/ideas/{idea.id}?lang=en").text
    assert "Read the whole conversation" in whole
    assert "at least 999" in whole, "the columns count the first thousand, and say so"
    assert "1 problem found waits for an answer." in whole, "also one behind the first thousand"
    begins = client.get(f"/ideas/{idea.id}/talk?lang=en").text
    onward = re.search(r'href="([^"]+after=[^"]+)"[^>]*>Show more', begins)
    assert onward is not None
    assert "From the beginning" in client.get(onward[1].replace("&amp;", "&")).text


@pytest.mark.parametrize("how", [Publication.HIDDEN, Publication.REMOVED, Publication.DRAFT])
def test_a_comment_of_an_idea_that_is_not_public_is_not_found(
    session: Session, make: Make, how: Publication
) -> None:
    said = make.comment(make.idea(publication=how))
    with pytest.raises(NotFound):
        spot_of(session, known_id(said.id), VISITOR)
    draft = make.comment(make.idea(), publication=Publication.DRAFT)
    with pytest.raises(NotFound):
        spot_of(session, known_id(draft.id), VISITOR)
