"""The house rules that a reader would otherwise have to remember."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from flask import Flask

from livinglab.web.access import mark_of

PACKAGE = Path(__file__).parents[2] / "livinglab"
ROOMS = ("people", "labs", "ideas", "voting", "moderation", "handoff", "pipeline", "notices", "privacy")
FILES = {"__init__", "models", "rules", "queries", "commands", "forms", "shapes", "views"}
MODULES = sorted(PACKAGE.rglob("*.py"))
WRITERS = {
    # column of Idea: the rooms (or the one file) that may write it
    "stage": ("pipeline",),
    "move": ("pipeline", "ideas"),
    "round": ("pipeline",),
    "hold_until": ("pipeline",),
    "lead_id": ("pipeline", "privacy"),
}


def _source(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_holds_only_the_seven_files(room: str) -> None:
    names = {p.stem for p in (PACKAGE / room).iterdir() if p.name != "__pycache__"}
    assert names <= FILES


def test_no_drawer_for_odds_and_ends() -> None:
    banned = {"utils", "helpers", "common", "manager", "service", "misc"}
    assert not [p for p in MODULES if p.stem in banned]


@pytest.mark.parametrize(
    "path",
    [
        p
        for p in MODULES
        if "commands" in p.parts
        or p.stem in ("commands", "queries", "rules")
        or "queries" in p.parts
        or "rules" in p.parts
    ],
    ids=lambda p: str(p.relative_to(PACKAGE)),
)
def test_below_the_views_nobody_commits_or_asks_the_clock(path: Path) -> None:
    text = path.read_text("utf-8")
    assert ".commit(" not in text
    assert "utc_now(" not in text
    assert "datetime.now(" not in text
    assert "current_user" not in text


@pytest.mark.parametrize(
    "path", [p for p in MODULES if p.stem == "models"], ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_models_do_not_postpone_annotations(path: Path) -> None:
    assert "from __future__ import annotations" not in path.read_text("utf-8")


def test_each_one_writer_column_is_written_in_its_room() -> None:
    strangers = []
    for path in MODULES:
        room = path.relative_to(PACKAGE).parts[0]
        for node in ast.walk(_source(path)):
            targets = (
                node.targets
                if isinstance(node, ast.Assign)
                else [node.target]
                if isinstance(node, ast.AugAssign)
                else []
            )
            for target in targets:
                if (
                    isinstance(target, ast.Attribute)
                    and isinstance(target.value, ast.Name)
                    and target.value.id == "idea"
                ):
                    allowed = WRITERS.get(target.attr)
                    if allowed and room not in allowed:
                        strangers.append(
                            f"{path.relative_to(PACKAGE)}:{node.lineno} writes idea.{target.attr}"
                        )
    assert not strangers


def test_every_route_carries_exactly_one_access_mark(app: Flask) -> None:
    without = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static" and mark_of(app.view_functions[rule.endpoint]) is None
    ]
    assert not without


def test_templates_hold_no_inline_style_script_or_handler() -> None:
    templates = PACKAGE.parent / "templates"
    found = [
        str(path.relative_to(templates))
        for path in templates.rglob("*.html")
        if "mail" not in path.relative_to(templates).parts
        and re.search(r"\sstyle=|\son[a-z]+=\"|<style|<script(?![^>]*\bsrc=)", path.read_text("utf-8"))
    ]
    assert not found


def test_public_functions_have_a_docstring() -> None:
    missing = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} {node.name}"
        for path in MODULES
        if "migrations" not in path.parts
        for node in _source(path).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
        and not node.name.startswith("_")
        and ast.get_docstring(node) is None
    ]
    assert not missing


def test_nothing_in_the_tree_names_a_machine_or_a_registry() -> None:
    banned = re.compile(r"/work/|npmjs\.(org|com)|pypi\.org|pythonhosted")
    found = [
        str(path.relative_to(PACKAGE.parent))
        for folder in ("livinglab", "templates", "static/js", "static/css", "docs", "tests")
        for path in (PACKAGE.parent / folder).rglob("*")
        if path.is_file()
        and path.suffix in (".py", ".html", ".js", ".css", ".md", ".json", ".txt")
        and path != Path(__file__)
        and banned.search(path.read_text("utf-8"))
    ]
    assert not found
