"""Pictures people hand in: whatever the file is, it becomes a picture of ours or is refused."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image

from livinglab.core.errors import Refused
from livinglab.core.files import open_image

pytestmark = pytest.mark.line("uploads")

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")


def picture(kind: str, size: tuple[int, int] = (40, 30)) -> bytes:
    """A small picture that says where it was taken and which side is up."""
    exif, content = Image.Exif(), io.BytesIO()
    exif[274], exif[0x8825] = 6, {1: "N", 2: (68.0, 2.0, 3.0)}
    more = {} if kind == "GIF" else {"exif": exif}
    Image.effect_noise(size, 80).convert("RGB").save(content, kind, **more)
    return content.getvalue()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_broken_picture_is_refused_and_breaks_nothing(kind, tried):
    dice, whole, ends = random.Random(7), picture(kind), set()
    for _ in range(300):
        broken = bytearray(whole)
        for _ in range(dice.choice((1, 2, 5, 20))):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        try:
            open_image(bytes(broken[: dice.choice((len(broken), dice.randrange(len(broken))))]))
        except Refused as problem:
            ends.add(problem.code)
    assert ends <= {"not-an-image", "image-too-large"}
    assert "not-an-image" in ends
    tried(300)


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7\n", b"MZ" + b"\0" * 200],
)
def test_what_is_no_picture_is_refused(content):
    with pytest.raises(Refused, match="not-an-image"):
        open_image(content)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_unpacked():
    bomb = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(bomb, "PNG")
    with pytest.raises(Refused, match=r"image-too-large|not-an-image"):
        open_image(bomb.getvalue())


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
def test_a_picture_is_turned_upright_and_forgets_where_it_was_taken(kind):
    image = open_image(picture(kind))
    assert image.size == (30, 40)
    kept = io.BytesIO()
    image.save(kept, "WEBP")
    assert not Image.open(io.BytesIO(kept.getvalue())).getexif().get_ifd(0x8825)


def test_a_large_photo_of_a_phone_is_taken():
    content = io.BytesIO()
    Image.new("RGB", (8160, 6120), "navy").save(content, "JPEG")
    assert open_image(content.getvalue()).size == (1600, 1200)
