"""Ideas with their search, supports, comments and circles."""

from __future__ import annotations

from collections.abc import Iterator

from rapidfuzz.utils import default_process

from livinglab.core.text import grams, stems, to_plain
from livinglab.ideas.models import (
    RING,
    Activity,
    Comment,
    CommentKind,
    Credit,
    CreditKind,
    Follow,
    Idea,
    IdeaCount,
    IdeaVersion,
    Publication,
)
from livinglab.pipeline.models import (
    DeclineCode,
)
from livinglab.voting.models import Support
from tests.bench.bulk import Bulk
from tests.bench.town.plan import DAY, LANGUAGES, STREETS, WORDS, Plan, Town, place_of, title_of

_SUMMARY = "A small step that helps many."
_BODY = "We meet here every week and it is dark. A small step would help many. " * 3
_GAINS = "Everybody who lives nearby"


def write_ideas(write: Bulk, town: Town, plans: list[Plan]) -> None:
    write.write(
        Idea(
            lab_id=0,
            language="",
            title="",
            summary=_SUMMARY,
            body=_BODY,
            gains=_GAINS,
            created_at=town.now,
            edited_at=town.now,
        ),
        (
            "id", "lab_id", "challenge_id", "category_id", "author_id", "lead_id", "language", "title",
            "place", "stage", "activity", "publication", "published_at", "created_at", "edited_at", "submitted_at",
            "stage_since", "waits_since", "due_at", "late_since", "next_step", "next_who", "next_by",
            "hold_until", "decline_code", "ring",
        ),
        (_idea(town, plan) for plan in plans),
    )  # fmt: skip
    write.write(
        IdeaVersion(
            idea_id=0, number=1, publication=Publication.PUBLISHED, title="", body=_BODY, written_at=town.now
        ),
        ("idea_id", "title", "person_id", "written_at"),
        ((plan.id, title_of(plan.id), plan.author, plan.at) for plan in plans),
    )


def _idea(town: Town, plan: Plan) -> tuple[object, ...]:
    rng = town.rng
    public = plan.publication is Publication.PUBLISHED
    due = min((d for d in (plan.due, plan.next_by) if d), default=None)
    return (
        plan.id,
        plan.lab,
        plan.challenge,
        rng.choice(town.categories[plan.lab]),
        plan.author,
        plan.lead,
        plan.language,
        title_of(plan.id),
        place_of(plan.id),
        plan.stage,
        plan.activity,
        plan.publication,
        plan.at if public else None,
        plan.at,
        plan.at,
        plan.at,
        plan.waits,
        plan.waits if public else None,
        due,
        plan.due if plan.due and plan.due < town.now else None,
        "Try it on two evenings" if plan.next_by else "",
        "",
        plan.next_by.date() if plan.next_by else None,
        (town.now + 30 * DAY).date() if plan.activity is Activity.HOLD else None,
        DeclineCode.TOO_COSTLY.value if plan.activity is Activity.DECLINED else None,
        rng.randrange(RING),
    )


def write_search(write: Bulk, town: Town, plans: list[Plan]) -> None:
    """Write what search and likeness hold of the public ideas, as ``reindex_idea`` would.

    Source: ``livinglab.ideas.commands.indexing``.
    """
    public = [plan for plan in plans if plan.publication is Publication.PUBLISHED]
    same = {
        code: " ".join(stems(" ".join((_SUMMARY, to_plain(_BODY), _GAINS)), code)) for code in set(LANGUAGES)
    }
    places = {(street, code): " ".join(stems(street, code)) for street in STREETS for code in same}
    write.search(
        (plan.id, " ".join(stems(title_of(plan.id), plan.language)),
         f"{same[plan.language]} {places[place_of(plan.id), plan.language]}")
        for plan in public
    )  # fmt: skip
    if write.sqlite:
        write.likeness((plan.id, default_process(title_of(plan.id))) for plan in public)
    else:
        write.likeness((plan.id, grams(title_of(plan.id))) for plan in public)


def write_supports(write: Bulk, town: Town, plans: list[Plan]) -> None:
    """Give supports to distinct residents, never the author, so that counters equal a recount."""
    many = len(town.residents)

    def rows() -> Iterator[tuple[object, ...]]:
        for plan in plans:
            first, step = town.rng.randrange(many), 1 + 2 * town.rng.randrange(many // 2)
            seen: set[int] = {plan.author}
            person = first
            while len(seen) <= plan.supports:
                person = (person + step) % many
                if person + 1 not in seen:
                    seen.add(person + 1)
                    yield plan.id, person + 1, plan.at
                elif person == first:
                    step = 1

    write.write(Support(idea_id=0, person_id=0, given_at=town.now, counts=True, staff=False),
                ("idea_id", "person_id", "given_at"), rows())  # fmt: skip
    write.write(
        IdeaCount(idea_id=0, followers=1),
        ("idea_id", "supports", "comments"),
        ((plan.id, plan.supports, plan.comments) for plan in plans),
    )


def write_comments(write: Bulk, town: Town, plans: list[Plan]) -> None:
    kinds = tuple(CommentKind)
    pick = town.rng.choice
    write.write(
        Comment(
            idea_id=0,
            kind=CommentKind.BUILD_ON,
            body="",
            language="nb",
            publication=Publication.PUBLISHED,
            created_at=town.now,
        ),
        ("idea_id", "author_id", "kind", "body", "created_at"),
        (
            (plan.id, pick(town.residents), pick(kinds), f"Yes, and bring {pick(WORDS)}.", plan.at + n * DAY)
            for plan in plans
            for n in range(plan.comments)
        ),
    )


def write_circles(write: Bulk, town: Town, plans: list[Plan]) -> None:
    write.write(
        Credit(idea_id=0, person_id=0, kind=CreditKind.AUTHOR, given_at=town.now),
        ("idea_id", "person_id", "given_at"),
        ((plan.id, plan.author, plan.at) for plan in plans),
    )
    write.write(
        Follow(idea_id=0, person_id=0, since=town.now),
        ("idea_id", "person_id", "since"),
        ((plan.id, plan.author, plan.at) for plan in plans),
    )
