"""The lines of the security net, and how many cases each has tried: counted by the tests themselves.

A test belongs to a line by its mark (``@pytest.mark.line("tokens")``) and says with ``tried(n)`` how many
cases it went through; one that says nothing is one case. ``make security`` runs them all and writes the
table of ``docs/security-net.md``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "security-net.md"
BEGIN, END = "<!-- counted: begin -->", "<!-- counted: end -->"
LINES = {
    "matrix": "Role × route × object, foreign labs included",
    "absent": "What is not one’s own answers as what does not exist, and as fast",
    "stuffing": "Mass assignment on every write",
    "scripting": "40 scripting payloads × every text × every place shown",
    "cost": "Markdown at full length ≤ 250 ms",
    "csrf": "CSRF on every non-GET; no state on GET; mailed links inert on GET",
    "tokens": "Tokens bound to purpose, person and expiry; single use; hashed at rest",
    "everywhere": "Sign-out, password change and role loss everywhere at once",
    "links": "Mailed links begin with the configured address whatever the Host",
    "redirects": "No open redirect",
    "enumeration": "Nothing told by text, status, length or time",
    "limits": "Lock-out and rate limits across workers, behind a trusted proxy only",
    "approval": "What was approved cannot be changed unseen",
    "uploads": "Uploads: bombs, polyglots, SVG, hidden data",
    "headers": "Headers with a strict policy on every kind of answer",
    "sizes": "Trusted hosts, limits of size and nesting",
    "fuzz": "Odd values: never a 5xx, the same verdict on both databases",
}
Tried = Callable[[int], None]
ENGINES = ("sqlite", "postgresql")


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Tried:
    """``tried(n)``: this test went through so many cases of its line."""
    return lambda cases: request.node.user_properties.append(("cases", cases))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Write down to which line a test belongs, and on which databases it runs."""
    for item in items:
        mark = item.get_closest_marker("line")
        if mark is not None:
            assert mark.args[0] in LINES, f"{item.nodeid}: no such line"
            engine = getattr(item, "callspec", None) and item.callspec.params.get("engine_name")  # type: ignore[attr-defined]
            both = "both" in getattr(item, "fixturenames", ())
            item.user_properties += [("line", mark.args[0]), ("engine", "both" if both else engine or "none")]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """With ``--counts``, tell how many cases each line has tried; a whole run writes the page."""
    if not config.getoption("--counts"):
        return
    table = _table(_counted(terminalreporter.stats.get("passed", [])))
    terminalreporter.write_line("")
    terminalreporter.write_line(table)
    failed = terminalreporter.stats.get("failed", []) + terminalreporter.stats.get("error", [])
    if not failed and not config.getoption("--only") and not config.args[0].endswith(".py"):
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}", "utf-8")


Counts = dict[str, tuple[Counter[str], set[str]]]


def _counted(reports: list[Any]) -> Counts:
    """Return for each line the cases by database, and the files they stand in."""
    found: Counts = defaultdict(lambda: (Counter(), set()))
    for report in reports:
        told = report.user_properties
        line = next((value for name, value in told if name == "line"), None)
        if report.when != "call" or line is None:
            continue
        engine = next(value for name, value in told if name == "engine")
        cases = sum(value for name, value in told if name == "cases") or 1
        for column in ENGINES if engine == "both" else (engine,):
            found[line][0][column] += cases
        found[line][1].add(report.nodeid.partition("::")[0])
    return found


def _table(found: Counts) -> str:
    rows = [
        "| Line of the promise | SQLite | PostgreSQL | without a database | Tests |",
        "|---|---:|---:|---:|---|",
    ]
    for line, title in LINES.items():
        cases, files = found[line]
        numbers = " | ".join(
            f"{cases[one]:,}".replace(",", " ") if cases[one] else "–" for one in (*ENGINES, "none")
        )
        places = ", ".join(f"`{name.removeprefix('tests/')}`" for name in sorted(files))
        rows.append(f"| {title} | {numbers} | {places} |")
    whole = [sum(found[line][0][one] for line in LINES) for one in (*ENGINES, "none")]
    told = " | ".join(f"**{number:,}**".replace(",", " ") for number in whole)
    return "\n".join([*rows, f"| **Together** | {told} | |"])
