"""Pictures meant to do harm: whatever is handed in, what is kept is a WebP of ours, or nothing.

At every door that takes a picture. Memory and time are measured in a process of their own.
Source: issue "Proof", part 5.
"""

from __future__ import annotations

import gc
import gzip
import io
import random
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image, PngImagePlugin

from livinglab.config import Config
from livinglab.core.errors import Refused
from livinglab.core.files import open_image, prepare_image
from livinglab.web.limits import limiter
from tests.make import Make
from tests.security.ledger import Tried
from tests.town import Town

pytestmark = pytest.mark.line("uploads")

SCRIPT = b"<script>pwn()</script><?php pwn(); ?>"


def _saved(image: Image.Image, kind: str, **more: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def _small() -> Image.Image:
    return Image.effect_noise((40, 30), 80).convert("RGB")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _claiming(width: int, height: int, colour: int = 2) -> bytes:
    """A PNG of some hundred bytes that claims to be as large as it likes."""
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 10_000)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _packed(megabytes: int) -> bytes:
    """So many megabytes of nothing, packed, without ever having been whole."""
    packer, nothing = zlib.compressobj(1), b"\0" * 1_000_000
    return b"".join([*(packer.compress(nothing) for _ in range(megabytes)), packer.flush()])


def _bomb() -> bytes:
    """A small PNG that is whole and takes 400 MB unpacked: 20 000 lines of 20 000 points."""
    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", _packed(401)) + _chunk(b"IEND", b"")


def _text_bomb() -> bytes:
    """A small PNG with a text of 200 MB packed into it."""
    png = _saved(_small(), "PNG")
    return png[:33] + _chunk(b"zTXt", b"Comment\0\0" + _packed(200)) + png[33:]


def _profile_bomb() -> bytes:
    """The same with colours."""
    png = _saved(_small(), "PNG")
    return png[:33] + _chunk(b"iCCP", b"icc\0\0" + _packed(200)) + png[33:]


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x.html", SCRIPT)
    return out.getvalue()


def _gif_header(width: int, height: int) -> bytes:
    return (
        b"GIF89a"
        + struct.pack("<HH", width, height)
        + b"\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0"
        + struct.pack("<HH", width, height)
        + b"\0\x02\x02D\x01\0;"
    )


SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='pwn()'><script>pwn()</script><image href='http://pwn.example/'/></svg>"
REFUSED: dict[str, bytes] = {
    "an SVG": SVG, "an SVG with a prologue": b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>" + SVG,
    "an SVG after a mark": b"\xef\xbb\xbf" + SVG, "a packed SVG": gzip.compress(SVG), "an SVG in UTF-16": SVG.decode().encode("utf-16"),
    "HTML": b"<!doctype html>" + SCRIPT, "HTML that begins as a GIF": b"GIF89a/*" + SCRIPT + b"*/=1;", "a script that begins as a GIF": b"GIF89a=1;pwn()",
    "a PDF": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(pwn())>>>>", "a program": b"\x7fELF" + b"\0" * 99, "a Windows program": b"MZ" + b"\0" * 99,
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n(pwn) run", "a zip": _zip(), "a TIFF": _saved(_small(), "TIFF"),
    "a BMP": _saved(_small(), "BMP"), "an icon": _saved(_small(), "ICO"), "a PPM": b"P6 9 9 255 " + b"x" * 243, "a TGA": _saved(_small(), "TGA"),
    "an XBM": b"#define x_width 9\n#define x_height 9\nstatic char x_bits[]={0};", "a PCX": _saved(_small(), "PCX"), "nothing": b"",
    "a FITS": b"SIMPLE  =                    T", "an MVG": b"push graphic-context\nimage over 0,0 0,0 'https://pwn.example/'",
    "a PNG's first bytes": b"\x89PNG\r\n\x1a\n", "a JPEG's first bytes": b"\xff\xd8\xff\xe0\0\x10JFIF", "a WebP's first bytes": b"RIFF\xff\xff\xff\xffWEBPVP8 ",
    "a picture of 10^9 x 10^9": _claiming(10**9, 10**9), "a picture of 2^31 x 1": _claiming(2**31 - 1, 1), "a picture of 30 000 x 30 000": _claiming(30_000, 30_000, 6),
    "a picture of nothing": _claiming(0, 0), "a GIF of 65 535 x 65 535": _gif_header(65_535, 65_535), "a small PNG that unpacks to 400 MB": _bomb(),
    "a broken PNG": _claiming(4000, 4000), "200 MB of packed text": _text_bomb(), "200 MB of packed colours": _profile_bomb(),
}  # fmt: skip


def _animation(kind: str) -> bytes:
    frames = [Image.new("RGB", (60, 60), (n % 256, 0, 0)) for n in range(120)]
    return _saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=10)


def _told(kind: str) -> bytes:
    """A picture that says where it was taken, by whom, and with what; which side is up; and more."""
    exif = Image.Exif()
    exif[274], exif[0x8825], exif[0x010F], exif[0x9286] = (
        6,
        {1: "N", 2: (68.0, 2.0, 3.0)},
        "pwn-camera",
        b"pwn-comment",
    )
    more: dict[str, Any] = {"exif": exif.tobytes()}
    if kind == "PNG":
        words = PngImagePlugin.PngInfo()
        words.add_text("Comment", "pwn-words")
        words.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>pwn-xmp 68.0</x:xmpmeta>")
        more["pnginfo"] = words
    if kind == "JPEG":
        more["comment"] = b"pwn-words"
    if kind in ("WEBP", "AVIF"):
        more["xmp"] = b"<x:xmpmeta>pwn-xmp</x:xmpmeta>"
    return _saved(_small(), kind, **more)


TAKEN: dict[str, bytes] = {
    "a JPEG with a page behind it": _saved(_small(), "JPEG") + SCRIPT, "a PNG with a page behind it": _saved(_small(), "PNG") + SCRIPT,
    "a PNG with a zip behind it": _saved(_small(), "PNG") + _zip(), "a GIF with a page behind it": _saved(_small(), "GIF") + SCRIPT,
    "a GIF that says script": _saved(_small(), "GIF", comment=SCRIPT), "a WebP with a page behind it": _saved(_small(), "WEBP") + SCRIPT,
    "a JPEG that tells": _told("JPEG"), "a PNG that tells": _told("PNG"), "a WebP that tells": _told("WEBP"), "an AVIF that tells": _told("AVIF"),
    "a GIF of 120 frames": _animation("GIF"), "a WebP of 120 frames": _animation("WEBP"), "a PNG of 120 frames": _animation("PNG"), "a picture of one pixel": _saved(Image.new("RGB", (1, 1)), "PNG"),
    "a picture of 5000 x 1": _saved(Image.new("RGB", (5000, 1)), "PNG"), "a picture of 1 x 5000": _saved(Image.new("RGB", (1, 5000)), "PNG"),
    "a picture in CMYK": _saved(_small().convert("CMYK"), "JPEG"), "a picture in 16 bits": _saved(Image.new("I;16", (40, 30)), "PNG"),
    "a picture of two colours": _saved(_small().convert("1"), "PNG"), "a see-through picture": _saved(_small().convert("RGBA"), "PNG"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_harm_is_refused(name: str) -> None:
    with pytest.raises(Refused) as refused:
        open_image(REFUSED[name])
    assert refused.value.code in ("not-an-image", "image-too-large", "file-too-big")


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_taken_is_made_anew_and_says_nothing_more(name: str) -> None:
    picture = prepare_image(TAKEN[name])
    assert set(picture.copies) == {"large", "card", "face"}
    for copy in picture.copies.values():
        assert (copy[:4], copy[8:12]) == (b"RIFF", b"WEBP")
        for secret in (
            b"pwn",
            b"<script",
            b"<?php",
            b"PK\x03\x04",
            b"Exif",
            b"xmp",
            b"EXIF",
            b"XMP ",
            b"ICCP",
            b"ANIM",
        ):
            assert secret not in copy, secret
        kept = Image.open(io.BytesIO(copy))
        assert getattr(kept, "n_frames", 1) == 1
        assert not dict(kept.getexif())
        assert max(kept.size) <= 4800


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
def test_a_picture_cut_off_anywhere_is_refused_or_whole(kind: str, tried: Tried) -> None:
    whole, dice = _saved(_small(), kind), random.Random(5)
    lengths = sorted({*range(0, 64, 4), *(dice.randrange(len(whole)) for _ in range(40)), len(whole) - 1})
    for length in lengths:
        with suppress(Refused):
            assert prepare_image(whole[:length]).copies["large"][:4] == b"RIFF"
    tried(len(lengths))


MEASURE = """
import resource, sys, time
from livinglab.core.errors import Refused
from livinglab.core.files import prepare_image
from tests.security.test_uploads import REFUSED, TAKEN
cases = [*REFUSED.values(), *TAKEN.values()] * 2
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
longest = 0.0
for content in cases:
    began = time.process_time()
    try:
        prepare_image(content)
    except Refused:
        pass
    longest = max(longest, time.process_time() - began)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, round(longest, 2), len(cases))
"""


def test_none_takes_much_memory_or_time(tried: Tried) -> None:
    """All of them one after the other, twice, in a process of their own."""
    told = subprocess.run(
        [sys.executable, "-c", MEASURE], capture_output=True, text=True, check=True
    ).stdout.split()
    assert int(told[0]) < 100, told  # MB
    assert float(told[1]) < 2, told
    tried(int(told[2]))


NAMES = (
    "a.png",
    "a.svg",
    "a.html",
    "a.php",
    "../../a.png",
    "a.png\0.php",
    "con",
    "." * 300,
    "a.jpg.exe",
    "\u202egnp.exe",
    "/etc/passwd",
)


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # the test client's own large bodies
@pytest.mark.one_database
def test_every_door_refuses_and_keeps_alike_whatever_a_file_is_called(
    app: Flask, config: Config, town: Town, make: Make, browser: Callable[[str], FlaskClient], tried: Tried
) -> None:
    limiter.enabled, cases = False, 0
    uploads = Path(config.instance) / "uploads"
    before = {path.relative_to(uploads) for path in uploads.rglob("*") if path.is_file()}
    author, lead = browser("author"), browser("lead")
    doors: tuple[tuple[FlaskClient, str, dict[str, str]], ...] = (
        (author, "/settings/photo", {}),
        (author, "/ideas/write?lab=fjellvik", {"title": "A bench by the river", "image_alt": "A bench", "action": "keep"}),
        (author, f"/ideas/{town.ids['edited']}/edit", {"title": "Kart over glatte veier", "summary": "Et kart.", "body": "Vi tegner det.", "language": "nb", "byline": "name", "image_alt": "A bench", "note": "Bilde"}),
        (lead, f"/ideas/{town.ids['ready']}/evidence/need", {"text": "We counted.", "image_alt": "A bench"}),
    )  # fmt: skip
    harm = (
        "an SVG",
        "a packed SVG",
        "HTML that begins as a GIF",
        "a small PNG that unpacks to 400 MB",
        "200 MB of packed text",
        "a picture of 10^9 x 10^9",
    )
    for client, path, data in doors:
        for number, name in enumerate(harm):
            sent = data | {"image": (io.BytesIO(REFUSED[name]), NAMES[number % len(NAMES)], "image/png")}
            answer = client.post(path, data=sent)
            assert answer.status_code in (200, 409, 422), (path, name, answer.status_code)
            cases += 1
    kept = {path.relative_to(uploads) for path in uploads.rglob("*") if path.is_file()}
    assert kept == before
    for name in NAMES:
        sent = {"image": (io.BytesIO(TAKEN["a JPEG that tells"]), name, "text/html")}
        assert author.post("/settings/photo", data=sent).status_code == 303, name
        (mine,) = {path for path in uploads.rglob("*-face.webp") if path.is_file()} - {
            uploads / path for path in before
        }
        with author.get(f"/pictures/{mine.name}") as answer:
            assert (answer.status_code, answer.mimetype, answer.headers["X-Content-Type-Options"]) == (
                200,
                "image/webp",
                "nosniff",
            )
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        cases += 1
    for odd in (
        "../secret_key",
        "..%2f..%2fsecret_key",
        "%2e%2e/x",
        mine.stem + "%00",
        mine.name.replace("-face", "-other"),
        mine.name.upper(),
        "a" * 300,
    ):
        with author.get(f"/pictures/{odd}") as answer:
            assert answer.status_code == 404, odd
        cases += 1
    tried(cases)
    gc.collect()
