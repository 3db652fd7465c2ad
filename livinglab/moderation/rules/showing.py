"""How a text is laid before a moderator: what the checks found is marked."""

from __future__ import annotations

from livinglab.moderation.rules.checks import Check, checks

Parts = tuple[tuple[str, str], ...]


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
