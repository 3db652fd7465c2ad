"""Two at once, many rounds: exactly one of them decides, and nobody publishes what nobody has read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import col, select

from livinglab.core.db import Database, known_id
from livinglab.core.errors import Refused
from livinglab.core.viewer import Viewer
from livinglab.ideas.commands import edit_idea
from livinglab.ideas.models import Idea, IdeaVersion, Publication
from livinglab.moderation.commands import decide_case, hold_case, submit_edit
from livinglab.moderation.models import Case, Decision, Source
from livinglab.moderation.rules import Verdict
from tests.make import Make
from tests.moderation.conftest import TEXTS
from tests.races import ROUNDS

FACTS = "Teksten nevner en nabo med navn."


def test_two_moderators_on_one_case_one_decides(database: Database, make: Make, noon: datetime) -> None:
    people, cases = _queue(database, make, noon)

    def decide(case_id: int, person: Viewer, verdict: Verdict) -> bool:
        try:
            with database.writing() as session:
                decide_case(
                    session,
                    case_id=case_id,
                    person=person,
                    verdict=verdict,
                    rule="respect",
                    facts=FACTS,
                    stamp=0,
                    now=noon,
                )
        except Refused as refused:
            if refused.code != "case-closed":
                raise
            return False
        return True

    pairs = ((people[0], Verdict.RETURN), (people[1], Verdict.REJECT))
    with ThreadPoolExecutor(2) as pool:
        for case_id in cases:
            both = list(pool.map(lambda pair, c=case_id: decide(c, *pair), pairs))
            assert sorted(both) == [False, True]
    with database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Decision)) == ROUNDS
        agree = (
            select(sa.func.count())
            .select_from(Decision)
            .join(Idea, col(Idea.id) == col(Decision.idea_id))
            .where(
                sa.cast(col(Idea.publication), sa.String)
                == sa.case(
                    (sa.cast(col(Decision.action), sa.String) == "return", "returned"), else_="rejected"
                )
            )
        )
        assert session.scalar(agree) == ROUNDS


def _queue(database: Database, make: Make, noon: datetime) -> tuple[list[Viewer], list[int]]:
    """Put ``ROUNDS`` new ideas into a lab's queue; return two of its facilitators and the cases."""
    lab = make.lab()
    people = [make.viewer(make.facilitator(lab)) for _ in range(2)]
    idea = make.idea(lab)
    with database.writing() as session:
        session.execute(sa.insert(Idea), [_waiting(idea) for _ in range(ROUNDS)])
        ids = session.scalars(select(Idea.id).where(Idea.publication == Publication.PENDING)).all()
        rows = [
            {
                "lab_id": lab.id,
                "idea_id": i,
                "source": Source.NEW,
                "findings": [],
                "opened_at": noon,
                "due_at": noon,
                "stamp": 0,
            }
            for i in ids
        ]
        session.execute(sa.insert(Case), rows)
        return people, [known_id(case_id) for case_id in session.scalars(select(Case.id))]


def test_of_two_who_reach_for_a_case_one_has_it_and_the_other_is_told(
    database: Database, make: Make, noon: datetime
) -> None:
    people, cases = _queue(database, make, noon)

    def reach(case_id: int, person: Viewer) -> int | None:
        with database.writing() as session:
            return hold_case(session, case_id=case_id, person=person, now=noon)

    with ThreadPoolExecutor(2) as pool:
        for case_id in cases:
            told = list(pool.map(lambda person, c=case_id: reach(c, person), people))
            assert told.count(None) == 1
            with database.reading() as session:
                holder = session.get_one(Case, case_id).held_by
            assert told[1 - told.index(None)] == holder == people[told.index(None)].person_id
    with database.reading() as session:
        held = session.scalars(select(Case.held_by).where(col(Case.held_by).is_not(None))).all()
    assert len(held) == len(set(held)), "nobody has two cases in hand"


def test_taking_over_against_deciding_loses_no_decision_silently(
    database: Database, make: Make, noon: datetime
) -> None:
    (ida, jon), cases = _queue(database, make, noon)

    def decide(case_id: int, person: Viewer) -> str:
        try:
            with database.writing() as session:
                decide_case(
                    session, case_id=case_id, person=person, verdict=Verdict.RETURN, rule="respect", facts=FACTS,
                    stamp=0, now=noon,
                )  # fmt: skip
        except Refused as refused:
            return refused.code
        return "decided"

    def take_over(case_id: int) -> str:
        with database.writing() as session:
            hold_case(session, case_id=case_id, person=jon, now=noon, take_over=True)
        return decide(case_id, jon)

    seen = set()
    with ThreadPoolExecutor(2) as pool:
        for case_id in cases:
            with database.writing() as session:
                hold_case(session, case_id=case_id, person=ida, now=noon)
            first, second = pool.submit(decide, case_id, ida), pool.submit(take_over, case_id)
            both = (first.result(), second.result())
            assert both in {
                ("decided", "case-closed"),
                ("in-other-hands", "decided"),
                ("case-closed", "decided"),
            }
            seen.add(both)
            with database.reading() as session:
                (by,) = session.scalars(select(Decision.by_id).where(Decision.case_id == case_id)).all()
            assert by == (ida if both[0] == "decided" else jon).person_id
    assert seen


def _waiting(idea: Idea) -> dict[str, object]:
    return idea.model_dump(exclude={"id"}) | {"publication": Publication.PENDING, "published_at": None}


def test_publishing_against_an_edit_never_publishes_what_nobody_read(
    database: Database, make: Make, noon: datetime
) -> None:
    lab, author = make.lab(), make.person()
    ida, writer = make.viewer(make.facilitator(lab)), make.viewer(author)
    idea_id = make.idea(lab, author=author, body="Tekst 0").id or 0

    def edit(n: int) -> int:
        with database.writing() as session:
            idea = session.get_one(Idea, idea_id)
            texts = replace(TEXTS, title=idea.title, summary=idea.summary, body=f"Tekst {n}", language="nb")
            version = edit_idea(session, idea_id=idea_id, texts=texts, note="ny", person=writer, now=noon)
            assert version is not None
            submit_edit(session, idea_id=idea_id, number=version.number, person=writer, now=noon)
            return version.number

    def publish(case_id: int, stamp: int) -> bool:
        try:
            with database.writing() as session:
                decide_case(
                    session, case_id=case_id, person=ida, verdict=Verdict.PUBLISH, stamp=stamp, now=noon
                )
        except Refused as refused:
            if refused.code != "case-changed":
                raise
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        for n in range(1, ROUNDS + 1):
            edit(2 * n)
            with database.reading() as session:
                case = session.scalars(select(Case).where(col(Case.closed_at).is_(None))).one()
                case_id, stamp = case.id or 0, case.stamp
            published = pool.submit(publish, case_id, stamp)
            changed = pool.submit(edit, 2 * n + 1)
            won, _ = published.result(), changed.result()
            with database.reading() as session:
                shown = session.get_one(Idea, idea_id).body
                waiting = session.scalars(
                    select(IdeaVersion.body).where(IdeaVersion.publication == Publication.PENDING)
                ).all()
            assert waiting == [f"Tekst {2 * n + 1}"]
            assert (shown == f"Tekst {2 * n}") is won
            with database.reading() as session:
                case = session.scalars(select(Case).where(col(Case.closed_at).is_(None))).one()
            assert publish(case.id or 0, case.stamp)
