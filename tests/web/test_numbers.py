"""Fields for numbers show what their readers would write."""

from __future__ import annotations

import pytest
from flask import Flask

from livinglab.labs.forms.challenges import MeasuredForm


@pytest.mark.parametrize(
    ("lang", "number", "shown"),
    [("nb", 59.0, "59"), ("nb", 4.5, "4,5"), ("en", 4.5, "4.5"), ("fi", -0.5, "-0,5")],
)
def test_a_number_stands_in_its_field_as_its_readers_write_it(
    app: Flask, lang: str, number: float, shown: str
) -> None:
    with app.test_request_context(f"/?lang={lang}"):
        assert f'value="{shown}"' in str(MeasuredForm(data={"value": number})["value"]())


def test_what_was_typed_stands_in_the_field_as_it_was_typed(app: Flask) -> None:
    with app.test_request_context("/?lang=nb", method="POST", data={"value": "1 000,50 kr"}):
        form = MeasuredForm()
        form.validate()
        assert 'value="1 000,50 kr"' in str(form["value"]())
