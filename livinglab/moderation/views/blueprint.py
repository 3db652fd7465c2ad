"""The blueprint of moderation, and what its pages share."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, g
from flask_babel import lazy_gettext as _l

from livinglab.labs.queries import LabBrief
from livinglab.moderation.models import Action
from livinglab.moderation.queries import DecisionPage
from livinglab.moderation.rules import (
    REMOVED_BY_NUMBERS,
    Check,
    Letter,
    Thing,
    Verdict,
    letter,
    rule_line,
    rule_name,
    what_was_done,
)
from livinglab.people.rules import Face
from livinglab.web.filters import picture
from livinglab.web.locale import enter_lab

bp = Blueprint("moderation", __name__)

CHECK_NAMES: dict[str, object] = {
    Check.NATIONAL_ID.value: _l("Identity number"),
    Check.PHONE.value: _l("Phone number"),
    Check.LINK.value: _l("Link by a new account"),
    Check.REPEATED.value: _l("Repeated text"),
}
ACTION_NAMES: dict[Action, object] = {
    Action.PUBLISH: _l("Published"),
    Action.RETURN: _l("Returned with a note"),
    Action.REJECT: _l("Not published"),
    Action.HIDE: _l("Hidden"),
    Action.REMOVE: _l("Removed"),
    Action.SUSPEND: _l("Author suspended"),
    Action.RESTORE: _l("Shown again"),
    Action.KEEP: _l("Left as it is"),
}
VERDICT_NAMES: dict[Verdict, object] = {
    Verdict.PUBLISH: _l("Publish"),
    Verdict.RETURN: _l("Return"),
    Verdict.REJECT: _l("Reject"),
    Verdict.HIDE: _l("Hide"),
    Verdict.REMOVE: _l("Remove"),
}
PUBLISH_NOTES: dict[Action, object] = {
    Action.PUBLISH: _l("Everybody can read it"),
    Action.RESTORE: _l("Show it again"),
    Action.KEEP: _l("Leave it as it is"),
}
VERDICT_NOTES: dict[Verdict, object] = {
    Verdict.RETURN: _l("With a note; can be sent again"),
    Verdict.REJECT: _l("Not published"),
    Verdict.HIDE: _l("Taken out of view"),
    Verdict.REMOVE: _l("Unlawful, by rules %(rules)s: gone for good", rules=REMOVED_BY_NUMBERS),
}
SEND_NAMES: dict[Action, object] = {
    Action.PUBLISH: _l("Publish it"),
    Action.RESTORE: _l("Show it again"),
    Action.KEEP: _l("Leave it as it is"),
    Action.RETURN: _l("Return with this letter"),
    Action.REJECT: _l("Reject with this letter"),
    Action.HIDE: _l("Hide with this letter"),
    Action.REMOVE: _l("Remove with this letter"),
}
ICONS = {
    Verdict.PUBLISH: "check",
    Verdict.RETURN: "undo",
    Verdict.REJECT: "declined",
    Verdict.HIDE: "eye",
    Verdict.REMOVE: "trash",
}
FIELD_NAMES: dict[str, object] = {
    "title": _l("Title"),
    "summary": _l("In one sentence"),
    "body": _l("Text"),
    "gains": _l("Who gains"),
    "place": _l("Place"),
    "link": _l("Link"),
    "image": _l("Picture"),
    "tags": _l("Tags"),
    "resolution": _l("How was it answered?"),
    "comment": _l("Comment"),
}


@dataclass(frozen=True, slots=True)
class ShownFace:
    """A face as the macros draw it."""

    name: object
    initials: str
    photo_url: str | None
    kind: str


def shown(face: Face) -> ShownFace:
    """Return a face for the macros."""
    photo = picture(face.photo, "face") if face.photo else None
    return ShownFace(face.name, face.initials, photo, face.kind)


def enter(lab: LabBrief) -> LabBrief:
    """Say that the page is about this lab."""
    enter_lab(lab.languages, lab.timezones)
    g.lab = lab
    return lab


def letter_of(page: DecisionPage) -> Letter:
    """Return the statement of reasons of a decision; the way to appeal stands below it on the page."""
    return letter(
        page.thing,
        page.action,
        rule=page.rule,
        facts=page.facts,
        automatic=page.automatic,
        after_reports=page.after_reports,
        decided_on=page.at,
        days=page.days,
    )


@bp.app_context_processor
def give_words() -> dict[str, object]:
    """Let pages and mails of every room name rules, actions and what was decided."""
    return {"moderation_words": WORDS}


@dataclass(frozen=True, slots=True)
class _Words:
    """Names for templates; keys may be the enum or its value, as mails carry values."""

    def rule(self, code: str | None) -> object:
        return rule_name(code)

    def rule_line(self, code: str | None) -> object:
        return rule_line(code)

    def action(self, action: str) -> object:
        return ACTION_NAMES[Action(action)]

    def check(self, code: str) -> object:
        return CHECK_NAMES.get(code, "")

    def field(self, name: str) -> object:
        return FIELD_NAMES.get(name, "")

    def letter(
        self,
        thing: str,
        action: str,
        rule: str = "",
        facts: str = "",
        automatic: bool = False,  # noqa: FBT001, FBT002
        days: int = 0,
    ) -> Letter:
        return letter(
            Thing(thing), Action(action), rule=rule or None, facts=facts, automatic=automatic, days=days
        )

    def done(self, thing: str, action: str) -> object:
        return what_was_done(Thing(thing), Action(action))


WORDS = _Words()
