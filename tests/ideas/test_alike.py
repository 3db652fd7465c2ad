"""What is like a title is found at the same cost among few titles and among a million."""

from __future__ import annotations

import math
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from livinglab.core.text import grams
from livinglab.ideas.commands import reindex_idea
from livinglab.ideas.models import Idea, Publication
from livinglab.ideas.queries import search
from livinglab.ideas.queries.search import CANDIDATES, MOST_WAYS, alike, ways_to

TITLE = "Kakelugn i biblioteket vid hamnen"


def _plant(session: Session, make: Any, title: str, lab: Any) -> int:
    idea = make.idea(lab, title=title, language="sv")
    reindex_idea(session, idea)
    return int(idea.id)


def test_a_title_that_shares_two_words_is_found_among_many_that_share_one(
    session: Session, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "CANDIDATES", 12)
    lab = make.lab()
    wanted = _plant(session, make, "Biblioteket får kakelugn", lab)
    for n in range(30):
        _plant(session, make, f"{('Kakelugn', 'Biblioteket', 'Hamnen')[n % 3]} och annat {n}", lab)
    assert [one.id for one in alike(session, TITLE, lab_id=lab.id, language="sv")][:1] == [wanted]


@pytest.mark.parametrize("held", [3, 400, 40_000, 400_000])
def test_the_ways_to_like_titles_lead_to_few_of_a_million(held: int) -> None:
    rarity = dict.fromkeys(grams(TITLE), held)
    ways = ways_to(TITLE, rarity, 1_000_000)
    assert 0 < len(ways) <= MOST_WAYS
    led_to = sum(1_000_000 * math.prod(rarity[piece] / 1_000_000 for piece in way) for way in ways)
    few = 2 * CANDIDATES  # pieces by themselves, and pieces together
    assert led_to <= few or max(map(len, ways)) == 4  # as narrow as four words can make it


def test_words_that_three_titles_in_a_hundred_share_are_sought_by_twos() -> None:
    """By threes only titles with all of them were found, and most that are near hold two."""
    rarity = dict.fromkeys(grams("Lampa bro stig"), 3_000)
    assert {len(way) for way in ways_to("Lampa bro stig", rarity, 100_000)} == {2}


def test_the_likest_of_many_candidates_are_those_a_look_at_all_titles_finds(
    session: Session, make: Any
) -> None:
    words = ("Lampa", "Bänk", "Brygga", "Stig", "Rampa", "Torg", "Gunga")
    lab = make.lab()
    made = {}
    for n in range(70):
        title = f"{words[n % 7]} {words[(n * 3 + 1) % 7].lower()} vid {words[(n * 5 + 2) % 7].lower()} {n}"
        made[_plant(session, make, title, lab)] = title
    asked = "Lampa stig vid torg 90"
    found = alike(session, asked, lab_id=lab.id, language="sv", least=0.0)
    every = sa.select(Idea.id, Idea.title, Idea.language)
    of_all = sorted(
        (search._likeness(asked, search._stemmed(asked, "sv"), row) for row in session.execute(every)),
        reverse=True,
    )
    assert [one.likeness for one in found] == of_all[:5]


def test_a_title_of_one_common_word_is_sought_by_several_of_its_pieces() -> None:
    rarity = dict.fromkeys(grams("Lekplats"), 90_000)
    assert all(len(way) > 1 for way in ways_to("Lekplats", rarity, 1_000_000))
    assert ways_to("Lekplats", {}, 1_000_000) == []


def test_how_many_titles_hold_a_piece_is_kept_as_titles_come_change_and_go(
    session: Session, make: Any
) -> None:
    def recounted(*titles: str) -> bool:
        kept = {
            row[0]: row[1]
            for row in session.execute(sa.text("SELECT gram, df FROM trigram_df WHERE df <> 0"))
        }
        wanted: dict[str, int] = {}
        for piece in (piece for title in titles for piece in grams(title)):
            wanted[piece] = wanted.get(piece, 0) + 1
        return kept == wanted

    lab = make.lab()
    first, _ = (_plant(session, make, title, lab) for title in ("Bastu vid sjön", "Bastu i parken"))
    assert recounted("Bastu vid sjön", "Bastu i parken")
    idea = session.get_one(Idea, first)
    idea.title = "Bastu, bastu, kallbad"
    reindex_idea(session, idea)
    reindex_idea(session, idea)
    assert recounted("Bastu, bastu, kallbad", "Bastu i parken")
    idea.publication = Publication.HIDDEN
    reindex_idea(session, idea)
    assert recounted("Bastu i parken")
