"""Short ways to hand things in and to find their cases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.db import known_id
from livinglab.core.errors import Refused
from livinglab.core.journal import Event
from livinglab.core.mail import OutboxMail
from livinglab.core.viewer import Viewer
from livinglab.ideas.commands import start_draft, write_comment
from livinglab.ideas.models import CommentKind, Idea
from livinglab.ideas.rules import IdeaTexts
from livinglab.labs.models import Lab
from livinglab.moderation.commands import decide_case, submit_comment, submit_idea
from livinglab.moderation.models import Case, Decision
from livinglab.moderation.rules import Verdict
from livinglab.people.models import Person
from tests.make import Make

TEXTS = IdeaTexts(
    title="Benker langs elva", summary="Flere benker med tak langs turstien.", body="Fire benker med tak.",
    language="nb",
)  # fmt: skip


class Hand:
    """Hands in things as their authors do."""

    def __init__(self, session: Session, make: Make, noon: datetime) -> None:
        self.session, self.make, self.noon = session, make, noon

    def idea(self, lab: Lab, author: Person | None = None, texts: IdeaTexts = TEXTS) -> Idea:
        person = self.make.viewer(author or self.make.person())
        row = start_draft(self.session, lab_id=known_id(lab.id), texts=texts, person=person, now=self.noon)
        submit_idea(self.session, idea_id=known_id(row.id), person=person, now=self.noon)
        return row

    def comment(self, idea: Idea, author: Person | None = None, body: str = "En tanke om benkene.") -> int:
        person = self.make.viewer(author or self.make.person())
        row = write_comment(
            self.session, idea_id=known_id(idea.id), person=person, kind=CommentKind.CONCERN, body=body,
            language="nb", now=self.noon,
        )  # fmt: skip
        submit_comment(self.session, comment_id=known_id(row.id), person=person, now=self.noon)
        return known_id(row.id)

    def case(self, idea_id: int | None, comment_id: int | None = None) -> Case:
        about = Case.comment_id == comment_id if comment_id else col(Case.comment_id).is_(None)
        query = select(Case).where(Case.idea_id == idea_id, about, col(Case.closed_at).is_(None))
        return self.session.scalars(query.execution_options(populate_existing=True)).one()

    def cases(self) -> int:
        return len(self.session.scalars(select(Case).where(col(Case.closed_at).is_(None))).all())


@pytest.fixture
def hand(session: Session, make: Make, noon: datetime) -> Hand:
    return Hand(session, make, noon)


@pytest.fixture
def later(noon: datetime) -> datetime:
    return noon + timedelta(hours=3)


FACTS = "Teksten nevner en nabo med navn og adresse."


class Desk:
    """A lab with a facilitator who decides."""

    def __init__(self, session: Session, make: Make, hand: Hand, now: datetime) -> None:
        self.session, self.make, self.hand, self.now = session, make, hand, now
        self.lab: Lab = make.lab()
        self.ida: Viewer = make.viewer(make.facilitator(self.lab))

    def decide(
        self, verdict: Verdict, idea_id: int | None, comment_id: int | None = None, **more: object
    ) -> Decision:
        case = self.hand.case(idea_id, comment_id)
        values = {
            "rule": "personal-data",
            "facts": FACTS,
            "stamp": case.stamp,
            "person": self.ida,
            "now": self.now,
        }
        return decide_case(self.session, case_id=case.id or 0, verdict=verdict, **(values | more))  # type: ignore[arg-type]

    def refused(
        self, verdict: Verdict, idea_id: int | None, comment_id: int | None = None, **more: object
    ) -> str:
        before = (count(self.session, Decision), count(self.session, Event))
        with pytest.raises(Refused) as refused:
            self.decide(verdict, idea_id, comment_id, **more)
        assert (count(self.session, Decision), count(self.session, Event)) == before
        return refused.value.code


def count(session: Session, table: type) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


@pytest.fixture
def desk(session: Session, make: Make, hand: Hand, later: datetime) -> Desk:
    return Desk(session, make, hand, later)


def mails(session: Session) -> list[OutboxMail]:
    return list(session.scalars(select(OutboxMail).where(OutboxMail.kind == "decision")))
