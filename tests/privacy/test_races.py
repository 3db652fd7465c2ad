"""Leaving while others act: two who erase their accounts, and everybody who meets them on the way."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, func, select

from livinglab.core.db import Database, known_id
from livinglab.ideas.commands import follow_idea, set_publication, unfollow_idea, write_comment
from livinglab.ideas.models import Byline, Comment, CommentKind, Follow, Idea, IdeaCount, Publication
from livinglab.moderation.commands import submit_comment, submit_idea
from livinglab.people.models import Person
from livinglab.privacy.commands import Published, erase_person
from livinglab.voting.commands import support_idea, withdraw_support
from livinglab.voting.models import Support
from tests.make import Make
from tests.races import ROUNDS, meet

REFUSED = {
    "done", "no-such-idea", "account-closed", "support-closed", "not-published", "sign-in-first",
    "already-sent", "not-the-author",
}  # fmt: skip


def recounted(database: Database, idea_id: int) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return (counted, recounted): supports, public comments, followers."""
    with database.reading() as session:
        kept = session.get_one(IdeaCount, idea_id)
        supports = session.scalar(
            select(func.count()).select_from(Support).where(Support.idea_id == idea_id, col(Support.counts))
        )
        comments = session.scalar(
            select(func.count())
            .select_from(Comment)
            .where(
                Comment.idea_id == idea_id,
                Comment.publication == Publication.PUBLISHED,
                col(Comment.deleted_at).is_(None),
            )
        )
        followers = session.scalar(
            select(func.count())
            .select_from(Follow)
            .where(Follow.idea_id == idea_id, col(Follow.muted).is_(False))
        )
    return (
        (kept.supports, kept.comments, kept.followers),
        (supports or 0, comments or 0, followers or 0),
    )


def test_two_who_leave_and_those_who_act_on_their_ideas_never_wait_in_a_circle(
    database: Database, make: Make, noon: datetime
) -> None:
    lab = make.lab(settings={"moderation": "after"})
    staff = make.viewer(make.facilitator(lab))
    for _round in range(ROUNDS):
        one, two, third = make.person(), make.person(), make.person()
        ada, bo, eva = make.viewer(one), make.viewer(two), make.viewer(third)
        ideas = [known_id(make.idea(lab, author=author).id) for author in (one, two, one, two)]
        unsent = make.idea(lab, author=one, publication=Publication.DRAFT, published_at=None)
        draft = known_id(unsent.id)
        with database.writing() as session:
            for person in (ada, bo):
                for idea_id in ideas:
                    support_idea(session, idea_id=idea_id, person=person, now=noon)
                    follow_idea(session, idea_id=idea_id, person=person, now=noon)

        def say(session, me=ada, idea_id=ideas[1]):
            comment = write_comment(
                session, idea_id=idea_id, person=me, kind=CommentKind.QUESTION, body="And then?",
                language="nb", now=noon, byline=Byline.NAME,
            )  # fmt: skip
            submit_comment(session, comment_id=known_id(comment.id), person=me, now=noon)

        ends = meet(
            database,
            {
                "one leaves": lambda s, p=one: erase_person(
                    s, person_id=known_id(p.id), published=Published.BLANK, now=noon
                ),
                "two leaves": lambda s, p=two: erase_person(
                    s, person_id=known_id(p.id), published=Published.KEEP, now=noon
                ),
                "hide": lambda s, i=ideas[0]: set_publication(
                    s, idea_id=i, to=Publication.HIDDEN, by_id=staff.person_id, now=noon
                ),
                "support": lambda s, i=ideas[2], me=eva: support_idea(s, idea_id=i, person=me, now=noon),
                "follow": lambda s, i=ideas[3], me=ada: follow_idea(s, idea_id=i, person=me, now=noon),
                "unfollow": lambda s, i=ideas[1], me=ada: unfollow_idea(s, idea_id=i, person=me),
                "withdraw": lambda s, i=ideas[1], me=ada: withdraw_support(s, idea_id=i, person=me),
                "say": say,
                "send": lambda s, i=draft, me=ada: submit_idea(s, idea_id=i, person=me, now=noon),
            },
        )
        assert set(ends.values()) <= REFUSED, ends
        assert (ends["one leaves"], ends["two leaves"]) == ("done", "done")
        for idea_id in ideas:
            counted, again = recounted(database, idea_id)
            assert counted == again
        with database.reading() as session:
            left = session.scalars(
                select(Support.person_id).where(col(Support.person_id).in_([one.id, two.id]))
            ).all()
            names = session.execute(
                sa.select(col(Person.name), col(Person.email)).where(col(Person.id).in_([one.id, two.id]))
            ).all()
            kept = session.scalar(select(Idea.publication).where(Idea.id == ideas[1]))
            follows = session.scalars(
                select(Follow.person_id).where(col(Follow.person_id).in_([one.id, two.id]))
            ).all()
        assert (left, follows) == ([], [])
        assert {tuple(row) for row in names} == {("", None)}
        assert kept is Publication.PUBLISHED
