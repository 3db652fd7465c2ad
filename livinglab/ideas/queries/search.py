"""Finding by words (stems) and by likeness (the six rarest three-letter pieces), on either database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from rapidfuzz import fuzz
from rapidfuzz.utils import default_process
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.text import LANGUAGES, grams, stems, words
from livinglab.core.together import Read, Rows
from livinglab.ideas.models import Activity, Idea, Publication, Stage

MOST_WORDS = 8
MOST_HITS = 1000
RAREST = 6
CANDIDATES = 40
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


def hits(session: Session, typed: str, within: Mapping[str, object] | None = None) -> sa.Subquery | None:
    """Return the ideas that hold every word, as a subquery of (id, score); ``None`` where nothing was asked.

    A word is found by its stem in each of the languages, and as the beginning of a longer one. Scores
    are whole numbers, so that a cursor can stand on them; larger is better. The best thousand are looked at.

    Args:
        within: What the ideas are narrowed to before the best are taken, such as ``{"lab_id": 3}``: a word
            that is common elsewhere hides nothing of a small lab.
    """
    asked = words(typed)[:MOST_WORDS]
    if not asked:
        return None
    if session.get_bind().dialect.name == "sqlite":
        return _sqlite_hits(asked, within or {})
    return _postgresql_hits(asked, within or {})


def _narrowed(within: Mapping[str, object], key: str) -> tuple[str, str, dict[str, object]]:
    """Return the join and the conditions that narrow hits, and their values; the index leads, row by row."""
    if not within:
        return "", "", {}
    values = {f"in_{name}": getattr(value, "value", value) for name, value in within.items()}
    conditions = "".join(f" AND idea.{name} = :in_{name}" for name in within)
    return " CROSS JOIN idea", f" AND idea.id = {key}{conditions}", values


def _forms(word: str) -> list[str]:
    return list(dict.fromkeys(stem for code in LANGUAGES for stem in stems(word, code) if stem))


def _sqlite_hits(asked: list[str], within: Mapping[str, object]) -> sa.Subquery:
    join, only, values = _narrowed(within, "idea_search.rowid")
    match = " AND ".join(
        "(" + " OR ".join([*(f'"{form}"' for form in _forms(word)), f'"{word}"*']) + ")" for word in asked
    )
    query = sa.text(
        "SELECT idea_search.rowid AS id,"  # noqa: S608  # names of our own columns
        " CAST(round(-1000 * bm25(idea_search, 6.0, 1.0)) AS INTEGER) AS score"
        f" FROM idea_search{join} WHERE idea_search MATCH :match{only} ORDER BY 2 DESC, 1 DESC LIMIT :most"
    ).bindparams(match=match, most=MOST_HITS, **values)
    return query.columns(sa.column("id", sa.Integer), sa.column("score", sa.Integer)).subquery("hits")


def _postgresql_hits(asked: list[str], within: Mapping[str, object]) -> sa.Subquery:
    join, only, values = _narrowed(within, "idea_search.idea_id")
    match = " & ".join(
        "(" + " | ".join([*(f"'{form}'" for form in _forms(word)), f"'{word}':*"]) + ")" for word in asked
    )
    query = sa.text(
        "SELECT idea_id AS id,"  # noqa: S608  # names of our own columns
        " CAST(round(CAST(1000000 * ts_rank(words, q) AS numeric)) AS integer) AS score"
        f" FROM idea_search{join} CROSS JOIN CAST(:match AS tsquery) AS q"
        f" WHERE words @@ q{only} ORDER BY 2 DESC, 1 DESC LIMIT :most"
    ).bindparams(match=match, most=MOST_HITS, **values)
    return query.columns(sa.column("id", sa.Integer), sa.column("score", sa.Integer)).subquery("hits")


_SQLITE_ALIKE = """
SELECT g.rowid AS id FROM idea_gram AS g WHERE idea_gram MATCH (
  SELECT coalesce(group_concat('"' || term || '"', ' OR '), '"§"') FROM (
    SELECT term FROM idea_gram_vocab WHERE term IN (SELECT value FROM json_each(:pieces))
    ORDER BY doc, term LIMIT :rarest))
ORDER BY rank LIMIT :most
"""
_POSTGRESQL_ALIKE = """
SELECT idea_id AS id FROM (
  SELECT g.idea_id, g.grams, (SELECT count(*) FROM unnest(p.pick) AS x WHERE x = ANY (g.grams)) AS held
  FROM (SELECT coalesce(array_agg(gram), ARRAY[]::text[]) AS pick FROM (
      SELECT gram FROM trigram_df WHERE gram = ANY (CAST(:pieces AS text[])) AND df > 0
      ORDER BY df, gram LIMIT :rarest) AS rare) AS p
  JOIN idea_gram AS g ON g.grams && p.pick
  ORDER BY held DESC, g.idea_id DESC LIMIT 400) AS near
ORDER BY (SELECT count(*) FROM unnest(CAST(:pieces AS text[])) AS x WHERE x = ANY (near.grams))::float
  / (cardinality(near.grams) + :size) DESC, idea_id DESC LIMIT :most
"""


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
    """Return the public ideas whose titles resemble this one, the likest first: one statement.

    Args:
        lab_id: Only of this lab.
        language: Language of the title, for its stems; every language is searched (rule I4).
        without: An idea to leave out: the one that is being written or shown.
        least: How like they must be, 0 to 100.

    Source: DESIGN section 3, similar: rarest six of the known three-letter pieces, then word by word.
    """
    if not grams(title):
        return ()
    dialect = session.get_bind().dialect.name
    read = alike_read(
        dialect, title, lab_id=lab_id, language=language, without=without, limit=limit, least=least
    )
    return read.alone(session)


def alike_read(
    dialect: str,
    title: str,
    *,
    lab_id: int | None = None,
    language: str = "",
    without: int | None = None,
    limit: int = 5,
    least: float = ALIKE,
) -> Read[tuple[Alike, ...]]:
    """Return how ``alike`` is read."""
    pieces = grams(title)
    values: dict[str, Any] = {"rarest": RAREST, "most": CANDIDATES * (1 if lab_id is None else 3)}
    values |= (
        {"pieces": json.dumps(pieces)} if dialect == "sqlite" else {"pieces": pieces, "size": len(pieces)}
    )
    values |= {"alike_in": lab_id} if lab_id is not None else {}
    values |= {"without": without} if without is not None else {}
    query = _alike_query(dialect, in_lab=lab_id is not None, but_one=without is not None)
    return Read(query, values, lambda rows: _likest(title, language, rows, limit, least))


@lru_cache(maxsize=8)
def _alike_query(dialect: str, *, in_lab: bool, but_one: bool) -> sa.Select[Any]:
    """Return the statement, made once: making it costs more than running it."""
    text = sa.text(_SQLITE_ALIKE if dialect == "sqlite" else _POSTGRESQL_ALIKE)
    near = text.columns(sa.column("id", sa.Integer)).subquery("near")
    query: Any = (
        sa.select(col(Idea.id), col(Idea.title), col(Idea.language), col(Idea.stage), col(Idea.activity))
        .join(near, near.c.id == col(Idea.id))
        .where(col(Idea.publication) == Publication.PUBLISHED, col(Idea.activity) != Activity.WITHDRAWN)
    )
    if in_lab:
        query = query.where(col(Idea.lab_id) == sa.bindparam("alike_in", type_=sa.Integer))
    if but_one:
        query = query.where(col(Idea.id) != sa.bindparam("without", type_=sa.Integer))
    return query  # type: ignore[no-any-return]


def _likest(title: str, language: str, rows: Rows, limit: int, least: float) -> tuple[Alike, ...]:
    wanted = _stemmed(title, language)
    found = [
        Alike(row.id, row.title, row.language, row.stage, row.activity, _likeness(title, wanted, row))
        for row in rows
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
