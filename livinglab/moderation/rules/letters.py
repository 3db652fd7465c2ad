"""The statement of reasons: one letter, the same in the preview, on the page and in the mail (rule M2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _l

from livinglab.moderation.models import Action
from livinglab.moderation.rules.house import HOUSE_RULES


class Thing(StrEnum):
    """What a case or a decision is about."""

    IDEA = "idea"
    EDIT = "edit"
    COMMENT = "comment"


@dataclass(frozen=True, slots=True)
class Letter:
    """A statement of reasons as its reader gets it; texts are lazy, so they speak the reader's language."""

    what: object
    then: object
    facts: object
    rule: object
    automatic: bool
    after_reports: bool
    decided_on: datetime | None = None
    appeal_url: str | None = None
    appeal_until: datetime | None = None
    outcome: object = None


WHAT: dict[tuple[Thing, Action], object] = {
    (Thing.IDEA, Action.PUBLISH): _l("Your idea is public now."),
    (Thing.IDEA, Action.RESTORE): _l("Your idea is shown again."),
    (Thing.IDEA, Action.RETURN): _l("Your idea was returned to you."),
    (Thing.IDEA, Action.REJECT): _l("Your idea was not accepted for publication."),
    (Thing.IDEA, Action.HIDE): _l("Your idea was hidden."),
    (Thing.IDEA, Action.REMOVE): _l("Your idea was removed."),
    (Thing.EDIT, Action.PUBLISH): _l("The new version of your idea is public now."),
    (Thing.EDIT, Action.RETURN): _l("The new version of your idea was returned to you."),
    (Thing.EDIT, Action.REJECT): _l("The new version of your idea was not accepted for publication."),
    (Thing.EDIT, Action.HIDE): _l("Your idea was hidden, with its new version."),
    (Thing.EDIT, Action.REMOVE): _l("Your idea was removed, with its new version."),
    (Thing.COMMENT, Action.PUBLISH): _l("Your comment is public now."),
    (Thing.COMMENT, Action.RESTORE): _l("Your comment is shown again."),
    (Thing.COMMENT, Action.RETURN): _l("Your comment was returned to you."),
    (Thing.COMMENT, Action.REJECT): _l("Your comment was not accepted for publication."),
    (Thing.COMMENT, Action.HIDE): _l("Your comment was hidden."),
    (Thing.COMMENT, Action.REMOVE): _l("Your comment was removed."),
    **{(thing, Action.SUSPEND): _l("Your account was suspended.") for thing in Thing},
}
GONE = _l(
    "Others cannot read it any more, and it cannot be changed or sent in again. "
    "It comes back only if an appeal overturns this decision."
)
THEN: dict[tuple[Thing, Action], object] = {
    (Thing.IDEA, Action.RETURN): _l("You can change it and send it in again."),
    (Thing.IDEA, Action.REJECT): _l("Only you and the lab’s facilitators can read it."),
    (Thing.IDEA, Action.HIDE): _l(
        "Others cannot read it any more. Its supports and comments are kept. You can send in a change: "
        "a facilitator reads it and can show the idea again."
    ),
    (Thing.EDIT, Action.HIDE): _l(
        "Others cannot read it any more. Its supports and comments are kept. You can send in a change: "
        "a facilitator reads it and can show the idea again."
    ),
    (Thing.EDIT, Action.RETURN): _l(
        "You can change it and send it in again. The version before it stays as it is."
    ),
    (Thing.EDIT, Action.REJECT): _l("The version before it stays as it is."),
    (Thing.COMMENT, Action.RETURN): _l("You can change it and send it in again."),
    (Thing.COMMENT, Action.REJECT): _l("Only you and the lab’s facilitators can read it."),
    (Thing.COMMENT, Action.HIDE): _l("Others cannot read it any more."),
    (Thing.IDEA, Action.REMOVE): GONE,
    (Thing.EDIT, Action.REMOVE): GONE,
    (Thing.COMMENT, Action.REMOVE): GONE,
}
FOR_NOW = _l("It is hidden for now, because three people reported it. A facilitator looks at it next.")


def what_was_done(thing: Thing, action: Action) -> object:
    """Return the first sentence of a letter."""
    return WHAT.get((thing, action), _l("Nothing was changed."))


def what_then(thing: Thing, action: Action, *, automatic: bool, days: int = 0) -> object:
    """Return what follows for the author; an empty text where nothing does.

    Args:
        days: For how long somebody is suspended.
    """
    if action is Action.SUSPEND:
        return _l(
            "You cannot sign in for %(days)s days. What you have written stays as it is, and others are not "
            "told.",
            days=days,
        )
    return FOR_NOW if automatic else THEN.get((thing, action), "")


def rule_line(code: str | None) -> object:
    """Return the rule as a letter cites it, number and name."""
    rule = HOUSE_RULES.get(code or "")
    return _l("%(number)s. %(name)s", number=rule.number, name=rule.name) if rule else ""


def letter(
    thing: Thing,
    action: Action,
    *,
    rule: str | None,
    facts: str,
    automatic: bool = False,
    after_reports: bool = False,
    decided_on: datetime | None = None,
    appeal_url: str | None = None,
    appeal_until: datetime | None = None,
    outcome: object = None,
    days: int = 0,
) -> Letter:
    """Compose the statement of reasons of one decision. Source: rule M2."""
    seen = facts or (_l("Three signed-in people reported it.") if automatic else "")
    return Letter(
        what=what_was_done(thing, action),
        then=what_then(thing, action, automatic=automatic, days=days),
        facts=seen,
        rule=rule_line(rule),
        automatic=automatic,
        after_reports=after_reports,
        decided_on=decided_on,
        appeal_url=appeal_url,
        appeal_until=appeal_until,
        outcome=outcome,
    )
