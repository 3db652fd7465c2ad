"""The place in a list, packed into the address; anybody may type anything there."""

from __future__ import annotations

import pytest

from livinglab.web.paging import cursor_out, unpack


@pytest.mark.parametrize("values", [[1, 2], ["n", 3, 4.5, None]])
def test_a_cursor_comes_back_as_it_went(values: list[object]) -> None:
    assert unpack(cursor_out(*values)) == values


@pytest.mark.parametrize("value", [True, False, float("nan"), float("inf"), 2**62, -(2**62), [1], {"a": 1}])
def test_what_no_cursor_of_ours_holds_is_the_first_page(value: object) -> None:
    assert unpack(cursor_out(1, value)) is None
