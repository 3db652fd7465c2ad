"""Telling the demo: all scenes in order, with the clockwork running between them.

Everything happens in one transaction, so a load that is broken off leaves nothing behind. Notices are
muted until the last week: nobody wants a year of mail on the first day.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import col

from livinglab.core.db import Database
from livinglab.core.journal import EventTodo, Reader
from livinglab.core.mail import OutboxMail
from livinglab.demo.conversation import set_conversation
from livinglab.demo.road import set_road
from livinglab.demo.setting import set_stage
from livinglab.demo.stage import Scene, Stage
from livinglab.handoff.commands import run_clock
from livinglab.labs.commands import close_due_challenges, renew_box_thresholds
from livinglab.notices.commands import deliver_notices, send_digests
from livinglab.pipeline.commands import open_reviews, return_from_hold
from livinglab.voting.queries import active_people

MUTED_UNTIL = timedelta(days=7)
Progress = Callable[[int, int], None]


def load(database: Database, now: datetime, *, progress: Progress | None = None) -> None:
    """Tell the whole story into an empty database.

    Args:
        now: The day of loading; everything is told relative to it.
        progress: Called with (scenes told, scenes in all).
    """
    stage = Stage(now)
    set_stage(stage)
    set_conversation(stage)
    set_road(stage)
    with database.writing() as session:
        _play(stage, session, progress or (lambda _done, _total: None))
        _forget_old_mail(session, now)


def _play(stage: Stage, session: Session, progress: Progress) -> None:
    told, clock = 0, min(scene.at for scene in stage.scenes)
    while stage.scenes:
        scene = _next(stage)
        while clock.date() < scene.at.date():
            clock = _turn(session, clock + timedelta(days=1), stage.today)
        scene.play(session)
        told += 1
        if told % 25 == 0:
            session.expunge_all()
            progress(told, told + len(stage.scenes))
    while clock.date() < stage.today.date():
        clock = _turn(session, clock + timedelta(days=1), stage.today)
    open_reviews(session, stage.today)
    run_clock(session, stage.today)
    deliver_notices(session, now=stage.today)


def _next(stage: Stage) -> Scene:
    """Take the earliest scene; scenes may plan further ones."""
    first = min(range(len(stage.scenes)), key=lambda i: stage.scenes[i].at)
    return stage.scenes.pop(first)


def _turn(session: Session, day: datetime, today: datetime) -> datetime:
    """Let one day pass: deadlines, holds, closings, and in the last week the post."""
    morning = day.replace(hour=6, minute=45)
    open_reviews(session, morning)
    run_clock(session, morning)
    return_from_hold(session, morning)
    close_due_challenges(session, morning)
    if morning.day == 1:
        renew_box_thresholds(session, morning, count_active=active_people)
    if morning > today - MUTED_UNTIL:
        deliver_notices(session, now=morning)
        send_digests(session, now=morning)
    else:
        session.execute(sa.delete(EventTodo).where(col(EventTodo.reader) == Reader.NOTICES.value))
    return morning


def _forget_old_mail(session: Session, now: datetime) -> None:
    session.execute(
        sa.update(OutboxMail)
        .where(col(OutboxMail.created_at) < now - timedelta(days=1), col(OutboxMail.sent_at).is_(None))
        .values(sent_at=now, data={})
    )
