"""Collects the program's texts into the catalogues: ``make translations``.

New texts come out untranslated, and ``tests/architecture/test_translations.py`` names them.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "livinglab/translations"
LANGUAGES = ("nb", "sv", "fi")
_JINJA = (  # a template that cannot be read is an error
    "extensions = jinja2.ext.do, livinglab.web.fragments.KeptPart\nsilent = false\n"
)
MAPPING = (
    f"[python: livinglab/**.py]\n[jinja2: templates/**.html]\n{_JINJA}[jinja2: templates/**.txt]\n{_JINJA}"
)
IGNORED = ".* node_modules __pycache__ instance"  # not "_*", babel's default: the macros lie in such a folder
KEYWORDS = ["_l", "_ln:1,2", "lazy_gettext", "lazy_ngettext:1,2"]
OPTIONS = ["--no-location", "--sort-output", "--omit-header", "--project=Livinglab"]


def _babel(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "babel.messages.frontend", "--quiet", *arguments], cwd=ROOT, check=True
    )


def extract(target: Path) -> None:
    """Write the template of all texts."""
    mapping = target.with_suffix(".cfg")
    mapping.write_text(MAPPING, "utf-8")
    keywords = [part for word in KEYWORDS for part in ("-k", word)]
    _babel(
        "extract", "-F", str(mapping), *keywords, *OPTIONS, "--ignore-dirs", IGNORED, "-o", str(target), "."
    )
    mapping.unlink()


def main() -> None:
    """Bring each catalogue up to date with the program; nothing that was translated is lost."""
    template = FOLDER / "messages.pot"
    FOLDER.mkdir(exist_ok=True)
    extract(template)
    for language in LANGUAGES:
        target = FOLDER / language / "LC_MESSAGES" / "messages.po"
        verb = "update" if target.exists() else "init"
        more = ["--no-fuzzy-matching", "--ignore-obsolete", "--omit-header"] if verb == "update" else []
        target.parent.mkdir(parents=True, exist_ok=True)
        _babel(verb, "-i", str(template), "-o", str(target), "-l", language, *more)
    template.unlink()


if __name__ == "__main__":
    main()
