"""What may be written: lengths, what may not be missing, what a facilitator looks at again (I2, I3)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from urllib.parse import urlsplit

from flask_babel import lazy_gettext as _l

from livinglab.core.errors import Refused
from livinglab.core.text import clean, clean_line
from livinglab.ideas.models import (
    ALT_MAX,
    BODY_MAX,
    GAINS_MAX,
    LINK_MAX,
    PLACE_MAX,
    SUMMARY_MAX,
    TAG_MAX,
    TAGS_MAX,
    TITLE_MAX,
    TITLE_MIN,
    Byline,
)

CHECKED_AGAIN = ("title", "body", "image_id", "link", "place")
"""What a facilitator looks at again when it changes after publication (rule I3)."""


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


def too_long(name: str, text: str, most: int) -> Refused | None:
    """Say that a text has more characters than its field takes, or ``None``."""
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
        too_long("title", texts.title, TITLE_MAX),
        too_long("summary", texts.summary, SUMMARY_MAX),
        too_long("body", texts.body, BODY_MAX),
        too_long("gains", texts.gains, GAINS_MAX),
        too_long("place", texts.place, PLACE_MAX),
        too_long("link", texts.link, LINK_MAX),
        too_long("image_alt", texts.image_alt, ALT_MAX),
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
