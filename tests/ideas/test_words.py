"""What a search finds and in which order: the same on both databases, whichever way it is looked for."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from livinglab.ideas.models import IdeaCount, Stage
from livinglab.ideas.queries import words
from livinglab.ideas.queries.listing import Filter, Order, best, found_in, ideas_page
from livinglab.ideas.queries.tally import stage_counts
from livinglab.ideas.queries.words import Seen, find
from tests.ideas.test_listing import found, plant, walk


def test_titles_come_first_then_whole_words_then_the_newest(session, make, noon):
    lab = make.lab()
    begins = plant(session, make, "Noe annet", lab, body="Vi vil ha en benkerad der.")
    text = plant(session, make, "Noe helt annet", lab, body="Vi vil ha en benk der.")
    newer_text = plant(session, make, "Noe ganske annet", lab, body="Vi vil ha en benk her.")
    compound = plant(session, make, "Benkerad ved elva", lab)
    form = plant(session, make, "Flere benker ved elva", lab)
    typed = plant(session, make, "En (benk) ved elva", lab)
    plant(session, make, "Lekeplass", lab)
    assert found(session, "benk", noon) == [typed, form, compound, newer_text, text, begins]
    assert found(session, "benk elva", noon) == [typed, form, compound]


def test_a_word_as_it_was_typed_counts_the_same_beside_a_comma_or_another_form(session, make, noon):
    lab = make.lab()
    typed = [plant(session, make, title, lab) for title in ("Benk, ny", "Benker (og en benk)", "En benk")]
    plant(session, make, "Benker", lab)
    assert found(session, "benk", noon)[:3] == typed[::-1]


def test_raised_digits_and_underscores_are_found_alike_on_both_databases(session, make, noon):
    lab = make.lab()
    garden = plant(session, make, "Hage på 40 m²", lab)
    tag = plant(session, make, "Noe annet", lab, body="Merket med mitt_kvartal.")
    assert [found(session, typed, noon) for typed in ("m²", "m2", "40 m²")] == [[garden]] * 3
    assert [found(session, typed, noon) for typed in ("mitt_kvartal", "kvartal")] == [[tag]] * 2


def test_of_signs_without_a_word_nothing_is_found_in_any_order(session, make, noon):
    plant(session, make, "Benk", make.lab())
    wanted = Filter(words="!?")
    wanted = Filter(words="!?", found=found_in(session, wanted))
    assert [ideas_page(session, wanted, order, noon).cards for order in Order] == [()] * len(Order)
    assert stage_counts(session, wanted).of(None) == 0


def test_a_title_in_another_form_of_an_english_word_is_a_title_too(session, make, noon):
    lab = make.lab()
    title = plant(session, make, "A library of things", lab, "en")
    plant(session, make, "Something else", lab, "en", body="All the libraries of the town.")
    assert found(session, "libraries", noon)[0] == title


def test_of_a_common_word_the_newest_are_taken_and_beginnings_only_fill_what_is_left(
    session, make, noon, monkeypatch
):
    monkeypatch.setattr(words, "MOST_HITS", 4)
    lab = make.lab()
    whole = [plant(session, make, f"Sykkel nummer {n}", lab, stage=Stage.CONCEPT) for n in range(3)]
    longer = [plant(session, make, f"Sykkelvei nummer {n}", lab) for n in range(3)]
    hits = find(session, "sykkel", ())
    assert (hits.ids, hits.cut) == ([*reversed(whole), longer[-1]], True)
    tally = stage_counts(session, Filter(words="sykkel"))
    assert (tally.of(Stage.CONCEPT), tally.of(Stage.IDEA), tally.sure(Stage.CONCEPT)) == (3, 1, False)
    whole += [plant(session, make, f"Sykkel nummer {n}", lab) for n in range(3, 5)]
    assert find(session, "sykkel", ()).ids == list(reversed(whole))[:4]
    at_concept = found_in(session, Filter(words="sykkel", stage=Stage.CONCEPT))
    assert at_concept.here.ids == list(reversed(whole[:3])), "what is newer at other stages hides none"


def test_words_of_one_or_two_letters_are_whole_words(session, make, noon):
    lab = make.lab()
    plant(session, make, "Åpen gate", lab)
    island = plant(session, make, "Båt til en å", lab)
    assert found(session, "å", noon) == [island]


@pytest.fixture
def asked(session):
    """The statements that have looked for words."""
    ran = []

    def note(_connection, _cursor, statement, _parameters, *_rest):
        if "idea_search" in statement:
            ran.append(statement)

    sa.event.listen(session.get_bind(), "before_cursor_execute", note)
    yield ran
    sa.event.remove(session.get_bind(), "before_cursor_execute", note)


def test_a_page_and_the_numbers_above_it_look_for_the_words_once(session, make, noon, asked):
    lab = make.lab()
    for n in range(3):
        plant(session, make, f"Benk nummer {n}", lab, stage=list(Stage)[n])
    asked.clear()
    wanted = Filter(words="benk", stage=Stage.CONCEPT)
    here = found_in(session, wanted)
    looked = len(asked)
    wanted = Filter(words="benk", stage=Stage.CONCEPT, found=here)
    for order in (Order.MATCH, Order.NEWEST):
        assert len(ideas_page(session, wanted, order, noon).cards) == 1
    assert stage_counts(session, wanted).of(None) == 3
    assert len(asked) == looked == (2 if session.get_bind().dialect.name == "sqlite" else 4)


@pytest.mark.parametrize("commoner_before", [False, True])
def test_walking_from_the_newest_finds_what_the_index_finds(
    session, make, noon, monkeypatch, asked, commoner_before
):
    """On PostgreSQL a common word is walked to; where that ends too early the index has the rest."""
    large, small = make.lab(), make.lab()
    for n in range(30):
        common = n < 12 if commoner_before else True
        plant(session, make, f"Benk {n}" if common or n > 26 else f"Lekeplass {n}", small if n % 3 else large)
    monkeypatch.setattr(words, "MOST_HITS", 5)
    wanted = Filter(words="benk", lab_id=small.id)
    expected = found_in(session, wanted).here
    monkeypatch.setattr(words, "PROBED", 3)
    monkeypatch.setattr(words, "LEAST_SEEN", 1)
    monkeypatch.setattr(Seen, "common", property(lambda self: self.fit > 0))
    asked.clear()
    assert found_in(session, wanted).here == expected
    assert len(expected.best) == 5
    if session.get_bind().dialect.name == "postgresql":
        assert any("LIMIT %(steps)s" in statement for statement in asked), asked


def test_of_a_common_word_few_ideas_are_asked_whether_they_hold_it(session, make, noon, monkeypatch, asked):
    """Else all that hold it were fetched on PostgreSQL: seconds among a million, for one's own three."""
    lab, me = make.lab(), make.resident()
    mine = [plant(session, make, title, lab, author=me) for title in ("Benk", "Benkerad", "Gate", "Ny benk")]
    for n in range(12):
        plant(session, make, f"Benk {n}", lab)
    wanted = Filter(words="benk", author_id=me.id)
    expected = found_in(session, wanted)
    assert expected.here.ids == [mine[3], mine[0], mine[1]]
    monkeypatch.setattr(words, "PROBED", 6)
    for most, among in ((4, True), (3, False)):  # four are mine
        monkeypatch.setattr(words, "GATHERED", most)
        asked.clear()
        assert found_in(session, wanted) == expected
        if session.get_bind().dialect.name == "postgresql":
            assert any("few" in statement for statement in asked) is among, asked


def test_a_word_is_walked_to_where_that_costs_less_than_the_index():
    million = 1_000_000
    assert Seen(million, held=140, fit=35).common
    assert Seen(million, held=2000, fit=2000).common
    assert not Seen(million, held=6, fit=6).common, "too few to say"
    assert not Seen(million, held=12, fit=12).common, "nearly all would be walked to find a thousand"
    assert not Seen(100_000, held=40, fit=40).common, "the index leads to few"


def test_a_search_sorted_by_its_age_shows_each_hit_once(session, make, noon):
    lab = make.lab()
    ids = [plant(session, make, f"Benk {n}", lab) for n in range(9)]
    assert sorted(walk(session, Filter(words="benk"), Order.NEWEST, noon, size=2)) == ids


def test_the_best_supported_of_a_search_are_not_sought_among_all(session, make, noon, monkeypatch):
    monkeypatch.setattr(best, "_walked", lambda *_: pytest.fail("the index of all supports is walked"))
    lab, old = make.lab(settings={"counts_hidden_hours": 0}), noon - timedelta(days=9)
    numbers = {}
    for supports in (3, 9, 5):
        idea_id = plant(session, make, f"Benk {supports}", lab, published_at=old)
        session.execute(sa.update(IdeaCount).where(IdeaCount.idea_id == idea_id).values(supports=supports))
        numbers[supports] = idea_id
    wanted = Filter(words="benk")
    wanted = Filter(words="benk", found=found_in(session, wanted))
    page = ideas_page(session, wanted, Order.BEST, noon, hidden_hours={lab.id: 0})
    assert [card.id for card in page.cards] == [numbers[9], numbers[5], numbers[3]]
