"""What a page shows of itself elsewhere: where it is shared, and on a phone's home screen."""

from __future__ import annotations

import json
import re
from io import BytesIO

from PIL import Image

from livinglab.core.files import StoredFile


def metas(page):
    """Return what a page says for those who share it."""
    return dict(re.findall(r'<meta property="(og:[^"]+)" content="([^"]*)"', page))


def sizes(client, address):
    answer = client.get(address.removeprefix("http://localhost"))
    assert (answer.status_code, answer.mimetype) == (200, "image/png")
    size = Image.open(BytesIO(answer.data)).size
    answer.close()
    return size


def test_a_page_without_a_picture_is_shared_with_the_sites_own(client, make):
    idea = make.idea()
    for path in ("/", "/labs", f"/ideas/{idea.id}"):
        told = metas(client.get(path).text)
        assert told["og:image"].startswith("http://localhost/static/img/share.png")
    assert sizes(client, told["og:image"]) == (1200, 630)


def test_an_idea_with_a_picture_is_shared_with_it(client, make, noon):
    photo = StoredFile(key="abc123", width=800, height=600, created_at=noon)
    make.add(photo)
    idea = make.idea(image_id=photo.id, image_alt="A bench")
    told = metas(client.get(f"/ideas/{idea.id}").text)
    assert (told["og:image"], told["og:image:alt"]) == (
        "http://localhost/pictures/abc123-large.webp",
        "A bench",
    )


def test_a_phone_finds_name_and_icons_for_its_home_screen(client):
    page = client.get("/").text
    (address,) = re.findall(r'<link rel="manifest" href="([^"]+)"', page)
    answer = client.get(address)
    told = json.loads(answer.data)
    assert (answer.mimetype, told["name"], told["start_url"]) == (
        "application/manifest+json",
        "Livinglab",
        "/",
    )
    for icon in told["icons"]:
        assert "x".join(map(str, sizes(client, icon["src"]))) == icon["sizes"]
    (touch,) = re.findall(r'<link rel="apple-touch-icon" href="([^"]+)"', page)
    assert sizes(client, touch) == (180, 180)
    assert answer.headers.get("Set-Cookie") is None
