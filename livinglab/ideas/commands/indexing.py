"""What search and likeness find: written when a public text changes, on either database.

Search holds stems (weights: title before the rest), likeness holds three-letter pieces of the title.
Both tables hold public ideas only, so that nothing else can be found (invariant I-11).
Source: DESIGN section 3, search and similar.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import sqlalchemy as sa
from rapidfuzz.utils import default_process
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.text import grams, stems, to_plain
from livinglab.ideas.models import Idea, IdeaTag, Publication

PIECES_LOCK = 7_412_207
"""Key of the PostgreSQL advisory lock of those who change ``trigram_df``; the last lock of all."""


def reindex_idea(session: Session, idea: Idea) -> None:
    """Bring what search and likeness hold of one idea in line with its public text."""
    session.flush()
    public = idea.publication == Publication.PUBLISHED
    tags = session.scalars(select(IdeaTag.tag).where(IdeaTag.idea_id == idea.id)).all() if public else ()
    if session.get_bind().dialect.name == "sqlite":
        _index_sqlite(session, idea, tags, public=public)
    else:
        _index_postgresql(session, idea, tags, public=public)


def reindex_all(session: Session, *, after_id: int = 0, limit: int = 500) -> int | None:
    """Index a batch of ideas anew.

    Returns:
        The id to go on after, or ``None`` when there are no more.
    """
    batch = session.scalars(
        select(Idea).where(col(Idea.id) > after_id).order_by(col(Idea.id)).limit(limit)
    ).all()
    for idea in batch:
        reindex_idea(session, idea)
    return batch[-1].id if len(batch) == limit else None


def _words(idea: Idea, tags: Sequence[str]) -> tuple[str, str]:
    title = " ".join(stems(idea.title, idea.language))
    rest = " ".join((idea.summary, to_plain(idea.body), idea.gains, idea.place, *tags))
    return title, " ".join(stems(rest, idea.language))


def _index_sqlite(session: Session, idea: Idea, tags: Sequence[str], *, public: bool) -> None:
    old = session.scalar(sa.text("SELECT title FROM idea_gram WHERE rowid = :id"), {"id": idea.id}) or ""
    _count_grams(session, old=set(grams(old)), new=set(grams(idea.title)) if public else set())
    session.execute(sa.text("DELETE FROM idea_search WHERE rowid = :id"), {"id": idea.id})
    session.execute(sa.text("DELETE FROM idea_gram WHERE rowid = :id"), {"id": idea.id})
    if not public:
        return
    title, rest = _words(idea, tags)
    session.execute(
        sa.text("INSERT INTO idea_search (rowid, title, rest) VALUES (:id, :title, :rest)"),
        {"id": idea.id, "title": title, "rest": rest},
    )
    session.execute(
        sa.text("INSERT INTO idea_gram (rowid, title) VALUES (:id, :title)"),
        {"id": idea.id, "title": default_process(idea.title)},
    )


def _index_postgresql(session: Session, idea: Idea, tags: Sequence[str], *, public: bool) -> None:
    old = session.scalar(sa.text("SELECT grams FROM idea_gram WHERE idea_id = :id"), {"id": idea.id}) or []
    new = grams(idea.title) if public else []
    _count_grams(session, old=set(old), new=set(new))
    if not public:
        session.execute(sa.text("DELETE FROM idea_search WHERE idea_id = :id"), {"id": idea.id})
        session.execute(sa.text("DELETE FROM idea_gram WHERE idea_id = :id"), {"id": idea.id})
        return
    title, rest = _words(idea, tags)
    session.execute(
        sa.text(
            "INSERT INTO idea_search (idea_id, words)"
            " VALUES (:id, setweight(to_tsvector('simple', :title), 'A')"
            " || setweight(to_tsvector('simple', :rest), 'D'))"
            " ON CONFLICT (idea_id) DO UPDATE SET words = excluded.words"
        ),
        {"id": idea.id, "title": title, "rest": rest},
    )
    session.execute(
        sa.text(
            "INSERT INTO idea_gram (idea_id, grams) VALUES (:id, CAST(:grams AS text[]))"
            " ON CONFLICT (idea_id) DO UPDATE SET grams = excluded.grams"
        ),
        {"id": idea.id, "grams": new},
    )


def _count_grams(session: Session, *, old: set[str], new: set[str]) -> None:
    """Keep how many titles hold each piece. One writer at a time: all titles share these rows, and who
    publishes several ideas at once would else meet another who does, each with pieces the other waits for.
    """
    changes = sorted([(piece, 1) for piece in new - old] + [(piece, -1) for piece in old - new])
    if not changes:
        return
    if session.get_bind().dialect.name == "sqlite":  # one writer at a time it is there anyhow
        session.execute(sa.text(_COUNT_ON_SQLITE), {"changes": json.dumps(changes)})
        return
    session.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": PIECES_LOCK})
    session.execute(
        sa.text(_COUNT_ON_POSTGRESQL),
        {"grams": [piece for piece, _ in changes], "steps": [step for _, step in changes]},
    )


_COUNT_ON_SQLITE = (
    "INSERT INTO trigram_df (gram, df)"
    " SELECT value ->> 0, value ->> 1 FROM json_each(:changes) WHERE true"
    " ON CONFLICT (gram) DO UPDATE SET df = df + excluded.df"
)
_COUNT_ON_POSTGRESQL = (
    "INSERT INTO trigram_df (gram, df)"
    " SELECT gram, df FROM unnest(CAST(:grams AS text[]), CAST(:steps AS int[])) AS t (gram, df)"
    " ORDER BY gram ON CONFLICT (gram) DO UPDATE SET df = trigram_df.df + excluded.df"
)
