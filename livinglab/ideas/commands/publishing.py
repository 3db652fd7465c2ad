"""From a draft to a public idea and back: handing in, publishing, hiding, withdrawing.

Other rooms decide (moderation); these commands do. Each records its event, so callers do not.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from livinglab.core.db import known_id
from livinglab.core.errors import Forbidden, NotFound, Refused, refuse
from livinglab.core.journal import Reader, record
from livinglab.core.viewer import Viewer
from livinglab.ideas.commands.drafts import place_takes_ideas, texts_of
from livinglab.ideas.commands.following import add_follower, credit
from livinglab.ideas.commands.indexing import reindex_idea
from livinglab.ideas.commands.rows import idea_for_change, insert_once
from livinglab.ideas.models import Activity, CreditKind, Idea, IdeaCount, IdeaVersion, Publication
from livinglab.ideas.queries.limits import ideas_sent_within_a_day
from livinglab.ideas.rules import (
    NO_SUCH_IDEA,
    WITHDRAW_BELOW,
    why_not_call_back,
    why_not_see,
    why_not_submit,
    why_not_take_back,
    why_not_texts,
    why_not_withdraw,
)
from livinglab.people.commands import lock_actor

KINDS = {
    Publication.RETURNED: "idea-returned",
    Publication.REJECTED: "idea-rejected",
    Publication.HIDDEN: "idea-hidden",
    Publication.REMOVED: "idea-removed",
    Publication.PUBLISHED: "idea-restored",
}
TOLD_IN_PUBLIC = (Publication.HIDDEN, Publication.REMOVED, Publication.PUBLISHED)


def hand_in(session: Session, *, idea_id: int, person: Viewer, now: datetime) -> Idea:
    """Send in an idea, new or returned: judged whole, counted, written down as version 1, then pending.

    Somebody whose address is not confirmed keeps the draft; ``wants_publishing`` is set, and calling this
    again after the confirmation lets it go on (rule P2b). What happens to a pending idea is decided by
    ``moderation.commands.submit_idea``, which calls this first. Records ``idea-submitted``.

    Raises:
        NotFound: ``no-such-idea``; Forbidden: ``not-the-author``.
        Refused: ``already-sent``, ``challenge-closed`` and those of ``rules.text_problems``;
            TooMany: ``ideas-a-day``.

    Source: rules I1, I2, L3, V8.
    """
    if person.signed_in:
        lock_actor(session, person.known_id)  # one person's ideas queue up: the daily limit sees every row
    idea = idea_for_change(session, idea_id)
    if not person.signed_in or idea.author_id != person.person_id:
        raise NO_SUCH_IDEA if idea.publication != Publication.PUBLISHED else Forbidden("not-the-author", "")
    sent = ideas_sent_within_a_day(session, person.known_id, now, without=idea_id)
    refuse(why_not_submit(idea, person, sent_today=sent, takes_ideas=place_takes_ideas(session, idea, now)))
    refuse(why_not_texts(texts_of(session, idea)))
    again = idea.publication == Publication.RETURNED
    if not again and idea.submitted_at is None:
        idea.submitted_at = now
    if person.trust < 1:
        idea.wants_publishing = True
        session.flush()
        return idea
    idea.wants_publishing = False
    return _let_pend(session, idea, now, again=again)


def _let_pend(session: Session, idea: Idea, now: datetime, *, again: bool) -> Idea:
    """Let an idea wait for a facilitator with its text as it stands, by its author."""
    idea.publication = Publication.PENDING
    _write_version(session, idea, now)
    record(
        session,
        "idea-submitted",
        at=now,
        actor_id=idea.author_id,
        lab_id=idea.lab_id,
        challenge_id=idea.challenge_id,
        idea_id=idea.id,
        data={"again": again},
    )
    return idea


def _write_version(session: Session, idea: Idea, now: datetime) -> None:
    """Write down what was handed in; a text that comes back takes the place of the one returned.

    What everybody could read is never written over (rule I3).
    """
    first = session.get(IdeaVersion, (known_id(idea.id), idea.version)) or IdeaVersion(
        idea_id=known_id(idea.id),
        number=idea.version,
        publication=Publication.PENDING,
        title="",
        written_at=now,
    )
    if first.publication is Publication.PUBLISHED:
        return
    for name, value in texts_of(session, idea).without_choices().items():
        setattr(first, name, value)
    first.publication, first.person_id, first.written_at = Publication.PENDING, idea.author_id, now
    session.add(first)
    session.flush()


def publish_idea(session: Session, *, idea_id: int, by_id: int | None, now: datetime) -> Idea:
    """Make an idea public: row of numbers, author's credit and following, index, ``idea-published``.

    The story tells it as the author's act; ``by_id`` stands in the event's data.

    Args:
        by_id: The facilitator; ``None`` where the lab looks afterwards.

    Raises:
        NotFound: ``no-such-idea``; Refused: ``already-published``, ``not-sent-in``.
    """
    idea = idea_for_change(session, idea_id)
    if idea.publication == Publication.PUBLISHED:
        raise Refused("already-published", "this idea is public already")
    if idea.publication == Publication.DRAFT:
        raise Refused("not-sent-in", "this idea has not been sent in")
    first_time = idea.published_at is None
    idea.publication = Publication.PUBLISHED
    idea.published_at = idea.published_at or now
    idea.stage_since = idea.stage_since or now
    idea.waits_since = idea.waits_since or now
    _open_rows(session, idea, now)
    reindex_idea(session, idea)
    record(
        session,
        "idea-published" if first_time else "idea-restored",
        at=now,
        actor_id=idea.author_id if first_time else by_id,
        lab_id=idea.lab_id,
        challenge_id=idea.challenge_id,
        idea_id=idea.id,
        data={"stage": idea.stage.value, "by_id": by_id},
        readers=(Reader.NOTICES,) if first_time else (Reader.NOTICES, Reader.PIPELINE),
    )
    return idea


def _open_rows(session: Session, idea: Idea, now: datetime) -> None:
    idea_id = known_id(idea.id)
    zeros = {"supports": 0, "staff_supports": 0, "comments": 0, "followers": 0}
    insert_once(session, IdeaCount, {"idea_id": idea_id, **zeros})
    version = session.get(IdeaVersion, (idea_id, idea.version))
    if version is None:
        _write_version(session, idea, now)
        version = session.get_one(IdeaVersion, (idea_id, idea.version))
    version.publication = Publication.PUBLISHED
    session.flush()
    if idea.author_id is not None:
        credit(
            session,
            idea_id=idea_id,
            person_id=idea.author_id,
            kind=CreditKind.AUTHOR,
            byline=idea.byline,
            now=now,
        )
        add_follower(session, idea_id, idea.author_id, now)


def set_publication(
    session: Session,
    *,
    idea_id: int,
    to: Publication,
    by_id: int | None,
    now: datetime,
    data: dict[str, Any] | None = None,
) -> Idea:
    """Return, reject, hide, remove or restore an idea, and record it.

    Records ``idea-returned``, ``idea-rejected`` (both only for the author), ``idea-hidden``,
    ``idea-removed`` or ``idea-restored``. An idea that was never public is published by it, like
    ``publish_idea``. A state it is in already changes nothing.

    Args:
        by_id: Who decided; ``None`` where a check or the number of reports did.
        data: What the statement of reasons cites, such as ``{"rule": "respect", "automatic": False}``.

    Raises:
        NotFound: ``no-such-idea``; Refused: ``not-sent-in``, ``on-record``.
    """
    if to == Publication.PUBLISHED and _never_public(session, idea_id):
        return publish_idea(session, idea_id=idea_id, by_id=by_id, now=now)
    idea = idea_for_change(session, idea_id)
    if idea.publication == Publication.DRAFT or to not in KINDS:
        raise Refused("not-sent-in", "this idea has not been sent in")
    if idea.published_at is not None and to in (Publication.RETURNED, Publication.REJECTED):
        raise Refused("on-record", "what has been public is hidden, never returned")
    if idea.publication == to:
        return idea
    idea.publication = to
    _mark_version(session, idea, to)
    reindex_idea(session, idea)
    record(
        session,
        KINDS[to],
        at=now,
        actor_id=by_id,
        lab_id=idea.lab_id,
        challenge_id=idea.challenge_id,
        idea_id=idea.id,
        public=to in TOLD_IN_PUBLIC and idea.published_at is not None,
        data=data,
        readers=(Reader.NOTICES, Reader.PIPELINE) if to in TOLD_IN_PUBLIC else (Reader.NOTICES,),
    )
    return idea


def put_back(session: Session, *, idea_id: int, now: datetime) -> Idea | None:
    """Let a returned idea wait again as its author has written it since; the caller opens a case.

    Records ``idea-submitted``.

    Returns:
        The idea, or ``None`` where its author is in the middle of it: what is unfinished stays with them.

    Raises:
        NotFound: ``no-such-idea``.
    """
    idea = idea_for_change(session, idea_id)
    if idea.publication != Publication.RETURNED or why_not_texts(texts_of(session, idea)) is not None:
        return None
    return _let_pend(session, idea, now, again=True)


def call_back_idea(session: Session, *, idea_id: int, person: Viewer, now: datetime) -> Idea:
    """Let the author have an idea again that waits for its first look; the caller closes its case.

    It stands as one that was returned: its author goes on writing, sends it in again or leaves it. That it
    was sent in still counts (rule V8). Records ``idea-called-back``.

    Raises:
        NotFound: ``no-such-idea``; Forbidden: ``not-the-author``; Refused: ``not-waiting``.

    Source: rule I1.
    """
    idea = idea_for_change(session, idea_id)
    refuse(why_not_see(idea, person))
    refuse(why_not_call_back(idea, person, was_public=idea.published_at is not None))
    idea.publication = Publication.RETURNED
    _mark_version(session, idea, Publication.RETURNED)
    record(
        session,
        "idea-called-back",
        at=now,
        actor_id=person.person_id,
        lab_id=idea.lab_id,
        challenge_id=idea.challenge_id,
        idea_id=idea.id,
        public=False,
        readers=(),
    )
    return idea


def _never_public(session: Session, idea_id: int) -> bool:
    idea = session.get(Idea, idea_id)
    if idea is None:
        raise NotFound(NO_SUCH_IDEA.code, NO_SUCH_IDEA.reason)
    return idea.published_at is None


def _mark_version(session: Session, idea: Idea, to: Publication) -> None:
    """Let the version say what became of it, while the idea was never public."""
    version = session.get(IdeaVersion, (known_id(idea.id), idea.version))
    if version is not None and idea.published_at is None:
        version.publication = to
        session.flush()


def withdraw_idea(session: Session, *, idea_id: int, person: Viewer, now: datetime) -> Idea:
    """Take one's idea back while fewer than five people stand behind it. Its page says so and stays.

    Records ``idea-withdrawn``, which also the pipeline reads: it closes reviews and handoff (rule H0).

    Raises:
        NotFound: ``no-such-idea``; Forbidden: ``not-the-author``.
        Refused: ``others-support-it``, ``idea-ended``, ``not-published``.

    Source: rules I1, S1.
    """
    idea = idea_for_change(session, idea_id)
    refuse(why_not_withdraw(idea, person, supports=supports_of(session, idea_id)))
    idea.activity, idea.move = Activity.WITHDRAWN, idea.move + 1
    idea.waits_since, idea.due_at, idea.late_since = None, None, None
    idea.next_step, idea.next_who, idea.next_by = "", "", None
    session.flush()
    record(
        session,
        "idea-withdrawn",
        at=now,
        actor_id=person.person_id,
        lab_id=idea.lab_id,
        challenge_id=idea.challenge_id,
        idea_id=idea.id,
        data={"stage": idea.stage.value},
        readers=(Reader.NOTICES, Reader.PIPELINE),
    )
    return idea


def leave_idea(session: Session, *, idea_id: int, person: Viewer, now: datetime) -> Idea:
    """Stop being the author of an idea that others stand behind; idea and credit stay.

    Records ``author-left``.

    Raises:
        NotFound: ``no-such-idea``; Forbidden: ``not-the-author``.
        Refused: ``can-be-withdrawn``, ``idea-ended``, ``not-published``.

    Source: rule I1.
    """
    idea = idea_for_change(session, idea_id)
    refuse(why_not_take_back(idea, person))
    if supports_of(session, idea_id) < WITHDRAW_BELOW:
        raise Refused("can-be-withdrawn", "this idea can still be withdrawn")
    record(
        session,
        "author-left",
        at=now,
        actor_id=person.person_id,
        lab_id=idea.lab_id,
        challenge_id=idea.challenge_id,
        idea_id=idea.id,
    )
    idea.author_left_at = now
    session.flush()
    return idea


def take_back_idea(session: Session, *, idea_id: int, person: Viewer, now: datetime) -> Idea:
    """Withdraw one's idea, or leave it where five people or more stand behind it; the row says which.

    For as long as counts are hidden: the author decides without being told the number (rule V4).

    Raises:
        NotFound: ``no-such-idea``; Forbidden: ``not-the-author``; Refused: ``idea-ended``, ``not-published``.

    Source: rules I1, V4; docs/decisions/0011-taking-back-unseen.
    """
    idea = idea_for_change(session, idea_id)
    refuse(why_not_take_back(idea, person))
    act = leave_idea if supports_of(session, idea_id) >= WITHDRAW_BELOW else withdraw_idea
    return act(session, idea_id=idea_id, person=person, now=now)


def supports_of(session: Session, idea_id: int) -> int:
    """Return how many people stand behind an idea, staff too."""
    numbers = session.get(IdeaCount, idea_id, populate_existing=True)
    return numbers.supports + numbers.staff_supports if numbers else 0
