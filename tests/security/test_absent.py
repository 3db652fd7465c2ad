"""What is not one's own answers as a number that nothing has: same status, same words, and as fast.

Every route whose address names a thing is asked twice, on both databases: for a thing of somebody else's (of
another lab, a draft, what waits, what was taken down), and for one that does not exist. Speed is judged twice:
by the statements the database is asked, and by processor time in interleaved rounds.
Source: issue "Proof", part 5; invariant I-11.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import median
from time import process_time

import pytest
import sqlalchemy as sa
from flask import url_for
from werkzeug.routing import Rule

from tests.architecture.test_hidden_objects import plain
from tests.architecture.test_matrix import BODIES, FOREIGN_STAFF
from tests.security.conftest import Both, Side
from tests.security.ledger import Tried
from tests.town import SLUG

pytestmark = [pytest.mark.line("absent"), pytest.mark.xdist_group("both")]

NOBODY = 999_999_999
STRANGERS = (*FOREIGN_STAFF, "foreign_author", "resident", "visitor")
"""Between them everybody to whom a lab's desks, and the drafts of its people, are nobody's business."""


def _things(side: Side) -> dict[str, tuple[int, ...]]:
    """Return by the name of an argument what belongs to somebody else."""
    ids = side.town.ids
    return {
        "idea_id": tuple(ids[name] for name in ("draft", "pending", "rejected", "hidden")),
        "challenge_id": (ids["draft_challenge"],),
        "handoff_id": (ids["handoff_proposed"], ids["handoff_queued"]),
        "answer_id": (ids["answer_waiting"],),
        "review_id": (ids["review_ready"],),
        "proposal_id": (ids["proposal"],),
        "evidence_id": (ids["evidence"],),
        "benefit_id": (ids["benefit"],),
        "case_id": (ids["case_pending"], ids["case_rejected"]),
        "decision_id": (ids["letter"], ids["suspended"]),
        "appeal_id": (ids["appeal"],),
        "notice_id": (ids["notice"],),
        "invitation_id": (ids["invitation"],),
        "grant_id": (ids["grant"],),
    }


@dataclass(frozen=True)
class Question:
    """One request for a thing, and the same for nothing."""

    method: str
    endpoint: str
    there: str
    nowhere: str
    number: int


def _questions(side: Side) -> list[Question]:
    usual = {"slug": SLUG, "measure_id": 1, "person_id": 1, "number": 1, "kind": "final", "role": "lead", "criterion": "need",
             "unit_id": 1, "comment_id": 1, "idea_id": side.town.ids["published"]}  # fmt: skip
    found = []
    for rule in side.app.url_map.iter_rules():
        for about, numbers in _things(side).items():
            if about not in rule.arguments:
                continue
            values = {name: usual[name] for name in rule.arguments - {about} if name in usual}
            for number in numbers:
                with side.app.test_request_context():
                    there, nowhere = (
                        url_for(rule.endpoint, **values | {about: one}) for one in (number, NOBODY)
                    )
                found += [
                    Question(method, rule.endpoint, there, nowhere, number) for method in _methods(rule)
                ]
    return found


def _methods(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


@contextmanager
def _listening(side: Side) -> Iterator[list[str]]:
    """Write down the statements the database is asked."""
    said: list[str] = []
    engine = side.app.extensions["livinglab.database"].engine

    def hear(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        said.append(statement)

    sa.event.listen(engine, "before_cursor_execute", hear)
    yield said
    sa.event.remove(engine, "before_cursor_execute", hear)


def _asked(side: Side, question: Question, who: str, path: str) -> tuple[int, str, int]:
    """Return status, words and the number of statements."""
    client, headers = side.matrix.people[who]
    sent = BODIES.get(question.endpoint) if question.method == "POST" else None
    with (
        _listening(side) as said,
        client.open(path, method=question.method, headers=headers, data=sent) as answer,
    ):
        words = plain(answer.get_data(as_text=True) + answer.headers.get("Location", ""), question.number)
        return answer.status_code, words, len(said)


PUBLIC = {"pipeline.decision": "what was decided at a gate is public for ever"}
"""Things everybody may read: nothing about them is hidden, and nobody is a stranger to them."""
TOLD_PLAINLY = ("GET ideas.page", "hidden")
"""An idea that was public says that it was taken down, and no more: its address was known to everybody."""
MORE_STATEMENTS = 4
"""So many more look-ups by number a thing may cost that is there and is refused; what they cost is timed below."""


def test_what_is_somebody_elses_answers_as_what_is_not_there(
    both: Both, tried: Tried, request: pytest.FixtureRequest
) -> None:
    """In the suite two of the strangers ask each question, in turn; with ``--whole`` all of them."""
    whole, wrong, asked = request.config.getoption("--whole"), [], 0
    for side in both:
        turns = cycle(STRANGERS)
        for question in _questions(side):
            plainly = (f"{question.method} {question.endpoint}", question.number) == (
                TOLD_PLAINLY[0],
                side.town.ids[TOLD_PLAINLY[1]],
            )
            if question.endpoint in PUBLIC or plainly:
                continue
            for who in STRANGERS if whole else islice(turns, 2):
                there, nowhere = (
                    _asked(side, question, who, path) for path in (question.there, question.nowhere)
                )
                asked += 1
                if there[:2] != nowhere[:2] or abs(there[2] - nowhere[2]) > MORE_STATEMENTS:
                    told = f"{question.method} {question.endpoint} {question.there} for {who}"
                    wrong.append(f"{told}: {there[0]} ({there[2]}), nothing: {nowhere[0]} ({nowhere[2]})")
    tried(asked // 2)
    assert not wrong, f"{len(wrong)} of {asked}\n" + "\n".join(wrong)
    assert asked > 700


TIMED = (
    "GET handoff.page", "POST handoff.acknowledge", "GET handoff.edit", "GET moderation.case", "POST moderation.decide",
    "GET moderation.decision", "GET pipeline.review", "POST pipeline.confirm", "GET pipeline.gate", "GET editing.card",
    "GET ideas.page", "POST voting.give", "POST ideas.comment", "GET ideas.versions", "GET challenges.page",
)  # fmt: skip
ROUNDS = 5
SLOWER = 1.6
"""So many times as long, in processor time, may the answer take where there is something; measured: see the page."""


def test_what_is_somebody_elses_is_answered_as_fast(both: Both, tried: Tried) -> None:
    """Interleaved, each round both ways round; the median of the rounds' ratios is judged."""
    told = []
    for side in both:
        timed = {f"{one.method} {one.endpoint}": one for one in _questions(side)}
        for question in (timed[name] for name in TIMED):
            ratios = []
            for turn in range(ROUNDS):
                paths = (question.there, question.nowhere) if turn % 2 else (question.nowhere, question.there)
                took = {path: _seconds(side, question, path) for path in paths}
                ratios.append(took[question.there] / took[question.nowhere])
            told.append((median(ratios), f"{question.method} {question.there}"))
    tried(len(told) // 2 * ROUNDS)
    assert not [one for one in told if one[0] > SLOWER]


def _seconds(side: Side, question: Question, path: str) -> float:
    """Return the processor time of a few requests."""
    client, headers = side.matrix.people["foreign_manager"]
    sent = BODIES.get(question.endpoint) if question.method == "POST" else None
    began = process_time()
    for _ in range(2):
        client.open(path, method=question.method, headers=headers, data=sent).close()
    return process_time() - began
