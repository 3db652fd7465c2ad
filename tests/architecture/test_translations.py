"""Four languages, complete: no text without a translation, none that is only its source again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from tests.translations import FOLDER, LANGUAGES, extract

SAME_IN_ALL = {
    "Livinglab",
    "RSS",
    "QR",
    "PDF",
    "%(num)d %",
    "%(name)s: %(value)s",
    "HTML",
    "Markdown",
    "E-post",
    "Norsk bokmål",
}
"""Texts that are the same word in another language, too; each was looked at."""
SAME_IN = {
    "nb": {
        "Administrator",
        "Finland:",
        "Fjord",
        "Lab",
        "Prototype",
        "prototype",
        "Pseudonym",
        "(pseudonym)",
        "Status",
        "Send",
        "mine",
    },
    "sv": {
        "Pseudonym",
        "(pseudonym)",
        "Status",
        "Finland:",
        "Administration",
        "Demonstration",
        "Fjord",
        "Text",
        "Version %(number)s",
        "Version %(number)s: %(note)s",
    },
    "fi": {"Idea", "%(num)d idea"},
}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}|%[sd]|</?[a-z]+>")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Return every text of the program as it is now."""
    template = tmp_path_factory.mktemp("texts") / "messages.pot"
    extract(template)
    with template.open("rb") as file:
        return read_po(file)


def _catalogue(language: str) -> Catalog:
    with (FOLDER / language / "LC_MESSAGES/messages.po").open("rb") as file:
        return read_po(file, locale=language)


def _forms(text: object) -> tuple[str, ...]:
    return tuple(text) if isinstance(text, (list, tuple)) else (str(text or ""),)


def _pairs(source: Catalog, language: str) -> list[tuple[Message, Message | None]]:
    known = _catalogue(language)
    return [(m, known.get(m.id if isinstance(m.id, str) else m.id[0], m.context)) for m in source if m.id]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(source: Catalog, language: str) -> None:
    missing = [
        m.id
        for m, there in _pairs(source, language)
        if there is None or there.fuzzy or not all(_forms(there.string))
    ]
    assert not missing, f"{len(missing)} texts"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_translation_is_only_its_source_again(source: Catalog, language: str) -> None:
    words = re.compile(r"[^\W\d_]{3,}")
    same = [
        m.id
        for m, there in _pairs(source, language)
        if there is not None
        and _forms(there.string)[0] == _forms(m.id)[0]
        and words.search(PLACEHOLDER.sub("", _forms(m.id)[0]))
        and _forms(m.id)[0] not in SAME_IN_ALL | SAME_IN[language]
    ]
    assert not same


@pytest.mark.parametrize("language", LANGUAGES)
def test_placeholders_survive_translation(source: Catalog, language: str) -> None:
    broken = []
    for message, there in _pairs(source, language):
        if there is None:
            continue
        wanted = set(PLACEHOLDER.findall(" ".join(_forms(message.id))))
        optional = {"%(num)d"} if len(_forms(message.id)) > 1 else set[str]()
        for form in _forms(there.string):
            found = set(PLACEHOLDER.findall(form))
            if form and (found - wanted or wanted - found - optional):
                broken.append((message.id, form))
    assert not broken


def test_the_catalogues_lie_where_the_program_looks() -> None:
    assert {p.name for p in Path(FOLDER).iterdir() if p.is_dir() and p.name != "__pycache__"} == set(
        LANGUAGES
    )
