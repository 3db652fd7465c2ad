"""Files people hand in: checked, made anew without hidden data, kept on disk beside the database."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from sqlmodel import Field, SQLModel

from livinglab.core.errors import Refused

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES = 10_000_000
MAX_PIXELS = 24_000_000
MAX_PIXELS_JPEG = 120_000_000
"""A JPEG from a phone has many more, but is read at a half or a quarter at once."""
WIDTHS = {"large": 1600, "card": 640, "face": 160}
_LARGEST = (WIDTHS["large"], WIDTHS["large"] * 3)
ALLOWED = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")


class StoredFile(SQLModel, table=True):
    """A picture in ``instance/uploads``, made anew as WebP in several widths; EXIF is gone."""

    __tablename__ = "stored_file"
    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(max_length=64, unique=True)
    width: int
    height: int
    person_id: int | None = Field(default=None, index=True)
    """Who handed it in; no foreign key, as a person's photo points back at this table."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture made ready: upright, without hidden data, in all widths, as WebP."""

    width: int
    height: int
    digest: str
    copies: Mapping[str, bytes]


def open_image(content: bytes) -> "Image.Image":
    """Return the picture, upright, in colour and no wider than we keep; its size is read before its pixels.

    Raises:
        Refused: ``file-too-big``, ``not-an-image``, ``image-too-large``.
    """
    from PIL import Image, ImageOps  # loaded by the process that is handed a picture, not by every one

    if len(content) > MAX_BYTES:
        raise Refused(
            "file-too-big", _l("The picture is larger than 10 MB. Choose a smaller one."), field="image"
        )
    try:
        image = Image.open(io.BytesIO(content), formats=ALLOWED)
        if image.width * image.height <= (MAX_PIXELS_JPEG if image.format == "JPEG" else MAX_PIXELS):
            image.draft("RGB", (WIDTHS["large"], WIDTHS["large"]))
            image.thumbnail(_LARGEST)
            upright = ImageOps.exif_transpose(image) or image
            clear = "A" in upright.getbands() or "transparency" in upright.info
            return upright.convert("RGBA" if clear else "RGB")
    except Exception:  # what a broken file makes the decoders raise has no common root
        reason = _l("This file is not a picture we can read. Use JPEG, PNG or WebP.")
        raise Refused("not-an-image", reason, field="image") from None
    raise Refused(
        "image-too-large", _l("The picture has too many pixels. Choose a smaller one."), field="image"
    )


def prepare_image(content: bytes) -> Picture:
    """Make a picture ready to be kept; takes a second for a large one, so do it before a transaction.

    Raises:
        Refused: As ``open_image``.
    """
    from PIL import ImageOps

    image = open_image(content)
    copies = {}
    for name, width in WIDTHS.items():
        copy = ImageOps.fit(image, (width, width)) if name == "face" else image.copy()
        copy.thumbnail((width, width * 3))
        out = io.BytesIO()
        copy.save(out, "WEBP", quality=82, method=4)
        copies[name] = out.getvalue()
    return Picture(image.width, image.height, hashlib.sha256(content).hexdigest(), copies)


def keep_image(
    session: Session, folder: Path, picture: Picture, *, person_id: int | None, now: datetime
) -> StoredFile:
    """Keep a picture in all widths and return its row.

    Args:
        folder: Where uploads live, ``instance/uploads``.

    Raises:
        OSError: There is no room for it.
    """
    key = hashlib.sha256(f"{picture.digest}{person_id}".encode()).hexdigest()[:40] + f"{now:%H%M%S%f}"[:12]
    target = folder / key[:2]
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, content in picture.copies.items():
            (target / f"{key}-{name}.webp").write_bytes(content)
    except OSError:  # no room: what was begun takes none
        remove_image(folder, key)
        raise
    row = StoredFile(key=key, width=picture.width, height=picture.height, person_id=person_id, created_at=now)
    session.add(row)
    session.flush()
    return row


def store_image(
    session: Session, folder: Path, content: bytes, *, person_id: int | None, now: datetime
) -> StoredFile:
    """Make a picture ready and keep it, in one go: for what does not run while others wait.

    Raises:
        Refused: As ``open_image``.
    """
    return keep_image(session, folder, prepare_image(content), person_id=person_id, now=now)


def image_path(folder: Path, key: str, size: str) -> Path | None:
    """Return where a stored picture lies, or ``None`` where the key or size is not one of ours."""
    if size not in WIDTHS or not key.isalnum():
        return None
    path = folder / key[:2] / f"{key}-{size}.webp"
    return path if path.is_file() else None


def remove_image(folder: Path, key: str) -> None:
    """Delete a picture's files; call it after the row's deletion has been committed."""
    for size in WIDTHS:
        path = image_path(folder, key, size)
        if path is not None:
            path.unlink(missing_ok=True)
