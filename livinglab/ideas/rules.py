"""What may be written, seen, edited, said and withdrawn; when numbers are shown; how the fair order runs."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit

from flask_babel import lazy_gettext as _l

from livinglab.core.errors import Forbidden, NotFound, Refused, TooMany
from livinglab.core.text import clean, clean_line
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import (
    ALT_MAX,
    BODY_MAX,
    COMMENT_MAX,
    GAINS_MAX,
    LINK_MAX,
    NOTE_MAX,
    PLACE_MAX,
    RING,
    SUMMARY_MAX,
    TAG_MAX,
    TAGS_MAX,
    TITLE_MAX,
    TITLE_MIN,
    Activity,
    Byline,
    CommentKind,
    Publication,
)

DRAFT_DAYS = 90
IDEAS_A_DAY = 3
COMMENTS_AN_HOUR = 30
EDIT_COMMENT_FOR = timedelta(minutes=15)
WITHDRAW_BELOW = 5
GLANCES = 8
"""How many classes of b the fair order knows."""
FOR = (CommentKind.BUILD_ON, CommentKind.EXPERIENCE)
AGAINST = (CommentKind.CONCERN, CommentKind.PROBLEM)
CHECKED_AGAIN = ("title", "body", "image_id", "link", "place")
"""What a facilitator looks at again when it changes after publication (rule I3)."""
ENDED = (Activity.MERGED, Activity.WITHDRAWN, Activity.ARCHIVED)
OUT_OF_LISTS = (Activity.MERGED, Activity.WITHDRAWN, Activity.ARCHIVED)
"""Left out of lists unless they are asked for; their pages stay."""

NO_SUCH_IDEA = NotFound("no-such-idea", _l("There is no idea at this address, or it is not public."))
CHALLENGE_CLOSED = Refused(
    "challenge-closed",
    _l("This challenge does not take ideas any more. Choose the idea box or another challenge."),
    field="challenge",
)
NO_SUCH_COMMENT = NotFound("no-such-comment", _l("There is no comment at this address, or it is not public."))


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


class Said(Protocol):
    """What the rules ask of a comment."""

    @property
    def author_id(self) -> int | None: ...
    @property
    def kind(self) -> CommentKind: ...
    @property
    def publication(self) -> Publication: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def deleted_at(self) -> datetime | None: ...
    @property
    def resolved_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class IdeaTexts:
    """Everything an author writes or chooses, cleaned. Lengths are judged by ``text_problems``, not here."""

    title: str = ""
    summary: str = ""
    body: str = ""
    gains: str = ""
    place: str = ""
    link: str = ""
    language: str = "en"
    byline: Byline = Byline.NAME
    challenge_id: int | None = None
    category_id: int | None = None
    tags: tuple[str, ...] = ()
    image_id: int | None = None
    image_alt: str = ""

    def cleaned(self) -> IdeaTexts:
        """Return the same texts in NFC, without control characters, one line where one line is meant."""
        return replace(
            self,
            title=clean_line(self.title),
            summary=clean_line(self.summary),
            body=clean(self.body),
            gains=clean(self.gains),
            place=clean_line(self.place),
            link=clean_line(self.link),
            tags=tags_of(" ".join(f"#{tag}," for tag in self.tags)),
            image_alt=clean_line(self.image_alt),
        )

    def cut(self) -> IdeaTexts:
        """Return the texts shortened to what a draft's row can hold; the page keeps what was typed."""
        limits = {
            "title": TITLE_MAX,
            "summary": SUMMARY_MAX,
            "body": BODY_MAX,
            "gains": GAINS_MAX,
            "place": PLACE_MAX,
            "link": LINK_MAX,
            "image_alt": ALT_MAX,
        }
        return replace(self, **{name: getattr(self, name)[:most] for name, most in limits.items()})

    def without_choices(self) -> dict[str, object]:
        """Return the columns that idea and version share."""
        shared = ("title", "summary", "body", "gains", "place", "link", "image_id", "image_alt")
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name in shared}


def tags_of(typed: str) -> tuple[str, ...]:
    """Return the tags in what somebody typed: split by comma, lower case, each once, at most five."""
    parts = (clean_line(part).strip("# ").lower()[:TAG_MAX] for part in re.split(r"[,;\n]", clean(typed)))
    return tuple(dict.fromkeys(part for part in parts if part))[:TAGS_MAX]


def claim_hash(token: str) -> str:
    """Return what the row keeps of the token in the cookie of somebody who writes without an account."""
    return hashlib.sha256(f"draft:{token}".encode()).hexdigest()


# -- texts ------------------------------------------------------------------------------------------------


def _too_long(name: str, text: str, most: int) -> Refused | None:
    if len(text) <= most:
        return None
    reason = _l("This text is too long: at most %(most)s characters.", most=most)
    return Refused(f"{name}-too-long", reason, field=name)


def _link_problem(link: str) -> Refused | None:
    try:
        parts = urlsplit(link)
        good = not link or (parts.scheme in ("http", "https") and "." in (parts.hostname or ""))
    except ValueError:
        good = False
    if good:
        return None
    return Refused("link-not-web", _l("Write the whole address, beginning with https://"), field="link")


def text_problems(texts: IdeaTexts) -> list[Refused]:
    """Return everything that keeps a text from being sent in. Source: rule I2."""
    found = []
    if len(texts.title) < TITLE_MIN:
        reason = _l("Give the idea a title of at least %(least)s characters.", least=TITLE_MIN)
        found.append(Refused("title-too-short", reason, field="title"))
    if not texts.summary:
        found.append(Refused("summary-missing", _l("Say in one sentence what the idea is."), field="summary"))
    if not texts.body:
        found.append(Refused("body-missing", _l("Tell a little more about the idea."), field="body"))
    if texts.image_id is not None and not texts.image_alt:
        reason = _l("Describe the picture for people who cannot see it.")
        found.append(Refused("alt-missing", reason, field="image_alt"))
    checks = [
        _too_long("title", texts.title, TITLE_MAX),
        _too_long("summary", texts.summary, SUMMARY_MAX),
        _too_long("body", texts.body, BODY_MAX),
        _too_long("gains", texts.gains, GAINS_MAX),
        _too_long("place", texts.place, PLACE_MAX),
        _too_long("link", texts.link, LINK_MAX),
        _too_long("image_alt", texts.image_alt, ALT_MAX),
        _link_problem(texts.link),
    ]
    return found + [problem for problem in checks if problem is not None]


def why_not_texts(texts: IdeaTexts) -> Refused | None:
    """Say the first thing that keeps a text from being sent in."""
    return next(iter(text_problems(texts)), None)


def changed_fields(old: dict[str, object], new: dict[str, object]) -> tuple[str, ...]:
    """Return the names of the columns that differ."""
    return tuple(name for name, value in new.items() if old.get(name) != value)


def needs_second_look(changed: Sequence[str]) -> bool:
    """Say whether an edit after publication is checked again where the lab looks first. Source: rule I3."""
    return any(name in CHECKED_AGAIN for name in changed)


# -- who may see and write ------------------------------------------------------------------------------


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


# -- the conversation -----------------------------------------------------------------------------------


def why_not_comment(idea: Standing, viewer: Viewer, *, written_this_hour: int = 0) -> Refused | None:
    """Say why somebody may not take part in the conversation. Source: rule I5."""
    if not viewer.signed_in:
        return Forbidden("sign-in-first", _l("Sign in to write in the conversation."))
    if idea.publication != Publication.PUBLISHED:
        return Refused("not-published", _l("This idea is not public now, so nothing can be written here."))
    if idea.activity in ENDED:
        return Refused("talk-closed", _l("This idea is closed. Its conversation can be read, not continued."))
    if written_this_hour >= COMMENTS_AN_HOUR:
        return TooMany("comments-an-hour", _l("You have written a great deal within an hour. Take a pause."))
    return None


class Signed(Protocol):
    """What the byline of a comment asks of an idea."""

    @property
    def author_id(self) -> int | None: ...
    @property
    def byline(self) -> Byline: ...


def usual_byline(idea: Signed, viewer: Viewer) -> str:
    """Return the byline a comment begins with: on one's own idea that of the idea, so that nobody
    who writes under a pseudonym gives their name away by an answer (rule P4).
    """
    own = viewer.signed_in and idea.author_id == viewer.person_id
    return (idea.byline if own else Byline.NAME).value


def why_not_comment_text(body: str) -> Refused | None:
    """Say why these words cannot stand in the conversation."""
    if not body:
        return Refused("comment-empty", _l("Write something first."), field="body")
    return _too_long("body", body, COMMENT_MAX)


def why_not_see_comment(comment: Said, idea: Shown, viewer: Viewer) -> Refused | None:
    """Say why this person may not read a comment: ``queries.comment_visible_to`` on one row.

    A trace, of words deleted or hidden that others answered, is nothing to read or to act on.
    """
    if viewer.signed_in and comment.author_id == viewer.person_id:
        return None
    public = comment.publication is Publication.PUBLISHED
    watched = comment.publication is not Publication.DRAFT and viewer.moderates(idea.lab_id)
    return None if comment.deleted_at is None and (public or watched) else NO_SUCH_COMMENT


def why_not_edit_comment(comment: Said, viewer: Viewer, now: datetime) -> Refused | None:
    """Say why a comment can no longer be changed: only by its author, for 15 minutes.

    What came back with a note, or was never sent in, has no such limit: nobody reads it meanwhile.

    Source: rule I1.
    """
    problem = why_not_delete_comment(comment, viewer)
    if problem is not None or comment.publication in (Publication.RETURNED, Publication.DRAFT):
        return problem
    if now - comment.created_at > EDIT_COMMENT_FOR:
        return Refused(
            "edit-too-late", _l("A comment can be changed for 15 minutes. You can still delete it.")
        )
    return None


def why_not_delete_comment(comment: Said, viewer: Viewer) -> Refused | None:
    """Say why somebody may not delete a comment."""
    if not viewer.signed_in or comment.author_id != viewer.person_id:
        return Forbidden("not-the-author", _l("Only its author can change or delete a comment."))
    if comment.deleted_at is not None:
        return Refused("already-deleted", _l("This comment has been deleted."))
    if comment.publication in (Publication.HIDDEN, Publication.REMOVED, Publication.REJECTED):
        return Refused(
            "under-moderation", _l("A facilitator has acted on this comment, so it stays as it is.")
        )
    return None


def why_not_resolve(
    comment: Said, viewer: Viewer, *, lab_id: int, lead_id: int | None, idea_author_id: int | None
) -> Refused | None:
    """Say why somebody may not mark a problem as answered.

    Those who answer for the idea may: its author, its lead, a facilitator or manager of the lab. Who
    found the problem may too, because they know best when it is gone.
    """
    allowed = viewer.signed_in and (
        viewer.person_id in (comment.author_id, lead_id, idea_author_id) or viewer.moderates(lab_id)
    )
    if not allowed:
        reason = _l(
            "The author, the project lead, a facilitator or whoever found it can mark it as answered."
        )
        return Forbidden("not-yours-to-resolve", reason)
    if comment.kind != CommentKind.PROBLEM:
        return Refused("not-a-problem", _l("Only a problem found can be marked as answered."))
    if comment.publication != Publication.PUBLISHED or comment.deleted_at is not None:
        return NO_SUCH_COMMENT
    if comment.resolved_at is not None:
        return Refused("already-resolved", _l("This problem has already been marked as answered."))
    return None


def why_not_note(note: str, *, needed: bool, field: str = "note") -> Refused | None:
    """Say why a note about a change or an answer will not do."""
    if needed and not note:
        return Refused("note-missing", _l("Say in a few words what has changed."), field=field)
    if len(note) > NOTE_MAX:
        reason = _l("This text is too long: at most %(most)s characters.", most=NOTE_MAX)
        return Refused("note-too-long", reason, field=field)
    return None


# -- numbers (rule V4) ----------------------------------------------------------------------------------


def counts_open_at(
    published_at: datetime | None, hidden_hours: int, counts_from: datetime | None, closes_at: datetime | None
) -> datetime | None:
    """Return from when the idea's supports are shown as a number; ``None`` before it is published.

    Args:
        hidden_hours: Lab setting, 72 by default.
        counts_from: The challenge's own "counts shown from"; its closing where empty.

    Source: rule V4.
    """
    if published_at is None:
        return None
    return max(published_at + timedelta(hours=hidden_hours), counts_from or closes_at or published_at)


def counts_open(opens_at: datetime | None, now: datetime) -> bool:
    """Say whether the number may be shown now."""
    return opens_at is not None and opens_at <= now


def band_of(supports: int) -> int:
    """Return the band shown while the number is hidden: 1 is 0–9, 2 is 10–24, 3 is 25 and more."""
    return 1 if supports < 10 else 2 if supports < 25 else 3


# -- the fair order (rule V5) ---------------------------------------------------------------------------


def glance_of(viewers: int) -> int:
    """Return b, the class of an idea in the fair order, for the people who saw its card."""
    return min(GLANCES - 1, int(math.log2(viewers + 1)))


def seed_of_hour(now: datetime) -> int:
    """Return the seed that turns the ring during the hour of an instant."""
    hour = int(now.timestamp()) // 3600
    return int.from_bytes(hashlib.sha256(f"fair order {hour}".encode()).digest()[:8], "big") % RING


def fair_key(glance: int, ring: int, seed: int) -> float:
    """Return an idea's place in the fair order under a seed; smaller comes first.

    An exponential waiting time with mean 2^b: the chance to come first is in proportion to 1/2^b.
    Source: DESIGN section 1, the fair order.
    """
    turned = ((ring - seed) % RING) / RING
    return float(2**glance) * -math.log1p(-turned)


def ring_spans(glance: int, seed: int, after_key: float | None) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the two open intervals of the ring that hold what comes after a key, in order.

    They begin two steps early against rounding; the exact (key, id) sorts out the overlap.
    """
    passed = 0.0 if after_key is None else -math.expm1(-after_key / 2**glance)
    low = seed + max(int(passed * RING) - 2, -1)
    if low < RING:
        return (low, RING), (-1, seed)
    return (RING, RING), (low - RING, seed)
