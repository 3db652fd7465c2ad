"""Erasing an account: what goes, what stays, in one order of locks (rule P6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import known_id
from livinglab.core.files import StoredFile
from livinglab.core.journal import Event, Reader, record
from livinglab.core.mail import OutboxMail, queue_mail
from livinglab.core.tokens import new_token
from livinglab.core.viewer import Viewer
from livinglab.ideas.commands import (
    delete_comment,
    reindex_idea,
    set_publication,
    unfollow_idea,
)
from livinglab.ideas.commands.rows import lock_rows
from livinglab.ideas.models import Comment, Follow, Idea, IdeaTag, IdeaVersion, Publication, Stage
from livinglab.labs.models import Invitation, ReceivingUnit, UnitMember
from livinglab.moderation.models import Case, Report
from livinglab.people.commands import end_devices, person_row, void_links
from livinglab.people.models import OneTimeLink, Person, RoleGrant
from livinglab.voting.commands import withdraw_support
from livinglab.voting.models import Support, SupportGiven
from livinglab.voting.rules import OPEN_ACTIVITIES, OPEN_STAGES

EVER_PUBLIC = (Publication.PUBLISHED, Publication.HIDDEN, Publication.REMOVED)


class Published(StrEnum):
    """What becomes of published texts when an account is erased; the person chooses (rule P6)."""

    KEEP = "keep"
    BLANK = "blank"


@dataclass(frozen=True, slots=True)
class Erased:
    """What is still to be done after the commit.

    Args:
        pictures: Keys of pictures whose files are no longer needed.
    """

    pictures: tuple[str, ...]


def erase_person(session: Session, *, person_id: int, published: Published, now: datetime) -> Erased:
    """Erase an account: name, address, sign-in, drafts, follows; supports on open ideas are withdrawn.

    The row stays, blank, so that what is kept reads "former participant". Records ``account-erased``.

    Raises:
        NotFound: ``no-such-person``.

    Source: rule P6.
    """
    person = person_row(session, person_id)
    me = Viewer(person_id=person_id, trust=person.trust)
    sign_off(session, person, now)
    _lock_all(session, person_id)
    _say_goodbye(session, person, published, now)
    _withdraw_supports(session, me)
    _end_follows(session, me)
    pictures = _erase_ideas(session, me, published, now)
    _erase_comments(session, me, published, now)
    _leave_seats(session, person_id)
    pictures += _blank_row(session, person, now)
    record(
        session,
        "account-erased",
        at=now,
        actor_id=person_id,
        subject_id=person_id,
        public=False,
        data={"published": published.value},
        readers=(Reader.NOTICES, Reader.PIPELINE),
    )
    return Erased(tuple(pictures))


def _lock_all(session: Session, person_id: int) -> None:
    """Lock each idea the person wrote in, backs or follows, and its numbers, before the first is changed."""
    said = session.execute(
        sa.select(col(Comment.id), col(Comment.idea_id)).where(col(Comment.author_id) == person_id)
    ).all()
    touched = {known_id(idea_id) for _, idea_id in said}
    for found in (
        sa.select(col(Idea.id)).where(col(Idea.author_id) == person_id),
        sa.select(col(Support.idea_id)).where(col(Support.person_id) == person_id),
        sa.select(col(Follow.idea_id)).where(col(Follow.person_id) == person_id),
    ):
        touched |= {known_id(idea_id) for idea_id in session.scalars(found)}
    lock_rows(session, ideas=touched, comments=[known_id(row[0]) for row in said], counts=touched)


def _say_goodbye(session: Session, person: Person, published: Published, now: datetime) -> None:
    """Wipe what waits in the outbox and what was sent, then queue one last mail without a person."""
    person_id = known_id(person.id)
    mails = col(OutboxMail.person_id) == person_id
    session.execute(sa.delete(OutboxMail).where(mails, col(OutboxMail.sent_at).is_(None)))
    session.execute(sa.update(OutboxMail).where(mails).values(address="", data={}))
    if person.email:
        data = {"kept": published is Published.KEEP}
        queue_mail(
            session, "account-deleted", address=person.email, language=person.language, now=now, data=data
        )


def _withdraw_supports(session: Session, me: Viewer) -> None:
    open_ideas = session.scalars(
        select(Support.idea_id)
        .join(Idea, col(Idea.id) == col(Support.idea_id))
        .where(
            Support.person_id == me.known_id,
            col(Idea.stage).in_(OPEN_STAGES),
            col(Idea.activity).in_(OPEN_ACTIVITIES),
        )
        .order_by(col(Support.idea_id))
    ).all()
    for idea_id in open_ideas:
        withdraw_support(session, idea_id=idea_id, person=me)
    session.execute(sa.delete(SupportGiven).where(col(SupportGiven.person_id) == me.known_id))


def _end_follows(session: Session, me: Viewer) -> None:
    for idea_id in session.scalars(select(Follow.idea_id).where(Follow.person_id == me.known_id)).all():
        unfollow_idea(session, idea_id=idea_id, person=me)


def _erase_ideas(session: Session, me: Viewer, published: Published, now: datetime) -> list[str]:
    """Let drafts go; keep or blank what was public. Return the pictures that went with them."""
    pictures: list[str] = []
    for idea in session.scalars(
        select(Idea).where(Idea.author_id == me.known_id).order_by(col(Idea.id))
    ).all():
        if idea.published_at is None:
            pictures += _drop_idea(session, idea, now)
            continue
        _drop_unpublished_versions(session, known_id(idea.id), now)
        if published is Published.BLANK:
            pictures += _blank_idea(session, idea, me, now)
    return pictures


def _drop_unpublished_versions(session: Session, idea_id: int, now: datetime) -> None:
    """Delete edits that were never public, and take them off the moderators' queue; reports stay there.

    Their pictures go at night, with all that belong to nothing.
    """
    session.execute(
        sa.delete(IdeaVersion).where(
            col(IdeaVersion.idea_id) == idea_id, col(IdeaVersion.publication) != Publication.PUBLISHED
        )
    )
    of_edit = (col(Case.idea_id) == idea_id, col(Case.version).is_not(None), col(Case.closed_at).is_(None))
    reported = sa.select(col(Report.id)).where(col(Report.case_id) == col(Case.id)).exists()
    newer = col(Case.stamp) + 1
    session.execute(sa.update(Case).where(*of_edit, sa.not_(reported)).values(closed_at=now, stamp=newer))
    session.execute(sa.update(Case).where(*of_edit, reported).values(version=None, stamp=newer))


def _drop_idea(session: Session, idea: Idea, now: datetime) -> list[str]:
    """Delete what was never public; where the journal knows of it, its row stays, empty."""
    idea_id = known_id(idea.id)
    session.execute(
        sa.update(Case)
        .where(col(Case.idea_id) == idea_id, col(Case.closed_at).is_(None))
        .values(closed_at=now, stamp=col(Case.stamp) + 1)
    )
    pictures = _empty(session, idea, title=True)
    if session.scalar(select(Event.id).where(Event.idea_id == idea_id).limit(1)) is None:
        session.delete(idea)
    else:
        idea.publication, idea.wants_publishing = Publication.REMOVED, False
    session.flush()
    return pictures


def _blank_idea(session: Session, idea: Idea, me: Viewer, now: datetime) -> list[str]:
    """Take the words back. Where a gate has been passed title and story stay; elsewhere the page goes."""
    if idea.stage is Stage.IDEA and idea.publication is not Publication.REMOVED:
        set_publication(
            session,
            idea_id=known_id(idea.id),
            to=Publication.REMOVED,
            by_id=me.person_id,
            now=now,
            data={"rule": "author-erased", "automatic": False},
        )
    pictures = _empty(session, idea, title=idea.stage is Stage.IDEA)
    reindex_idea(session, idea)
    return pictures


def _empty(session: Session, idea: Idea, *, title: bool) -> list[str]:
    """Empty the texts of an idea and of all its versions, and take its pictures away."""
    words = {
        "summary": "",
        "body": "",
        "gains": "",
        "place": "",
        "link": "",
        "image_alt": "",
        "image_id": None,
    }
    if title:
        words["title"] = ""
    versions = session.scalars(select(IdeaVersion).where(IdeaVersion.idea_id == idea.id)).all()
    rows: list[Idea | IdeaVersion] = [idea, *versions]
    image_ids = {row.image_id for row in rows if row.image_id is not None}
    for row in rows:
        for name, value in words.items():
            setattr(row, name, value)
    for version in versions:
        version.note = ""
    session.execute(sa.delete(IdeaTag).where(col(IdeaTag.idea_id) == idea.id))
    session.flush()
    return _drop_files(session, image_ids)


def _drop_files(session: Session, ids: set[int]) -> list[str]:
    if not ids:
        return []
    gone = sa.delete(StoredFile).where(col(StoredFile.id).in_(ids)).returning(col(StoredFile.key))
    return list(session.scalars(gone))


def _erase_comments(session: Session, me: Viewer, published: Published, now: datetime) -> None:
    """Let unpublished comments go, and public ones where the person wants them blank."""
    mine = select(Comment).where(Comment.author_id == me.known_id, col(Comment.deleted_at).is_(None))
    for comment in session.scalars(mine.order_by(col(Comment.id))).all():
        if comment.publication is Publication.PUBLISHED:
            if published is Published.BLANK:
                delete_comment(session, comment_id=known_id(comment.id), person=me, now=now)
        elif published is Published.BLANK or comment.publication not in EVER_PUBLIC:
            comment.body, comment.deleted_at = "", now
            session.execute(
                sa.update(Case)
                .where(col(Case.comment_id) == comment.id, col(Case.closed_at).is_(None))
                .values(closed_at=now, stamp=col(Case.stamp) + 1)
            )
    session.flush()


def sign_off(session: Session, person: Person, now: datetime) -> None:
    """End devices, links, roles and memberships, and take the address out of invitations."""
    person_id = known_id(person.id)
    _forget_traces(session, person, now)
    session.execute(
        sa.update(RoleGrant)
        .where(col(RoleGrant.person_id) == person_id, col(RoleGrant.ended_at).is_(None))
        .values(ended_at=now, ended_by=person_id)
    )
    session.execute(sa.delete(UnitMember).where(col(UnitMember.person_id) == person_id))


def _leave_seats(session: Session, person_id: int) -> None:
    """Be owner or deputy of no unit: nobody is to be reminded of a duty who is no longer there."""
    for seat in (ReceivingUnit.owner_id, ReceivingUnit.deputy_id):
        session.execute(sa.update(ReceivingUnit).where(col(seat) == person_id).values({col(seat): None}))


def _forget_traces(session: Session, person: Person, now: datetime) -> None:
    """Delete devices and links, take the address out of invitations; the journal forgets notices."""
    person_id = known_id(person.id)
    end_devices(session, person_id)
    void_links(session, person_id, now=now)
    session.execute(sa.delete(OneTimeLink).where(col(OneTimeLink.person_id) == person_id))
    addresses = [address for address in (person.email, person.claimed_email) if address]
    session.execute(
        sa.update(Invitation)
        .where(sa.or_(col(Invitation.email).in_(addresses), col(Invitation.accepted_by) == person_id))
        .values(email="")
    )


def _blank_row(session: Session, person: Person, now: datetime) -> list[str]:
    photo_id, person.photo_id = person.photo_id, None
    person.email = person.claimed_email = person.pseudonym = person.password_hash = None
    person.email_confirmed_at = person.age_confirmed_at = None
    person.name = person.title = person.bio = ""
    person.demo_line = {}
    person.trust, person.is_admin, person.digest, person.is_demo = 0, False, False, False
    person.mail_key = new_token()[:24]  # links in old mails lead nowhere
    person.erased_at = now
    session.add(person)
    session.flush()
    return _drop_files(session, {photo_id} if photo_id else set())
