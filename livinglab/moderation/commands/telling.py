"""Letters by mail: a decision on one's own text is told at once (rule N2)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session
from sqlmodel import col, select

from livinglab.core.mail import queue_mail
from livinglab.moderation.models import Action, Appeal, Decision, Suspension
from livinglab.moderation.rules import Thing
from livinglab.people.commands import mail_path
from livinglab.people.models import Person


def tell_author(session: Session, decision: Decision, thing: Thing, *, title: str, now: datetime) -> None:
    """Queue the letter of a decision, where no other mail tells the same.

    A published comment needs none, its author sees it stand there; that an idea is shown again is told
    by the notices room, as it is to followers.
    """
    known = (Thing.COMMENT, Action.PUBLISH), (Thing.IDEA, Action.RESTORE), (Thing.EDIT, Action.RESTORE)
    if (thing, decision.action) in known:
        return
    _queue(
        session,
        decision.author_id,
        now,
        key=f"decision-{decision.id}",
        data=_letter(session, decision, thing, title) | {"variant": "decision"},
    )


def tell_outcome(
    session: Session, appeal: Appeal, decision: Decision, thing: Thing, *, title: str, now: datetime
) -> None:
    """Queue the outcome of an appeal."""
    outcome = appeal.outcome.value if appeal.outcome else ""
    _queue(
        session,
        appeal.person_id,
        now,
        key=f"appeal-{appeal.id}",
        data=_letter(session, decision, thing, title)
        | {"variant": "outcome", "outcome": outcome, "reasons": appeal.reasons},
    )


def tell_administrators(
    session: Session, variant: str, *, title: str, path: str, key: str, now: datetime
) -> None:
    """Queue a mail to each administrator: nobody in the lab may decide this (rules M1, M3).

    Args:
        variant: ``nobody-else`` for an appeal, ``nobody-to-look`` for a case.
    """
    admins = select(Person).where(
        col(Person.is_admin).is_(True), col(Person.erased_at).is_(None), col(Person.suspended_at).is_(None)
    )
    for admin in session.scalars(admins.order_by(col(Person.id))).all():
        data: dict[str, object] = {"variant": variant, "path": path, "title": title, **_NO_LETTER}
        _queue(session, admin.id, now, key=f"{key}-admin-{admin.id}", data=data)


def tell_uninvolved(
    session: Session, people: Collection[int], *, title: str, path: str, key: str, now: datetime
) -> None:
    """Queue a mail to those who may decide an appeal: it waits for one of them, with a deadline (rule N2)."""
    for person_id in sorted(people):
        data: dict[str, object] = {"variant": "appeal-waits", "path": path, "title": title, **_NO_LETTER}
        _queue(session, person_id, now, key=f"{key}-{person_id}", data=data)


_NO_LETTER: dict[str, object] = {
    "thing": Thing.IDEA.value, "action": Action.KEEP.value, "rule": "", "facts": "", "automatic": False,
}  # fmt: skip
"""A mail to those who decide quotes no letter: they read it on the page."""


def tell_readmitted(session: Session, decision: Decision, *, now: datetime) -> None:
    """Queue the word that somebody may sign in again."""
    data: dict[str, object] = {"variant": "readmitted", "path": "/sign-in", "title": "", **_NO_LETTER}
    _queue(session, decision.author_id, now, key=f"readmitted-{decision.id}", data=data)


def _letter(session: Session, decision: Decision, thing: Thing, title: str) -> dict[str, object]:
    """Return what a letter says; whoever is suspended reads it by its link, without signing in."""
    row = session.get(Suspension, decision.id) if decision.action is Action.SUSPEND else None
    return {
        "path": f"/suspensions/{row.key}" if row else f"/decisions/{decision.id}",
        "days": (row.until - row.since).days if row else 0,
        "thing": thing.value,
        "action": decision.action.value,
        "rule": decision.rule or "",
        "facts": decision.facts,
        "automatic": decision.automatic,
        "title": title,
    }


def _queue(
    session: Session, person_id: int | None, now: datetime, *, key: str, data: dict[str, object]
) -> None:
    person = session.get(Person, person_id) if person_id else None
    if person is None or person.email is None or person.erased_at is not None:
        return
    if str(data["path"]).startswith("/suspensions/"):
        data = data | {"path": mail_path(str(data["path"]), person.language)}
    queue_mail(
        session,
        "decision",
        address=person.email,
        language=person.language,
        person_id=person.id,
        now=now,
        data=data,
        key=key,
    )
