"""Who may decide what about a case, a report and an appeal, and what each verdict does."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from flask_babel import lazy_gettext as _l

from livinglab.core.errors import Forbidden, NotFound, Refused
from livinglab.core.viewer import Viewer
from livinglab.ideas.models import Publication
from livinglab.moderation.models import APPEAL_MAX, FACTS_MAX, REPORT_MAX, Action
from livinglab.moderation.rules.house import HOUSE_RULES

HOLD_FOR = timedelta(minutes=5)
"""How long a case stays in the hand of whoever works on it, from the last thing they did with it."""
RENEW_AFTER = timedelta(minutes=1)
"""Within this, what somebody does with the case they have in hand is not written down again."""
DECIDE_WITHIN_DAYS = 2
"""Working days of the lab's country (rule M2)."""
APPEAL_WITHIN_DAYS = 5
"""Working days in which an appeal is decided."""
APPEAL_FOR = timedelta(days=183)
"""How long a decision can be appealed."""
REPORTERS_TO_HIDE = 3
FACTS_LEAST = 10


NO_SUCH_CASE = NotFound("no-such-case", _l("There is no such case, or it is not one of your lab."))
NO_SUCH_DECISION = NotFound(
    "no-such-decision", _l("There is no such decision, or it is not about your text.")
)
NO_SUCH_APPEAL = NotFound("no-such-appeal", _l("There is no such appeal, or it is not one of your lab."))
ALREADY_LOOKED_AT = _l("You reported this before. Somebody has looked at it since, and it may stand.")


class Verdict(StrEnum):
    """The five buttons."""

    PUBLISH = "publish"
    RETURN = "return"
    REJECT = "reject"
    HIDE = "hide"
    REMOVE = "remove"


NEEDS_REASONS = frozenset({Action.RETURN, Action.REJECT, Action.HIDE, Action.REMOVE, Action.SUSPEND})
"""Actions that cite a rule and tell the author why (rule M2)."""

BECOMES = {
    Action.PUBLISH: Publication.PUBLISHED,
    Action.RESTORE: Publication.PUBLISHED,
    Action.KEEP: Publication.PUBLISHED,
    Action.RETURN: Publication.RETURNED,
    Action.REJECT: Publication.REJECTED,
    Action.HIDE: Publication.HIDDEN,
    Action.REMOVE: Publication.REMOVED,
}
REMOVED_BY = ("personal-data", "unlawful", "not-yours")
REMOVED_BY_NUMBERS = ", ".join(str(HOUSE_RULES[code].number) for code in REMOVED_BY)
"""Rules behind which the law stands: only by these something is removed for good."""
DECIDABLE = frozenset({Publication.PENDING, Publication.PUBLISHED, Publication.HIDDEN})


class OpenCase(Protocol):
    """What the rules ask of a case; a row's page and a test's stand-in both fit."""

    @property
    def lab_id(self) -> int: ...
    @property
    def closed_at(self) -> datetime | None: ...
    @property
    def stamp(self) -> int: ...
    @property
    def authors(self) -> Collection[int]: ...
    @property
    def nobody_else(self) -> bool: ...


def action_of(verdict: Verdict, publication: Publication, *, version_waits: bool) -> Action:
    """Return what a verdict means for a text as it stands now.

    "Publish" lets a new text out, restores a hidden one, and leaves a public one as it is.
    """
    if verdict is not Verdict.PUBLISH:
        return Action(verdict.value)
    if publication is Publication.HIDDEN:
        return Action.RESTORE
    return Action.PUBLISH if version_waits or publication is Publication.PENDING else Action.KEEP


def why_not_moderate(case: OpenCase, person: Viewer) -> Refused | None:
    """Say why somebody may not decide this case at all.

    To those without a part in the lab's moderation there is no such case: they learn as much as from a
    number that does not exist. Where everybody who moderates in the lab wrote the text themselves, or
    nobody moderates there, the administrator looks at it.

    Source: rule M1, DOMAIN section 3; docs/decisions/0013-the-only-moderators-own-text.md.
    """
    if not person.moderates(case.lab_id) and not (person.is_admin and case.nobody_else):
        return NO_SUCH_CASE
    if person.person_id in case.authors:
        return Forbidden("own-content", _l("This is your own text. Somebody else looks at it."))
    return None


def in_other_hands(held_by: int | None, held_at: datetime | None, person: Viewer, now: datetime) -> bool:
    """Say whether somebody else has a case in hand just now."""
    return (
        held_by is not None
        and held_at is not None
        and held_by != person.person_id
        and now - held_at < HOLD_FOR
    )


def why_not_in_hand(
    held_by: int | None, held_at: datetime | None, name: str, person: Viewer, now: datetime
) -> Refused | None:
    """Say why nothing is decided while a colleague has the case in hand; it can be taken over.

    Args:
        name: Of the colleague.
    """
    if not in_other_hands(held_by, held_at, person, now):
        return None
    reason = _l("%(name)s has taken this in hand. Nothing was decided, and your words are kept.", name=name)
    return Refused("in-other-hands", reason)


def why_not_now(case: OpenCase, stamp: int) -> Refused | None:
    """Say why a decision made on what was read is no longer good."""
    if case.closed_at is not None:
        return Refused("case-closed", _l("Somebody has decided this in the meantime. Nothing was changed."))
    if case.stamp != stamp:
        reason = _l("The text or its reports changed while you read. Look once more. Nothing was decided.")
        return Refused("case-changed", reason)
    return None


def why_not_verdict(verdict: Verdict, publication: Publication, *, on_record: bool = False) -> Refused | None:
    """Say why one of the verdicts does not fit a text as it stands now.

    Args:
        on_record: An idea that has been public, where no version of it waits: what everybody could read
            stays in its history, so it is hidden or left, never given back to be written over.

    Source: rules I3, M1; docs/decisions/0012-what-was-public-is-not-returned.md.
    """
    if publication not in DECIDABLE:
        return Refused("nothing-to-decide", _l("The author has taken this text back."))
    if on_record and verdict in (Verdict.RETURN, Verdict.REJECT):
        reason = _l("It has been public, so it stays on record. Hide it: its author can send in a change.")
        return Refused("on-record", reason, field="verdict")
    if verdict in (Verdict.HIDE, Verdict.REMOVE) and publication is Publication.PENDING:
        return Refused("not-public-yet", _l("It is not public yet. Return or reject it."), field="verdict")
    return None


def why_not_reasons(action: Action, rule: str | None, facts: str) -> Refused | None:
    """Say all that a statement of reasons lacks. Source: rule M2."""
    if action not in NEEDS_REASONS:
        return None
    by_rule, by_facts = _why_not_rule(action, rule), _why_not_facts(facts)
    if by_rule is not None and by_facts is not None:
        return Refused(by_rule.code, by_rule.reason, field=by_rule.field, also=(by_facts,))
    return by_rule or by_facts


def _why_not_rule(action: Action, rule: str | None) -> Refused | None:
    if rule not in HOUSE_RULES:
        return Refused("rule-missing", _l("Choose the rule you decide by."), field="rule")
    if action is Action.REMOVE and rule not in REMOVED_BY:
        reason = _l(
            "Only what the law forbids is removed: rules %(rules)s. Else hide it.", rules=REMOVED_BY_NUMBERS
        )
        return Refused("not-unlawful", reason, field="rule")
    return None


def _why_not_facts(facts: str) -> Refused | None:
    if len(facts) < FACTS_LEAST:
        return Refused("facts-missing", _l("Tell the author in your own words what you saw."), field="facts")
    if len(facts) > FACTS_MAX:
        return Refused("facts-too-long", _l("This is too long for a letter."), field="facts")
    return None


def may_report(publication: Publication, lab_id: int, person: Viewer) -> bool:
    """Say whether this can be reported as it stands: by anybody what is public (DOMAIN section 3).

    Who moderates may also report what is hidden, so that more can be decided about it, such as removing it.
    """
    hidden = publication is Publication.HIDDEN and person.moderates(lab_id)
    return publication is Publication.PUBLISHED or hidden


def why_not_report(
    publication: Publication,
    *,
    lab_id: int,
    authors: Collection[int],
    person: Viewer,
    rule: str,
    text: str,
) -> Refused | None:
    """Say why this cannot be reported."""
    if not may_report(publication, lab_id, person):
        return Refused("not-public", _l("This is not public any more, so there is nothing to report."))
    if person.person_id in authors:
        return Refused("own-content", _l("This is your own text. You can change it or take it back."))
    if rule not in HOUSE_RULES:
        return Refused("rule-missing", _l("Choose what is wrong with it."), field="rule")
    if len(text) > REPORT_MAX:
        return Refused("report-too-long", _l("This is too long. Say it a little shorter."), field="text")
    return None


def why_not_appeal(
    action: Action,
    *,
    author_id: int | None,
    person: Viewer,
    at: datetime,
    now: datetime,
    appealed: bool,
    looked_at: bool,
) -> Refused | None:
    """Say why a decision cannot be appealed. Source: rule M3.

    Args:
        looked_at: Whether a person has decided, or only the automatic step stands so far.
    """
    if not person.signed_in or person.person_id != author_id:
        return Forbidden("not-the-author", _l("Only the author can appeal a decision."))
    if action not in NEEDS_REASONS:
        return Refused("nothing-to-appeal", _l("This decision took nothing away."))
    if appealed:
        return Refused("already-appealed", _l("You have appealed this decision."))
    if now - at > APPEAL_FOR:
        return Refused("appeal-too-late", _l("A decision can be appealed for six months. That time is over."))
    if not looked_at:
        return Refused("being-looked-at", _l("A person looks at it next. You can appeal what they decide."))
    return None


def why_not_appeal_text(text: str) -> Refused | None:
    """Say why these words will not do as an appeal, or as the reasons for its outcome."""
    if len(text) < FACTS_LEAST:
        return Refused("text-missing", _l("Say in a few words why."), field="text")
    if len(text) > APPEAL_MAX:
        return Refused("text-too-long", _l("This is too long. Say it a little shorter."), field="text")
    return None


def why_not_decide_appeal(
    person: Viewer,
    *,
    lab_id: int,
    author_id: int | None,
    involved: Collection[int],
    decided: bool,
    nobody_else: bool,
) -> Refused | None:
    """Say why somebody may not decide an appeal. Source: rule M3.

    Args:
        involved: Everybody who decided on this text before.
        nobody_else: Whether the lab has nobody who was not involved; then the administrator may.
    """
    steps_in = person.is_admin and nobody_else
    if not person.moderates(lab_id) and not steps_in:
        return Forbidden("not-a-moderator", _l("Only facilitators and managers of this lab decide appeals."))
    if person.person_id == author_id:
        return Forbidden("own-content", _l("This is your own text. Somebody else decides your appeal."))
    if person.person_id in involved:
        return Forbidden(
            "was-involved", _l("You decided about this text before. Somebody else decides the appeal.")
        )
    if decided:
        return Refused("appeal-closed", _l("Somebody has decided this appeal in the meantime."))
    return None
