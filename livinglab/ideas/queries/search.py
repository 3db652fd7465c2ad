"""Finding by likeness: the six rarest three-letter pieces of a title, on either database."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any

import sqlalchemy as sa
from rapidfuzz import fuzz, process
from rapidfuzz.utils import default_process
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.text import grams, stems
from livinglab.core.together import Read, Rows
from livinglab.ideas.models import Activity, Idea, Publication, Stage

RAREST = 6
CANDIDATES = 400
"""So many titles are looked at for likeness, the newest, and so many are wanted of each search for them."""
COMPARED = 25
"""So many of them by each of two quick measures are compared by their stems."""
CROSSED = 4
MOST_WAYS = RAREST + math.comb(CROSSED, 2)
ALIKE = 55.0
"""From this share of common words on (0 to 100) two titles are called alike."""


@dataclass(frozen=True, slots=True)
class Alike:
    """An idea whose title resembles another one."""

    id: int
    title: str
    language: str
    stage: Stage
    activity: Activity
    likeness: float


_RARITY = {
    "sqlite": sa.text(
        "SELECT gram, df FROM trigram_df"
        " WHERE gram IN (SELECT value FROM json_each(:pieces)) AND df > 0"
        " UNION ALL SELECT '', (SELECT coalesce(max(rowid), 0) FROM idea_gram)"
    ),
    "postgresql": sa.text(
        "SELECT gram, df FROM trigram_df WHERE gram = ANY (CAST(:pieces AS text[])) AND df > 0"
        " UNION ALL SELECT '', (SELECT coalesce(max(idea_id), 0) FROM idea_gram)"
    ),
}
"""In how many titles each piece is; and, beside no piece, about how many titles there are."""
_NOTHING = ("§§§",)
"""A piece that no title holds: what is compared has only letters and digits."""
_NEAR = {
    "sqlite": "SELECT rowid AS id FROM idea_gram WHERE idea_gram MATCH :holding"
    " ORDER BY rowid DESC LIMIT :most",
    "postgresql": "SELECT idea_id AS id FROM idea_gram WHERE "  # noqa: S608  # names of our own
    + " OR ".join(f"grams @> CAST(:way{n} AS text[])" for n in range(MOST_WAYS))
    + " ORDER BY idea_id + 0 DESC LIMIT :most",
}
"""The newest that go one of the ways; the sum keeps the planner from walking all of them by their number."""


def alike(
    session: Session,
    title: str,
    *,
    lab_id: int | None = None,
    language: str = "",
    without: int | None = None,
    limit: int = 5,
    least: float = ALIKE,
) -> tuple[Alike, ...]:
    """Return the public ideas whose titles resemble this one, the likest first: two statements.

    Args:
        lab_id: Only of this lab.
        language: Language of the title, for its stems; every language is searched (rule I4).
        without: An idea to leave out: the one that is being written or shown.
        least: How like they must be, 0 to 100.

    Source: DESIGN section 3, similar: rarest of the known three-letter pieces, then word by word.
    """
    read = alike_read(
        session, title, lab_id=lab_id, language=language, without=without, limit=limit, least=least
    )
    return read.alone(session)


def alike_read(
    session: Session,
    title: str,
    *,
    lab_id: int | None = None,
    language: str = "",
    without: int | None = None,
    limit: int = 5,
    least: float = ALIKE,
) -> Read[tuple[Alike, ...]]:
    """Return how ``alike`` is read; how rare the title's pieces are is asked at once."""
    dialect = session.get_bind().dialect.name
    ways = ways_to(title, *_rarity(session, dialect, title)) or [_NOTHING]
    values: dict[str, object] = {"most": CANDIDATES}
    if dialect == "sqlite":
        values["holding"] = " OR ".join(f"({' AND '.join(map(_quoted, way))})" for way in ways)
    else:
        ways += [_NOTHING] * (MOST_WAYS - len(ways))
        values |= {f"way{n}": list(way) for n, way in enumerate(ways)}
    values |= {"alike_in": lab_id} if lab_id is not None else {}
    values |= {"without": without} if without is not None else {}
    query = _alike_query(dialect, in_lab=lab_id is not None, but_one=without is not None)
    return Read(query, values, lambda rows: _likest(title, language, rows, limit, least))


def _quoted(piece: str) -> str:
    return f'"{piece}"'


def _rarity(session: Session, dialect: str, title: str) -> tuple[dict[str, int], int]:
    """Return in how many titles each known piece of a title is, and about how many titles there are."""
    pieces = grams(title)
    if not pieces:
        return {}, 0
    asked = json.dumps(pieces) if dialect == "sqlite" else pieces
    rows = session.connection().execute(_RARITY[dialect], {"pieces": asked}).all()
    found = {row[0]: row[1] for row in rows}
    return found, found.pop("")


def ways_to(title: str, rarity: Mapping[str, int], titles: int) -> list[tuple[str, ...]]:
    """Return what leads to titles like this one: each way is pieces that one title must hold together.

    The rarest pieces each by itself, as long as they lead to few titles in sum; and for words that many
    titles share, the rarest piece of each word together with those of others, of as many words as it takes
    to lead to few. So it costs the same however many titles there are.

    Args:
        rarity: In how many titles each piece is; unknown ones are left out.
        titles: How many titles there are.
    """
    ways: list[tuple[str, ...]] = []
    led_to = 0
    for piece in sorted(rarity, key=lambda piece: (rarity[piece], piece))[:RAREST]:
        led_to += rarity[piece]
        if led_to > CANDIDATES:
            break
        ways.append((piece,))
    alone = {piece for (piece,) in ways}
    own = [[piece for piece in grams(word) if piece in rarity] for word in default_process(title).split()]
    rarest = [min(pieces, key=lambda piece: (rarity[piece], piece)) for pieces in own if pieces]
    if len(set(rarest)) < 2 and not alone:  # one word: its own pieces together
        rarest = list(rarity)
    common = sorted(set(rarest) - alone, key=lambda piece: (rarity[piece], piece))[:CROSSED]
    for many in range(2, len(common) + 1):
        crossings = list(combinations(common, many))
        expected = sum(titles * math.prod(rarity[p] / titles for p in way) for way in crossings)
        if expected <= CANDIDATES or many == len(common):
            return ways + crossings
    return ways


@lru_cache(maxsize=8)
def _alike_query(dialect: str, *, in_lab: bool, but_one: bool) -> sa.Select[Any]:
    """Return the statement, made once: making it costs more than running it."""
    text = sa.text(_NEAR[dialect])
    near = text.columns(sa.column("id", sa.Integer)).subquery("near")
    query = _resembling().join(near, near.c.id == col(Idea.id))
    if in_lab:
        query = query.where(col(Idea.lab_id) == sa.bindparam("alike_in", type_=sa.Integer))
    if but_one:
        query = query.where(col(Idea.id) != sa.bindparam("without", type_=sa.Integer))
    return query  # type: ignore[no-any-return]


def known_alike_read(likeness: Mapping[int, float]) -> Read[tuple[Alike, ...]]:
    """Return how ideas are read that were found alike before: those that may still be seen, the likest first.

    Args:
        likeness: By the number of the idea.
    """

    def shape(rows: Rows) -> tuple[Alike, ...]:
        found = [
            Alike(row.id, row.title, row.language, row.stage, row.activity, likeness[row.id]) for row in rows
        ]
        return tuple(sorted(found, key=lambda one: (-one.likeness, -one.id)))

    return Read(_known_alike_query(), {"alike": tuple(likeness)}, shape)


@lru_cache(maxsize=1)
def _known_alike_query() -> sa.Select[Any]:
    wanted = sa.bindparam("alike", expanding=True, type_=sa.Integer)
    return _resembling().where(col(Idea.id).in_(wanted))  # type: ignore[no-any-return]


def _resembling() -> Any:
    """Return the statement on ideas that may be shown as similar."""
    return sa.select(
        col(Idea.id), col(Idea.title), col(Idea.language), col(Idea.stage), col(Idea.activity)
    ).where(col(Idea.publication) == Publication.PUBLISHED, col(Idea.activity) != Activity.WITHDRAWN)


def _likest(title: str, language: str, rows: Rows, limit: int, least: float) -> tuple[Alike, ...]:
    wanted, plain = _stemmed(title, language), default_process(title)
    titles = [default_process(row.title) for row in rows]
    near = {
        place
        for measure in (fuzz.token_set_ratio, fuzz.ratio)  # by words and by letters
        for _, _, place in process.extract(plain, titles, scorer=measure, processor=None, limit=COMPARED)
    }
    found = [
        Alike(row.id, row.title, row.language, row.stage, row.activity, _likeness(title, wanted, row))
        for row in (rows[place] for place in near)
    ]
    best = sorted((one for one in found if one.likeness >= least), key=lambda one: (-one.likeness, -one.id))
    return tuple(best[:limit])


@lru_cache(maxsize=4096)
def _stemmed(title: str, language: str) -> str:
    return " ".join(stems(default_process(title), language))


def _likeness(title: str, wanted: str, row: Any) -> float:
    """Return the better of word-by-word likeness of stems and plain likeness of letters."""
    by_words = fuzz.token_set_ratio(wanted, _stemmed(row.title, row.language))
    by_letters = fuzz.ratio(default_process(title), default_process(row.title))
    return float(max(by_words * 0.9 if by_letters < 40 else by_words, by_letters))


def did_you_mean(session: Session, typed: str, *, lab_id: int | None = None) -> tuple[Alike, ...]:
    """Return ideas whose titles look like what was typed, for a search that found little."""
    return alike(session, typed, lab_id=lab_id, least=35.0)
