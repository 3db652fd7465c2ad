"""Who may see an idea, write it, send it in, change it, take it back, follow it (rules I1, I3)."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from flask_babel import lazy_gettext as _l

from livinglab.core.errors import Forbidden, NotFound, Refused, TooMany
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import (
    Activity,
    Publication,
)

DRAFT_DAYS = 90
IDEAS_A_DAY = 3
WITHDRAW_BELOW = 5
ENDED = (Activity.MERGED, Activity.WITHDRAWN, Activity.ARCHIVED)
OUT_OF_LISTS = (Activity.MERGED, Activity.WITHDRAWN, Activity.ARCHIVED)
"""Left out of lists unless they are asked for; their pages stay."""

NO_SUCH_IDEA = NotFound("no-such-idea", _l("There is no idea at this address, or it is not public."))
CHALLENGE_CLOSED = Refused(
    "challenge-closed",
    _l("This challenge does not take ideas any more. Choose the idea box or another challenge."),
    field="challenge",
)


class Shown(Protocol):
    """What visibility asks of an idea; a row and a page's dataclass both fit."""

    @property
    def lab_id(self) -> int: ...
    @property
    def author_id(self) -> int | None: ...
    @property
    def publication(self) -> Publication: ...


class Standing(Shown, Protocol):
    """What the rules on taking part ask of an idea besides."""

    @property
    def activity(self) -> Activity: ...
    @property
    def author_left_at(self) -> datetime | None: ...


def why_not_see(idea: Shown, viewer: Viewer) -> Refused | None:
    """Say why this person may not see the idea. The same as the condition of ``queries.visible_to``."""
    own = viewer.signed_in and idea.author_id == viewer.person_id
    watched = idea.publication != Publication.DRAFT and viewer.moderates(idea.lab_id)
    if idea.publication == Publication.PUBLISHED or own or watched:
        return None
    return NO_SUCH_IDEA


def is_own_draft(idea: Shown, viewer: Viewer, *, row_hash: str | None, token_hash: str | None) -> bool:
    """Say whether the unfinished text belongs to this person, or to the browser that holds the token."""
    if idea.author_id is not None:
        return viewer.signed_in and idea.author_id == viewer.person_id
    return row_hash is not None and row_hash == token_hash


def why_not_save_draft(publication: Publication, *, was_public: bool = False) -> Refused | None:
    """Say why a text is no longer a draft: it was sent in, or everybody could read it once (rule I3)."""
    if publication in (Publication.DRAFT, Publication.RETURNED) and not was_public:
        return None
    return Refused("not-a-draft", _l("This idea has been sent in. It can no longer be changed as a draft."))


def why_not_submit(idea: Shown, viewer: Viewer, *, sent_today: int, takes_ideas: bool) -> Refused | None:
    """Say why an idea may not be sent in now.

    Args:
        sent_today: Ideas the person has sent in during the last 24 hours, withdrawn ones too (rule V8).
        takes_ideas: Whether its challenge is open; the idea box always is (rule L3).
    """
    if not viewer.signed_in or idea.author_id != viewer.person_id:
        return Forbidden("not-the-author", _l("Only its author can send in an idea."))
    if idea.publication not in (Publication.DRAFT, Publication.RETURNED):
        return Refused("already-sent", _l("This idea has already been sent in."))
    if not takes_ideas:
        return CHALLENGE_CLOSED
    if idea.publication == Publication.DRAFT and sent_today >= IDEAS_A_DAY:
        reason = _l(
            "You have sent in %(most)s ideas within a day. This one is kept as a draft: send it tomorrow.",
            most=IDEAS_A_DAY,
        )
        return TooMany("ideas-a-day", reason)
    return None


def why_not_edit(idea: Standing, viewer: Viewer) -> Refused | None:
    """Say why this person may not write a new version. A hidden idea may get one: its author's way back.

    Source: rule I3, DOMAIN section 3; docs/decisions/0012-what-was-public-is-not-returned.md.
    """
    if not viewer.signed_in or idea.author_id != viewer.person_id:
        return Forbidden("not-the-author", _l("Only its author can change an idea."))
    if idea.author_left_at is not None:
        return Forbidden("author-left", _l("You have left this idea, so you can no longer change it."))
    if idea.publication not in (Publication.PUBLISHED, Publication.HIDDEN):
        return Refused("not-published", _l("This idea is not public now, so it cannot get a new version."))
    if idea.activity in ENDED:
        return Refused("idea-ended", _l("This idea is closed and can no longer be changed."))
    return None


def why_not_call_back(idea: Shown, viewer: Viewer, *, was_public: bool) -> Refused | None:
    """Say why the author may not take back what waits for its first look, to change or to keep it (I1)."""
    if not viewer.signed_in or idea.author_id != viewer.person_id:
        return Forbidden("not-the-author", _l("Only its author can change an idea."))
    if idea.publication != Publication.PENDING or was_public:
        return Refused("not-waiting", _l("This idea does not wait for a facilitator any more."))
    return None


def why_not_take_back(idea: Standing, viewer: Viewer) -> Refused | None:
    """Say why the author may neither withdraw nor leave it: what is hidden is not theirs to end (rule I1)."""
    problem = why_not_edit(idea, viewer)
    if problem is None and idea.publication != Publication.PUBLISHED:
        return Refused("not-published", _l("This idea is not public now, so it stays as it is."))
    return problem


def why_not_withdraw(idea: Standing, viewer: Viewer, *, supports: int) -> Refused | None:
    """Say why the author may not withdraw it. With five supports or more they can only leave. Source: I1.

    Args:
        supports: All supports, staff's too.
    """
    problem = why_not_take_back(idea, viewer)
    if problem is not None:
        return problem
    if supports >= WITHDRAW_BELOW:
        reason = _l("Others stand behind this idea now, so it stays. You can leave it as its author.")
        return Refused("others-support-it", reason)
    return None


def why_not_follow(idea: Shown, viewer: Viewer) -> Refused | None:
    """Say why somebody may not follow an idea."""
    if not viewer.signed_in:
        return Forbidden("sign-in-first", _l("Sign in to follow this idea."))
    return why_not_see(idea, viewer)
