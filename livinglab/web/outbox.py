"""Mails that were written to files, read back: where the demo runs, they are shown on a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

NEWEST = 60


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it would have reached somebody.

    Args:
        name: Name of its file without the ending; its address on the page.
        paragraphs: The text part, each a tuple of lines.
    """

    name: str
    to: str
    subject: str
    language: str
    sent_at: datetime
    paragraphs: tuple[tuple[str, ...], ...]


def letters_in(folder: Path) -> tuple[Letter, ...]:
    """Return the newest mails of a folder, the newest first."""
    files = sorted(folder.glob("*.eml"), reverse=True)[:NEWEST] if folder.is_dir() else []
    return tuple(_letter(file) for file in files)


def letter_in(folder: Path, name: str) -> Letter | None:
    """Return one mail of a folder; ``None`` where there is none of that name."""
    found = (
        next((file for file in folder.glob("*.eml") if file.stem == name), None) if folder.is_dir() else None
    )
    return _letter(found) if found else None


def _letter(file: Path) -> Letter:
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    body = message.get_body(("plain",))
    text = str(body.get_content()) if body else ""
    blocks = (block.strip().splitlines() for block in text.replace("\r\n", "\n").split("\n\n"))
    return Letter(
        name=file.stem,
        to=str(message["To"] or ""),
        subject=str(message["Subject"] or ""),
        language=str(message["Content-Language"] or "en"),
        sent_at=_instant(str(message["X-Livinglab-Queued"] or "")),
        paragraphs=tuple(tuple(lines) for lines in blocks if lines),
    )


def _instant(stamp: str) -> datetime:
    try:
        return datetime.strptime(stamp, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
