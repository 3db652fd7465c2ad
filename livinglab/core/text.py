"""Text: cleaning what people type, Markdown to safe HTML, words for search and for likeness."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from html import unescape
from threading import Lock

import nh3
import snowballstemmer
from markdown_it import MarkdownIt
from rapidfuzz.utils import default_process

from livinglab import config

LANGUAGES = config.LANGUAGES
_STEMMERS = {"nb": "norwegian", "sv": "swedish", "fi": "finnish", "en": "english"}
_one_at_a_time = Lock()
"""Stemmers and the finder of links keep the text they read in themselves: two threads would mix theirs."""
_CONTROL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_WORD = re.compile(r"[^\W_]+")
_MARKS = re.compile(r"([\u0300-\u036f]{4})[\u0300-\u036f]+")
_TAGS = {
    "p",
    "br",
    "h2",
    "h3",
    "h4",
    "ul",
    "ol",
    "li",
    "strong",
    "em",
    "a",
    "blockquote",
    "code",
    "pre",
    "hr",
}


def clean(text: str | None) -> str:
    """Return text in NFC without control, direction-changing or stacked marks, and without outer space.

    Source: rule I2.
    """
    text = _SURROGATE.sub("", (text or "").replace("\r\n", "\n").replace("\r", "\n"))
    text = _CONTROL.sub("", unicodedata.normalize("NFC", text))
    return unicodedata.normalize("NFC", _MARKS.sub(r"\1", text)).strip()


def clean_line(text: str | None) -> str:
    """Return cleaned text on one line."""
    return " ".join(clean(text).split())


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    md = MarkdownIt("commonmark", {"html": False, "linkify": True, "maxNesting": 12})
    return md.enable("linkify").disable("image")


def _render(markdown: str) -> str:
    with _one_at_a_time:
        return str(_markdown().render(markdown))


@lru_cache(maxsize=1000)
def to_html(markdown: str) -> str:
    """Turn Markdown into HTML that may stand on a page; headings start at level 3.

    Source: rule I2, DESIGN section 3 (markdown-it-py, then nh3).
    """
    html = _render(markdown)
    html = re.sub(r"<(/?)h([1-5])>", lambda m: f"<{m[1]}h{min(4, max(3, int(m[2]) + 1))}>", html)
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow ugc noopener",
    )


def to_plain(markdown: str) -> str:
    """Return the words of Markdown without its marks, on one line."""
    return clean_line(unescape(nh3.clean(_render(markdown), tags=set())))


def excerpt(text: str, length: int) -> str:
    """Return the beginning of a text, cut between words, with an ellipsis when cut."""
    if len(text) <= length:
        return text
    return text[: length - 1].rsplit(" ", 1)[0].rstrip(",.;:– ") + "…"


def slug(text: str, fallback: str = "x") -> str:
    """Return lower-case ASCII words joined by hyphens, for addresses; decoration only (rule I0)."""
    plain = text.lower().translate(
        str.maketrans(
            dict[str, str | int | None]({"ø": "o", "æ": "ae", "đ": "d", "ŋ": "n", "ŧ": "t", "ß": "ss"})
        )
    )
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:60].strip("-") or fallback


def words(text: str) -> list[str]:
    """Return the lower-case words of a text; a raised or joined letter is the plain one: m² is m2.

    So each is one word to either database: PostgreSQL knows no raised digit, SQLite no underscore in a word.
    """
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


@lru_cache(maxsize=len(LANGUAGES))
def _stemmer(language: str) -> snowballstemmer.stemmer:
    return snowballstemmer.stemmer(_STEMMERS[language])


def stems(text: str, language: str) -> list[str]:
    """Return the stems of a text's words; words themselves where the language has no stemmer."""
    found = words(text)
    if language not in _STEMMERS:
        return found
    with _one_at_a_time:
        return list(_stemmer(language).stemWords(found))


def grams(text: str) -> list[str]:
    """Return the distinct three-letter pieces of a text, without those that hold a space.

    They find likeness in any language, with typos and split compounds. Source: DESIGN section 3.
    """
    plain = default_process(text)
    pieces = dict.fromkeys(plain[i : i + 3] for i in range(len(plain) - 2))
    return [piece for piece in pieces if " " not in piece]


def in_language(texts: dict[str, str], language: str, first: str) -> tuple[str, str]:
    """Return (text, its language): the one asked for, else the lab's first, else any. Source: rule L5."""
    for code in (language, first, *texts):
        if texts.get(code):
            return texts[code], code
    return "", first


def initials(name: str) -> str:
    """Return one or two capital letters for a face without a photo."""
    parts = [word for word in re.split(r"[\s-]+", name) if word and word[0].isalnum()]
    return "".join(part[0] for part in (parts[:1] + parts[1:][-1:])).upper() or "?"
