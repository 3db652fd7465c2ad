"""Delivering the journal, and the daily mail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.journal import EventTodo, record
from livinglab.core.mail import OutboxMail
from livinglab.ideas.models import Follow
from livinglab.notices.commands import deliver_notices, read_all, send_digests, stop_digest
from livinglab.notices.models import Notice
from tests.make import Make

MORNING = datetime(2026, 3, 3, 6, 45, tzinfo=UTC)  # 07:45 in Oslo


def _follower(make: Make, idea_id: int | None, **more: object) -> int:
    person = make.resident(**more)
    make.add(Follow(idea_id=idea_id, person_id=person.id, since=person.created_at))
    return person.id or 0


def _mails(session: Session, kind: str) -> list[OutboxMail]:
    return list(session.scalars(select(OutboxMail).where(OutboxMail.kind == kind)))


def test_a_follower_gets_one_notice_however_often_it_is_delivered(
    session: Session, make: Make, noon: datetime
) -> None:
    idea = make.idea()
    follower = _follower(make, idea.id)
    event = record(session, "idea-edited", at=noon, actor_id=None, idea_id=idea.id, lab_id=idea.lab_id)
    deliver_notices(session, now=noon)
    session.add(
        EventTodo(reader="notices", event_id=event.id or 0)
    )  # as after a crash before the commit of "done"
    session.flush()
    deliver_notices(session, now=noon)
    notices = list(session.scalars(select(Notice).where(Notice.person_id == follower)))
    assert len(notices) == 1
    assert session.scalar(select(sa.func.count()).select_from(EventTodo)) == 0


def test_nobody_is_told_what_they_did_themself(session: Session, make: Make, noon: datetime) -> None:
    idea = make.idea()
    record(session, "idea-edited", at=noon, actor_id=idea.author_id, idea_id=idea.id, lab_id=idea.lab_id)
    deliver_notices(session, now=noon)
    assert session.scalar(select(Notice.id).where(Notice.person_id == idea.author_id)) is None


def test_a_muted_follower_hears_nothing(session: Session, make: Make, noon: datetime) -> None:
    idea = make.idea()
    person = make.resident()
    make.add(Follow(idea_id=idea.id, person_id=person.id, since=noon, muted=True))
    record(session, "idea-edited", at=noon, actor_id=None, idea_id=idea.id, lab_id=idea.lab_id)
    deliver_notices(session, now=noon)
    assert session.scalar(select(Notice.id).where(Notice.person_id == person.id)) is None


def test_an_answer_is_mailed_to_the_author_at_once_and_to_nobody_else(
    session: Session, make: Make, noon: datetime
) -> None:
    idea = make.idea()
    _follower(make, idea.id)
    record(
        session,
        "answer-published",
        at=noon,
        actor_id=None,
        idea_id=idea.id,
        lab_id=idea.lab_id,
        data={"kind": "preliminary"},
    )
    deliver_notices(session, now=noon)
    assert [mail.person_id for mail in _mails(session, "event")] == [idea.author_id]


def test_ten_events_of_a_day_make_one_digest_and_two_runs_one_mail(session: Session, make: Make) -> None:
    idea = make.idea()
    follower = _follower(make, idea.id)
    for hour in range(12):
        at = MORNING - timedelta(hours=hour + 1)
        record(
            session,
            "idea-edited",
            at=at,
            actor_id=None,
            idea_id=idea.id,
            lab_id=idea.lab_id,
            data={"number": hour},
        )
    deliver_notices(session, now=MORNING)
    send_digests(session, now=MORNING)
    send_digests(session, now=MORNING + timedelta(minutes=15))
    mails = [mail for mail in _mails(session, "digest") if mail.person_id == follower]
    assert len(mails) == 1
    assert len(mails[0].data["event_ids"]) == 10
    assert mails[0].data["more"] == 2


def test_before_half_past_seven_of_the_lab_nothing_is_sent(session: Session, make: Make) -> None:
    lab = make.lab(timezones=["Europe/Helsinki"])
    idea = make.idea(lab)
    _follower(make, idea.id)
    night = datetime(2026, 3, 3, 5, 29, tzinfo=UTC)  # 07:29 in Helsinki
    record(
        session, "idea-edited", at=night - timedelta(hours=3), actor_id=None, idea_id=idea.id, lab_id=lab.id
    )
    deliver_notices(session, now=night)
    send_digests(session, now=night)
    assert _mails(session, "digest") == []
    send_digests(session, now=night + timedelta(minutes=1))
    assert len(_mails(session, "digest")) == 2  # follower and author


def test_without_news_there_is_no_mail(session: Session, make: Make) -> None:
    make.idea()
    send_digests(session, now=MORNING)
    assert _mails(session, "digest") == []


def test_who_has_read_it_on_the_site_gets_no_digest_of_it(session: Session, make: Make) -> None:
    idea = make.idea()
    person = make.resident()
    make.add(Follow(idea_id=idea.id, person_id=person.id, since=person.created_at))
    record(
        session,
        "idea-edited",
        at=MORNING - timedelta(hours=2),
        actor_id=idea.author_id,
        idea_id=idea.id,
        lab_id=idea.lab_id,
    )
    deliver_notices(session, now=MORNING)
    read_all(session, person=make.viewer(person), now=MORNING)
    send_digests(session, now=MORNING)
    assert _mails(session, "digest") == []


def test_one_click_ends_the_daily_mail(session: Session, make: Make) -> None:
    idea = make.idea()
    person = make.resident()
    make.add(Follow(idea_id=idea.id, person_id=person.id, since=person.created_at))
    stop_digest(session, mail_key=person.mail_key)
    record(
        session,
        "idea-edited",
        at=MORNING - timedelta(hours=2),
        actor_id=idea.author_id,
        idea_id=idea.id,
        lab_id=idea.lab_id,
    )
    deliver_notices(session, now=MORNING)
    send_digests(session, now=MORNING)
    assert _mails(session, "digest") == []
    assert session.scalar(select(col(Notice.id)).where(Notice.person_id == person.id)) is not None


def test_an_event_that_cannot_be_told_does_not_hold_up_the_others(
    session: Session, make: Make, noon: datetime
) -> None:
    idea = make.idea()
    follower = _follower(make, idea.id)
    record(session, "report-settled", at=noon, actor_id=None, idea_id=idea.id, data={"person_id": 999_999})
    record(session, "idea-edited", at=noon, actor_id=None, idea_id=idea.id, lab_id=idea.lab_id)
    assert deliver_notices(session, now=noon) == 1
    assert session.scalar(select(Notice.id).where(Notice.person_id == follower)) is not None
    assert session.scalar(select(EventTodo.tries)) == 1


def test_a_popular_idea_costs_as_many_statements_as_any(session: Session, make: Make, noon: datetime) -> None:
    def cost(followers: int) -> int:
        idea = make.idea()
        for _ in range(followers):
            _follower(make, idea.id)
        record(session, "idea-edited", at=noon, actor_id=None, idea_id=idea.id, lab_id=idea.lab_id)
        seen: list[str] = []
        hear = lambda _c, _k, statement, *_more: seen.append(statement)  # noqa: E731
        sa.event.listen(session.get_bind(), "before_cursor_execute", hear)
        deliver_notices(session, now=noon)
        sa.event.remove(session.get_bind(), "before_cursor_execute", hear)
        return len(seen)

    assert cost(60) == cost(2)


def test_digests_in_steps_reach_everybody_once(session: Session, make: Make) -> None:
    idea = make.idea()
    people = {_follower(make, idea.id) for _ in range(5)}
    at = MORNING - timedelta(hours=2)
    record(session, "idea-edited", at=at, actor_id=None, idea_id=idea.id, lab_id=idea.lab_id)
    deliver_notices(session, now=MORNING)
    steps = [send_digests(session, now=MORNING, most=2) for _ in range(4)]
    reached = [mail.person_id for mail in _mails(session, "digest")]
    assert (sum(steps), len(reached)) == (len(set(reached)), len(set(reached)))
    assert steps[-1] == 0
    assert people <= set(reached)
