"""The list: every visible idea exactly once, in each order, whatever happens meanwhile; hidden counts stay hidden."""

import json
import random
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from livinglab.core.viewer import VISITOR, Role, Viewer
from livinglab.ideas.commands import reindex_idea
from livinglab.ideas.models import RING, Activity, Byline, Idea, IdeaCount, Publication, Stage
from livinglab.ideas.queries import visible_to, words
from livinglab.ideas.queries.listing import Filter, Order, ideas_page
from livinglab.ideas.queries.places import places
from livinglab.ideas.queries.search import alike, did_you_mean
from livinglab.ideas.queries.tally import stage_counts
from livinglab.ideas.rules import GLANCES, fair_key, glance_of, ring_spans, seed_of_hour, why_not_see


def walk(session, wanted, order, now, *, hours=None, between=None, size=24):
    """Walk all pages as a reader does: the cursor goes through JSON, the clock goes on."""
    seen, after, step = [], None, 0
    while True:
        page = ideas_page(session, wanted, order, now, after=after, hidden_hours=hours, size=size)
        seen += [card.id for card in page.cards]
        if page.after is None:
            return seen
        after = json.loads(json.dumps(page.after))
        step += 1
        assert step < 2000, "the walk does not end"
        if between:
            now = between(step, now)


def many(session, make, count, *, noon, spread_glances=True, labs=2, body="Mer."):
    """Plant ideas in few statements."""
    made = [make.lab() for _ in range(labs)]
    author = make.resident()
    rng = random.Random(7)
    rows = [
        {
            "lab_id": made[n % labs].id, "author_id": author.id, "byline": Byline.NAME, "language": "nb",
            "title": f"Idé nummer {n}", "summary": "En setning.", "body": body, "gains": "", "place": "", "link": "",
            "image_alt": "", "version": 1, "publication": Publication.PUBLISHED, "wants_publishing": False,
            "stage": rng.choice(list(Stage)), "activity": Activity.ACTIVE, "move": 0, "round": 1, "next_step": "",
            "next_who": "", "ring": rng.randrange(RING), "glance": glance_of(int(rng.paretovariate(0.8)) - 1) if spread_glances else 0,
            "created_at": noon, "edited_at": noon, "published_at": noon - timedelta(minutes=n // 3),
        }
        for n in range(count)
    ]  # fmt: skip
    session.execute(sa.insert(Idea), rows)
    ids = session.scalars(sa.select(Idea.id).where(Idea.author_id == author.id)).all()
    numbers = [
        {"idea_id": i, "supports": rng.randrange(60), "staff_supports": 0, "comments": 0, "followers": 0}
        for i in ids
    ]
    session.execute(sa.insert(IdeaCount), numbers)
    session.flush()
    return made, author


# -- the ring, as arithmetic


@given(
    rings=st.lists(st.tuples(st.integers(0, GLANCES - 1), st.integers(0, RING - 1)), min_size=1, max_size=60),
    seed=st.integers(0, RING - 1),
    size=st.integers(1, 7),
)
@settings(max_examples=300, deadline=None)
def test_walking_the_ring_meets_each_idea_once_and_in_order(rings, seed, size):
    ideas = [(n, glance, ring) for n, (glance, ring) in enumerate(rings)]
    seen, start = [], None
    while True:
        near = [
            (fair_key(glance, ring, seed), n)
            for n, glance, ring in ideas
            for low, high in ring_spans(glance, seed, start[0] if start else None)
            if low < ring < high
        ]
        ahead = sorted(place for place in near if start is None or place > start)
        seen += ahead[:size]
        if len(ahead) <= size:
            break
        start = json.loads(json.dumps(ahead[size - 1]))
        start = (start[0], start[1])
    assert [n for _, n in seen] == [n for _, n in sorted((fair_key(g, r, seed), n) for n, g, r in ideas)]


def test_an_idea_seen_by_few_comes_first_more_often():
    rng = random.Random(3)
    first = [0] * GLANCES
    for _ in range(20_000):
        seed = rng.randrange(RING)
        first[min((fair_key(b, rng.randrange(RING), seed), b) for b in range(GLANCES))[1]] += 1
    whole = sum(2.0**-b for b in range(GLANCES))
    for b in range(5):
        assert first[b] / 20_000 == pytest.approx(2.0**-b / whole, rel=0.15)


def test_glance_is_the_rounded_logarithm_of_those_who_saw_it():
    assert [glance_of(e) for e in (0, 1, 2, 3, 7, 126, 127, 10_000)] == [0, 1, 1, 2, 3, 6, 7, 7]


def test_the_order_turns_once_an_hour(noon):
    assert seed_of_hour(noon) == seed_of_hour(noon + timedelta(minutes=59, seconds=59))
    assert seed_of_hour(noon) != seed_of_hour(noon + timedelta(hours=1))


# -- walking


@pytest.mark.parametrize("order", [Order.FAIR, Order.NEWEST, Order.BEST])
def test_walking_five_thousand_ideas_shows_each_exactly_once_past_the_hour(session, make, noon, order):
    labs, author = many(session, make, 5000, noon=noon)
    late = noon + timedelta(minutes=58)
    new = []

    def between(step, now):
        if step % 40 == 0:  # somebody publishes while we read
            new.append(make.idea(labs[0], author=author, published_at=late).id)
        return now + timedelta(seconds=20)  # the full hour passes on the seventh page

    seen = walk(session, Filter(), order, late, hours={lab.id: 72 for lab in labs}, between=between)
    assert len(seen) == len(set(seen))
    assert len(set(seen) - set(new)) == 5000


def test_each_filter_shows_exactly_its_own_ideas(session, make, noon):
    labs, author = many(session, make, 400, noon=noon)
    challenge, category = make.challenge(labs[0]), make.category(labs[0])
    for n in range(30):
        make.idea(
            labs[0], author=author, challenge=challenge if n % 2 else None, category_id=category.id if n % 3 else None,
            activity=Activity.DECLINED if n % 5 == 0 else Activity.ACTIVE, language="fi",
        )  # fmt: skip
    make.idea(labs[0], publication=Publication.PENDING)
    make.idea(labs[0], activity=Activity.WITHDRAWN, author=author)
    every = session.scalars(sa.select(Idea)).all()
    shown = [
        i for i in every if i.publication is Publication.PUBLISHED and i.activity is not Activity.WITHDRAWN
    ]
    cases = {
        Filter(lab_id=labs[0].id): lambda i: i.lab_id == labs[0].id,
        Filter(challenge_id=challenge.id): lambda i: i.challenge_id == challenge.id,
        Filter(lab_id=labs[0].id, box=True): lambda i: i.lab_id == labs[0].id and i.challenge_id is None,
        Filter(lab_id=labs[1].id, stage=Stage.CONCEPT): lambda i: (
            i.lab_id == labs[1].id and i.stage is Stage.CONCEPT
        ),
        Filter(activity=Activity.DECLINED): lambda i: i.activity is Activity.DECLINED,
        Filter(category_id=category.id): lambda i: i.category_id == category.id,
        Filter(language="fi"): lambda i: i.language == "fi",
        Filter(author_id=author.id): lambda i: i.author_id == author.id,
    }
    for wanted, test in cases.items():
        expected = sorted(i.id for i in shown if test(i))
        for order in (Order.FAIR, Order.NEWEST, Order.BEST):
            hours = places(session).hidden_hours
            assert sorted(walk(session, wanted, order, noon, hours=hours, size=7)) == expected, (
                wanted,
                order,
            )
    withdrawn = Filter(activity=Activity.WITHDRAWN)
    assert len(walk(session, withdrawn, Order.FAIR, noon)) == 1


def test_newest_runs_from_the_newest(session, make, noon):
    many(session, make, 60, noon=noon)
    seen = walk(session, Filter(), Order.NEWEST, noon, size=7)
    days = dict(session.execute(sa.select(Idea.id, Idea.published_at)).all())
    assert seen == sorted(seen, key=lambda i: (days[i], i), reverse=True)


@pytest.mark.parametrize(
    "after", [["f"], ["n", "x", 1], ["f", 1, 2.0, 10**30], [1, 2], ["b", 1, 1, 1, 1], ["zz", 1, 1]]
)
def test_a_broken_cursor_is_the_first_page(session, make, noon, after):
    make.idea()
    for order in Order:
        assert len(ideas_page(session, Filter(), order, noon, after=after).cards) == 1


def test_odd_but_well_formed_cursors_do_not_fail(session, make, noon):
    make.idea()
    for order, after in (
        (Order.FAIR, ["f", -5, -3.5, -1]),
        (Order.FAIR, ["f", 2**52, 1e300, 2**52]),
        (Order.NEWEST, ["n", 2**53 - 1, 1]),
        (Order.NEWEST, ["n", -1, 1]),
        (Order.BEST, ["h", -1, 5, 0.0, 0]),
        (Order.BEST, ["b", 2**52, 2**52, 2**52]),
        (Order.FAIR, ["f", 3, float("nan"), 1]),
        (Order.FAIR, ["f", 3, float("inf"), 1]),
    ):
        ideas_page(session, Filter(), order, noon, after=after)


# -- best supported and hidden counts (V4, V6)


def test_best_supported_orders_only_what_is_open_and_the_rest_follows(session, make, noon):
    lab = make.lab()
    closing = make.challenge(lab, closes_at=noon + timedelta(days=9))
    low, high = make.idea(lab, supports=12), make.idea(lab, supports=40)
    young = make.idea(lab, supports=900, published_at=noon - timedelta(hours=71))
    in_challenge = make.idea(lab, supports=800, challenge=closing)
    page = ideas_page(session, Filter(), Order.BEST, noon, hidden_hours={lab.id: 72})
    assert [card.id for card in page.cards[:2]] == [high.id, low.id]
    assert {card.id for card in page.cards[2:]} == {young.id, in_challenge.id}
    assert page.hidden_from == 2
    assert [card.supports for card in page.cards] == [40, 12, None, None]
    assert {card.counts_from for card in page.cards[2:]} == {
        young.published_at + timedelta(hours=72), closing.closes_at
    }  # fmt: skip


def test_hidden_counts_only_show_a_band_and_no_staff_number(session, make, noon):
    lab = make.lab()
    for supports, band in ((0, 1), (9, 1), (10, 2), (24, 2), (25, 3), (4000, 3)):
        idea = make.idea(lab, supports=supports, published_at=noon)
        session.get_one(IdeaCount, idea.id).staff_supports = 3
        session.flush()
        card = ideas_page(session, Filter(), Order.NEWEST, noon).cards[0]
        assert (card.id, card.supports, card.staff_supports, card.band) == (idea.id, None, 0, band)


def test_an_instant_ahead_of_now_opens_nothing(session, make, noon):
    lab = make.lab()
    young = [make.idea(lab, supports=n, published_at=noon).id for n in (5, 50, 20)]
    ahead = int((noon + timedelta(days=30)).timestamp())
    page = ideas_page(
        session, Filter(), Order.BEST, noon, after=["b", ahead, 10**6, 10**6], hidden_hours={lab.id: 72}
    )
    assert page.hidden_from == 0
    assert sorted(card.id for card in page.cards) == sorted(young)


def test_hidden_counts_do_not_shape_the_order(session, make, noon):
    lab = make.lab()
    made = [make.idea(lab, supports=n, published_at=noon).id for n in range(12)]
    before = walk(session, Filter(), Order.BEST, noon, hours={lab.id: 72})
    session.execute(sa.update(IdeaCount).values(supports=100 - IdeaCount.supports))
    assert walk(session, Filter(), Order.BEST, noon, hours={lab.id: 72}) == before
    assert sorted(before) == made


def test_each_lab_hides_counts_for_its_own_hours(session, make, noon):
    quick, slow = (
        make.lab(settings={"counts_hidden_hours": 1}),
        make.lab(settings={"counts_hidden_hours": 200}),
    )
    two = [make.idea(lab, supports=5, published_at=noon - timedelta(hours=2)).id for lab in (quick, slow)]
    page = ideas_page(session, Filter(), Order.BEST, noon, hidden_hours=places(session).hidden_hours)
    assert {card.id: card.supports for card in page.cards} == {two[0]: 5, two[1]: None}


# -- how many, who sees


def test_stages_are_counted_under_the_same_filter(session, make, noon):
    lab = make.lab()
    for stage in (Stage.IDEA, Stage.IDEA, Stage.SERVICE):
        make.idea(lab, stage=stage)
    make.idea(lab, activity=Activity.MERGED)
    make.idea(make.lab())
    counts = stage_counts(session, Filter(lab_id=lab.id, stage=Stage.SERVICE)).stages
    assert counts == {Stage.IDEA: 2, Stage.CONCEPT: 0, Stage.PROTOTYPE: 0, Stage.SERVICE: 1}


@pytest.mark.parametrize("publication", list(Publication))
def test_the_condition_and_the_rule_of_who_sees_agree(session, make, noon, publication):
    lab, author = make.lab(), make.resident()
    idea = make.idea(lab, author=author, publication=publication)
    viewers = [VISITOR, make.viewer(), make.viewer(author), make.viewer(make.facilitator(lab))]
    viewers += [
        make.viewer(make.manager(lab)),
        make.viewer(make.lead(lab)),
        make.viewer(make.facilitator(make.lab())),
    ]
    viewers.append(Viewer(person_id=make.resident().id, roles={lab.id: frozenset({Role.LEAD})}))
    for viewer in viewers:
        seen = session.scalar(sa.select(Idea.id).where(visible_to(viewer), Idea.id == idea.id))
        assert (seen is not None) == (why_not_see(idea, viewer) is None)
    expected = publication is Publication.PUBLISHED
    assert (session.scalar(sa.select(Idea.id).where(visible_to(VISITOR))) is not None) == expected


# -- words and likeness


def plant(session, make, title, lab, language="nb", **more):
    idea = make.idea(lab, title=title, language=language, **more)
    reindex_idea(session, idea)
    return idea.id


def found(session, typed, noon, **more):
    return [card.id for card in ideas_page(session, Filter(words=typed, **more), Order.MATCH, noon).cards]


def test_words_are_found_in_any_form_and_language(session, make, noon):
    lab = make.lab()
    nb = plant(session, make, "Måking av trapper for eldre naboer", lab)
    fi = plant(
        session, make, "Esteetön näköalareitti", lab, "fi", body="Näköalapaikalle pääsee pyörätuolilla"
    )
    sv = plant(session, make, "Språkkafé mellan hyllorna", lab, "sv")
    assert found(session, "trappen", noon) == [nb]
    assert found(session, "naboer måking", noon) == [nb]
    assert found(session, "pyörätuolit", noon) == [fi]
    assert found(session, "näköala", noon) == [fi]
    assert found(session, "språk", noon) == [sv]
    assert found(session, "trapper språk", noon) == []


@pytest.mark.parametrize(
    "typed", ['"', "*", "a AND", "'; drop table idea", "(((", "NEAR(", "å:*", "\\", "|&!", "  "]
)
def test_no_sign_in_a_search_breaks_it(session, make, noon, typed):
    plant(session, make, "Måking av trapper", make.lab())
    for order in Order:
        ideas_page(session, Filter(words=typed), order, noon)
    stage_counts(session, Filter(words=typed))
    alike(session, typed)
    did_you_mean(session, typed)


def test_a_title_weighs_more_than_the_text(session, make, noon):
    lab = make.lab()
    text = plant(session, make, "Noe helt annet enn dette", lab, body="Her står ordet sykkelbru en gang.")
    title = plant(session, make, "Sykkelbru over elva", lab)
    assert found(session, "sykkelbru", noon) == [title, text]


def test_only_public_ideas_are_found_and_hiding_takes_them_out(session, make, noon):
    lab = make.lab()
    idea_id = plant(session, make, "Snøvakt for eldre naboer", lab)
    plant(session, make, "Snøvakt som venter", lab, publication=Publication.PENDING)
    assert found(session, "snøvakt", noon) == [idea_id]
    idea = session.get_one(Idea, idea_id)
    idea.publication = Publication.HIDDEN
    reindex_idea(session, idea)
    assert found(session, "snøvakt", noon) == []
    assert alike(session, "Snøvakt for naboer") == ()


def test_search_pages_show_each_hit_once(session, make, noon):
    lab = make.lab()
    ids = [plant(session, make, f"Sykkelvei nummer {n}", lab) for n in range(40)]
    assert sorted(walk(session, Filter(words="sykkelvei"), Order.MATCH, noon, size=7)) == ids
    assert sorted(walk(session, Filter(words="sykkelvei"), Order.NEWEST, noon, size=7)) == ids


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("Måking av trapp for eldre naboer", "Snømåking for eldre naboer"),
        ("Sykelparkering ved stasjonen", "Sykkelparkering ved stasjonen"),
        ("Pyöräparkki asemalle", "Pyörä parkki aseman viereen"),
        ("Bastu vid sjön", "Bastu vid Storsjön"),
    ],
)
def test_a_title_like_another_is_shown_also_with_typos_and_split_words(session, make, noon, typed, title):
    lab = make.lab()
    wanted = plant(session, make, title, lab)
    for other in (
        "Ungdom lærer bort mobil",
        "Låneskap på biblioteket",
        "Middagsvenn på torsdager",
        "Ny lekeplass",
    ):
        plant(session, make, other, lab)
    assert [one.id for one in alike(session, typed, lab_id=lab.id, language="nb")][:1] == [wanted]


def test_likeness_stays_in_the_lab_and_leaves_out_the_idea_itself(session, make, noon):
    lab, other = make.lab(), make.lab()
    here = plant(session, make, "Bastu vid sjön", lab)
    plant(session, make, "Bastu vid sjön", other)
    assert [one.id for one in alike(session, "Bastu vid sjön", lab_id=lab.id)] == [here]
    assert alike(session, "Bastu vid sjön", lab_id=lab.id, without=here) == ()


def test_places_name_labs_open_challenges_and_standing_categories(session, make, noon):
    lab = make.lab(settings={"counts_hidden_hours": 5})
    challenge, category = make.challenge(lab), make.category(lab)
    make.category(lab, retired_at=noon)
    found_places = places(session)
    assert found_places.hidden_hours == {lab.id: 5}
    assert [(c.id, c.closes_at, c.open_at(noon)) for c in found_places.challenges_of(lab.id)] == [
        (challenge.id, challenge.closes_at, True)
    ]
    assert [c.id for c in found_places.categories_of(lab.id)] == [category.id]


@pytest.mark.parametrize("order", [Order.MATCH, Order.NEWEST, Order.FAIR])
def test_a_word_common_elsewhere_hides_nothing_of_a_small_lab(session, make, noon, monkeypatch, order):
    monkeypatch.setattr(words, "MOST_HITS", 3)
    large, small = make.lab(), make.lab()
    for n in range(6):
        plant(session, make, f"Sykkelvei {n}", large)
    challenge, category = make.challenge(small), make.category(small)
    own = plant(
        session, make, "Noe om veier", small, body="Her trengs en sykkelvei, sa mange.",
        challenge=challenge, category_id=category.id, stage=Stage.CONCEPT,
    )  # fmt: skip
    for more in (
        {"lab_id": small.id},
        {"challenge_id": challenge.id},
        {"category_id": category.id, "lab_id": small.id},
        {"stage": Stage.CONCEPT},
    ):
        wanted = Filter(words="sykkelvei", **more)
        assert [card.id for card in ideas_page(session, wanted, order, noon).cards] == [own]
        if wanted.stage is None:
            assert stage_counts(session, wanted).of(None) == 1
