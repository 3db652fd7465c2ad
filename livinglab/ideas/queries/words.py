"""Finding by words: in any form, in each of the languages, and as the beginning of a longer word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from unicodedata import is_normalized

import sqlalchemy as sa
from sqlalchemy.orm import Session

from livinglab.core.text import LANGUAGES, stems, words
from livinglab.ideas.models import Stage

MOST_WORDS = 8
MOST_HITS = 1000
"""Of what holds the words the newest are taken, so that a common word costs little more at any size."""
SHORTEST = 3
"""Shorter words are not looked for as beginnings: nearly everything begins with one letter or two."""
Only = Sequence[sa.ColumnElement[bool]]
"""What else is asked of an idea, as conditions on ``Idea``."""


class Hit(NamedTuple):
    """An idea that holds every word; the better one is the larger one.

    Args:
        score: A whole number, so that a cursor can stand on it.
    """

    score: int
    id: int
    stage: Stage


@dataclass(frozen=True, slots=True)
class Hits:
    """What was found.

    Args:
        best: The best first, and of equals the newest.
        cut: Whether there may be more: only the newest were taken.
    """

    best: tuple[Hit, ...]
    cut: bool

    @property
    def ids(self) -> list[int]:
        """Return the numbers of the ideas."""
        return [one.id for one in self.best]

    def at(self, stage: Stage) -> Hits:
        """Return what of it stands at a stage."""
        return Hits(tuple(one for one in self.best if one.stage is stage), self.cut)


@dataclass(frozen=True, slots=True)
class Word:
    """A word that is asked for.

    Args:
        spaced: As it stands among others,
        alone: and beside other signs than letters and digits.
        forms: Its stem in each of the languages.
        roots: How words of a title begin that are a form of it.
    """

    plain: str
    spaced: str
    alone: re.Pattern[str]
    forms: tuple[str, ...]
    roots: tuple[str, ...]

    @property
    def begins(self) -> bool:
        """Say whether longer words are found that begin with it."""
        return len(self.plain) >= SHORTEST


def words_of(typed: str) -> tuple[Word, ...]:
    """Return the words somebody asks for, each in the forms it is looked for."""
    return tuple(map(_word, words(typed)[:MOST_WORDS]))


def _word(plain: str) -> Word:
    forms = tuple(dict.fromkeys(stem for code in LANGUAGES for stem in stems(plain, code) if stem))
    english = (form[:-1] for form in forms if form.endswith("i") and len(form) > SHORTEST)  # library, librari
    alone = re.compile(rf"{plain}(?![^\W_])(?<![^\W_]{plain})")  # letters and digits only
    return Word(plain, f" {plain} ", alone, forms, tuple(dict.fromkeys((plain, *forms, *english))))


def find(session: Session, typed: str, only: Only) -> Hits:
    """Return the ideas that hold every word: two statements or, where whole words are enough, one.

    Whole words come first, in any of their forms; where fewer than ``MOST_HITS`` ideas hold them, those
    follow that hold longer words that begin with them. Both databases rank alike: how many of the words
    the title has, and whether as they were typed; then whole words before beginnings; then the newest.

    Args:
        only: What the ideas are narrowed to before the newest are taken: a word that is common elsewhere
            hides nothing of a small lab.
    """
    asked = words_of(typed)
    if not asked:
        return Hits((), cut=False)
    dialect = session.get_bind().dialect
    narrowed = sa.and_(sa.true(), *only).compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    search = (_Sqlite if dialect.name == "sqlite" else _Postgresql)(session, asked, str(narrowed))
    whole = search.newest(beginnings=False, without=())
    found = [(row, 1) for row in whole]
    cut = len(whole) >= MOST_HITS
    if not cut and any(word.begins for word in asked):
        longer = search.newest(beginnings=True, without=[row[0] for row in whole])
        found += [(row, 0) for row in longer[: MOST_HITS - len(whole)]]
        cut = len(found) >= MOST_HITS
    hits = [Hit(2 * _in_title(row[2], asked) + exact, row[0], _STAGES[row[1]]) for row, exact in found]
    return Hits(tuple(sorted(hits, reverse=True)), cut)


_STAGES = {stage.value: stage for stage in Stage}


def _in_title(title: str, asked: tuple[Word, ...]) -> int:
    """Return how well a title holds the words: each counts 3 as it was typed, 2 in another form.

    Looked for letter by letter first: a thousand titles are read, and few must be taken apart.
    """
    spaced = f" {title.lower()} "
    if not is_normalized("NFKC", spaced):
        spaced = f" {' '.join(words(title))} "
    points = 0
    for word in asked:
        if word.spaced in spaced or (word.plain in spaced and word.alone.search(spaced)):
            points += 3
        elif any(root in spaced for root in word.roots) and _begins(spaced, word):
            points += 2
    return points


def _begins(title: str, word: Word) -> bool:
    return any(f" {root}" in title for root in word.roots) or any(
        one.startswith(word.roots) for one in words(title)
    )


@dataclass(frozen=True, slots=True)
class _Language:
    """How a database is told what to look for."""

    whole: str
    longer: str
    either: str
    both: str

    def all_of(self, asked: tuple[Word, ...], *, beginnings: bool) -> str:
        """Return what holds every word, each in any of its forms, and as a beginning where that is asked."""
        return self.both.join(f"({self.either.join(self._ways(word, beginnings))})" for word in asked)

    def _ways(self, word: Word, beginnings: bool) -> list[str]:  # noqa: FBT001
        ways = [self.whole.format(form) for form in word.forms or (word.plain,)]
        return [*ways, self.longer.format(word.plain)] if beginnings and word.begins else ways


_FTS5 = _Language('"{}"', '"{}"*', " OR ", " AND ")
_TSQUERY = _Language("'{}'", "'{}':*", " | ", " & ")


@dataclass(frozen=True, slots=True)
class _Sqlite:
    """The search in SQLite: the full-text index is walked from the newest idea on."""

    session: Session
    asked: tuple[Word, ...]
    narrowed: str

    def newest(self, *, beginnings: bool, without: Sequence[int]) -> Sequence[Any]:
        """Return (id, stage, title) of the newest that hold the words; the index leads, row by row."""
        query = sa.text(
            "SELECT idea.id, idea.stage, idea.title FROM idea_search CROSS JOIN idea"  # noqa: S608  # our own
            " WHERE idea_search MATCH :match AND idea.id = idea_search.rowid"
            f" AND idea_search.rowid NOT IN (SELECT value FROM json_each(:without)) AND {self.narrowed}"
            " ORDER BY idea_search.rowid DESC LIMIT :most"
        )
        match = _FTS5.all_of(self.asked, beginnings=beginnings)
        values = {"match": match, "without": str(list(without)), "most": MOST_HITS}
        return self.session.connection().execute(query, values).all()


PROBED = 2000
"""So many of the newest ideas are looked at to see how common words are."""
LEAST_SEEN = 10
"""Fewer among those say nothing of how far one would have to walk."""
GATHERED = 2000
"""Up to so many ideas that fit what else is asked are looked at themselves, where more hold the words."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How common words are among the newest ideas.

    Args:
        ideas: How many ideas there are, nearly.
        held: In how many of the newest ``PROBED`` they are,
        fit: and how many of those fit what else is asked.
    """

    ideas: int
    held: int
    fit: int

    @property
    def holding(self) -> int:
        """Return how many ideas hold the words, nearly."""
        return self.ideas * self.held // PROBED

    @property
    def steps(self) -> int:
        """Return how many of the newest ideas one must look at to find ``MOST_HITS``, and as many again."""
        return 2 * MOST_HITS * PROBED // max(1, self.fit)

    @property
    def common(self) -> bool:
        """Say whether walking from the newest idea on costs less than having all from the index.

        The index leads to every idea that holds the words, each somewhere else. What is walked lies side by
        side: ten ideas are tried in the time one is fetched by its number.
        """
        walked = min(self.ideas, self.steps // 2)
        tried = walked * (0.1 + self.held / PROBED)
        return self.fit >= LEAST_SEEN and tried < 2 * self.holding


@dataclass(frozen=True, slots=True)
class _Postgresql:
    """The search in PostgreSQL: by the index, which knows no order; or from the newest idea on.

    Every idea that holds a common word would be fetched before the newest of them were known. Where few fit
    what else is asked, as one's own do, those are asked whether they hold it.
    """

    session: Session
    asked: tuple[Word, ...]
    narrowed: str

    def newest(self, *, beginnings: bool, without: Sequence[int]) -> Sequence[Any]:
        """Return (id, stage, title) of the newest that hold the words."""
        match = _TSQUERY.all_of(self.asked, beginnings=beginnings)
        values = {"match": match, "without": list(without), "most": MOST_HITS}
        seen = self._seen(match)
        if seen.common:
            found = self._found(_WALKED, values | {"steps": seen.steps})
            if len(found) >= MOST_HITS or seen.steps >= seen.ideas:
                return found
        few = self._few() if seen.holding > GATHERED else None
        return self._found(_INDEXED, values) if few is None else self._found(_AMONG, values | {"few": few})

    def _few(self) -> list[int] | None:
        """Return the ideas that fit what else is asked; ``None`` where they are many."""
        query = sa.text(f"SELECT idea.id FROM idea WHERE {self.narrowed} LIMIT :most")  # noqa: S608  # our own
        found = self.session.connection().execute(query, {"most": GATHERED + 1}).scalars().all()
        return list(found) if len(found) <= GATHERED else None

    def _seen(self, match: str) -> Seen:
        query = sa.text(
            "SELECT coalesce((SELECT max(idea_id) FROM idea_search), 0), count(*), count(idea.id)"  # noqa: S608
            " FROM (SELECT idea_id FROM"
            " (SELECT idea_id, words FROM idea_search ORDER BY idea_id DESC LIMIT :probed) AS newest"
            " WHERE words @@ CAST(:match AS tsquery) OFFSET 0) AS near"
            f" LEFT JOIN idea ON idea.id = near.idea_id AND {self.narrowed}"
        )
        values = {"match": match, "probed": PROBED}
        return Seen(*self.session.connection().execute(query, values).one())

    def _found(self, near: str, values: dict[str, object]) -> Sequence[Any]:
        """Return what is found: ideas are fetched from the newest on, until enough of them fit."""
        query = sa.text(
            f"SELECT idea.id, idea.stage, idea.title FROM ({near} OFFSET 0) AS near"  # noqa: S608  # our own
            f" JOIN idea ON idea.id = near.id WHERE {self.narrowed} ORDER BY near.id DESC LIMIT :most"
        )
        return self.session.connection().execute(query, values).all()


_HOLDING = "words @@ CAST(:match AS tsquery) AND idea_id <> ALL (CAST(:without AS integer[]))"
_INDEXED = f"SELECT idea_id + 0 AS id FROM idea_search WHERE {_HOLDING} ORDER BY 1 DESC"  # noqa: S608
"""The sum keeps the planner from walking all ideas by their number."""
_AMONG = f"SELECT idea_id AS id FROM idea_search WHERE idea_id = ANY (CAST(:few AS integer[])) AND {_HOLDING}"  # noqa: S608
_WALKED = (
    "SELECT idea_id AS id FROM"  # noqa: S608
    " (SELECT idea_id, words FROM idea_search ORDER BY idea_id DESC LIMIT :steps) AS newest"
    f" WHERE {_HOLDING} ORDER BY idea_id DESC"
)
