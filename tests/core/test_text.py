"""Words and their stems, also when several threads ask at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from livinglab.core.text import stems, to_plain

LONG = "kommunestyrerepresentantenes næringsutviklingsprosjekter " * 40
SHORT = "en bro " * 120


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_threads_that_read_at_once_do_not_mix_their_words(hasty_threads: None) -> None:
    texts = [LONG, SHORT] * 20
    alone = [(stems(text, "nb"), to_plain(text + str(n))) for n, text in enumerate(texts)]
    with ThreadPoolExecutor(4) as pool:
        together = list(
            pool.map(lambda one: (stems(one[1], "nb"), to_plain(one[1] + str(one[0]))), enumerate(texts))
        )
    assert together == alone
