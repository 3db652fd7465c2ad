"""How a text is laid before a moderator: what the checks found is marked, what an edit changed is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from livinglab.moderation.rules.checks import Check, checks

Parts = tuple[tuple[str, str], ...]
_PIECES = re.compile(r"\w+|\s+|[^\w\s]")


def marked(text: str, *, links: bool) -> Parts:
    """Split a text into ("same", …) and ("mark", …), where the checks found something.

    Args:
        links: Whether links are marked, too: they are looked at for new accounts only.
    """
    parts: list[tuple[str, str]] = []
    at = 0
    for found in checks(text, new_account=links):
        if found.check is Check.REPEATED or found.start < at:
            continue
        if found.start > at:
            parts.append(("same", text[at : found.start]))
        parts.append(("mark", text[found.start : found.end]))
        at = found.end
    if at < len(text):
        parts.append(("same", text[at:]))
    return tuple(parts)


def difference(old: str, new: str) -> Parts:
    """Split two texts into ("same", …), ("del", …) and ("ins", …) by words, in reading order."""
    before, after = _PIECES.findall(old), _PIECES.findall(new)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return tuple(_joined(matcher, before, after))


def _joined(matcher: SequenceMatcher[str], before: list[str], after: list[str]) -> Iterator[tuple[str, str]]:
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            yield "same", "".join(after[j1:j2])
            continue
        if i2 > i1:
            yield "del", "".join(before[i1:i2])
        if j2 > j1:
            yield "ins", "".join(after[j1:j2])
