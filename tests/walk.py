"""Walking the site as a stranger to it: every page, and every form on it, filled in as it is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import BuildError, IntegerConverter, Rule

from tests.town import Town


def pages(app: Flask) -> list[Rule]:
    left_out = ("static", "health.ready")  # the latter says 503 where no worker runs
    return [
        rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.endpoint not in left_out
    ]


def numbered(rule: Rule) -> bool:
    return any(isinstance(converter, IntegerConverter) for converter in rule._converters.values())


def address(app: Flask, rule: Rule, town: Town, number: int | None = None) -> str:
    known = {
        "idea_id": town.ids["published"], "challenge_id": town.ids["challenge"], "handoff_id": town.ids["handoff_proposed"],
        "answer_id": town.ids["answer_waiting"], "review_id": town.ids["review_ready"], "proposal_id": town.ids["proposal"],
        "decision_id": town.ids["letter"], "case_id": town.ids["case_pending"], "appeal_id": town.ids["appeal"],
        "comment_id": town.ids["comment_problem"], "evidence_id": town.ids["evidence"], "benefit_id": town.ids["benefit"],
        "measure_id": town.ids["measure"], "unit_id": town.ids["unit"], "number": 1, "slug": town.keys["slug"],
        "criterion": "need", "what": "confirm", "role": "lead", "key": "ab", "size": "card", "name": "x",
        "mail_key": town.keys["mail_key"], "token": town.keys["sign-in"],
    }  # fmt: skip
    whole = {
        name: number
        if number is not None and isinstance(rule._converters.get(name), IntegerConverter)
        else known.get(name, 1)
        for name in rule.arguments
    }
    with app.test_request_context():
        try:
            return app.url_map.bind("localhost").build(rule.endpoint, whole)
        except BuildError:
            return rule.rule


@dataclass
class Field:
    """A field as the page draws it: what somebody would send who fills in the form as it is meant."""

    name: str
    value: str
    hidden: bool


@dataclass
class Form:
    action: str
    fields: list[Field]

    @property
    def key(self) -> tuple[str, ...]:
        """Return what tells one form from another: its address without numbers, and its fields."""
        return (re.sub(r"\d+", "N", self.action), *sorted({field.name for field in self.fields}))


class _Forms(HTMLParser):
    """Collects the forms that are sent by POST, filled in: values, first choices, plain words where empty."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._form: Form | None = None
        self._page = page
        self._text: Field | None = None
        self._choices: Field | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "form" and named.get("method", "").lower() == "post":
            action = named.get("action", "")
            self._form = Form(action if action.startswith("/") else self._page, [])
            self.found.append(self._form)
        elif self._form is None:
            return
        elif tag == "option" and self._choices is not None:
            if named.get("value") and ("selected" in named or not self._choices.value):
                self._choices.value = named["value"]
        elif tag in ("input", "textarea", "select", "button") and named.get("name"):
            self._field(self._form, tag, named)

    def _field(self, form: Form, tag: str, named: dict[str, str]) -> None:
        kind, taken = named.get("type", "text"), {field.name for field in form.fields}
        if (kind in ("radio", "submit") or tag == "button") and named["name"] in taken:
            return
        value = named.get("value", "") or ("" if tag == "select" else _MEANT.get(kind, _WORDS))
        field = Field(named["name"], "" if tag == "textarea" else value, kind == "hidden")
        form.fields.append(field)
        self._text = field if tag == "textarea" else None
        self._choices = field if tag == "select" else None

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.value += data.strip()

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._text is not None:
            self._text.value, self._text = self._text.value or _WORDS, None
        if tag == "form":
            self._form = None


_WORDS = "The path is steep and many would use it."
_MEANT = {
    "date": "2027-01-31", "datetime-local": "2027-01-31T12:00", "number": "3", "url": "https://example.org/",
    "email": "someone@example.org", "password": "a good sentence 7", "hidden": "", "checkbox": "y", "file": "",
    "time": "12:00",
}  # fmt: skip


def forms_on(client: FlaskClient, page: str) -> list[Form]:
    shown = client.get(page)
    if shown.status_code != 200 or shown.mimetype != "text/html":
        return []
    return forms_in(shown.text, page)


def forms_in(text: str, page: str) -> list[Form]:
    forms = _Forms(page)
    forms.feed(text)
    return forms.found
