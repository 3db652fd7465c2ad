"""Similar ideas on the page of one: looked for once an hour in each process, and read anew for each page."""

from __future__ import annotations

from threading import Lock
from typing import TypeAlias, cast

from cachetools import TTLCache
from flask import current_app
from sqlalchemy.orm import Session

from livinglab.core.clock import utc_now
from livinglab.core.together import Read
from livinglab.ideas.queries.page import IdeaPage
from livinglab.ideas.queries.search import Alike, alike_read, known_alike_read

MOST = 10_000
HOUR = 3600
LEAST = 45
Likes: TypeAlias = "TTLCache[tuple[int, str, str, int], dict[int, float]]"
_lock = Lock()


def near_read(session: Session, idea: IdeaPage) -> Read[tuple[Alike, ...]]:
    """Return how the ideas like this one are read.

    To look through titles for likeness costs more than the rest of a page. What is found is kept by number
    for an hour, so a new idea is missing here for an hour at most. Whether each may still be seen, and what
    it is called now, is asked for each page.
    """
    likes = _likes()
    title = (idea.id, idea.title, idea.language, idea.lab.id)
    with _lock:
        known = likes.get(title)
    if known is not None:
        return known_alike_read(known)
    asked = alike_read(
        session, idea.title, lab_id=idea.lab.id, language=idea.language, without=idea.id, least=LEAST
    )

    def shape(rows: object) -> tuple[Alike, ...]:
        found = asked.shape(rows)
        with _lock:
            likes[title] = {one.id: one.likeness for one in found}
        return found

    return Read(asked.query, asked.values, shape)


def _likes() -> Likes:
    kept = current_app.extensions.get("livinglab.likes")
    if kept is None:
        kept = TTLCache(MOST, HOUR, timer=lambda: utc_now().timestamp())
        current_app.extensions["livinglab.likes"] = kept
    return cast("Likes", kept)
