"""What a machine can see in a text: identity numbers, phone numbers, links, repetition (rule M1).

A finding opens a case for a person; it decides nothing about the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from rapidfuzz import fuzz

NEW_ACCOUNT_DAYS = 7
REPEATED_LEAST = 25
REPEATED_LIKENESS = 92


class Check(StrEnum):
    """The automatic checks."""

    NATIONAL_ID = "national-id"
    PHONE = "phone"
    LINK = "link"
    REPEATED = "repeated"


HOLDS_BACK = frozenset({Check.NATIONAL_ID})
"""Findings that keep a text from being published even where people look afterwards."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something found, and where: the half-open range of characters."""

    check: Check
    start: int
    end: int
    excerpt: str


_NO = re.compile(r"(?<![\d.,])(\d{6})[ .\-]?(\d{5})(?![\d]|[.,]\d)")
_SE = re.compile(r"(?<![\d.,])(?:19|20)?(\d{6})[-+ ]?(\d{4})(?![\d]|[.,]\d)")
_FI = re.compile(r"(?<![\w])(\d{6})([-+A-FU-Ya-fu-y])(\d{3})([0-9A-Ya-y])(?!\w)")
_FI_CHECK = "0123456789ABCDEFHJKLMNPRSTUVWXY"
_FI_CENTURY = {"+": 1800} | dict.fromkeys("-YXWVU", 1900) | dict.fromkeys("ABCDEF", 2000)

_SEP = r"[ \u00a0.\-/]?"
_PHONE = re.compile(
    r"(?<![\w.,+\-/])(?:"
    rf"(?:\+|00){_SEP}(?:4[5-7]|35[48]|372|298){_SEP}\(?0?\)?(?:{_SEP}\d){{6,11}}"  # with country code
    rf"|\+(?:{_SEP}\d){{8,14}}"
    r"|0\d{1,3}[ \u00a0\-/]\d{2,3}(?:[ \u00a0]?\d{2,3}){2}"  # Swedish, area code apart
    r"|0[457]\d[ \u00a0\-]?\d{3,4}[ \u00a0\-]?\d{3,4}"  # Swedish and Finnish mobile
    r"|[49]\d{2}[ \u00a0]?\d{2}[ \u00a0]?\d{3}"  # Norwegian mobile
    r"|[2-9]\d[ \u00a0]\d{2}[ \u00a0]\d{2}[ \u00a0]\d{2}"  # Norwegian, in pairs
    r")(?![\d]|[.,]\d|[ \u00a0]?(?:kr|NOK|SEK|EUR|€|%|m²|m2|km|kWh)\b)"
)
_DATE = re.compile(r"0?\d{1,2}[./\-]\d{1,2}[./\-](?:19|20)\d{2}|(?:19|20)\d{2}[./\-]\d{2}[./\-]\d{2}")
_LINK = re.compile(
    r"(?:https?://|www\.)[^\s<>()\[\]]+|(?<![\w@.-])[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*"
    r"\.(?:com|net|org|info|biz|io|eu|no|se|fi|dk|ru|shop|xyz|top|online|site)(?:/[^\s<>()\[\]]*)?(?![\w@])",
    re.IGNORECASE,
)


def checks(text: str, *, new_account: bool = False, earlier: Iterable[str] = ()) -> list[Finding]:
    """Return what the automatic checks find in a text, in reading order.

    Args:
        new_account: Links are only looked at for a new account.
        earlier: Texts this one may repeat: the person's own, and those around it.
    """
    found = [*_national_ids(text)]
    taken = [(f.start, f.end) for f in found]
    found += [f for f in _phones(text) if not _overlaps(f, taken)]
    if new_account:
        found += [Finding(Check.LINK, m.start(), m.end(), m[0]) for m in _LINK.finditer(text)]
    if is_repeated(text, earlier):
        found.append(Finding(Check.REPEATED, 0, 0, ""))
    return sorted(found, key=lambda f: f.start)


def masked(finding: Finding) -> dict[str, str]:
    """Return a finding as it is stored: an identity number keeps only its date of birth."""
    text = finding.excerpt[:120]
    if finding.check is Check.NATIONAL_ID:
        text = text[:6] + "•" * (len(text) - 6)
    return {"check": finding.check.value, "excerpt": text}


def is_repeated(text: str, earlier: Iterable[str]) -> bool:
    """Say whether a text is (nearly) one of the earlier ones; short ones may be alike by chance."""
    plain = _plain(text)
    if len(plain) < REPEATED_LEAST:
        return False
    return any(fuzz.ratio(plain, _plain(other), score_cutoff=REPEATED_LIKENESS) for other in earlier)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _overlaps(finding: Finding, taken: Iterable[tuple[int, int]]) -> bool:
    return any(finding.start < end and start < finding.end for start, end in taken)


def _national_ids(text: str) -> Iterator[Finding]:
    for pattern, valid in ((_NO, is_norwegian), (_FI, is_finnish), (_SE, is_swedish)):
        for match in pattern.finditer(text):
            if valid(match[0]):
                yield Finding(Check.NATIONAL_ID, match.start(), match.end(), match[0])


def _phones(text: str) -> Iterator[Finding]:
    dates = [match.span() for match in _DATE.finditer(text)]
    for match in _PHONE.finditer(text):
        finding = Finding(Check.PHONE, match.start(), match.end(), match[0])
        if not _overlaps(finding, dates):
            yield finding


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _any_century(year: int, month: int, day: int) -> bool:
    return any(_is_day(century + year, month, day) for century in (1800, 1900, 2000))


def is_norwegian(number: str) -> bool:
    """Say whether this is a Norwegian birth number or D-number, by date and both check digits.

    Source: Skatteetaten, fødselsnummer: weights 3 7 6 1 8 9 4 5 2 and 5 4 3 2 7 6 5 4 3 2, modulo 11.
    """
    digits = [int(c) for c in number if c.isdigit()]
    if len(digits) != 11:
        return False
    day, month, year = (digits[i] * 10 + digits[i + 1] for i in (0, 2, 4))
    day, month = day - 40 * (day > 40), month - 80 * (month > 80) - 40 * (40 < month <= 80)
    first = -sum(w * d for w, d in zip((3, 7, 6, 1, 8, 9, 4, 5, 2), digits, strict=False)) % 11
    second = -sum(w * d for w, d in zip((5, 4, 3, 2, 7, 6, 5, 4, 3, 2), digits, strict=False)) % 11
    return _any_century(year, month, day) and digits[9] == first and digits[10] == second


def is_swedish(number: str) -> bool:
    """Say whether this is a Swedish identity or coordination number, by date and check digit.

    Source: Skatteverket, personnummer: Luhn over the last ten digits.
    """
    digits = [int(c) for c in number if c.isdigit()][-10:]
    if len(digits) != 10:
        return False
    year, month, day = (digits[i] * 10 + digits[i + 1] for i in (0, 2, 4))
    doubled = [d * (2 - i % 2) for i, d in enumerate(digits)]
    luhn = sum(d // 10 + d % 10 for d in doubled) % 10 == 0
    return luhn and _any_century(year, month, day - 60 * (day > 60))


def is_finnish(number: str) -> bool:
    """Say whether this is a Finnish identity code, by date and check character.

    Source: Digi- ja väestötietovirasto, henkilötunnus: remainder modulo 31, century signs of 2023.
    """
    match = _FI.fullmatch(number)
    if match is None:
        return False
    born, sign, serial, check = match[1], match[2].upper(), match[3], match[4].upper()
    century = _FI_CENTURY.get(sign)
    if century is None or not _is_day(century + int(born[4:]), int(born[2:4]), int(born[:2])):
        return False
    return _FI_CHECK[int(born + serial) % 31] == check
