"""The dearest texts somebody can write at full length: each is drawn in a quarter of a second of processor time.

Source: issue "Proof", part 5. Measured when this was written: 66 ms for the dearest (8 000 opening brackets).
"""

from __future__ import annotations

import time

import pytest

from livinglab.core.text import to_html, to_plain

pytestmark = pytest.mark.line("cost")

MOST = 8000
PIECES = (
    "[", "![", "[a](", "![a](", ">", "- ", "*", "**a", "*a_ ", "_a", "`a", "~~a", "[*_`", "a**b", "<", "<a ", "<!--", "<![CDATA[",
    "&amp;", "[a]: b\n", "www.a.no ", "https://a.b/", "a@b.", "# a\n", "```\n", "a\\\n", "|a", "]", ".", "\u0301",
)  # fmt: skip


def _seconds(text: str) -> float:
    begun = time.process_time()
    to_html(text)
    to_plain(text)
    return (time.process_time() - begun) / 2


@pytest.mark.parametrize("piece", PIECES)
def test_no_text_is_dear_to_draw(piece: str) -> None:
    text = (piece * MOST)[:MOST]
    assert min(_seconds(text) for _ in range(2)) < 0.25


def test_lists_within_lists_are_not_dear_either() -> None:
    text = "".join(f"{'  ' * depth}- a\n" for depth in range(88))[:MOST]
    assert _seconds(text) < 0.25
