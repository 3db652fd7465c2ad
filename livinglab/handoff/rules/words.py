"""How long the texts of a handoff may be, and which must not be missing."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from livinglab.core.errors import Refused
from livinglab.handoff.models import BODY_MAX, TITLE_MAX

CASE_MAX = 80
SIGNER_TITLE_MAX = 120


def too_long(most: int, *, field: str) -> Refused:
    """Return the answer to a text that does not fit."""
    return Refused(
        f"{field}-too-long", _l("This text is too long: at most %(most)s characters.", most=most), field=field
    )


def why_not_note(note: str, *, needed: bool, most: int, field: str = "note") -> Refused | None:
    """Say why a note, reason or question will not do."""
    if needed and not note:
        return Refused(
            f"{field}-missing", _l("Write a sentence about it: others need to understand why."), field=field
        )
    return too_long(most, field=field) if len(note) > most else None


def why_not_answer_text(title: str, body: str, signer_title: str) -> Refused | None:
    """Say why the words of an answer will not do."""
    if not title:
        return Refused("title-missing", _l("Say the answer in one sentence."), field="title")
    if len(title) > TITLE_MAX:
        return too_long(TITLE_MAX, field="title")
    if not body:
        return Refused("body-missing", _l("Write the answer."), field="body")
    if len(body) > BODY_MAX:
        return too_long(BODY_MAX, field="body")
    if len(signer_title) > SIGNER_TITLE_MAX:
        return too_long(SIGNER_TITLE_MAX, field="signer_title")
    return None


def why_not_case(number: str) -> Refused | None:
    """Say why a case number will not do."""
    return too_long(CASE_MAX, field="external_case") if len(number) > CASE_MAX else None
