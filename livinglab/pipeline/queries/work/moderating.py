"""Texts and appeals that wait for those who moderate."""

from __future__ import annotations

from collections.abc import Iterator

from sqlmodel import col

from livinglab.ideas.models import Comment, Idea
from livinglab.moderation.models import Appeal, Case, Decision, Source
from livinglab.moderation.queries.appeals import uninvolved
from livinglab.moderation.queries.standing import is_author
from livinglab.pipeline.queries.work.rows import (
    GUIDED,
    ME,
    Arm,
    Hats,
    Lead,
    Look,
    led_by,
    row,
)
from livinglab.pipeline.queries.work.tasks import Task

_ORDER = (col(Case.closed_at), col(Case.due_at), col(Case.id))
_OPEN = Lead(Case, (col(Case.lab_id).in_(GUIDED), col(Case.closed_at).is_(None)), _ORDER, _ORDER[1])


def moderation(hats: Hats, look: Look | None) -> Iterator[Arm]:
    """Yield the open cases and appeals of the labs where a person moderates, none about themself.

    Args:
        look: Among the nearest cases; ``None``: among all. Each has a date.
    """
    if not hats.guides or (look is not None and not look.dated):
        return
    theirs = (~is_author(ME), col(Comment.deleted_at).is_(None))
    for task, sources in (
        (Task.MODERATE, (Source.NEW, Source.EDIT)),
        (Task.LOOK_INTO, (Source.REPORT, Source.CHECK)),
    ):
        cases = (
            row(task, col(Case.id), since=col(Case.opened_at), due=col(Case.due_at))
            .select_from(Case)
            .join(Idea, col(Idea.id) == col(Case.idea_id))
            .outerjoin(Comment, col(Comment.id) == col(Case.comment_id))
            .where(*led_by(_OPEN, look), col(Case.source).in_(sources), *theirs)
        )
        yield Arm(cases, _ORDER, due=col(Case.due_at), dated=True)
    appeals = (
        row(Task.APPEAL, col(Appeal.id), since=col(Appeal.at), due=col(Appeal.due_at))
        .select_from(Appeal)
        .join(Decision, col(Decision.id) == col(Appeal.decision_id))
        .join(Idea, col(Idea.id) == col(Decision.idea_id))
        .where(
            col(Appeal.lab_id).in_(GUIDED),
            col(Appeal.outcome).is_(None),
            *uninvolved(ME),
        )
    )
    yield Arm(appeals, (col(Appeal.due_at), col(Appeal.id)), due=col(Appeal.due_at), dated=True)
